"""One way to write a ZIP, and a reader that takes only that way: for files that are compared by hash (formats.md §9).

Stored, sorted by name, every date 1980-01-01, no comment, ZIP64 exactly where a number needs it: the same members give
the same bytes on every machine, and there is no second place where something could hide. Files come as streams that can
seek; members pass in pieces, so that memory holds the list of names and never the file. Opens nothing itself.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import BinaryIO

from ledger.errors import InputError, UnreadableError
from notary.exports.zip_records import (
    END_BYTES,
    LARGE,
    LONGEST_END,
    MAX_NAME,
    MOST_OF_RECORD,
    NAME,
    central_record,
    end_record,
    local_record,
    read_central,
    read_end,
    shown,
)

SUFFIX = ".zip"
MEDIA_TYPE = "application/zip"
MAX_BYTES = 1 << 40
"""One TiB: more than a department's disk takes for one package, and far below what eight bytes can say."""
MAX_MEMBERS = 60_000
PIECE = 1 << 20
_END_OF_FILE = 2  # whence of seek
_MOST_LISTED = MAX_MEMBERS * MOST_OF_RECORD


class ZipWriter:
    """Writes one member after another into `file`, which begins here and can seek: a member's header is put right when
    its last piece has passed. Names must rise; InputError for what the reader would refuse. `large`: for tests."""

    def __init__(self, file: BinaryIO, *, limit: int = MAX_BYTES, large: int = LARGE) -> None:
        self._file, self._limit, self._large = file, limit, large
        self._listed: list[bytes] = []
        self._names: list[str] = []
        self._offset = 0

    def add(self, name: str, pieces: Iterable[bytes], size: int | None = None) -> None:
        """One member, from its pieces, which must come to `size` bytes where that is given; from 4 GiB on it must be,
        because the header before them is longer then."""
        if len(name) > MAX_NAME or not NAME.fullmatch(name):
            raise InputError("zip.name", name=shown(name))
        if self._names and name <= self._names[-1]:
            raise InputError("zip.order", name=name)
        self._names.append(name)
        most = self._large - 1 if size is None else size
        header = len(local_record(name, size or 0, 0, self._large))
        self._room(header + (size or 0))
        self._file.write(bytes(header))
        found = crc = 0
        for piece in pieces:
            found += len(piece)
            self._room(header + found)
            if found > most:
                raise InputError("zip.size", name=name, expected=most, found=found)
            self._file.write(piece)
            crc = crc32(piece, crc)
        if size is not None and found != size:
            raise InputError("zip.size", name=name, expected=size, found=found)
        self._file.seek(self._offset)
        self._file.write(local_record(name, found, crc, self._large))
        self._listed.append(central_record(name, found, crc, self._offset, self._large))
        self._offset += header + found
        self._file.seek(self._offset)

    def close(self) -> int:
        """Write the list of members; the file's length. The file itself stays open."""
        _check_distinct(self._names, InputError)
        size = sum(map(len, self._listed))
        end = end_record(len(self._listed), size, self._offset, self._large)
        self._room(size + len(end))
        for record in self._listed:
            self._file.write(record)
        self._file.write(end)
        return self._offset + size + len(end)

    def _room(self, more: int) -> None:
        """Refuses before the disk is full of what nobody would read."""
        found, members = self._offset + more, len(self._names)
        if found > self._limit or members > MAX_MEMBERS:
            raise InputError("zip.too_large", found=found, limit=self._limit, members=members, most=MAX_MEMBERS)


class ZipReader:
    """A ZIP over a stream that can seek. UnreadableError for anything that `ZipWriter` wouldn't have written; the
    bytes of a member are compared with its checksum at every reading. Iterating gives the names, in their order.
    `large`: for tests."""

    def __init__(self, file: BinaryIO, *, limit: int = MAX_BYTES, large: int = LARGE) -> None:
        self._file, self._large = file, large
        self._places: dict[str, tuple[int, int, int]] = {}
        """name → (where its bytes begin, size, CRC-32)"""
        self.length = file.seek(0, _END_OF_FILE)
        self._read_list(limit)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __len__(self) -> int:
        return len(self._places)

    def size(self, name: str) -> int:
        """Bytes of a member; KeyError where there is none of that name."""
        return self._places[name][1]

    def pieces(self, name: str) -> Iterator[bytes]:
        """A member's bytes; `zip.damaged` after the last piece where they aren't what was put in."""
        begin, left, expected = self._places[name]
        crc = 0
        while left:
            self._file.seek(begin)
            piece = self._file.read(min(left, PIECE))
            if not piece:
                break
            crc = crc32(piece, crc)
            begin, left = begin + len(piece), left - len(piece)
            yield piece
        if left or crc != expected:
            raise UnreadableError("zip.damaged", name=name)

    def read(self, name: str, most: int = MAX_BYTES) -> bytes:
        """A member whole, if it has at most `most` bytes; `zip.member_large` otherwise."""
        if self.size(name) > most:
            raise UnreadableError("zip.member_large", name=name, found=self.size(name), limit=most)
        return b"".join(self.pieces(name))

    def _read_list(self, limit: int) -> None:
        """The list at the end against every member's own header: each begins where the one before ends."""
        whole = self.length
        if whole > limit:
            raise UnreadableError("zip.too_large", found=whole, limit=limit, members="?", most=MAX_MEMBERS)
        if whole < END_BYTES or self._at(0, 2) != b"PK":
            raise UnreadableError("zip.none")
        tail = self._at(max(whole - LONGEST_END, 0), LONGEST_END)
        count, length, start, ending = read_end(tail, self._large)
        if start + length != whole - ending or length > _MOST_LISTED:
            raise UnreadableError("zip.end")
        if count > MAX_MEMBERS:
            raise UnreadableError("zip.too_large", found=whole, limit=limit, members=count, most=MAX_MEMBERS)
        listed, at, offset, last = self._at(start, length), 0, 0, ""
        for _ in range(count):
            name, size, crc, central = read_central(listed, at, offset, self._large)
            local = local_record(name, size, crc, self._large)
            begin = offset + len(local)
            if begin + size > start or self._at(offset, len(local)) != local:
                raise UnreadableError("zip.header", name=name)
            if not last < name:
                raise UnreadableError("zip.order", name=name)
            self._places[name] = (begin, size, crc)
            at, offset, last = at + len(central), begin + size, name
        if offset != start or at != length:
            raise UnreadableError("zip.between")
        _check_distinct(self._places, UnreadableError)

    def _at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)


def _check_distinct(names: Iterable[str], error: type[InputError]) -> None:
    """No two names that one file system would take for one, and no file that is another one's folder."""
    folded = sorted(name.lower() + "/" for name in names)
    for before, after in pairwise(folded):
        if after.startswith(before):
            raise error("zip.twice", name=after[:-1])
