"""The log on disk: appending, sealing, proving, and what it costs in memory and bytes.

Run: python -m tests.bench.bench_log [--entries 1000000] [--folder DIR]; DIR should lie on the disk that is meant.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
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


def say(what: str, value: str) -> None:
    print(f"{what:64s} {value:>18s}", flush=True)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def folder(where: str | None) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="chuzheng-bench-", dir=where))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def grow(log: TileLog, total: int) -> None:
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
    say(f"append, {BULK} a bundle, fsync of file and folder", f"{total / appending_time:,.0f}/s")
    say(f"seal, {MAX_ENTRIES} at once, all tiles fsynced", f"{total / sealing_time:,.0f}/s")


def single_appends(log: TileLog, count: int = 300) -> None:
    times = []
    for _ in range(count):
        clock = time.perf_counter()
        with log.appending() as appending:
            appending.append(appending.durable_size, entries_from(appending.durable_size, 1))
        times.append(time.perf_counter() - clock)
    times.sort()
    say("append, one entry: median, p99", f"{times[count // 2] * 1e3:.2f}, {times[count * 99 // 100] * 1e3:.2f} ms")


def proofs(log: TileLog) -> None:
    size = log.sealed_size()
    for name, first in (("in the middle", size // 2 - 1234), ("at the end", size - BULK)):
        best = 1e9
        for _ in range(3):
            fresh = TileLog(log.directory, log.origin)
            clock = time.perf_counter()
            fresh.inclusion_paths(first, BULK, size)
            best = min(best, time.perf_counter() - clock)
        say(f"inclusion paths of {BULK} entries {name}, nothing cached", f"{best * 1e3:.1f} ms")
    clock = time.perf_counter()
    for step in range(200):
        log.inclusion_path(size * step // 200, size)
    say("inclusion path of one entry", f"{(time.perf_counter() - clock) / 200 * 1e3:.2f} ms")
    clock = time.perf_counter()
    for step in range(1, 101):
        log.consistency_proof(size * step // 100, size)
    say("consistency proof", f"{(time.perf_counter() - clock) / 100 * 1e3:.2f} ms")


def bytes_on_disk(log: TileLog) -> None:
    files = [file for file in (log.directory / "tile").rglob("*") if file.is_file()]
    entries = log.directory / "tile" / "entries"
    size = log.sealed_size()
    for name, chosen in (
        ("tree", [file for file in files if entries not in file.parents]),
        ("entries", [file for file in files if entries in file.parents]),
    ):
        length = sum(file.stat().st_size for file in chosen)
        blocks = sum(file.stat().st_blocks * 512 for file in chosen)
        say(f"{name}: bytes an entry, and as allocated", f"{length / size:.2f}, {blocks / size:.2f}")


def main() -> None:
    """Print one line per measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--folder")
    chosen = options.parse_args()
    print(f"cores on this machine: {os.cpu_count()} ({platform.machine()}); each line is one process")
    with folder(chosen.folder) as made:
        log = TileLog(made / "log", ORIGIN)
        before = peak_mib()
        grow(log, chosen.entries)
        say(f"peak memory after {chosen.entries} entries (before: {before:.0f} MiB)", f"{peak_mib():.0f} MiB")
        bytes_on_disk(log)
        proofs(log)
        clock = time.perf_counter()
        report = fsck(log)
        assert report.sound, report.findings
        say("fsck", f"{report.checked / (time.perf_counter() - clock):,.0f}/s")
        single_appends(log)
        say("peak memory", f"{peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
