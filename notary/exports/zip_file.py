"""One way to write a ZIP, and a reader that takes only that way: for files that are compared by hash (formats.md §9).

Pure, over bytes. Stored, sorted by name, every date 1980-01-01, no comment, no extra field, no ZIP64: the same members
give the same bytes on every machine, and there is no second place where something could hide.
"""

from __future__ import annotations

import re
import struct
from binascii import crc32
from collections.abc import Iterator, Mapping
from itertools import pairwise

from ledger.errors import InputError, UnreadableError

SUFFIX = ".zip"
MEDIA_TYPE = "application/zip"
MAX_BYTES = 512 << 20
MAX_MEMBERS = 60_000
MAX_NAME = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,7}", re.ASCII)
"""No part begins with a dot, so none is `..`, and no path is absolute."""

# Signature, version 1.0 to read, no flags, stored, 00:00 on 1980-01-01, CRC-32, both sizes, length of the name.
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _FLAGS, _STORED, _TIME, _DATE = 10, 0, 0, 0, 0x21


def write_zip(members: Mapping[str, bytes]) -> bytes:
    """The one file that holds `members`. InputError for a name or a number that the reader would refuse."""
    data = b"".join(_pieces(members))
    if len(data) > MAX_BYTES or len(members) > MAX_MEMBERS:
        raise InputError("zip.too_large", found=len(data), limit=MAX_BYTES, members=len(members), most=MAX_MEMBERS)
    return data


def read_zip(data: bytes, *, limit: int = MAX_BYTES) -> dict[str, bytes]:
    """The members by name, in their order. UnreadableError for anything that `write_zip` wouldn't have written."""
    if len(data) > limit:
        raise UnreadableError("zip.too_large", found=len(data), limit=limit, members="?", most=MAX_MEMBERS)
    if len(data) < _END.size or data[:2] != b"PK":
        raise UnreadableError("zip.none")
    mark, disk, first_disk, here, count, length, start, comment = _END.unpack_from(data, len(data) - _END.size)
    if mark != _END_MARK or comment or disk or first_disk or here != count:
        raise UnreadableError("zip.end")
    if start + length != len(data) - _END.size:
        raise UnreadableError("zip.end")
    if count > MAX_MEMBERS:
        raise UnreadableError("zip.too_large", found=len(data), limit=limit, members=count, most=MAX_MEMBERS)
    found: dict[str, bytes] = {}
    offset, at, last = 0, start, ""
    for _ in range(count):
        name, body, at = _member(data, at, offset, start)
        if not last < name:
            raise UnreadableError("zip.order", name=name)
        found[name] = body
        last = name
        offset += _LOCAL.size + len(name) + len(body)
    if offset != start or at != start + length:
        raise UnreadableError("zip.between")
    _check_distinct(found, UnreadableError)
    return found


def _pieces(members: Mapping[str, bytes]) -> Iterator[bytes]:
    for name in members:
        if len(name) > MAX_NAME or not _NAME.fullmatch(name):
            raise InputError("zip.name", name=_shown(name))
    _check_distinct(members, InputError)
    offset, listed = 0, []
    for name in sorted(members):
        body = members[name]
        local, central = _headers(name, len(body), crc32(body), offset)
        listed.append(central)
        offset += len(local) + len(body)
        yield local
        yield body
    yield from listed
    size = sum(map(len, listed))
    yield _END.pack(_END_MARK, 0, 0, len(listed) & 0xFFFF, len(listed) & 0xFFFF, size, offset & 0xFFFFFFFF, 0)


def _headers(name: str, size: int, crc: int, offset: int) -> tuple[bytes, bytes]:
    """(local, central): the central one says nothing that the local one doesn't, but where it stands."""
    raw = name.encode("ascii")
    shared = (_FLAGS, _STORED, _TIME, _DATE, crc, size & 0xFFFFFFFF, size & 0xFFFFFFFF, len(raw), 0)
    local = _LOCAL.pack(_LOCAL_MARK, _VERSION, *shared) + raw
    central = _CENTRAL.pack(_CENTRAL_MARK, _VERSION, _VERSION, *shared, 0, 0, 0, 0, offset & 0xFFFFFFFF) + raw
    return local, central


def _member(data: bytes, at: int, offset: int, end: int) -> tuple[str, bytes, int]:
    """(name, bytes, where the next record stands) of the central record at `at`; its local one must stand at `offset`,
    right after the member before."""
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
    local, central = _headers(name, size, crc, offset)
    begin = offset + len(local)
    if data[at : at + len(central)] != central or data[offset:begin] != local or begin + size > end:
        raise UnreadableError("zip.header", name=name)
    body = data[begin : begin + size]
    if crc32(body) != crc:
        raise UnreadableError("zip.damaged", name=name)
    return name, body, at + len(central)


def _check_distinct(names: Mapping[str, bytes], error: type[InputError]) -> None:
    """No two names that one file system would take for one, and no file that is another one's folder."""
    folded = sorted(name.lower() + "/" for name in names)
    for before, after in pairwise(folded):
        if after.startswith(before):
            raise error("zip.twice", name=after[:-1])


def _shown(name: str) -> str:
    return name[:60].encode("ascii", "backslashreplace").decode()
