"""Dates, bits and divisions: the libraries against Python's datetime (1970-2200), its integers, and the twin."""

from __future__ import annotations

import datetime as dt
from calendar import isleap, monthrange

import pytest
from brownie import DatesHarness, accounts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.authorities import common, is_division
from ledger.codes import divisions

EPOCH = dt.date(1970, 1, 1).toordinal()
PROPERTY = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
BATCH = 3000


@pytest.fixture(scope="module")
def dates(module_isolation):
    return DatesHarness.deploy({"from": accounts[0]})


def same_dates(dates, first: int, step: int, count: int) -> None:
    packed, again = dates.dates(first, step, count)
    numbers = [first + i * step for i in range(count)]
    found = [dt.date.fromordinal(EPOCH + n) for n in numbers]
    assert list(packed) == [d.year * 10_000 + d.month * 100 + d.day for d in found]
    assert list(again) == numbers


@pytest.mark.parametrize("first", [0, 10_957 - 400, 47_482 - 400, (dt.date(2200, 1, 1).toordinal() - EPOCH) - 800])
def test_dates__every_day_around_1970_2000_2100_2200__as_datetime(dates, first):
    same_dates(dates, max(first, 0), 1, 1200)


@pytest.mark.parametrize("step", [29, 61])
def test_dates__steps_from_1970_to_2200__as_datetime(dates, step):
    last = dt.date(2200, 12, 31).toordinal() - EPOCH
    for first in range(0, last, step * BATCH):
        same_dates(dates, first, step, min(BATCH, (last - first) // step + 1))


def test_dates__last_days__as_datetime(dates):
    same_dates(dates, dt.date.max.toordinal() - EPOCH - 800, 1, 801)


def test_years__1970_to_2400__start_and_length_as_datetime(dates):
    starts, lengths = dates.yearsFrom(1970, 431)
    years = range(1970, 2401)
    assert list(starts) == [dt.date(y, 1, 1).toordinal() - EPOCH for y in years]
    assert list(lengths) == [365 + isleap(y) for y in years]


@pytest.mark.parametrize("year", [1970, 2000, 2024, 2026, 2100, 9999])
def test_clamped__every_month_and_day__month_s_last_at_most(dates, year):
    for month in range(1, 13):
        for day in (28, 29, 30, 31):
            last = monthrange(year, month)[1]
            expected = dt.date(year, month, min(day, last)).toordinal() - EPOCH
            assert dates.clamped(year, month, day) == expected


@PROPERTY
@given(
    word=st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 255).map(lambda n: (1 << (n + 1)) - 1)), data=st.data()
)
def test_bits__any_word__counted_and_found(dates, word, data):
    assert dates.count(word) == word.bit_count()
    places = [i for i in range(256) if word >> i & 1]
    if places:
        n = data.draw(st.integers(1, len(places)))
        assert dates.place(word, n) == places[n - 1]


def test_divisions__all_of_hubei__are_and_their_parents_are_above(dates):
    codes = sorted(divisions._table())
    assert all(dates.isDivision([int(c) for c in codes]))
    for code in codes:
        for period in divisions.periods(code):
            if period.parent:
                assert dates.common(int(code), int(period.parent)) == int(period.parent), code


@PROPERTY
@given(st.lists(st.one_of(st.integers(0, 1_100_000), st.sampled_from([420001, 429000, 420100, 429004])), max_size=20))
def test_is_division__any_numbers__as_the_twin(dates, numbers):
    assert list(dates.isDivision(numbers)) == [is_division(n) for n in numbers]


AROUND = [420000, 420100, 420102, 420103, 420200, 420202, 429004, 429005, 430000, 430100, 430102, 0]


@pytest.mark.parametrize("a", AROUND)
def test_common__any_two__as_the_twin(dates, a):
    for b in AROUND:
        assert dates.common(a, b) == (common(a, b) or 0), (a, b)
