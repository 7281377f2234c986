"""Working days and terms: our table and arithmetic against chinese-calendar over all its years, 2004-2026.

The oracle's answer is counted day by day; ours goes by bitmaps. 2027 isn't announced: terms that run into it are
provisional.
"""

from __future__ import annotations

import datetime as dt

import chinese_calendar  # type: ignore[import-untyped]
import pytest
from chinese_calendar import constants
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar import (
    Calendar,
    bitmap,
    day_number,
    day_of,
    deadline,
    due,
    end_of,
    from_words,
    is_working_day,
    months_after,
    natural_deadline,
    set_days,
    set_year,
    words,
)
from ledger.codes import sharing_deadlines, working_days
from ledger.errors import ChuzhengError, ConflictError, InputError, NotFoundError

YEARS = range(2004, 2027)
CHINA = dt.timezone(dt.timedelta(hours=8))
OURS = working_days.calendar()


def days(year: int) -> list[dt.date]:
    first = dt.date(year, 1, 1)
    return [first + dt.timedelta(days=i) for i in range((dt.date(year + 1, 1, 1) - first).days)]


ORACLE = Calendar({year: bitmap(day for day in days(year) if chinese_calendar.is_workday(day)) for year in YEARS})


def at(text: str) -> int:
    """Unix seconds of a time in China."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp())


def counted(start: dt.date, n: int) -> dt.date | None:
    """The n-th working day after `start`, one day at a time, as the oracle has it; None where its years end."""
    while n:
        start += dt.timedelta(days=1)
        if start.year not in YEARS:
            return None
        n -= chinese_calendar.is_workday(start)
    return start


def test_oracle__its_years__are_those_of_this_test() -> None:
    assert {day.year for day in [*constants.holidays, *constants.workdays]} == set(YEARS)


def test_table__each_of_its_days__is_the_oracle_s() -> None:
    assert working_days.known_years() == (2024, 2025, 2026)
    assert OURS.years == {year: ORACLE.years[year] for year in (2024, 2025, 2026)}
    assert [OURS.years[year].bit_count() for year in (2024, 2025, 2026)] == [251, 248, 248]


@pytest.mark.parametrize("year", YEARS)
def test_is_working_day__every_day_of_a_year__as_the_oracle(year: int) -> None:
    assert [is_working_day(ORACLE, day) for day in days(year)] == [chinese_calendar.is_workday(d) for d in days(year)]
    assert from_words(*words(ORACLE.years[year])) == ORACLE.years[year]


@given(
    start=st.datetimes(dt.datetime(2003, 12, 31), dt.datetime(2026, 12, 31, 23, 59, 59)),
    n=st.one_of(st.integers(0, 40), st.integers(0, 1000)),
)
def test_deadline__any_start_and_n__is_24_00_of_the_day_that_counting_gives(start: dt.datetime, n: int) -> None:
    time = int(start.replace(tzinfo=CHINA).timestamp())
    last = counted(start.date(), n)
    if last is None:
        found = due(ORACLE, time, n)
        assert found.unknown_year == 2027
        assert found.deadline > end_of(dt.date(2026, 12, 31))
        with pytest.raises(NotFoundError):
            deadline(ORACLE, time, n)
        return
    expected = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), CHINA)
    assert deadline(ORACLE, time, n) == expected.timestamp()
    assert not due(ORACLE, time, n).provisional


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        ("2026-09-25 00:00:00", 10, "2026-10-16 00:00:00"),
        ("2026-09-25 23:59:59", 10, "2026-10-16 00:00:00"),
        ("2026-09-24 23:59:59", 1, "2026-09-29 00:00:00"),  # 25 to 27 September: Mid-autumn Festival
        ("2025-12-31 12:00:00", 1, "2026-01-05 00:00:00"),  # Sunday 4 January is worked
        ("2026-09-25 12:00:00", 0, "2026-09-26 00:00:00"),
    ],
)
def test_deadline__known_cases__as_given(start: str, n: int, end: str) -> None:
    expected = at(end)
    assert deadline(OURS, at(start), n) == expected


def test_deadline__ten_working_days_over_the_national_day__end_on_15_october() -> None:
    last = day_of(deadline(OURS, at("2026-09-25 09:00:00"), 10) - 1)
    assert last == dt.date(2026, 10, 15)


def test_due__term_into_a_year_that_is_not_announced__is_provisional_and_names_it() -> None:
    start = at("2026-12-28 10:00:00")
    assert due(OURS, start, 3).unknown_year is None
    found = due(OURS, start, 10)
    assert (found.provisional, found.unknown_year) == (True, 2027)
    assert day_of(found.deadline - 1) == dt.date(2027, 1, 11)  # three days of 2026, then Monday to Friday
    with pytest.raises(NotFoundError) as refused:
        deadline(OURS, start, 10)
    assert (refused.value.code, refused.value.params) == ("calendar.year_unknown", {"year": 2027})


@pytest.mark.parametrize(
    ("start", "months", "last"),
    [
        ("2026-01-31 08:00:00", 1, "2026-02-28"),
        ("2028-01-31 08:00:00", 1, "2028-02-29"),
        ("2024-02-29 00:00:00", 12, "2025-02-28"),
        ("2024-02-29 00:00:00", 48, "2028-02-29"),
        ("2026-11-21 23:59:59", 3, "2027-02-21"),
        ("2026-12-31 00:00:00", 2, "2027-02-28"),
        ("2026-03-31 00:00:00", 0, "2026-03-31"),
    ],
)
def test_months_after__day_that_month_lacks__clamps_to_its_last(start: str, months: int, last: str) -> None:
    assert day_of(months_after(at(start), months) - 1) == dt.date.fromisoformat(last)


@given(start=st.integers(0, 4_000_000_000), n=st.integers(0, 65_535))
def test_natural_deadline__any__is_the_end_of_that_day(start: int, n: int) -> None:
    local = dt.datetime.fromtimestamp(start, CHINA)
    expected = dt.datetime.combine(local.date() + dt.timedelta(days=n + 1), dt.time(), CHINA)
    assert natural_deadline(start, n) == expected.timestamp()


def test_times__beyond_the_year_9999__refused() -> None:
    last = at("9999-12-31 23:59:59")
    assert day_of(last) == dt.date.max
    for call in (lambda: day_of(last + 1), lambda: natural_deadline(last, 1), lambda: months_after(last, 1)):
        with pytest.raises(InputError):
            call()


NOW = at("2026-11-21 12:00:00")
FULL = (1 << 365) - 1


KNOWN = Calendar({2026: OURS.years[2026]})


@pytest.mark.parametrize(
    ("year", "given_bitmap", "error", "code"),
    [
        (2025, FULL, ConflictError, "calendar.year_past"),
        (2027, 0, InputError, "calendar.bitmap_invalid"),
        (2027, FULL + 1, InputError, "calendar.bitmap_invalid"),
        (2026, FULL, ConflictError, "calendar.year_known"),
    ],
)
def test_set_year__wrong_ones__refused(year: int, given_bitmap: int, error: type[ChuzhengError], code: str) -> None:
    with pytest.raises(error) as refused:
        set_year(KNOWN, year, given_bitmap, NOW)
    assert refused.value.code == code


@pytest.mark.parametrize(("year", "given_bitmap"), [(2028, 2 * FULL + 1), (2027, 1)])
def test_set_year__to_come__known_then_and_again_the_same(year: int, given_bitmap: int) -> None:
    changed = set_year(KNOWN, year, given_bitmap, NOW)
    assert changed.years == {**KNOWN.years, year: given_bitmap}
    assert set_year(changed, year, given_bitmap, NOW) is changed


def test_set_days__only_days_to_come__change_and_what_is_so_already_may_be_past() -> None:
    today, tomorrow = dt.date(2026, 11, 21), dt.date(2026, 11, 22)
    assert not is_working_day(OURS, today)
    with pytest.raises(ConflictError) as refused:
        set_days(OURS, [today], True, NOW)
    assert refused.value.params == {"day_number": day_number(today), "today": day_number(today)}
    assert set_days(OURS, [today], False, NOW) is OURS
    changed = set_days(OURS, [tomorrow, dt.date(2026, 12, 31)], True, NOW)
    assert is_working_day(changed, tomorrow)
    assert not is_working_day(OURS, tomorrow)
    with pytest.raises(NotFoundError):
        set_days(OURS, [dt.date(2027, 1, 1)], False, NOW)


def test_sharing_deadlines__table__has_the_terms_that_the_contracts_hold() -> None:
    terms = sharing_deadlines.terms()
    assert len(terms) == 8
    assert {c: sharing_deadlines.working_days(c) for c, t in terms.items() if t.unit == "working day"} == {
        "CATALOGUE_UPDATE": 10,
        "CATALOGUE_REVIEW": 2,
        "REPLY_UNCONDITIONAL": 1,
        "REPLY_CONDITIONAL": 10,
        "PROVIDE": 20,
        "CORRECTION": 10,
    }
    assert {c: t.extension for c, t in terms.items() if t.extension} == {
        "CATALOGUE_UPDATE": 5,
        "REPLY_UNCONDITIONAL": 10,
        "REPLY_CONDITIONAL": 10,
    }
    assert all(t.days and str(t.days) in t.source_text for t in terms.values() if t.unit)
    with pytest.raises(KeyError):
        sharing_deadlines.working_days("USAGE_RECORDS")
