"""ShareAuthorisations by example: the life of a grant, from its provision to the disposal of what was received."""

from __future__ import annotations

import pytest
from mining import asked, does
from shares_world import (
    ACTIVE,
    BASIS,
    CONSUMER,
    DAY,
    EXHAUSTED,
    EXPIRED,
    GRANTED,
    ID,
    OTHER_ID,
    PROVIDER,
    REVOKED,
    SUPERSEDED,
    SURRENDERED,
    SUSPENDED,
    SharesWorld,
    by,
)
from world import NONE, digest, emitted, left, now, plain, refusal, reverts, unchanged, wait


@pytest.fixture(scope="module")
def w(module_isolation):
    return SharesWorld()


def kept(w, member: int, id_=ID):
    return plain(w.shares.grantOf(id_))[member]


CLOCK, ENDED_AT, STOP_BLOCK, USES, SUCCESSOR = 16, 17, 18, 19, 22


def test_activate__provided__the_term_ends(w):
    w.bring(ID, GRANTED)
    assert w.shares.isOverdue(ID, kept(w, CLOCK)[2])
    tx = w.shares.activate(ID, BASIS, by(w.provider_handler))
    assert emitted(tx, "Moved", department=left(PROVIDER), to=ACTIVE, basis=BASIS)
    assert kept(w, CLOCK) == (0, 0, 0)
    assert unchanged(w.shares.activate(ID, BASIS, by(w.provider_handler)))


