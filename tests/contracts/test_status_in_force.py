"""CertificateStatus: which decision may follow which, and what is in force when."""

from __future__ import annotations

import pytest
from certificates import EMPTY, KEYS, UNTYPED, decision, proof, state, type_proof
from world import COMPETENT, ISSUER, NONE, digest, emitted, left, now, reverts, unchanged, wait

FOLLOWERS = {2: {1, 3, 4, 5, 6, 7, 8, 9, 10}, 3: {4}, 4: set(), 5: {3, 4, 7}, 6: {1, 3, 4, 7}, 7: {4}, 9: {4}, 10: {4}}


@pytest.mark.parametrize("state_code", FOLLOWERS)
def test_moves__by_the_owner__as_the_table_says(status, log, mine, state_code):
    status.decideFirst(KEYS[3], decision(state_code), proof(log, 3), UNTYPED, mine)
    for code in range(1, 11):
        given = decision(code, basis=digest("second"), ends=int(code == 1))
        send, args = (
            (status.supersede, (KEYS[3], given, EMPTY, proof(log, 4), UNTYPED))
            if code == 8
            else (status.decide, (KEYS[3], given))
        )
        if code in FOLLOWERS[state_code]:
            assert send.call(*args, mine)
        else:
            with reverts("CertificateStatus_MoveNotAllowed", KEYS[3], state_code, 1, code):
                send(*args, mine)


def test_moves__from_superseded_and_resumed(status, log, mine):
    status.supersede(KEYS[3], decision(8), proof(log, 3), proof(log, 4), UNTYPED, mine)
    for code in (2, 3, 4, 5, 6, 7, 9, 10):
        with reverts("CertificateStatus_MoveNotAllowed", KEYS[3], 8, 1, code):
            status.decide(KEYS[3], decision(code, basis=NONE), mine)
    status.decideFirst(KEYS[5], decision(2), proof(log, 5), UNTYPED, mine)
    assert emitted(status.decide(KEYS[5], decision(1, ends=1), mine), "Decided", code=1, ends=1)
    assert state(status, KEYS[5]) == (1, 2)
    for code in (2, 3, 4, 5, 6, 7, 9, 10):
        assert status.decide.call(KEYS[5], decision(code, basis=NONE), mine)
    with reverts("CertificateStatus_MoveNotAllowed", KEYS[5], 1, 2, 1):
        status.decide(KEYS[5], decision(1, ends=1, basis=NONE), mine)


def test_resume__two_suspensions__each_by_its_own_department_or_the_competent_one(world, status, log, mine):
    status.decideFirst(KEYS[0], decision(2), proof(log, 0), UNTYPED, mine)
    status.proveType(KEYS[0], type_proof(), {"from": world.other})
    competent = {"from": world.competent}
    with reverts("CertificateStatus_MoveNotAllowed", KEYS[0], 2, 1, 2):
        status.decide(KEYS[0], decision(2, cause=2), mine)
    assert status.decide(KEYS[0], decision(2), competent).return_value
    assert state(status, KEYS[0]) == (2, 2)
    with reverts("CertificateStatus_NotDecider", KEYS[0], 2, left(COMPETENT), left(ISSUER)):
        status.decide(KEYS[0], decision(1, ends=2), mine)
    with reverts("CertificateStatus_NothingToEnd", KEYS[0], 3):
        status.decide(KEYS[0], decision(1, ends=3), mine)
    assert status.decide(KEYS[0], decision(1, ends=1), mine).return_value
    # The owner resumed; the competent department's suspension stands.
    assert state(status, KEYS[0]) == (2, 2)
    with reverts("CertificateStatus_NothingToEnd", KEYS[0], 1):
        status.decide(KEYS[0], decision(1, ends=1, cause=1), mine)
    assert status.decide(KEYS[0], decision(1, ends=2), competent).return_value
    assert state(status, KEYS[0]) == (1, 4)


def test_resume__of_the_owner_s_suspension_by_the_competent_department__done(world, status, log, mine):
    status.decideFirst(KEYS[0], decision(2), proof(log, 0), UNTYPED, mine)
    status.proveType(KEYS[0], type_proof(), mine)
    assert status.decide(KEYS[0], decision(1, ends=1), {"from": world.competent}).return_value


def test_suspension__past_its_end__over_by_itself(status, log, mine):
    until = now() + 1000
    tx = status.decideFirst(KEYS[3], decision(2, until=until), proof(log, 3), UNTYPED, mine)
    recorded = tx.timestamp
    expected = {recorded: (2, 1), until - 1: (2, 1), until: (0, 0)}
    assert {t: state(status, KEYS[3], at=t) for t in expected} == expected
    wait(1001)
    assert state(status, KEYS[3]) == (0, 0)
    # Over, so there is nothing to resume; and the same department may suspend again.
    with reverts("CertificateStatus_MoveNotAllowed", KEYS[3], 0, 0, 1):
        status.decide(KEYS[3], decision(1, ends=1), mine)
    assert status.decide(KEYS[3], decision(2), mine).return_value
    # Sent again, the one that is over still changes nothing.
    assert unchanged(status.decide(KEYS[3], decision(2, until=until), mine))


def test_status_at__by_time_and_knowledge__true_since_and_known_since(status, log, mine):
    first = status.decideFirst(KEYS[3], decision(2, since=1000), proof(log, 3), UNTYPED, mine).timestamp
    wait(100)
    second = status.decide(KEYS[3], decision(1, ends=1, since=5000), mine).timestamp
    wait(100)
    third = status.decide(KEYS[3], decision(3), mine).timestamp
    expected = {
        (999, first): (0, 0),
        (1000, first - 1): (0, 0),
        (1000, first): (2, 1),
        (4999, second): (2, 1),
        (5000, second): (1, 2),
        (5000, second - 1): (2, 1),
        (0, third): (3, 3),
        (10**10, third): (3, 3),
    }
    assert {k: state(status, KEYS[3], *k) for k in expected} == expected
