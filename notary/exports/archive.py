"""The archive package: our own records as an archive takes them over, with retention and fixity (归档信息包).

One ZIP, written one way: a folder per item (a disclosure of every member, the receipt without its salt, the file if
there is one), `metadata.json` after DA/T 46, `manifest.json` with both digests of every member. It holds all that its
records say, so it is as secret as they are; master salts aren't in it, as in no export (formats.md §6). Members pass
in pieces over a stream that the caller opened: memory holds names and digests, whatever the files are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO

from ledger.errors import InputError, UnreadableError
from ledger.types import Origin
from notary import members
from notary.canonical import canonicalise, parse_strict
from notary.checks.case import moment
from notary.disclosure import MAX_BYTES as MAX_DISCLOSURE
from notary.disclosure import Disclosure, parse_disclosure
from notary.exports.zip_file import MAX_MEMBERS, ZipReader, ZipWriter
from notary.receipt import MAX_BYTES as MAX_RECEIPT
from notary.receipt import Receipt, parse_receipt

FORMAT = "chuzheng-archive/1"
SUFFIX = ".archive.zip"
MANIFEST, METADATA = "manifest.json", "metadata.json"
MAX_JSON = 32 << 20
"""Of manifest and metadata, for the most members that a ZIP can have."""
MOST_ITEMS = MAX_MEMBERS // 3 - 2
_NAMES = frozenset({"format", "fonds", "year", "retention", "items", "bytes", "members"})
_MEMBER = frozenset({"name", "sha256", "sm3", "size"})
_FONDS = re.compile(r"[A-Z0-9]{1,18}", re.ASCII)
_EXTENSION = re.compile(r"[a-z0-9]{1,8}", re.ASCII)
REQUIRED = ("archival_code", "title", "author", "date", "retention", "kind", "origin", "index", "sha256", "sm3")
"""What every item's metadata must have (DA/T 46: 档号, 题名, 责任者, 日期, 保管期限; ours: where it is registered)."""


class Retention(StrEnum):
    """保管期限: permanent, 30 years, 10 years; the value is what archival codes write (DA/T 13)."""

    PERMANENT = "Y"
    THIRTY = "D30"
    TEN = "D10"


Pieces = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Item:
    """One record: its disclosure's and its receipt's bytes, and the file it is about with its extension, read when its
    turn comes. `size`: the file's bytes, needed from 4 GiB on; another number in the end is refused."""

    disclosure: bytes
    receipt: bytes
    content: Pieces | None = None
    extension: str = "bin"
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Fixity:
    """What is known of bytes that have passed; `head`: the first 16, which tell a format."""

    size: int
    sha256: str
    sm3: str
    head: bytes

    def to_value(self) -> dict[str, Any]:
        """As the manifest says it."""
        return {"sha256": self.sha256, "sm3": self.sm3, "size": self.size}


@dataclass(frozen=True, slots=True)
class ReadItem:
    """One item as it was read; `content`: (name, what its bytes are)."""

    number: int
    disclosure: Disclosure
    receipt: Receipt
    content: tuple[str, Fixity] | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose form was read; what its manifest claims is judged by notary.exports.archive_checks. `held`: what
    every member is, by name."""

    fonds: str
    year: int
    retention: Retention
    claimed_items: int
    claimed_bytes: int
    claimed: Mapping[str, Mapping[str, Any]]
    held: Mapping[str, Fixity]
    count: int
    file: ZipReader

    def items(self) -> Iterator[ReadItem]:
        """Every item in its order, one at a time; UnreadableError names the first that isn't one."""
        metadata = parse_strict(self.file.read(METADATA, MAX_JSON), limit=MAX_JSON)
        listed = members.read_list(FORMAT, METADATA, metadata.get("items"), MOST_ITEMS)
        for at, (number, content) in enumerate(_folders(self.held)):
            yield self._item(number, content, listed[at] if at < len(listed) else {})

    def _item(self, number: str, content: str | None, metadata: Any) -> ReadItem:
        folder = f"items/{number}"
        shown = self.file.read(f"{folder}/disclosure.json", MAX_DISCLOSURE)
        proof = self.file.read(f"{folder}/receipt.json", MAX_RECEIPT)
        try:
            disclosure, receipt = parse_disclosure(shown), parse_receipt(proof)
        except UnreadableError as error:  # among many thousands people must be told which
            raise UnreadableError("archive.unreadable", number=number, reason=error.code) from error
        if receipt.salt is not None:
            raise UnreadableError("archive.salt", number=number)
        found = None if content is None else (content, self.held[f"{folder}/{content}"])
        return ReadItem(int(number), disclosure, receipt, found, metadata if isinstance(metadata, dict) else {})


Source = tuple[Origin, int, Callable[[], Item]]
"""(origin, index, the item): where an item belongs is known before it is loaded."""


