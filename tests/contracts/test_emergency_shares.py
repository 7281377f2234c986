"""EmergencyShares by example: two officers, limits, reviews and what an overdue one blocks.

Over 300 lines: one contract, and each of its functions done, without effect and refused with its arguments.
"""

from __future__ import annotations

import pytest
from mining import asked, does
from shares_world import (
    ANOTHER,
    APPROVER,
    AUTHORITY,
    BASIS,
    CLOSED,
    CONDITIONAL,
    CONSUMER,
    DAY,
    DRAFT,
    GATEWAY,
    GOVERNMENT,
    HANDLER,
    ID,
    OTHER_ID,
    OWN,
    PROVIDER,
    SharesWorld,
    by,
)
from world import NONE, digest, emitted, left, now, plain, refusal, unchanged, wait

PROPOSED, OPEN, REVIEW_DUE, JUSTIFIED, UNJUSTIFIED = STATES = range(1, 6)
HOUR = 3_600
CLOSES_AT, REVIEW_BY, REPORT = 7, 8, 10
# Act → (who, role, party, arguments after the id, states in which it is done, those in which it changes nothing).
ACTS = {
    "open": ("approver", APPROVER, CONSUMER, (), {PROPOSED}, {OPEN}),
    "close": ("approver", APPROVER, AUTHORITY, (651, 0, BASIS), {OPEN}, {REVIEW_DUE}),
    "report": ("handler", HANDLER, CONSUMER, (digest("account"),), {OPEN, REVIEW_DUE}, set()),
    "judge": ("authority", APPROVER, AUTHORITY, (True, 653, BASIS), {REVIEW_DUE}, {JUSTIFIED}),
}


@pytest.fixture(scope="module")
def w(module_isolation):
    return SharesWorld()


def given(id_: bytes = ID, **changes) -> tuple:
    """The struct Terms."""
    fits = {
        "resource": CONDITIONAL,
        "decision": digest(f"decision {id_.hex()}"),
        "items": digest(f"items {id_.hex()}"),
        "article": 1_010_052,
        "reason": 603,
        "hours": 4,
        "reads": 20,
    }
    return tuple((fits | changes).values())


def bring(w, id_: bytes, state: int, **changes) -> bytes:
    """A new emergency, brought to `state`; its id. Its acts have a document of their own."""
    basis = digest(f"basis {id_.hex()}")
    does(w.emergencies.propose, w.handler, id_, given(id_, **changes))
    if state >= OPEN:
        does(w.emergencies.open, w.approver, id_)
    if state >= REVIEW_DUE:
        does(w.emergencies.close, w.approver, id_, 651, 0, basis)
    if state > REVIEW_DUE:
        does(w.emergencies.judge, w.authority, id_, state == JUSTIFIED, 653, basis)
    return id_


def kept(w, member: int, id_=ID):
    return plain(w.emergencies.emergencyOf(id_))[member]


def test_each_act__every_state__done_or_nothing_or_refused_with_the_state(w):
    ids = {state: bring(w, digest(f"state {state}"), state) for state in STATES}
    for act, (who, _, _, args, done, nothing) in ACTS.items():
        for state, id_ in ids.items():
            found = asked(getattr(w.emergencies, act), w.people[who].operator, id_, *args)
            if state in done | nothing:
                assert found is (state in done), (act, state)
            else:
                assert found == refusal("EmergencyShares_MoveNotAllowed", id_, state), (act, state)


def test_each_act__role_party_unknown__refused_in_this_order(w):
    bring(w, ID, OPEN)
    everybody = w.stand_in("everybody", ANOTHER, GOVERNMENT, HANDLER | APPROVER | GATEWAY)
    for act, (who, role, party, args, _, _) in ACTS.items():
        function, right = getattr(w.emergencies, act), w.people[who].operator
        assert asked(function, right, OTHER_ID, *args) == refusal("EmergencyShares_Unknown", OTHER_ID)
        found = asked(function, everybody, ID, *args)
        assert found == refusal("EmergencyShares_NotParty", ID, left(party), left(GOVERNMENT)), act
        wrong = w.approver if role == HANDLER else w.handler
        assert asked(function, wrong, OTHER_ID, *args) == refusal("Departments_RoleMissing", wrong, role)
    found = asked(w.emergencies.close, everybody, ID, 0, 20, BASIS)
    assert found == refusal("EmergencyShares_NotParty", ID, left(PROVIDER), left(GOVERNMENT))
    found = asked(w.emergencies.close, w.handler, ID, 0, 20, BASIS)
    assert found == refusal("Departments_RoleMissing", w.handler, GATEWAY)
    found = asked(w.emergencies.propose, w.approver, NONE, given())
    assert found == refusal("Departments_RoleMissing", w.approver, HANDLER)
    assert asked(w.emergencies.moveDeadline, w.handler, OTHER_ID) == refusal("EmergencyShares_Unknown", OTHER_ID)
    changing = {f["name"] for f in w.emergencies.abi if f["type"] == "function" and f["stateMutability"] != "view"}
    assert changing == {*ACTS, "propose", "moveDeadline"}


