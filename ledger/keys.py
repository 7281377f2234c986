"""Departments' keys: who may add, end and report them, and what a key is worth at an instant.

Pure twin of the contract `DepartmentKeys` (its keys; gateways have no rule that isn't these): same questions, same
order, same refusals. A key at T is valid, invalid, or *unknown*: where a department said afterwards that its key had
been stolen by then, and the Council hasn't said so yet (contracts.md, "Departments").
Over 300 lines, in the contract's order, so that the two can be read side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import NewType

from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import BlockTime, DepartmentCode, Digest

KeyId = NewType("KeyId", bytes)
"""32 random bytes; receipts name a key by their hex."""


_AT_ONCE = BlockTime(0)


class Suite(IntEnum):
    """As the contract numbers them; `named` is what receipts and key files call it (formats.md §10)."""

    ED25519 = 1
    P256 = 2
    SM2 = 3

    @property
    def named(self) -> str:
        return "guomi" if self is Suite.SM2 else "intl"


class Purpose(IntEnum):
    SIGN = 1
    WRAP = 2


class Validity(StrEnum):
    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NewKey:
    """What is proposed. Numbers are plain, so that wrong ones can be asked about too; None: not given, no end."""

    department: DepartmentCode
    suite: int
    purpose: int
    public_key: bytes
    certificate: Digest | None = None
    """Digest of the certificate that the CA made out (电子政务电子认证)."""
    certificate_until: BlockTime | None = None
    since: BlockTime = _AT_ONCE
    until: BlockTime | None = None
    replaces: KeyId | None = None


@dataclass(frozen=True, slots=True)
class DepartmentKey:
    """A key as the contract tells it. `confirmed_at` None: only proposed. `claimed_since`: the department says that it
    was compromised from then on, and the Council hasn't settled it."""

    key_id: KeyId
    department: DepartmentCode
    suite: Suite
    purpose: Purpose
    public_key: bytes
    since: BlockTime
    proposed_at: BlockTime
    certificate: Digest | None = None
    certificate_until: BlockTime | None = None
    until: BlockTime | None = None
    compromised_since: BlockTime | None = None
    claimed_since: BlockTime | None = None
    replaces: KeyId | None = None
    confirmed_at: BlockTime | None = None

    @property
    def end(self) -> BlockTime | None:
        """First second that no longer counts, by its own end or its certificate's; None: no end."""
        return min((t for t in (self.until, self.certificate_until) if t is not None), default=None)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts. `department` None: the Council. `person` None: a machine.

    `entitled`: may decide for this key's department (contract: its operators, or those of who carries it).
    """

    department: DepartmentCode | None
    person: bytes | None = None
    entitled: bool = True
    suspended: bool = False


COUNCIL = Acting(None)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key, and what the contract keeps about its proposal."""

    key: DepartmentKey
    asked: NewKey
    proposer: bytes | None
    withdrawn: bool = False


Keys = Mapping[KeyId, KeptKey]


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway as the contract tells it: it signs with `key_id`; `until` None: no end, and it wasn't ended."""

    gateway_id: Digest
    department: DepartmentCode
    key_id: KeyId
    node: Digest | None
    division: int
    since: BlockTime
    until: BlockTime | None


def validity(
    since: BlockTime,
    until: BlockTime | None,
    compromised_since: BlockTime | None,
    claimed_since: BlockTime | None,
    at: BlockTime,
) -> Validity:
    """What a confirmed key is worth at `at`; all times half open, from `since` on and before each end."""
    if at < since or any(end is not None and at >= end for end in (until, compromised_since)):
        return Validity.INVALID
    return Validity.UNKNOWN if claimed_since is not None and at >= claimed_since else Validity.VALID


def validity_at(key: DepartmentKey, at: BlockTime) -> Validity:
    """The same of a key; a proposal is none."""
    if key.confirmed_at is None:
        return Validity.INVALID
    return validity(key.since, key.end, key.compromised_since, key.claimed_since, at)


def propose(keys: Keys, key_id: KeyId, new: NewKey, by: Acting, *, member: bool, now: BlockTime) -> Keys:
    """`keys` with the proposal; the Council's is a key at once. The same mapping if it holds this very proposal.

    `member`: the department is admitted and wasn't succeeded.
    """
    _entitled(by, new.department)
    if not any(key_id):
        raise InputError("department_keys.id_zero")
    if (known := keys.get(key_id)) is not None:
        if known.asked != new:
            raise ConflictError("department_keys.id_used", id=key_id.hex())
        return keys
    _member(member, new.department)
    _adding(by)
    _whole(keys, key_id, new, now)
    for used, kept in keys.items():
        if (kept.asked.department, kept.asked.public_key) == (new.department, new.public_key) and not kept.withdrawn:
            raise ConflictError("department_keys.public_key_used", id=used.hex())
    key = DepartmentKey(
        key_id, new.department, Suite(new.suite), Purpose(new.purpose), new.public_key, new.since, now,
        new.certificate, new.certificate_until, new.until, replaces=new.replaces,
    )  # fmt: skip
    proposed = {**keys, key_id: KeptKey(key, new, by.person)}
    return _confirmed(proposed, key_id, now) if by.department is None else proposed


def confirm(keys: Keys, key_id: KeyId, by: Acting, *, member: bool, now: BlockTime) -> Keys:
    """`keys` with the proposal confirmed by a second person or the Council; the same mapping if it was."""
    kept = _known(keys, key_id, by)
    if kept.key.confirmed_at is not None:
        return keys
    _member(member, kept.key.department)
    _adding(by)
    if by.department is not None and by.person == kept.proposer:
        raise DeniedError("department_keys.same_person", id=key_id.hex())
    return _confirmed(keys, key_id, now)


