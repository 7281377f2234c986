"""Departments: who was admitted, suspended and accredited when, and so whom a verifier recognises.

Pure. Contracts.md, "Departments": recognised for type T at time t = admitted, not suspended, accredited for T at t.
Later suspension undoes nothing issued before, unless withdrawn from the start.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.types import BlockTime, DepartmentCode, TypeCode


@dataclass(frozen=True, slots=True)
class Suspension:
    """A time during which the department was suspended; `until` None: still."""

    since: BlockTime
    until: BlockTime | None
    reason: int


@dataclass(frozen=True, slots=True)
class DepartmentHistory:
    """A department as the contract tells it. `admitted_at` is the block time of its admission."""

    code: DepartmentCode
    division: int
    admitted_at: BlockTime
    suspensions: tuple[Suspension, ...] = ()


@dataclass(frozen=True, slots=True)
class Accreditation:
    """Issuer × type × period. `until` None: no end. `withdrawn_from` at or before `since`: withdrawn from the start."""

    issuer: DepartmentCode
    type_code: TypeCode
    since: BlockTime
    until: BlockTime | None
    withdrawn_from: BlockTime | None = None
