"""The working calendar: which days are working days, and when a term ends.

Pure twin of the contract `WorkingCalendar` (contracts.md): days of Asia/Shanghai (UTC+8), the start day doesn't count,
a term ends at 24:00 of its last day, its deadline is the first second after that. Where a year isn't known the contract
refuses; `due` then gives an estimate that says of itself that it is provisional.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.types import BlockTime

OFFSET = 8 * 3600
"""UTC+8, in seconds."""
DAY = 86_400
_EPOCH = dt.date(1970, 1, 1).toordinal()
_LAST = dt.date.max.toordinal()
_WORD = 256
_LOW = (1 << _WORD) - 1


@dataclass(frozen=True, slots=True)
class Calendar:
    """Years that are known: bit i of `years[y]` is day i of year y (1 January is 0), 1 = working day."""

    years: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Due:
    """When a term ends. `unknown_year`: the first year that the calendar doesn't know and that the term runs into; then
    `deadline` is provisional: it counts Monday to Friday there, and the contract has no deadline yet."""

    deadline: BlockTime
    unknown_year: int | None = None

    @property
    def provisional(self) -> bool:
        return self.unknown_year is not None


def day_of(time: int) -> dt.date:
    """The day to which `time` (Unix seconds) belongs. InputError beyond the year 9999."""
    ordinal = (time + OFFSET) // DAY + _EPOCH
    if ordinal > _LAST:
        raise InputError("calendar.out_of_range", time=time)
    return dt.date.fromordinal(ordinal)


def end_of(day: dt.date) -> BlockTime:
    """24:00 of `day`: the first second of the next one."""
    return BlockTime((day.toordinal() - _EPOCH + 1) * DAY - OFFSET)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01, as the contract numbers them."""
    return day.toordinal() - _EPOCH


def bitmap(working_days: Iterable[dt.date]) -> int:
    """The bitmap of the year that all these days are of."""
    found = 0
    for day in working_days:
        found |= 1 << _place(day)
    return found


def words(year_bitmap: int) -> tuple[int, int]:
    """(first, second): the bitmap as the contract takes it, days 0-255 and from 256 on."""
    return year_bitmap & _LOW, year_bitmap >> _WORD


def from_words(first: int, second: int) -> int:
    """The bitmap of the contract's two words."""
    return first | second << _WORD


def is_working_day(calendar: Calendar, day: dt.date) -> bool:
    """NotFoundError `calendar.year_unknown`."""
    return bool(_year(calendar, day.year) >> _place(day) & 1)


def deadline(calendar: Calendar, start: int, working_days: int) -> BlockTime:
    """First second after 24:00 of the n-th working day after the day of `start`; n = 0: of that day itself.

    NotFoundError `calendar.year_unknown` if a day would have to be counted in a year that isn't known.
    """
    found = due(calendar, start, working_days)
    if found.unknown_year is not None:
        raise NotFoundError("calendar.year_unknown", year=found.unknown_year)
    return found.deadline


def due(calendar: Calendar, start: int, working_days: int) -> Due:
    """The same for people to read: provisional, with the year named, where the calendar doesn't reach."""
    day = day_of(start)
    unknown: int | None = None
    left = working_days
    while left:
        if day == dt.date.max:
            return Due(end_of(day), unknown or day.year + 1)
        day += dt.timedelta(days=1)
        if day.year in calendar.years:
            left -= is_working_day(calendar, day)
        else:
            unknown = unknown or day.year
            left -= day.isoweekday() < 6
    return Due(end_of(day), unknown)


def natural_deadline(start: int, natural_days: int) -> BlockTime:
    """First second after 24:00 of the day `natural_days` after the day of `start`."""
    ordinal = day_of(start).toordinal() + natural_days
    if ordinal > _LAST:
        raise InputError("calendar.out_of_range", time=start)
    return end_of(dt.date.fromordinal(ordinal))


def months_after(start: int, months: int) -> BlockTime:
    """First second after 24:00 of the same day `months` later, or of that month's last day if it is shorter."""
    day = day_of(start)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > dt.MAXYEAR:
        raise InputError("calendar.out_of_range", time=start)
    last = monthrange(year, month + 1)[1]
    return end_of(dt.date(year, month + 1, min(day.day, last)))


def set_year(calendar: Calendar, year: int, working_days: int, now: int) -> Calendar:
    """The calendar with a year's bitmap; the same if it is known so. ConflictError if it is known otherwise or over,
    InputError for a bitmap that isn't one of that year."""
    known = calendar.years.get(year)
    if known is not None:
        if known != working_days:
            raise ConflictError("calendar.year_known", year=year)
        return calendar
    this_year = day_of(now).year
    if year < this_year:
        raise ConflictError("calendar.year_past", year=year, this_year=this_year)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)  # beyond 9999 too, where datetime ends
    if working_days == 0 or working_days >> (365 + leap):
        raise InputError("calendar.bitmap_invalid", year=year)
    return _with(calendar, year, working_days)


def set_days(calendar: Calendar, days: Iterable[dt.date], working: bool, now: int) -> Calendar:
    """The calendar with days still to come made working days, or days off; days that are so already don't matter."""
    today = day_of(now)
    for day in days:
        if is_working_day(calendar, day) == working:
            continue
        if day <= today:
            raise ConflictError("calendar.day_not_to_come", day_number=day_number(day), today=day_number(today))
        calendar = _with(calendar, day.year, calendar.years[day.year] ^ 1 << _place(day))
    return calendar


def _with(calendar: Calendar, year: int, working_days: int) -> Calendar:
    return Calendar(MappingProxyType({**calendar.years, year: working_days}))


def _year(calendar: Calendar, year: int) -> int:
    known = calendar.years.get(year)
    if known is None:
        raise NotFoundError("calendar.year_unknown", year=year)
    return known


def _place(day: dt.date) -> int:
    return day.toordinal() - dt.date(day.year, 1, 1).toordinal()
