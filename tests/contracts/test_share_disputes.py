"""ShareAuthorisations by example: disputes within a division and across divisions, and silence that escalates."""

from __future__ import annotations

import pytest
from mining import asked, does
from shares_world import (
    AUTHORITY,
    BASIS,
    CONDITIONAL,
    CONSUMER,
    DAY,
    DISPUTED,
    ELSEWHERE,
    FAR,
    FINAL,
    GOVERNMENT,
    ID,
    INTERNAL,
    OPEN,
    PROVIDER,
    REJECTED,
    RETURNED,
    REVIEW,
    SUBMITTED,
    SharesWorld,
    by,
)
from world import NONE, digest, emitted, left, now, plain, refusal, unchanged, wait

CLOCK, STAGE = 16, 4


@pytest.fixture(scope="module")
def w(module_isolation):
    return SharesWorld()


def kept(w, member: int, id_=ID):
    return plain(w.shares.grantOf(id_))[member]


def not_party(expected: str, found: str) -> str:
    return refusal("ShareAuthorisations_NotParty", ID, left(expected) if expected else NONE, left(found))


def test_one_division__negotiation_authority_government__final(w):
    w.bring(ID, REJECTED)
    tx = w.shares.dispute(ID, BASIS, by(w.approver))
    assert emitted(tx, "Moved", department=left(CONSUMER), to=DISPUTED, detail=1, basis=BASIS)
    assert unchanged(w.shares.dispute(ID, BASIS, by(w.approver)))
    # Negotiation: the provider gives way, or nobody does.
    assert asked(w.shares.settle, w.authority, ID, True, BASIS) == not_party(PROVIDER, AUTHORITY)
    assert asked(w.shares.settle, w.provider_approver, ID, True, BASIS) is True
    assert asked(w.shares.settle, w.provider_approver, ID, False, BASIS) == refusal(
        "ShareAuthorisations_NotFinal", ID, 1
    )
    assert asked(w.shares.escalate, w.authority, ID, 2, BASIS) == not_party(PROVIDER, AUTHORITY)
    not_allowed = refusal("ShareAuthorisations_MoveNotAllowed", ID, DISPUTED)
    for stage in (0, 3, 4):
        assert asked(w.shares.escalate, w.approver, ID, stage, BASIS) == not_allowed
    tx = w.shares.escalate(ID, 2, BASIS, by(w.approver))
    assert emitted(tx, "Escalated", department=left(CONSUMER), stage=2, basis=BASIS)
    # The sharing authority coordinates; what fails is no decision.
    assert asked(w.shares.settle, w.provider_approver, ID, True, BASIS) == not_party(AUTHORITY, PROVIDER)
    assert asked(w.shares.settle, w.authority, ID, False, BASIS) == refusal("ShareAuthorisations_NotFinal", ID, 2)
    assert asked(w.shares.settle, w.authority, ID, True, BASIS) is True
    assert emitted(w.shares.escalate(ID, 3, BASIS, by(w.authority)), "Escalated", stage=3)
    assert unchanged(w.shares.escalate(ID, 3, BASIS, by(w.approver)))
    assert unchanged(w.shares.escalate(ID, 2, BASIS, by(w.approver)))
    assert asked(w.shares.settle, w.authority, ID, True, BASIS) == not_party(GOVERNMENT, AUTHORITY)
    tx = w.shares.settle(ID, False, BASIS, by(w.government))
    assert emitted(tx, "Moved", department=left(GOVERNMENT), to=FINAL, detail=3, basis=BASIS)
    assert unchanged(w.shares.settle(ID, False, BASIS, by(w.government)))
    final = refusal("ShareAuthorisations_MoveNotAllowed", ID, FINAL)
    assert asked(w.shares.settle, w.government, ID, True, BASIS) == final
    assert asked(w.shares.dispute, w.approver, ID, BASIS) == final
    assert asked(w.shares.withdraw, w.handler, ID, 501, BASIS) == final


