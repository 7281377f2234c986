"""Climbing by the structure of GB/T 2260, against the parents of every division of Hubei since 1981."""

from __future__ import annotations

import pytest

from ledger.authorities import (
    Authorities,
    Domain,
    above,
    authority_for,
    common,
    common_authority,
    is_division,
    set_authority,
    upwards,
)
from ledger.codes import divisions
from ledger.errors import InputError
from ledger.types import DepartmentCode

CITY, PROVINCE = DepartmentCode("city"), DepartmentCode("province")


def test_above__every_division_of_hubei__leads_to_its_parents_and_now_right_to_it() -> None:
    for code in divisions._table():
        assert is_division(int(code))
        for period in divisions.periods(code):
            if period.parent:
                assert int(period.parent) in upwards(int(code)), code
            if period.status == "current":
                assert above(int(code)) == (int(period.parent) if period.parent else None), code


@pytest.mark.parametrize("number", [0, 42, 420001, 429000, 1_420_000])
def test_is_division__other_numbers__no(number: int) -> None:
    assert not is_division(number)
    with pytest.raises(InputError):
        set_authority(Authorities(), Domain.SHARING, number, CITY)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (420102, 420102, 420102),
        (420102, 420103, 420100),
        (420102, 420100, 420100),
        (420102, 420202, 420000),
        (429004, 429005, 420000),
        (420102, 430102, None),
    ],
)
def test_common__two_divisions__the_lowest_above_both(a: int, b: int, expected: int | None) -> None:
    assert common(a, b) == common(b, a) == expected


def test_authority_for__own_then_above__and_by_its_carrier() -> None:
    known = set_authority(Authorities(), Domain.SHARING, 420000, PROVINCE)
    known = set_authority(known, Domain.SHARING, 420100, CITY)
    assert set_authority(known, Domain.SHARING, 420100, CITY) is known
    assert authority_for(known, Domain.SHARING, 420102, lambda d: d) == CITY
    assert authority_for(known, Domain.SHARING, 429004, lambda d: d) == PROVINCE
    assert authority_for(known, Domain.VETERANS, 420102, lambda d: d) is None
    assert common_authority(known, Domain.SHARING, 420102, 420202, lambda d: d) == PROVINCE
    assert authority_for(known, Domain.SHARING, 420100, lambda _: PROVINCE) == PROVINCE
    removed = set_authority(known, Domain.SHARING, 420100, None)
    assert authority_for(removed, Domain.SHARING, 420102, lambda d: d) == PROVINCE
    assert list(upwards(429004)) == [429004, 420000]
