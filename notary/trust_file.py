"""The trust file's bytes: what a verifier believes before it asks anyone. formats.md §8, `chuzheng-trust/1`.

Pure, strict: unknown or missing members, wrong types and sloppy encodings are UnreadableError `trust.*` with the place.
Times and durations are milliseconds, `block` members block numbers; keys base64, hashes as formats.md writes them.
Over 300 lines: the shapes of the file's parts stand beside their strict reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from ledger.crypto.suites import INTL
from ledger.errors import UnreadableError
from ledger.types import Address, ChainHash, Contract, Millis, Origin
from notary.b64 import from_b64
from notary.canonical import canonicalise, parse_strict
from notary.entry import parse_origin

FORMAT = "chuzheng-trust/1"
MAX_BYTES = 1 << 20
TAG = b"chuzheng/trust/v1\x00"
DEFAULT_MAX_DELAY = 24 * 3_600_000
"""Milliseconds from a promise to inclusion where the file names none for a log (formats.md §4)."""
MAX_SNAPSHOT_AGE = 7 * 24 * 3_600_000

_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_HASH = re.compile(r"0x[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{64}")
_FINALITY = re.compile(r"qbft|none|depth:(0|[1-9][0-9]{0,5})")
_NETWORK = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """One of the council; `key` 32 bytes (Ed25519) or a 65-byte point (P-256 for `intl`, SM2 for `guomi`)."""

    member: str
    suite: str
    key: bytes


@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """Who sealed the blocks from_block ≤ block < until_block; `compromised_since` in milliseconds."""

    from_block: int
    validators: tuple[Address, ...]
    until_block: int | None = None
    compromised_since: Millis | None = None

    def in_force_at(self, block: int) -> bool:
        return self.from_block <= block and (self.until_block is None or block < self.until_block)


@dataclass(frozen=True, slots=True)
class LogKey:
    """A log's checkpoint key; valid for since ≤ time < until (members `from`, `until`)."""

    origin: Origin
    name: str
    ed25519: bytes
    since: Millis
    until: Millis | None = None
    sm2: bytes | None = None

    def valid_at(self, time: int) -> bool:
        """`time` in milliseconds."""
        return self.since <= time and (self.until is None or time < self.until)


@dataclass(frozen=True, slots=True)
class WitnessKey:
    name: str
    ed25519: bytes


@dataclass(frozen=True, slots=True)
class TrustSignature:
    member: str
    key: bytes
    suite: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class TrustFile:
    """The file as read. `body` is JCS of it without signatures, the bytes that count."""

    network: str
    chain_id: int
    genesis_hash: ChainHash
    finality: str
    threshold: int
    council: tuple[Member, ...]
    contracts: tuple[Contract, ...]
    validators: tuple[ValidatorSet, ...]
    log_keys: tuple[LogKey, ...]
    max_delay: tuple[tuple[Origin, int], ...]
    witnesses_needed: int
    witnesses: tuple[WitnessKey, ...]
    snapshot_key: bytes | None
    max_snapshot_age: int
    issued_at: Millis
    expires: Millis
    as_of_block: int
    sequence: int
    previous: bytes | None
    signatures: tuple[TrustSignature, ...]
    body: bytes
    _keys: Mapping[str, tuple[LogKey, ...]] = field(init=False, repr=False, compare=False)
    _named: Mapping[str, tuple[Contract, ...]] = field(init=False, repr=False, compare=False)
    """The keys by log and the contracts by name: a province lists thousands, and each receipt asks for one."""

    def __post_init__(self) -> None:
        keys: dict[str, tuple[LogKey, ...]] = {}
        for key in self.log_keys:
            keys[key.origin] = (*keys.get(key.origin, ()), key)
        named: dict[str, tuple[Contract, ...]] = {}
        for contract in self.contracts:
            named[contract.name] = (*named.get(contract.name, ()), contract)
        object.__setattr__(self, "_keys", keys)
        object.__setattr__(self, "_named", named)

    @property
    def signed_bytes(self) -> bytes:
        """What members sign: "chuzheng/trust/v1"0 || JCS(file without signatures)."""
        return TAG + self.body

    @property
    def depth(self) -> int | None:
        """n of the finality rule `depth:n`."""
        return int(self.finality[6:]) if self.finality.startswith("depth:") else None

    def expired(self, now: Millis) -> bool:
        return now >= self.expires

    def keys_of(self, origin: str) -> tuple[LogKey, ...]:
        return self._keys.get(origin, ())

    def delay_of(self, origin: str) -> int:
        """Milliseconds that this log may take from promise to inclusion."""
        return dict(self.max_delay).get(Origin(origin), DEFAULT_MAX_DELAY)

    def addresses_of(self, name: str) -> frozenset[str]:
        """Where a contract of this name is or was."""
        return frozenset(contract.address for contract in self._named.get(name, ()))

    def validators_at(self, block: int) -> ValidatorSet | None:
        """Who sealed `block`; where sets overlap, the one that began last. None: the file lists none of that height."""
        found = [v for v in self.validators if v.in_force_at(block)]
        return max(found, key=lambda v: v.from_block, default=None)

    def speaks_for(self, name: str, address: str, block: int) -> bool:
        """Whether `address` was the contract of this name in force at `block`."""
        return any(c.address == address and c.in_force_at(block) for c in self._named.get(name, ()))


