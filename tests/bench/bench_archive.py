"""One large file (5 GiB, a hole on the disk) in an archive package: put in, its four properties told, taken out again.

The package itself takes as much disk as the file is large; what is taken out goes nowhere.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ledger.types import Kind
from notary.disclosure import make_disclosure
from notary.documents import describe
from notary.exports.archive import Item, Retention, read_package, write_package
from notary.exports.archive_checks import check_package
from notary.report import Outcome
from scripts.commands.files import pieces_of
from tests.bench.figures import Figure, forget_peak, peak_mib
from tests.fakes.registry import ISSUER, World

SIZE = 5 << 30
MEMORY = 200


def run(scale: float) -> Iterator[Figure]:
    """`scale` 1: 5 GiB."""
    size = int(SIZE * scale)
    with tempfile.TemporaryDirectory(prefix="chuzheng-bench-", dir=os.environ.get("CHUZHENG_BENCH_DIR")) as made:
        yield from _through(Path(made), size)


def _through(folder: Path, size: int) -> Iterator[Figure]:
    world, mib, peaks = World(), size >> 20, list[float]()
    source, package = folder / "large.pdf", folder / "a.archive.zip"
    with source.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(size)
    with source.open("rb") as plain:
        document = describe(plain, "application/pdf").member()
    record = {"schema": "document/1", "kind": "document", "issuer": ISSUER, "document": document}
    receipt = world.anchored_record(record, kind=Kind.DOCUMENT)
    disclosure = make_disclosure(record, receipt.salt or b"", record.keys(), receipt)
    item = Item(disclosure, receipt.to_json(), partial(pieces_of, source), "pdf", size)

    def figure(what: str, started: float) -> Figure:
        peaks.append(peak_mib())
        return Figure(f"{mib:,} MiB file, archive package: {what}", mib / (time.perf_counter() - started), "MiB/s")

    with package.open("w+b") as out:
        forget_peak()
        started = time.perf_counter()
        sources = [(receipt.origin, receipt.index, lambda: item)]
        write_package(out, sources, fonds="J012", year=2026, retention=Retention.PERMANENT)
        yield figure("made", started)
        forget_peak()
        started = time.perf_counter()
        read = read_package(out)
        findings = check_package(read, world.trust, world.now)
        assert [each.code for each in findings if each.outcome is Outcome.FAIL] == []
        yield figure("four properties checked", started)
        forget_peak()
        started = time.perf_counter()
        [name] = [name for name in read.file if "/content." in name]
        with Path(os.devnull).open("wb") as nowhere:
            for piece in read.file.pieces(name):
                nowhere.write(piece)
        yield figure("taken out", started)
    yield Figure(f"{mib:,} MiB file, archive package: memory at most", max(peaks), "MiB", target=MEMORY)
