"""What the Council keeps: its members and their delegates, cases with approvals, requests to pause, versions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.council import NEVER, Rules, Version
from ledger.types import Address, BlockTime, DepartmentCode, Digest

NO_RULES = Rules(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Appointment:
    """`term` tells one appointment of an account from the next."""

    member: DepartmentCode
    person: Digest | None
    term: int


@dataclass(frozen=True, slots=True)
class Kept:
    """An approval, under the appointment of then."""

    delegate: Address
    member: DepartmentCode
    at: BlockTime
    term: int


@dataclass(frozen=True, slots=True)
class Case:
    content: Digest
    basis: Digest
    member: DepartmentCode
    delegate: Address
    proposed_at: BlockTime
    expires_at: BlockTime
    executed_at: BlockTime | None = None
    approvals: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class PauseRequest:
    """`pauses`: how many pauses there had been; the request stands until there is one more."""

    delegate: Address
    at: BlockTime
    pauses: int


@dataclass(frozen=True, slots=True)
class Council:
    account: Address
    """its own address"""
    rules: Rules = NO_RULES
    rules_since: BlockTime = NEVER
    members: frozenset[DepartmentCode] = frozenset()
    appointments: Mapping[Address, Appointment] = field(default_factory=dict)
    term: int = 0
    cases: Mapping[Digest, Case] = field(default_factory=dict)
    requests: Mapping[DepartmentCode, PauseRequest] = field(default_factory=dict)
    pauses: int = 0
    paused_since: BlockTime = NEVER
    paused_until: BlockTime = NEVER
    versions: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)
    trust_files: Mapping[int, Digest] = field(default_factory=dict)


def is_paused(council: Council, now: BlockTime) -> bool:
    return now < council.paused_until


def is_person(council: Council, account: Address) -> bool:
    appointment = council.appointments.get(account)
    return (appointment is not None and appointment.person is not None) or len(council.members) == 1
