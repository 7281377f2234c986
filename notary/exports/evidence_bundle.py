"""The evidence bundle: all that a matter rests on, in one ZIP that anybody judges with a trust file (formats.md §9).

Pure. Same contents, same bytes, in whatever order they came: a member's name follows from what it is. Nothing in a
bundle is believed because it is in it; the manifest only says that none is missing or was exchanged. Receipts go in
without their salts, records never: what is to be shown is shown by disclosures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ledger.errors import InputError, UnreadableError
from ledger.types import Digest
from notary import members
from notary.canonical import canonicalise, parse_strict
from notary.disclosure import Disclosure, parse_disclosure
from notary.entry import log_id, parse_origin
from notary.event_proof import EventProof, parse_event
from notary.exports.zip_file import MAX_MEMBERS, read_zip, write_zip
from notary.receipt import Receipt, parse_receipt
from notary.snapshot import Snapshot, parse_snapshot

FORMAT = "chuzheng-bundle/1"
SUFFIX = ".bundle.zip"
MANIFEST = "manifest.json"
SNAPSHOT = "snapshot.json"
MAX_MANIFEST = 16 << 20
SUBJECTS = ("records", "share")
LACKING = frozenset({"gateway_logs", "events_waiting", "events_unasked"})
"""What a maker may say is missing: the gateways' own entries of a share (kinds 3 and 4), events whose evidence wasn't
captured yet, events that nobody was asked for."""
_NAMES = frozenset({"format", "network", "subject", "lacking", "members"})
_OPTIONAL = frozenset({"grant"})
_MEMBER = frozenset({"name", "media_type", "sha256", "size"})
_MEDIA = {
    "disclosures": "application/vnd.chuzheng.disclosure+json",
    "receipts": "application/vnd.chuzheng.receipt+json",
    "events": "application/json",
    SNAPSHOT: "application/json",
}
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes in: files' bytes, each of which its own reader takes. `grant`: the share's id on the chain."""

    network: str
    disclosures: tuple[bytes, ...] = ()
    receipts: tuple[bytes, ...] = ()
    events: tuple[bytes, ...] = ()
    snapshot: bytes | None = None
    grant: Digest | None = None
    lacking: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EvidenceBundle:
    """What was in it, parsed, by the members' names; `sha256` of the whole file is what a certificate prints."""

    network: str
    grant: Digest | None
    lacking: frozenset[str]
    disclosures: Mapping[str, Disclosure]
    receipts: Mapping[str, Receipt]
    events: Mapping[str, EventProof]
    snapshot: Snapshot | None
    sha256: Digest


def make_bundle(contents: Contents) -> bytes:
    """The file. InputError where there is nothing to prove, or a part is of another network."""
    found: dict[str, bytes] = {}
    networks = set()
    for data in contents.disclosures:
        disclosure = parse_disclosure(data)
        networks.add(parse_origin(disclosure.receipt.origin).network)
        found[f"disclosures/{_place(disclosure.receipt)}-{_short(data)}.disclosure.json"] = data
    for data in contents.receipts:
        receipt = parse_receipt(data).without_salt()
        networks.add(parse_origin(receipt.origin).network)
        bare = receipt.to_json()
        found[f"receipts/{_place(receipt)}-{_short(bare)}.receipt.json"] = bare
    for data in contents.events:
        event = parse_event(data)
        networks.add(event.network)
        found[f"events/{event.name}-{event.place.block_number:012d}-{_short(data)}.event.json"] = data
    if contents.snapshot is not None:
        networks.add(parse_snapshot(contents.snapshot).network)
        found[SNAPSHOT] = contents.snapshot
    if not found.keys() - {SNAPSHOT}:
        raise InputError("bundle.empty")
    if networks != {contents.network}:
        raise InputError("bundle.networks", networks=", ".join(sorted(networks)), expected=contents.network)
    found[MANIFEST] = _manifest(contents, found)
    data = write_zip(found)
    read_bundle(data)  # what this wouldn't read, it doesn't write
    return data