def test_propose__fits__done_then_noop_then_taken(w):
    tx = w.emergencies.propose(ID, given(), by(w.handler))
    assert emitted(
        tx,
        "EmergencyProposed",
        id=ID,
        consumer=left(CONSUMER),
        provider=left(PROVIDER),
        operator=w.handler,
        person=digest("handler"),
    )
    assert plain(tx.events["EmergencyProposed"]["terms"]) == given()
    assert unchanged(w.emergencies.propose(ID, given(), by(w.handler)))
    found = asked(w.emergencies.propose, w.handler, ID, given(hours=5))
    assert found == refusal("EmergencyShares_IdTaken", ID)
    for member in ("decision", "items"):
        taken = digest(f"decision {ID.hex()}")
        found = asked(w.emergencies.propose, w.handler, OTHER_ID, given(OTHER_ID, **{member: taken}))
        assert found == refusal("EmergencyShares_CommitmentUsed", taken)


def test_propose__what_it_needs__denied_with_arguments(w):
    def found(id_=ID, who=w.handler, **changes):
        return asked(w.emergencies.propose, who, id_, given(**changes))

    for member, cases in {
        2: [{"decision": NONE}],
        3: [{"items": NONE}],
        # An article of an emergency law, not any law's and not a law alone.
        4: [{"article": a} for a in (0, 10_021, 1_000_001, 1_010_000, 2_000_001)],
        6: [{"hours": 0}, {"hours": 73}],
        7: [{"reads": 0}, {"reads": 1_001}],
    }.items():
        for changes in cases:
            assert found(**changes) == refusal("EmergencyShares_TermInvalid", member), changes
    for edge in ({"hours": 72}, {"reads": 1_000}, {"article": 1_999_999}):
        assert found(**edge) is True, edge
    assert found(reason=101) == refusal("EmergencyShares_ReasonInvalid", 101)
    assert found(resource=CLOSED) == refusal("EmergencyShares_NotShared", CLOSED)
    assert found(resource=DRAFT) == refusal("EmergencyShares_NotPublished", DRAFT)
    assert found(resource=OWN) == refusal("EmergencyShares_OwnResource", OWN)
    assert found(NONE) == refusal("EmergencyShares_IdZero")
    machine = w.stand_in("machine", ANOTHER, CONSUMER, HANDLER, machine=True)
    assert found(who=machine) == refusal("EmergencyShares_PersonNeeded", machine)
    w.departments.suspend(left(CONSUMER), 1, NONE, by(w.council))
    assert found() == refusal("EmergencyShares_DepartmentSuspended", left(CONSUMER))


