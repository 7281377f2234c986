"""CertificateStatus: annulment, successors, many at once, types. Done, no-op and denied."""

from __future__ import annotations

import pytest
from certificates import (
    BASIS,
    EMPTY,
    ENTRIES,
    KEYS,
    LEAVES,
    RECORD,
    SIZE,
    TREE,
    UNTYPED,
    decision,
    proof,
    salt_of,
    state,
    type_proof,
)
from world import COMPETENT, ISSUER, NONE, OTHER, TYPE, digest, emitted, left, now, plain, reverts, unchanged, wait

from notary.merkle import inclusion_path

# Annulment


def test_annul__by_who_decided__done_then_noop_and_never_made(world, status, log, mine):
    status.decideFirst(KEYS[3], decision(2), proof(log, 3), UNTYPED, mine)
    status.decide(KEYS[3], decision(4), mine)
    before = now()
    wait(100)
    tx = status.annul(KEYS[3], 2, BASIS, mine)
    assert tx.return_value is True
    assert emitted(tx, "Annulled", key=KEYS[3], department=left(ISSUER), number=2, operator=world.issuer, basis=BASIS)
    assert unchanged(status.annul(KEYS[3], 2, NONE, mine))
    assert [d[-1] for d in plain(status.decisions(KEYS[3]))] == [0, tx.timestamp]
    assert state(status, KEYS[3]) == (2, 1)
    assert state(status, KEYS[3], known=before) == (4, 2)
    with reverts("CertificateStatus_DecisionAnnulled", KEYS[3], 2):
        status.decide(KEYS[3], decision(4), mine)
    assert status.decide(KEYS[3], decision(4, basis=digest("new")), mine).return_value


def test_annul__of_a_resumption__the_suspension_stands_again(status, log, mine):
    status.decideFirst(KEYS[3], decision(2), proof(log, 3), UNTYPED, mine)
    status.decide(KEYS[3], decision(1, ends=1), mine)
    status.annul(KEYS[3], 2, BASIS, mine)
    assert state(status, KEYS[3]) == (2, 1)
    assert status.decide(KEYS[3], decision(1, ends=1, basis=NONE), mine).return_value


def test_annul__by_others__denied_but_the_competent_one_may(world, status, log, mine):
    status.decideFirst(KEYS[0], decision(3), proof(log, 0), UNTYPED, mine)
    for account, code in ((world.other, OTHER), (world.competent, COMPETENT)):
        with reverts("CertificateStatus_NotDecider", KEYS[0], 1, left(ISSUER), left(code)):
            status.annul(KEYS[0], 1, NONE, {"from": account})
    status.proveType(KEYS[0], type_proof(), mine)
    with reverts("CertificateStatus_NotDecider", KEYS[0], 1, left(ISSUER), left(OTHER)):
        status.annul(KEYS[0], 1, NONE, {"from": world.other})
    assert status.annul(KEYS[0], 1, NONE, {"from": world.competent}).return_value


@pytest.mark.parametrize("number", [0, 2, 2**32 - 1])
def test_annul__no_such_decision__denied(status, log, mine, number):
    status.decideFirst(KEYS[3], decision(3), proof(log, 3), UNTYPED, mine)
    with reverts("CertificateStatus_DecisionUnknown", KEYS[3], number):
        status.annul(KEYS[3], number, NONE, mine)


# Successors


def test_supersede__first_and_later__done_then_noop(status, log, mine):
    tx = status.supersede(KEYS[3], decision(8), proof(log, 3), proof(log, 4), UNTYPED, mine)
    assert emitted(tx, "Decided", code=8, successor=KEYS[4], number=1)
    assert unchanged(status.supersede(KEYS[3], decision(8), EMPTY, proof(log, 4), UNTYPED, mine))
    assert plain(status.decisions(KEYS[3]))[0][7] == KEYS[4]
    status.decideFirst(KEYS[5], decision(2), proof(log, 5), UNTYPED, mine)
    assert status.supersede(KEYS[5], decision(8, successor=KEYS[4]), EMPTY, proof(log, 4), UNTYPED, mine).return_value
    assert state(status, KEYS[4]) == (0, 0)


