"""The chain as one block tells it to many verifications: asked once, remembered until the next block.

Everything that a verification asks is of a named block, and what a block says doesn't change. So an *era* fixes the
newest block and the final one for `AGE` seconds at most, and its answers serve everybody who asks meanwhile; reports
name that block. While somebody keeps asking, the next era is asked for beside them before the last one ends, with what
the last one was asked, so that nobody waits at the turn. Decisions come from our own index where it holds exactly that
block (by its hash): a block's hash settles all events before it (ledger/evm/indexed.py). An outage isn't remembered;
that is the breaker's.

Anchors outlive an era: a log's anchor above an index stays the first one. They are forgotten when the chain doesn't
continue the last era's block, and never used for a log that the Council closed.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from ledger.departments import Accreditation, DepartmentHistory
from ledger.errors import UnavailableError
from ledger.keys import DepartmentKey
from ledger.ports import ChainReader
from ledger.statuses import Decision
from ledger.types import Anchor, Block, DepartmentCode, Digest, LogId, TypeCode

AGE = 0.5
"""Seconds that an era stands: a status that the chain took is told this much later at worst."""
AHEAD = AGE / 2
"""Seconds before its end from which on an era's successor is asked for, if somebody uses it."""
LAG = 5
"""Blocks that our index may be behind for its block to be the era's."""
MOST = 100_000
"""Answers kept of one era, and anchors of all logs."""
MOST_AGAIN = 64
"""Answers of the last era that are asked for again before the next one is used."""
AGAIN = frozenset({"asked", "closed_at", "department", "accreditations", "keys", "carrier"})
"""Those that many receipts have in common; their keys end with the block."""
_NOBODYS = Digest(bytes(32))
"""A status key that nothing has."""
T = TypeVar("T")


class Unknown(Exception):
    """A quick view doesn't know it: somebody who may wait has to ask. No error of ours, so that nobody explains it."""


class Indexed(Protocol):
    """The index of the chain, as far as it is asked here."""

    depth: int

    @property
    def local(self) -> bool:
        """Whether it answers from a file beside us, in a fraction of a millisecond."""
        ...

    def cursor(self) -> Block | None: ...

    def decisions(self, status_key: Digest) -> Sequence[Decision]: ...


@dataclass(frozen=True, slots=True)
class Era:
    """What stands for a moment; `in_step`: our index holds exactly `head`."""

    chain_id: int
    genesis_hash: str
    head: Block
    final: Block
    in_step: bool
    until: float
    answers: dict[Any, Any] = field(default_factory=dict)
    used: set[Any] = field(default_factory=set)
    """Keys of `answers`, of the kinds in AGAIN, that served once more."""


@dataclass(slots=True)
class _Run:
    """Known anchors of one log by size; `lows[i]`: from this size on up to `sizes[i]` there is no other."""

    sizes: list[int] = field(default_factory=list)
    lows: list[int] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)

    def above(self, size: int) -> Anchor | None:
        at = bisect_right(self.sizes, size)
        return self.anchors[at] if at < len(self.sizes) and self.lows[at] <= size else None

    def add(self, size: int, anchor: Anchor) -> None:
        at = bisect_left(self.sizes, anchor.size)
        if at < len(self.sizes) and self.sizes[at] == anchor.size:
            self.lows[at] = min(self.lows[at], size)
            return
        self.sizes.insert(at, anchor.size)
        self.lows.insert(at, size)
        self.anchors.insert(at, anchor)


