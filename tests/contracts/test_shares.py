"""ShareAuthorisations by example: what is emitted, what is refused with which arguments. Each act's every way is in
test_shares_machine; here are the ones that a reader looks for first."""

from __future__ import annotations

import pytest
from brownie import accounts
from shares_world import (
    APPROVER,
    AUTHORITY,
    CLOSED,
    CONDITIONAL,
    CONSUMER,
    DAY,
    GATEWAY,
    HANDLER,
    OPEN,
    PROVIDER,
    SharesWorld,
    terms,
    terms_tuple,
)
from world import NONE, digest, emitted, left, now, plain, reverts, unchanged, wait

ID = digest("an id")
OTHER_ID = digest("another id")
BASIS = digest("basis")
(
    INTERNAL,
    SUBMITTED,
    REVIEW,
    RETURNED,
    WITHDRAWN,
    REJECTED,
    DISPUTED,
    FINAL,
    GRANTED,
    ACTIVE,
    SUSPENDED,
    EXPIRED,
    EXHAUSTED,
    REVOKED,
    SURRENDERED,
    SUPERSEDED,
) = range(1, 17)


@pytest.fixture(scope="module")
def w(module_isolation):
    return SharesWorld()


def by(account) -> dict:
    return {"from": account}


def propose(w, id_=ID, number=0, **changes):
    given = terms_tuple(terms(now(), number, **changes))
    return w.shares.propose(id_, given, by(w.handler)), given


def review(w, id_=ID, **changes):
    propose(w, id_, **changes)
    w.shares.submit(id_, by(w.approver))
    return w.shares.review(id_, by(w.provider_handler))


def activate(w, id_=ID, **changes):
    review(w, id_, **changes)
    w.shares.grant(id_, BASIS, by(w.provider_approver))
    return w.shares.activate(id_, BASIS, by(w.provider_handler))


def state(w, id_=ID) -> int:
    return w.shares.effectiveState(id_, now())


def test_propose__fits__done_then_noop_then_taken(w):
    tx, given = propose(w)
    assert emitted(tx, "Proposed", id=ID, consumer=left(CONSUMER), provider=left(PROVIDER), operator=w.handler)
    assert plain(tx.events["Proposed"]["terms"]) == given
    assert unchanged(w.shares.propose(ID, given, by(w.handler)))
    with reverts("ShareAuthorisations_IdTaken", ID):
        propose(w, number=1)


def test_propose__not_shared_or_without_a_legal_basis__denied(w):
    with reverts("ShareAuthorisations_NotShared", CLOSED):
        propose(w, resource=CLOSED)
    with reverts("ShareAuthorisations_TermInvalid", 11):
        propose(w, article=0)
    with reverts("ShareAuthorisations_TermInvalid", 5):
        propose(w, basis_kind=2)


def test_propose__a_commitment_of_another_application__denied(w):
    """Two applications with one commitment would be joined by it."""
    propose(w)
    for member in ("body", "items"):
        with reverts("ShareAuthorisations_CommitmentUsed", digest("items 0")):
            propose(w, OTHER_ID, 1, **{member: digest("items 0")})


def test_every_function__stranger__role_missing_first(w):
    w.departments.endOperator(w.both, 1, by(w.council))
    t = terms_tuple(terms(0, not_after=0))
    calls = {
        "propose": (NONE, t, HANDLER),
        "submit": (NONE, APPROVER),
        "preReview": (NONE, True, 0, 0, NONE, APPROVER),
        "review": (NONE, HANDLER),
        "returnForMore": (NONE, NONE, HANDLER),
        "resubmit": (NONE, NONE, APPROVER),
        "withdraw": (NONE, 0, NONE, HANDLER),
        "askExtension": (NONE, 0, 0, NONE, HANDLER),
        "extend": (NONE, NONE, APPROVER),
        "grant": (NONE, NONE, APPROVER),
        "reject": (NONE, 0, 0, NONE, APPROVER),
        "dispute": (NONE, NONE, APPROVER),
        "escalate": (NONE, 0, NONE, APPROVER),
        "settle": (NONE, True, NONE, APPROVER),
        "activate": (NONE, NONE, HANDLER),
        "fileStop": (NONE, 0, NONE, HANDLER),
        "suspend": (NONE, 0, 0, NONE, APPROVER),
        "resume": (NONE, NONE, APPROVER),
        "revoke": (NONE, 0, NONE, APPROVER),
        "surrender": (NONE, 0, NONE, APPROVER),
        "exhaust": (NONE, 0, NONE, GATEWAY),
        "recordUse": (NONE, 0, NONE, HANDLER),
        "acknowledge": (NONE, 0, 0, GATEWAY),
    }
    for function, (*args, role) in calls.items():
        with reverts("Departments_RoleMissing", w.both, role):
            getattr(w.shares, function)(*args, by(w.both))
    with reverts("ShareAuthorisations_NotCouncil", w.both):
        w.shares.setProfile(left(AUTHORITY), True, 0, NONE, by(w.both))


