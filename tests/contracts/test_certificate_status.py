"""CertificateStatus: proofs, and who may decide what. Done, no-op and denied; one flipped bit."""

from __future__ import annotations

import pytest
from brownie import web3
from certificates import BASIS, EMPTY, ENTRIES, KEYS, SIZE, TREE, UNTYPED, decision, proof, state, type_proof
from world import (
    COMPETENT,
    ISSUER,
    NONE,
    OTHER,
    STATUS,
    Tree,
    digest,
    emitted,
    key_of,
    left,
    now,
    plain,
    reverts,
    unchanged,
)

# First decisions


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6, 7, 9, 10])
def test_decide_first__each_code__done_then_noop(world, status, log, mine, code):
    args = (KEYS[3], decision(code, cause=1, since=1000), proof(log, 3), UNTYPED)
    tx = status.decideFirst(*args, mine)
    assert tx.return_value is True
    assert emitted(
        tx,
        "Decided",
        key=KEYS[3],
        department=left(ISSUER),
        number=1,
        operator=world.issuer,
        code=code,
        cause=1,
        effectiveFrom=1000,
        basis=BASIS,
        successor=NONE,
        until=0,
        ends=0,
    )
    kept = (1, code, 1, left(ISSUER), 1000, tx.timestamp, BASIS, NONE, 0, 0, 0)
    assert plain(status.decisions(KEYS[3])) == (kept,)
    assert unchanged(status.decideFirst(*args, mine))
    assert unchanged(status.decide(*args[:2], mine))
    assert state(status, KEYS[3]) == (code, 1)


def test_decide_first__where_decisions_are__as_a_later_one(status, log, mine):
    status.decideFirst(KEYS[3], decision(2), proof(log, 3), UNTYPED, mine)
    tx = status.decideFirst(KEYS[3], decision(3), proof(log, 3), UNTYPED, mine)
    assert emitted(tx, "Decided", number=2, code=3)


@pytest.mark.parametrize("kind", range(9))
def test_decide_first__kind__only_1_2_5(status, log, mine, kind):
    index = len(ENTRIES) + kind
    args = (key_of(ISSUER, digest(f"kind {kind}")), decision(3), proof(log, index), UNTYPED)
    if kind in (1, 2, 5):
        assert status.decideFirst(*args, mine).return_value
    else:
        with reverts("CertificateStatus_KindWithoutStatus", args[0], kind):
            status.decideFirst(*args, mine)


def test_decide_first__entry_of_another_version_or_length__denied(status, log, mine):
    key = key_of(ISSUER, digest("v2"))
    for entry in (TREE.entries[-1], TREE.entries[0][:-1], TREE.entries[0] + b"\0"):
        with reverts("CertificateStatus_EntryInvalid", key):
            status.decideFirst(key, decision(3), (log, entry, SIZE - 1, SIZE, TREE.path(SIZE - 1, SIZE)), UNTYPED, mine)


def test_decide_first__wrong_key_index_size_log__denied(world, status, log, mine):
    with reverts("CertificateStatus_KeyDiffers", KEYS[4], KEYS[3]):
        status.decideFirst(KEYS[4], decision(3), proof(log, 3), UNTYPED, mine)
    path = TREE.path(3, SIZE)
    for given in (
        (log, ENTRIES[3], 4, SIZE, path),
        (log, ENTRIES[3], 3, SIZE - 1, path),
        (log, ENTRIES[3], 3, SIZE, path[:-1]),
        (digest("no log"), ENTRIES[3], 3, SIZE, path),
    ):
        with reverts("CertificateStatus_NotIncluded", given[0], given[2], given[3]):
            status.decideFirst(KEYS[3], decision(3), given, UNTYPED, mine)


def test_decide_first__another_department__denied_and_so_is_its_log(world, status, log, mine):
    for account, code in ((world.other, OTHER), (world.competent, COMPETENT)):
        with reverts("CertificateStatus_TypeNotProven", KEYS[3], left(ISSUER), left(code)):
            status.decideFirst(KEYS[3], decision(3), proof(log, 3), UNTYPED, {"from": account})
    # The other department anchors an entry that names this issuer: its log doesn't prove it.
    smuggled = Tree([ENTRIES[3]])
    theirs = world.open(OTHER)
    world.log.anchor(theirs, 1, smuggled.root(1), [], {"from": world.other})
    with reverts("CertificateStatus_NotIncluded", theirs, 0, 1):
        status.decideFirst(KEYS[3], decision(3), (theirs, ENTRIES[3], 0, 1, []), UNTYPED, mine)


def test_decide_first__one_flipped_bit_in_entry_or_path__denied(world, status, log):
    data = bytes.fromhex(
        status.decideFirst.encode_input(KEYS[3], decision(3), proof(log, 3), UNTYPED).removeprefix("0x")
    )
    request = {"to": status.address, "from": str(world.issuer)}
    path = b"".join(TREE.path(3, SIZE))

    def answers(start: int, length: int):
        for at in range(start, start + length):
            for bit in range(8):
                changed = bytearray(data)
                changed[at] ^= 1 << bit
                yield "result" in web3.provider.make_request(
                    "eth_call", [{**request, "data": "0x" + changed.hex()}, "latest"]
                )

    assert "result" in web3.provider.make_request("eth_call", [{**request, "data": "0x" + data.hex()}, "latest"])
    assert not any(answers(data.index(ENTRIES[3]), 92))
    assert not any(answers(data.index(path), len(path)))
    assert not any(answers(data.index(KEYS[3]), 32))


