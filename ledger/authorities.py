"""Which department is in charge of what in which division: climbing by the structure of GB/T 2260 codes.

Pure twin of the contract `Authorities` (contracts.md). County PPCCXX in prefecture PPCC00 in province PP0000; a county
whose middle digits are 90 lies directly under its province.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

from ledger.errors import InputError
from ledger.types import DepartmentCode

DIRECT = 90
"""Middle digits of counties directly under their province; PP9000 itself is a heading, not a division."""
Carrier = Callable[[DepartmentCode], DepartmentCode]
"""Who carries a department's work now: `Departments.carrierOf(department, 0)`."""


class Domain(IntEnum):
    """In charge of what."""

    SHARING = 1
    """政务数据共享主管部门."""
    VETERANS = 2
    """退役军人工作主管部门."""
    GOVERNMENT = 3
    """The government that decides last."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """(domain, division) → the department that was set, successions left aside."""

    departments: Mapping[tuple[int, int], DepartmentCode] = field(default_factory=lambda: MappingProxyType({}))


def is_division(division: int) -> bool:
    """Whether the code has the form of a province's, a prefecture's or a county's."""
    if not 110_000 <= division <= 999_999:
        return False
    middle, last = division // 100 % 100, division % 100
    return middle != DIRECT if last == 0 else middle != 0


def above(division: int) -> int | None:
    """The division right above; None above a province."""
    middle, last = division // 100 % 100, division % 100
    if middle == 0:
        return None
    return division // 10_000 * 10_000 if last == 0 or middle == DIRECT else division - last


def upwards(division: int) -> Iterator[int]:
    """The division itself, then those above it."""
    here: int | None = division
    while here:
        yield here
        here = above(here)


def common(a: int, b: int) -> int | None:
    """The lowest division at or above both; None if there is none, as between two provinces."""
    of_b = set(upwards(b))
    return next((division for division in upwards(a) if division in of_b), None)


def set_authority(known: Authorities, domain: int, division: int, department: DepartmentCode | None) -> Authorities:
    """With the authority set, or with None removed; the same if it is so. InputError as the contract refuses."""
    if domain not in set(Domain):
        raise InputError("authorities.domain_unknown", domain=domain)
    if not is_division(division):
        raise InputError("authorities.division_invalid", division=division)
    if known.departments.get((domain, division)) == department:
        return known
    changed = {**known.departments}
    changed.pop((domain, division), None)
    if department is not None:
        changed[domain, division] = department
    return Authorities(MappingProxyType(changed))


def authority_for(known: Authorities, domain: int, division: int | None, carrier: Carrier) -> DepartmentCode | None:
    """The authority for a division: its own, or the first one above it; None if there is none."""
    for here in upwards(division or 0):
        if (department := known.departments.get((domain, here))) is not None:
            return carrier(department)
    return None


def common_authority(known: Authorities, domain: int, a: int, b: int, carrier: Carrier) -> DepartmentCode | None:
    """The lowest authority at or above both divisions."""
    return authority_for(known, domain, common(a, b), carrier)