def test_across_divisions__the_common_authority_from_the_start(w):
    w.bring(ID, SUBMITTED, resource=FAR)
    handler, approver = (w.people[f"far_{who}"].operator for who in ("handler", "approver"))
    does(w.shares.review, handler, ID)
    does(w.shares.reject, approver, ID, 402, 10_021, BASIS)
    tx = w.shares.dispute(ID, BASIS, by(w.approver))
    assert emitted(tx, "Moved", to=DISPUTED, detail=2)
    assert asked(w.shares.settle, approver, ID, True, BASIS) == not_party(AUTHORITY, ELSEWHERE)
    w.places.setAuthority(1, 420106, 420500, NONE, by(w.council))
    assert asked(w.shares.settle, w.authority, ID, True, BASIS) == not_party("", AUTHORITY)
    w.places.setAuthority(1, 420106, 420500, left(AUTHORITY), by(w.council))
    tx = w.shares.settle(ID, True, BASIS, by(w.authority))
    assert emitted(tx, "Moved", department=left(AUTHORITY), to=REVIEW, detail=2)
    assert kept(w, CLOCK) == (tx.timestamp, 10, (tx.timestamp // DAY + 11) * DAY)
    assert unchanged(w.shares.settle(ID, True, BASIS, by(w.authority)))


def test_suspended_authority__settles_nothing__but_takes_it_further(w):
    w.bring(ID, DISPUTED)
    for stage, code, account in ((2, AUTHORITY, w.authority), (3, GOVERNMENT, w.government)):
        does(w.shares.escalate, w.approver, ID, stage, BASIS)
        w.departments.suspend(left(code), 1, NONE, by(w.council))
        refused = refusal("ShareAuthorisations_DepartmentSuspended", left(code))
        for again in (True, False):
            assert asked(w.shares.settle, account, ID, again, BASIS) == refused
        if stage == 2:
            assert asked(w.shares.escalate, account, ID, 3, BASIS) is True


def test_suspended_provider__negotiates(w):
    """It may look again; to grant it must wait."""
    w.bring(ID, DISPUTED)
    w.departments.suspend(left(PROVIDER), 1, NONE, by(w.council))
    assert asked(w.shares.settle, w.provider_approver, ID, True, BASIS) is True


def test_review_anew__rejected_again__disputed_again_from_the_first_stage(w):
    w.bring(ID, DISPUTED)
    does(w.shares.escalate, w.approver, ID, 2, BASIS)
    does(w.shares.settle, w.authority, ID, True, BASIS)
    does(w.shares.reject, w.provider_approver, ID, 401, 10_021, BASIS)
    does(w.shares.dispute, w.approver, ID, BASIS)
    assert kept(w, STAGE) == 1


@pytest.mark.parametrize("resource", [OPEN, CONDITIONAL])
@pytest.mark.parametrize("state", [SUBMITTED, REVIEW])
def test_silence__overdue__escalates_to_the_authority(w, resource, state):
    """sharing.md: silence is overdue and escalates; it is never consent."""
    w.bring(ID, state, resource=resource)
    deadline = kept(w, CLOCK)[2]
    in_time = refusal("ShareAuthorisations_MoveNotAllowed", ID, state)
    assert asked(w.shares.dispute, w.approver, ID, BASIS) == in_time
    wait(deadline - now())
    assert w.shares.isOverdue(ID, now())
    # No negotiation with whoever doesn't answer.
    tx = w.shares.dispute(ID, BASIS, by(w.approver))
    assert emitted(tx, "Moved", to=DISPUTED, detail=2, **{"from": state})
    assert kept(w, CLOCK) == (0, 0, 0)
    tx = w.shares.settle(ID, True, BASIS, by(w.authority))
    days = 1 if resource == OPEN else 10
    assert kept(w, CLOCK) == (tx.timestamp, days, (tx.timestamp // DAY + 1 + days) * DAY)


def test_silence__before_submission_or_while_returned__nobody_is_silent(w):
    other = w.bring(digest("another id"), RETURNED)
    w.bring(ID, INTERNAL)
    wait(60 * DAY)
    found = asked(w.shares.dispute, w.approver, ID, BASIS)
    assert found == refusal("ShareAuthorisations_MoveNotAllowed", ID, INTERNAL)
    found = asked(w.shares.dispute, w.approver, other, BASIS)
    assert found == refusal("ShareAuthorisations_MoveNotAllowed", other, RETURNED)


def test_authority_that_is_a_party__the_government_has_its_part(w):
    """Nobody consents to or judges its own acts: here the provider is succeeded by the sharing authority."""
    handler = w.stand_in("authority_handler", f"0x{0xFB00:040x}", AUTHORITY, 4)
    w.bring(ID, REVIEW)
    other = w.bring(digest("another id"), DISPUTED)
    active = w.bring(digest("active"), 10)
    w.departments.succeed(left(PROVIDER), left(AUTHORITY), 0, [], BASIS, by(w.council))
    does(w.shares.askExtension, handler, ID, 5, 801, BASIS)
    assert asked(w.shares.extend, w.authority, ID, BASIS) == not_party(GOVERNMENT, AUTHORITY)
    assert asked(w.shares.extend, w.government, ID, BASIS) is True
    # An order would need neither negotiation nor filing.
    assert asked(w.shares.revoke, w.authority, active, 301, BASIS) == refusal(
        "ShareAuthorisations_NotParty", active, left(GOVERNMENT), left(AUTHORITY)
    )
    does(w.shares.escalate, w.approver, other, 2, digest("another basis"))
    assert asked(w.shares.settle, w.authority, other, True, BASIS) == refusal(
        "ShareAuthorisations_NotParty", other, left(GOVERNMENT), left(AUTHORITY)
    )
    assert asked(w.shares.settle, w.government, other, True, digest("another basis")) is True
    # Its own area's profile holds for it.
    w.shares.setProfile(left(AUTHORITY), True, 0, BASIS, by(w.council))
    third = w.bring(digest("third"), INTERNAL, resource=FAR)
    assert plain(w.shares.grantOf(third))[9] is False