class Remembered:
    """Views of a chain that share what they learned. Safe for threads: one goes to see, others use what there is."""

    def __init__(
        self,
        reader: ChainReader,
        index: Indexed | None = None,
        clock: Callable[[], float] = time.monotonic,
        beside: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """`beside` runs something that may wait, without waiting for it; None: on a thread."""
        self.reader, self.index = reader, index
        self._clock = clock
        self._beside = beside or _on_a_thread
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._era: Era | None = None
        self._runs: dict[LogId, _Run] = {}
        self._kept = 0

    def view(self) -> View:
        """The chain for one verification: all of its answers of one era."""
        return View(self)

    def quick_view(self) -> View:
        """The same for who mustn't wait: raises Unknown where the chain or another machine would have to be asked."""
        era = self._era
        if era is None or not (self.index is None or self.index.local):
            raise Unknown
        left = era.until - self._clock()
        if left <= 0:
            raise Unknown
        if left <= AHEAD and self._asking.acquire(blocking=False):
            self._beside(self._look_ahead)
        return View(self, era, quick=True)

    def _look_ahead(self) -> None:
        """The next era before this one ends; `_asking` is held by who sent us. What can't be asked now is no news to
        anybody: this era stands to its end, and whoever comes then meets the outage."""
        try:
            self._era = self._next(self._era)
        except UnavailableError:
            pass
        finally:
            self._asking.release()

    def era(self) -> Era:
        """The present era. UnavailableError if a new one is due and the chain can't be asked."""
        era, now = self._era, self._clock()
        if era is not None and now < era.until:
            return era
        fresh = era is not None and now < era.until + AGE
        if not self._asking.acquire(blocking=not fresh):
            assert era is not None
            return era  # somebody is asking already, and this one isn't old
        try:
            if (newer := self._era) is not None and self._clock() < newer.until:
                return newer
            self._era = self._next(self._era)
            return self._era
        finally:
            self._asking.release()

    def _next(self, before: Era | None) -> Era:
        reader = self.reader
        latest = reader.head()
        chain = reader.chain_id(), reader.genesis_hash()
        cursor = None if self.index is None else self.index.cursor()
        in_step = cursor is not None and 0 <= latest.number - cursor.number <= LAG and self._same(cursor, latest)
        head = cursor if in_step and cursor is not None else latest
        goes_on = before is not None and chain == (before.chain_id, before.genesis_hash)
        if before is not None:
            goes_on = goes_on and before.head.number <= latest.number and self._same(before.head, latest)
        if not goes_on:
            with self._lock:
                self._runs, self._kept = {}, 0
        final = reader.final_head() if head is latest else self._below(head)
        same = before is not None and (before.head, before.final, before.in_step) == (head, final, in_step)
        answers = before.answers if same and goes_on and before is not None else {}
        era = Era(*chain, head, final, in_step, self._clock() + AGE, answers)
        if before is not None and goes_on and not same and self._clock() < before.until + AGE:
            self._ask_again(before, era)
        return era

    def _ask_again(self, before: Era, era: Era) -> None:
        """What one era was asked repeatedly, of the next one's block. What can't be had now, its asker will meet."""
        view, at = View(self, era), era.final.number
        try:
            for name, *arguments, block in list(before.used)[:MOST_AGAIN]:
                if block != before.final.number:
                    continue
                if name != "asked":
                    getattr(view, name)(*arguments, at)
                elif era.in_step:
                    view.ask_contract(at)
        except UnavailableError:
            return

    def _same(self, block: Block, latest: Block) -> bool:
        """Whether the chain whose newest block is `latest` has this block."""
        found = latest if block.number == latest.number else self.reader.block(block.number)
        return found is not None and found.hash == block.hash

    def _below(self, head: Block) -> Block:
        depth = 0 if self.index is None else self.index.depth
        found = head if depth == 0 else self.reader.block(max(0, head.number - depth))
        if found is None:
            raise UnavailableError("chain.block_unknown", block=head.number)
        return found

    def anchor_above(self, log_id: LogId, size: int) -> Anchor | None:
        """A known first anchor above `size`; None: not known here."""
        with self._lock:
            run = self._runs.get(log_id)
            return None if run is None else run.above(size)

    def keep_anchor(self, log_id: LogId, size: int, anchor: Anchor) -> None:
        with self._lock:
            if self._kept >= MOST:
                self._runs, self._kept = {}, 0
            self._runs.setdefault(log_id, _Run()).add(size, anchor)
            self._kept += 1


class View:
    """A ChainReader of one era: `era`, or the present one when it is first asked. `quick`: for who mustn't wait."""

    def __init__(self, memory: Remembered, era: Era | None = None, *, quick: bool = False) -> None:
        self._memory = memory
        self._reader = memory.reader
        self._fixed, self._quick = era, quick

    @property
    def _era(self) -> Era:
        if self._fixed is None:
            self._fixed = self._memory.era()
        return self._fixed

    def chain_id(self) -> int:
        return self._era.chain_id

    def genesis_hash(self) -> str:
        return self._era.genesis_hash

    def head(self) -> Block:
        return self._era.head

    def final_head(self) -> Block:
        return self._era.final

    def block(self, number: int) -> Block | None:
        era = self._era
        known = next((block for block in (era.head, era.final) if block.number == number), None)
        return known or self._once(("block", number), lambda: self._reader.block(number))

    def log_head(self, log_id: LogId, block: int | None = None) -> tuple[int, Digest] | None:
        return self._once(("log_head", log_id, block), lambda: self._reader.log_head(log_id, block))

    def closed_at(self, log_id: LogId, block: int | None = None) -> int | None:
        return self._once(("closed_at", log_id, block), lambda: self._reader.closed_at(log_id, block))

    def anchored_root(self, log_id: LogId, size: int, block: int | None = None) -> Digest | None:
        if block is not None and self._open(log_id):
            known = self._memory.anchor_above(log_id, size - 1)
            if known is not None and known.size == size and known.block_number <= block:
                return known.root
        return self._once(("root", log_id, size, block), lambda: self._reader.anchored_root(log_id, size, block))

    def anchors(self, log_id: LogId, above_size: int = 0, limit: int = 1) -> Sequence[Anchor]:
        if limit != 1 or not self._open(log_id):
            if self._quick:
                raise Unknown
            return self._reader.anchors(log_id, above_size, limit)
        known = self._memory.anchor_above(log_id, above_size)
        if known is not None:
            return (known,)
        key = ("anchors", log_id, above_size)
        found: Sequence[Anchor] = self._once(key, lambda: self._reader.anchors(log_id, above_size, limit))
        if found:
            self._memory.keep_anchor(log_id, above_size, found[0])
        return found

    def decisions(self, status_key: Digest, block: int | None = None) -> Sequence[Decision]:
        era, index = self._era, self._memory.index
        if index is not None and era.in_step and block == era.final.number:
            self.ask_contract(block)
            # The index may have gone on since: what it learned after this block isn't told as of it.
            return [d for d in index.decisions(status_key) if d.recorded_at <= era.final.time]
        return self._once(("decisions", status_key, block), lambda: self._reader.decisions(status_key, block))

    def ask_contract(self, block: int) -> None:
        """Once an era the contract itself is asked: it refuses where a newer version took over that we don't know."""
        self._once(("asked", block), lambda: self._reader.decisions(_NOBODYS, block))

    def department(self, code: DepartmentCode, block: int | None = None) -> DepartmentHistory | None:
        return self._once(("department", code, block), lambda: self._reader.department(code, block))

    def accreditations(
        self, issuer: DepartmentCode, type_code: TypeCode, block: int | None = None
    ) -> Sequence[Accreditation]:
        key = ("accreditations", issuer, type_code, block)
        return self._once(key, lambda: self._reader.accreditations(issuer, type_code, block))

    def keys(self, department: DepartmentCode, block: int | None = None) -> Sequence[DepartmentKey]:
        return self._once(("keys", department, block), lambda: self._reader.keys(department, block))

    def carrier(self, code: DepartmentCode, what: bytes, block: int | None = None) -> DepartmentCode:
        return self._once(("carrier", code, what, block), lambda: self._reader.carrier(code, what, block))

    def _open(self, log_id: LogId) -> bool:
        return self.closed_at(log_id, self._era.final.number) is None

    def _once(self, key: Any, ask: Callable[[], T]) -> T:
        answers = self._era.answers
        if key in answers:
            if key[0] in AGAIN:
                self._era.used.add(key)
            found: T = answers[key]
            return found
        if self._quick:
            raise Unknown
        found = ask()
        if len(answers) < MOST:
            answers[key] = found
        return found


def _on_a_thread(act: Callable[[], None]) -> None:
    threading.Thread(target=act, name="next-era", daemon=True).start()
