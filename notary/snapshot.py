"""The snapshot's bytes: what the chain said up to a block, signed for those who can't ask it (formats.md §8).

Pure, strict: `chuzheng-snapshot/1` with unknown or missing members or sloppy values is UnreadableError. Block times are
seconds, `expires` milliseconds; digests hex, chain values `0x`. What absent members mean is drawn in docs/formats.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from ledger.departments import Accreditation, DepartmentHistory, MemberKind, Suspension
from ledger.errors import UnreadableError
from ledger.ports import Signer
from ledger.statuses import Decision, DecisionCode
from ledger.types import Address, BlockTime, ChainHash, DepartmentCode, Digest, Millis, Origin, TypeCode
from notary import members
from notary.b64 import to_b64
from notary.canonical import canonicalise, parse_strict
from notary.entry import parse_origin
from notary.evidence import DepartmentKey

FORMAT = "chuzheng-snapshot/1"
TAG = b"chuzheng/snapshot/v1\x00"
MAX_BYTES = 256 << 20
MOST = 10_000_000
"""Elements of one list."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnchoredCheckpoint:
    """(log, size, root) as the chain recorded it."""

    origin: Origin
    size: int
    root: Digest
    contract: Address
    block_number: int
    block_hash: ChainHash
    block_time: BlockTime


@dataclass(frozen=True, slots=True)
class Member:
    """A department with what it may issue and its keys."""

    history: DepartmentHistory
    accreditations: tuple[Accreditation, ...]
    keys: tuple[DepartmentKey, ...]


@dataclass(frozen=True, slots=True)
class SnapshotHead:
    """What both forms of a snapshot say in JSON; `body` is JCS of what is signed. `complete_to`: entries of each log
    below that index have all their decisions and anchors here."""

    network: str
    chain_id: int
    genesis_hash: ChainHash
    sequence: int
    expires: Millis
    block: int
    time: BlockTime
    complete_to: Mapping[str, int]
    departments: Mapping[str, Member]
    erasures: Mapping[tuple[str, int], str]
    """(origin, index) → the order's code"""
    signature: bytes
    body: bytes

    @property
    def signed_bytes(self) -> bytes:
        """ "chuzheng/snapshot/v1"0 || JCS(without signature)"""
        return TAG + self.body

    @property
    def hash(self) -> Digest:
        return Digest(sha256(self.signed_bytes).digest())


@dataclass(frozen=True, slots=True)
class Snapshot(SnapshotHead):
    """The file as read."""

    checkpoints: tuple[AnchoredCheckpoint, ...]
    decisions: Mapping[bytes, tuple[Decision, ...]]

    @property
    def counted(self) -> tuple[int, int]:
        """How many (checkpoints, decisions) it has."""
        return len(self.checkpoints), sum(map(len, self.decisions.values()))

    def checkpoint_at(self, origin: str, size: int) -> AnchoredCheckpoint | None:
        """The anchored checkpoint of exactly that size."""
        return next((c for c in self.checkpoints if c.origin == origin and c.size == size), None)

    def first_above(self, origin: str, index: int) -> AnchoredCheckpoint | None:
        """The smallest anchored checkpoint that covers `index`."""
        covering = (c for c in self.checkpoints if c.origin == origin and c.size > index)
        return min(covering, key=lambda c: c.size, default=None)

    def decisions_about(self, key: bytes) -> tuple[Decision, ...]:
        """The decisions about a status key, in their order."""
        return self.decisions.get(key, ())


def sign_snapshot(body: Mapping[str, Any], signer: Signer) -> bytes:
    """The file's bytes for `body`, its members but `format` and `signature`."""
    whole = {"format": FORMAT, **body}
    signature = to_b64(signer.sign(TAG + canonicalise(whole)))
    data = json.dumps({**whole, "signature": signature}, ensure_ascii=False, separators=(",", ":")).encode()
    parse_snapshot(data)  # what this wouldn't read, it doesn't write
    return data


