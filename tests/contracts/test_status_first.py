"""CertificateStatus: a competent department's first decision with the disclosure of `type`; succession; another log."""

from __future__ import annotations

import pytest
from brownie import AnchorLog, web3
from certificates import (
    BASIS,
    EMPTY,
    ENTRIES,
    KEYS,
    LEAVES,
    SIZE,
    TREE,
    TYPED,
    UNTYPED,
    decision,
    proof,
    salt_of,
    state,
    type_proof,
)
from world import (
    COMPETENT,
    ISSUER,
    NETWORK,
    NOBODY,
    NONE,
    OTHER,
    OTHER_TYPE,
    STATUS,
    TYPE,
    Tree,
    digest,
    entry_of,
    key_of,
    left,
    now,
    plain,
    reverts,
    unchanged,
    wait,
)

DECIDED = ["TypeProven", "Decided"]
LATER = 1000


@pytest.fixture
def theirs(world):
    return {"from": world.competent}


# The disclosure of `type` in the same call


def test_decide_first__competent_with_the_type__done_then_noop(world, status, log, theirs):
    args = (KEYS[0], decision(2, cause=1), proof(log, 0), type_proof())
    tx = status.decideFirst(*args, theirs)
    assert tx.return_value is True
    assert list(tx.events.keys()) == DECIDED
    told = tx.events["TypeProven"]
    assert (bytes(told["key"]), bytes(told["typeCode"])) == (KEYS[0], left(TYPE))
    assert (bytes(told["department"]), told["operator"]) == (left(COMPETENT), world.competent)
    assert bytes(status.typeOf(KEYS[0])) == left(TYPE)
    assert plain(status.decisions(KEYS[0]))[0][:5] == (1, 2, 1, left(COMPETENT), 0)
    assert unchanged(status.decideFirst(*args, theirs))
    assert unchanged(status.decide(*args[:2], theirs))
    # The owner goes on where the competent department began, with its own name.
    assert status.decide(KEYS[0], decision(2), {"from": world.issuer}).return_value
    assert plain(status.decisions(KEYS[0]))[1][3] == left(ISSUER)
    with reverts("CertificateStatus_NotDecider", KEYS[0], 1, left(COMPETENT), left(ISSUER)):
        status.decide(KEYS[0], decision(1, ends=1), {"from": world.issuer})


def test_decide_first__type_of_no_use__denied_and_nothing_kept(world, status, log, theirs):
    first = (KEYS[0], decision(3), proof(log, 0))
    with reverts("CertificateStatus_TypeNotProven", KEYS[0], left(ISSUER), left(COMPETENT)):
        status.decideFirst(*first, UNTYPED, theirs)
    with reverts("CertificateStatus_TypeProofInvalid", KEYS[0], left(OTHER_TYPE)):
        status.decideFirst(*first, type_proof(typeCode=left(OTHER_TYPE)), theirs)
    # Of another record than the entry's.
    with reverts("CertificateStatus_TypeProofInvalid", KEYS[3], left(TYPE)):
        status.decideFirst(KEYS[3], decision(3), proof(log, 3), type_proof(), theirs)
    with reverts("CertificateStatus_NotEntitled", KEYS[0], left(ISSUER), left(OTHER)):
        status.decideFirst(*first, type_proof(), {"from": world.other})
    with reverts("CertificateStatus_ProofNeeded", KEYS[0]):
        status.decideFirst(KEYS[0], decision(3), EMPTY, type_proof(), theirs)
    # Entitled, but the entry isn't where it is said to be.
    with reverts("CertificateStatus_NotIncluded", log, 1, SIZE):
        status.decideFirst(KEYS[0], decision(3), (log, ENTRIES[0], 1, SIZE, TREE.path(1, SIZE)), type_proof(), theirs)
    assert bytes(status.typeOf(KEYS[0])) == NONE


def test_decide_first__competent_but_suspended__only_suspends_and_rescinds(world, status, log, theirs):
    world.departments.suspend(left(COMPETENT), 1, NONE, {"from": world.council})
    with reverts("CertificateStatus_DepartmentSuspended", left(COMPETENT), 4):
        status.decideFirst(KEYS[0], decision(4), proof(log, 0), type_proof(), theirs)
    assert status.decideFirst(KEYS[0], decision(3), proof(log, 0), type_proof(), theirs).return_value


def test_decide_first__owner_brings_a_type__not_looked_at(status, log, mine):
    tx = status.decideFirst(KEYS[0], decision(2), proof(log, 0), type_proof(salt=NONE), mine)
    assert list(tx.events.keys()) == ["Decided"]
    assert bytes(status.typeOf(KEYS[0])) == NONE