def test_open__two_officers__hours_from_here_and_the_review_from_the_calendar(w):
    bring(w, ID, PROPOSED)
    assert asked(w.emergencies.open, w.both_consumer, ID) == refusal("EmergencyShares_SamePerson", ID)
    machine = w.stand_in("machine", ANOTHER, CONSUMER, APPROVER, machine=True)
    assert asked(w.emergencies.open, machine, ID) == refusal("EmergencyShares_PersonNeeded", machine)
    w.pause()
    assert asked(w.emergencies.open, w.approver, ID) == refusal("EmergencyShares_Paused")
    w.pause(False)
    w.places.setResource(CONDITIONAL, left(PROVIDER), 3, 3, by(w.council))
    assert asked(w.emergencies.open, w.approver, ID) == refusal("EmergencyShares_NotShared", CONDITIONAL)
    w.places.setResource(CONDITIONAL, left(PROVIDER), 2, 5, by(w.council))
    assert asked(w.emergencies.open, w.approver, ID) == refusal("EmergencyShares_NotPublished", CONDITIONAL)
    w.places.setResource(CONDITIONAL, left(PROVIDER), 2, 3, by(w.council))
    w.departments.suspend(left(CONSUMER), 1, NONE, by(w.council))
    assert asked(w.emergencies.open, w.approver, ID) == refusal("EmergencyShares_DepartmentSuspended", left(CONSUMER))
    w.departments.reinstate(left(CONSUMER), NONE, by(w.council))
    tx = w.emergencies.open(ID, by(w.approver))
    closes = tx.timestamp + 4 * HOUR
    review_by = (closes // DAY + 11) * DAY
    assert emitted(tx, "EmergencyOpened", department=left(CONSUMER), closesAt=closes, reviewBy=review_by)
    assert unchanged(w.emergencies.open(ID, by(w.approver)))
    assert plain(w.emergencies.pendingOf(left(CONSUMER))) == (ID,)
    assert [w.emergencies.effectiveState(ID, t) for t in (closes - 1, closes)] == [OPEN, REVIEW_DUE]
    assert [w.emergencies.isOverdue(ID, t) for t in (review_by - 1, review_by)] == [False, True]
    wait(5 * HOUR)
    # Its hours are over: nothing opens it again.
    assert asked(w.emergencies.open, w.approver, ID) == refusal("EmergencyShares_MoveNotAllowed", ID, REVIEW_DUE)


def test_close__people_for_a_reason_or_the_gateway_that_counted(w):
    bring(w, ID, OPEN)
    for who in (w.approver, w.provider_approver, w.authority):
        assert asked(w.emergencies.close, who, ID, 651, 0, BASIS) is True
    assert asked(w.emergencies.close, w.approver, ID, 101, 0, BASIS) == refusal("EmergencyShares_ReasonInvalid", 101)
    assert asked(w.emergencies.close, w.gateway, ID, 0, 19, BASIS) == refusal("EmergencyShares_ReasonInvalid", 0)
    # The consumer's gateway counts nothing.
    found = asked(w.emergencies.close, w.approver, ID, 0, 20, BASIS)
    assert found == refusal("EmergencyShares_NotParty", ID, left(PROVIDER), left(CONSUMER))
    tx = w.emergencies.close(ID, 0, 20, BASIS, by(w.gateway))
    assert emitted(tx, "EmergencyClosed", department=left(PROVIDER), reason=0, reads=20, basis=BASIS)
    assert unchanged(w.emergencies.close(ID, 0, 20, BASIS, by(w.gateway)))


def test_report__once__its_own_commitment(w):
    bring(w, ID, OPEN)
    account = digest("account")
    assert asked(w.emergencies.report, w.handler, ID, NONE) == refusal("EmergencyShares_CommitmentNeeded", ID)
    used = digest(f"items {ID.hex()}")
    assert asked(w.emergencies.report, w.handler, ID, used) == refusal("EmergencyShares_CommitmentUsed", used)
    tx = w.emergencies.report(ID, account, by(w.handler))
    assert emitted(tx, "EmergencyReported", department=left(CONSUMER), report=account)
    assert unchanged(w.emergencies.report(ID, account, by(w.handler)))
    assert kept(w, REPORT) == account
    found = asked(w.emergencies.report, w.handler, ID, digest("another"))
    assert found == refusal("EmergencyShares_ReportedAlready", ID)


@pytest.mark.parametrize("justified", [True, False])
def test_judge__reason_and_decision__final(w, justified):
    bring(w, ID, REVIEW_DUE)
    assert asked(w.emergencies.judge, w.authority, ID, justified, 101, BASIS) == refusal(
        "EmergencyShares_ReasonInvalid", 101
    )
    found = asked(w.emergencies.judge, w.authority, ID, justified, 653, NONE)
    assert found == refusal("EmergencyShares_CommitmentNeeded", ID)
    tx = w.emergencies.judge(ID, justified, 653, BASIS, by(w.authority))
    assert emitted(tx, "EmergencyJudged", department=left(AUTHORITY), justified=justified, reason=653, basis=BASIS)
    assert unchanged(w.emergencies.judge(ID, justified, 653, BASIS, by(w.authority)))
    state = JUSTIFIED if justified else UNJUSTIFIED
    found = asked(w.emergencies.judge, w.authority, ID, not justified, 653, BASIS)
    assert found == refusal("EmergencyShares_MoveNotAllowed", ID, state)
    assert plain(w.emergencies.pendingOf(left(CONSUMER))) == ()
    assert not w.emergencies.isOverdue(ID, now() + 100 * DAY)


@pytest.mark.parametrize("justified", [True, False])
def test_judge__authority_suspended__refused(w, justified):
    bring(w, ID, REVIEW_DUE)
    w.departments.suspend(left(AUTHORITY), 1, NONE, by(w.council))
    found = asked(w.emergencies.judge, w.authority, ID, justified, 653, BASIS)
    assert found == refusal("EmergencyShares_DepartmentSuspended", left(AUTHORITY))


def test_overdue_review__blocks_the_next__until_it_is_judged(w):
    bring(w, ID, OPEN)
    bring(w, OTHER_ID, PROPOSED)
    review_by = kept(w, REVIEW_BY)
    # While it is only due, it blocks nothing.
    wait(5 * HOUR)
    assert asked(w.emergencies.open, w.approver, OTHER_ID) is True
    wait(review_by - now())
    blocked = refusal("EmergencyShares_ReviewOverdue", left(CONSUMER), ID)
    assert asked(w.emergencies.open, w.approver, OTHER_ID) == blocked
    # A report is no judgement.
    does(w.emergencies.report, w.handler, ID, digest("account"))
    assert asked(w.emergencies.open, w.approver, OTHER_ID) == blocked
    does(w.emergencies.judge, w.authority, ID, False, 654, BASIS)
    assert asked(w.emergencies.open, w.approver, OTHER_ID) is True


def test_pending__at_most_sixteen(w):
    for number in range(16):
        bring(w, digest(f"id {number}"), OPEN)
    bring(w, ID, PROPOSED)
    assert asked(w.emergencies.open, w.approver, ID) == refusal("EmergencyShares_TooMany", left(CONSUMER), 16)
    does(w.emergencies.close, w.approver, digest("id 7"), 651, 0, BASIS)
    does(w.emergencies.judge, w.authority, digest("id 7"), True, 653, BASIS)
    assert asked(w.emergencies.open, w.approver, ID) is True
    assert len(w.emergencies.pendingOf(left(CONSUMER))) == 15


def test_calendar_changed__review_moves_later_only(w):
    bring(w, ID, OPEN)
    before = kept(w, REVIEW_BY)
    assert unchanged(w.emergencies.moveDeadline(ID, by(w.gateway)))
    w.places.setSlip(2, by(w.council))
    tx = w.emergencies.moveDeadline(ID, by(w.gateway))
    assert emitted(tx, "DeadlineMoved", **{"from": before, "to": before + 2 * DAY})
    w.places.setSlip(0, by(w.council))
    assert unchanged(w.emergencies.moveDeadline(ID, by(w.gateway)))
    for state in (PROPOSED, JUSTIFIED):
        assert unchanged(w.emergencies.moveDeadline(bring(w, digest(f"state {state}"), state), by(w.gateway)))


def test_succession__the_authority_carries_the_consumer__the_government_judges(w):
    """Nobody judges itself."""
    bring(w, ID, REVIEW_DUE)
    w.departments.succeed(left(CONSUMER), left(AUTHORITY), 0, [], BASIS, by(w.council))
    found = asked(w.emergencies.judge, w.authority, ID, True, 653, BASIS)
    assert found == refusal("EmergencyShares_NotParty", ID, left(GOVERNMENT), left(AUTHORITY))
    tx = w.emergencies.judge(ID, True, 653, BASIS, by(w.government))
    assert emitted(tx, "EmergencyJudged", department=left(GOVERNMENT))


def test_pause__stops_openings_alone(w):
    ids = {state: bring(w, digest(f"state {state}"), state) for state in STATES}
    w.pause()
    for act, (who, _, _, args, done, _) in ACTS.items():
        for state in done:
            found = asked(getattr(w.emergencies, act), w.people[who].operator, ids[state], *args)
            assert found == (refusal("EmergencyShares_Paused") if act == "open" else True), (act, state)
    w.pause(False)


def test_document__behind_acts_in_two_emergencies__denied_as_it_would_join_them(w):
    other = bring(w, digest("another id"), OPEN)
    bring(w, ID, OPEN)
    does(w.emergencies.close, w.approver, ID, 651, 0, BASIS)
    used = refusal("EmergencyShares_CommitmentUsed", BASIS)
    assert asked(w.emergencies.close, w.approver, other, 651, 0, BASIS) == used
    does(w.emergencies.close, w.approver, other, 651, 0, NONE)
    assert asked(w.emergencies.judge, w.authority, other, True, 653, BASIS) == used
    assert asked(w.emergencies.judge, w.authority, ID, True, 653, BASIS) is True