def test_submit_and_grant__same_person_or_machine__denied(w):
    propose(w)
    with reverts("ShareAuthorisations_SamePerson", ID):
        w.shares.submit(ID, by(w.both_consumer))
    w.shares.submit(ID, by(w.approver))
    with reverts("ShareAuthorisations_PersonNeeded", w.gateway):
        w.shares.review(ID, by(w.gateway))
    w.shares.review(ID, by(w.provider_handler))
    with reverts("ShareAuthorisations_SamePerson", ID):
        w.shares.grant(ID, BASIS, by(w.both))
    with reverts("ShareAuthorisations_PersonNeeded", w.gateway):
        w.shares.grant(ID, BASIS, by(w.gateway))
    with reverts("ShareAuthorisations_NotParty", ID, left(PROVIDER), left(CONSUMER)):
        w.shares.grant(ID, BASIS, by(w.approver))


@pytest.mark.parametrize(("resource", "days"), [(OPEN, 1), (CONDITIONAL, 10)])
def test_reply__class__its_term_and_silence_is_overdue_not_consent(w, resource, days):
    propose(w, resource=resource)
    tx = w.shares.submit(ID, by(w.approver))
    clock = plain(w.shares.grantOf(ID))[16]
    assert clock == (tx.timestamp, days, (tx.timestamp // DAY + 1 + days) * DAY)
    assert plain(tx.events["Moved"]["clock"]) == clock
    assert not w.shares.isOverdue(ID, clock[2] - 1)
    assert w.shares.isOverdue(ID, clock[2])
    wait(30 * DAY)
    assert state(w) == SUBMITTED
    w.shares.review(ID, by(w.provider_handler))
    with reverts("ShareAuthorisations_TermOver", ID, clock[2]):
        w.shares.askExtension(ID, 5, 801, NONE, by(w.provider_handler))
    # A late answer is an answer.
    assert w.shares.grant(ID, BASIS, by(w.provider_approver)).return_value


def test_extension__asked_and_consented__once_and_at_most_ten(w):
    review(w)
    ask = (ID, 10, 801, BASIS, by(w.provider_handler))
    with reverts("ShareAuthorisations_ExtensionInvalid", ID, 11, 10):
        w.shares.askExtension(ID, 11, 801, BASIS, by(w.provider_handler))
    with reverts("ShareAuthorisations_ExtensionInvalid", ID, 0, 10):
        w.shares.extend(ID, BASIS, by(w.authority))
    assert emitted(w.shares.askExtension(*ask), "ExtensionAsked", workingDays=10, reason=801)
    assert unchanged(w.shares.askExtension(*ask))
    with reverts("ShareAuthorisations_NotParty", ID, left(AUTHORITY), left(PROVIDER)):
        w.shares.extend(ID, BASIS, by(w.provider_approver))
    assert emitted(w.shares.extend(ID, BASIS, by(w.authority)), "Extended", department=left(AUTHORITY))
    assert plain(w.shares.grantOf(ID))[16][1] == 20
    assert unchanged(w.shares.extend(ID, BASIS, by(w.authority)))
    with reverts("ShareAuthorisations_ExtensionInvalid", ID, 3, 10):
        w.shares.askExtension(ID, 3, 801, BASIS, by(w.provider_handler))


def test_return__once_and_the_clock_runs_on(w):
    review(w)
    before = plain(w.shares.grantOf(ID))[16]
    missing = digest("what is missing")
    tx = w.shares.returnForMore(ID, missing, by(w.provider_handler))
    assert emitted(tx, "Moved", to=RETURNED, basis=missing)
    assert unchanged(w.shares.returnForMore(ID, missing, by(w.provider_handler)))
    with reverts("ShareAuthorisations_ReturnedAlready", ID):
        w.shares.returnForMore(ID, digest("more"), by(w.provider_handler))
    tx = w.shares.resubmit(ID, digest("completed"), by(w.approver))
    assert emitted(tx, "Moved", to=SUBMITTED, basis=digest("completed"))
    assert plain(w.shares.grantOf(ID))[16] == before
    with reverts("ShareAuthorisations_ReturnedAlready", ID):
        w.shares.returnForMore(ID, digest("more"), by(w.provider_handler))


@pytest.mark.parametrize(("mode", "left_over"), [(1, 7), (2, 10)])
def test_return__profile__clock_rests_or_begins_anew(w, mode, left_over):
    w.shares.setProfile(left(AUTHORITY), False, mode, BASIS, by(w.council))
    review(w)
    wait(4 * DAY)  # days 1 to 3 are over, the fourth isn't
    w.shares.returnForMore(ID, digest("missing"), by(w.provider_handler))
    assert plain(w.shares.grantOf(ID))[16] == (0, left_over, 0)
    wait(50 * DAY)
    tx = w.shares.resubmit(ID, digest("completed"), by(w.approver))
    deadline = (tx.timestamp // DAY + 1 + left_over) * DAY
    assert plain(w.shares.grantOf(ID))[16] == (tx.timestamp, left_over, deadline)


def test_pre_review__profile__uses_none_of_the_term(w):
    w.shares.setProfile(left(AUTHORITY), True, 0, BASIS, by(w.council))
    propose(w)
    w.shares.submit(ID, by(w.approver))
    assert plain(w.shares.grantOf(ID))[16] == (0, 0, 0)
    with reverts("ShareAuthorisations_PreReviewPending", ID):
        w.shares.review(ID, by(w.provider_handler))
    wait(9 * DAY)
    tx = w.shares.preReview(ID, True, 0, 0, BASIS, by(w.authority))
    assert plain(w.shares.grantOf(ID))[16][:2] == (tx.timestamp, 10)
    assert unchanged(w.shares.preReview(ID, True, 0, 0, BASIS, by(w.authority)))


def test_reject_and_dispute__to_the_government__final(w):
    review(w)
    with reverts("ShareAuthorisations_ArticleNeeded", ID):
        w.shares.reject(ID, 401, 0, BASIS, by(w.provider_approver))
    with reverts("ShareAuthorisations_ReasonInvalid", 101):
        w.shares.reject(ID, 101, 10_021, BASIS, by(w.provider_approver))
    tx = w.shares.reject(ID, 401, 10_021, BASIS, by(w.provider_approver))
    assert emitted(tx, "Moved", to=REJECTED, reason=401, detail=10_021)
    assert emitted(w.shares.dispute(ID, BASIS, by(w.approver)), "Moved", to=DISPUTED, detail=1)
    with reverts("ShareAuthorisations_NotParty", ID, left(PROVIDER), left(AUTHORITY)):
        w.shares.settle(ID, True, BASIS, by(w.authority))
    w.shares.escalate(ID, 2, BASIS, by(w.approver))
    with reverts("ShareAuthorisations_NotFinal", ID, 2):
        w.shares.settle(ID, False, BASIS, by(w.authority))
    assert emitted(w.shares.escalate(ID, 3, BASIS, by(w.authority)), "Escalated", stage=3)
    assert unchanged(w.shares.escalate(ID, 3, BASIS, by(w.approver)))
    assert emitted(w.shares.settle(ID, False, BASIS, by(w.government)), "Moved", to=FINAL, detail=3)
    assert unchanged(w.shares.settle(ID, False, BASIS, by(w.government)))
    with reverts("ShareAuthorisations_MoveNotAllowed", ID, FINAL):
        w.shares.dispute(ID, BASIS, by(w.approver))


def test_misuse__suspend_mend_terminate(w):
    activate(w)
    stopper = by(w.provider_approver)
    with reverts("ShareAuthorisations_MendPending", ID, 0):
        w.shares.revoke(ID, 101, BASIS, stopper)
    with reverts("ShareAuthorisations_MendDaysInvalid", ID, 101, 0):
        w.shares.suspend(ID, 101, 0, BASIS, stopper)
    tx = w.shares.suspend(ID, 101, 3, BASIS, stopper)
    assert emitted(tx, "Moved", to=SUSPENDED, reason=101)
    assert unchanged(w.shares.suspend(ID, 101, 3, BASIS, stopper))
    deadline = plain(w.shares.grantOf(ID))[16][2]
    with reverts("ShareAuthorisations_MendPending", ID, deadline):
        w.shares.revoke(ID, 101, BASIS, stopper)
    wait(4 * DAY)
    tx = w.shares.revoke(ID, 101, BASIS, stopper)
    assert emitted(tx, "Moved", to=REVOKED, reason=101)
    assert unchanged(w.shares.revoke(ID, 101, BASIS, stopper))
    # What was stored is due a day later, with all three records.
    assert plain(w.shares.disposal(ID, now())) == (tx.timestamp + DAY, False)
    for kind in (1, 2, 3):
        w.shares.recordUse(ID, kind, digest(f"record {kind}"), by(w.handler))
    assert plain(w.shares.disposal(ID, now())) == (tx.timestamp + DAY, True)


def test_other_stop__negotiated_and_filed_first(w):
    activate(w)
    stopper = by(w.provider_approver)
    with reverts("ShareAuthorisations_NotFiled", ID, 201):
        w.shares.revoke(ID, 201, BASIS, stopper)
    with reverts("ShareAuthorisations_CommitmentNeeded", ID):
        w.shares.fileStop(ID, 201, NONE, by(w.provider_handler))
    tx = w.shares.fileStop(ID, 201, digest("negotiation"), by(w.provider_handler))
    assert emitted(tx, "StopFiled", ground=201, negotiation=digest("negotiation"))
    assert w.shares.revoke(ID, 201, BASIS, stopper).return_value


def test_acknowledge__each_gateway__late_ones_show(w):
    activate(w)
    w.shares.suspend(ID, 301, 0, BASIS, by(w.authority))
    block = plain(w.shares.grantOf(ID))[18]
    assert plain(w.shares.acknowledged(ID, w.gateway)) == (0, 0)
    with reverts("ShareAuthorisations_StopInvalid", ID, 2, block):
        w.shares.acknowledge(ID, 2, block, by(w.gateway))
    with reverts("ShareAuthorisations_StopInvalid", ID, 1, block - 1):
        w.shares.acknowledge(ID, 1, block - 1, by(w.gateway))
    tx = w.shares.acknowledge(ID, 1, block, by(w.gateway))
    assert emitted(tx, "Acknowledged", gateway=w.gateway, stop=1, appliedAt=block)
    assert unchanged(w.shares.acknowledge(ID, 1, block, by(w.gateway)))
    assert plain(w.shares.acknowledged(ID, w.gateway)) == (1, block)
    assert w.shares.acknowledge(ID, 1, block, by(w.approver)).return_value


def test_renewal__activated__supersedes_and_takes_the_disposal_over(w):
    activate(w)
    activate(w, OTHER_ID, number=1, supersedes=ID)
    assert (state(w), state(w, OTHER_ID)) == (SUPERSEDED, ACTIVE)
    assert plain(w.shares.grantOf(ID))[22] == OTHER_ID
    assert plain(w.shares.disposal(ID, now())) == (0, False)


def test_expiry__block_time_alone__nothing_reopens_it(w):
    activate(w)
    end = plain(w.shares.grantOf(ID))[0][7]
    assert w.shares.effectiveState(ID, end - 1) == ACTIVE
    assert w.shares.effectiveState(ID, end) == EXPIRED
    wait(101 * DAY)
    with reverts("ShareAuthorisations_MoveNotAllowed", ID, EXPIRED):
        w.shares.suspend(ID, 301, 0, BASIS, by(w.authority))
    assert plain(w.shares.disposal(ID, now())) == (end + 30 * DAY, False)


def test_suspended_department__neither_applies_nor_grants__but_stops(w):
    activate(w)
    w.departments.suspend(left(PROVIDER), 1, NONE, by(w.council))
    review_id = OTHER_ID
    propose(w, review_id, 1)
    w.shares.submit(review_id, by(w.approver))
    w.shares.review(review_id, by(w.provider_handler))
    with reverts("ShareAuthorisations_DepartmentSuspended", left(PROVIDER)):
        w.shares.grant(review_id, BASIS, by(w.provider_approver))
    assert w.shares.suspend(ID, 101, 3, BASIS, by(w.provider_approver)).return_value
    w.departments.suspend(left(CONSUMER), 1, NONE, by(w.council))
    with reverts("ShareAuthorisations_DepartmentSuspended", left(CONSUMER)):
        propose(w, digest("third"), 2)
    assert w.shares.withdraw(review_id, 501, BASIS, by(w.handler)).return_value


def test_calendar_changed__deadline_moves_later_only(w):
    propose(w)
    w.shares.submit(ID, by(w.approver))
    before = plain(w.shares.grantOf(ID))[16][2]
    assert unchanged(w.shares.moveDeadline(ID, by(accounts[0])))
    w.places.setSlip(2, by(w.council))
    tx = w.shares.moveDeadline(ID, by(accounts[0]))
    assert emitted(tx, "DeadlineMoved", **{"from": before, "to": before + 2 * DAY})
    w.places.setSlip(0, by(w.council))
    assert unchanged(w.shares.moveDeadline(ID, by(accounts[0])))


def test_succession__who_carries__acts(w):
    """The provider is succeeded: its successor answers, under the old application."""
    review(w)
    w.departments.succeed(left(PROVIDER), left(AUTHORITY), 0, [], BASIS, by(w.council))
    with reverts("ShareAuthorisations_NotParty", ID, left(AUTHORITY), left(CONSUMER)):
        w.shares.grant(ID, BASIS, by(w.approver))
    assert emitted(w.shares.grant(ID, BASIS, by(w.authority)), "Moved", to=GRANTED, department=left(AUTHORITY))
