"""Where a back-fill's rows come from: chunks of cells, each with the mark from which a later run goes on.

A mark holds nothing that was read but keyed digests, so that it may be kept beside the manifest. A source compares it
with what it finds: where rows that are done differ now, it is another source (ConflictError `backfill.changed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Protocol

from ledger.errors import ChuzhengError, ConflictError, InputError, RowsError
from notary.imports import COLUMNS, WrongCell, shown_name

PERSONAL = frozenset({"identifier", "previous_identifier", "certificate_number", "business_fields"}) | {
    name for name in COLUMNS if name.startswith("holder_")
}
"""Columns that a manifest's key may not be: it is kept for long, in clear (docs/adr/0020)."""
FIRST_CHUNKS, FIRST_ROWS = 4, 2_500


@dataclass(frozen=True, slots=True)
class Mark:
    """The end of a chunk. `rows` records so far; `number` the row number of the last one; `place` where the next
    begins (bytes of a file, rows, a table's last key); `digest` of what was read, hex, under a key of the notary's."""

    rows: int
    number: int
    place: Any
    digest: str

    def to_value(self) -> list[Any]:
        return [self.rows, self.number, self.place, self.digest]


Cells = Sequence[str] | bytes
"""Cells of a row, or its line: see `cells_in`."""


@dataclass(slots=True)
class Chunk:
    """Consecutive records: `cells` of each row in the order of COLUMNS, or its line (see `cells_in`); `wrong` says by
    offset why a row has no cells."""

    number: int
    numbers: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    cells: list[Cells] = field(default_factory=list)
    wrong: dict[int, tuple[str, ChuzhengError]] = field(default_factory=dict)
    mark: Mark = field(default=Mark(0, 0, None, ""))

    def refuse(self, number: int, key: str, column: str, error: ChuzhengError) -> None:
        """A record that is none: its row is told, its cells aren't looked at."""
        self.wrong[len(self.numbers)] = (column, error)
        self.numbers.append(number)
        self.keys.append(key)
        self.cells.append(())


def cells_in(row: Cells) -> Sequence[str]:
    """A row's cells. A line, which a CSV file gives where all columns are asked for in their order, is UTF-8 without
    quotes, and is cut at its commas: by whoever looks at the cells, in another process."""
    return row.decode().split(",") if isinstance(row, bytes) else row


class Source(Protocol):
    """A file or table, opened once a run."""

    @property
    def identity(self) -> dict[str, Any]:
        """What the manifest keeps of it, to compare at the next run: kind, names of columns, digest if there is one."""
        ...

    def chunks(self, size: int, after: Mark | None, number: int, *, soon: bool = False) -> Iterator[Chunk]:
        """Chunks of `size` rows behind `after`, counted from `number`; `soon`: the first are shorter (`rows_of`). What
        hides where the next row begins is raised after the rows before it."""
        ...

    def share(self, mark: Mark) -> float:
        """How much of the source lies before `mark`, 0 to 1; for the time that is left."""
        ...

    def close(self) -> None: ...


def rows_of(number: int, size: int, soon: bool) -> int:
    """How many rows the chunk of this number has. Where steps follow one another chunk by chunk, shorter ones at the
    beginning give all of them work `soon`; the number alone decides, so that a later run makes the same chunks."""
    return min(size, FIRST_ROWS) if soon and number < FIRST_CHUNKS else size


def columns_of(header: Sequence[str], key: str | None, columns: Sequence[str] = COLUMNS) -> tuple[Any, int | None]:
    """(getter of the cells in the order of `columns`, None where they are in it; place of the key column).

    A certificate's columns are all there and no others; where others are asked for, the rest is passed over.
    RowsError `backfill.columns` names columns that are missing, unknown or there twice; InputError `backfill.key_*`.
    """
    from notary.imports import check_header

    if columns != COLUMNS:
        return _some_of(header, key, columns)
    if key in PERSONAL:
        raise InputError("backfill.key_personal", column=key)
    if key is not None and key not in header:
        raise InputError("backfill.key_missing", column=shown_name(key))
    wrong: list[WrongCell] = check_header([name for name in header if name != key or name in COLUMNS])
    if key is not None and header.count(key) > 1:
        wrong.append((1, key, InputError("import.column_twice", column=key)))
    if wrong:
        raise RowsError("backfill.columns", rows=wrong)
    places = tuple(header.index(name) for name in COLUMNS)
    straight = places == tuple(range(len(COLUMNS))) and len(header) == len(COLUMNS)
    return None if straight else itemgetter(*places), None if key is None else header.index(key)


def _some_of(header: Sequence[str], key: str | None, columns: Sequence[str]) -> tuple[Any, int | None]:
    wrong: list[WrongCell] = []
    for name in dict.fromkeys([*columns, *([key] if key is not None else [])]):
        if header.count(name) != 1:
            code = "import.column_twice" if name in header else "import.column_missing"
            wrong.append((1, shown_name(name), InputError(code, column=shown_name(name))))
    if wrong:
        raise RowsError("backfill.columns", rows=wrong)
    places = [header.index(name) for name in columns]
    pick = (lambda cells: (cells[places[0]],)) if len(places) == 1 else itemgetter(*places)
    return pick, None if key is None else header.index(key)


class ChangedError(ConflictError):
    """The rows that are done aren't what they were."""

    def __init__(self) -> None:
        super().__init__("backfill.changed")
