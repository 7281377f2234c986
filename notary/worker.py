"""The loop beside the API: bring every log up, seal it, and hand its head to the chain. All of it can die anywhere.

A step reads what is durable and does what is missing, so a crash, a second worker or a chain that lost its last blocks
need no path of their own. The checkpoint that is handed to the chain and the intent to anchor it are one database
transaction: an anchored size always has its note, and no head is handed over twice.

A log with nothing left to do rests until its rows or the index's head for it change. Both are asked for all logs at
once, so an idle worker costs the same with ten logs and with hundreds.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from ledger.errors import ChuzhengError, IntegrityError, UnavailableError
from ledger.ports import Clock
from ledger.types import Address, Digest, LogId, Origin
from notary.batch import Anchoring, anchor_due, poll_after, seal_due
from notary.checkpoint import Checkpoint
from notary.prove import AnchorIndex
from notary.service import Notary
from notary.stores.records import CheckpointRow, LogRow
from notary.stores.tiles import TileLog

ON_ITS_WAY = frozenset({"queued", "signed", "sent", "mined"})
REFUSED = frozenset({"reverted", "failed"})
MAX_BACKOFF = 60_000
"""Milliseconds between attempts for a head that the chain keeps refusing."""
FIRST_LOOK, LAST_LOOK = 200, 5_000
"""Milliseconds until a log that waits for its intent looks again whether it was refused, and what they grow to."""

_log = structlog.get_logger("notary.worker")


class OutboxRow(Protocol):
    """What the worker reads of an intent."""

    @property
    def state(self) -> str: ...


class Outbox(Protocol):
    """The outbox of ledger.evm, as far as this room uses it."""

    def enqueue(
        self, connection: Any, *, intent_key: str, sender: Address, contract: str, function: str, args: Sequence[Any]
    ) -> int:
        """Part of the caller's transaction; nothing happens if the key is there already."""
        ...

    def status(self, intent_key: str) -> OutboxRow | None: ...


class Step(Protocol):
    """Another part of the loop (sender, indexer): True if it did something."""

    def step(self) -> bool: ...


class HeadIndex(AnchorIndex, Protocol):
    """The index of the chain, asked about all logs at once."""

    def mark(self) -> object:
        """Another value whenever any of the index's answers may have changed."""
        ...

    def log_heads(self) -> Mapping[LogId, tuple[int, Digest]]:
        """`log_head` of every log that is opened."""
        ...


@dataclass(frozen=True, slots=True)
class _Rest:
    """What a log looked like when nothing was left to do, and the clock's time when it must be looked at anyway."""

    rows: int
    head: tuple[int, Digest] | None
    wait: int = 0
    until: int | None = None

    def goes_on(self, rows: int, head: tuple[int, Digest] | None, now: int) -> bool:
        """Whether all is as it was; a clock that was put back ends a rest that has a time."""
        if (rows, head) != (self.rows, self.head):
            return False
        return self.until is None or self.until - self.wait <= now < self.until


@dataclass(slots=True)
class _Refusals:
    """Attempts that the chain refused in a row, and when to try again; a restart forgets them and only tries sooner."""

    count: int = 0
    not_before: int = 0


