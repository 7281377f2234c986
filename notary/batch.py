"""When to seal and when to anchor.

Pure: the worker brings counts and times. The promise: anchoring starts at most 1 s after the first waiting entry, or
at 65,536 waiting ones, and a log has one unfinished anchor at a time, because anchors build on each other (nodes.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.types import Millis

MAX_WAIT = 1000
"""Milliseconds that the first waiting entry waits at most."""
MAX_ENTRIES = 65_536
"""Waiting entries that end the wait at once."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Entries that wait for the next step: how many, and since when the first does (None: none waits)."""

    count: int
    since: Millis | None


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Where the anchoring of one log stands: sizes, and whether an intent is on its way and not final yet."""

    sealed: int
    anchored: int
    unfinished: bool


def wait_left(waiting: Waiting, now: Millis) -> int | None:
    """Milliseconds until a step is due: 0 is now, None is never (nothing waits).

    What waits since later than now was written before the clock was set back: it is due, for nobody knows how long it
    has waited, and to wait until that time comes again could take days.
    """
    if waiting.count == 0 or waiting.since is None:
        return None
    if waiting.count >= MAX_ENTRIES or waiting.since > now:
        return 0
    return max(0, waiting.since + MAX_WAIT - now)


def seal_due(waiting: Waiting, now: Millis, *, asked: bool = False) -> bool:
    """Whether to seal now; `asked` is a caller that waits for a checkpoint (a bulk call): no reason to wait longer."""
    if asked:
        return waiting.count > 0
    return wait_left(waiting, now) == 0


def anchor_due(anchoring: Anchoring) -> bool:
    """Whether to enqueue an anchor of the newest checkpoint: something new is sealed and none is on its way.

    The wait has been spent before sealing, so a sealed size is anchored without another.
    """
    return anchoring.sealed > anchoring.anchored and not anchoring.unfinished


def poll_after(waiting: Waiting, now: Millis, *, idle: int = 200) -> int:
    """Milliseconds that a worker may sleep; at most `idle`, so that what other processes append is seen."""
    left = wait_left(waiting, now)
    return idle if left is None else min(left, idle)
