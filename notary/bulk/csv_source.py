"""Rows of a CSV file in chunks, read as they come; the mark is a byte's place and the digest of all bytes before it.

The same rules as notary/imports.py has for files that are taken whole, but a row that can't be one is told and the next
follows. Only quotes that don't match end the reading: behind them nobody knows where a row begins.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ledger.errors import ChuzhengError, InputError, UnreadableError
from notary.bulk.sources import ChangedError, Chunk, Mark, columns_of, rows_of
from notary.imports import COLUMNS, MAX_LINE, encoding_error
from notary.stores.disk import translated

_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 20
_BUFFER = 1 << 18
_ODD = 500
"""Rows that are read one by one after one that isn't plain."""
_NOT_PLAIN = (b'"', b"\r", b"\0")
_NEWLINE, _COMMA = b"\n,"


class CsvSource:
    """A CSV file; the names of its columns are row 1, as a spreadsheet counts."""

    def __init__(self, path: Path, key: str | None, secret: bytes, columns: Sequence[str] = COLUMNS) -> None:
        with translated():
            self._file = io.BufferedReader(io.FileIO(path), _BUFFER)
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
        lines, width = self._lines, self._width
        rows, row_number = (0, 1) if after is None else self._skip(after)
        reader, fresh = csv.reader(lines, strict=True), lines.fresh
        chunk, most = Chunk(number), rows_of(number, size, soon)
        blank = kept = 0
        while True:
            if len(chunk.numbers) >= most:
                yield self._done(chunk, rows, row_number, kept)
                chunk, kept = Chunk(chunk.number + 1), 0
                most = rows_of(chunk.number, size, soon)
            if not blank and (plain := lines.plain(width, most - len(chunk.numbers))):
                self._take_lines(chunk, row_number, plain)
                rows, row_number, kept = rows + len(plain), row_number + len(plain), len(fresh)
                continue
            lines.wrong, before = None, len(fresh)
            try:
                cells = next(reader, None)
            except csv.Error:
                if not _is_one_row(fresh[before:]):
                    # The reader's own words name no row; where the quotes go wrong, the line is the best that can be
                    # said.
                    if chunk.numbers:
                        yield self._done(chunk, rows, row_number, kept)
                    raise UnreadableError("backfill.syntax", row=row_number + blank + 1) from None
                # Only a cell of it is too long; the reader begins anew behind it.
                cells, lines.wrong = ["-"], InputError("import.cell_too_long", limit=csv.field_size_limit())
            if cells is None:
                break
            if not cells and lines.wrong is None:
                blank += 1  # at the end that is how editors leave a file; between rows something was lost
                continue
            while blank:
                rows, row_number, blank = rows + 1, row_number + 1, blank - 1
                chunk.refuse(row_number, "", "", InputError("import.blank_row"))
            if lines.wrong is None and len(cells) == width:
                self._take(chunk, row_number, [cells])
            else:
                error = lines.wrong or InputError("import.cell_count", expected=width, found=len(cells))
                chunk.refuse(row_number + 1, "", "", error)
            rows, row_number, kept = rows + 1, row_number + 1, len(fresh)
        if chunk.numbers:
            yield self._done(chunk, rows, row_number, kept)

    def _take(self, chunk: Chunk, before: int, found: Sequence[list[str]]) -> None:
        """Rows behind the one with number `before`, each of the right width."""
        pick, key = self._pick, self._key
        chunk.numbers.extend(range(before + 1, before + 1 + len(found)))
        chunk.keys.extend([""] * len(found) if key is None else [cells[key] for cells in found])
        chunk.cells.extend(found if pick is None else map(pick, found))

    def _take_lines(self, chunk: Chunk, before: int, lines: Sequence[bytes]) -> None:
        """The same for lines whose cells stand between their commas; where nothing is picked from them, they are cut
        by whoever looks at the cells, in another process."""
        if self._pick is not None or self._key is not None:
            self._take(chunk, before, [line.decode().split(",") for line in lines])
            return
        chunk.numbers.extend(range(before + 1, before + 1 + len(lines)))
        chunk.keys.extend([""] * len(lines))
        chunk.cells.extend(lines)

    def _done(self, chunk: Chunk, rows: int, number: int, lines: int) -> Chunk:
        """The chunk ends with its last row: lines that were read behind it are read again by a later run."""
        place, digest = self._lines.so_far(lines)
        chunk.mark = Mark(rows, number, place, digest)
        return chunk

    def _skip(self, after: Mark) -> tuple[int, int]:
        """Read what is done once more, as bytes: rows that are different now would never be looked at again. How many
        rows that were, and the number of the last."""
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
            raise ChangedError
        return after.rows, after.number


def _is_one_row(lines: Sequence[bytes]) -> bool:
    """Whether a line that csv stopped at is one whole row, so that the next one begins behind it."""
    if len(lines) != 1 or len(lines[0]) > MAX_LINE:
        return False
    limit = csv.field_size_limit(MAX_LINE)
    try:
        return len(list(csv.reader([lines[0].decode("utf-8", "replace")], strict=True))) == 1
    except csv.Error:
        return False
    finally:
        csv.field_size_limit(limit)


def _are_plain(piece: bytes, lines: Sequence[bytes], width: int) -> bool:
    """Whether all lines of `piece`, none of which has a quote, are rows of `width` cells, in UTF-8 and not too long."""
    import numpy as np

    if not lines or b"" in lines:
        return False
    letters = np.frombuffer(piece, np.uint8)
    ends, commas = np.flatnonzero(letters == _NEWLINE), np.flatnonzero(letters == _COMMA)
    if len(ends) != len(lines) or len(commas) != (width - 1) * len(ends):
        return False
    by_line = commas.reshape(len(ends), width - 1)
    if not ((by_line < ends[:, None]).all() and (by_line[1:] > ends[:-1, None]).all()):
        return False
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return max(map(len, lines)) <= csv.field_size_limit()  # in bytes, which are as many as characters at least


class _Lines:
    """Lines as text, with the place and digest of the bytes handed out; `wrong` says what is wrong with the last."""

    def __init__(self, file: io.BufferedReader[io.FileIO], secret: bytes) -> None:
        self._file = file
        self._hash = hashlib.sha256(secret)
        self._place = 0
        self.fresh: list[bytes] = []
        """Lines handed out since `so_far`; always the same list."""
        self.wrong: ChuzhengError | None = None
        self._texts = self._read()
        self._odd = 0

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

    def plain(self, width: int, most: int) -> list[bytes]:
        """Up to `most` of the next lines, which csv would cut at each comma: where nothing is quoted, blank, too long
        or of another width. None after such a row was met, for as long as more of them are to be expected."""
        if self._odd:
            self._odd -= 1
            return []
        with translated():
            data = self._file.peek()
        end = min([at for at in map(data.find, _NOT_PLAIN) if at >= 0], default=len(data))
        *lines, rest = data[:end].split(b"\n", most)
        if not lines and end == len(data):
            return []  # the next line isn't whole in memory
        piece = data[: end - len(rest)]
        if not _are_plain(piece, lines, width):
            self._odd = _ODD
            return []
        with translated():
            self._file.read(len(piece))
        self.fresh.append(piece)
        return lines

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
