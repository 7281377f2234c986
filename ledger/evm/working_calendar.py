"""WorkingCalendar: known years and deadlines at a named block, and the calls that set days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from ledger.calendar import Calendar, day_number, from_words, words
from ledger.evm.codes import ZERO
from ledger.evm.views import ContractView
from ledger.types import BlockTime, Digest

NAME = "WorkingCalendar"
CallIntent = tuple[str, str, list[Any]]


def set_year(year: int, bitmap: int, basis: Digest | None = None) -> CallIntent:
    """(contract, function, arguments); by the Council. `bitmap`: ledger.codes.working_days.calendar().years[year]."""
    return NAME, "setYear", [year, *words(bitmap), basis or ZERO]


def set_days(days: Iterable[dt.date], working: bool, basis: Digest | None = None) -> CallIntent:
    """Days still to come, of known years; by the Council."""
    return NAME, "setDays", [[day_number(day) for day in days], working, basis or ZERO]


class WorkingCalendarView(ContractView):
    contract = NAME

    def calendar(self, years: Iterable[int], block: int) -> Calendar:
        """Those of `years` that are known."""
        found = {}
        for year in years:
            bitmap = from_words(*self.read("bitmaps", [year], block))
            if bitmap or self.year_known(year, block):  # a year may in the end have no working day
                found[year] = bitmap
        return Calendar(MappingProxyType(found))

    def year_known(self, year: int, block: int) -> bool:
        return bool(self.read("yearKnown", [year], block)[0])

    def deadline(self, start: BlockTime, working_days: int, block: int) -> BlockTime:
        """The contract's own judgement; NotFoundError `calendar.year_unknown`."""
        return BlockTime(self.read("deadline", [start, working_days], block)[0])
