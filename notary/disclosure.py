"""Showing some members of a record and hiding the others (formats.md §2).

Pure. A disclosure holds the shown members with their own salts and paths and the receipt without the record's salt.
It proves the record, not the person who presents it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ledger.errors import InputError, UnreadableError
from ledger.types import Digest, Kind
from notary import members
from notary.b64 import from_b64_hashes, to_b64
from notary.canonical import (
    MAX_DEPTH,
    MAX_MEMBERS,
    canonicalise,
    normalise,
    parse_strict,
    sorted_names,
    utf16_units,
)
from notary.commitment import check_salt, commit, commitment_from_root, field_digest, field_digests, field_salt
from notary.merkle import inclusion_path, leaf_hash, path_length, root_from_inclusion
from notary.receipt import MAX_BYTES as MAX_RECEIPT
from notary.receipt import Receipt, receipt_from_value, receipt_to_value

FORMAT = "chuzheng-disclosure/1"
MEDIA_TYPE = "application/vnd.chuzheng.disclosure+json"
SUFFIX = ".disclosure.json"
MAX_BYTES = 2 << 20
ALWAYS_SHOWN = (
    "schema",
    "kind",
    "issuer",
    "type",
    "identifier",
    "identifier_form",
    "capture",
    "version",
    "valid_from",
    "valid_to",
)
"""What a certificate's disclosure always shows."""
DOCUMENT_SHOWN = ("schema", "kind", "issuer", "document")
"""What we show of a document's record: a file is only checked against the whole member."""

_FILE = frozenset({"format", "n", "members", "receipt"})
_MEMBER = frozenset({"i", "name", "value", "salt", "path"})
# The shown value sits two containers deeper than it does in its record, and nothing else is as deep.
_FILE_DEPTH = MAX_DEPTH + 2


@dataclass(frozen=True, slots=True)
class DisclosedMember:
    """A shown member: its place, name, value, own salt (32 bytes) and path to the fields' root."""

    position: int
    name: str
    value: Any = field(repr=False)
    salt: bytes = field(repr=False)
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """`count` members were committed, `members` are shown."""

    count: int
    members: tuple[DisclosedMember, ...]
    receipt: Receipt

    @property
    def shown(self) -> dict[str, Any]:
        """The shown members by name."""
        return {member.name: member.value for member in self.members}


def make_disclosure(record: Mapping[str, Any], salt: bytes, names: Iterable[str], receipt: Receipt) -> bytes:
    """A disclosure file of `names` and what a certificate always shows; the salt stays here.

    InputError if a name isn't in the record, or if record and salt aren't what the receipt is about.
    """
    check_salt(salt)
    if commit(record, salt).sha256 != receipt.entry.sha256:
        raise InputError("disclosure.other_record")
    wanted = {*names, *_shown_of_kind(receipt.entry.kind)}
    if missing := wanted - record.keys():
        raise InputError("disclosure.no_such_member", member=min(missing))
    leaves = [leaf_hash(digest) for digest in field_digests(record, salt)]
    shown = [
        {
            "i": position,
            "name": name,
            "value": record[name],
            "salt": to_b64(field_salt(salt, position)),
            "path": [to_b64(node) for node in inclusion_path(leaves, position)],
        }
        for position, name in enumerate(sorted_names(record))
        if name in wanted
    ]
    value = {
        "format": FORMAT,
        "n": len(leaves),
        "members": shown,
        "receipt": receipt_to_value(receipt.without_salt()),
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def parse_disclosure(data: bytes) -> Disclosure:
    """Read a disclosure strictly; UnreadableError also where a certificate hides what it must show."""
    value = parse_strict(data, limit=MAX_BYTES, max_depth=_FILE_DEPTH)
    value = members.check_names(FORMAT, value, _FILE, _FILE)
    if value["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    count = members.read_count(FORMAT, "n", value["n"], MAX_MEMBERS)
    shown = members.read_list(FORMAT, "members", value["members"], count)
    if not shown:
        raise UnreadableError("disclosure.nothing_shown")
    receipt = receipt_from_value(value["receipt"])
    if receipt.salt is not None:
        raise UnreadableError("disclosure.salt_in_receipt")
    if len(receipt.to_json()) > MAX_RECEIPT:
        raise UnreadableError("json.too_large", found=len(receipt.to_json()), limit=MAX_RECEIPT)
    disclosure = Disclosure(count, tuple([_member(member, count) for member in shown]), receipt)
    check_order(disclosure.members)
    if receipt.entry.kind == Kind.CERTIFICATE and (hidden := set(ALWAYS_SHOWN) - disclosure.shown.keys()):
        raise UnreadableError("disclosure.hidden", member=min(hidden))
    return disclosure


def recompute(disclosure: Disclosure) -> Digest | None:
    """The SHA-256 commitment that the shown members lead to; None if they lead to different ones."""
    roots = {
        root_from_inclusion(
            member.position,
            disclosure.count,
            leaf_hash(field_digest(member.salt, member.name, canonicalise(member.value))),
            member.path,
        )
        for member in disclosure.members
    }
    return commitment_from_root(disclosure.count, roots.pop()) if len(roots) == 1 else None


def _shown_of_kind(kind: Kind) -> tuple[str, ...]:
    return {Kind.CERTIFICATE: ALWAYS_SHOWN, Kind.DOCUMENT: DOCUMENT_SHOWN}.get(kind, ())


def _member(value: Any, count: int) -> DisclosedMember:
    value = members.check_names(FORMAT, value, _MEMBER, _MEMBER)
    position = members.read_count(FORMAT, "members.i", value["i"])
    if position >= count:
        raise UnreadableError("disclosure.position", position=position, count=count)
    name = members.read_text(FORMAT, "members.name", value["name"], MAX_BYTES)
    texts = members.read_list(FORMAT, "members.path", value["path"], 8)
    path = from_b64_hashes(texts)
    if path is None:
        raise UnreadableError("format.base64", where=FORMAT, member="members.path")
    if len(path) != path_length(position, count):
        raise UnreadableError("disclosure.path_length", expected=path_length(position, count), found=len(path))
    salt = members.read_b64(FORMAT, "members.salt", value["salt"], 32)
    return DisclosedMember(position, name, normalise(value["value"]), salt, path)


def check_order(shown: tuple[DisclosedMember, ...]) -> None:
    """Positions and names strictly rise; UnreadableError names the first that doesn't."""
    for before, after in pairwise(shown):
        if before.position >= after.position or utf16_units(before.name) >= utf16_units(after.name):
            raise UnreadableError("disclosure.order", position=after.position)
