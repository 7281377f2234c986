"""Authorities: who is in charge at a named block, and the call that names them."""

from __future__ import annotations

from typing import Any

from ledger.authorities import Domain
from ledger.evm.codes import ZERO, code_bytes, department_code
from ledger.evm.views import ContractView
from ledger.types import DepartmentCode, Digest

NAME = "Authorities"


def set_authority(
    domain: Domain, division: int, department: DepartmentCode | None, basis: Digest | None = None
) -> tuple[str, str, list[Any]]:
    """(contract, function, arguments); by the Council. None removes the authority."""
    code = ZERO if department is None else code_bytes(department)
    return NAME, "setAuthority", [int(domain), division, code, basis or ZERO]


class AuthoritiesView(ContractView):
    contract = NAME

    def authority_for(self, domain: Domain, division: int, block: int) -> DepartmentCode | None:
        """The division's own, or the first one above it; None if there is none."""
        return _department(self.read("authorityFor", [int(domain), division], block)[0])

    def common_authority(self, domain: Domain, a: int, b: int, block: int) -> DepartmentCode | None:
        """The lowest one at or above both divisions."""
        return _department(self.read("commonAuthority", [int(domain), a, b], block)[0])

    def authority_at(self, domain: Domain, division: int, block: int) -> DepartmentCode | None:
        """What was set for just this division, successions left aside."""
        return _department(self.read("authorityAt", [int(domain), division], block)[0])


def _department(value: bytes) -> DepartmentCode | None:
    return None if value == ZERO else department_code(value)
