"""China's working days as the State Council's yearly notices set them, from a table of the days that differ.

Monday to Friday, but for the days of holidays_cn.csv (`data/README.md`). Only years of that table are known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import cache
from types import MappingProxyType

from ledger.calendar import Calendar, bitmap
from ledger.codes.tables import rows


@cache
def _differing() -> dict[dt.date, bool]:
    """Day → whether it is a working day, for days of which the weekday doesn't say."""
    return {dt.date.fromisoformat(r["date"]): r["kind"] == "working" for r in rows("data", "holidays_cn.csv")}


@cache
def known_years() -> tuple[int, ...]:
    """Years whose notice is in the table, in order."""
    return tuple(sorted({day.year for day in _differing()}))


def working_days(year: int) -> Iterator[dt.date]:
    """The working days of a known year, in order."""
    day = dt.date(year, 1, 1)
    while day.year == year:
        if _differing().get(day, day.isoweekday() < 6):
            yield day
        day += dt.timedelta(days=1)


@cache
def calendar() -> Calendar:
    """All known years: what the Council sets on the chain (`ledger.calendar.words` of each)."""
    return Calendar(MappingProxyType({year: bitmap(working_days(year)) for year in known_years()}))