def write_package(out: BinaryIO, items: Sequence[Source], *, fonds: str, year: int, retention: Retention) -> None:
    """Write the file into `out`, which can seek; items are numbered by log and index, whatever their order was, and
    each is loaded when its turn comes. InputError for none, too many, or a fonds or extension that isn't one."""
    if not items or len(items) > MOST_ITEMS:
        raise InputError("archive.items", found=len(items), limit=MOST_ITEMS)
    if not _FONDS.fullmatch(fonds) or not 1949 <= year <= 9999:
        raise InputError("archive.fonds", fonds=fonds[:40], year=year)
    zip_file = ZipWriter(out)
    held: dict[str, Fixity] = {}

    def put(name: str, pieces: Iterable[bytes], size: int | None = None) -> None:
        passing = _Passing()
        zip_file.add(name, passing.through(pieces), size)
        held[name] = passing.fixity()

    listed = []
    for number, (origin, index, load) in enumerate(sorted(items, key=lambda each: each[:2]), 1):
        item = load()
        receipt, disclosure = parse_receipt(item.receipt).without_salt(), parse_disclosure(item.disclosure)
        if (receipt.origin, receipt.index) != (origin, index):
            raise InputError("archive.changed", number=number)
        if not _EXTENSION.fullmatch(item.extension):
            raise InputError("archive.extension", extension=item.extension[:20])
        folder = f"items/{number:05d}"
        if item.content is not None:
            put(f"{folder}/content.{item.extension}", item.content(), item.size)
        put(f"{folder}/disclosure.json", [item.disclosure])
        put(f"{folder}/receipt.json", [receipt.to_json()])
        listed.append(describe(number, disclosure, receipt, fonds=fonds, year=year, retention=retention))
    metadata = canonicalise({"items": listed})
    passing = _Passing()
    list(passing.through([metadata]))
    held[METADATA] = passing.fixity()
    manifest = {
        "format": FORMAT,
        "fonds": fonds,
        "year": year,
        "retention": retention.value,
        "items": len(listed),
        "bytes": sum(each.size for each in held.values()),
        "members": [{"name": name, **held[name].to_value()} for name in sorted(held)],
    }
    zip_file.add(MANIFEST, [canonicalise(manifest)])
    zip_file.add(METADATA, [metadata])
    zip_file.close()


def describe(
    number: int, disclosure: Disclosure, receipt: Receipt, *, fonds: str, year: int, retention: Retention
) -> dict[str, Any]:
    """An item's metadata, all of it from the item itself."""
    shown, entry = disclosure.shown, receipt.entry
    title = next((str(shown[n]) for n in ("title", "name", "number") if shown.get(n)), entry.kind.word)
    return {
        "archival_code": archival_code(fonds, year, retention, number),
        "title": title,
        "author": str(shown.get("issuer_name") or entry.issuer),
        "date": moment(entry.accepted_at)[:10],
        "retention": retention.value,
        "kind": entry.kind.word,
        "origin": receipt.origin,
        "index": receipt.index,
        "sha256": entry.sha256.hex(),
        "sm3": entry.sm3.hex(),
    }


def archival_code(fonds: str, year: int, retention: Retention, number: int) -> str:
    """档号: fonds, 文书 (WS), year, retention, number (DA/T 13)."""
    return f"{fonds}-WS-{year}-{retention.value}-{number:05d}"


class _Passing:
    """Counts and hashes what passes, once."""

    def __init__(self) -> None:
        self._sha256, self._sm3, self._size, self._head = hashlib.sha256(), hashlib.new("sm3"), 0, b""

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._head = self._head or piece[:16]
            self._sha256.update(piece)
            self._sm3.update(piece)
            self._size += len(piece)
            yield piece

    def fixity(self) -> Fixity:
        return Fixity(self._size, self._sha256.hexdigest(), self._sm3.hexdigest(), self._head)


def read_package(file: BinaryIO) -> Package:
    """Read a package's form strictly, hashing every member in pieces; UnreadableError where it isn't one. Whether its
    contents are what the manifest says is for the four properties to tell, item by item."""
    zip_file = ZipReader(file)
    if MANIFEST not in zip_file or METADATA not in zip_file:
        raise UnreadableError("archive.form")
    manifest = parse_strict(zip_file.read(MANIFEST, MAX_JSON), limit=MAX_JSON)
    top = members.check_names(FORMAT, manifest, _NAMES, _NAMES)
    if top["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    if top["retention"] not in tuple(Retention):
        raise UnreadableError("archive.form")
    claimed: dict[str, Mapping[str, Any]] = {}
    for each in members.read_list(FORMAT, "members", top["members"], MAX_MEMBERS):
        member = members.check_names(FORMAT, each, _MEMBER, _MEMBER)
        claimed[members.read_text(FORMAT, "members.name", member["name"], 200)] = member
    metadata = parse_strict(zip_file.read(METADATA, MAX_JSON), limit=MAX_JSON)
    members.read_list(FORMAT, METADATA, metadata.get("items") if isinstance(metadata, dict) else None, MOST_ITEMS)
    del metadata
    count = len(_folders(zip_file))
    if not count:
        raise UnreadableError("archive.form")
    return Package(
        members.read_text(FORMAT, "fonds", top["fonds"], 18),
        members.read_count(FORMAT, "year", top["year"], 9999),
        Retention(top["retention"]),
        members.read_count(FORMAT, "items", top["items"]),
        members.read_count(FORMAT, "bytes", top["bytes"]),
        claimed,
        {name: _fixity_of(zip_file, name) for name in zip_file},
        count,
        zip_file,
    )


def _fixity_of(zip_file: ZipReader, name: str) -> Fixity:
    passing = _Passing()
    for _ in passing.through(zip_file.pieces(name)):
        pass
    return passing.fixity()


def _folders(names: Iterable[str]) -> list[tuple[str, str | None]]:
    """(number, name of the file in it or None) of every item, by the members' names; UnreadableError for a folder that
    lacks something or has more."""
    own: dict[str, list[str]] = {}
    for name in names:
        if name.startswith("items/"):
            _, number, *rest = name.split("/")
            own.setdefault(number, []).append("/".join(rest))
    found = []
    for number, held in sorted(own.items()):
        contents = [name for name in held if name.startswith("content.")]
        right = {*held} - {*contents} == {"disclosure.json", "receipt.json"} and len(contents) <= 1
        if not right or not number.isdecimal() or not all(_EXTENSION.fullmatch(name[8:]) for name in contents):
            raise UnreadableError("archive.item", number=number[:20])
        found.append((number, contents[0] if contents else None))
    return found