def read_bundle(data: bytes) -> EvidenceBundle:
    """Read a bundle strictly. UnreadableError where a member isn't the manifest's, or isn't what its name says."""
    held = read_zip(data)
    if MANIFEST not in held:
        raise UnreadableError("bundle.no_manifest")
    value = parse_strict(held[MANIFEST], limit=MAX_MANIFEST)
    top = members.check_names(FORMAT, value, _NAMES, _NAMES | _OPTIONAL)
    if top["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    network = members.read_text(FORMAT, "network", top["network"], 32)
    grant = _grant(top)
    lacking = members.read_list(FORMAT, "lacking", top["lacking"], len(LACKING))
    if not set(lacking) <= LACKING or list(lacking) != sorted(set(lacking)):
        raise UnreadableError("format.list", where=FORMAT, member="lacking", limit=len(LACKING))
    _check_members(top["members"], held)
    kinds = {kind: {n: d for n, d in held.items() if n.startswith(f"{kind}/")} for kind in _MEDIA if kind != SNAPSHOT}
    bundle = EvidenceBundle(
        network,
        grant,
        frozenset(lacking),
        {name: parse_disclosure(body) for name, body in kinds["disclosures"].items()},
        {name: _bare(name, body) for name, body in kinds["receipts"].items()},
        {name: parse_event(body) for name, body in kinds["events"].items()},
        parse_snapshot(held[SNAPSHOT]) if SNAPSHOT in held else None,
        Digest(sha256(data).digest()),
    )
    again = Contents(network, grant=grant, lacking=frozenset(lacking))
    if _manifest(again, {name: body for name, body in held.items() if name != MANIFEST}) != held[MANIFEST]:
        raise UnreadableError("bundle.manifest")
    return bundle


def _manifest(contents: Contents, found: Mapping[str, bytes]) -> bytes:
    grant = {} if contents.grant is None else {"grant": contents.grant.hex()}
    return canonicalise({
        "format": FORMAT,
        "network": contents.network,
        "subject": SUBJECTS[contents.grant is not None],
        **grant,
        "lacking": sorted(contents.lacking),
        "members": [_listed(name, found[name]) for name in sorted(found)],
    })  # fmt: skip


def _listed(name: str, body: bytes) -> dict[str, Any]:
    media_type = _MEDIA[name.partition("/")[0]]
    return {"name": name, "media_type": media_type, "sha256": sha256(body).hexdigest(), "size": len(body)}


def _check_members(listed: Any, held: Mapping[str, bytes]) -> None:
    """Each member is there with its digest, and nothing else is; UnreadableError names the first that isn't."""
    names = []
    for each in members.read_list(FORMAT, "members", listed, MAX_MEMBERS):
        told = members.check_names(FORMAT, each, _MEMBER, _MEMBER)
        name = members.read_text(FORMAT, "members.name", told["name"], 200)
        body = held.get(name)
        if body is None or name == MANIFEST:
            raise UnreadableError("bundle.missing", name=_shown(name))
        if name.partition("/")[0] not in _MEDIA:
            raise UnreadableError("bundle.extra", name=_shown(name))
        if sha256(body).hexdigest() != told["sha256"] or len(body) != told["size"]:
            raise UnreadableError("bundle.exchanged", name=_shown(name))
        names.append(name)
    if extra := held.keys() - {*names, MANIFEST}:
        raise UnreadableError("bundle.extra", name=_shown(min(extra)))


def _bare(name: str, body: bytes) -> Receipt:
    receipt = parse_receipt(body)
    if receipt.salt is not None:
        raise UnreadableError("bundle.salt", name=_shown(name))
    return receipt


def _grant(top: Mapping[str, Any]) -> Digest | None:
    if top["subject"] not in SUBJECTS or ("grant" in top) != (top["subject"] == "share"):
        raise UnreadableError("format.member_unknown", where=FORMAT, member="subject")
    if "grant" not in top:
        return None
    text = members.read_text(FORMAT, "grant", top["grant"], 64)
    if not _HEX.fullmatch(text):
        raise UnreadableError("format.text", where=FORMAT, member="grant", limit=64)
    return Digest(bytes.fromhex(text))


def _place(receipt: Receipt) -> str:
    return f"{log_id(receipt.origin).hex()[:16]}-{receipt.index:012d}"


def _short(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def _shown(name: str) -> str:
    return name[:80].encode("ascii", "backslashreplace").decode()


def parts_of(bundle: EvidenceBundle) -> Iterable[tuple[str, Receipt, Disclosure | None]]:
    """(name, receipt, disclosure) of everything that a verdict can be given about."""
    for name, disclosure in bundle.disclosures.items():
        yield name, disclosure.receipt, disclosure
    for name, receipt in bundle.receipts.items():
        yield name, receipt, None
