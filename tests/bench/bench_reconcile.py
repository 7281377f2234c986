"""The certificate library compared with the ledger (a million rows each): both sorted, then gone through once."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from ledger.codes.certificate_ids import make_identifier
from ledger.types import Digest, Millis
from notary.bulk.csv_source import CsvSource
from notary.reconcile.run import Asked, Comparison, Done, Ledger
from notary.reconcile.words import WORDS
from notary.stores.record_tables import lookups
from notary.stores.records import position_of
from tests.bench.figures import Figure, forget_peak, peak_mib
from tests.fakes.notary import ISSUER, ORIGIN, TYPE, Rig

ROWS = 1_000_000


class Index:
    """Nothing was decided; everything is anchored."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def decided_keys(self, after: bytes, limit: int) -> list[Digest]:
        return []

    def log_head(self, log_id: Any) -> tuple[int, Digest]:
        return 1 << 39, Digest(bytes(32))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rig.index, name)


def run(scale: float) -> Iterator[Figure]:
    """`scale` 1: a million rows, a hundredth of them on one side only."""
    rows = int(ROWS * scale)
    with tempfile.TemporaryDirectory(prefix="chuzheng-bench-") as made:
        folder = Path(made)
        rig = Rig(folder / "home")
        log, store = rig.notary.log(ORIGIN), rig.notary.store
        with (folder / "library.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["identifier", "status"])
            batch: list[tuple[Any, ...]] = []
            for number in range(rows):
                identifier = make_identifier(TYPE, ISSUER, f"{number:020d}", 1)
                if number % 100:
                    writer.writerow([identifier, "有效"])
                if number % 100 != 1:
                    mac = rig.notary.vault.identifier_mac(ISSUER, identifier)
                    batch.append((position_of(log.id, number), mac, 1, bytes(32)))
                if len(batch) == 50_000 or number + 1 == rows:
                    with store.transaction() as connection:
                        store.insert(connection, lookups, batch)
                        store.advance(connection, log.id, number + 1, Millis(0))
                    batch = []
        index = Index(rig)
        source = CsvSource(folder / "library.csv", None, b"bench", ("identifier", "status"))
        moments, worked = [time.perf_counter()] * 3, [time.process_time()] * 3

        def told(done: Done, share: float) -> None:
            if not done.sorted:  # the last of it: up to here the library, or the look-ups
                at = 2 if done.looks else 1
                moments[at:] = [time.perf_counter()] * (3 - at)
                worked[at:] = [time.process_time()] * (3 - at)

        forget_peak()
        (folder / "out").mkdir()
        ledger = Ledger(rig.notary, index, index, rig.clock)
        done = Comparison(folder / "out", ledger, source, Asked(dict(WORDS))).run(told)
        ended, done_work, memory = time.perf_counter(), time.process_time(), peak_mib()
        rig.notary.close()
    assert done.agreed == rows - 2 * (rows // 100)
    parts = (("reading and sorting", "row"), ("look-ups sorted", "row"), ("comparing", "key"))
    took = [after - before for before, after in pairwise([*moments, ended])]
    work = [after - before for before, after in pairwise([*worked, done_work])]
    yield Figure("library: rows read, hashed, sorted", done.rows / took[0], "rows/s", memory=memory)
    yield Figure("ledger: look-ups read and sorted", rows / took[1], "rows/s", memory=memory)
    yield Figure("library and ledger: keys compared", rows / took[2], "keys/s", memory=memory)
    for (what, each), seconds in zip(parts, work, strict=True):
        yield Figure(f"{what}, CPU", seconds / rows * 1e6, f"µs/{each}", memory=memory)