def test_supersede__wrong_successor__denied(world, status, log, mine):
    old = proof(log, 3)
    with reverts("CertificateStatus_CodeNotSuperseded", 3):
        status.supersede(KEYS[3], decision(3), old, proof(log, 4), UNTYPED, mine)
    with reverts("CertificateStatus_SuccessorDiffers", NONE, KEYS[3]):
        status.supersede(KEYS[3], decision(8), old, old, UNTYPED, mine)
    with reverts("CertificateStatus_SuccessorDiffers", KEYS[5], KEYS[4]):
        status.supersede(KEYS[3], decision(8, successor=KEYS[5]), old, proof(log, 4), UNTYPED, mine)
    with reverts("CertificateStatus_EntryInvalid", KEYS[3]):
        status.supersede(KEYS[3], decision(8), old, EMPTY, UNTYPED, mine)
    with reverts("CertificateStatus_NotIncluded", log, 5, SIZE):
        status.supersede(KEYS[3], decision(8), old, (log, ENTRIES[4], 5, SIZE, TREE.path(5, SIZE)), UNTYPED, mine)
    with reverts("CertificateStatus_KindWithoutStatus", KEYS[3], 3):
        status.supersede(KEYS[3], decision(8), old, proof(log, len(ENTRIES) + 3), UNTYPED, mine)
    with reverts("CertificateStatus_ProofNeeded", KEYS[3]):
        status.supersede(KEYS[3], decision(8), EMPTY, proof(log, 4), UNTYPED, mine)
    with reverts("CertificateStatus_TypeNotProven", KEYS[3], left(ISSUER), left(OTHER)):
        status.supersede(KEYS[3], decision(8), old, proof(log, 4), UNTYPED, {"from": world.other})


# Many at once


def test_decide_many__a_hundred_with_proofs__done_then_noop(status, log, mine):
    items = [(KEYS[i], decision(3), proof(log, i), UNTYPED) for i in range(100)]
    tx = status.decideMany(items, mine)
    assert tx.return_value == 100
    assert len(tx.events["Decided"]) == 100
    again = status.decideMany(items, mine)
    assert again.return_value == 0
    assert not again.events
    mixed = [*items[:2], (KEYS[2], decision(4), EMPTY, UNTYPED), (KEYS[100], decision(2), proof(log, 100), UNTYPED)]
    assert status.decideMany(mixed, mine).return_value == 2


def test_decide_many__none__counts_nothing(status, mine):
    tx = status.decideMany([], mine)
    assert tx.return_value == 0


def test_decide_many__one_wrong_or_too_many__denied_whole(status, log, mine):
    items = [(KEYS[i], decision(3), proof(log, i), UNTYPED) for i in range(3)]
    with reverts("CertificateStatus_KeyDiffers", KEYS[9], KEYS[3]):
        status.decideMany([*items, (KEYS[9], decision(3), proof(log, 3), UNTYPED)], mine)
    with reverts("CertificateStatus_SuccessorUnexpected", 8):
        status.decideMany([*items, (KEYS[3], decision(8), proof(log, 3), UNTYPED)], mine)
    with reverts("CertificateStatus_TooMany", 101, 100):
        status.decideMany([(KEYS[i], decision(3), EMPTY, UNTYPED) for i in range(101)], mine)
    assert not status.decisions(KEYS[0])


# Types


def test_prove_type__once__done_then_noop(world, status, mine):
    tx = status.proveType(KEYS[0], type_proof(), mine)
    assert emitted(tx, "TypeProven", key=KEYS[0], typeCode=left(TYPE), department=left(ISSUER), operator=world.issuer)
    assert unchanged(status.proveType(KEYS[0], type_proof(), {"from": world.competent}))
    assert bytes(status.typeOf(KEYS[0])) == left(TYPE)


def test_prove_type__anything_else_shown__denied(status, mine):
    number = sorted(RECORD).index("number")
    for changes in (
        {"issuer": left(OTHER)},
        {"issuer": left(ISSUER)[:-1] + b"x"},
        {"commitment": digest("x")},
        {"typeCode": left(COMPETENT + "002")},
        {"typeCode": left(TYPE)[:-1] + b"x"},
        {"n": len(LEAVES) + 1},
        {"i": number},
        {"salt": salt_of(number)},
        {"path": []},
        {"i": number, "salt": salt_of(number), "path": list(inclusion_path(LEAVES, number))},
    ):
        given = type_proof(**changes)
        with reverts("CertificateStatus_TypeProofInvalid", KEYS[0], given[2]):
            status.proveType(KEYS[0], given, mine)
    with reverts("CertificateStatus_TypeProofInvalid", KEYS[1], left(TYPE)):
        status.proveType(KEYS[1], type_proof(), mine)


def test_prove_type__before_any_decision__the_competent_one_may_begin(world, status, log, mine):
    status.proveType(KEYS[0], type_proof(), {"from": world.other})
    with reverts("CertificateStatus_NotEntitled", KEYS[0], left(ISSUER), left(OTHER)):
        status.decideFirst(KEYS[0], decision(2), proof(log, 0), UNTYPED, {"from": world.other})
    tx = status.decideFirst(KEYS[0], decision(2), proof(log, 0), UNTYPED, {"from": world.competent})
    assert emitted(tx, "Decided", department=left(COMPETENT), number=1)
    assert status.decide(KEYS[0], decision(3), mine).return_value
