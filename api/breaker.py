"""The chain behind a breaker: after a timeout nobody else waits for the same one; for a moment the answer is "no".

A node that is down refuses at once, but one that hangs holds every caller for seconds, and all threads in the end.
What our own index can't answer is an outage here too: verification says `cannot_check`, never an error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ledger.departments import Accreditation, DepartmentHistory
from ledger.errors import ChuzhengError, IntegrityError, UnavailableError
from ledger.keys import DepartmentKey
from ledger.ports import ChainReader
from ledger.statuses import Decision
from ledger.types import Anchor, Block, DepartmentCode, Digest, LogId, TypeCode

OPEN_FOR = 3.0
"""Seconds after an answer that didn't come in which nobody else asks."""
SLOW = 1.0
"""Seconds: an outage that shows sooner than this costs nobody anything, and isn't remembered."""
T = TypeVar("T")


class Breaker:
    """A ChainReader in front of another one."""

    def __init__(self, reader: ChainReader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader, self._clock = reader, clock
        self._lock = threading.Lock()
        self._closed_again = 0.0
        self._why: UnavailableError | None = None

    def chain_id(self) -> int:
        return self._ask(self._reader.chain_id)

    def genesis_hash(self) -> str:
        return self._ask(self._reader.genesis_hash)

    def head(self) -> Block:
        return self._ask(self._reader.head)

    def final_head(self) -> Block:
        return self._ask(self._reader.final_head)

    def block(self, number: int) -> Block | None:
        return self._ask(lambda: self._reader.block(number))

    def log_head(self, log_id: LogId, block: int | None = None) -> tuple[int, Digest] | None:
        return self._ask(lambda: self._reader.log_head(log_id, block))

    def closed_at(self, log_id: LogId, block: int | None = None) -> int | None:
        return self._ask(lambda: self._reader.closed_at(log_id, block))

    def anchored_root(self, log_id: LogId, size: int, block: int | None = None) -> Digest | None:
        return self._ask(lambda: self._reader.anchored_root(log_id, size, block))

    def anchors(self, log_id: LogId, above_size: int = 0, limit: int = 1) -> Sequence[Anchor]:
        return self._ask(lambda: self._reader.anchors(log_id, above_size, limit))

    def decisions(self, status_key: Digest, block: int | None = None) -> Sequence[Decision]:
        return self._ask(lambda: self._reader.decisions(status_key, block))

    def department(self, code: DepartmentCode, block: int | None = None) -> DepartmentHistory | None:
        return self._ask(lambda: self._reader.department(code, block))

    def accreditations(
        self, issuer: DepartmentCode, type_code: TypeCode, block: int | None = None
    ) -> Sequence[Accreditation]:
        return self._ask(lambda: self._reader.accreditations(issuer, type_code, block))

    def keys(self, department: DepartmentCode, block: int | None = None) -> Sequence[DepartmentKey]:
        return self._ask(lambda: self._reader.keys(department, block))

    def carrier(self, code: DepartmentCode, what: bytes, block: int | None = None) -> DepartmentCode:
        return self._ask(lambda: self._reader.carrier(code, what, block))

    def _ask(self, question: Callable[[], T]) -> T:
        started = self._clock()
        with self._lock:
            if self._why is not None:
                if started < self._closed_again:
                    raise _again(self._why, retry_after=self._closed_again - started)
                self._closed_again = started + OPEN_FOR  # one goes to see; the others are told what was known
        try:
            found = question()
        except UnavailableError as error:
            if self._clock() - started >= SLOW:
                with self._lock:
                    self._why, self._closed_again = error, self._clock() + OPEN_FOR
            raise
        except IntegrityError as error:
            raise UnavailableError(error.code, retry_after=30.0, **error.params) from error
        if self._why is not None:
            with self._lock:
                self._why = None
        return found


def _again(error: ChuzhengError, retry_after: float) -> UnavailableError:
    return UnavailableError(error.code, retry_after=retry_after, **error.params)
