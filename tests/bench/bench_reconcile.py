"""The certificate library compared with the ledger (a million rows each): read and sorted, then gone through once."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ledger.codes.certificate_ids import make_identifier
from ledger.types import Digest
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
                    batch.append((log.issuer, mac, 1, bytes(32), position_of(log.id, number)))
                if len(batch) == 50_000 or number + 1 == rows:
                    with store.transaction() as connection:
                        store.insert(connection, lookups, batch)
                    batch = []
        index = Index(rig)
        source = CsvSource(folder / "library.csv", None, b"bench", ("identifier", "status"))
        moments, worked = [time.perf_counter()], [time.process_time()]

        def told(done: Done, share: float) -> None:
            if not done.key:
                moments[1:], worked[1:] = [time.perf_counter()], [time.process_time()]

        forget_peak()
        (folder / "out").mkdir()
        ledger = Ledger(rig.notary, index, index, rig.clock)
        done = Comparison(folder / "out", ledger, source, Asked(dict(WORDS))).run(told)
        ended, done_work, memory = time.perf_counter(), time.process_time(), peak_mib()
        rig.notary.close()
    assert done.agreed == rows - 2 * (rows // 100)
    yield Figure("library: rows read, hashed, sorted", done.rows / (moments[1] - moments[0]), "rows/s", memory=memory)
    yield Figure("library and ledger: keys compared", rows / (ended - moments[1]), "keys/s", memory=memory)
    reading, comparing = (worked[1] - worked[0]) / done.rows, (done_work - worked[1]) / rows
    yield Figure("reading and sorting, CPU", reading * 1e6, "µs/row", memory=memory)
    yield Figure("comparing, CPU", comparing * 1e6, "µs/key", memory=memory)
