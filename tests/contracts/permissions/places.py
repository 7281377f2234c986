"""Who may do what in Authorities and WorkingCalendar: what the others go by is the Council's."""

from __future__ import annotations

from world import left, now

from ledger.calendar import day_of, words

from .callers import Table
from .council_only import council
from .stage import AUTHORITY, BASIS, COUNTY, DAY, SHARING, Stage

AUTHORITIES = Table("Authorities", "主管部门", "authorities")
CALENDAR = Table("WorkingCalendar", "工作日历", "calendar")


@AUTHORITIES.row("setAuthority", "设定主管部门", "sets who is in charge", council("Authorities_NotCouncil"))
def _(stage: Stage) -> tuple:
    return (SHARING, COUNTY, left(AUTHORITY), BASIS)


@CALENDAR.row("setYear", "设定一年的工作日", "sets a year's working days", council("Calendar_NotCouncil"))
def _(stage: Stage) -> tuple:
    return (day_of(now()).year + 10, *words(1), BASIS)


@CALENDAR.row("setDays", "调整今后的日子", "changes days to come", council("Calendar_NotCouncil"))
def _(stage: Stage) -> tuple:
    return (days_to_come(30), False, BASIS)


def days_to_come(count: int) -> list[int]:
    """From the day after tomorrow on (a test may pass midnight): so many days since 1970."""
    return [now() // DAY + 2 + i for i in range(count)]
