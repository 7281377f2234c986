"""Many receipts at once: consecutive entries of one log under one checkpoint (formats.md §6, `chuzheng-receipts/1`).

Pure. A bundle splits into single receipts and can be checked as a whole much faster, because neighbours share their
paths. It never holds a salt.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import InputError, UnreadableError
from ledger.types import Origin
from notary import members
from notary.canonical import MAX_INTEGER, parse_strict
from notary.checkpoint import parse_checkpoint
from notary.entry import ENTRY_BYTES, Entry, check_entries, leaf_of, parse_origin
from notary.merkle import first_wrong_in_run, path_length
from notary.receipt import Receipt
from notary.receipt_parts import (
    Evidence,
    Inclusion,
    ReceiptAnchor,
    anchor_to_value,
    check_stages,
    evidence_to_value,
    read_anchor,
    read_evidence,
    read_note,
)

FORMAT = "chuzheng-receipts/1"
MEDIA_TYPE = "application/vnd.chuzheng.receipts+json"
SUFFIX = ".receipts.json"
MAX_BYTES = 16 << 20
PROMISE_BYTES = 64

_REQUIRED = frozenset({"format", "origin", "first", "entries"})
_ALLOWED = _REQUIRED | {"promises", "checkpoint", "size", "anchor", "evidence", "paths"}


@dataclass(frozen=True, slots=True)
class Bundle:
    """Consecutive entries from `first`; `entries` and `promises` joined, `paths` one joined path per entry."""

    origin: Origin
    first: int
    entries: bytes
    promises: bytes | None = None
    checkpoint: str | None = None
    size: int | None = None
    paths: tuple[bytes, ...] | None = None
    anchor: ReceiptAnchor | None = None
    evidence: Evidence | None = None

    @property
    def count(self) -> int:
        """How many entries."""
        return len(self.entries) // ENTRY_BYTES

    def entry(self, offset: int) -> bytes:
        """The 92 bytes of the entry at `first` + `offset`."""
        return self.entries[offset * ENTRY_BYTES : (offset + 1) * ENTRY_BYTES]

    def to_json(self) -> bytes:
        """The file's bytes; InputError over 16 MiB."""
        # Base64 is most of the file and nothing in it is escaped: json would look at each character for that.
        parts = [_members({"format": FORMAT, "origin": self.origin, "first": self.first})]
        parts.append(b'"entries":"' + b2a_base64(self.entries, newline=False) + b'"')
        if self.promises is not None:
            parts.append(b'"promises":"' + b2a_base64(self.promises, newline=False) + b'"')
        if self.checkpoint is not None and self.paths:
            parts.append(_members({"checkpoint": self.checkpoint, "size": self.size}))
            paths = b'","'.join([b2a_base64(path, newline=False) for path in self.paths])
            parts.append(b'"paths":["' + paths + b'"]')
        if self.anchor is not None:
            parts.append(_members({"anchor": anchor_to_value(self.anchor)}))
        if self.evidence is not None:
            parts.append(_members({"evidence": evidence_to_value(self.evidence)}))
        data = b"{" + b",".join(parts) + b"}"
        if len(data) > MAX_BYTES:
            raise InputError("receipts.too_large", limit=MAX_BYTES, found=len(data))
        return data


