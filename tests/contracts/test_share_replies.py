"""ShareAuthorisations by example: the provider's reply, its clock, and what the authority's profile makes of it."""

from __future__ import annotations

import pytest
from brownie import accounts
from mining import asked, does
from shares_world import (
    ANOTHER,
    AUTHORITY,
    BASIS,
    CONDITIONAL,
    DAY,
    GRANTED,
    ID,
    OPEN,
    OTHER_ID,
    PROVIDER,
    REJECTED,
    RETURNED,
    REVIEW,
    SUBMITTED,
    SharesWorld,
    by,
    clock,
)
from world import NONE, digest, emitted, left, now, plain, refusal, unchanged, wait


@pytest.fixture(scope="module")
def w(module_isolation):
    return SharesWorld()


def test_review_and_grant__two_people_and_no_machine(w):
    w.bring(ID, SUBMITTED)
    assert asked(w.shares.review, w.gateway, ID) == refusal("ShareAuthorisations_PersonNeeded", w.gateway)
    tx = w.shares.review(ID, by(w.provider_handler))
    assert emitted(tx, "ReviewStarted", department=left(PROVIDER), person=digest("provider_handler"))
    assert unchanged(w.shares.review(ID, by(w.provider_handler)))
    for act, args in (("grant", (BASIS,)), ("reject", (401, 10_021, BASIS))):
        answer = getattr(w.shares, act)
        assert asked(answer, w.both, ID, *args) == refusal("ShareAuthorisations_SamePerson", ID)
        assert asked(answer, w.gateway, ID, *args) == refusal("ShareAuthorisations_PersonNeeded", w.gateway)
    tx = w.shares.grant(ID, BASIS, by(w.provider_approver))
    assert emitted(tx, "Moved", department=left(PROVIDER), to=GRANTED, basis=BASIS)
    assert clock(w) == (tx.timestamp, 20, (tx.timestamp // DAY + 21) * DAY)
    assert unchanged(w.shares.grant(ID, BASIS, by(w.provider_approver)))


def test_review__another_handler__takes_over(w):
    w.bring(ID, REVIEW)
    third = w.stand_in("third", ANOTHER, PROVIDER, 4 | 8)
    does(w.shares.review, third, ID)
    assert plain(w.shares.grantOf(ID))[21] == digest("third")
    # Who took it over can't answer; who had it before can.
    assert asked(w.shares.grant, third, ID, BASIS) == refusal("ShareAuthorisations_SamePerson", ID)
    assert asked(w.shares.grant, w.both, ID, BASIS) is True


@pytest.mark.parametrize(("resource", "days"), [(OPEN, 1), (CONDITIONAL, 10)])
def test_reply__class__its_term_and_silence_is_overdue_not_consent(w, resource, days):
    w.propose(ID, resource=resource)
    tx = w.shares.submit(ID, by(w.approver))
    assert clock(w) == (tx.timestamp, days, (tx.timestamp // DAY + 1 + days) * DAY)
    assert plain(tx.events["Moved"]["clock"]) == clock(w)
    deadline = clock(w)[2]
    assert not w.shares.isOverdue(ID, deadline - 1)
    assert w.shares.isOverdue(ID, deadline)
    wait(30 * DAY)
    assert w.shares.effectiveState(ID, now()) == SUBMITTED
    does(w.shares.review, w.provider_handler, ID)
    late = refusal("ShareAuthorisations_TermOver", ID, deadline)
    assert asked(w.shares.askExtension, w.provider_handler, ID, 5, 801, NONE) == late
    assert asked(w.shares.extend, w.authority, ID, NONE) == late
    # A late answer is an answer.
    assert asked(w.shares.grant, w.provider_approver, ID, BASIS) is True


def test_grant__window_over__denied(w):
    end = now() + 3600
    w.bring(ID, REVIEW, not_after=end)
    wait(4000)
    assert asked(w.shares.grant, w.provider_approver, ID, BASIS) == refusal("ShareAuthorisations_WindowOver", ID, end)
    assert asked(w.shares.reject, w.provider_approver, ID, 401, 10_021, BASIS) is True


def test_extension__asked_and_consented__once_and_at_most_ten(w):
    w.bring(ID, REVIEW)
    start, days, _ = clock(w)
    ask = (ID, 10, 801, BASIS, by(w.provider_handler))
    for wrong in (0, 11):
        found = asked(w.shares.askExtension, w.provider_handler, ID, wrong, 801, BASIS)
        assert found == refusal("ShareAuthorisations_ExtensionInvalid", ID, wrong, 10)
    found = asked(w.shares.askExtension, w.provider_handler, ID, 5, 401, BASIS)
    assert found == refusal("ShareAuthorisations_ReasonInvalid", 401)
    assert asked(w.shares.extend, w.authority, ID, BASIS) == refusal("ShareAuthorisations_ExtensionInvalid", ID, 0, 10)
    assert emitted(w.shares.askExtension(*ask), "ExtensionAsked", workingDays=10, reason=801)
    assert unchanged(w.shares.askExtension(*ask))
    # What the authority is looking at doesn't change under its hands.
    found = asked(w.shares.askExtension, w.provider_handler, ID, 3, 801, BASIS)
    assert found == refusal("ShareAuthorisations_ExtensionInvalid", ID, 3, 10)
    assert clock(w)[1] == days
    tx = w.shares.extend(ID, BASIS, by(w.authority))
    assert emitted(tx, "Extended", department=left(AUTHORITY), basis=BASIS)
    assert plain(tx.events["Extended"]["clock"]) == clock(w) == (start, 20, (start // DAY + 21) * DAY)
    assert unchanged(w.shares.extend(ID, BASIS, by(w.authority)))


def test_return__once_and_the_clock_runs_on(w):
    w.bring(ID, REVIEW)
    before, missing = clock(w), digest("what is missing")
    found = asked(w.shares.returnForMore, w.provider_handler, ID, NONE)
    assert found == refusal("ShareAuthorisations_CommitmentNeeded", ID)
    tx = w.shares.returnForMore(ID, missing, by(w.provider_handler))
    assert emitted(tx, "Moved", to=RETURNED, basis=missing)
    assert unchanged(w.shares.returnForMore(ID, missing, by(w.provider_handler)))
    for who, body, name, args in (
        (w.both_consumer, digest("completed"), "SamePerson", (ID,)),
        (w.approver, NONE, "CommitmentNeeded", (ID,)),
        (w.approver, missing, "CommitmentUsed", (missing,)),
    ):
        assert asked(w.shares.resubmit, who, ID, body) == refusal(f"ShareAuthorisations_{name}", *args)
    tx = w.shares.resubmit(ID, digest("completed"), by(w.approver))
    assert emitted(tx, "Moved", to=SUBMITTED, basis=digest("completed"))
    assert unchanged(w.shares.resubmit(ID, digest("completed"), by(w.approver)))
    assert clock(w) == before
    found = asked(w.shares.returnForMore, w.provider_handler, ID, digest("more"))
    assert found == refusal("ShareAuthorisations_ReturnedAlready", ID)


@pytest.mark.parametrize(("mode", "left_over"), [(1, 7), (2, 10)])
def test_return__profile__clock_rests_or_begins_anew(w, mode, left_over):
    w.shares.setProfile(left(AUTHORITY), False, mode, BASIS, by(w.council))
    w.bring(ID, REVIEW)
    wait(4 * DAY)  # days 1 to 3 are over, the fourth isn't
    does(w.shares.returnForMore, w.provider_handler, ID, digest("missing"))
    assert clock(w) == (0, left_over, 0)
    wait(50 * DAY)
    assert not w.shares.isOverdue(ID, now())
    tx = w.shares.resubmit(ID, digest("completed"), by(w.approver))
    assert clock(w) == (tx.timestamp, left_over, (tx.timestamp // DAY + 1 + left_over) * DAY)


def test_return__after_the_term__heals_no_silence(w):
    w.shares.setProfile(left(AUTHORITY), False, 2, BASIS, by(w.council))
    w.bring(ID, REVIEW)
    before = clock(w)
    wait(12 * DAY)
    does(w.shares.returnForMore, w.provider_handler, ID, digest("missing"))
    assert clock(w) == before
    assert w.shares.isOverdue(ID, now())


def test_pre_review__profile__uses_none_of_the_term(w):
    w.shares.setProfile(left(AUTHORITY), True, 0, BASIS, by(w.council))
    w.bring(ID, SUBMITTED)
    w.bring(OTHER_ID, SUBMITTED)
    assert clock(w) == (0, 0, 0)
    pending = refusal("ShareAuthorisations_PreReviewPending", ID)
    assert asked(w.shares.review, w.provider_handler, ID) == pending
    assert asked(w.shares.returnForMore, w.provider_handler, ID, digest("list")) == pending
    assert asked(w.shares.askExtension, w.provider_handler, ID, 5, 801, BASIS) == pending
    wait(9 * DAY)
    # No silence of the provider's yet.
    found = asked(w.shares.dispute, w.approver, ID, BASIS)
    assert found == refusal("ShareAuthorisations_MoveNotAllowed", ID, SUBMITTED)
    tx = w.shares.preReview(ID, True, 0, 0, BASIS, by(w.authority))
    assert emitted(tx, "Moved", department=left(AUTHORITY), to=SUBMITTED)
    assert clock(w)[:2] == (tx.timestamp, 10)
    assert unchanged(w.shares.preReview(ID, True, 0, 0, BASIS, by(w.authority)))

    refuse = (OTHER_ID, False, 406, 10_021, digest("another basis"))
    found = asked(w.shares.preReview, w.authority, OTHER_ID, False, 406, 0, BASIS)
    assert found == refusal("ShareAuthorisations_ArticleNeeded", OTHER_ID)
    assert emitted(w.shares.preReview(*refuse, by(w.authority)), "Moved", to=REJECTED, reason=406, detail=10_021)
    assert unchanged(w.shares.preReview(*refuse, by(w.authority)))


def test_reject__reason_and_article__or_not_at_all(w):
    w.bring(ID, REVIEW)
    for reason, article, name, args in (
        (101, 10_021, "ReasonInvalid", (101,)),
        (400, 10_021, "ReasonInvalid", (400,)),
        (401, 0, "ArticleNeeded", (ID,)),
        (401, 21, "ArticleNeeded", (ID,)),
        (401, 10_000, "ArticleNeeded", (ID,)),
    ):
        found = asked(w.shares.reject, w.provider_approver, ID, reason, article, BASIS)
        assert found == refusal(f"ShareAuthorisations_{name}", *args)
    tx = w.shares.reject(ID, 401, 10_021, BASIS, by(w.provider_approver))
    assert emitted(tx, "Moved", to=REJECTED, reason=401, detail=10_021, basis=BASIS)
    assert clock(w) == (0, 0, 0)
    assert unchanged(w.shares.reject(ID, 401, 10_021, BASIS, by(w.provider_approver)))
    # Another reason is another rejection.
    found = asked(w.shares.reject, w.provider_approver, ID, 402, 10_021, BASIS)
    assert found == refusal("ShareAuthorisations_MoveNotAllowed", ID, REJECTED)


def test_set_profile__council__done_noop_denied(w):
    args = (left(AUTHORITY), True, 2, BASIS)
    tx = w.shares.setProfile(*args, by(w.council))
    assert emitted(tx, "ProfileSet", authority=left(AUTHORITY), operator=w.council, preReview=True, returnClock=2)
    assert unchanged(w.shares.setProfile(*args, by(w.council)))
    assert plain(w.shares.profileOf(left(AUTHORITY))) == (True, 2)
    found = asked(w.shares.setProfile, w.council, left(AUTHORITY), True, 3, BASIS)
    assert found == refusal("ShareAuthorisations_ProfileInvalid", 3)


def test_calendar_changed__deadline_moves_later_only(w):
    w.bring(ID, SUBMITTED)
    before = clock(w)[2]
    assert unchanged(w.shares.moveDeadline(ID, by(accounts[0])))
    w.places.setSlip(2, by(w.council))
    tx = w.shares.moveDeadline(ID, by(accounts[0]))
    assert emitted(tx, "DeadlineMoved", **{"from": before, "to": before + 2 * DAY})
    w.places.setSlip(0, by(w.council))
    assert unchanged(w.shares.moveDeadline(ID, by(accounts[0])))
    assert clock(w)[2] == before + 2 * DAY
    w.bring(OTHER_ID, REJECTED)
    assert unchanged(w.shares.moveDeadline(OTHER_ID, by(accounts[0])))
