"""The archive package: our own records as an archive takes them over, with retention and fixity (归档信息包).

Pure. One ZIP, written one way: a folder per item (a disclosure of every member, the receipt without its salt, the file
if there is one), `metadata.json` after DA/T 46, `manifest.json` with both digests of every member. It holds all that
its records say, so it is as secret as they are; master salts aren't in it, as in no export (formats.md §6).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ledger.errors import InputError, UnreadableError
from ledger.types import Kind
from notary import members
from notary.canonical import canonicalise, parse_strict
from notary.checks.case import moment
from notary.disclosure import Disclosure, parse_disclosure
from notary.exports.zip_file import MAX_MEMBERS, read_zip, write_zip
from notary.receipt import Receipt, parse_receipt

FORMAT = "chuzheng-archive/1"
SUFFIX = ".archive.zip"
MANIFEST, METADATA = "manifest.json", "metadata.json"
MAX_JSON = 64 << 20
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


@dataclass(frozen=True, slots=True)
class Item:
    """One record: its disclosure's and its receipt's bytes, and the file it is about with its extension."""

    disclosure: bytes
    receipt: bytes
    content: bytes | None = None
    extension: str = "bin"


@dataclass(frozen=True, slots=True)
class ReadItem:
    """One item as it was read; `content`: (name, bytes)."""

    number: int
    disclosure: Disclosure
    receipt: Receipt
    content: tuple[str, bytes] | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Package:
    """A package as read; what its manifest claims is judged by notary.exports.archive_checks."""

    fonds: str
    year: int
    retention: Retention
    claimed_items: int
    claimed_bytes: int
    claimed: Mapping[str, Mapping[str, Any]]
    held: Mapping[str, bytes]
    items: tuple[ReadItem, ...]


def make_package(items: Sequence[Item], *, fonds: str, year: int, retention: Retention) -> bytes:
    """The file; items are numbered by log and index, whatever their order was. InputError for none, too many, or a
    fonds or extension that isn't one."""
    if not items or len(items) > MOST_ITEMS:
        raise InputError("archive.items", found=len(items), limit=MOST_ITEMS)
    if not _FONDS.fullmatch(fonds) or not 1949 <= year <= 9999:
        raise InputError("archive.fonds", fonds=fonds[:40], year=year)
    read = [(parse_receipt(item.receipt).without_salt(), item) for item in items]
    read.sort(key=lambda each: (each[0].origin, each[0].index))
    held: dict[str, bytes] = {}
    listed = []
    for number, (receipt, item) in enumerate(read, 1):
        if not _EXTENSION.fullmatch(item.extension):
            raise InputError("archive.extension", extension=item.extension[:20])
        folder = f"items/{number:05d}"
        held[f"{folder}/disclosure.json"] = item.disclosure
        held[f"{folder}/receipt.json"] = receipt.to_json()
        if item.content is not None:
            held[f"{folder}/content.{item.extension}"] = item.content
        disclosure = parse_disclosure(item.disclosure)
        listed.append(describe(number, disclosure, receipt, fonds=fonds, year=year, retention=retention))
    held[METADATA] = canonicalise({"items": listed})
    held[MANIFEST] = canonicalise({
        "format": FORMAT,
        "fonds": fonds,
        "year": year,
        "retention": retention.value,
        "items": len(listed),
        "bytes": sum(map(len, held.values())),
        "members": [{"name": name, **fixity(held[name])} for name in sorted(held)],
    })  # fmt: skip
    return write_zip(held)


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


def fixity(data: bytes) -> dict[str, Any]:
    """Both digests and the size."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "sm3": hashlib.new("sm3", data).hexdigest(), "size": len(data)}


def read_package(data: bytes) -> Package:
    """Read a package's form strictly; UnreadableError where it isn't one. Whether its contents are what the manifest
    says is for the four properties to tell, item by item."""
    held = read_zip(data)
    if MANIFEST not in held or METADATA not in held:
        raise UnreadableError("archive.form")
    top = members.check_names(FORMAT, parse_strict(held[MANIFEST], limit=MAX_JSON), _NAMES, _NAMES)
    if top["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    if top["retention"] not in tuple(Retention):
        raise UnreadableError("archive.form")
    claimed: dict[str, Mapping[str, Any]] = {}
    for each in members.read_list(FORMAT, "members", top["members"], MAX_MEMBERS):
        member = members.check_names(FORMAT, each, _MEMBER, _MEMBER)
        claimed[members.read_text(FORMAT, "members.name", member["name"], 200)] = member
    metadata = parse_strict(held[METADATA], limit=MAX_JSON)
    listed = metadata.get("items") if isinstance(metadata, dict) else None
    listed = members.read_list(FORMAT, METADATA, listed, MOST_ITEMS)
    return Package(
        members.read_text(FORMAT, "fonds", top["fonds"], 18),
        members.read_count(FORMAT, "year", top["year"], 9999),
        Retention(top["retention"]),
        members.read_count(FORMAT, "items", top["items"]),
        members.read_count(FORMAT, "bytes", top["bytes"]),
        claimed,
        held,
        tuple(_items(held, [each if isinstance(each, dict) else {} for each in listed])),
    )


def _items(held: Mapping[str, bytes], listed: Sequence[Mapping[str, Any]]) -> list[ReadItem]:
    numbers = sorted({name.split("/")[1] for name in held if name.startswith("items/")})
    found = []
    for at, number in enumerate(numbers):
        folder = f"items/{number}/"
        own = {name.removeprefix(folder): body for name, body in held.items() if name.startswith(folder)}
        if not number.isdecimal() or not {"disclosure.json", "receipt.json"} <= own.keys():
            raise UnreadableError("archive.item", number=number[:20])
        contents = [(name, body) for name, body in own.items() if name.startswith("content.")]
        if len(own) > 2 + len(contents) or len(contents) > 1:
            raise UnreadableError("archive.item", number=number[:20])
        disclosure, receipt = parse_disclosure(own["disclosure.json"]), parse_receipt(own["receipt.json"])
        if receipt.salt is not None:
            raise UnreadableError("archive.salt", number=number[:20])
        metadata = listed[at] if at < len(listed) else {}
        found.append(ReadItem(int(number), disclosure, receipt, contents[0] if contents else None, metadata))
    if any(item.receipt.entry.kind not in tuple(Kind) for item in found) or not found:
        raise UnreadableError("archive.form")
    return found