# Who may, and what


def test_every_function__without_the_role__denied_first(world, status, log):
    calls = {
        "decideFirst": (NONE, decision(99), EMPTY, UNTYPED),
        "decide": (NONE, decision(99)),
        "supersede": (NONE, decision(99), EMPTY, EMPTY, UNTYPED),
        "annul": (NONE, 0, NONE),
        "decideMany": ([(NONE, decision(99), EMPTY, UNTYPED)] * 101,),
        "proveType": (NONE, type_proof()),
    }
    for function, args in calls.items():
        with reverts("Departments_RoleMissing", world.stranger, STATUS):
            getattr(status, function)(*args, {"from": world.stranger})


def test_decide__no_first_decision__denied(world, status, mine):
    for account in (world.issuer, world.other, world.competent):
        with reverts("CertificateStatus_ProofNeeded", KEYS[3]):
            status.decide(KEYS[3], decision(3), {"from": account})
    with reverts("CertificateStatus_ProofNeeded", KEYS[3]):
        status.decideFirst(KEYS[3], decision(3), EMPTY, UNTYPED, mine)


def test_decide__another_department__denied_before_the_decision_is_read(world, status, log, mine):
    status.decideFirst(KEYS[0], decision(2), proof(log, 0), UNTYPED, mine)
    for account, code in ((world.other, OTHER), (world.competent, COMPETENT)):
        with reverts("CertificateStatus_TypeNotProven", KEYS[0], left(ISSUER), left(code)):
            status.decide(KEYS[0], decision(99), {"from": account})
    status.proveType(KEYS[0], type_proof(), {"from": world.competent})
    with reverts("CertificateStatus_NotEntitled", KEYS[0], left(ISSUER), left(OTHER)):
        status.decide(KEYS[0], decision(99), {"from": world.other})
    assert status.decide(KEYS[0], decision(3), {"from": world.competent}).return_value


WRONG = {
    "code 0": (decision(0), "CodeUnknown", (0,)),
    "code 11": (decision(11), "CodeUnknown", (11,)),
    "code 8 without a proof": (decision(8), "SuccessorUnexpected", (8,)),
    "code 8 with a successor but no proof": (decision(8, successor=BASIS), "SuccessorUnexpected", (8,)),
    "successor of a 3": (decision(3, successor=BASIS), "SuccessorUnexpected", (3,)),
    "until of a 3": (decision(3, until=2**39), "UntilUnexpected", (3,)),
    "until beyond 40 bits": (decision(2, until=2**40), "UntilInvalid", (0, 2**40)),
    "until at the start": (decision(2, since=1000, until=1000), "UntilInvalid", (1000, 1000)),
    "until before the start": (decision(2, since=1000, until=999), "UntilInvalid", (1000, 999)),
    "ends of a 3": (decision(3, ends=1), "EndsUnexpected", (3, 1)),
    "1 that ends nothing": (decision(1), "EndsUnexpected", (1, 0)),
}


@pytest.mark.parametrize("case", WRONG)
def test_decide__wrong_members__denied(status, log, mine, case):
    given, error, args = WRONG[case]
    with reverts(f"CertificateStatus_{error}", *args):
        status.decideFirst(KEYS[3], given, proof(log, 3), UNTYPED, mine)


def test_decide__effective_later_than_its_block__denied(status, log, mine):
    later = now() + 1_000_000
    for since in (later, 2**40, 2**64 - 1):
        with pytest.raises(Exception, match="CertificateStatus_EffectiveLater"):
            status.decideFirst(KEYS[3], decision(3, since=since), proof(log, 3), UNTYPED, mine)


def test_decide__suspended_department__only_suspends_and_rescinds(world, status, log, mine):
    status.decideFirst(KEYS[3], decision(2), proof(log, 3), UNTYPED, mine)
    world.departments.suspend(left(ISSUER), 1, NONE, {"from": world.council})
    for given in (decision(1, ends=1), *(decision(c) for c in (4, 5, 6, 7, 9, 10))):
        with reverts("CertificateStatus_DepartmentSuspended", left(ISSUER), given[0]):
            status.decide(KEYS[3], given, mine)
    with reverts("CertificateStatus_DepartmentSuspended", left(ISSUER), 8):
        status.supersede(KEYS[3], decision(8), EMPTY, proof(log, 4), UNTYPED, mine)
    with reverts("CertificateStatus_DepartmentSuspended", left(ISSUER), 0):
        status.annul(KEYS[3], 1, NONE, mine)
    assert status.decideFirst(KEYS[4], decision(2), proof(log, 4), UNTYPED, mine).return_value
    assert status.decide(KEYS[3], decision(3), mine).return_value
