"""Packed snapshots of a province: written from an index's rows, opened, asked, every row checked; memory a row.

The sample's decisions are made as they are written, as a cursor would bring them; what that alone costs is measured
first and taken off.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from ledger.statuses import Decision, DecisionCode
from ledger.types import BlockTime, Digest
from notary.snapshot_making import snapshot_body
from notary.snapshot_packed import PackedSnapshot, open_snapshot, pack_snapshot
from tests.bench.figures import Figure, forget_peak, peak_mib, percentile
from tests.golden import make

ROWS = (100_000, 1_000_000)
ASKED = 2_000


def run(scale: float) -> Iterator[Figure]:
    """`scale` 1: 10^5 and 10^6 decisions."""
    with tempfile.TemporaryDirectory(prefix="chuzheng-bench-", dir=os.environ.get("CHUZHENG_BENCH_DIR")) as made:
        for rows in ROWS:
            yield from _of(int(rows * scale), Path(made) / "a.packed")


def _key(number: int, rows: int) -> Digest:
    """Rises with `number`; looks like a digest otherwise."""
    return Digest((number * (1 << 64) // rows).to_bytes(8) + hashlib.sha256(number.to_bytes(8)).digest()[:24])


def _decisions(rows: int) -> Iterator[tuple[Digest, Decision]]:
    for number in range(rows):
        key = _key(number, rows)
        at = BlockTime(1_790_000_000 + number)
        yield key, Decision(1, DecisionCode.REVOKED, 1, make.ISSUER, at, BlockTime(at + 60), basis=Digest(key[::-1]))


def _of(rows: int, path: Path) -> Iterator[Figure]:
    named = f"{rows:,} decisions"
    facts = make._facts()
    body = snapshot_body(**{**facts, "decisions": ()})
    anchors = [(make.ORIGIN, each) for each in facts["anchors"]]
    started = time.process_time()
    for _ in _decisions(rows):
        pass
    sample = time.process_time() - started

    before = _settled()
    started = time.process_time()
    with path.open("wb") as file:
        for piece in pack_snapshot(body, anchors, _decisions(rows), make.SIGNER):
            file.write(piece)
    spent = time.process_time() - started - sample
    yield Figure(f"{named}: written", rows / spent, "rows/s", note="CPU, without the sample's making")
    yield Figure(f"{named}: memory a row, written", _a_row(before, rows), "bytes")
    yield Figure(f"{named}: file", path.stat().st_size / rows, "bytes a row")

    before = _settled()
    with path.open("rb") as file:
        started = time.perf_counter()
        snapshot = open_snapshot(file)
        yield Figure(f"{named}: opened", (time.perf_counter() - started) * 1000, "ms")
        for what, absent in (("there", 0), ("absent", 1)):
            yield Figure(f"{named}: a look-up, {what}, p99", _asked(snapshot, rows, absent), "ms")
        yield Figure(f"{named}: memory a row, asked", _a_row(before, rows), "bytes")
        before = _settled()
        started = time.process_time()
        snapshot.check_all()
        yield Figure(f"{named}: every row checked", rows / (time.process_time() - started), "rows/s", note="CPU")
        yield Figure(f"{named}: memory a row, checked", _a_row(before, rows), "bytes")


def _asked(snapshot: PackedSnapshot, rows: int, absent: int) -> float:
    """p99 of a look-up in milliseconds, keys at random."""
    random, spent = Random(rows), []
    for _ in range(ASKED):
        key = bytearray(_key(random.randrange(rows), rows))
        key[-1] ^= absent
        started = time.perf_counter()
        found = snapshot.decisions_about(bytes(key))
        spent.append((time.perf_counter() - started) * 1000)
        assert len(found) == 1 - absent
    return percentile(spent, 99)


def _settled() -> float:
    forget_peak()
    return peak_mib()


def _a_row(before: float, rows: int) -> float:
    """What the peak has grown by since `before`, shared out."""
    return (peak_mib() - before) * (1 << 20) / rows
