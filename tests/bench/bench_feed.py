"""The outbound feed read from its beginning: items, as they go out, of 10^5 and 10^6 registered certificates."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.store.index.changes import Change, Closing, Recorded
from ledger.types import BlockTime, Digest, LogId, Millis
from notary.canonical import canonicalise
from notary.entry import log_id
from notary.feed import MOST, PAGE, Feed
from notary.stores.record_tables import record_keys, records
from notary.stores.records import position_of
from notary.vault import FRESH
from tests.bench.figures import Figure, forget_peak, peak_mib
from tests.fakes.notary import ISSUER, ORIGIN, Rig, certificate

SIZES = (100_000, 1_000_000)
ANCHOR = 50_000
"""Entries of one anchor."""
_BATCH = 50_000


class Anchors:
    """Everything is anchored; nothing was decided."""

    def __init__(self, size: int) -> None:
        log, ends = LogId(log_id(ORIGIN)), range(0, size, ANCHOR)
        self._all = [
            Change(block, 0, BlockTime(block), "anchored", log_id=log, first=first, end=min(first + ANCHOR, size))
            for block, first in enumerate(ends, 1)
        ]

    def genesis(self) -> str:
        return "0x01"

    def since(self, block: int, log_index: int, limit: int) -> list[Change]:
        return [change for change in self._all if (change.block, change.log_index) > (block, log_index)][:limit]

    def recorded_of(self, keys: Sequence[Digest]) -> dict[Digest, list[Recorded]]:
        return {}

    def closings(self) -> list[Closing]:
        return []

    def anchored_by(self, log_id: LogId, place: tuple[int, int] | None = None) -> int:
        return self._all[-1].end


def fill(rig: Rig, first: int, end: int) -> None:
    """Certificates at indexes `first … end-1`, encrypted as acceptance does it; commitments are made up, since nothing
    in the feed looks behind them."""
    store, log, vault = rig.notary.store, rig.notary.log(ORIGIN), rig.notary.vault
    before, after = canonicalise(certificate(0)).decode().split(certificate(0)["identifier"])
    head = b"\x01\x01" + ISSUER.encode() + bytes(8)
    for start in range(first, end, _BATCH):
        keys, bodies, entries = [], [], []
        for number in range(start, min(start + _BATCH, end)):
            commitment, position = hashlib.sha256(b"%d" % number).digest(), position_of(log.id, number)
            identifier = certificate(0)["identifier"] if number == start else f"{ISSUER}{number:040d}"
            body = f"{before}{identifier}{after}".encode()
            sealed, sealed_body = vault.seal(commitment, commitment, body, os.urandom(FRESH))
            keys.append((position, sealed))
            bodies.append((position, sealed_body))
            entries.append(head + commitment + commitment)
        with store.transaction() as connection:
            store.put_entries(connection, position_of(log.id, start), b"".join(entries))
            store.insert(connection, record_keys, keys)
            store.insert(connection, records, bodies)
            store.advance(connection, log.id, start + len(entries), Millis(0))


def read_all(feed: Feed, limit: int, after: str | None = None, most: int = 1 << 60) -> tuple[int, int]:
    """Every page written out as it is sent; (items, bytes)."""
    items = size = 0
    more = True
    while more and items < most:
        page = feed.page(after, limit)
        size += len(json.dumps(page.items, ensure_ascii=False, separators=(",", ":")).encode())
        items, after, more = items + len(page.items), page.cursor, page.more
    return items, size


def run(scale: float) -> Iterator[Figure]:
    """`scale` 1: 100,000 and a million entries, `scale` 0.1 a tenth of each."""
    with tempfile.TemporaryDirectory(prefix="chuzheng-bench-") as made:
        rig, filled = Rig(Path(made) / "home"), 0
        for full in SIZES:
            size = int(full * scale)
            fill(rig, filled, size)
            filled = size
            feed = Feed(rig.notary, Anchors(size))
            forget_peak()
            began, worked = time.perf_counter(), time.process_time()
            items, sent = read_all(feed, MOST)
            took, work, memory = time.perf_counter() - began, time.process_time() - worked, peak_mib()
            assert items == size
            name, note = f"feed of {size:,} certificates", f"pages of {MOST:,}, {sent / items:.0f} bytes an item"
            yield Figure(name, items / took, "items/s", note=note, memory=memory)
            yield Figure(f"{name}, CPU", work / items * 1e6, "µs/item", memory=memory)
        small = read_small(feed, size)
        yield Figure(f"pages of {PAGE:,} at its beginning, CPU", small[0] * 1e6, "µs/item")
        yield Figure(f"pages of {PAGE:,} at its end, CPU", small[1] * 1e6, "µs/item")
        rig.notary.close()


def read_small(feed: Feed, size: int) -> tuple[float, float]:
    """CPU seconds an item in pages of the usual size: the first twentieth, and the last one."""
    cursor, left = None, size - size // 20
    while left > 0:
        page = feed.page(cursor, min(MOST, left))
        cursor, left = page.cursor, left - len(page.items)
    spent = []
    for after, most in ((None, size // 20), (cursor, 1 << 60)):
        began = time.process_time()
        items, _ = read_all(feed, PAGE, after, most)
        spent.append((time.process_time() - began) / items)
    return spent[0], spent[1]
