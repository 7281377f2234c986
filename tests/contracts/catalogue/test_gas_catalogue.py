"""What deadlines, authorities and the catalogue cost (conftest: `cost`)."""

from __future__ import annotations

from brownie import accounts
from catalogue_world import AUTHORITY, BASIS, CODE, CONSUMER, ID, PROVIDER, SHARING, V1, weekdays
from world import NONE, digest, left, now

from ledger.calendar import day_of, words

SECTION = "WorkingCalendar, Authorities and Catalogue"
ROWS = 17
UNOWED = digest("published without a duty")


def test_calendar__year_days_and_deadlines__noted(town, cost):
    council = {"from": town.council}
    year = day_of(now()).year + 6
    cost("`setYear`", town.calendar.setYear(year, *words(weekdays(year)), BASIS, council))
    day = (now() // 86_400) + 3
    working = town.calendar.isWorkingDay(day * 86_400)
    cost("`setDays`, one day", town.calendar.setDays([day], not working, BASIS, council))
    for days in (1, 20, 300):
        tx = town.calendar.deadline.transact(now(), days, {"from": accounts[0]})
        cost(f"`deadline`, {days} working day{'s' * (days > 1)}, as a transaction of its own", tx)


def test_authorities__set_and_climbed__noted(town, cost):
    tx = town.authorities.setAuthority(SHARING, 420100, left(AUTHORITY), BASIS, {"from": town.council})
    cost("`setAuthority`", tx)
    tx = town.authorities.authorityFor.transact(SHARING, 420202, {"from": accounts[0]})
    cost("`authorityFor` a county by its province's, as a transaction of its own", tx)


def test_catalogue__a_life__noted(town, cost):
    catalogue = town.catalogue
    cost("`addDuty`", catalogue.addDuty(CODE, left(PROVIDER), BASIS, town.handler()))
    levels = bytes([1]) * 30
    cost("`drawUp`, 30 items", catalogue.drawUp(CODE, V1, 2, levels, BASIS, town.handler()))
    cost("`review`", catalogue.review(CODE, V1, BASIS, town.approver()))
    cost("`approve`", catalogue.approve(CODE, V1, BASIS, town.approver()))
    cost("`publish`", catalogue.publish(CODE, V1, BASIS, town.approver(AUTHORITY)))
    cost("`connect`", catalogue.connect(CODE, BASIS, town.handler()))
    at = now()
    cost("`recordChange`", catalogue.recordChange(CODE, at, BASIS, town.handler()))
    cost("`recordChange` again, changing nothing", catalogue.recordChange(CODE, at, BASIS, town.handler()))
    cost("`demand`", catalogue.demand(ID, NONE, NONE, BASIS, town.handler(CONSUMER)))
    town.publish(code=UNOWED)
    tx = catalogue.recordChange(UNOWED, now(), BASIS, town.handler())
    cost("`recordChange`, the first of a resource that wasn't owed, so without a clock before", tx)
