"""How fast the notary takes records: singles, finished commitments, CSV files; and in how much memory.

Everything is real and on disk (SQLite WAL with synchronous=FULL, synced log files); no HTTP. Certificates have 15
members, both digests are made, bodies are encrypted. TMPDIR names the disk.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from notary.imports import COLUMNS
from notary.processes import Processes
from tests.bench.figures import Figure, peak_mib, percentile
from tests.fakes.backfilling import cells_of
from tests.fakes.notary import ISSUER, ORIGIN, STORAGE_KEY, Rig, document

BULK = 10_000
CORES = 2


def csv_file(first: int, count: int) -> bytes:
    """A file as departments send it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for n in range(first, first + count):
        writer.writerow(cells_of(n))
    return text.getvalue().encode()


def timed(act: Callable[[], object]) -> float:
    clock = time.perf_counter()
    act()
    return time.perf_counter() - clock


def run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run(scale: float) -> Iterator[Figure]:
    """Singles, then commitments, then CSV files; one notary with two worker processes."""
    with tempfile.TemporaryDirectory(prefix="chuzheng-bench-") as folder:
        rig = Rig(Path(folder) / "home")
        rig.clock.at = time.time_ns() // 1_000_000
        processes = Processes(CORES, STORAGE_KEY, {ORIGIN: rig.key_address(ORIGIN)})
        rig.notary._processes = rig.notary.prover._processes = processes
        try:
            yield from singles(rig, 16, max(30, int(200 * scale)))
            yield from bulk(rig, max(100_000, int(1_000_000 * scale)))
            yield from csv_files(rig, max(5_000, int(20_000 * scale)))
        finally:
            processes.close()
            rig.notary.close()


def csv_files(rig: Rig, rows: int) -> Iterator[Figure]:
    """From bytes of a file to promised receipts with their salts."""
    notary = rig.notary
    notary.accept_csv(ISSUER, ORIGIN, csv_file(90_000_000, 1000), key="warm")  # the processes start with the first call
    source = csv_file(0, rows)
    took = timed(lambda: notary.accept_csv(ISSUER, ORIGIN, source, key="one file"))
    yield Figure(
        f"CSV of {rows:,} rows, promised receipts, one call", rows / took, "records/s", note=f"{CORES} worker processes"
    )
    parts = [csv_file(1_000_000 + n * 10_000, rows // 2) for n in range(4)]

    def lane(mine: Sequence[int]) -> None:
        for n in mine:
            notary.accept_csv(ISSUER, ORIGIN, parts[n], key=f"part {n}")

    took = at_once([partial(lane, mine) for mine in ((0, 2), (1, 3))])
    yield Figure(
        "CSV, four files by two callers, promised receipts",
        4 * (rows // 2) / took,
        "records/s",
        target=10_000,
        note=f"{rows // 2:,} rows each, records of 15 members, {CORES} worker processes",
    )


def bulk(rig: Rig, entries: int) -> Iterator[Figure]:
    """Finished commitments, and what a million of them needs in memory."""
    notary = rig.notary
    times: list[float] = []
    for n in range(entries // BULK):
        body = b"".join(b"\x01" + os.urandom(64) for _ in range(BULK))
        clock = time.perf_counter()
        notary.accept_commitments(ISSUER, ORIGIN, body, key=f"b{n}").to_json()
        times.append(time.perf_counter() - clock)
    memory = peak_mib()
    first = sum(times[:10])
    yield Figure(
        f"finished commitments, {BULK:,} a call",
        entries / sum(times),
        "entries/s",
        target=25_000,
        note=f"answered as JSON under a checkpoint with every path; the first ten calls {10 * BULK / first:,.0f}/s",
        memory=memory,
    )
    yield Figure(f"slowest call of {BULK:,}", max(times), "s", note=f"p50 {percentile(times, 50):.2f} s", memory=memory)
    yield Figure(f"peak memory after {entries:,} entries", memory, "MiB", target=400, memory=memory)


def singles(rig: Rig, callers: int, each: int) -> Iterator[Figure]:
    """Records one by one, by callers that wait for each receipt."""
    took: list[float] = []

    def call(caller: int) -> None:
        for n in range(each):
            record = document(10_000_000 + caller * each + n)
            took.append(timed(lambda record=record: rig.notary.accept_records(ISSUER, ORIGIN, [record])))  # type: ignore[misc]

    whole = at_once([partial(call, caller) for caller in range(callers)])
    milliseconds = [seconds * 1000 for seconds in took]
    yield Figure(
        f"single records, {callers} callers at once",
        callers * each / whole,
        "records/s",
        note=f"p50 {percentile(milliseconds, 50):.0f} ms, p99 {percentile(milliseconds, 99):.0f} ms",
    )


def at_once(acts: Sequence[Callable[[], None]]) -> float:
    """Seconds until all of them, each in a thread of its own, are done."""
    threads = [threading.Thread(target=act) for act in acts]
    clock = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - clock
