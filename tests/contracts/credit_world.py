"""What the tests of CreditRecords and Nodes stand on: veterans' authorities of a province, a city and a county, two
departments that contribute, a service operator, a calendar of some years; and the same world told to the Python twins.

The council is a plain account. `pause` gives it code that answers 1 to `paused()`, whatever is asked.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from brownie import Authorities, CreditRecords, Departments, Nodes, WorkingCalendar, accounts
from mining import ask
from world import CODES, NONE, digest, left, now

from ledger.authorities import upwards
from ledger.calendar import DAY, OFFSET
from ledger.credits import Field, FileClass, file_class_bytes
from ledger.types import BlockTime, DepartmentCode

CREDIT, NODE = 16, 64
PROVINCE, CITY, COUNTY, POLICE, SCHOOL, GOVERNMENT, COMPANY, DATA = map(DepartmentCode, CODES[1:9])
DIVISIONS = {
    PROVINCE: 420000,
    CITY: 420900,
    COUNTY: 420984,
    POLICE: 420984,
    SCHOOL: 420900,
    GOVERNMENT: 420000,
    DATA: 420000,
}
SHARING, VETERANS, GOVERNING = 1, 2, 3
AUTHORITIES = {
    (VETERANS, 420000): PROVINCE,
    (VETERANS, 420900): CITY,
    (VETERANS, 420984): COUNTY,
    (GOVERNING, 420000): GOVERNMENT,
    (SHARING, 420000): DATA,
}
YEARS = range(2024, 2029)
"""Known to the calendar, Monday to Friday working; a term that runs into 2029 has no deadline."""
FILES = FileClass(COUNTY, Field.BENEFITS)
FILES32 = file_class_bytes(FILES)
MERIT, FACT, NEGATIVE, FRAUD, CRIME, UNKNOWN, SEALED = 101, 201, 303, 401, 402, 777, 9001
EPOCH = dt.date(1970, 1, 1).toordinal()


def today() -> int:
    """First second of the day of Asia/Shanghai in which the newest block lies."""
    return now() - (now() + OFFSET) % DAY


def _bitmap(year: int) -> tuple[int, int]:
    day, found = dt.date(year, 1, 1), 0
    while day.year == year:
        found |= (day.isoweekday() < 6) << (day.timetuple().tm_yday - 1)
        day += dt.timedelta(days=1)
    return found & (1 << 256) - 1, found >> 256


class CreditWorld:
    def __init__(self) -> None:
        self.council = accounts[0]
        mine = {"from": self.council}
        self.departments = Departments.deploy(self.council, mine)
        self.authorities = Authorities.deploy(self.departments, mine)
        self.calendar = WorkingCalendar.deploy(self.departments, mine)
        self.credits = CreditRecords.deploy(self.departments, self.authorities, self.calendar, mine)
        self.nodes = Nodes.deploy(self.departments, self.authorities, mine)
        self.stranger = accounts[9]
        self.operators = {}
        for code, division in DIVISIONS.items():
            self.departments.admit(left(code), division, NONE, mine)
        self.departments.admitServiceOperator(left(COMPANY), 420000, NONE, mine)
        for code, account in zip((*DIVISIONS, COMPANY), accounts[1:9], strict=True):
            roles = NODE if code == COMPANY else CREDIT | NODE
            self.departments.appointOperator(account, left(code), roles, 0, digest(code), mine)
            self.operators[code] = account
        for (domain, division), code in AUTHORITIES.items():
            self.authorities.setAuthority(domain, division, left(code), NONE, mine)
        for year in YEARS:
            if year >= dt.datetime.fromtimestamp(now(), dt.UTC).year:
                self.calendar.setYear(year, *_bitmap(year), NONE, mine)

    def by(self, code: str) -> dict[str, Any]:
        return {"from": self.operators[code]}

    @property
    def as_council(self) -> dict[str, Any]:
        return {"from": self.council}

    def pause(self, paused: bool = True) -> None:
        """PUSH1 1, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN."""
        ask("anvil_setCode", str(self.council), "0x600160005260206000f3" if paused else "0x")

    def catalogue(self) -> None:
        """Every class, and contributors: the police for its own, each veterans' authority for the measures."""
        for number, polarity, measure in ((MERIT, 1, 0), (FACT, 3, 0), (NEGATIVE, 2, 0), (FRAUD, 2, 1), (CRIME, 2, 2)):
            self.credits.setItemClass(number, polarity, measure, digest(f"law {number}"), self.by(PROVINCE))
        for code, number in CONTRIBUTIONS:
            self.credits.authoriseContributor(FILES32, left(code), number, 1, 0, NONE, self.by(COUNTY))


CONTRIBUTIONS = (
    (POLICE, NEGATIVE),
    (POLICE, MERIT),
    (POLICE, FRAUD),
    (SCHOOL, FACT),
    (SCHOOL, NEGATIVE),
    (COUNTY, NEGATIVE),
    (COUNTY, FRAUD),
    (CITY, CRIME),
    (PROVINCE, CRIME),
    (PROVINCE, NEGATIVE),
)


@dataclass
class Told:
    """`Around` of both twins, from what the test knows; mutable, as the machines turn it."""

    paused: bool = False
    suspended: frozenset[str] = frozenset()
    holidays: set[int] = field(default_factory=set)
    """Days (since 1970) that the council made days off."""

    def is_known(self, day_number: int) -> bool:
        """Whether the calendar has the day's year."""
        return dt.datetime.fromtimestamp(day_number * DAY, dt.UTC).year in YEARS

    def is_paused(self) -> bool:
        return self.paused

    def is_suspended(self, department: str) -> bool:
        return department in self.suspended

    def is_department(self, department: str) -> bool:
        return department in DIVISIONS

    def is_service_operator(self, department: str) -> bool:
        return department == COMPANY

    def division_of(self, department: str) -> int:
        return {**DIVISIONS, COMPANY: 420000}.get(department, 0)

    def carrier_of(self, department: str, what: bytes) -> DepartmentCode:
        return DepartmentCode(department)

    def authority_for(self, domain: int, division: int) -> DepartmentCode | None:
        found = (AUTHORITIES[domain, here] for here in upwards(division) if (domain, here) in AUTHORITIES)
        return next(found, None)

    def deadline(self, start: int, working_days: int) -> BlockTime | None:
        day = dt.datetime.fromtimestamp(start + OFFSET, dt.UTC).date()
        while working_days:
            day += dt.timedelta(days=1)
            if day.year not in YEARS:
                return None
            working_days -= day.isoweekday() < 6 and day.toordinal() - EPOCH not in self.holidays
        return _end_of(day)

    def months_after(self, start: int, months: int) -> BlockTime:
        day = dt.datetime.fromtimestamp(start + OFFSET, dt.UTC).date()
        year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
        last = (dt.date(year + month // 11, (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
        return _end_of(dt.date(year, month + 1, min(day.day, last)))


def _end_of(day: dt.date) -> BlockTime:
    """24:00 in Asia/Shanghai."""
    return BlockTime(int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) + DAY - OFFSET)
