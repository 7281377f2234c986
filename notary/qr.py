"""What a QR code holds: an entry, where it stands and a few shown members, small enough to be printed (formats.md §6).

Pure. The text behind `#` of the verification page's address is base32 (RFC 4648 §6, upper case, no padding) of
deterministic CBOR (RFC 8949 §4.2.1). The checkpoint isn't in it: it comes from the log or from a snapshot. A moving
code (`#T…`) is a ticket of the server's and none of these.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import cbor2

from ledger.errors import InputError, UnreadableError
from ledger.types import Origin
from notary.canonical import MAX_MEMBERS, canonicalise, parse_strict
from notary.checkpoint import parse_checkpoint
from notary.disclosure import DisclosedMember, Disclosure, check_order
from notary.entry import Entry, parse_origin
from notary.members import read_count, read_list, read_text
from notary.merkle import path_length
from notary.receipt import Receipt
from notary.receipt_parts import Inclusion

VERSION = 1
MAX_BYTES = 1_950
"""CBOR bytes; what is longer goes by a link."""
MAX_BARE = 1_000
"""CBOR bytes without shown members, at 2^24 leaves."""
MAX_TEXT = (MAX_BYTES * 8 + 4) // 5
_BASE32 = re.compile(r"[A-Z2-7]+")
_TICKET = re.compile(r"T[A-Z2-7]{26}")
HASH = 32
WHERE = "QR"


@dataclass(frozen=True, slots=True)
class QrProof:
    """An included entry without its checkpoint; `count` members were committed (0: none shown), `members` are shown."""

    entry: Entry
    origin: Origin
    index: int
    size: int
    path: tuple[bytes, ...]
    count: int = 0
    members: tuple[DisclosedMember, ...] = field(default=(), repr=False)

    @staticmethod
    def of(receipt: Receipt, disclosure: Disclosure | None = None, names: Iterable[str] = ()) -> QrProof:
        """Of an included receipt, showing `names` of a disclosure. InputError: not included, or no such member."""
        if receipt.inclusion is None:
            raise InputError("receipt.not_included")
        wanted = frozenset(names)
        shown = () if disclosure is None else tuple(m for m in disclosure.members if m.name in wanted)
        if missing := wanted - {member.name for member in shown}:
            raise InputError("disclosure.no_such_member", member=min(missing))
        inclusion = receipt.inclusion
        count = disclosure.count if disclosure is not None and shown else 0
        return QrProof(
            receipt.entry, receipt.origin, receipt.index, inclusion.size, tuple(inclusion.path), count, shown
        )

    def to_text(self) -> str:
        """What stands behind `#`; InputError where it would be too long for a code that can be read from paper."""
        shown: list[Any] = []
        if self.members:
            shown = [self.count, [_member_to_value(member) for member in self.members]]
        data = cbor2.dumps(
            [VERSION, self.entry.to_bytes(), self.origin, self.index, self.size, b"".join(self.path), shown],
            canonical=True,
        )
        if len(data) > MAX_BYTES:
            raise InputError("qr.too_long", found=len(data), limit=MAX_BYTES)
        return b32encode(data).decode("ascii").rstrip("=")

    def receipt(self, note: str) -> Receipt:
        """The receipt under the log's checkpoint of this size; InputError if the note is of another size or log."""
        head = parse_checkpoint(note)
        if (head.origin, head.size) != (self.origin, self.size):
            raise InputError("qr.other_checkpoint", origin=self.origin, size=self.size)
        inclusion = Inclusion(self.size, self.path)
        return Receipt(self.entry, self.origin, self.index, inclusion=inclusion, checkpoint=note)

    def disclosure(self, receipt: Receipt) -> Disclosure | None:
        """The shown members with `receipt`; None where nothing is shown."""
        return Disclosure(self.count, self.members, receipt) if self.members else None


def is_ticket(text: str) -> bool:
    """Whether it is a moving code: `T` and 16 bytes, which only the server that gave it can answer."""
    return _TICKET.fullmatch(text) is not None


