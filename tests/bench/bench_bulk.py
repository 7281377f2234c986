"""How fast a back-fill is: from a file of certificates to promised receipts in bundles, and in how much memory.

Everything is real and on disk: the source, SQLite (WAL, synchronous=FULL), log files, manifest and bundles, each chunk
synced. Certificates have 15 members, both digests are made, bodies are encrypted, every receipt is checked against its
own record. TMPDIR names the disk; `--rows 10000000 --source csv --runs 1` asks for ten million, which need 19 GB there
and a quarter of an hour.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ledger.codes.certificate_ids import make_identifier
from ledger.types import DepartmentCode, TypeCode
from notary.bulk.csv_source import CsvSource
from notary.bulk.manifest import opened
from notary.bulk.parquet import ParquetSource
from notary.bulk.run import Backfill, origins_of
from notary.bulk.sources import Source
from notary.bulk.work import Options
from notary.imports import COLUMNS
from notary.processes import Processes
from tests.bench.figures import Figure, cpu_seconds, forget_peak, peak_mib, process_stat
from tests.fakes.backfilling import SECRET, cells_of
from tests.fakes.notary import ISSUER, ORIGIN, STORAGE_KEY, TYPE, Rig

CORES = 2
TARGET = 15_000
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
_PIECE = 20_000
_BOTH = 1_000_000
"""Rows to which both kinds of source are measured where none is named."""


def run(scale: float, rows: int = 1_000_000, source: str = "") -> Iterator[Figure]:
    """CSV at every size up to `rows`, Parquet at all but the greatest, or `source` alone; a fresh notary for each."""
    sizes = [size for size in SIZES if size <= max(SIZES[0], rows * scale)]
    for kind in ("CSV", "Parquet"):
        if source.lower() in ("", kind.lower()):
            for size in sizes:
                if kind == "CSV" or source or size <= _BOTH:
                    yield measured(kind, size)


def measured(kind: str, rows: int) -> Figure:
    with tempfile.TemporaryDirectory(prefix="chuzheng-bench-") as folder:
        home = Path(folder)
        path = home / "source"
        (write_csv if kind == "CSV" else write_parquet)(path, rows)
        rig = Rig(home / "home")
        rig.clock.at = time.time_ns() // 1_000_000
        processes = Processes(CORES, STORAGE_KEY, {ORIGIN: rig.key_address(ORIGIN)})
        try:
            for future in [processes.submit(time.sleep, 1.0) for _ in range(CORES)]:
                processes.result(future)  # each has started
            children = _children()
            before, own = sum(map(cpu_seconds, children)), time.process_time()
            forget_peak()
            clock = time.perf_counter()
            source: Source = CsvSource(path, None, SECRET) if kind == "CSV" else ParquetSource(path, None, SECRET)
            with opened(home / "manifest", {"source": source.identity}) as manifest:
                origins = origins_of(rig.notary, [ISSUER])
                done = Backfill(
                    rig.notary, source, manifest, origins=origins, options=Options(), processes=processes
                ).run()
            took = time.perf_counter() - clock
            source.close()
            if done.accepted != rows:
                raise RuntimeError(f"{done.accepted} of {rows} were taken")
            own, work = time.process_time() - own, sum(map(cpu_seconds, children)) - before
            peaks = [peak_mib(pid) for pid in children]
            return Figure(
                f"{kind}, {rows:,} rows, to promised receipts",
                rows / took,
                "records/s",
                target=TARGET if rows >= 100_000 else None,
                note=(
                    f"CPU each: {own / rows * 1e6:.0f} µs here, {work / rows * 1e6:.0f} µs in {CORES} processes, "
                    f"which need {sum(peaks) / len(peaks):.0f} MiB each; {_bytes(home / 'home') / rows:,.0f} bytes kept"
                ),
                memory=peak_mib(),
            )
        finally:
            processes.close()
            rig.notary.close()


def write_csv(path: Path, rows: int) -> None:
    """Certificates as a department sends them, each with its own identifier and number."""
    line = ",".join([_MARKS.get(name, cells_of(0)[name]) for name in COLUMNS])
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(COLUMNS) + "\n")
        for start in range(0, rows, _PIECE):
            numbers = range(start, min(start + _PIECE, rows))
            file.write("".join([line % (f"JY{n:014d}", _identifier(n)) + "\n" for n in numbers]))


def write_parquet(path: Path, rows: int) -> None:
    """The same as Parquet, in row groups as its writers make them by default."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cells = cells_of(0)
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 100_000):
            numbers = range(start, min(start + 100_000, rows))
            columns = {name: [cells[name] or None] * len(numbers) for name in COLUMNS}
            columns["certificate_number"] = [f"JY{n:014d}" for n in numbers]
            columns["identifier"] = [_identifier(n) for n in numbers]
            writer.write_table(pa.table(columns, schema=schema))


_MARKS = {"certificate_number": "%s", "identifier": "%s"}


def _identifier(n: int) -> str:
    return make_identifier(TypeCode(TYPE), DepartmentCode(ISSUER), f"{n:020d}", 1)


def _children() -> list[int]:
    """Our worker processes."""
    me, found = os.getpid(), []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int(process_stat(int(folder.name))[1])
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == me and b"spawn_main" in command:
                found.append(int(folder.name))
    return found


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