def test_misuse__suspend_mend_terminate(w):
    w.bring(ID, ACTIVE)
    stopper = by(w.provider_approver)
    with reverts("ShareAuthorisations_MendPending", ID, 0):
        w.shares.revoke(ID, 101, BASIS, stopper)
    for ground, days, name, args in (
        (101, 0, "MendDaysInvalid", (ID, 101, 0)),
        (401, 3, "ReasonInvalid", (401,)),
        (100, 3, "ReasonInvalid", (100,)),
        (0, 3, "ReasonInvalid", (0,)),
    ):
        found = asked(w.shares.suspend, w.provider_approver, ID, ground, days, BASIS)
        assert found == refusal(f"ShareAuthorisations_{name}", *args)
    tx = w.shares.suspend(ID, 101, 3, BASIS, stopper)
    assert emitted(tx, "Moved", to=SUSPENDED, reason=101, basis=BASIS)
    # A retry, with more days or fewer: the time to mend stays.
    assert unchanged(w.shares.suspend(ID, 101, 1, BASIS, stopper))
    deadline = kept(w, CLOCK)[2]
    assert deadline == (tx.timestamp // DAY + 4) * DAY
    with reverts("ShareAuthorisations_MendPending", ID, deadline):
        w.shares.revoke(ID, 101, BASIS, stopper)
    wait(4 * DAY)
    # What it was never told of, it had no time to mend.
    assert asked(w.shares.revoke, w.provider_approver, ID, 102, BASIS) == refusal(
        "ShareAuthorisations_MendPending", ID, 0
    )
    tx = w.shares.revoke(ID, 101, BASIS, stopper)
    assert emitted(tx, "Moved", to=REVOKED, reason=101)
    assert unchanged(w.shares.revoke(ID, 101, BASIS, stopper))
    # What was stored is due a day later, with all three records.
    assert plain(w.shares.disposal(ID, now())) == (tx.timestamp + DAY, False)
    for kind in (1, 2, 3):
        does(w.shares.recordUse, w.handler, ID, kind, digest(f"record {kind}"))
    assert plain(w.shares.disposal(ID, now())) == (tx.timestamp + DAY, True)


def test_resume__mended__access_again(w):
    w.bring(ID, SUSPENDED)
    tx = w.shares.resume(ID, BASIS, by(w.provider_approver))
    assert emitted(tx, "Moved", to=ACTIVE, basis=BASIS)
    assert kept(w, CLOCK) == (0, 0, 0)
    assert unchanged(w.shares.resume(ID, BASIS, by(w.provider_approver)))


def test_ordered__above_the_providers_own_stop__and_only_the_authority_ends_it(w):
    w.bring(ID, SUSPENDED)
    found = asked(w.shares.suspend, w.provider_approver, ID, 301, 0, BASIS)
    assert found == refusal("ShareAuthorisations_NotParty", ID, left(w.people["authority"].department), left(PROVIDER))
    found = asked(w.shares.suspend, w.authority, ID, 301, 3, BASIS)
    assert found == refusal("ShareAuthorisations_MendDaysInvalid", ID, 301, 3)
    assert emitted(w.shares.suspend(ID, 301, 0, BASIS, by(w.authority)), "Moved", to=SUSPENDED, reason=301)
    assert unchanged(w.shares.suspend(ID, 301, 0, BASIS, by(w.authority)))
    authority = left(w.people["authority"].department)
    found = asked(w.shares.resume, w.provider_approver, ID, BASIS)
    assert found == refusal("ShareAuthorisations_NotParty", ID, authority, left(PROVIDER))
    assert asked(w.shares.resume, w.authority, ID, BASIS) is True


def test_other_stop__negotiated_and_filed_first(w):
    w.bring(ID, ACTIVE)
    stopper = by(w.provider_approver)
    for act, args in (("revoke", (201, BASIS)), ("suspend", (201, 0, BASIS))):
        found = asked(getattr(w.shares, act), w.provider_approver, ID, *args)
        assert found == refusal("ShareAuthorisations_NotFiled", ID, 201)
    for ground, negotiation, name, args in (
        (201, NONE, "CommitmentNeeded", (ID,)),
        (101, BASIS, "ReasonInvalid", (101,)),
        (0, BASIS, "ReasonInvalid", (0,)),
    ):
        found = asked(w.shares.fileStop, w.provider_handler, ID, ground, negotiation)
        assert found == refusal(f"ShareAuthorisations_{name}", *args)
    filing = (ID, 201, digest("negotiation"), by(w.provider_handler))
    assert emitted(w.shares.fileStop(*filing), "StopFiled", ground=201, negotiation=digest("negotiation"))
    assert unchanged(w.shares.fileStop(*filing))
    found = asked(w.shares.suspend, w.provider_approver, ID, 201, 3, BASIS)
    assert found == refusal("ShareAuthorisations_MendDaysInvalid", ID, 201, 3)
    # Filed for one ground isn't filed for another.
    assert asked(w.shares.revoke, w.provider_approver, ID, 202, BASIS) == refusal(
        "ShareAuthorisations_NotFiled", ID, 202
    )
    assert emitted(w.shares.revoke(ID, 201, BASIS, stopper), "Moved", to=REVOKED, reason=201)
    # A retry of the filing that comes late.
    assert unchanged(w.shares.fileStop(*filing))


def test_other_stop__resumed__the_next_one_is_filed_anew(w):
    w.bring(ID, ACTIVE)
    does(w.shares.fileStop, w.provider_handler, ID, 203, BASIS)
    does(w.shares.suspend, w.provider_approver, ID, 203, 0, BASIS)
    does(w.shares.resume, w.provider_approver, ID, BASIS)
    found = asked(w.shares.suspend, w.provider_approver, ID, 203, 0, BASIS)
    assert found == refusal("ShareAuthorisations_NotFiled", ID, 203)


def test_surrender__reason__ends_it(w):
    w.bring(ID, GRANTED)
    found = asked(w.shares.surrender, w.approver, ID, 101, BASIS)
    assert found == refusal("ShareAuthorisations_ReasonInvalid", 101)
    tx = w.shares.surrender(ID, 503, BASIS, by(w.approver))
    assert emitted(tx, "Moved", department=left(CONSUMER), to=SURRENDERED, reason=503)
    assert kept(w, ENDED_AT) == tx.timestamp
    assert unchanged(w.shares.surrender(ID, 503, BASIS, by(w.approver)))
    # Nothing was ever provided: nothing to dispose of, nothing to record.
    assert plain(w.shares.disposal(ID, now())) == (0, False)
    found = asked(w.shares.recordUse, w.handler, ID, 1, BASIS)
    assert found == refusal("ShareAuthorisations_RecordInvalid", ID, 1)


def test_exhaust__the_last_use__reported_by_the_gateway(w):
    w.bring(ID, ACTIVE)
    assert asked(w.shares.exhaust, w.gateway, ID, 4, BASIS) == refusal("ShareAuthorisations_UsesLeft", ID, 4, 5)
    tx = w.shares.exhaust(ID, 5, BASIS, by(w.gateway))
    assert emitted(tx, "Moved", to=EXHAUSTED, detail=5, basis=BASIS)
    assert kept(w, USES) == 5
    assert unchanged(w.shares.exhaust(ID, 5, BASIS, by(w.gateway)))
    assert plain(w.shares.disposal(ID, now())) == (tx.timestamp + 30 * DAY, False)


def test_record_use__kinds__destruction_after_the_end_only(w):
    w.bring(ID, ACTIVE)
    for kind in (0, 3, 4):
        found = asked(w.shares.recordUse, w.handler, ID, kind, BASIS)
        assert found == refusal("ShareAuthorisations_RecordInvalid", ID, kind)
    assert asked(w.shares.recordUse, w.handler, ID, 1, NONE) == refusal("ShareAuthorisations_CommitmentNeeded", ID)
    used = digest(f"items {ID.hex()}")
    assert asked(w.shares.recordUse, w.handler, ID, 1, used) == refusal("ShareAuthorisations_CommitmentUsed", used)
    record = (ID, 1, digest("storage"), by(w.handler))
    tx = w.shares.recordUse(*record)
    assert emitted(tx, "UseRecorded", department=left(CONSUMER), kind=1, commitment=digest("storage"))
    assert unchanged(w.shares.recordUse(*record))
    # Another record of the kind is another one.
    assert asked(w.shares.recordUse, w.handler, ID, 1, digest("storage 2")) is True


def test_acknowledge__each_gateway__late_ones_show(w):
    w.bring(ID, ACTIVE)
    does(w.shares.suspend, w.authority, ID, 301, 0, BASIS)
    block = kept(w, STOP_BLOCK)
    assert plain(w.shares.acknowledged(ID, w.gateway)) == (0, 0)
    for stop, applied in ((0, block), (2, block), (1, block - 1), (1, block + 50)):
        found = asked(w.shares.acknowledge, w.gateway, ID, stop, applied)
        assert found == refusal("ShareAuthorisations_StopInvalid", ID, stop, applied)
    tx = w.shares.acknowledge(ID, 1, block, by(w.gateway))
    assert emitted(tx, "Acknowledged", gateway=w.gateway, stop=1, appliedAt=block)
    assert unchanged(w.shares.acknowledge(ID, 1, block, by(w.gateway)))
    assert plain(w.shares.acknowledged(ID, w.gateway)) == (1, block)
    # The consumer's own gateway, too.
    assert w.shares.acknowledge(ID, 1, block, by(w.approver)).return_value
    does(w.shares.revoke, w.authority, ID, 301, BASIS)
    assert plain(w.shares.acknowledged(ID, w.gateway))[0] < plain(w.shares.grantOf(ID))[11] == 2


def test_renewal__activated__supersedes_and_takes_the_disposal_over(w):
    w.bring(ID, ACTIVE)
    w.bring(OTHER_ID, ACTIVE, supersedes=ID)
    states = [w.shares.effectiveState(id_, now()) for id_ in (ID, OTHER_ID)]
    assert states == [SUPERSEDED, ACTIVE]
    assert kept(w, SUCCESSOR) == OTHER_ID
    assert plain(w.shares.disposal(ID, now())) == (0, False)


def test_renewal__of_what_ended__reopens_nothing(w):
    w.bring(ID, REVOKED)
    w.bring(OTHER_ID, ACTIVE, supersedes=ID)
    assert w.shares.effectiveState(ID, now()) == REVOKED
    assert kept(w, SUCCESSOR) == NONE
    due, done = plain(w.shares.disposal(ID, now()))
    assert (due > 0, done) == (True, False)


def test_expiry__block_time_alone__nothing_reopens_it(w):
    w.bring(ID, ACTIVE)
    end = kept(w, 0)[7]
    assert w.shares.effectiveState(ID, end - 1) == ACTIVE
    assert w.shares.effectiveState(ID, end) == EXPIRED
    wait(101 * DAY)
    found = asked(w.shares.suspend, w.authority, ID, 301, 0, BASIS)
    assert found == refusal("ShareAuthorisations_MoveNotAllowed", ID, EXPIRED)
    assert plain(w.shares.disposal(ID, now())) == (end + 30 * DAY, False)
    assert asked(w.shares.recordUse, w.handler, ID, 3, digest("destroyed")) is True


def test_mending__calendar_changed__moves_later(w):
    w.bring(ID, SUSPENDED)
    before = kept(w, CLOCK)[2]
    w.places.setSlip(5, by(w.council))
    tx = w.shares.moveDeadline(ID, by(w.gateway))
    assert emitted(tx, "DeadlineMoved", **{"from": before, "to": before + 5 * DAY})
    wait(before - now())
    assert asked(w.shares.revoke, w.provider_approver, ID, 101, BASIS) == refusal(
        "ShareAuthorisations_MendPending", ID, before + 5 * DAY
    )


def test_succession__of_the_consumer__its_carrier_has_its_grants(w):
    w.bring(ID, ACTIVE)
    government = w.people["government"].department
    w.departments.succeed(left(CONSUMER), left(government), 0, [], BASIS, by(w.council))
    found = asked(w.shares.surrender, w.approver, ID, 503, BASIS)
    assert found == refusal("Departments_Succeeded", left(CONSUMER), left(government))
    tx = w.shares.surrender(ID, 503, BASIS, by(w.government))
    assert emitted(tx, "Moved", department=left(government), to=SURRENDERED)
