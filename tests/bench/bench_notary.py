"""How fast the notary takes records: CSV, commitments, singles; memory. Run: python -m tests.bench.bench_notary

Everything is real and on disk (SQLite WAL with synchronous=FULL, synced log files); no HTTP. Certificates have 12
members and more, both digests are made, bodies are encrypted. `--entries` says how many commitments are sent for the
memory figure.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import platform
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from notary.imports import COLUMNS
from notary.processes import Processes
from tests.fakes.notary import ISSUER, ORIGIN, STORAGE_KEY, Rig, certificate, document


def say(what: str, figure: str) -> None:
    print(f"{what:<66}{figure:>20}", flush=True)


def peak_mib() -> float:
    """Of this process and, for the largest, its worker processes."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return own / 1024


def csv_file(first: int, count: int) -> bytes:
    """A file as departments send it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for n in range(first, first + count):
        record = certificate(n)
        [holder] = record["holders"]
        cells = dict.fromkeys(COLUMNS, "") | {
            "certificate_name": record["name"],
            "type_code": record["type"],
            "issuer_code": ISSUER,
            "issuer_name": record["issuer_name"],
            "issuer_division": "420000",
            "certificate_number": record["number"],
            "identifier": record["identifier"],
            "holder_name": holder["name"],
            "holder_code_type": holder["code_type"],
            "holder_code": holder["code"],
            "issue_date": record["issue_date"],
            "valid_from": record["valid_from"],
            "valid_to": record["valid_to"],
        }
        writer.writerow(cells)
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


def bench_csv(rig: Rig, rows: int) -> None:
    notary = rig.notary
    notary.accept_csv(ISSUER, ORIGIN, csv_file(90_000_000, 1000), key="warm")  # the processes start with the first call
    source = csv_file(0, rows)
    took = timed(lambda: notary.accept_csv(ISSUER, ORIGIN, source, key="one file"))
    say(f"CSV of {rows} rows -> promised receipts, one call", f"{rows / took:,.0f} records/s")
    parts = [csv_file(1_000_000 + n * 10_000, 10_000) for n in range(4)]

    def lane(mine: list[int]) -> None:
        for n in mine:
            notary.accept_csv(ISSUER, ORIGIN, parts[n], key=f"part {n}")

    threads = [threading.Thread(target=lane, args=(mine,)) for mine in ([0, 2], [1, 3])]
    took = timed(lambda: run_all(threads))
    say("CSV, four files of 10000 rows by two callers", f"{40_000 / took:,.0f} records/s")
    say("peak memory after the imports", f"{peak_mib():.0f} MiB")


def bench_bulk(rig: Rig, entries: int) -> None:
    notary = rig.notary
    times: list[float] = []
    before = peak_mib()
    for n in range(entries // 10_000):
        body = b"".join(b"\x01" + os.urandom(64) for _ in range(10_000))
        clock = time.perf_counter()
        notary.accept_commitments(ISSUER, ORIGIN, body, key=f"bulk {n}").to_json()
        times.append(time.perf_counter() - clock)
        if n == 9:
            say("commitments in bulks of 10000, answered as JSON with paths", f"{100_000 / sum(times):,.0f} entries/s")
    say(f"the same, over {entries} entries", f"{entries / sum(times):,.0f} entries/s")
    say(f"slowest bulk of 10000, median {statistics.median(times):.2f} s", f"{max(times):.2f} s")
    say(f"peak memory after {entries} entries (before: {before:.0f} MiB)", f"{peak_mib():.0f} MiB")


def bench_singles(rig: Rig, callers: int, each: int) -> None:
    took: list[float] = []

    def call(caller: int) -> None:
        for n in range(each):
            record = document(10_000_000 + caller * each + n)
            clock = time.perf_counter()
            rig.notary.accept_records(ISSUER, ORIGIN, [record])
            took.append(time.perf_counter() - clock)

    stop = threading.Event()

    def worker() -> None:
        while not stop.wait(1):
            rig.notary.seal(ORIGIN)

    threading.Thread(target=worker).start()
    threads = [threading.Thread(target=call, args=(caller,)) for caller in range(callers)]
    whole = timed(lambda: run_all(threads))
    stop.set()
    took.sort()
    say(f"single records, {callers} callers at once, one process", f"{callers * each / whole:,.0f} records/s")
    say(f"p50 {took[len(took) // 2] * 1000:.1f} ms, p99", f"{took[int(len(took) * 0.99)] * 1000:.1f} ms")


def main() -> None:
    """Print one line per measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--folder", help="where to write (default: the system's folder for temporary files)")
    chosen = options.parse_args()
    print(f"cores on this machine: {os.cpu_count()} ({platform.machine()})")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        rig = Rig(Path(folder) / "home")
        rig.clock.at = time.time_ns() // 1_000_000
        processes = Processes(2, STORAGE_KEY, {ORIGIN: rig.key_address(ORIGIN)})
        rig.notary._processes = rig.notary.prover._processes = processes
        bench_singles(rig, 16, 200)
        bench_bulk(rig, chosen.entries)
        bench_csv(rig, chosen.rows)
        processes.close()
        rig.notary.close()


if __name__ == "__main__":
    main()