class Worker:
    """Anchors the logs of one notary. `lanes` says which sender anchors which log: one lane a log, anchors in order."""

    def __init__(
        self,
        notary: Notary,
        outbox: Outbox,
        index: HeadIndex,
        *,
        lanes: Mapping[Origin, Address],
        clock: Clock,
        beside: Sequence[Step] = (),
    ) -> None:
        self._notary, self._outbox, self._index = notary, outbox, index
        self._lanes, self._clock, self._beside = dict(lanes), clock, tuple(beside)
        self._refusals: dict[Origin, _Refusals] = {}
        self._stopped: set[Origin] = set()
        self._rests: dict[Origin, _Rest] = {}
        self._mark: object = object()
        self._heads: Mapping[LogId, tuple[int, Digest]] = {}

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: one round, then sleep as long as nothing can be due."""
        while not stop.is_set():
            if not self.step():
                stop.wait(self.pause() / 1000)

    def pause(self) -> int:
        """Milliseconds until the first log may need something; at most 200, for what other processes append."""
        now = self._clock.now()
        awake = [origin for origin in self._lanes if origin not in self._rests]
        try:
            waits = [poll_after(self._notary.logs[origin].waiting(), now) for origin in awake]
        except UnavailableError:  # the next round meets it again and says so
            return 200
        return max(5, min(waits, default=200))

    def step(self) -> bool:
        """One round over all logs and the parts beside; an outage of one log leaves the others alone."""
        worked = False
        for row, head in self._awake():
            origin = row.origin
            try:
                worked |= self.tend(origin)
                self._settle(row, head)
            except UnavailableError as error:
                told = _log.debug if error.code == "notary.other_writer" else _log.warning
                told("worker.unavailable", origin=origin, code=error.code)
            except IntegrityError as error:
                # Going on could sign or anchor a contradiction. The log still takes submissions; a person must look.
                self._stopped.add(origin)
                _log.critical("worker.stopped", origin=origin, code=error.code, params=error.params)
        for part in self._beside:
            try:
                worked |= part.step()
            except UnavailableError as error:
                _log.warning("worker.unavailable", part=type(part).__name__, code=error.code)
            except ChuzhengError as error:
                _log.error("worker.part_failed", part=type(part).__name__, code=error.code)
        return worked

    def _awake(self) -> list[tuple[LogRow, tuple[int, Digest] | None]]:
        """The logs that may need something, with the rows and the chain's head that they had before anything is done:
        what changes while they are tended is seen at the next round."""
        try:
            mark = self._index.mark()
            if mark != self._mark:
                self._heads, self._mark = self._index.log_heads(), mark
            with self._notary.store.reading() as connection:
                rows = self._notary.store.all_logs(connection)
        except UnavailableError as error:
            _log.warning("worker.unavailable", code=error.code)
            return []
        now = self._clock.now()
        found = [(row, self._heads.get(row.log_id)) for row in rows if row.origin in self._lanes]
        resting = {
            row.origin
            for row, head in found
            if (rest := self._rests.get(row.origin)) is not None and rest.goes_on(row.next_index, head, now)
        }
        return [(r, head) for r, head in found if r.origin not in resting and r.origin not in self._stopped]

    def _settle(self, row: LogRow, head: tuple[int, Digest] | None) -> None:
        """Let a log rest that has everything sealed and handed to the chain."""
        origin = row.origin
        before = self._rests.pop(origin, None)
        if self._notary.logs[origin].sealed_size() != row.next_index:
            return
        if head is None or head[0] == row.next_index:
            self._rests[origin] = _Rest(row.next_index, head)
            return
        same = before is not None and (before.rows, before.head) == (row.next_index, head)
        wait = min(LAST_LOOK, before.wait * 2) if before is not None and same and before.wait else FIRST_LOOK
        self._rests[origin] = _Rest(row.next_index, head, wait, self._clock.now() + wait)

    @property
    def stopped(self) -> frozenset[Origin]:
        """Logs that contradict themselves, or that the Council closed: not anchored any more; health reports them."""
        return frozenset(self._stopped)

    def tend(self, origin: Origin) -> bool:
        """One log: catch up, seal what waited long enough, anchor what is sealed."""
        log = self._notary.logs[origin]
        worked = self._notary.catch_up(origin) > 0
        if seal_due(log.waiting(), self._clock.now()):
            worked |= self._notary.seal(origin) is not None
        return self._anchor(origin, log) or worked

    def _anchor(self, origin: Origin, log: TileLog) -> bool:
        row = self._notary.log(origin)
        # The chain first: what it holds was sealed before, so a head read after it is never behind, whoever else seals.
        held = self._index.log_head(row.log_id)
        head = log.head()
        if head is None or held is None:
            return False
        checkpoint, note = head
        size, root = held
        last = self._index.closed_at(row.log_id)
        if last is not None:
            # A stolen key: the chain takes nothing more, and what it held above counts no more.
            self._stopped.add(origin)
            _log.warning("worker.log_closed", origin=origin, size=last)
            return False
        check_chain(checkpoint, size, root, log)
        with self._notary.store.reading() as connection:
            newest = self._notary.store.newest_checkpoint(connection, row.id)
        attempt = 0
        if newest is not None and newest.size > size:
            intent = self._outbox.status(newest.intent_key)
            if intent is None or intent.state not in REFUSED:
                # On its way; or final already and not in the index yet, so that a proof from `size` would be refused;
                # or the chain lost it, and the outbox sends the same bytes again.
                return False
            if not self._try_again(origin):
                return False
            attempt = newest.attempt + 1 if newest.size == checkpoint.size else 0
        elif newest is not None:
            self._refusals.pop(origin, None)
        if not anchor_due(Anchoring(sealed=checkpoint.size, anchored=size, unfinished=False)):
            return False
        suffix = f"/{attempt}" if attempt else ""
        key = f"anchor/{row.log_id.hex()}/{checkpoint.size}{suffix}"
        kept = CheckpointRow(row.id, checkpoint.size, checkpoint.root, note, attempt, key)
        return self._hand_over(row, kept, size, newest)

    def _hand_over(self, row: LogRow, kept: CheckpointRow, held: int, newest: CheckpointRow | None) -> bool:
        """False if another worker handed one over since `newest` was: two on their way, and the chain refuses one."""
        origin, store = row.origin, self._notary.store
        proof = self._notary.logs[origin].consistency_proof(held, kept.size) if held else []
        with store.transaction() as connection:
            self._notary.leases.hold(connection, row)
            if store.newest_checkpoint(connection, row.id) != newest:
                return False
            store.put_checkpoint(connection, kept)
            self._outbox.enqueue(
                connection,
                intent_key=kept.intent_key,
                sender=self._lanes[origin],
                contract="AnchorLog",
                function="anchor",
                args=(row.log_id, kept.size, kept.root, proof),
            )
        return True

    def _try_again(self, origin: Origin) -> bool:
        """Whether a refused head may be handed over now: at once the first time, then after growing pauses."""
        refusals = self._refusals.setdefault(origin, _Refusals())
        now = self._clock.now()
        if now < refusals.not_before <= now + MAX_BACKOFF:  # further away only where the clock was set back since
            return False
        refusals.count += 1
        refusals.not_before = now + min(MAX_BACKOFF, 500 * 2**refusals.count)
        return True


def check_chain(checkpoint: Checkpoint, size: int, root: Digest, log: TileLog) -> None:
    """IntegrityError unless the log extends what the chain holds: it was restored from an old copy, or signed twice."""
    if size > checkpoint.size:
        raise IntegrityError("notary.log_behind_chain", origin=log.origin, log=checkpoint.size, chain=size)
    if size and log.root(size) != root:
        raise IntegrityError("log.equivocation", origin=log.origin, size=size)
