"""The records of the one way to write a ZIP (PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.14 to 16, 4.5.3): all follow from facts.

Pure. A reader makes every record again from the few numbers in it and compares, so that no field can say anything else.
ZIP64 stands where a number doesn't fit into four bytes and nowhere else: one file, one form. `large` is the first such
number; only tests have another.
"""

from __future__ import annotations

import re
import struct

from ledger.errors import UnreadableError

LARGE = 0xFFFF_FFFF
"""Also the mark in a field of four bytes: the number is in the ZIP64 record."""
MAX_NAME = 200
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,7}", re.ASCII)
"""No part begins with a dot, so none is `..`, and no path is absolute."""

# Signature, version to read, no flags, stored, 00:00 on 1980-01-01, CRC-32, both sizes, lengths of name and extra.
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END_64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_EXTRA = struct.Struct("<HH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END_64_MARK, _LOCATOR_MARK = b"PK\x06\x06", b"PK\x06\x07"
_PLAIN, _ZIP64 = 10, 45
"""Versions to read, 1.0 and 4.5 (APPNOTE 4.4.3.2)."""
_FLAGS, _STORED, _TIME, _DATE = 0, 0, 0, 0x21
_ZIP64_TAG = 1
END_BYTES = _END.size
LONGEST_END = _END_64.size + _LOCATOR.size + _END.size
MOST_OF_RECORD = _CENTRAL.size + MAX_NAME + _EXTRA.size + 24
"""Bytes of the longest record in the list."""


def local_record(name: str, size: int, crc: int, large: int = LARGE) -> bytes:
    """What stands before a member's bytes; with both sizes in eight bytes if they need it (4.5.3: always both here)."""
    raw = name.encode("ascii")
    extra = _extra([size, size] if size >= large else [])
    told = _four(size, large)
    version = _ZIP64 if extra else _PLAIN
    return (
        _LOCAL.pack(
            _LOCAL_MARK, version, _FLAGS, _STORED, _TIME, _DATE, crc, told, told, len(raw), len(extra)
        ) + raw + extra
    )  # fmt: skip


def central_record(name: str, size: int, crc: int, offset: int, large: int = LARGE) -> bytes:
    """A member in the list: nothing that the local record doesn't say, but where it stands; in eight bytes what needs
    it (4.5.3: only that, in this order)."""
    raw = name.encode("ascii")
    extra = _extra([n for n in (size, size, offset) if n >= large])
    told = _four(size, large)
    version = _ZIP64 if extra else _PLAIN
    return (
        _CENTRAL.pack(
            _CENTRAL_MARK, version, version, _FLAGS, _STORED, _TIME, _DATE, crc, told, told, len(raw), len(extra),
            0, 0, 0, 0, _four(offset, large),
        ) + raw + extra
    )  # fmt: skip


def end_record(count: int, length: int, start: int, large: int = LARGE) -> bytes:
    """What stands after the list of `count` members, `length` bytes from `start` on; the first two always fit."""
    end = _END.pack(_END_MARK, 0, 0, count, count, length, _four(start, large), 0)
    if start < large:
        return end
    version, rest = _ZIP64, _END_64.size - 12  # its length doesn't count mark and itself
    end_64 = _END_64.pack(_END_64_MARK, rest, version, version, 0, 0, count, count, length, start)
    return end_64 + _LOCATOR.pack(_LOCATOR_MARK, 0, start + length, 1) + end


def read_central(data: bytes, at: int, offset: int, large: int = LARGE) -> tuple[str, int, int, bytes]:
    """(name, size, CRC-32, the whole record) of the record at `at`, which must say that its member's local one stands
    at `offset`; UnreadableError where it isn't the one that `central_record` makes."""
    if at + _CENTRAL.size > len(data):
        raise UnreadableError("zip.end")
    fields = _CENTRAL.unpack_from(data, at)
    method, crc, size, length = fields[4], fields[7], fields[9], fields[10]
    behind = at + _CENTRAL.size + length
    name = data[at + _CENTRAL.size : behind].decode("ascii", "replace")
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        raise UnreadableError("zip.name", name=shown(name))
    if method != _STORED:
        raise UnreadableError("zip.packed", name=name)
    if size == LARGE:
        size = int.from_bytes(data[behind + _EXTRA.size : behind + _EXTRA.size + 8], "little")
    record = central_record(name, size, crc, offset, large)
    if data[at : at + len(record)] != record:
        raise UnreadableError("zip.header", name=name)
    return name, size, crc, record


def read_end(tail: bytes, large: int = LARGE) -> tuple[int, int, int, int]:
    """(members, bytes of their list, where it begins, bytes of the end itself) from a file's last bytes, `LONGEST_END`
    of them or all; UnreadableError where they aren't what `end_record` makes. Whether they fit is for the caller."""
    if len(tail) < END_BYTES:
        raise UnreadableError("zip.end")
    _, _, _, _, count, length, start, _ = _END.unpack_from(tail, len(tail) - END_BYTES)
    if start == LARGE:
        if len(tail) < LONGEST_END:
            raise UnreadableError("zip.end")
        start = _END_64.unpack_from(tail, len(tail) - LONGEST_END)[9]
    end = end_record(count, length, start, large) if start + length < 1 << 64 else b""
    if not end or not tail.endswith(end):
        raise UnreadableError("zip.end")
    return count, length, start, len(end)


def shown(name: str) -> str:
    """A name from somebody's file, as a message may hold it."""
    return name[:60].encode("ascii", "backslashreplace").decode()


def _four(number: int, large: int) -> int:
    return LARGE if number >= large else number


def _extra(numbers: list[int]) -> bytes:
    if not numbers:
        return b""
    return _EXTRA.pack(_ZIP64_TAG, 8 * len(numbers)) + struct.pack(f"<{len(numbers)}Q", *numbers)
