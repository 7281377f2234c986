"""Many entries in one piece of bytes, and what is made of a whole call at once: entries, and the keys of the index.

Pure. A call brings up to 10,000 rows, so an object a row would cost more than all that is done with it. Rows are
`kind u8 || sha256 || sm3` (65 bytes, formats.md §6), entries 92 bytes (§3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import overload

from notary.entry import ENTRY_BYTES, STATUS_TAG

ROW_BYTES = 65
KEY_BYTES = 8
"""Of a status key (formats.md §3): what the index keeps. Issuer and commitment are hashed into it, so nobody can choose
commitments that fall together without 2^32 attempts for a pair; whoever looks up compares the entry itself."""


class Packed(Sequence[bytes]):
    """Entries joined; reads as a sequence of 92 bytes each, and a slice is packed again."""

    __slots__ = ("joined",)

    def __init__(self, joined: bytes) -> None:
        self.joined = joined

    def __len__(self) -> int:
        return len(self.joined) // ENTRY_BYTES

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Packed: ...
    def __getitem__(self, at: int | slice) -> bytes | Packed:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if step != 1:
                return Packed(b"".join([self[n] for n in range(start, stop, step)]))
            return Packed(self.joined[start * ENTRY_BYTES : max(start, stop) * ENTRY_BYTES])
        at = range(len(self))[at]
        return self.joined[at * ENTRY_BYTES : (at + 1) * ENTRY_BYTES]

    def to_list(self) -> list[bytes]:
        """The entries, one object each: where every one of them is looked at."""
        joined = self.joined
        return [joined[at : at + ENTRY_BYTES] for at in range(0, len(joined), ENTRY_BYTES)]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Packed):
            return self.joined == other.joined
        return isinstance(other, Sequence) and self.to_list() == list(other)

    __hash__ = None  # type: ignore[assignment]  # equal to lists


def join(entries: Sequence[bytes]) -> bytes:
    """The entries in one piece."""
    return entries.joined if isinstance(entries, Packed) else b"".join(entries)


def pack_rows(rows: Iterable[tuple[int, bytes, bytes]]) -> bytes:
    """(kind, sha256, sm3) of each row in one piece."""
    return b"".join([b"%c%b%b" % row for row in rows])


def entries_of(rows: bytes, prefixes: Mapping[int, bytes]) -> bytes:
    """Entries of packed rows: `prefixes` are the first 28 bytes by kind."""
    if rows[::ROW_BYTES] == rows[:1] * (len(rows) // ROW_BYTES):  # one kind, as nearly always
        prefix = prefixes[rows[0]]
        return b"".join([prefix + rows[at : at + 64] for at in range(1, len(rows), ROW_BYTES)])
    return b"".join([prefixes[rows[at]] + rows[at + 1 : at + 65] for at in range(0, len(rows), ROW_BYTES)])


def keys_of_rows(issuer: str, rows: bytes) -> list[bytes]:
    """The index's key of each packed row."""
    head = STATUS_TAG + issuer.encode("ascii")
    return [sha256(head + rows[at : at + 32]).digest()[:KEY_BYTES] for at in range(1, len(rows), ROW_BYTES)]


def keys_of_entries(joined: bytes) -> list[bytes]:
    """The index's key of each of the joined entries; each says its issuer itself."""
    return [
        sha256(STATUS_TAG + joined[at + 2 : at + 20] + joined[at + 28 : at + 60]).digest()[:KEY_BYTES]
        for at in range(0, len(joined), ENTRY_BYTES)
    ]
