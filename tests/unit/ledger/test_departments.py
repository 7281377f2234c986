"""Recognition: each reason once, the edges of each period, and a slow definition over generated histories."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.departments import (
    Accreditation,
    DepartmentHistory,
    Standing,
    Suspension,
    accreditation_end,
    admitted_at,
    recognised,
    suspension_at,
)
from ledger.types import BlockTime, DepartmentCode, TypeCode

CODE, TYPE = DepartmentCode("11420503087246977F"), TypeCode("11100000000013338W011")
OTHER_TYPE = TypeCode("11100000000013338W012")


def t(seconds: int) -> BlockTime:
    return BlockTime(seconds)


def accredited(since: int, until: int | None = None, withdrawn: int | None = None) -> Accreditation:
    end, gone = (None if x is None else t(x) for x in (until, withdrawn))
    return Accreditation(CODE, TYPE, t(since), end, gone)


HISTORY = DepartmentHistory(
    CODE, 420503, t(100), (Suspension(t(200), t(300), 1), Suspension(t(800), None, 2))
)  # fmt: skip
PERIODS = (accredited(150, 500), accredited(550, 700, 600))

CASES = [
    (99, Standing.ADMITTED_LATER),
    (100, Standing.ACCREDITED_LATER),
    (149, Standing.ACCREDITED_LATER),
    (150, Standing.RECOGNISED),
    (199, Standing.RECOGNISED),
    (200, Standing.SUSPENDED),
    (299, Standing.SUSPENDED),
    (300, Standing.RECOGNISED),
    (499, Standing.RECOGNISED),
    (500, Standing.ACCREDITATION_ENDED),
    (550, Standing.RECOGNISED),
    (599, Standing.RECOGNISED),
    (600, Standing.ACCREDITATION_WITHDRAWN),
    (700, Standing.ACCREDITATION_ENDED),
    (800, Standing.SUSPENDED),
    (10**9, Standing.SUSPENDED),
]


@pytest.mark.parametrize(("at", "standing"), CASES)
def test_recognised__through_time__each_reason(at: int, standing: Standing) -> None:
    found = recognised(HISTORY, PERIODS, TYPE, t(at))
    assert found.standing == standing
    assert found.recognised == (standing is Standing.RECOGNISED)
    assert (found.suspension is not None) == (standing is Standing.SUSPENDED)


@pytest.mark.parametrize(("at", "expected"), [(99, False), (100, True), (250, False), (300, True), (800, False)])
def test_admitted_at__without_a_type__needs_no_accreditation(at: int, expected: bool) -> None:
    assert admitted_at(HISTORY, t(at)).recognised is expected


def test_recognised__unknown_department__not_admitted() -> None:
    assert recognised(None, (), TYPE, t(1)).standing == Standing.NOT_ADMITTED


def test_recognised__other_type_or_issuer__doesnt_count() -> None:
    other = Accreditation(DepartmentCode("11430000006122244L"), TYPE, t(1), None)
    for accreditations, type_code in (((accredited(1),), OTHER_TYPE), ((other,), TYPE), ((), TYPE)):
        assert recognised(HISTORY, accreditations, type_code, t(350)).standing == Standing.NOT_ACCREDITED


def test_recognised__withdrawn_from_the_start__at_no_time() -> None:
    for at in (150, 350, 799):
        found = recognised(HISTORY, (accredited(150, None, 1),), TYPE, t(at))
        assert found.standing == Standing.ACCREDITATION_WITHDRAWN


def test_recognised__later_suspension__undoes_nothing_before() -> None:
    later = DepartmentHistory(CODE, 420503, t(100), (*HISTORY.suspensions[:1], Suspension(t(400), None, 1)))
    assert recognised(later, PERIODS, TYPE, t(399)).recognised
    assert not recognised(later, PERIODS, TYPE, t(400)).recognised


times = st.integers(1, 30)
suspensions = st.lists(st.builds(lambda a, b: Suspension(t(a), t(a + b) if b else None, 0), times, st.integers(0, 9)))
periods = st.lists(
    st.builds(
        lambda since, lasts, gone: accredited(since, since + lasts if lasts else None, gone),
        times, st.integers(0, 9), st.none() | times,
    )
)  # fmt: skip


@given(times, suspensions, periods, st.integers(0, 40))
def test_recognised__any_history__as_the_sentence_says(
    admitted: int, kept: list[Suspension], accreditations: list[Accreditation], at: int
) -> None:
    history = DepartmentHistory(CODE, 420503, t(admitted), tuple(kept))
    suspended = any(s.since <= at and (s.until is None or at < s.until) for s in kept)
    holds = any(
        a.since <= at and (a.until is None or at < a.until) and (a.withdrawn_from is None or at < a.withdrawn_from)
        for a in accreditations
    )
    found = recognised(history, accreditations, TYPE, t(at))
    assert found.recognised == (admitted <= at and not suspended and holds)
    assert (suspension_at(history, t(at)) is not None) == suspended
    if found.recognised:
        assert found.accreditation is not None
        end = accreditation_end(found.accreditation)
        assert end is None or at < end
