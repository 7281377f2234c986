"""Whether a log may give out its next index: not while others hold more of it than this database knows (ADR 0022).

A database and files that were restored from an older copy look sound by themselves. Who knows better is asked before
anything is promised: the chain's head, through the index at every turn and by itself once after the start, since a
restored index is as old as the rest; and the high-water marks, where a folder for them is set. An outage of the chain
isn't an answer: it holds acceptance back for PATIENCE after the start, and no longer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from ledger.errors import ChuzhengError, IntegrityError, UnavailableError
from ledger.types import Digest, LogId, Origin
from notary.entry import log_id
from notary.prove import AnchorIndex
from notary.stores.marks import Marks
from notary.stores.records import LogRow

PATIENCE = 60.0
"""Seconds after the start for which the chain's own word on a log is waited for."""
LOOK, ANSWER, AGAIN = 0.2, 2.0, 2.0
"""Seconds between two looks into the index, for one answer of the chain, and between two questions to it."""
Ask = Callable[[LogId], tuple[int, Digest] | None]
_log = structlog.get_logger("notary.heads")


@dataclass
class _Log:
    """What is known of a log since the start."""

    looked: float = float("-inf")
    asked: bool = False
    answered: threading.Event = field(default_factory=threading.Event)
    chain: int = 0
    """The size that the chain itself told."""
    told: bool = False
    refusal: ChuzhengError | None = None


class Heads:
    """One for a notary. `ask` reads a log's head from the chain itself; None where there is no chain to ask."""

    def __init__(self, anchors: AnchorIndex, ask: Ask | None = None, marks: Marks | None = None) -> None:
        self._anchors, self._ask, self._marks = anchors, ask, marks
        self._began = time.monotonic()
        self._logs: dict[Origin, _Log] = {}
        self._closed = threading.Event()

    def close(self) -> None:
        """Ask no more; a question that is on its way is the last one."""
        self._closed.set()

    def hear(self, origin: Origin) -> None:
        """Before any lock is taken: UnavailableError `notary.unconfirmed` until the chain has said what it holds."""
        log = self._logs.setdefault(origin, _Log())
        if self._ask is None or log.answered.is_set():
            return
        try:
            self._hear(origin, log, time.monotonic())
        except ChuzhengError as error:
            log.refusal = error
            raise

    def check(self, row: LogRow) -> None:
        """Before a turn at the log; `row` as the database has it under the append lock.

        IntegrityError `notary.restored` or `notary.below_mark`: an index would be given out twice.
        """
        log = self._logs.setdefault(row.origin, _Log())
        try:
            self._check(row, log)
        except ChuzhengError as error:
            log.refusal = error
            raise
        log.refusal = None

    def given(self, row: LogRow, next_index: int) -> None:
        """Indexes below `next_index` are promised from here on."""
        if self._marks is not None:
            self._marks.put(row.log_id, next_index)

    def held_back(self, row: LogRow, again: Callable[[], LogRow]) -> ChuzhengError | None:
        """Why the next turn at a log would be refused, or the last one was; for health. Asks no chain.

        No lock is held: what seems to be behind is read `again` after what others hold, for it goes on meanwhile.
        """
        log = self._logs.get(row.origin) or _Log()
        try:
            mark, told, held = self._mark(row), log.chain, self._anchors.log_head(row.log_id)
            if max(mark, told, held[0] if held is not None else 0) > row.next_index:
                row = again()
            self._require_mark(row, mark)
            self._require_head(row, told, held)
        except UnavailableError:  # database or chain are away: others say so
            return log.refusal
        except ChuzhengError as error:
            return error
        return log.refusal

    def _check(self, row: LogRow, log: _Log) -> None:
        self._require_mark(row, self._mark(row))
        now = time.monotonic()
        held = None
        if log.refusal is not None or now - log.looked >= LOOK:
            held, log.looked = self._anchors.log_head(row.log_id), now
        self._require_head(row, log.chain, held)

    def _mark(self, row: LogRow) -> int:
        return self._marks.get(row.log_id) if self._marks is not None else 0

    def _require_mark(self, row: LogRow, mark: int) -> None:
        if mark > row.next_index:
            raise IntegrityError("notary.below_mark", origin=row.origin, log=row.next_index, mark=mark)

    def _require_head(self, row: LogRow, told: int, held: tuple[int, Digest] | None) -> None:
        """`told` by the chain itself, `held` by the index."""
        chain = max(told, held[0] if held is not None else 0)
        if chain > row.next_index:
            raise IntegrityError("notary.restored", origin=row.origin, log=row.next_index, chain=chain)

    def _hear(self, origin: Origin, log: _Log, now: float) -> None:
        """Wait a moment for what the chain says; UnavailableError while it has said nothing and PATIENCE isn't over."""
        waiting = now - self._began < PATIENCE
        if not log.asked:
            log.asked = True
            threading.Thread(
                target=self._question, args=(LogId(log_id(origin)), log), name="notary-head", daemon=True
            ).start()
        if log.answered.wait(ANSWER if waiting else 0):
            return
        if waiting:
            raise UnavailableError("notary.unconfirmed", retry_after=AGAIN, origin=origin)
        if not log.told:
            log.told = True
            _log.critical("accept.unconfirmed", origin=origin, seconds=PATIENCE)

    def _question(self, asked: LogId, log: _Log) -> None:
        """Ask the chain until it has answered once: also after PATIENCE, so that what it says then is heard."""
        assert self._ask is not None
        while not log.answered.is_set() and not self._closed.is_set():
            try:
                held = self._ask(asked)
            except ChuzhengError:
                self._closed.wait(AGAIN)
                continue
            log.chain = held[0] if held is not None else 0
            log.answered.set()
