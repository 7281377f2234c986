"""A catalogue to test: two providers in a prefecture with its sharing authority, each with a handler and an approver.

The calendar knows this year and the five after it, Monday to Friday.
"""

from __future__ import annotations

import datetime as dt

from brownie import Authorities, Catalogue, Departments, WorkingCalendar, accounts
from world import COMPETENT, DIVISION, ISSUER, NONE, OTHER, digest, left, now, plain

from ledger.calendar import Calendar, bitmap, day_of, words

HANDLER, APPROVER = 4, 8
PROVIDER, CONSUMER, AUTHORITY = ISSUER, OTHER, COMPETENT
SHARING = 1
UPDATE, REVIEW, CONNECT = 1, 2, 3
BASIS = digest("basis")
CODE, ID = digest("resource"), digest("demand")
V1, V2 = digest("version 1"), digest("version 2")
LEVELS = bytes([1, 3, 2])


def weekdays(year: int) -> int:
    """The bitmap of a year's days from Monday to Friday."""
    first = dt.date(year, 1, 1).toordinal()
    days = (dt.date.fromordinal(n) for n in range(first, dt.date(year + 1, 1, 1).toordinal()))
    return bitmap(day for day in days if day.isoweekday() < 6)


class CatalogueWorld:
    """`handlers` and `approvers` by department; each is a person of its own."""

    def __init__(self) -> None:
        self.council = accounts[0]
        mine = {"from": self.council}
        self.departments = Departments.deploy(self.council, mine)
        self.calendar = WorkingCalendar.deploy(self.departments, mine)
        self.authorities = Authorities.deploy(self.departments, mine)
        self.catalogue = Catalogue.deploy(self.departments, self.calendar, self.authorities, mine)
        codes = (PROVIDER, CONSUMER, AUTHORITY)
        self.handlers = dict(zip(codes, accounts[1:4], strict=True))
        self.approvers = dict(zip(codes, accounts[4:7], strict=True))
        self.both, self.machine, self.stranger = accounts[7:10]
        for code in codes:
            self.departments.admit(left(code), DIVISION, NONE, mine)
            self.appoint(self.handlers[code], code, HANDLER, digest(f"{code} handler"))
            self.appoint(self.approvers[code], code, APPROVER, digest(f"{code} approver"))
        # One person with both roles, the same as the provider's handler; and one that is nobody.
        self.appoint(self.both, PROVIDER, HANDLER | APPROVER, digest(f"{PROVIDER} handler"))
        self.appoint(self.machine, PROVIDER, HANDLER | APPROVER, NONE)
        self.authorities.setAuthority(SHARING, DIVISION, left(AUTHORITY), NONE, mine)
        years = range(day_of(now()).year, day_of(now()).year + 6)
        self.known = Calendar({year: weekdays(year) for year in years})
        for year, days in self.known.years.items():
            self.calendar.setYear(year, *words(days), NONE, mine)

    def appoint(self, account, code: str, roles: int, person: bytes) -> None:
        self.departments.appointOperator(account, left(code), roles, 0, person, {"from": self.council})

    def handler(self, code: str = PROVIDER) -> dict:
        return {"from": self.handlers[code]}

    def approver(self, code: str = PROVIDER) -> dict:
        return {"from": self.approvers[code]}

    def draw_up(self, version: bytes = V1, sharing_class: int = 2, code: bytes = CODE):
        return self.catalogue.drawUp(code, version, sharing_class, LEVELS, BASIS, self.handler())

    def submit(self, version: bytes = V1, code: bytes = CODE):
        self.catalogue.review(code, version, BASIS, self.approver())
        return self.catalogue.approve(code, version, BASIS, self.approver())

    def publish(self, version: bytes = V1, sharing_class: int = 2, code: bytes = CODE):
        self.draw_up(version, sharing_class, code)
        self.submit(version, code)
        return self.catalogue.publish(code, version, BASIS, self.approver(AUTHORITY))


def clock(town: CatalogueWorld, which: int, code: bytes = CODE) -> tuple:
    return plain(town.catalogue.clock(code, which))


def runs(town: CatalogueWorld, which: int, code: bytes = CODE) -> bool:
    start, _, _, ended = clock(town, which, code)
    return start != 0 and ended == 0


def state(town: CatalogueWorld, code: bytes = CODE) -> int:
    return town.catalogue.resource(code)[3]
