"""Rows of a Parquet file in chunks, read by row groups and never whole; the mark counts rows, the file's digest binds.

Cells are texts; days may also be Parquet's dates. Whatever else a column holds is refused before anything is taken:
numbers and times would have to be guessed into words.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import ChuzhengError, InputError, RowsError, UnreadableError
from notary.bulk.sources import ChangedError, Chunk, Mark, columns_of, rows_of
from notary.imports import COLUMNS
from notary.stores.disk import translated

if TYPE_CHECKING:
    import pyarrow as pa

DAYS = frozenset({"issue_date", "valid_from", "valid_to"})
_BATCH = 10_000


class ParquetSource:
    """A Parquet file; records count from 1."""

    def __init__(self, path: Path, key: str | None, secret: bytes, columns: Sequence[str] = COLUMNS) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with translated(), path.open("rb") as file:
            self._digest = hmac.digest(secret, hashlib.file_digest(file, "sha256").digest(), "sha256").hex()
        try:
            # Not buffered ahead: a row group of millions of rows is decoded a batch at a time.
            self._file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableError("backfill.parquet", reason=type(error).__name__) from None
        schema = self._file.schema_arrow
        _, self._key = columns_of(schema.names, key, columns)
        self._columns = columns
        self._wanted = [*columns] if key is None or key in columns else [*columns, key]
        self._key_place = None if key is None else self._wanted.index(key)
        wrong: list[tuple[int, str, ChuzhengError]] = []
        for name in self._wanted:
            if not _taken(schema.field(name).type, name in DAYS, name == key):
                found = str(schema.field(name).type)
                wrong.append((0, name, InputError("backfill.column_type", column=name, found=found[:60])))
        if wrong:
            raise RowsError("backfill.columns", rows=wrong)
        self._total = self._file.metadata.num_rows
        if not self._total:
            raise InputError("import.empty")

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "parquet", "columns": self._wanted, "digest": self._digest}

    def share(self, mark: Mark) -> float:
        return mark.rows / int(self._total)

    def close(self) -> None:
        self._file.close()

    def chunks(self, size: int, after: Mark | None, number: int, *, soon: bool = False) -> Iterator[Chunk]:
        done = 0
        if after is not None:
            if after.digest != self._digest:
                raise ChangedError
            done = after.rows
        chunk, most = Chunk(number), rows_of(number, size, soon)
        for columns in self._batches(done):
            keys = columns[self._key_place] if self._key_place is not None else [""] * len(columns[0])
            for key, cells in zip(keys, zip(*columns[: len(self._columns)], strict=True), strict=True):
                done += 1
                chunk.numbers.append(done)
                chunk.keys.append(key)
                chunk.cells.append(cells)
                if len(chunk.numbers) >= most:
                    yield self._done(chunk, done)
                    chunk = Chunk(chunk.number + 1)
                    most = rows_of(chunk.number, size, soon)
        if chunk.numbers:
            yield self._done(chunk, done)

    def _done(self, chunk: Chunk, rows: int) -> Chunk:
        chunk.mark = Mark(rows, rows, rows, self._digest)
        return chunk

    def _batches(self, skipped: int) -> Iterator[list[list[str]]]:
        """Columns of consecutive rows behind the first `skipped`, whole row groups of them unread."""
        import pyarrow as pa

        metadata = self._file.metadata
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            if skipped >= rows:
                skipped -= rows
                continue
            try:
                for batch in self._file.iter_batches(_BATCH, row_groups=[group], columns=self._wanted):
                    if skipped >= len(batch):
                        skipped -= len(batch)
                        continue
                    part = batch.slice(skipped)
                    skipped = 0
                    # By name: the file's own order of columns is free.
                    yield [_texts(part.column(part.schema.get_field_index(name))) for name in self._wanted]
            except (pa.ArrowException, OSError) as error:
                raise UnreadableError("backfill.parquet", reason=type(error).__name__) from None


def _taken(kind: pa.DataType, day: bool, key: bool) -> bool:
    """Whether a column of this type may be read as text; a key that isn't a cell may be a whole number."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    text: Sequence[Callable[[Any], bool]] = (
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_null,
    )
    return any(test(kind) for test in text) or (day and types.is_date32(kind)) or (key and types.is_integer(kind))


def _texts(column: pa.Array) -> list[str]:
    """A column's values as cells; nothing is the empty cell, a date its ISO form."""
    values: list[Any] = column.to_pylist()
    if set(map(type, values)) == {str}:
        return values
    return ["" if value is None else value if type(value) is str else str(value) for value in values]
