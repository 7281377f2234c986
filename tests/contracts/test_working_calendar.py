"""WorkingCalendar: what the Council sets and can't set, and deadlines beside the twin `ledger.calendar`.

A year's bitmap fits every year 28 away (same weekdays, same leap days), so our table of 2024-2026 is set for years to
come.
"""

from __future__ import annotations

import datetime as dt

import pytest
from brownie import WorkingCalendar, accounts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mining import ask, transact
from world import NONE, digest, emitted, now, plain, reverts, unchanged

from ledger.calendar import (
    Calendar,
    bitmap,
    day_number,
    day_of,
    deadline,
    end_of,
    months_after,
    natural_deadline,
    set_days,
    words,
)
from ledger.codes import working_days
from ledger.errors import NotFoundError

BASIS = digest("notice")
PROPERTY = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
LATER = 28
"""Years after which days fall on the same weekdays."""
TABLE = {year + LATER: days for year, days in working_days.calendar().years.items()}
LAST = int(dt.datetime(9999, 12, 31, 15, 59, 59, tzinfo=dt.UTC).timestamp())


def year_of(year: int) -> int:
    """A bitmap: Monday to Friday."""
    first = dt.date(year, 1, 1).toordinal()
    days = (dt.date.fromordinal(n) for n in range(first, dt.date(year + 1, 1, 1).toordinal()))
    return bitmap(d for d in days if d.isoweekday() < 6)


@pytest.fixture(scope="module")
def calendar(world):
    return WorkingCalendar.deploy(world.departments, {"from": accounts[0]})


@pytest.fixture
def council(world):
    return {"from": world.council}


@pytest.fixture
def this_year():
    return day_of(now()).year


@pytest.fixture
def next_year(this_year, calendar, council):
    """Known, Monday to Friday."""
    calendar.setYear(this_year + 1, *words(year_of(this_year + 1)), BASIS, council)
    return this_year + 1


def test_set_year__to_come__known_with_its_event(calendar, council, this_year):
    first, second = words(year_of(this_year + 1))
    assert not calendar.yearKnown(this_year + 1)
    tx = calendar.setYear(this_year + 1, first, second, BASIS, council)
    assert tx.return_value is True
    assert emitted(tx, "YearSet", year=this_year + 1, first=first, second=second, operator=council["from"], basis=BASIS)
    assert calendar.yearKnown(this_year + 1)
    assert plain(calendar.bitmaps(this_year + 1)) == (first, second)


def test_set_year__again__only_the_same(calendar, council, next_year):
    first, second = words(year_of(next_year))
    assert unchanged(calendar.setYear(next_year, first, second, NONE, council))
    with reverts("Calendar_YearKnown", next_year):
        calendar.setYear(next_year, first ^ 1, second, NONE, council)
    with reverts("Calendar_YearKnown", next_year):
        calendar.setYear(next_year, first, second | 1 << 255, NONE, council)


def test_set_year__this_year__whole_and_then_its_past_is_fixed(calendar, council, this_year):
    assert calendar.setYear(this_year, *words(year_of(this_year)), BASIS, council).return_value


def test_set_year__wrong_ones__refused(calendar, council, this_year):
    with reverts("Calendar_YearPast", this_year - 1, this_year):
        calendar.setYear(this_year - 1, 1, 0, NONE, council)
    common = next(
        y for y in range(this_year + 1, this_year + 4) if dt.date(y, 3, 1) - dt.date(y, 2, 1) == dt.timedelta(28)
    )
    leap = next(
        y for y in range(this_year + 1, this_year + 5) if dt.date(y, 3, 1) - dt.date(y, 2, 1) == dt.timedelta(29)
    )
    for year, second in ((common, 1 << 109), (leap, 1 << 110), (leap, 1 << 255)):
        with reverts("Calendar_BitmapInvalid", year):
            calendar.setYear(year, 1, second, NONE, council)
    with reverts("Calendar_BitmapInvalid", common):
        calendar.setYear(common, 0, 0, NONE, council)
    assert calendar.setYear(leap, 0, 1 << 109, NONE, council).return_value


def test_set__by_others__denied(world, calendar, this_year):
    for account in (world.issuer, world.stranger):
        with reverts("Calendar_NotCouncil", account):
            calendar.setYear(this_year + 1, 1, 0, NONE, {"from": account})
        with reverts("Calendar_NotCouncil", account):
            calendar.setDays([], True, NONE, {"from": account})


def test_set_days__to_come__changed_with_an_event_each(calendar, council, next_year):
    saturday = next(d for d in (dt.date(next_year, 5, n) for n in range(1, 8)) if d.isoweekday() == 6)
    sunday = saturday + dt.timedelta(days=1)
    numbers = [day_number(saturday), day_number(sunday), day_number(saturday - dt.timedelta(days=1))]
    tx = calendar.setDays(numbers, True, BASIS, council)
    assert tx.return_value is True
    assert [e["dayNumber"] for e in tx.events["DaySet"]] == numbers[:2]  # Friday was one
    assert all(e["working"] and str(e["basis"]) == "0x" + BASIS.hex() for e in tx.events["DaySet"])
    assert calendar.isWorkingDay(end_of(saturday) - 1)
    assert unchanged(calendar.setDays(numbers, True, BASIS, council))


def test_set_days__past_or_today__only_if_nothing_changes(calendar, council, this_year):
    calendar.setYear(this_year, *words(year_of(this_year)), BASIS, council)
    today = day_of(now())
    for day in (today, dt.date(this_year, 1, 1)):
        number, works = day_number(day), day.isoweekday() < 6
        assert unchanged(calendar.setDays([number], works, NONE, council))
        with reverts("Calendar_DayNotToCome", number, day_number(today)):
            calendar.setDays([number], not works, NONE, council)


