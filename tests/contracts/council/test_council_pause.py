"""Council: who pauses, for how long, how often, and what a pause stops. Done, no-op, denied."""

from __future__ import annotations

import pytest
from brownie import Council, accounts
from council_world import (
    ANYTHING,
    DAY,
    DELAY,
    EXPIRY,
    A,
    B,
    C,
    new_id,
    person,
)
from world import NONE, emitted, now, plain, reverts, unchanged, wait


def test_pause__one_member_of_three__begins_lapses_and_not_again_within_thirty_days(house, council):
    tx = council.pause(3, ANYTHING, {"from": house.a})
    assert tx.return_value is True
    assert [e.name for e in tx.events] == ["PauseRequested", "Paused"]
    assert dict(tx.events["PauseRequested"]) == {
        "member": "0x" + A.hex(),
        "delegate": house.a,
        "reason": 3,
        "basis": "0x" + ANYTHING.hex(),
    }
    assert council.paused()
    assert plain(council.lastPause()) == (tx.timestamp, tx.timestamp + 7 * DAY)
    assert unchanged(council.pause(3, ANYTHING, {"from": house.a}))
    assert unchanged(council.pause(3, ANYTHING, {"from": house.b}))
    wait(7 * DAY)
    assert not council.paused()
    with reverts("Council_PauseTooSoon", A, tx.timestamp + 30 * DAY):
        council.pause(3, ANYTHING, {"from": house.a2})
    assert council.pause(3, ANYTHING, {"from": house.b}).return_value is True
    wait(23 * DAY)
    assert council.pause(3, ANYTHING, {"from": house.a}).return_value is True
    assert council.pauseRequestedAt(A) == now()


def test_pause__departments_of_the_council__know_and_admit_nobody(house, council):
    assert not house.departments.isPaused()
    council.pause(3, ANYTHING, {"from": house.a})
    assert house.departments.isPaused()
    made = house.propose(house.admit())
    house.approve(made, house.b)
    wait(DELAY)
    with reverts("Departments_Paused"):
        council.execute(made, [house.admit()], {"from": house.c})
    wait(7 * DAY)
    assert not house.departments.isPaused()
    assert council.execute(made, [house.admit()], {"from": house.c}).return_value is True


def test_pause__ended_by_the_council__done(house, council):
    council.pause(3, ANYTHING, {"from": house.a})
    tx = house.pass_(house.own("endPause"))
    assert [e.name for e in tx.events] == ["PauseEnded", "Executed"]
    assert not council.paused()
    assert council.lastPause()["until"] == tx.timestamp


@pytest.fixture(scope="module")
def careful(house, module_isolation):
    """Three of three decide, two pause."""
    delegates = [(str(a), m, person(n)) for a, m, n in ((house.a, A, "a"), (house.b, B, "b"), (house.c, C, "c"))]
    delegates += [(str(house.b2), B, person("a")), (str(house.a2), A, person("a2"))]
    return Council.deploy([A, B, C], delegates, (3, 2, 0, EXPIRY), {"from": accounts[0]})


def test_pause__two_needed__second_within_a_day_begins_it(house, careful):
    tx = careful.pause(1, NONE, {"from": house.a})
    assert emitted(tx, "PauseRequested", member=A)
    assert unchanged(careful.pause(1, NONE, {"from": house.a}))
    assert not careful.paused()
    with reverts("Council_PersonCounted", NONE, house.b2, A):
        careful.pause(1, NONE, {"from": house.b2})
    assert careful.pause(1, NONE, {"from": house.b}).events["Paused"]
    assert careful.paused()


def test_pause__second_after_a_day__doesnt_begin_it(house, careful):
    careful.pause(1, NONE, {"from": house.a})
    wait(DAY)
    careful.pause(1, NONE, {"from": house.b})
    assert not careful.paused()
    with reverts("Council_PauseTooSoon", A, careful.pauseRequestedAt(A) + 30 * DAY):
        careful.pause(1, NONE, {"from": house.a})
    careful.pause(1, NONE, {"from": house.c})
    assert careful.paused()


def test_pause__request_of_a_pause_that_was__doesnt_count_for_the_next(house, careful):
    careful.pause(1, NONE, {"from": house.a})
    careful.pause(1, NONE, {"from": house.b})
    calls, made = [(str(careful), careful.endPause.encode_input())], new_id()
    careful.propose(made, calls, NONE, {"from": house.a})
    for delegate in (house.b, house.c):
        careful.approve(made, careful.contentOf(calls, NONE), {"from": delegate})
    careful.execute(made, calls, {"from": house.a})
    careful.pause(1, NONE, {"from": house.c})
    assert not careful.paused()
