"""CertificateStatus: the move to a new version, with the histories of the old one."""

from __future__ import annotations

import pytest
from brownie import CertificateStatus
from certificates import BASIS, KEYS, SIZE, TREE, UNTYPED, decision, proof, state, type_proof
from world import COMPETENT, ISSUER, NOBODY, NONE, TYPE, digest, emitted, left, plain, reverts, unchanged, wait


def successor_of(world, status=None):
    """A new CertificateStatus, not named yet."""
    return CertificateStatus.deploy(world.departments, world.log, status or world.status, {"from": world.council})


@pytest.fixture
def log(world):
    opened = world.open()
    world.log.anchor(opened, SIZE, TREE.root(SIZE), [], {"from": world.issuer})
    return opened


@pytest.fixture
def begun(world, log):
    """Key 0: suspended by the competent department with a basis and an end, resumed, suspended by the owner, annulled;
    key 1 superseded."""
    status, mine, theirs = world.status, {"from": world.issuer}, {"from": world.competent}
    first = decision(2, cause=1, since=5, until=4_000_000_000)
    status.decideFirst(KEYS[0], first, proof(log, 0), type_proof(), theirs)
    status.decide(KEYS[0], decision(1, basis=NONE, ends=1), theirs)
    status.decide(KEYS[0], decision(2, basis=digest("second")), mine)
    status.annul(KEYS[0], 3, BASIS, mine)
    status.supersede(KEYS[1], decision(8), proof(log, 1), proof(log, 2), UNTYPED, mine)
    return plain(status.decisions(KEYS[0])), plain(status.decisions(KEYS[1]))


@pytest.fixture
def moved(world, begun):
    new = successor_of(world)
    world.status.retire(new, BASIS, {"from": world.council})
    return new


def test_retire__named_once__done_then_noop_and_no_first_decision(world, log, begun):
    new, council = successor_of(world), {"from": world.council}
    assert emitted(world.status.retire(new, BASIS, council), "Retired", successor=new, operator=world.council)
    assert unchanged(world.status.retire(new, digest("another basis"), council))
    with reverts("CertificateStatus_Retired", new.address):
        world.status.retire(successor_of(world), NONE, council)
    with reverts("CertificateStatus_Retired", new.address):
        world.status.decideFirst(KEYS[3], decision(3), proof(log, 3), UNTYPED, {"from": world.issuer})
    assert (world.status.successor(), new.previous(), new.version(), world.status.version()) == (
        new,
        world.status,
        2,
        1,
    )


def test_retire__by_others_or_in_favour_of_anything_else__denied(world):
    with reverts("CertificateStatus_NotCouncil", world.issuer.address):
        world.status.retire(successor_of(world), NONE, {"from": world.issuer})
    unrelated = CertificateStatus.deploy(world.departments, world.log, NOBODY, {"from": world.council})
    for account in (NOBODY, world.stranger.address, world.status.address, world.log.address, unrelated.address):
        with reverts("CertificateStatus_SuccessorInvalid", str(account)):
            world.status.retire(account, NONE, {"from": world.council})


def test_deploy__previous_that_is_none__denied(world):
    for account in (world.stranger.address, world.departments.address):
        with reverts("CertificateStatus_PreviousInvalid", str(account)):
            CertificateStatus.deploy(world.departments, world.log, account, {"from": world.council})


def test_deploy__line_of_sixteen__is_the_longest(world):
    status = world.status
    for number in range(2, 17):
        status = successor_of(world, status)
        assert status.version() == number
    with reverts("CertificateStatus_PreviousInvalid", status.address):
        successor_of(world, status)


def test_views__before_carrying__as_the_old_contract_says(world, begun, moved):
    for number, kept in enumerate(begun):
        assert plain(moved.decisions(KEYS[number])) == kept
        assert state(moved, KEYS[number]) == state(world.status, KEYS[number])
    assert state(moved, KEYS[1]) == (8, 1)
    assert bytes(moved.typeOf(KEYS[0])) == left(TYPE)
    assert plain(moved.decisions(KEYS[5])) == ()


