"""The engine from 10^4 to 10^7 entries: durable acceptance without promises, its cost as the log grows, starting again.

Everything is real and on disk (SQLite WAL with synchronous=FULL, synced log files, our own index). What a worker would
seal is sealed between the measured calls, and isn't counted. TMPDIR names the disk: some 4 GB at full size.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ledger.types import Digest
from notary.entry import Entry, status_key
from tests.bench.figures import Figure, forget_peak, peak_mib, percentile
from tests.fakes.notary import ISSUER, ORIGIN, Rig

BULK = 10_000
FULL = 10_000_000
SEAL = 20
"""Calls between two seals."""
CALLERS = 2
_chance = np.random.default_rng(7)


def body() -> bytes:
    """Finished commitments of one call, made in a millisecond."""
    rows = np.frombuffer(_chance.bytes(65 * BULK), np.uint8).reshape(BULK, 65).copy()
    rows[:, 0] = 1
    return rows.tobytes()


class Growth:
    """A log that grows by calls of several callers at once; wall and processor time of the calls alone."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.calls = rig, 0
        self.times: list[float] = []

    @property
    def size(self) -> int:
        return self.calls * BULK

    def grow(self, upto: int) -> tuple[float, float]:
        """(entries a second, microseconds of processor time an entry) of what was added."""
        wall = cpu = 0.0
        before = self.calls
        while self.size < upto:
            bodies = [(self.calls + n, body()) for n in range(min(SEAL, (upto - self.size) // BULK))]
            self.calls += len(bodies)
            self.rig.clock.at = time.time_ns() // 1_000_000
            waiting = iter(bodies)
            lock = threading.Lock()
            threads = [threading.Thread(target=self._call, args=(waiting, lock)) for _ in range(CALLERS)]
            clock, used = time.perf_counter(), time.process_time()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wall += time.perf_counter() - clock
            cpu += time.process_time() - used
            self.rig.notary.seal(ORIGIN)
        added = (self.calls - before) * BULK
        return added / wall, cpu / added * 1e6

    def _call(self, waiting: Iterator[tuple[int, bytes]], lock: threading.Lock) -> None:
        while True:
            with lock:
                taken = next(waiting, None)
            if taken is None:
                return
            clock = time.perf_counter()
            self.rig.notary.accept_durably(ISSUER, ORIGIN, taken[1], key=f"call {taken[0]}")
            self.times.append(time.perf_counter() - clock)


def run(scale: float) -> Iterator[Figure]:
    """One log grown to 10^7 entries (at scale 1), looked at on the way."""
    total = max(100_000, int(FULL * scale) // BULK * BULK)
    with tempfile.TemporaryDirectory(prefix="chuzheng-bench-") as folder:
        rig = Rig(Path(folder) / "home")
        growth = Growth(rig)
        growth.grow(BULK)  # imports and caches are warm now
        costs: list[float] = []
        step = 10 * BULK
        while growth.size < total:
            rate, cost = growth.grow(min(step, total))
            costs.append(cost)
            yield Figure(
                f"durable acceptance up to {growth.size:,} entries",
                rate,
                "entries/s",
                target=200_000,
                note=f"{BULK:,} a call, {CALLERS} callers, no promise, no seal; {cost:.2f} µs of processor time each; "
                f"slowest call {max(growth.times) * 1000:.0f} ms",
                memory=peak_mib(),
            )
            growth.times.clear()
            forget_peak()
            step *= 10
        yield Figure(
            "cost of an entry, the last decade over the first", costs[-1] / costs[0], "times", target=1.5,
            note=f"processor time: {', '.join(f'{cost:.2f}' for cost in costs)} µs",
        )  # fmt: skip
        rig.notary.standing.index.flush()
        yield from size_on_disk(Path(folder) / "home", growth.size)
        yield from reading(rig, growth.size)
        rig.notary.close()
        yield from starting_again(Path(folder) / "home", growth.calls)


def size_on_disk(home: Path, entries: int) -> Iterator[Figure]:
    """What finding needs beside the tree, and what the database keeps."""
    index = sum(file.stat().st_size for file in (home / "logs" / "index").iterdir())
    database = sum(file.stat().st_size for file in home.glob("chuzheng.sqlite*"))
    yield Figure(
        "the index on disk, an entry", index / entries, "bytes", target=64,
        note=f"duplicates and status keys of {entries:,}; the database has {database / entries:.0f} bytes an entry",
    )  # fmt: skip


def reading(rig: Rig, entries: int) -> Iterator[Figure]:
    """A receipt, and the place of a status key, anywhere in the log."""
    dice = random.Random(3)
    places = [dice.randrange(entries) for _ in range(1000)]
    receipts = [milliseconds(lambda at=at: rig.notary.receipt(ORIGIN, at).to_json()) for at in places]  # type: ignore[misc]
    yield Figure(
        "a receipt from the store, p99", percentile(receipts, 99), "ms", target=5,
        note=f"{len(places):,} anywhere among {entries:,}, path and checkpoint; p50 {percentile(receipts, 50):.2f} ms",
    )  # fmt: skip
    keys = [key_of(rig, at) for at in places[:300]]
    found = [milliseconds(lambda key=key: rig.notary.place_of(key)) for key in keys]  # type: ignore[misc]
    assert [rig.notary.place_of(key) for key in keys] == [(ORIGIN, at) for at in places[:300]]
    yield Figure("place of a status key, p99", percentile(found, 99), "ms", note=f"p50 {percentile(found, 50):.2f} ms")


def key_of(rig: Rig, at: int) -> Digest:
    entry = Entry.from_bytes(rig.notary.prover.entry(ORIGIN, at))
    return status_key(entry.issuer, entry.sha256)


def starting_again(home: Path, calls: int) -> Iterator[Figure]:
    """A process that was writing is killed; the next one starts, and answers its first submission."""
    pid = os.fork()
    if pid == 0:
        growth = Growth(Rig(home))
        growth.calls = calls
        threading.Timer(4.0, os.kill, (os.getpid(), signal.SIGKILL)).start()
        growth.grow(1 << 40)
        os._exit(1)
    os.waitpid(pid, 0)
    forget_peak()
    clock = time.perf_counter()
    rig = Rig(home)
    rig.clock.at = time.time_ns() // 1_000_000
    rig.notary.accept_durably(ISSUER, ORIGIN, body()[:65], key=None)
    took = time.perf_counter() - clock
    size = rig.notary.log(ORIGIN).next_index
    yield Figure(
        "start after kill -9, to the first answer", took, "s", target=10, note=f"{size:,} entries", memory=peak_mib()
    )
    rig.notary.close()


def milliseconds(act: Callable[[], object]) -> float:
    clock = time.perf_counter()
    act()
    return (time.perf_counter() - clock) * 1000
