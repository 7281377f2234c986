"""A CSV file of certificates becomes prepared records, or is refused whole (imports.py reads, intake.py commits).

Rows are read in one pass and prepared in chunks, in other processes where there are some; nothing is taken until the
last row was found right.
"""

from __future__ import annotations

import marshal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import BinaryIO

from ledger.errors import ChuzhengError, InputError
from ledger.types import DepartmentCode
from notary.imports import Row, Seen, WrongCell, read_rows, records_of, refuse
from notary.intake import Prepared, Wrong, pack, prepare, unpack, wrong_of
from notary.processes import CHUNK, Processes, process_vault
from notary.vault import Vault

MAX_ROWS = 100_000
"""Rows of one import: it is one transaction, and others wait for it."""
_AHEAD = 24
"""Chunks under way at once: enough for any number of cores here, few enough for memory."""


def prepare_csv(
    source: bytes | BinaryIO,
    issuer: DepartmentCode,
    vault: Vault,
    *,
    capture: str = "data",
    processes: Processes | None = None,
) -> list[Prepared]:
    """Prepared records of all rows, in order; RowsError `import.refused` with every error by row and column."""
    wrong: list[WrongCell] = []
    prepared: list[Prepared] = []
    for packed, problems in _results(_chunks(source, wrong), issuer, vault, capture, processes):
        prepared += unpack(packed)
        wrong += [(p.number, p.member, p.error()) for p in problems]
    refuse(wrong)
    return prepared


def prepare_rows(rows: Iterable[Row], issuer: DepartmentCode, capture: str, vault: Vault) -> tuple[bytes, list[Wrong]]:
    """One chunk: prepared records, packed, and what is wrong with the rows."""
    rows = list(rows)
    records, problems = records_of(rows, capture)
    wrong = [wrong_of(number, column, error) for number, column, error in problems]
    bad = {number for number, _, _ in problems}
    prepared: list[Prepared] = []
    for row, record in zip(rows, records, strict=True):
        if row.number in bad:
            continue
        try:
            prepared.append(prepare(record, issuer, vault, checked=True))
        except ChuzhengError as error:
            column = "issuer_code" if error.code == "record.other_issuer" else ""
            wrong.append(wrong_of(row.number, column, error))
    return pack(prepared), wrong


def _chunks(source: bytes | BinaryIO, wrong: list[WrongCell]) -> Iterator[list[Row]]:
    seen = Seen()
    rows = read_rows(source, wrong)
    total = 0
    while chunk := list(islice(rows, CHUNK)):
        total += len(chunk)
        if total > MAX_ROWS:
            wrong.append((chunk[-1].number, "", InputError("import.too_many_rows", limit=MAX_ROWS)))
            return
        wrong += [duplicate for row in chunk if (duplicate := seen.duplicate(row))]
        yield chunk


def _results(
    chunks: Iterator[list[Row]], issuer: DepartmentCode, vault: Vault, capture: str, processes: Processes | None
) -> Iterator[tuple[bytes, list[Wrong]]]:
    if processes is None:
        for chunk in chunks:
            yield prepare_rows(chunk, issuer, capture, vault)
        return
    under_way: deque[Future[tuple[bytes, list[Wrong]]]] = deque()
    for chunk in chunks:
        under_way.append(processes.submit(_prepare_rows, marshal.dumps([tuple(row) for row in chunk]), issuer, capture))
        if len(under_way) >= _AHEAD:
            yield processes.result(under_way.popleft())
    while under_way:
        yield processes.result(under_way.popleft())


def _prepare_rows(packed: bytes, issuer: DepartmentCode, capture: str) -> tuple[bytes, list[Wrong]]:
    rows = [Row(*flat) for flat in marshal.loads(packed)]  # noqa: S302 our own pipe
    return prepare_rows(rows, issuer, capture, process_vault())