def parse_trust(data: bytes) -> TrustFile:
    """Read a trust file strictly; signatures are read, not verified (notary.trust does that)."""
    value = parse_strict(data, limit=MAX_BYTES)
    top = _members(
        value, "", "format network chain_id genesis_hash finality council contracts validators log_keys max_delay"
        " witnesses max_snapshot_age issued_at expires as_of_block sequence previous signatures", "snapshot_key",
    )  # fmt: skip
    if top["format"] != FORMAT:
        raise UnreadableError("trust.format", expected=FORMAT)
    council = _members(top["council"], "council", "threshold members")
    witnesses = _members(top["witnesses"], "witnesses", "needed keys")
    delays = top["max_delay"]
    if not isinstance(delays, dict):
        _wrong("max_delay")
    trust = TrustFile(
        network=_text(top["network"], "network", _NETWORK),
        chain_id=_count(top["chain_id"], "chain_id", least=1),
        genesis_hash=ChainHash(_text(top["genesis_hash"], "genesis_hash", _HASH)),
        finality=_text(top["finality"], "finality", _FINALITY),
        threshold=_count(council["threshold"], "council.threshold", least=1),
        council=_list(council["members"], "council.members", _member),
        contracts=_list(top["contracts"], "contracts", _contract),
        validators=_list(top["validators"], "validators", _validator_set),
        log_keys=_list(top["log_keys"], "log_keys", _log_key),
        max_delay=tuple((_origin(o, "max_delay"), _count(ms, f"max_delay.{o}")) for o, ms in delays.items()),
        witnesses_needed=_count(witnesses["needed"], "witnesses.needed"),
        witnesses=_list(witnesses["keys"], "witnesses.keys", _witness),
        snapshot_key=_key(top["snapshot_key"], "snapshot_key", 32) if "snapshot_key" in top else None,
        max_snapshot_age=_count(top["max_snapshot_age"], "max_snapshot_age"),
        issued_at=Millis(_count(top["issued_at"], "issued_at")),
        expires=Millis(_count(top["expires"], "expires")),
        as_of_block=_count(top["as_of_block"], "as_of_block"),
        sequence=_count(top["sequence"], "sequence", least=1),
        previous=None if top["previous"] is None else bytes.fromhex(_text(top["previous"], "previous", _HEX)),
        signatures=_list(top["signatures"], "signatures", _signature),
        body=canonicalise({name: member for name, member in value.items() if name != "signatures"}),
    )
    _check_whole(trust)
    return trust


def _check_whole(trust: TrustFile) -> None:
    """What single members can't say."""
    _distinct((m.member for m in trust.council), "council.members")
    _distinct((m.key for m in trust.council), "council.members")
    _distinct(((w.name, w.ed25519) for w in trust.witnesses), "witnesses.keys")
    if trust.threshold > len(trust.council):
        _wrong("council.threshold")
    if trust.witnesses_needed > len({w.ed25519 for w in trust.witnesses}):
        _wrong("witnesses.needed")
    if trust.expires <= trust.issued_at:
        _wrong("expires")
    if (trust.sequence == 1) != (trust.previous is None):
        _wrong("previous")
    if any(parse_origin(key.origin).network != trust.network for key in trust.log_keys):
        _wrong("log_keys.origin")


def _member(value: Any, at: str) -> Member:
    m = _members(value, at, "member suite key")
    suite = _suite(m["suite"], at)
    return Member(_text(m["member"], f"{at}.member", _NAME), suite, _public(m["key"], at, suite))


