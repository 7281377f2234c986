"""Making an evidence bundle (formats.md §9) from files that are read twice: for name and digest, then to be written.

Memory holds names, digests and one part at a time, however many there are; a part that has changed between its two
readings is refused, so that the manifest speaks of what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import BinaryIO, NamedTuple

from ledger.errors import InputError
from ledger.types import Digest
from notary.disclosure import parse_disclosure
from notary.entry import log_id, parse_origin
from notary.event_proof import parse_event
from notary.exports.evidence_bundle import MANIFEST, SNAPSHOT, EvidenceBundle, listed_member, manifest_of, read_bundle
from notary.exports.zip_file import MAX_BYTES, MAX_MEMBERS, ZipWriter
from notary.receipt import Receipt, parse_receipt
from notary.snapshot import parse_snapshot

Part = Callable[[], bytes]
"""A file's bytes, read each time they are asked for: once to learn name and digest, once to be written."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes in: files, each of which its own reader takes. `grant`: the share's id on the chain."""

    network: str
    disclosures: Iterable[Part] = ()
    receipts: Iterable[Part] = ()
    events: Iterable[Part] = ()
    snapshot: Part | None = None
    grant: Digest | None = None
    lacking: frozenset[str] = frozenset()


class _Planned(NamedTuple):
    """A member before it is written."""

    load: Part
    sha256: str
    size: int


def write_bundle(out: BinaryIO, contents: Contents) -> EvidenceBundle:
    """The file, into `out`, which is empty and can seek and be read; what is in it then. InputError where there is
    nothing to prove, a part is of another network, or one changed meanwhile. Memory holds names, digests, one part."""
    planned, networks = _plan(contents)
    if not planned.keys() - {SNAPSHOT}:
        raise InputError("bundle.empty")
    if networks != {contents.network}:
        raise InputError("bundle.networks", networks=", ".join(sorted(networks)), expected=contents.network)
    if len(planned) >= MAX_MEMBERS:
        most = MAX_MEMBERS - 1
        raise InputError("zip.too_large", found="?", limit=MAX_BYTES, members=len(planned), most=most)
    listed = [listed_member(name, planned[name].sha256, planned[name].size) for name in sorted(planned)]
    manifest = manifest_of(contents.network, contents.grant, contents.lacking, listed)
    writer = ZipWriter(out)
    for name in sorted([*planned, MANIFEST]):
        writer.add(name, [manifest if name == MANIFEST else _again(name, planned[name])])
    writer.close()
    return read_bundle(out)  # what this wouldn't read, it doesn't write


def _plan(contents: Contents) -> tuple[dict[str, _Planned], set[str]]:
    """(members by name, networks of the parts): a member's name follows from what it is."""
    found: dict[str, _Planned] = {}
    networks = set()

    def plan(name: str, load: Part, data: bytes) -> None:
        found[name] = _Planned(load, sha256(data).hexdigest(), len(data))

    for load in contents.disclosures:
        disclosure = parse_disclosure(data := load())
        networks.add(parse_origin(disclosure.receipt.origin).network)
        plan(f"disclosures/{_place(disclosure.receipt)}-{_short(data)}.disclosure.json", load, data)
    for load in contents.receipts:
        receipt = parse_receipt(data := _without_salt(load))
        networks.add(parse_origin(receipt.origin).network)
        plan(f"receipts/{_place(receipt)}-{_short(data)}.receipt.json", partial(_without_salt, load), data)
    for load in contents.events:
        event = parse_event(data := load())
        networks.add(event.network)
        plan(f"events/{event.name}-{event.place.block_number:012d}-{_short(data)}.event.json", load, data)
    if contents.snapshot is not None:
        networks.add(parse_snapshot(data := contents.snapshot()).network)
        plan(SNAPSHOT, contents.snapshot, data)
    return found, networks


def _without_salt(load: Part) -> bytes:
    return parse_receipt(load()).without_salt().to_json()


def _again(name: str, planned: _Planned) -> bytes:
    data = planned.load()
    if sha256(data).hexdigest() != planned.sha256:
        raise InputError("bundle.changed", name=name)
    return data


def _place(receipt: Receipt) -> str:
    return f"{log_id(receipt.origin).hex()[:16]}-{receipt.index:012d}"


def _short(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]
