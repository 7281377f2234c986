"""The log on disk: appending, sealing, proving, and what it costs in memory and bytes. TMPDIR names the disk."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.crypto.keys import Ed25519Signer
from ledger.types import Kind, Origin
from notary.batch import MAX_ENTRIES
from notary.entry import Entry
from notary.fsck import fsck
from notary.stores.tiles import TileLog
from tests.bench.figures import Figure, peak_mib, percentile

ISSUER = "11420000011043201A"
ORIGIN = Origin(f"chuzheng/bench/{ISSUER}")
BULK = 10_000


def entries_from(first: int, count: int) -> list[bytes]:
    """Entries with made-up commitments, the same for an index every time."""
    return [
        Entry(Kind.CERTIFICATE, ISSUER, 1_780_000_000_000 + i, fill, fill).to_bytes()  # type: ignore[arg-type]
        for i in range(first, first + count)
        for fill in [i.to_bytes(32, "big")]
    ]


@contextmanager
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="chuzheng-bench-"))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def run(scale: float) -> Iterator[Figure]:
    """A log grown to a million entries (at scale 1), then asked for everything that it can be asked."""
    total = max(100_000, int(1_000_000 * scale))
    with folder() as made:
        log = TileLog(made / "log", ORIGIN)
        yield from grow(log, total)
        yield from bytes_on_disk(log)
        yield from proofs(log)
        clock = time.perf_counter()
        report = fsck(log)
        assert report.sound, report.findings
        yield Figure("fsck", report.checked / (time.perf_counter() - clock), "entries/s", note="every root rebuilt")
        yield from single_appends(log)


def grow(log: TileLog, total: int) -> Iterator[Figure]:
    """Bulk appends, sealed as the worker does at 65,536."""
    signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    appending_time = sealing_time = 0.0
    while (start := log.durable_size()) < total:
        entries = entries_from(start, min(BULK, total - start))
        clock = time.perf_counter()
        with log.appending() as appending:
            appending.append(start, entries)
        appending_time += time.perf_counter() - clock
        if log.waiting().count >= MAX_ENTRIES or log.durable_size() == total:
            clock = time.perf_counter()
            log.seal(signer, ORIGIN)
            sealing_time += time.perf_counter() - clock
    memory = peak_mib()
    yield Figure(
        "appending",
        total / appending_time,
        "entries/s",
        note=f"{BULK:,} a bundle, file and folder synced",
        memory=memory,
    )
    yield Figure(
        "sealing", total / sealing_time, "entries/s", note=f"{MAX_ENTRIES:,} at once, every tile synced", memory=memory
    )
    yield Figure(f"peak memory after {total:,} entries", memory, "MiB", target=400, memory=memory)


def single_appends(log: TileLog, count: int = 300) -> Iterator[Figure]:
    times = []
    for _ in range(count):
        clock = time.perf_counter()
        with log.appending() as appending:
            appending.append(appending.durable_size, entries_from(appending.durable_size, 1))
        times.append((time.perf_counter() - clock) * 1000)
    yield Figure("appending one entry, p99", percentile(times, 99), "ms", note=f"p50 {percentile(times, 50):.2f} ms")


def proofs(log: TileLog) -> Iterator[Figure]:
    size = log.sealed_size()
    for name, first in (("in the middle", size // 2 - 1234), ("at the end", size - BULK)):
        best = 1e9
        for _ in range(3):
            fresh = TileLog(log.directory, log.origin)
            clock = time.perf_counter()
            fresh.inclusion_paths(first, BULK, size)
            best = min(best, time.perf_counter() - clock)
        yield Figure(f"inclusion paths of {BULK:,} entries {name}", BULK / best, "paths/s", note="nothing cached")
    clock = time.perf_counter()
    for step in range(200):
        log.inclusion_path(size * step // 200, size)
    yield Figure("inclusion path of one entry", (time.perf_counter() - clock) / 200 * 1e3, "ms")
    clock = time.perf_counter()
    for step in range(1, 101):
        log.consistency_proof(size * step // 100, size)
    yield Figure("consistency proof", (time.perf_counter() - clock) / 100 * 1e3, "ms")


def bytes_on_disk(log: TileLog) -> Iterator[Figure]:
    files = [file for file in (log.directory / "tile").rglob("*") if file.is_file()]
    entries = log.directory / "tile" / "entries"
    size = log.sealed_size()
    for name, target, chosen in (
        ("tree", 33.0, [file for file in files if entries not in file.parents]),
        ("entries", None, [file for file in files if entries in file.parents]),
    ):
        length = sum(file.stat().st_size for file in chosen)
        blocks = sum(file.stat().st_blocks * 512 for file in chosen)
        note = f"{size:,} entries; {blocks / size:.1f} as the file system allocates them"
        yield Figure(f"the {name} on disk, an entry", length / size, "bytes", target, note)
