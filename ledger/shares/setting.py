"""What an act of sharing meets at its block: who acts, and what the other contracts say.

Pure: the caller brings all of it. `None` of a department stands for the chain's zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ledger.errors import DeniedError, NotFoundError
from ledger.types import Address, BlockTime, DepartmentCode, Digest, Role

SHARING, GOVERNMENT = 1, 3
"""Domains of the contract Authorities."""
PUBLISHED, CONNECTED = 3, 4
"""States of a resource that can be applied for (contract Catalogue)."""
UNCONDITIONAL, CONDITIONAL, NOT_SHARED = 1, 2, 3
"""Sharing classes."""
NEVER = BlockTime(0)
"""The chain's zero of a time."""
DAY = 86_400
HOUR = 3_600


def is_article(code: int) -> bool:
    """Whether `code` names both a statute and an article (contracts/libraries/Articles.sol)."""
    statute, article = divmod(code, 10_000)
    return statute > 0 and article > 0


def is_of_emergency_law(code: int) -> bool:
    """Whether it is an article of an emergency law: statutes 101 to 199."""
    return is_article(code) and 101 <= code // 10_000 <= 199


@dataclass(frozen=True, slots=True)
class Actor:
    """Who sends the transaction: `roles` is the mask of ledger.types.Role; `person` None for a machine."""

    operator: Address
    department: DepartmentCode
    roles: int
    person: Digest | None

    def require(self, role: Role) -> None:
        """DeniedError `departments.role_missing`: the first question of every act."""
        if not self.roles & role:
            raise DeniedError("departments.role_missing", account=self.operator, role=int(role))


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the catalogue as it stands now; `provider` carries it."""

    provider: DepartmentCode
    sharing_class: int
    state: int = PUBLISHED


def _itself(department: DepartmentCode, what: Digest) -> DepartmentCode:
    return department


@dataclass(frozen=True, slots=True)
class Setting:
    """The other contracts at one block. `deadline(start, working days)` and `authority(domain, division, division)` are
    WorkingCalendar.deadline and Authorities.commonAuthority; `carrier(department, what)` is Departments.carrierOf."""

    now: BlockTime
    block: int
    deadline: Callable[[BlockTime, int], BlockTime]
    authority: Callable[[int, int, int], DepartmentCode | None]
    divisions: Mapping[DepartmentCode, int]
    resources: Mapping[Digest, Resource]
    suspended: frozenset[DepartmentCode] = frozenset()
    paused: bool = False
    carrier: Callable[[DepartmentCode, Digest], DepartmentCode] = field(default=_itself)

    def sharing_authority(self, department: DepartmentCode) -> DepartmentCode | None:
        division = self.divisions[department]
        return self.authority(SHARING, division, division)

    def authority_over(self, department: DepartmentCode, *parties: DepartmentCode) -> DepartmentCode | None:
        """The department's sharing authority; its government where that is one of `parties`: nobody judges itself."""
        found = self.sharing_authority(department)
        if found not in parties:
            return found
        division = self.divisions[department]
        return self.authority(GOVERNMENT, division, division)

    def shared(self, resource: Digest, area: str) -> Resource:
        """The resource, if it is published and may be shared; NotFoundError or DeniedError of `area` otherwise."""
        found = self.resources.get(resource)
        if found is None or found.state not in (PUBLISHED, CONNECTED):
            raise NotFoundError(f"{area}.not_published", resource=resource.hex())
        if found.sharing_class == NOT_SHARED:
            raise DeniedError(f"{area}.not_shared", resource=resource.hex())
        return found

    def require_free(self, department: DepartmentCode, area: str) -> None:
        if department in self.suspended:
            raise DeniedError(f"{area}.department_suspended", department=department)

    def require_granting(self, area: str, *departments: DepartmentCode) -> None:
        """What opens access waits for the end of a pause, and of the suspension of whom it concerns."""
        if self.paused:
            raise DeniedError(f"{area}.paused")
        for department in departments:
            self.require_free(department, area)
