"""When to seal and anchor, as a table and as properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.types import Millis
from notary.batch import MAX_ENTRIES, MAX_WAIT, Anchoring, Waiting, anchor_due, poll_after, seal_due, wait_left

T0 = 1_700_000_000_000


@pytest.mark.parametrize(
    ("count", "since", "now", "asked", "due"),
    [
        (0, None, 0, False, False),
        (0, None, 0, True, False),
        (1, 0, 999, False, False),
        (1, 0, 1000, False, True),
        (1, 0, 5000, False, True),
        (1, 0, 1, True, True),
        (65_535, 0, 1, False, False),
        (65_536, 0, 0, False, True),
        (1, 0, -60_000, False, True),  # the clock was set back: who knows how long it has waited
        (1, 0, -24 * 3600 * 1000, False, True),
    ],
)
def test_seal_due__case__as_the_promise_says(count: int, since: int | None, now: int, asked: bool, due: bool) -> None:
    waiting = Waiting(count, None if since is None else Millis(T0 + since))
    assert seal_due(waiting, Millis(T0 + now), asked=asked) is due


@given(st.integers(1, 100_000), st.integers(-(10**9), 10**9))
def test_wait_left__any_clock__never_longer_than_promised(count: int, offset: int) -> None:
    left = wait_left(Waiting(count, Millis(T0)), Millis(T0 + offset))
    assert left is not None
    assert 0 <= left <= MAX_WAIT
    assert left == 0 or (count < MAX_ENTRIES and 0 <= offset < MAX_WAIT)


@given(st.integers(0, 100_000), st.integers(-5000, 5000))
def test_poll_after__any__wakes_before_the_step_is_due(count: int, offset: int) -> None:
    waiting, now = Waiting(count, Millis(T0) if count else None), Millis(T0 + offset)
    sleep = poll_after(waiting, now)
    left = wait_left(waiting, now)
    assert 0 <= sleep <= 200
    assert left is None or sleep <= left


@pytest.mark.parametrize(
    ("sealed", "anchored", "unfinished", "due"),
    [(0, 0, False, False), (5, 0, False, True), (5, 0, True, False), (5, 5, False, False), (4, 5, False, False)],
)
def test_anchor_due__case__one_unfinished_at_a_time(sealed: int, anchored: int, unfinished: bool, due: bool) -> None:
    assert anchor_due(Anchoring(sealed, anchored, unfinished)) is due