def fragment_of(text: str) -> str:
    """What a camera read, without the page's address before `#` and without spaces around it. UnreadableError
    `qr.foreign` for an address that can't be the page's: another system's code, however often it is scanned."""
    address, mark, fragment = text.strip().rpartition("#")
    if (not mark and ":" in fragment) or "/" in fragment:
        raise UnreadableError("qr.foreign")
    return fragment if mark else address + fragment


def parse_qr(text: str) -> QrProof:
    """Read what stands behind `#` strictly; UnreadableError for anything that `to_text` wouldn't write."""
    if len(text) > MAX_TEXT:
        raise UnreadableError("qr.too_long", found=len(text) * 5 // 8, limit=MAX_BYTES)
    if not _BASE32.fullmatch(text):
        raise UnreadableError("qr.base32")
    try:
        data = b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise UnreadableError("qr.base32") from None
    if b32encode(data).decode("ascii").rstrip("=") != text:  # bits left over that aren't zero
        raise UnreadableError("qr.base32")
    return _proof(_decode(data))


def _decode(data: bytes) -> Any:
    try:
        value = cbor2.loads(data)
        same = cbor2.dumps(value, canonical=True) == data  # also refuses bytes behind it
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, EOFError):
        same = False
    if not same:
        raise UnreadableError("qr.cbor")
    return value


def _proof(value: Any) -> QrProof:
    items = read_list(WHERE, "parts", value, 7)
    if len(items) != 7:
        raise UnreadableError("qr.part", part="")
    if type(items[0]) is not int or items[0] != VERSION:
        raise UnreadableError("qr.version", expected=VERSION)
    entry = Entry.from_bytes(_bytes(items[1], "entry"))
    origin = Origin(read_text(WHERE, "origin", items[2], 128))
    parse_origin(origin)
    index, size = read_count(WHERE, "index", items[3]), read_count(WHERE, "size", items[4])
    if index >= size:
        raise UnreadableError("receipt.index", where="qr", index=index, size=size)
    path = _path(items[5], "path", path_length(index, size))
    count, members = _shown(items[6])
    return QrProof(entry, origin, index, size, path, count, members)


def _shown(value: Any) -> tuple[int, tuple[DisclosedMember, ...]]:
    items = read_list(WHERE, "shown", value, 2)
    if not items:
        return 0, ()
    if len(items) != 2:
        raise UnreadableError("qr.part", part="shown")
    count = read_count(WHERE, "n", items[0])
    shown = read_list(WHERE, "members", items[1], MAX_MEMBERS)
    if not 1 <= count <= MAX_MEMBERS or not shown:
        raise UnreadableError("qr.part", part="shown")
    members = tuple(_member(member, count) for member in shown)
    check_order(members)
    return count, members


def _member(value: Any, count: int) -> DisclosedMember:
    items = read_list(WHERE, "member", value, 4)
    if len(items) != 4:
        raise UnreadableError("qr.part", part="member")
    position = read_count(WHERE, "i", items[0])
    if position >= count:
        raise UnreadableError("disclosure.position", position=position, count=count)
    salt = _bytes(items[1], "salt")
    if len(salt) != HASH:
        raise UnreadableError("qr.part", part="salt")
    path = _path(items[2], "member path", path_length(position, count))
    written = read_text(WHERE, "text", items[3], MAX_BYTES).encode()
    pair = parse_strict(written, limit=MAX_BYTES)
    if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not str or canonicalise(pair) != written:
        raise UnreadableError("qr.part", part="text")
    return DisclosedMember(position, pair[0], pair[1], salt, path)


def _member_to_value(member: DisclosedMember) -> list[Any]:
    text = canonicalise([member.name, member.value]).decode()
    return [member.position, member.salt, b"".join(member.path), text]


def _bytes(value: Any, part: str) -> bytes:
    if type(value) is not bytes:
        raise UnreadableError("qr.part", part=part)
    return value


def _path(value: Any, part: str, length: int) -> tuple[bytes, ...]:
    joined = _bytes(value, part)
    if len(joined) != length * HASH:
        raise UnreadableError("qr.path", part=part, expected=length, found=len(joined) // HASH)
    return tuple(joined[at : at + HASH] for at in range(0, len(joined), HASH))