def test_set_days__unknown_year_or_beyond_time__refused(calendar, council, this_year):
    with reverts("Calendar_YearUnknown", this_year + 2):
        calendar.setDays([day_number(dt.date(this_year + 2, 1, 1))], True, NONE, council)
    beyond = day_number(dt.date.max) + 1
    with reverts("Calendar_OutOfRange", beyond * 86_400 - 8 * 3600):
        calendar.setDays([beyond], True, NONE, council)


def test_set_days__every_day_off__year_stays_known_and_has_no_deadline(calendar, council, this_year):
    calendar.setYear(this_year + 1, 1 << 9, 0, BASIS, council)
    calendar.setDays([day_number(dt.date(this_year + 1, 1, 10))], False, BASIS, council)
    assert calendar.yearKnown(this_year + 1)
    with reverts("Calendar_YearUnknown", this_year + 2):
        calendar.deadline(end_of(dt.date(this_year, 12, 31)), 1)


@pytest.fixture(scope="module")
def known(calendar, world):
    """The contract with our table's years, and the twin."""
    for year, days in TABLE.items():
        calendar.setYear(year, *words(days), BASIS, {"from": world.council})
    return Calendar(TABLE)


FIRST, AFTER = min(TABLE), max(TABLE) + 1


def seconds_in(first: int, after: int):
    return st.integers(end_of(dt.date(first - 1, 12, 30)), end_of(dt.date(after - 1, 12, 31)))


def same_deadline(calendar, twin: Calendar, start: int, n: int) -> None:
    try:
        expected = deadline(twin, start, n)
    except NotFoundError as refused:
        with reverts("Calendar_YearUnknown", refused.params["year"]):
            calendar.deadline(start, n)
    else:
        assert calendar.deadline(start, n) == expected


@PROPERTY
@given(start=seconds_in(FIRST, AFTER), n=st.one_of(st.integers(0, 45), st.integers(0, 800)))
def test_deadline__our_table_any_start_and_n__as_the_twin(calendar, known, start, n):
    same_deadline(calendar, known, start, n)


def test_deadline__ten_working_days_over_the_national_day__end_on_15_october(calendar, known):
    """10 working days from 2026-09-25 end on 2026-10-15."""
    start = end_of(dt.date(2026 + LATER, 9, 24)) + 9 * 3600
    assert calendar.deadline(start, 10) == end_of(dt.date(2026 + LATER, 10, 15))


@PROPERTY
@given(
    years=st.lists(st.integers(1, (1 << 365) - 1), min_size=1, max_size=3),
    start=st.integers(0, 3 * 366 * 86_400),
    n=st.one_of(st.integers(0, 30), st.integers(0, 1100)),
)
def test_deadline__any_bitmaps__as_the_twin(calendar, world, years, start, n):
    first = day_of(now()).year + 1
    snapshot = ask("evm_snapshot")
    try:
        for year, days in enumerate(years, first):
            transact(calendar.setYear, world.council, year, *words(days), NONE)
        twin = Calendar(dict(enumerate(years, first)))
        same_deadline(calendar, twin, end_of(dt.date(first - 1, 12, 30)) + start, n)
    finally:
        ask("evm_revert", snapshot)


@PROPERTY
@given(
    start=seconds_in(FIRST, AFTER), days=st.lists(st.integers(0, 800), min_size=1, max_size=4), working=st.booleans()
)
def test_set_days__any_days_to_come__calendar_as_the_twin_s(calendar, world, known, start, days, working):
    dates = [dt.date.fromordinal(dt.date(FIRST, 1, 1).toordinal() + n) for n in days]
    snapshot = ask("evm_snapshot")
    try:
        transact(calendar.setDays, world.council, [day_number(d) for d in dates], working, NONE)
        twin = set_days(known, dates, working, now())
        for year, expected in twin.years.items():
            assert plain(calendar.bitmaps(year)) == words(expected)
        same_deadline(calendar, twin, start, 20)
    finally:
        ask("evm_revert", snapshot)


@PROPERTY
@given(start=st.integers(0, LAST), months=st.integers(0, 65_535), days=st.integers(0, 65_535))
def test_natural_terms__any__as_the_twin(calendar, start, months, days):
    for function, twin, n in (
        (calendar.monthsAfter, months_after, months),
        (calendar.naturalDeadline, natural_deadline, days),
    ):
        try:
            expected = twin(start, n)
        except ValueError as refused:
            raise AssertionError from refused
        except Exception as refused:
            assert refused.code == "calendar.out_of_range"
            with reverts("Calendar_OutOfRange", start):
                function(start, n)
        else:
            assert function(start, n) == expected


@PROPERTY
@given(time=seconds_in(FIRST, AFTER - 1))
def test_is_working_day__any_time__as_the_twin(calendar, known, time):
    day = day_of(time)
    if day.year in known.years:
        place = day.toordinal() - dt.date(day.year, 1, 1).toordinal()
        assert calendar.isWorkingDay(time) == bool(known.years[day.year] >> place & 1)
    else:
        with reverts("Calendar_YearUnknown", day.year):
            calendar.isWorkingDay(time)


def test_times__beyond_the_year_9999__refused(calendar):
    for call in (
        lambda: calendar.deadline(LAST + 1, 1),
        lambda: calendar.isWorkingDay(LAST + 1),
        lambda: calendar.naturalDeadline(LAST + 1, 0),
        lambda: calendar.monthsAfter(LAST + 1, 0),
    ):
        with reverts("Calendar_OutOfRange", LAST + 1):
            call()
    with reverts("Calendar_YearUnknown", 10_000):
        calendar.deadline(LAST, 1)
