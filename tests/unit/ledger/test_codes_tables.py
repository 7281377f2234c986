"""Resident ids against every vector; divisions, holder types and causes as their files say."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.codes import causes, divisions, holder_types, resident_ids
from ledger.errors import InputError
from ledger.statuses import DecisionCode

VECTORS = Path(__file__).parents[2] / "vectors"
CASES = json.loads((VECTORS / "identifiers/resident_ids.json").read_text(encoding="utf-8"))
SEEN_FROM = dt.date(2026, 11, 21)


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{i}-{c['reason'] or 'valid'}") for i, c in enumerate(CASES)])
def test_check_resident_id__vector__gives_the_reason(case: dict[str, Any]) -> None:
    assert resident_ids.check_resident_id(case["id"], SEEN_FROM) == case["reason"]
    current = divisions.current(case["id"][:6])
    assert (current is not None and current.level == "county") == case["area_is_current_hubei_county"]


def test_check_resident_id__born_after_the_given_day__refused() -> None:
    number = "421088198407085498"
    assert resident_ids.check_resident_id(number, dt.date(1984, 7, 8)) is None
    assert resident_ids.check_resident_id(number, dt.date(1984, 7, 7)) == "date"


@given(st.integers(0, 10**17 - 1))
def test_check_character__any_digits__is_mod_11_2(number: int) -> None:
    first17 = f"{number:017d}"
    total = 0
    for c in first17:
        total = (total + int(c)) * 2 % 11
    assert resident_ids.check_character(first17) == "0123456789X"[(1 - total) % 11]


@given(st.text(max_size=20))
def test_check_resident_id__any_text__never_raises(text: str) -> None:
    assert resident_ids.check_resident_id(text, SEEN_FROM) in {None, "length", "character", "date", "check"}


def test_divisions__current__are_all_of_hubei() -> None:
    levels = [d.level for code in divisions._table() for d in divisions.periods(code) if d.status == "current"]
    assert [levels.count(x) for x in ("province", "prefecture", "county")] == [1, 13, 103]


@pytest.mark.parametrize(
    ("code", "year", "name"),
    [
        ("420600", 2005, "襄樊市"),
        ("420600", 2024, "襄阳市"),
        ("421024", 1994, "松滋县"),
        ("421024", 1998, "江陵县"),
        ("429021", 1992, None),
        ("429021", 2024, "神农架林区"),
        ("999999", 2024, None),
    ],
)
def test_division_in__code_used_twice__depends_on_the_year(code: str, year: int, name: str | None) -> None:
    found = divisions.division_in(code, year)
    assert (found.name if found else None) == name


def test_divisions__one_year__never_two_meanings() -> None:
    for code in divisions._table():
        for year in range(1981, 2026):
            inside = [d for d in divisions.periods(code) if d.valid_from <= year and year < (d.valid_to or 9999)]
            assert len(inside) <= 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [("420100", None), ("429999", "unknown"), ("110000", None), ("42", "form"), ("４２0100", "form")],
)
def test_check_division__cases__gives_the_reason(code: str, reason: str | None) -> None:
    assert divisions.check_division(code) == reason


@pytest.mark.parametrize(
    ("code_type", "code", "reason"),
    [
        ("001", "91350100M000100Y43", None),
        ("001", "91350100M000100Y44", "check"),
        ("111", "42108819790418904X", None),
        ("111", "421088197904189040", "check"),
        ("414", "E12345678", None),
        ("414", " ", "length"),
        ("112", "1", "type"),
        ("1", "1", "type"),
    ],
)
def test_check_holder_code__cases__gives_the_reason(code_type: str, code: str, reason: str | None) -> None:
    assert holder_types.check_holder_code(code_type, code, SEEN_FROM) == reason


def test_causes__file__numbers_are_unique_and_of_known_decisions() -> None:
    path = Path(causes.__file__).with_name("causes.csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(causes.causes())
    for cause in causes.causes().values():
        assert 0 < cause.cause < 1 << 16
        assert DecisionCode(cause.decision)
        assert cause.name_zh
        assert cause.name_en
    suspending = [c.name_zh for c in causes.causes().values() if c.decision == DecisionCode.SUSPENDED]
    assert suspending == ["暂扣", "中止"]


def test_check_cause__cases__only_its_own_decision() -> None:
    causes.check_cause(2, causes.WITHHELD)
    causes.check_cause(7, causes.NONE_GIVEN)
    for decision, cause, code in [(3, 1, "status.cause_mismatch"), (3, 9999, "status.cause_unknown")]:
        with pytest.raises(InputError) as caught:
            causes.check_cause(decision, cause)
        assert caught.value.code == code
    assert causes.cause_of(0) is None
