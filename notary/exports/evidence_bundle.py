"""The evidence bundle: all that a matter rests on, in one ZIP that anybody judges with a trust file (formats.md §9).

Same contents, same bytes, in whatever order they came: a member's name follows from what it is. Nothing in a
bundle is believed because it is in it; the manifest only says that none is missing or was exchanged. Receipts go in
without their salts, records never: what is to be shown is shown by disclosures. Parts pass one at a time both ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO, TypeVar

from ledger.errors import UnreadableError
from ledger.types import Digest
from notary import members
from notary.canonical import canonicalise, parse_strict
from notary.disclosure import MAX_BYTES as MAX_DISCLOSURE
from notary.disclosure import Disclosure, parse_disclosure
from notary.event_proof import MAX_BYTES as MAX_EVENT
from notary.event_proof import EventProof, parse_event
from notary.exports.zip_file import MAX_MEMBERS, PIECE, ZipReader
from notary.receipt import MAX_BYTES as MAX_RECEIPT
from notary.receipt import Receipt, parse_receipt
from notary.snapshot import MAX_BYTES as MAX_SNAPSHOT
from notary.snapshot import Snapshot, parse_snapshot

FORMAT = "chuzheng-bundle/1"
SUFFIX = ".bundle.zip"
MANIFEST = "manifest.json"
SNAPSHOT = "snapshot.json"
MAX_MANIFEST = 16 << 20
T = TypeVar("T")
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
class EvidenceBundle:
    """What was in it, by the members' names, parsed when it is asked for; `sha256` of the whole file is what a
    certificate prints. `about`: the events' names by their first indexed argument (a status key, a grant's id)."""

    network: str
    grant: Digest | None
    lacking: frozenset[str]
    disclosures: Mapping[str, Disclosure]
    receipts: Mapping[str, Receipt]
    events: Mapping[str, EventProof]
    about: Mapping[bytes, Sequence[str]]
    snapshot: Snapshot | None
    sha256: Digest

    def events_of(self, subject: bytes) -> Iterator[EventProof]:
        """The events about a status key or a grant."""
        return (self.events[name] for name in self.about.get(subject, ()))


def read_bundle(file: BinaryIO) -> EvidenceBundle:
    """Read a bundle strictly, one member at a time; `file` can seek and stays open as long as the bundle is used.
    UnreadableError where a member isn't the manifest's, or isn't what its name says."""
    held = ZipReader(file)
    if MANIFEST not in held:
        raise UnreadableError("bundle.no_manifest")
    written = held.read(MANIFEST, MAX_MANIFEST)
    top = members.check_names(FORMAT, parse_strict(written, limit=MAX_MANIFEST), _NAMES, _NAMES | _OPTIONAL)
    if top["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    network = members.read_text(FORMAT, "network", top["network"], 32)
    grant = _grant(top)
    lacking = members.read_list(FORMAT, "lacking", top["lacking"], len(LACKING))
    if not set(lacking) <= LACKING or list(lacking) != sorted(set(lacking)):
        raise UnreadableError("format.list", where=FORMAT, member="lacking", limit=len(LACKING))
    listed = _check_members(top["members"], held)
    disclosures = _Parsed(held, "disclosures", MAX_DISCLOSURE, _disclosure)
    receipts = _Parsed(held, "receipts", MAX_RECEIPT, _bare)
    events = _Parsed(held, "events", MAX_EVENT, _event)
    for parsed in (disclosures, receipts):
        for _ in parsed.values():
            pass  # each is one; nothing is kept
    about: dict[bytes, list[str]] = {}
    for name, event in events.items():
        about.setdefault(event.topics[1] if len(event.topics) > 1 else b"", []).append(name)
    bundle = EvidenceBundle(
        network,
        grant,
        frozenset(lacking),
        disclosures,
        receipts,
        events,
        about,
        parse_snapshot(held.read(SNAPSHOT, MAX_SNAPSHOT)) if SNAPSHOT in held else None,
        _digest_of(file),
    )
    if manifest_of(network, grant, frozenset(lacking), listed) != written:
        raise UnreadableError("bundle.manifest")
    return bundle


class _Parsed(Mapping[str, T]):
    """Members of one folder, read and parsed each time one is asked for: a bundle's parts are never held together."""

    def __init__(self, held: ZipReader, folder: str, most: int, parse: Callable[[str, bytes], T]) -> None:
        self._held, self._most, self._parse = held, most, parse
        self._names = dict.fromkeys(name for name in held if name.startswith(f"{folder}/"))

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        return self._parse(name, self._held.read(name, self._most))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _digest_of(file: BinaryIO) -> Digest:
    found = sha256()
    file.seek(0)
    while piece := file.read(PIECE):
        found.update(piece)
    return Digest(found.digest())


def manifest_of(network: str, grant: Digest | None, lacking: frozenset[str], listed: list[dict[str, Any]]) -> bytes:
    """The manifest's bytes; `listed`: `listed_member` of each, sorted by name."""
    return canonicalise({
        "format": FORMAT,
        "network": network,
        "subject": SUBJECTS[grant is not None],
        **({} if grant is None else {"grant": grant.hex()}),
        "lacking": sorted(lacking),
        "members": listed,
    })  # fmt: skip


def listed_member(name: str, digest: str, size: int) -> dict[str, Any]:
    """A member as the manifest tells it; `digest`: its SHA-256 in hex."""
    return {"name": name, "media_type": _MEDIA[name.partition("/")[0]], "sha256": digest, "size": size}


def _check_members(listed: Any, held: ZipReader) -> list[dict[str, Any]]:
    """Each member is there with its digest, and nothing else is; UnreadableError names the first that isn't. What the
    manifest must list."""
    names = set()
    for each in members.read_list(FORMAT, "members", listed, MAX_MEMBERS):
        told = members.check_names(FORMAT, each, _MEMBER, _MEMBER)
        name = members.read_text(FORMAT, "members.name", told["name"], 200)
        if name not in held or name == MANIFEST:
            raise UnreadableError("bundle.missing", name=_shown(name))
        if name.partition("/")[0] not in _MEDIA:
            raise UnreadableError("bundle.extra", name=_shown(name))
        digest = sha256()
        for piece in held.pieces(name):
            digest.update(piece)
        if digest.hexdigest() != told["sha256"] or held.size(name) != told["size"]:
            raise UnreadableError("bundle.exchanged", name=_shown(name))
        names.add(name)
    if extra := {*held} - {*names, MANIFEST}:
        raise UnreadableError("bundle.extra", name=_shown(min(extra)))
    digests = {each["name"]: each["sha256"] for each in listed}
    return [listed_member(name, digests[name], held.size(name)) for name in sorted(digests)]


def _disclosure(name: str, body: bytes) -> Disclosure:
    return parse_disclosure(body)


def _event(name: str, body: bytes) -> EventProof:
    return parse_event(body)


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


def _shown(name: str) -> str:
    return name[:80].encode("ascii", "backslashreplace").decode()


def parts_of(bundle: EvidenceBundle) -> Iterable[tuple[str, Receipt, Disclosure | None]]:
    """(name, receipt, disclosure) of everything that a verdict can be given about."""
    for name, disclosure in bundle.disclosures.items():
        yield name, disclosure.receipt, disclosure
    for name, receipt in bundle.receipts.items():
        yield name, receipt, None
