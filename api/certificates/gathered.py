"""Gathered: single records that wait at one moment are handed to the notary together.

A thread for each of them spends more on taking turns than on the records. Here they wait in the event loop, which costs
nothing, and one call takes all that wait for a log; what comes meanwhile is the next call's. A record of many
kilobytes goes alone, so that nobody waits for its parsing.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread

from ledger.types import DepartmentCode, Origin
from notary.singles import Single

if TYPE_CHECKING:
    from notary.reception import Accepted
    from notary.service import Notary

GATHER = 0.01
"""Seconds that the first one waits for others at most, and a quarter of what the last call took, where that had
several: they were all answered at one moment and are about to send again. A commit costs three milliseconds of work,
however few it is for."""
MOST = 256
"""Records of one call, some 0.2 s of work."""
ALONE = 32 << 10
"""Bytes of a record that isn't gathered."""
Place = tuple[DepartmentCode, Origin]


class Gathered:
    """Belongs to one event loop. `limiter`: of the threads in which the notary is called."""

    def __init__(self, notary: Notary, limiter: CapacityLimiter) -> None:
        self._notary, self._limiter = notary, limiter
        self._waiting: dict[Place, list[tuple[Single, asyncio.Future[Accepted]]]] = {}
        self._served: set[Place] = set()
        self._pauses: dict[Place, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, department: DepartmentCode, origin: Origin, record: bytes, key: str | None) -> Accepted:
        """Answered when durable, with what `Notary.accept_records` answers or raises for this record alone."""
        if len(record) > ALONE:
            accept = self._notary.accept_records
            [accepted] = await to_thread.run_sync(
                lambda: accept(department, origin, [record], key=key), limiter=self._limiter
            )
            return accepted
        place = department, origin
        answer: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(place, []).append((Single(record, key), answer))
        if place not in self._served:
            self._served.add(place)
            task = asyncio.create_task(self._serve(place))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _serve(self, place: Place) -> None:
        """One call after the other until nothing waits any more. Whoever sent a record and left is in it all the same:
        it may be durable."""
        try:
            while place in self._waiting:
                await asyncio.sleep(self._pauses.get(place, 0.0))
                waiting = self._waiting.pop(place)
                if waiting[MOST:]:
                    self._waiting[place] = waiting[MOST:]
                began = time.monotonic()
                await self._settle(place, waiting[:MOST])
                took = time.monotonic() - began
                self._pauses[place] = min(GATHER, took / 4) if len(waiting) > 1 else 0.0
        finally:
            self._served.discard(place)

    async def _settle(self, place: Place, group: list[tuple[Single, asyncio.Future[Accepted]]]) -> None:
        singles = [single for single, _ in group]
        found: list[Accepted | Exception]
        try:
            found = await to_thread.run_sync(
                lambda: self._notary.accept_singles(*place, singles), limiter=self._limiter
            )
        except Exception as error:  # everybody's
            found = [error] * len(group)
        for (_, answer), result in zip(group, found, strict=True):
            if answer.done():
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)