def _members(value: dict[str, Any]) -> bytes:
    """Members as they stand in an object, without its braces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()[1:-1]


def build_bundle(
    origin: Origin,
    first: int,
    entries: Sequence[bytes],
    *,
    promises: Sequence[bytes] | None = None,
    checkpoint: str | None = None,
    paths: Sequence[Sequence[bytes]] | None = None,
    anchor: ReceiptAnchor | None = None,
    evidence: Evidence | None = None,
) -> Bundle:
    """A bundle of `entries` (92 bytes each) at `first` and on: with `promises`, or with `checkpoint` and `paths`."""
    bundle = Bundle(
        origin,
        first,
        b"".join(entries),
        None if promises is None else b"".join(promises),
        checkpoint,
        None if checkpoint is None else parse_checkpoint(checkpoint).size,
        None if paths is None else tuple([b"".join(path) for path in paths]),
        anchor,
        evidence,
    )
    _check(bundle)
    return bundle


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle strictly; every entry, promise and path has its exact length."""
    value = members.check_names(FORMAT, parse_strict(data, limit=MAX_BYTES), _REQUIRED, _ALLOWED)
    if value["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    origin = members.read_text(FORMAT, "origin", value["origin"], 128)
    paths = members.read_list(FORMAT, "paths", value["paths"], MAX_BYTES) if "paths" in value else None
    bundle = Bundle(
        Origin(origin),
        members.read_count(FORMAT, "first", value["first"]),
        members.read_b64(FORMAT, "entries", value["entries"]),
        members.read_b64(FORMAT, "promises", value["promises"]) if "promises" in value else None,
        read_note(FORMAT, value["checkpoint"]) if "checkpoint" in value else None,
        members.read_count(FORMAT, "size", value["size"]) if "size" in value else None,
        None if paths is None else tuple([members.read_b64(FORMAT, "paths", path) for path in paths]),
        read_anchor(FORMAT, value["anchor"]) if "anchor" in value else None,
        read_evidence(FORMAT, value["evidence"]) if "evidence" in value else None,
    )
    _check(bundle)
    return bundle


def split(bundle: Bundle) -> Iterator[Receipt]:
    """The single receipts, in order, each as it would stand alone."""
    for offset in range(bundle.count):
        path = None if bundle.paths is None else bundle.paths[offset]
        yield Receipt(
            entry=Entry.from_bytes(bundle.entry(offset)),
            origin=bundle.origin,
            index=bundle.first + offset,
            promise=(
                None
                if bundle.promises is None
                else bundle.promises[offset * PROMISE_BYTES : (offset + 1) * PROMISE_BYTES]
            ),
            inclusion=(
                None
                if path is None or bundle.size is None
                else Inclusion(bundle.size, tuple([path[at : at + 32] for at in range(0, len(path), 32)]))
            ),
            checkpoint=bundle.checkpoint,
            anchor=bundle.anchor,
            evidence=bundle.evidence,
        )


def first_not_included(bundle: Bundle) -> int | None:
    """Offset of the first entry that doesn't belong under the bundle's checkpoint, None when all do.

    The arithmetic of check 4 for all entries: issuer, origin, size, and every byte of every path; the checkpoint's
    signature is checked apart, once. InputError for a bundle without paths.
    """
    if bundle.checkpoint is None or bundle.paths is None or bundle.size is None:
        raise InputError("receipt.not_included")
    head = parse_checkpoint(bundle.checkpoint)
    if head.origin != bundle.origin or head.size != bundle.size:
        return 0
    issuer = parse_origin(bundle.origin).issuer.encode("ascii")
    entries = [bundle.entry(offset) for offset in range(bundle.count)]
    for offset, entry in enumerate(entries):
        if entry[2:20] != issuer:
            return offset
    return first_wrong_in_run(bundle.first, bundle.size, [leaf_of(e) for e in entries], bundle.paths, head.root)


def _check(bundle: Bundle) -> None:
    parse_origin(bundle.origin)
    if not bundle.entries or len(bundle.entries) % ENTRY_BYTES:
        raise UnreadableError("receipts.entries")
    count = bundle.count
    if not 0 <= bundle.first <= MAX_INTEGER - count:
        raise UnreadableError("receipts.first")
    check_entries(bundle.entries)
    check_stages(
        FORMAT,
        promised=bundle.promises is not None,
        inclusion=bundle.paths,
        checkpoint=bundle.checkpoint,
        anchor=bundle.anchor,
        evidence=bundle.evidence,
    )
    if (bundle.size is None) != (bundle.paths is None):
        raise UnreadableError("receipt.stage", where=FORMAT, member="size" if bundle.size is None else "paths")
    if bundle.promises is not None and (bundle.paths is not None or len(bundle.promises) != PROMISE_BYTES * count):
        raise UnreadableError("receipts.promises")
    if bundle.paths is not None and bundle.size is not None:
        if len(bundle.paths) != count or bundle.first + count > bundle.size:
            raise UnreadableError("receipts.paths")
        for offset, path in enumerate(bundle.paths):
            if len(path) != 32 * path_length(bundle.first + offset, bundle.size):
                raise UnreadableError("receipts.paths")
