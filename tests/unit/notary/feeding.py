"""A ledger that is fed, always the same one, and the chain's changes in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ledger.statuses import Decision, DecisionCode
from ledger.store.index.changes import Change, Closing, Recorded
from ledger.types import BlockTime, Digest, LogId
from notary.entry import Entry, log_id, status_key
from notary.feed import Feed
from notary.stores.record_tables import record_keys, records
from notary.stores.records import position_of
from tests.fakes.notary import ISSUER, ORIGIN, Rig, certificate, document, packed

LOG = LogId(log_id(ORIGIN))
KEY = Digest(b"\7" * 32)
"""Another notary's."""
RECORDS, LENT, ERASED = 20, 3, 6
"""Records; commitments of which the client kept the record; the index of a record that is erased."""


@dataclass
class Changes:
    """Changes in memory."""

    all: list[Change] = field(default_factory=list)
    made: dict[Digest, list[Decision]] = field(default_factory=dict)
    chain: str = "0x01"

    def genesis(self) -> str:
        return self.chain

    def since(self, block: int, log_index: int, limit: int) -> list[Change]:
        return [c for c in self.all if (c.block, c.log_index) > (block, log_index)][:limit]

    def recorded_of(self, keys: Sequence[Digest]) -> dict[Digest, list[Recorded]]:
        places = {(c.what, c.status_key, c.number): (c.block, c.log_index) for c in self.all}
        return {
            key: [
                Recorded(made, places["decided", key, made.number], places.get(("annulled", key, made.number)))
                for made in self.made[key]
                if ("decided", key, made.number) in places
            ]
            for key in keys
            if key in self.made
        }

    def closings(self) -> list[Closing]:
        closed = [c for c in self.all if c.what == "closed"]
        return [Closing(c.log_id, c.first, (c.block, c.log_index)) for c in closed if c.log_id is not None]

    def anchored_by(self, log_id: LogId, place: tuple[int, int] | None = None) -> int:
        own = [c for c in self.all if c.what == "anchored" and c.log_id == log_id]
        return max((c.end for c in own if place is None or (c.block, c.log_index) < place), default=0)


def ledger(home: Path) -> Rig:
    """20 records of which each fifth is no certificate and one is erased, then 3 commitments of kind 1; salts and so
    commitments are the same at every run."""
    numbers = count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.urandom", lambda size: hashlib.shake_256(b"feed/%d" % next(numbers)).digest(size))
        made = Rig(home)
        told = [document(n) if n % 5 == 4 else certificate(n) for n in range(RECORDS)]
        made.notary.accept_records(ISSUER, ORIGIN, told, key="k")
        made.notary.accept_commitments(ISSUER, ORIGIN, packed(LENT), key="c")
    made.notary.catch_up(ORIGIN)
    erase(made, ERASED)
    return made


def erase(rig: Rig, index: int) -> None:
    """What an erasure leaves of a record."""
    store, position = rig.notary.store, position_of(rig.notary.log(ORIGIN).id, index)
    with store.transaction() as connection:
        for table in (records, record_keys):
            connection.execute(table.delete().where(table.c.position == position))


def key_at(rig: Rig, index: int) -> Digest:
    entry = Entry.from_bytes(rig.notary.prover.entry(ORIGIN, index))
    return status_key(entry.issuer, entry.sha256)


def decided(rig: Rig, index: int, *codes: DecisionCode) -> dict[Digest, list[Decision]]:
    """A history with one decision a block from block 50 on."""
    history: list[Decision] = []
    for number, code in enumerate(codes, 1):
        ends = number - 1 if code is DecisionCode.RESUMED else None
        at = BlockTime(1_000 + 50 + number)
        history.append(Decision(number, code, 0, ISSUER, BlockTime(0), at, ends=ends))
    return {key_at(rig, index): history}


def anchored(block: int, first: int, end: int, log: LogId = LOG) -> Change:
    return Change(block, 0, BlockTime(1_000 + block), "anchored", log_id=log, first=first, end=end)


def on_key(block: int, number: int, key: Digest, what: str = "decided") -> Change:
    return Change(block, 1, BlockTime(1_000 + block), what, status_key=key, number=number)  # type: ignore[arg-type]


def history(rig: Rig) -> Changes:
    """Three anchors with a stranger's between, three decisions on entry 3, one on the erased entry and its annulment, a
    closing at 18."""
    made = decided(rig, 3, DecisionCode.SUSPENDED, DecisionCode.RESUMED, DecisionCode.REVOKED)
    made |= decided(rig, ERASED, DecisionCode.LAPSED)
    changes = [anchored(10, 0, 12), anchored(11, 0, 1000, LogId(b"\1" * 32))]
    changes += [anchored(12, 12, 20), anchored(13, 20, 23)]
    changes += [on_key(50 + n, n, key_at(rig, 3)) for n in (1, 2, 3)]
    changes += [on_key(55, 1, key_at(rig, ERASED)), on_key(56, 1, key_at(rig, ERASED), "annulled")]
    changes.append(on_key(60, 1, KEY))
    changes.append(Change(70, 0, BlockTime(1_070), "closed", log_id=LOG, first=18, end=23))
    return Changes(changes, made)


def follow(feed: Feed, limits: Sequence[int], after: str | None = None) -> list[dict[str, Any]]:
    """All items, by pages of these sizes, over and over."""
    items: list[dict[str, Any]] = []
    turn = 0
    while True:
        page = feed.page(after, limits[turn % len(limits)])
        assert len(page.items) <= limits[turn % len(limits)]
        items += page.items
        after, turn = page.cursor, turn + 1
        if not page.more:
            return items


def pages(feed: Any, limits: Sequence[int]) -> list[dict[str, Any]]:
    """Every answer as it goes out."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = feed.page(after, limits[len(found) % len(limits)])
        found.append({"items": page.items, "cursor": page.cursor, "more": page.more})
        after = page.cursor
        if not page.more:
            return found
