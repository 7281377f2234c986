"""Back-fills on a notary in a folder: sources as departments send them, and one call that runs them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from notary.bulk.csv_source import CsvSource
from notary.bulk.manifest import Progress, opened
from notary.bulk.run import Backfill, origins_of
from notary.bulk.sources import Chunk, Source
from notary.bulk.work import Options
from notary.imports import COLUMNS
from tests.fakes.notary import ISSUER, Rig, certificate

SECRET = b"s" * 32


def cells_of(n: int, issuer: str = ISSUER, **changed: str) -> dict[str, str]:
    """The n-th certificate as cells, by column."""
    record = certificate(n, issuer)
    [holder] = record["holders"]
    return dict.fromkeys(COLUMNS, "") | {
        "certificate_name": record["name"], "type_code": record["type"], "issuer_code": issuer,
        "issuer_name": record["issuer_name"], "issuer_division": "420000", "certificate_number": record["number"],
        "identifier": record["identifier"], "holder_name": holder["name"], "holder_code_type": holder["code_type"],
        "holder_code": holder["code"], "issue_date": record["issue_date"], "valid_from": record["valid_from"],
        "valid_to": record["valid_to"], **changed,
    }  # fmt: skip


def csv_bytes(rows: Sequence[dict[str, str]], columns: Sequence[str] = COLUMNS) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def csv_file(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    path.write_bytes(csv_bytes(rows))
    return path


def fill(
    rig: Rig,
    source: Source | Path,
    manifest: Path,
    *,
    departments: Sequence[Any] = (ISSUER,),
    stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> Progress:
    """One run to its end, in this process; `source` a CSV file, or what is opened already."""
    opened_source = CsvSource(source, None, SECRET) if isinstance(source, Path) else source
    try:
        with opened(manifest, {"source": opened_source.identity, "departments": list(departments)}) as kept:
            origins = origins_of(rig.notary, departments)
            run = Backfill(rig.notary, opened_source, kept, origins=origins, options=Options(**{"chunk": 4} | options))
            return run.run(stop=stop)
    finally:
        opened_source.close()


def outcomes(manifest: Path) -> list[dict[str, str]]:
    """The rows of a manifest."""
    with (manifest / "rows.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def all_rows(chunks: Sequence[Chunk]) -> list[tuple[int, str]]:
    """(row number, code of what is wrong with it or nothing) of each row."""
    return [
        (number, chunk.wrong[at][1].code if at in chunk.wrong else "")
        for chunk in chunks
        for at, number in enumerate(chunk.numbers)
    ]