def parse_snapshot(data: bytes) -> Snapshot:
    """Read a snapshot strictly; its signature is read, not verified (notary.snapshot_facts does that)."""
    value = parse_strict(data, limit=MAX_BYTES)
    names = "format network chain_id genesis_hash sequence expires as_of complete_to checkpoints decisions departments"
    top = _members(value, f"{names} erasures signature")
    if top["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    decisions: dict[bytes, list[Decision]] = {}
    for key, decision in _list(top["decisions"], "decisions", _decision):
        decisions.setdefault(key, []).append(decision)
    return Snapshot(
        *read_head(top),
        members.read_b64(FORMAT, "signature", top["signature"], 64),
        canonicalise({name: member for name, member in value.items() if name != "signature"}),
        _list(top["checkpoints"], "checkpoints", _checkpoint),
        {key: tuple(sorted(found, key=lambda d: d.number)) for key, found in decisions.items()},
    )


Head = tuple[
    str, int, ChainHash, int, Millis, int, BlockTime, Mapping[str, int], Mapping[str, Member],
    Mapping[tuple[str, int], str],
]  # fmt: skip
"""The members of SnapshotHead up to the erasures."""


def read_head(top: Mapping[str, Any]) -> Head:
    """The members that every form of a snapshot has, strictly."""
    as_of = _members(top["as_of"], "block time")
    complete = top["complete_to"]
    if not isinstance(complete, dict):
        raise UnreadableError("format.object", where=FORMAT)
    departments = _list(top["departments"], "departments", _member)
    if len({each.history.code for each in departments}) != len(departments):
        raise UnreadableError("format.list", where=FORMAT, member="departments", limit=MOST)
    return (
        members.read_text(FORMAT, "network", top["network"], 32),
        _count(top["chain_id"]),
        ChainHash(members.read_chain_hash(FORMAT, "genesis_hash", top["genesis_hash"])),
        _count(top["sequence"]),
        Millis(_count(top["expires"])),
        _count(as_of["block"]),
        BlockTime(_count(as_of["time"])),
        {_origin(origin): _count(size) for origin, size in complete.items()},
        {each.history.code: each for each in departments},
        dict(_list(top["erasures"], "erasures", _erasure)),
    )


def _checkpoint(value: Any) -> AnchoredCheckpoint:
    m = _members(value, "origin size root contract block_number block_hash block_time")
    return AnchoredCheckpoint(
        _origin(m["origin"]),
        _count(m["size"]),
        Digest(_digest(m["root"])),
        Address(members.read_address(FORMAT, "contract", m["contract"])),
        _count(m["block_number"]),
        ChainHash(members.read_chain_hash(FORMAT, "block_hash", m["block_hash"])),
        _time(m["block_time"]),
    )


def _decision(value: Any) -> tuple[bytes, Decision]:
    m = _members(
        value, "key number code cause department effective_from recorded_at", "basis successor until ends annulled_at"
    )
    try:
        code = DecisionCode(_count(m["code"]))
    except ValueError:
        raise UnreadableError("format.count", where=FORMAT, member="code", limit=max(DecisionCode)) from None
    return _digest(m["key"]), Decision(
        number=_count(m["number"]),
        code=code,
        cause=_count(m["cause"]),
        department=DepartmentCode(_text(m["department"])),
        effective_from=_time(m["effective_from"]),
        recorded_at=_time(m["recorded_at"]),
        basis=_maybe(m, "basis", lambda v: Digest(_digest(v))),
        successor=_maybe(m, "successor", lambda v: Digest(_digest(v))),
        until=_maybe(m, "until", _time),
        ends=_maybe(m, "ends", _count),
        annulled_at=_maybe(m, "annulled_at", _time),
    )


def _member(value: Any) -> Member:
    m = _members(
        value, "code kind division admitted_at suspensions accreditations keys", "succeeded_at successor"
    )  # fmt: skip
    code = DepartmentCode(_text(m["code"]))
    try:
        kind = MemberKind(_count(m["kind"]))
    except ValueError:
        raise UnreadableError("format.count", where=FORMAT, member="kind", limit=max(MemberKind)) from None
    history = DepartmentHistory(
        code=code,
        division=_count(m["division"]),
        admitted_at=_time(m["admitted_at"]),
        suspensions=_list(m["suspensions"], "suspensions", _suspension),
        kind=kind,
        succeeded_at=_maybe(m, "succeeded_at", _time),
        successor=_maybe(m, "successor", lambda v: DepartmentCode(_text(v))),
    )
    accreditations = _list(m["accreditations"], "accreditations", lambda v: _accreditation(code, v))
    return Member(history, accreditations, _list(m["keys"], "keys", _key))


def _suspension(value: Any) -> Suspension:
    m = _members(value, "since reason", "until")
    return Suspension(_time(m["since"]), _maybe(m, "until", _time), _count(m["reason"]))


def _accreditation(issuer: DepartmentCode, value: Any) -> Accreditation:
    m = _members(value, "type since", "until withdrawn_from")
    return Accreditation(
        issuer,
        TypeCode(members.read_text(FORMAT, "type", m["type"], 32)),
        _time(m["since"]),
        _maybe(m, "until", _time),
        _maybe(m, "withdrawn_from", _time),
    )


def _key(value: Any) -> DepartmentKey:
    m = _members(value, "key_id suite key since", "until compromised_since claimed_since")
    return DepartmentKey(
        members.read_text(FORMAT, "key_id", m["key_id"], 128),
        members.read_text(FORMAT, "suite", m["suite"], 32),
        members.read_b64(FORMAT, "key", m["key"]),
        _time(m["since"]),
        _maybe(m, "until", _time),
        _maybe(m, "compromised_since", _time),
        _maybe(m, "claimed_since", _time),
    )


def _erasure(value: Any) -> tuple[tuple[str, int], str]:
    m = _members(value, "origin index order")
    order = members.read_text(FORMAT, "order", m["order"], 128)
    return (_origin(m["origin"]), _count(m["index"])), order


def _members(value: Any, required: str, optional: str = "") -> dict[str, Any]:
    needed = frozenset(required.split())
    return members.check_names(FORMAT, value, needed, needed | frozenset(optional.split()))


def _list(value: Any, member: str, read: Callable[[Any], T]) -> tuple[T, ...]:
    return tuple([read(each) for each in members.read_list(FORMAT, member, value, MOST)])


def _maybe(m: Mapping[str, Any], name: str, read: Callable[[Any], T]) -> T | None:
    return read(m[name]) if name in m else None


def _count(value: Any) -> int:
    return members.read_count(FORMAT, "count", value)


def _time(value: Any) -> BlockTime:
    return BlockTime(_count(value))


def _text(value: Any) -> str:
    return members.read_text(FORMAT, "code", value, 18)


def _origin(value: Any) -> Origin:
    text = members.read_text(FORMAT, "origin", value, 128)
    parse_origin(text)
    return Origin(text)


def _digest(value: Any) -> bytes:
    return bytes.fromhex(members.read_chain_hash(FORMAT, "digest", f"0x{value}")[2:])
