"""Departments: who was admitted, suspended and accredited when, and so whom a verifier recognises.

Pure. Contracts.md, "Departments": recognised for type T at time t = admitted, not suspended, accredited for T at t.
Later suspension undoes nothing issued before, unless withdrawn from the start; nor does succession, which only ends
what the old department may still issue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ledger.keys import DepartmentKey
from ledger.types import BlockTime, DepartmentCode, TypeCode


class MemberKind(IntEnum):
    """What a member is, as the contract numbers it."""

    DEPARTMENT = 1
    SERVICE_OPERATOR = 2


@dataclass(frozen=True, slots=True)
class Suspension:
    """A time during which the department was suspended; `until` None: still."""

    since: BlockTime
    until: BlockTime | None
    reason: int


@dataclass(frozen=True, slots=True)
class DepartmentHistory:
    """A member as the contract tells it. `admitted_at` is the block time of its admission; `succeeded_at` the first
    second of its successor (None: none was named), which may still be to come."""

    code: DepartmentCode
    division: int
    admitted_at: BlockTime
    suspensions: tuple[Suspension, ...] = ()
    kind: MemberKind = MemberKind.DEPARTMENT
    succeeded_at: BlockTime | None = None
    successor: DepartmentCode | None = None
    """Who carries what no part of the succession names; who that is at an instant: `successions.carrier`."""


@dataclass(frozen=True, slots=True)
class Accreditation:
    """Issuer × type × period. `until` None: no end. `withdrawn_from` at or before `since`: withdrawn from the start."""

    issuer: DepartmentCode
    type_code: TypeCode
    since: BlockTime
    until: BlockTime | None
    withdrawn_from: BlockTime | None = None


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """All that is known of a department: its history, what it may issue (with what it took over), its keys and
    proposals of both purposes."""

    history: DepartmentHistory
    accreditations: tuple[Accreditation, ...]
    keys: tuple[DepartmentKey, ...]


class Standing(StrEnum):
    """Why a department was recognised at an instant, or why not; the nearest reason of those that hold."""

    RECOGNISED = "recognised"
    NOT_ADMITTED = "not_admitted"
    ADMITTED_LATER = "admitted_later"
    SUCCEEDED = "succeeded"
    SUSPENDED = "suspended"
    NOT_ACCREDITED = "not_accredited"
    ACCREDITED_LATER = "accredited_later"
    ACCREDITATION_ENDED = "accreditation_ended"
    ACCREDITATION_WITHDRAWN = "accreditation_withdrawn"


@dataclass(frozen=True, slots=True)
class Recognition:
    """The answer about one department at one instant, with the fact that decided it."""

    standing: Standing
    suspension: Suspension | None = None
    accreditation: Accreditation | None = None

    @property
    def recognised(self) -> bool:
        return self.standing is Standing.RECOGNISED


def suspension_at(history: DepartmentHistory, at: BlockTime) -> Suspension | None:
    """The suspension that holds at `at` (since <= at < until), or None."""
    for suspension in history.suspensions:
        if suspension.since <= at and (suspension.until is None or at < suspension.until):
            return suspension
    return None


def accreditation_end(accreditation: Accreditation) -> BlockTime | None:
    """First second at which it no longer counts, by its own end or by withdrawal; None: no end."""
    ends = [end for end in (accreditation.until, accreditation.withdrawn_from) if end is not None]
    return min(ends, default=None)


def admitted_at(history: DepartmentHistory | None, at: BlockTime) -> Recognition:
    """Whether the department was admitted, not succeeded, not suspended at `at`: what a document's issuer needs."""
    if history is None or history.kind is not MemberKind.DEPARTMENT:  # a service operator keeps no records
        return Recognition(Standing.NOT_ADMITTED)
    if at < history.admitted_at:
        return Recognition(Standing.ADMITTED_LATER)
    if history.succeeded_at is not None and at >= history.succeeded_at:
        return Recognition(Standing.SUCCEEDED)
    if suspension := suspension_at(history, at):
        return Recognition(Standing.SUSPENDED, suspension)
    return Recognition(Standing.RECOGNISED)


def recognised(
    history: DepartmentHistory | None, accreditations: Iterable[Accreditation], type_code: TypeCode, at: BlockTime
) -> Recognition:
    """Whether the department was recognised for the type at `at`: admitted, not suspended, accredited.

    Accreditations of other issuers and types don't count. What happened later undoes nothing, unless an accreditation
    was withdrawn from a date at or before `at`.
    """
    admission = admitted_at(history, at)
    if history is None or not admission.recognised:
        return admission
    nearest = Recognition(Standing.NOT_ACCREDITED)
    for accreditation in sorted(accreditations, key=lambda a: a.since):
        if accreditation.issuer != history.code or accreditation.type_code != type_code:
            continue
        end = accreditation_end(accreditation)
        if accreditation.since <= at and (end is None or at < end):
            return Recognition(Standing.RECOGNISED, accreditation=accreditation)
        if accreditation.since > at:
            if nearest.accreditation is None:
                nearest = Recognition(Standing.ACCREDITED_LATER, accreditation=accreditation)
            continue
        withdrawn = accreditation.until is None or at < accreditation.until
        why = Standing.ACCREDITATION_WITHDRAWN if withdrawn else Standing.ACCREDITATION_ENDED
        nearest = Recognition(why, accreditation=accreditation)
    return nearest
