"""Credit items as tests want them: counties under a city under a province, a calendar, an item decided today."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from ledger import credit_acts as acts
from ledger.authorities import Domain, upwards
from ledger.calendar import DAY, OFFSET, months_after
from ledger.credits import Field, FileClass, ItemId, NewItem, Severity
from ledger.types import BlockTime, DepartmentCode, Digest

PROVINCE, CITY, COUNTY, POLICE, SCHOOL = (DepartmentCode(f"11420000MB000000{n}X") for n in range(5))
DIVISIONS = {PROVINCE: 420000, CITY: 420900, COUNTY: 420984, POLICE: 420984, SCHOOL: 420900}
FILES = FileClass(COUNTY, Field.BENEFITS)
TODAY = BlockTime(int(dt.datetime(2026, 11, 21, tzinfo=dt.UTC).timestamp()) - OFFSET)
NOON = BlockTime(TODAY + DAY // 2)
ITEM = ItemId(b"\x01" * 32)
GENERAL, MERIT = 303, 101


def some(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


@dataclass
class World:
    """Counties under a city under a province; every day works, and the calendar ends with `known_until`."""

    paused: bool = False
    suspended: frozenset[DepartmentCode] = frozenset()
    known_until: int = 2**40

    def is_paused(self) -> bool:
        return self.paused

    def is_suspended(self, department: DepartmentCode) -> bool:
        return department in self.suspended

    def is_department(self, department: DepartmentCode) -> bool:
        return department in DIVISIONS

    def division_of(self, department: DepartmentCode) -> int:
        return DIVISIONS[department]

    def carrier_of(self, department: DepartmentCode, what: bytes) -> DepartmentCode:
        return department

    def authority_for(self, domain: int, division: int) -> DepartmentCode | None:
        if domain == Domain.GOVERNMENT:
            return SCHOOL
        named = {420000: PROVINCE, 420900: CITY, 420984: COUNTY}
        return next((named[here] for here in upwards(division) if here in named), None)

    def deadline(self, start: BlockTime, working_days: int) -> BlockTime | None:
        found = start + (working_days + 1) * DAY
        return BlockTime(found) if found <= self.known_until else None

    def months_after(self, start: BlockTime, months: int) -> BlockTime:
        return months_after(start, months)


def now(by: DepartmentCode = POLICE, time: int = NOON, world: World | None = None) -> acts.Now:
    return acts.Now(by, BlockTime(time), world or World())


def negative(**changes: Any) -> NewItem:
    given: dict[str, Any] = {
        "file_class": FILES,
        "item_class": GENERAL,
        "commitment": some(1),
        "severity": Severity.GENERAL,
        "notice": some(2),
        "decision": some(3),
        "decided_at": TODAY,
        "event_end": TODAY,
        "publish_months": 6,
    }
    return NewItem(**(given | changes))
