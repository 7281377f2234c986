"""One way to write a ZIP, and a reader that takes only that way: for files that are compared by hash (formats.md §9).

Stored, sorted by name, every date 1980-01-01, no comment, no extra field, no ZIP64: the same members give the same
bytes on every machine, and there is no second place where something could hide. Files come as streams that can seek;
members pass in pieces, so that memory holds the list of names and never the file. Opens nothing itself.
"""

from __future__ import annotations

import re
import struct
from binascii import crc32
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import BinaryIO

from ledger.errors import InputError, UnreadableError

SUFFIX = ".zip"
MEDIA_TYPE = "application/zip"
MAX_BYTES = 0xFFFF_FFFF
"""Four GiB less one byte: what a ZIP of the old form can say."""
MAX_MEMBERS = 60_000
MAX_NAME = 200
PIECE = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,7}", re.ASCII)
"""No part begins with a dot, so none is `..`, and no path is absolute."""

# Signature, version 1.0 to read, no flags, stored, 00:00 on 1980-01-01, CRC-32, both sizes, length of the name.
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _FLAGS, _STORED, _TIME, _DATE = 10, 0, 0, 0, 0x21
_END_OF_FILE = 2  # whence of seek
_MOST_LISTED = MAX_MEMBERS * (_CENTRAL.size + MAX_NAME)


class ZipWriter:
    """Writes one member after another into `file`, which begins here and can seek: a member's header is put right when
    its last piece has passed. Names must rise; InputError for what the reader would refuse."""

    def __init__(self, file: BinaryIO, *, limit: int = MAX_BYTES) -> None:
        self._file, self._limit = file, limit
        self._listed: list[bytes] = []
        self._names: list[str] = []
        self._offset = 0

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """One member, from its pieces."""
        if len(name) > MAX_NAME or not _NAME.fullmatch(name):
            raise InputError("zip.name", name=_shown(name))
        if self._names and name <= self._names[-1]:
            raise InputError("zip.order", name=name)
        self._names.append(name)
        local, _ = _headers(name, 0, 0, self._offset)
        self._room(len(local))
        self._file.write(local)
        size = crc = 0
        for piece in pieces:
            self._room(len(local) + size + len(piece))
            self._file.write(piece)
            size += len(piece)
            crc = crc32(piece, crc)
        local, central = _headers(name, size, crc, self._offset)
        self._file.seek(self._offset)
        self._file.write(local)
        self._offset += len(local) + size
        self._file.seek(self._offset)
        self._listed.append(central)

    def close(self) -> int:
        """Write the list of members; the file's length. The file itself stays open."""
        _check_distinct(self._names, InputError)
        size = sum(map(len, self._listed))
        self._room(size + _END.size)
        for central in self._listed:
            self._file.write(central)
        count = len(self._listed)
        self._file.write(_END.pack(_END_MARK, 0, 0, count, count, size, self._offset, 0))
        return self._offset + size + _END.size

    def _room(self, more: int) -> None:
        """Refuses before the disk is full of what nobody would read."""
        found, members = self._offset + more, len(self._names)
        if found > self._limit or members > MAX_MEMBERS:
            raise InputError("zip.too_large", found=found, limit=self._limit, members=members, most=MAX_MEMBERS)


class ZipReader:
    """A ZIP over a stream that can seek. UnreadableError for anything that `ZipWriter` wouldn't have written; the
    bytes of a member are compared with its checksum at every reading. Iterating gives the names, in their order."""

    def __init__(self, file: BinaryIO, *, limit: int = MAX_BYTES) -> None:
        self._file = file
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
        if whole < _END.size or self._at(0, 2) != b"PK":
            raise UnreadableError("zip.none")
        mark, disk, first_disk, here, count, length, start, comment = _END.unpack(
            self._at(whole - _END.size, _END.size)
        )
        if mark != _END_MARK or comment or disk or first_disk or here != count:
            raise UnreadableError("zip.end")
        if start + length != whole - _END.size or length > _MOST_LISTED:
            raise UnreadableError("zip.end")
        if count > MAX_MEMBERS:
            raise UnreadableError("zip.too_large", found=whole, limit=limit, members=count, most=MAX_MEMBERS)
        listed, at, offset, last = self._at(start, length), 0, 0, ""
        for _ in range(count):
            name, size, crc, central = _listed(listed, at, offset)
            local, _ = _headers(name, size, crc, offset)
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


def _headers(name: str, size: int, crc: int, offset: int) -> tuple[bytes, bytes]:
    """(local, central): the central one says nothing that the local one doesn't, but where it stands."""
    raw = name.encode("ascii")
    shared = (_FLAGS, _STORED, _TIME, _DATE, crc, size, size, len(raw), 0)
    local = _LOCAL.pack(_LOCAL_MARK, _VERSION, *shared) + raw
    central = _CENTRAL.pack(_CENTRAL_MARK, _VERSION, _VERSION, *shared, 0, 0, 0, 0, offset) + raw
    return local, central


def _listed(data: bytes, at: int, offset: int) -> tuple[str, int, int, bytes]:
    """(name, size, CRC-32, the whole record) of the central record at `at`, which must say that its member's local one
    stands at `offset`."""
    if at + _CENTRAL.size > len(data):
        raise UnreadableError("zip.end")
    fields = _CENTRAL.unpack_from(data, at)
    method, crc, size, length = fields[4], fields[7], fields[9], fields[10]
    raw = data[at + _CENTRAL.size : at + _CENTRAL.size + length]
    name = raw.decode("ascii", "replace")
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise UnreadableError("zip.name", name=_shown(name))
    if method != _STORED:
        raise UnreadableError("zip.packed", name=name)
    _, central = _headers(name, size, crc, offset)
    if data[at : at + len(central)] != central:
        raise UnreadableError("zip.header", name=name)
    return name, size, crc, central


def _check_distinct(names: Iterable[str], error: type[InputError]) -> None:
    """No two names that one file system would take for one, and no file that is another one's folder."""
    folded = sorted(name.lower() + "/" for name in names)
    for before, after in pairwise(folded):
        if after.startswith(before):
            raise error("zip.twice", name=after[:-1])


def _shown(name: str) -> str:
    return name[:60].encode("ascii", "backslashreplace").decode()
