"""Submissions that wait, by log: one thread at a time commits what waits for a log, several logs have several threads.

First come, first served among the logs; what comes while a log is being committed is the next group of that log.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence

from ledger.errors import UnavailableError
from ledger.types import Origin
from notary.submission import Submission

GATHER = 0.002
"""Seconds that the first of many waits for the others, where the last group of its log had several: callers that were
just answered are about to send again, and one commit takes them all."""


class LogQueues:
    """At most `maxsize` submissions wait; more are told to come again."""

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self._waiting: OrderedDict[Origin, deque[Submission]] = OrderedDict()
        self._taken: set[Origin] = set()
        self._many: set[Origin] = set()
        self._count = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, submission: Submission) -> None:
        """UnavailableError at once if too many wait: a queue without end only hides an overload."""
        for _, error in self.put_all([submission]):
            raise error

    def put_all(self, submissions: Sequence[Submission]) -> list[tuple[Submission, UnavailableError]]:
        """Several at once, so that one group has them all; those that find no place, and why."""
        refused: list[tuple[Submission, UnavailableError]] = []
        with self._changed:
            for submission in submissions:
                if self._closed:
                    refused.append((submission, UnavailableError("notary.stopping", retry_after=5.0)))
                elif self._count >= self.maxsize:
                    refused.append((submission, UnavailableError("notary.busy", retry_after=1.0)))
                else:
                    if submission.origin not in self._taken and submission.origin not in self._waiting:
                        self._changed.notify()
                    self._waiting.setdefault(submission.origin, deque()).append(submission)
                    self._count += 1
        return refused

    def qsize(self) -> int:
        """How many wait."""
        return self._count

    def take(self, most: int) -> tuple[Origin, list[Submission]] | None:
        """The next log that nobody works on and what waits for it, up to `most` rows or one submission; waits for one.
        `done` gives the log back. None: closed, and nothing is left for this thread."""
        with self._changed:
            while (origin := self._next()) is None:
                if self._closed:
                    return None
                self._changed.wait()
            self._taken.add(origin)
        if origin in self._many:
            time.sleep(GATHER)
        with self._changed:
            waiting = self._waiting.pop(origin)
            group, rows = [waiting.popleft()], 0
            rows += group[0].count
            while waiting and rows < most:
                group.append(waiting.popleft())
                rows += group[-1].count
            if waiting:
                self._waiting[origin] = waiting  # at the end: the others come first
            self._count -= len(group)
            (self._many.add if len(group) > 1 else self._many.discard)(origin)
        return origin, group

    def done(self, origin: Origin) -> None:
        """The log's group is answered."""
        with self._changed:
            self._taken.discard(origin)
            if origin in self._waiting:
                self._changed.notify()

    def close(self) -> None:
        """Take nothing more; what waits is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next(self) -> Origin | None:
        return next((origin for origin in self._waiting if origin not in self._taken), None)