def test_decide_many__competent_with_the_types__all_or_none(status, log, theirs):
    item = (KEYS[0], decision(3), proof(log, 0), type_proof())
    with reverts("CertificateStatus_TypeNotProven", KEYS[3], left(ISSUER), left(COMPETENT)):
        status.decideMany([item, (KEYS[3], decision(3), proof(log, 3), UNTYPED)], theirs)
    assert bytes(status.typeOf(KEYS[0])) == NONE
    # The second needs no type any more: the first has proven it.
    tx = status.decideMany([item, (KEYS[0], decision(4), EMPTY, UNTYPED)], theirs)
    assert tx.return_value == 2
    assert [e["code"] for e in tx.events["Decided"]] == [3, 4]
    assert status.decideMany([item], theirs).return_value == 0


def test_supersede__competent_with_the_type__done_then_noop(status, log, theirs):
    args = (KEYS[0], decision(8), proof(log, 0), proof(log, 4), type_proof())
    tx = status.supersede(*args, theirs)
    assert list(tx.events.keys()) == DECIDED
    assert bytes(tx.events["Decided"]["successor"]) == KEYS[4]
    assert unchanged(status.supersede(*args, theirs))


def test_decide_first__one_flipped_bit_in_the_disclosure__denied(world, status, log):
    given = type_proof()
    data = bytes.fromhex(status.decideFirst.encode_input(KEYS[0], decision(3), proof(log, 0), given).removeprefix("0x"))
    request = {"to": status.address, "from": str(world.competent)}
    ask = web3.provider.make_request
    assert "result" in ask("eth_call", [{**request, "data": "0x" + data.hex()}, "latest"])
    # The fixed members, n and i with all their leading zeros, and the path.
    fixed = data.index(left(ISSUER) + TYPED + left(TYPE))
    path = b"".join(given[-1])
    spans = [(fixed, 6 * 32), (data.rindex(path), len(path))]
    assert len(LEAVES) > 2
    for start, length in spans:
        for at in range(start, start + length):
            for bit in range(8):
                changed = bytearray(data)
                changed[at] ^= 1 << bit
                answer = ask("eth_call", [{**request, "data": "0x" + changed.hex()}, "latest"])
                assert "result" not in answer, (at - start, bit)


def test_decide_first__another_member_shown_as_type__denied(status, log, theirs):
    for changes in ({"i": 0, "salt": salt_of(0)}, {"n": len(LEAVES) - 1}, {"path": []}, {"salt": digest("x")}):
        with reverts("CertificateStatus_TypeProofInvalid", KEYS[0], left(TYPE)):
            status.decideFirst(KEYS[0], decision(3), proof(log, 0), type_proof(**changes), theirs)


# Succession


def succeed(world, old: str, to: str, at: int | None = None, parts: list | None = None) -> None:
    world.departments.succeed(
        left(old), left(to), now() if at is None else at, parts or [], NONE, {"from": world.council}
    )


def test_succession__from_its_time_on__only_the_carrier_decides(world, status, log, mine):
    status.decideFirst(KEYS[3], decision(2), proof(log, 3), UNTYPED, mine)
    at = now() + LATER
    succeed(world, ISSUER, OTHER, at)
    carrier = {"from": world.other}
    with reverts("CertificateStatus_TypeNotProven", KEYS[3], left(ISSUER), left(OTHER)):
        status.decide(KEYS[3], decision(1, ends=1), carrier)
    assert status.decideFirst(KEYS[4], decision(2), proof(log, 4), UNTYPED, mine).return_value
    wait(LATER + 1)
    with reverts("Departments_Succeeded", left(ISSUER), left(OTHER)):
        status.decide(KEYS[3], decision(3), mine)
    # Who suspended is gone; the carrier resumes, annuls, and takes first decisions.
    assert status.decide(KEYS[3], decision(1, ends=1), carrier).return_value
    assert state(status, KEYS[3]) == (1, 2)
    assert plain(status.decisions(KEYS[3]))[1][3] == left(OTHER)
    assert status.annul(KEYS[4], 1, BASIS, carrier).return_value
    assert status.decideFirst(KEYS[5], decision(3), proof(log, 5), UNTYPED, carrier).return_value
    assert status.decideMany([(KEYS[6], decision(3), proof(log, 6), UNTYPED)], carrier).return_value == 1
    # Nobody else does.
    with reverts("CertificateStatus_TypeNotProven", KEYS[7], left(ISSUER), left(COMPETENT)):
        status.decideFirst(KEYS[7], decision(3), proof(log, 7), UNTYPED, {"from": world.competent})


def test_succession__carrier_replaces_by_a_certificate_of_its_own__done(world, status, log):
    succeed(world, ISSUER, OTHER)
    entry = entry_of(OTHER, digest("new"))
    own = world.open(OTHER)
    world.log.anchor(own, 1, Tree([entry]).root(1), [], {"from": world.other})
    tx = status.supersede(KEYS[3], decision(8), proof(log, 3), (own, entry, 0, 1, []), UNTYPED, {"from": world.other})
    assert bytes(tx.events["Decided"]["successor"]) == key_of(OTHER, digest("new"))


