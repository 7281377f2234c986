"""Rows of one width, sorted, in pages that are hashed one by one: looked up without being loaded (docs/formats.md).

Pure, over a stream that can seek. A table has each page's first key and hash; who has the table's hash from somewhere
that he believes needs the table and the pages that a look-up touches, a few hundred kilobytes of any number of rows.
Rows rise strictly by their first bytes, the key.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import BinaryIO

from ledger.errors import InputError, UnreadableError

PAGE_ROWS = 2_048
HASH = 32


@dataclass(frozen=True, slots=True)
class Layout:
    """Bytes of a row, and how many of them are its key."""

    width: int
    key: int

    def pages(self, rows: int) -> int:
        return -(-rows // PAGE_ROWS)

    def table_bytes(self, rows: int) -> int:
        return self.pages(rows) * (self.key + HASH)


@dataclass(slots=True)
class Paging:
    """Cuts rows into pages as they pass; the table grows meanwhile (a hundred bytes for every 2,048 rows)."""

    layout: Layout
    rows: int = 0
    table: bytearray = field(default_factory=bytearray)

    def through(self, rows: Iterable[bytes]) -> Iterator[bytes]:
        """The pages' bytes. InputError for a row of another width, or one that doesn't follow the one before."""
        page, last = bytearray(), b""
        for row in rows:
            key = row[: self.layout.key]
            if len(row) != self.layout.width or (self.rows and not last < key):
                raise InputError("rows.order", row=self.rows)
            page += row
            last = key
            self.rows += 1
            if self.rows % PAGE_ROWS == 0:
                yield self._cut(page)
                page = bytearray()
        if page:
            yield self._cut(page)

    def digest(self) -> bytes:
        """Of the table: what is to be signed."""
        return sha256(self.table).digest()

    def _cut(self, page: bytearray) -> bytes:
        self.table += page[: self.layout.key] + sha256(page).digest()
        return bytes(page)


class PagedRows:
    """`count` rows that begin at `offset` of `file`, under a table whose hash was compared by the caller.
    UnreadableError `rows.damaged` for a page that isn't as the table says."""

    def __init__(self, file: BinaryIO, layout: Layout, *, offset: int, count: int, table: bytes) -> None:
        self._file, self._layout, self._offset, self._count = file, layout, offset, count
        entry = layout.key + HASH
        self._firsts = [table[at : at + layout.key] for at in range(0, len(table), entry)]
        self._hashes = [table[at + layout.key : at + entry] for at in range(0, len(table), entry)]
        if len(table) != layout.table_bytes(count):
            raise UnreadableError("rows.damaged", page=0)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        """Every row; each page is compared before its rows are told."""
        for number in range(len(self._hashes)):
            yield from self._page(number)

    def at_least(self, key: bytes) -> Iterator[bytes]:
        """The rows whose key is `key` or above, or begins with it; only the pages that are used are read."""
        # The page before the first that begins at or above `key` may hold the first such row.
        low = max(bisect_right(self._firsts, key) - 1, 0)
        while low and self._firsts[low] >= key:
            low -= 1
        for number in range(low, len(self._hashes)):
            yield from (row for row in self._page(number) if row[: len(key)] >= key)

    def starting(self, prefix: bytes) -> Iterator[bytes]:
        """The rows whose key begins with `prefix`."""
        for row in self.at_least(prefix):
            if not row.startswith(prefix):
                return
            yield row

    def _page(self, number: int) -> list[bytes]:
        """The rows of a page, compared with its hash; in order, and between this page's first key and the next's."""
        width, key = self._layout.width, self._layout.key
        first = number * PAGE_ROWS
        rows = min(PAGE_ROWS, self._count - first)
        self._file.seek(self._offset + first * width)
        data = self._file.read(rows * width)
        found = [data[at : at + width] for at in range(0, len(data), width)]
        keys = [row[:key] for row in found]
        after = self._firsts[number + 1 : number + 2]
        sound = sha256(data).digest() == self._hashes[number] and len(data) == rows * width
        if not sound or keys[0] != self._firsts[number] or any(a >= b for a, b in pairwise(keys + after)):
            raise UnreadableError("rows.damaged", page=number)
        return found
