"""Rows of a CSV file in chunks, read as they come; the mark is a byte's place and the digest of all bytes before it.

The same rules as notary/imports.py has for files that are taken whole, but a row that can't be one is told and the next
follows. Only quotes that don't match end the reading: behind them nobody knows where a row begins.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ledger.errors import ChuzhengError, InputError, UnreadableError
from notary.bulk.sources import Chunk, Mark, changed, columns_of, rows_of
from notary.imports import COLUMNS, MAX_LINE, encoding_error
from notary.stores.disk import translated

_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 20
_BUFFER = 1 << 18


class CsvSource:
    """A CSV file; the names of its columns are row 1, as a spreadsheet counts."""

    def __init__(self, path: Path, key: str | None, secret: bytes, columns: Sequence[str] = COLUMNS) -> None:
        with translated():
            self._file: BinaryIO = open(path, "rb", buffering=_BUFFER)  # noqa: SIM115 closed by `close`
            self._size = path.stat().st_size
        self._lines = _Lines(self._file, secret)
        self._reader = csv.reader(self._lines, strict=True)
        try:
            header = next(self._reader, None)
        except csv.Error:
            header = None
        if header is None:
            raise self._lines.wrong or InputError("import.empty")
        if self._lines.wrong is not None:
            raise self._lines.wrong
        self._pick, self._key = columns_of(header, key, columns)
        self._width = len(header)
        self._names = [*header] if key is None else [*header, f"key:{key}"]

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "csv", "columns": self._names}

    def share(self, mark: Mark) -> float:
        return mark.place / self._size if self._size else 1.0

    def close(self) -> None:
        self._file.close()

    def chunks(self, size: int, after: Mark | None, number: int, *, soon: bool = False) -> Iterator[Chunk]:
        lines = self._lines
        rows, row_number = 0, 1
        if after is not None:
            self._skip(after)
            rows, row_number = after.rows, after.number
        reader, pick, width, key = csv.reader(lines, strict=True), self._pick, self._width, self._key
        chunk, blank, kept, most = Chunk(number), 0, 0, rows_of(number, size, soon)
        fresh = lines.fresh
        while True:
            lines.wrong = None
            try:
                cells = next(reader, None)
            except csv.Error:
                # The reader's own words name no row; where the quotes go wrong, the line is the best that can be said.
                if chunk.numbers:
                    yield self._done(chunk, rows, row_number, kept)
                raise UnreadableError("backfill.syntax", row=row_number + blank + 1) from None
            if cells is None:
                break
            if not cells and lines.wrong is None:
                blank += 1  # at the end that is how editors leave a file; between rows something was lost
                continue
            while blank:
                rows, row_number, blank = rows + 1, row_number + 1, blank - 1
                chunk.refuse(row_number, "", "", InputError("import.blank_row"))
            rows, row_number = rows + 1, row_number + 1
            if lines.wrong is not None:
                chunk.refuse(row_number, "", "", lines.wrong)
            elif len(cells) != width:
                error = InputError("import.cell_count", expected=width, found=len(cells))
                chunk.refuse(row_number, "", "", error)
            else:
                chunk.numbers.append(row_number)
                chunk.keys.append("" if key is None else cells[key])
                chunk.cells.append(cells if pick is None else pick(cells))
            kept = len(fresh)
            if len(chunk.numbers) >= most:
                yield self._done(chunk, rows, row_number, kept)
                chunk, kept = Chunk(chunk.number + 1), 0
                most = rows_of(chunk.number, size, soon)
        if chunk.numbers:
            yield self._done(chunk, rows, row_number, kept)

    def _done(self, chunk: Chunk, rows: int, number: int, lines: int) -> Chunk:
        """The chunk ends with its last row: lines that were read behind it are read again by a later run."""
        place, digest = self._lines.so_far(lines)
        chunk.mark = Mark(rows, number, place, digest)
        return chunk

    def _skip(self, after: Mark) -> None:
        """Read what is done once more, as bytes: rows that are different now would never be looked at again."""
        place, _ = self._lines.so_far()
        left = after.place - place
        while left > 0:
            with translated():
                piece = self._file.read(min(_PIECE, left))
            if not piece:
                break
            self._lines.add(piece)
            left -= len(piece)
        if self._lines.so_far() != (after.place, after.digest):
            raise changed()


class _Lines:
    """Lines as text, with the place and digest of the bytes handed out; `wrong` says what is wrong with the last."""

    def __init__(self, file: BinaryIO, secret: bytes) -> None:
        self._file = file
        self._hash = hashlib.sha256(secret)
        self._place = 0
        self.fresh: list[bytes] = []
        """Lines handed out since `so_far`; always the same list."""
        self.wrong: ChuzhengError | None = None
        self._texts = self._read()

    def __iter__(self) -> Iterator[str]:
        return self._texts

    def _read(self) -> Iterator[str]:
        file, fresh, most = self._file, self.fresh, MAX_LINE + 1
        with translated():
            while line := file.readline(most):
                first = self._place == 0 and not fresh
                fresh.append(line)
                if len(line) == most:
                    yield self._too_long(line)
                    continue
                if first and line.startswith(_BOM):
                    line = line[len(_BOM) :]
                try:
                    text = line.decode()
                except UnicodeDecodeError:
                    self.wrong = encoding_error(line)
                    text = line.decode("utf-8", "replace")
                yield text

    def add(self, piece: bytes) -> None:
        self.fresh.append(piece)
        self._settle()

    def so_far(self, lines: int | None = None) -> tuple[int, str]:
        """(bytes handed out, their keyed digest in hex), or only those of the first `lines` fresh ones."""
        self._settle(lines)
        return self._place, self._hash.hexdigest()

    def _settle(self, lines: int | None = None) -> None:
        data = b"".join(self.fresh[:lines])
        self._hash.update(data)
        self._place += len(data)
        del self.fresh[:lines]

    def _too_long(self, line: bytes) -> str:
        """Passes over the rest of the line; a word of ours stands for it."""
        while not line.endswith(b"\n"):
            with translated():
                line = self._file.readline(MAX_LINE + 1)
            if not line:
                break
            self.fresh.append(line)
            self._settle()
        self.wrong = UnreadableError("import.line_too_long", limit=MAX_LINE)
        return "-\n"