def test_succession__split_by_type__who_carries_the_type_decides(world, status, log, mine):
    status.decideFirst(KEYS[0], decision(2), proof(log, 0), UNTYPED, mine)
    third = world.competent
    # The type's competent department becomes another one, so that the carrier of the type isn't competent for it.
    world.departments.defineType(left(TYPE), left(OTHER), NONE, {"from": world.council})
    succeed(world, ISSUER, OTHER, parts=[(left(TYPE), left(COMPETENT))])
    with reverts("CertificateStatus_TypeNotProven", KEYS[0], left(ISSUER), left(COMPETENT)):
        status.decide(KEYS[0], decision(1, ends=1), {"from": third})
    status.proveType(KEYS[0], type_proof(), {"from": third})
    assert status.decide(KEYS[0], decision(1, ends=1), {"from": third}).return_value


def test_succession__of_the_competent_department__its_carrier_is_competent(world, status, log, theirs):
    status.decideFirst(KEYS[0], decision(2), proof(log, 0), type_proof(), theirs)
    succeed(world, COMPETENT, OTHER)
    with reverts("Departments_Succeeded", left(COMPETENT), left(OTHER)):
        status.decide(KEYS[0], decision(3), theirs)
    assert status.decide(KEYS[0], decision(1, ends=1), {"from": world.other}).return_value


def test_succession__logs_of_the_old_department__close(world, status, log):
    tree = Tree([*TREE.entries, entry_of(ISSUER, digest("one more"))])
    more = (log, SIZE + 1, tree.root(SIZE + 1), tree.consistency(SIZE, SIZE + 1))
    succeed(world, ISSUER, OTHER)
    with reverts("Departments_Succeeded", left(ISSUER), left(OTHER)):
        world.log.anchor(*more, {"from": world.issuer})
    with reverts("AnchorLog_NotOwner", log, left(ISSUER), left(OTHER)):
        world.log.anchor(*more, {"from": world.other})
    assert plain(world.log.head(log))[0] == SIZE


# The AnchorLog in force


@pytest.fixture
def moved(world, log):
    """A second AnchorLog that took the log over."""
    new = AnchorLog.deploy(world.departments, NETWORK, world.log, {"from": world.council})
    world.log.retire(new, BASIS, {"from": world.council})
    new.carry([log], {"from": world.stranger})
    return new


def test_follow_log__successor_of_the_one_followed__done_then_noop(world, status, log, mine, moved):
    assert status.log() == world.log
    tx = status.followLog(moved, BASIS, {"from": world.council})
    assert tx.return_value is True
    assert dict(tx.events["LogFollowed"]) == {
        "log": moved.address,
        "operator": world.council.address,
        "basis": "0x" + BASIS.hex(),
    }
    assert status.log() == moved
    assert unchanged(status.followLog(moved, BASIS, {"from": world.council}))
    # What was proven by the old log is proven by way of it.
    assert status.decideFirst(KEYS[3], decision(3), proof(log, 3), UNTYPED, mine).return_value
    tree = Tree([*TREE.entries, entry_of(ISSUER, digest("one more"))])
    size = SIZE + 1
    moved.anchor(log, size, tree.root(size), tree.consistency(SIZE, size), mine)
    args = (log, tree.entries[SIZE], SIZE, size, tree.path(SIZE, size))
    assert status.decideFirst(key_of(ISSUER, digest("one more")), decision(3), args, UNTYPED, mine).return_value


def test_follow_log__others_or_another_contract__denied(world, status, log):
    with reverts("CertificateStatus_NotCouncil", world.issuer):
        status.followLog(world.log, NONE, {"from": world.issuer})
    new = AnchorLog.deploy(world.departments, NETWORK, world.log, {"from": world.council})
    for given in (new, NOBODY):
        with reverts("CertificateStatus_LogNotSuccessor", str(getattr(given, "address", given)), NOBODY):
            status.followLog(given, NONE, {"from": world.council})
    world.log.retire(new, NONE, {"from": world.council})
    stray = AnchorLog.deploy(world.departments, NETWORK, world.log, {"from": world.council})
    with reverts("CertificateStatus_LogNotSuccessor", stray.address, new.address):
        status.followLog(stray, NONE, {"from": world.council})


def test_closed_log__entry_above_the_last_good_size__proves_nothing(world, status, log, mine):
    tree = Tree([*TREE.entries, entry_of(ISSUER, digest("forged"))])
    size = SIZE + 1
    world.log.anchor(log, size, tree.root(size), tree.consistency(SIZE, size), mine)
    world.log.closeLog(log, SIZE, BASIS, {"from": world.council})
    args = (log, tree.entries[SIZE], SIZE, size, tree.path(SIZE, size))
    with reverts("CertificateStatus_NotIncluded", log, SIZE, size):
        status.decideFirst(key_of(ISSUER, digest("forged")), decision(3), args, UNTYPED, mine)
    assert status.decideFirst(KEYS[3], decision(3), proof(log, 3), UNTYPED, mine).return_value


def test_every_new_function__without_the_role__denied_first(world, status):
    with reverts("Departments_RoleMissing", world.stranger, STATUS):
        status.decideFirst(NONE, decision(99), EMPTY, type_proof(), {"from": world.stranger})