def end(keys: Keys, key_id: KeyId, until: BlockTime, by: Acting, now: BlockTime) -> Keys:
    """`keys` with this one ended at `until`, or now if that is later; a proposal is withdrawn. Never a later end."""
    kept = _known(keys, key_id, by)
    proposal = kept.key.confirmed_at is None
    until = now if proposal else max(until, now)
    ends = kept.key.until is not None and kept.key.until <= until
    if kept.withdrawn if proposal else ends:
        return keys
    if not ends:
        kept = replace(kept, key=replace(kept.key, until=until))
    return {**keys, key_id: replace(kept, withdrawn=proposal)}


def compromise(keys: Keys, key_id: KeyId, since: BlockTime, by: Acting, now: BlockTime) -> Keys:
    """`keys` with this one reported compromised since `since`: by the department from now on, with the earlier date as
    a claim; by the Council since that date, which settles claims."""
    kept = _known(keys, key_id, by)
    key = kept.key
    if key.confirmed_at is None:
        raise ConflictError("department_keys.not_confirmed", id=key_id.hex())
    if since == 0:
        raise InputError("department_keys.date_missing", id=key_id.hex())
    counts = min(since, now) if by.department is None else now
    certain = counts if key.compromised_since is None else min(counts, key.compromised_since)
    claimed = None
    if by.department is not None:
        claims = [t for t in (key.claimed_since, since) if t is not None and t < certain]
        claimed = min(claims, default=None)
    if (certain, claimed) == (key.compromised_since, key.claimed_since):
        return keys
    changed = replace(key, compromised_since=certain, claimed_since=claimed)
    return {**keys, key_id: replace(kept, key=changed)}


def public_key_fault(suite: int, key: bytes) -> int:
    """0, or why the bytes aren't a public key of the suite: 1 suite, 2 length, 3 form, 4 not a point of its curve."""
    if suite == Suite.ED25519:
        return 2 if len(key) != 32 else 0 if any(key) else 4
    if suite not in _CURVES:
        return 1
    if len(key) != 65:
        return 2
    if key[0] != 4:
        return 3
    p, b = _CURVES[suite]
    x, y = int.from_bytes(key[1:33], "big"), int.from_bytes(key[33:], "big")
    return 0 if x < p and y < p and (y * y - (x**3 - 3 * x + b)) % p == 0 else 4


_CURVES = {
    int(Suite.P256): (
        0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    int(Suite.SM2): (
        0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF,
        0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    ),
}
"""(p, b) of y² = x³ - 3x + b: FIPS 186-4 D.1.2.3, GB/T 32918.5."""


def _entitled(by: Acting, department: DepartmentCode) -> None:
    if by.department is not None and not by.entitled:
        raise DeniedError("department_keys.not_entitled", department=department)


def _known(keys: Keys, key_id: KeyId, by: Acting) -> KeptKey:
    kept = keys.get(key_id)
    if kept is None:
        if by.department is not None:  # nobody's key: nobody's but the Council's to ask about
            raise DeniedError("department_keys.not_entitled", department="")
        raise NotFoundError("department_keys.key_unknown", id=key_id.hex())
    _entitled(by, kept.key.department)
    return kept


def _member(member: bool, department: DepartmentCode) -> None:
    if not member:
        raise NotFoundError("department_keys.not_member", department=department)


def _adding(by: Acting) -> None:
    if by.department is None:
        return
    if by.person is None:
        raise DeniedError("department_keys.person_needed")
    if by.suspended:
        raise DeniedError("department_keys.suspended", department=by.department)


def _whole(keys: Keys, key_id: KeyId, new: NewKey, now: BlockTime) -> None:
    if fault := public_key_fault(new.suite, new.public_key):
        raise InputError("department_keys.public_key_invalid", suite=new.suite, reason=fault)
    if new.purpose not in (Purpose.SIGN, Purpose.WRAP):
        raise InputError("department_keys.purpose_invalid", purpose=new.purpose)
    if (new.certificate is None) != (new.certificate_until is None):
        raise InputError("department_keys.certificate_invalid", until=new.certificate_until or 0)
    _periods(new.since, new.until, new.certificate_until, now)
    if new.replaces is None:
        return
    old = keys.get(new.replaces)
    if old is None or old.key.confirmed_at is None or (old.key.department, old.key.purpose) != (
        new.department, new.purpose,
    ):  # fmt: skip
        raise ConflictError("department_keys.replaces_invalid", id=key_id.hex(), replaces=new.replaces.hex())


def _periods(since: BlockTime, until: BlockTime | None, certificate: BlockTime | None, now: BlockTime) -> BlockTime:
    """The key's first second: never before now."""
    start = max(since, now)
    for end_ in (until, certificate):
        if end_ is not None and end_ <= start:
            raise InputError("department_keys.period_invalid", since=start, until=end_)
    return start


def _confirmed(keys: Keys, key_id: KeyId, now: BlockTime) -> Keys:
    """The proposal as a key, and what it replaces with its end."""
    kept = keys[key_id]
    since = _periods(kept.key.since, kept.key.until, kept.key.certificate_until, now)
    changed = {**keys, key_id: replace(kept, key=replace(kept.key, since=since, confirmed_at=now))}
    old = None if kept.key.replaces is None else changed[kept.key.replaces]
    if old is not None and (old.key.until is None or old.key.until > since):
        changed[old.key.key_id] = replace(old, key=replace(old.key, until=since))
    return changed
