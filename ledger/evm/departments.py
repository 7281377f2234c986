"""Departments: histories and accreditations at a named block, and the calls that change them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.departments import Accreditation, DepartmentHistory, MemberKind, Suspension
from ledger.errors import UnavailableError
from ledger.evm.codes import ZERO, code_bytes, department_code
from ledger.evm.views import ContractView
from ledger.types import Address, BlockTime, DepartmentCode, Digest, TypeCode

NAME = "Departments"
CallIntent = tuple[str, str, list[Any]]
_KINDS = frozenset(int(kind) for kind in MemberKind)


def admit(department: DepartmentCode, division: int, basis: Digest | None = None) -> CallIntent:
    """(contract, function, arguments) for the outbox; by the owner."""
    return NAME, "admit", [code_bytes(department), division, basis or ZERO]


def admit_service_operator(member: DepartmentCode, division: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "admitServiceOperator", [code_bytes(member), division, basis or ZERO]


def succeed(
    old: DepartmentCode,
    new: DepartmentCode,
    at: BlockTime,
    parts: Sequence[tuple[bytes, DepartmentCode]] = (),
    basis: Digest | None = None,
) -> CallIntent:
    """`at`: first second of the successor, 0 for at once; `parts`: (bytes32 of what goes elsewhere, to whom)."""
    split = [(what, code_bytes(to)) for what, to in parts]
    return NAME, "succeed", [code_bytes(old), code_bytes(new), at, split, basis or ZERO]


def suspend(department: DepartmentCode, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "suspend", [code_bytes(department), reason, basis or ZERO]


def reinstate(department: DepartmentCode, basis: Digest | None = None) -> CallIntent:
    return NAME, "reinstate", [code_bytes(department), basis or ZERO]


def appoint_operator(
    operator: Address, department: DepartmentCode, roles: int, until: BlockTime | None, person_hash: bytes
) -> CallIntent:
    """`roles`: the sum of ledger.types.Role values; `person_hash` 32 bytes under the Council's salt."""
    return NAME, "appointOperator", [operator, code_bytes(department), roles, until or 0, person_hash]


def end_operator(operator: Address, reason: int) -> CallIntent:
    return NAME, "endOperator", [operator, reason]


def define_type(type_code: TypeCode, competent: DepartmentCode, basis: Digest | None = None) -> CallIntent:
    return NAME, "defineType", [code_bytes(type_code), code_bytes(competent), basis or ZERO]


def accredit(
    issuer: DepartmentCode,
    type_code: TypeCode,
    since: BlockTime,
    until: BlockTime | None,
    basis: Digest | None = None,
) -> CallIntent:
    return NAME, "accredit", [code_bytes(issuer), code_bytes(type_code), since, until or 0, basis or ZERO]


def withdraw_accreditation(
    issuer: DepartmentCode, type_code: TypeCode, from_time: BlockTime, reason: int, basis: Digest | None = None
) -> CallIntent:
    args = [code_bytes(issuer), code_bytes(type_code), from_time, reason, basis or ZERO]
    return NAME, "withdrawAccreditation", args


class DepartmentsView(ContractView):
    contract = NAME

    def department(self, code: DepartmentCode, block: int) -> DepartmentHistory | None:
        """A member of either kind; None for one that was never admitted."""
        found = self.read("memberOf", [code_bytes(code)], block)
        kind, admitted_at, division, succeeded_at, successor, suspensions = found
        if not kind:
            return None
        if kind not in _KINDS:
            raise UnavailableError("chain.undecodable", what=f"{NAME}.memberOf")
        times = (Suspension(BlockTime(s), BlockTime(u) if u else None, reason) for s, u, reason in suspensions)
        return DepartmentHistory(
            code,
            division,
            BlockTime(admitted_at),
            tuple(times),
            MemberKind(kind),
            BlockTime(succeeded_at) if succeeded_at else None,
            department_code(successor) if succeeded_at else None,
        )

    def carrier(self, code: DepartmentCode, what: bytes, block: int) -> DepartmentCode:
        """Who carries `what` (bytes32; zeros: what no part names) of the department at the block's time."""
        return department_code(self.read("carrierOf", [code_bytes(code), what], block)[0])

    def predecessors(self, code: DepartmentCode, block: int) -> tuple[DepartmentCode, ...]:
        """Whose successor it is or will be, in whole or in part."""
        return tuple(department_code(c) for c in self.read("predecessorsOf", [code_bytes(code)], block)[0])

    def paused(self, block: int) -> bool:
        """Whether the Council has paused grants, admissions and openings."""
        return bool(self.read("isPaused", [], block)[0])

    def accreditations(self, issuer: DepartmentCode, type_code: TypeCode, block: int) -> tuple[Accreditation, ...]:
        """Its own, oldest first, then those that came to it by succession, each from that time on."""
        rows = self.read("accreditations", [code_bytes(issuer), code_bytes(type_code)], block)[0]
        return tuple(
            Accreditation(
                issuer,
                type_code,
                BlockTime(since),
                BlockTime(until) if until else None,
                BlockTime(withdrawn) if withdrawn else None,
            )
            for since, until, withdrawn in rows
        )

    def competent_for(self, type_code: TypeCode, block: int) -> DepartmentCode | None:
        """The type's competent department; None for a type that isn't defined."""
        found = self.read("competentFor", [code_bytes(type_code)], block)[0]
        return None if found == ZERO else department_code(found)

    def operator(self, address: Address, block: int) -> tuple[DepartmentCode, int, int, bytes] | None:
        """(department, roles, until, person hash) as recorded, ended or not; None for a stranger."""
        department, roles, until, person = self.read("operatorOf", [address], block)
        return None if department == ZERO else (department_code(department), roles, until, person)
