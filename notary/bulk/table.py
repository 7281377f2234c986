"""Rows of a database table in chunks, page by page in the order of a key; the mark is the last key.

One run has one view of the table. Between two runs the table may change: rows that are done must be as many as then,
and the last of them the same, else the source counts as changed. Rows with greater keys are simply read.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
from collections.abc import Iterator, Sequence
from typing import Any

from ledger.errors import ConfigurationError, InputError
from notary.bulk.sources import ChangedError, Chunk, Mark, columns_of, rows_of
from notary.imports import COLUMNS
from notary.stores.source_table import SourceTable


class TableSource:
    """A table or view whose columns are named as those of a CSV file; records count from 1."""

    def __init__(self, url: str, name: str, key: str | None, secret: bytes, columns: Sequence[str] = COLUMNS) -> None:
        if key is None:
            raise InputError("backfill.key_needed")
        self._table = SourceTable(url, name, key)
        try:
            # A table may have further columns; a view that names ours would be asked for only to drop them.
            columns_of([c for c in self._table.columns if c in columns or c == key], key, columns)
            if missing := self._table.without_key():
                raise InputError("backfill.key_null", column=key, count=missing)
            self._total = self._table.count()
            if not self._total:
                raise InputError("import.empty")
        except BaseException:
            self._table.close()
            raise
        self._name, self._key, self._secret, self._columns = name, key, secret, columns

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "table", "table": self._name, "key": self._key, "columns": list(self._columns)}

    def share(self, mark: Mark) -> float:
        return mark.rows / self._total

    def close(self) -> None:
        self._table.close()

    def chunks(self, size: int, after: Mark | None, number: int, *, soon: bool = False) -> Iterator[Chunk]:
        rows, last, digest = 0, None, ""
        if after is not None:
            rows, last, digest = after.rows, after.place, after.digest
            if self._table.count(last) != rows:
                raise ChangedError
        while True:
            most = rows_of(number, size, soon)
            page = self._table.page(self._columns, last, most + 1)
            if last is not None:
                # The last row of the page before comes again: that proves it is still there, still the same, and alone.
                if not page or page[0][0] != last or (digest and self._digest(page[0]) != digest):
                    raise ChangedError
                del page[0]
            else:
                del page[most:]
            if not page:
                return
            keys = [row[0] for row in page]
            if len(set(keys)) < len(keys) or keys[0] == last:
                raise InputError("backfill.key_repeats", column=self._key)
            if type(keys[-1]) not in (int, str):
                found = type(keys[-1]).__name__
                raise ConfigurationError("backfill.key_type", column=self._key, found=found)
            chunk = Chunk(number)
            for key, *values in page:
                rows += 1
                cells = [_text(value) for value in values]
                if None in cells:
                    column = self._columns[cells.index(None)]
                    found = type(values[cells.index(None)]).__name__
                    error = InputError("backfill.column_type", column=column, found=found)
                    chunk.refuse(rows, str(key), column, error)
                    continue
                chunk.numbers.append(rows)
                chunk.keys.append(str(key))
                chunk.cells.append(cells)  # type: ignore[arg-type]  # none is None
            last, digest = keys[-1], self._digest(page[-1])
            chunk.mark = Mark(rows, rows, last, digest)
            yield chunk
            number += 1

    def _digest(self, row: Sequence[Any]) -> str:
        """Of one row, key and all: enough to see that it was edited; keyed, since one person's row could be guessed."""
        told = [repr(value) if _text(value) is None else _text(value) for value in row]
        return hmac.digest(self._secret, json.dumps(told).encode(), "sha256").hex()


def _text(value: Any) -> str | None:
    """A value as a cell; None for what would have to be guessed into words (numbers with a point, times)."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool() | dt.datetime():
            return None
        case int():
            return str(value)
        case dt.date():
            return value.isoformat()
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return None
