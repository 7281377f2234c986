"""Departments: histories and accreditations at a named block, and the calls that change them."""

from __future__ import annotations

from typing import Any

from ledger.departments import Accreditation, DepartmentHistory, Suspension
from ledger.evm.codes import ZERO, code_bytes, department_code
from ledger.evm.views import ContractView
from ledger.types import Address, BlockTime, DepartmentCode, Digest, TypeCode

NAME = "Departments"
CallIntent = tuple[str, str, list[Any]]


def admit(department: DepartmentCode, division: int, basis: Digest | None = None) -> CallIntent:
    """(contract, function, arguments) for the outbox; by the owner."""
    return NAME, "admit", [code_bytes(department), division, basis or ZERO]


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
        """None for one that was never admitted."""
        admitted, admitted_at, division, suspensions = self.read("department", [code_bytes(code)], block)
        if not admitted:
            return None
        times = (Suspension(BlockTime(s), BlockTime(u) if u else None, reason) for s, u, reason in suspensions)
        return DepartmentHistory(code, division, BlockTime(admitted_at), tuple(times))

    def accreditations(self, issuer: DepartmentCode, type_code: TypeCode, block: int) -> tuple[Accreditation, ...]:
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