def test_carry__by_anyone__done_then_counts_nothing(world, begun, moved):
    tx = moved.carry([KEYS[0], KEYS[5]], {"from": world.stranger})
    assert tx.return_value == 1
    event = tx.events["StatusCarried"]
    assert (event["previous"], event["count"], event["operator"]) == (world.status, 3, world.stranger)
    assert plain((event["key"], event["owner"])) == (KEYS[0], left(ISSUER))
    again = moved.carry([KEYS[0], KEYS[0], KEYS[5]], {"from": world.stranger})
    assert (again.return_value, len(again.events)) == (0, 0)
    assert plain(moved.decisions(KEYS[0])) == begun[0]
    # The old one still tells what it had, and takes nothing more about it.
    assert plain(world.status.decisions(KEYS[0])) == begun[0]
    for call in (
        lambda: world.status.decide(KEYS[0], decision(3), {"from": world.issuer}),
        lambda: world.status.annul(KEYS[0], 1, NONE, {"from": world.competent}),
    ):
        with reverts("CertificateStatus_Retired", moved.address):
            call()


def test_carry__not_named__denied(world, begun):
    new = successor_of(world)
    for contract, named in ((new, world.status.address), (world.status, NOBODY)):
        with reverts("CertificateStatus_NotInForce", named, NOBODY):
            contract.carry([KEYS[0]], {"from": world.stranger})
    stray = successor_of(world)
    world.status.retire(new, NONE, {"from": world.council})
    with reverts("CertificateStatus_NotInForce", world.status.address, new.address):
        stray.carry([KEYS[0]], {"from": world.stranger})
    with reverts("CertificateStatus_NotSuccessor", world.stranger.address, new.address):
        world.status.release(KEYS[0], {"from": world.stranger})


def test_decisions__in_the_successor__go_on_where_the_old_one_stopped(world, log, begun, moved):
    mine, theirs = {"from": world.issuer}, {"from": world.competent}
    # A repeat of what the old one holds changes nothing but where the history is.
    repeated = moved.decide(KEYS[0], decision(2, cause=1, since=5, until=4_000_000_000), theirs)
    assert repeated.return_value is False
    assert list(repeated.events.keys()) == ["StatusCarried"]
    with reverts("CertificateStatus_DecisionAnnulled", KEYS[0], 3):
        moved.decide(KEYS[0], decision(2, basis=digest("second")), mine)
    assert emitted(moved.decide(KEYS[0], decision(3), mine), "Decided", number=4)
    assert plain(moved.decisions(KEYS[0]))[:3] == begun[0]
    assert state(moved, KEYS[0]) == (3, 4)
    wait(10)
    assert emitted(moved.annul(KEYS[0], 4, NONE, mine), "Annulled", number=4)
    with reverts("CertificateStatus_MoveNotAllowed", KEYS[1], 8, 1, 4):
        moved.decide(KEYS[1], decision(4), mine)
    # A first decision is one where no version has any; the type needn't be proven again.
    assert emitted(moved.decideFirst(KEYS[3], decision(3), proof(log, 3), UNTYPED, mine), "Decided", number=1)
    assert unchanged(moved.proveType(KEYS[0], type_proof(), theirs))


def test_decisions__in_a_successor_that_is_not_named__denied(world, log, begun):
    new, mine = successor_of(world), {"from": world.issuer}
    for call in (
        lambda: new.decideFirst(KEYS[3], decision(3), proof(log, 3), UNTYPED, mine),
        lambda: new.decide(KEYS[0], decision(3), mine),
        lambda: new.annul(KEYS[0], 1, NONE, mine),
    ):
        with reverts("CertificateStatus_NotInForce", world.status.address, NOBODY):
            call()


def test_carry__key_that_the_second_never_took__from_the_first(world, begun, moved):
    third = successor_of(world, moved)
    moved.retire(third, NONE, {"from": world.council})
    assert plain(third.decisions(KEYS[0])) == begun[0]
    assert third.decide(KEYS[0], decision(3), {"from": world.competent}).return_value
    assert plain(third.decisions(KEYS[0]))[:3] == begun[0]
    assert plain(third.decisions(KEYS[0]))[3][:4] == (4, 3, 0, left(COMPETENT))
    with reverts("CertificateStatus_Retired", third.address):
        moved.decide(KEYS[0], decision(4), {"from": world.competent})
    with reverts("CertificateStatus_Retired", moved.address):
        world.status.decide(KEYS[0], decision(4), {"from": world.competent})