def _contract(value: Any, at: str) -> Contract:
    m = _members(value, at, "name address code_hash from_block", "until_block")
    return Contract(
        _text(m["name"], f"{at}.name", _NAME),
        Address(_text(m["address"], f"{at}.address", _ADDRESS)),
        ChainHash(_text(m["code_hash"], f"{at}.code_hash", _HASH)),
        *_span(m, at, "from_block", "until_block"),
    )


def _validator_set(value: Any, at: str) -> ValidatorSet:
    m = _members(value, at, "from_block validators", "until_block compromised_since")
    since, until = _span(m, at, "from_block", "until_block")
    addresses = _list(m["validators"], f"{at}.validators", lambda a, where: Address(_text(a, where, _ADDRESS)))
    _distinct(addresses, f"{at}.validators")
    stolen = m.get("compromised_since")
    if "compromised_since" in m:
        stolen = Millis(_count(stolen, f"{at}.compromised_since"))
    return ValidatorSet(since, addresses, until, stolen)


def _log_key(value: Any, at: str) -> LogKey:
    m = _members(value, at, "origin name ed25519 from", "sm2 until")
    since, until = _span(m, at, "from", "until")
    return LogKey(
        _origin(m["origin"], at),
        _text(m["name"], f"{at}.name", _NAME),
        _key(m["ed25519"], f"{at}.ed25519", 32),
        Millis(since),
        None if until is None else Millis(until),
        _point(m["sm2"], f"{at}.sm2") if "sm2" in m else None,
    )


def _witness(value: Any, at: str) -> WitnessKey:
    m = _members(value, at, "name ed25519")
    return WitnessKey(_text(m["name"], f"{at}.name", _NAME), _key(m["ed25519"], f"{at}.ed25519", 32))


def _signature(value: Any, at: str) -> TrustSignature:
    m = _members(value, at, "member key suite signature")
    member = _text(m["member"], f"{at}.member", _NAME)
    suite = _suite(m["suite"], at)
    return TrustSignature(member, _public(m["key"], at, suite), suite, _key(m["signature"], at, 64))


def _wrong(at: str) -> NoReturn:
    raise UnreadableError("trust.member", member=at or "(top)")


def _members(value: Any, at: str, required: str, optional: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        _wrong(at)
    for name in required.split():
        if name not in value:
            _wrong(f"{at}.{name}".lstrip("."))
    for name in value:
        if name not in required.split() and name not in optional.split():
            raise UnreadableError("trust.unknown_member", member=at or "(top)")
    return value


def _list(value: Any, at: str, read: Callable[[Any, str], T]) -> tuple[T, ...]:
    if not isinstance(value, list):
        _wrong(at)
    return tuple(read(item, f"{at}[{i}]") for i, item in enumerate(value))


def _text(value: Any, at: str, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        _wrong(at)
    return value


def _count(value: Any, at: str, *, least: int = 0) -> int:
    if type(value) is not int or not least <= value < 1 << 53:
        _wrong(at)
    return value


def _span(m: dict[str, Any], at: str, first: str, last: str) -> tuple[int, int | None]:
    since = _count(m[first], f"{at}.{first}")
    until = _count(m[last], f"{at}.{last}", least=since + 1) if last in m else None
    return since, until


def _key(value: Any, at: str, length: int) -> bytes:
    raw = from_b64(value) if isinstance(value, str) else None
    if raw is None or len(raw) != length:
        _wrong(at)
    return raw


def _public(value: Any, at: str, suite: str) -> bytes:
    raw = from_b64(value) if isinstance(value, str) else None
    if suite == INTL and raw is not None and len(raw) == 32:
        return raw
    return _point(value, f"{at}.key")


def _point(value: Any, at: str) -> bytes:
    """A point of P-256 or SM2, uncompressed; hybrid ones are refused (formats.md §10)."""
    raw = _key(value, at, 65)
    if raw[0] != 4:
        _wrong(at)
    return raw


def _suite(value: Any, at: str) -> str:
    return _text(value, f"{at}.suite", re.compile("intl|guomi"))


def _origin(value: Any, at: str) -> Origin:
    if not isinstance(value, str):
        _wrong(f"{at}.origin")
    parse_origin(value)
    return Origin(value)


def _distinct(values: Iterable[object], at: str) -> None:
    found = list(values)
    if len(set(found)) != len(found):
        _wrong(at)
