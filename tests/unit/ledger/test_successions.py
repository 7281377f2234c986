"""Successions: who carries what, whose accreditations go along, and what can't be."""

from __future__ import annotations

import pytest

from ledger.departments import Accreditation, DepartmentHistory, MemberKind, Standing, recognised
from ledger.errors import ChuzhengError
from ledger.successions import DEFAULT, Succession, accreditations_of, carrier, succeed, type_part, withdraw
from ledger.types import BlockTime, DepartmentCode, TypeCode

A, B, C = (DepartmentCode(c * 18) for c in "ABC")
COMPANY = DepartmentCode("X" * 18)
TYPE = TypeCode("A" * 18 + "001")
ITEM = b"\x01" * 32
MEMBERS = {
    code: DepartmentHistory(code, 420000, BlockTime(1), kind=kind)
    for code, kind in (
        (A, MemberKind.DEPARTMENT),
        (B, MemberKind.DEPARTMENT),
        (C, MemberKind.DEPARTMENT),
        (COMPANY, MemberKind.SERVICE_OPERATOR),
    )
}


def t(value: int) -> BlockTime:
    return BlockTime(value)


def succession(old: DepartmentCode, new: DepartmentCode, at: int, **parts: DepartmentCode) -> Succession:
    split = tuple(({"item": ITEM, "type": type_part(TYPE)}[name], to) for name, to in parts.items())
    return Succession(old, new, t(at), t(at), split)


def test_carrier__before_after_and_along_the_chain() -> None:
    known = {A: succession(A, B, 100, item=C), B: succession(B, C, 200)}
    assert [carrier(known, A, DEFAULT, t(i)) for i in (99, 100, 199, 200)] == [A, B, B, C]
    assert [carrier(known, A, ITEM, t(i)) for i in (99, 100, 200)] == [A, C, C]
    assert carrier({}, A, ITEM, t(100)) == A


def test_succeed__late__from_its_own_block_on_and_the_same_again_changes_nothing() -> None:
    made = succeed(MEMBERS, {}, A, B, asked=t(50), parts=((ITEM, C),), now=t(100))
    assert made == Succession(A, B, t(100), t(50), ((ITEM, C),))
    assert succeed(MEMBERS, {A: made}, A, B, asked=t(50), parts=((ITEM, C),), now=t(200)) is None


@pytest.mark.parametrize(
    ("old", "new", "parts", "code"),
    [
        (A, A, (), "departments.successor_invalid"),
        (A, B, ((ITEM, A),), "departments.successor_invalid"),
        (A, COMPANY, (), "departments.kind_differs"),
        (A, DepartmentCode("Z" * 18), (), "departments.not_admitted"),
        (A, B, ((DEFAULT, C),), "departments.part_invalid"),
        (A, B, ((ITEM, C), (ITEM, B)), "departments.part_invalid"),
    ],
)
def test_succeed__wrong__refused(
    old: DepartmentCode, new: DepartmentCode, parts: tuple[tuple[bytes, DepartmentCode], ...], code: str
) -> None:
    with pytest.raises(ChuzhengError) as caught:
        succeed(MEMBERS, {}, old, new, asked=t(0), parts=parts, now=t(100))
    assert caught.value.code == code


def test_succeed__circle__refused_before_its_time_too() -> None:
    known = {A: succession(A, B, 10_000)}
    for parts in ((), ((ITEM, A),)):
        with pytest.raises(ChuzhengError, match="succeeded"):
            succeed(MEMBERS, known, B, A if not parts else C, asked=t(0), parts=parts, now=t(100))


def test_accreditations__go_along_from_that_time_on() -> None:
    held = (
        Accreditation(A, TYPE, t(10), t(50)),
        Accreditation(A, TYPE, t(60), None),
        Accreditation(B, TYPE, t(20), t(30)),
    )
    known = {A: succession(A, B, 100), B: succession(B, C, 200)}
    assert accreditations_of(held, known, A, TYPE) == held[:2]
    assert accreditations_of(held, known, B, TYPE) == (held[2], Accreditation(B, TYPE, t(100), None))
    assert accreditations_of(held, known, C, TYPE) == (Accreditation(C, TYPE, t(200), None),)
    split = {A: succession(A, B, 100, type=C)}
    assert accreditations_of(held, split, B, TYPE) == held[2:]
    assert accreditations_of(held, split, C, TYPE) == (Accreditation(C, TYPE, t(100), None),)


def test_recognised__old_before_new_after() -> None:
    held = (Accreditation(A, TYPE, t(60), None),)
    known = {A: succession(A, B, 100)}
    old = DepartmentHistory(A, 420000, t(1), succeeded_at=t(100), successor=B)
    assert [recognised(old, held, TYPE, t(i)).standing for i in (99, 100)] == [Standing.RECOGNISED, Standing.SUCCEEDED]
    theirs = accreditations_of(held, known, B, TYPE)
    found = [recognised(MEMBERS[B], theirs, TYPE, t(i)).recognised for i in (99, 100)]
    assert found == [False, True]


def test_withdraw__of_the_successor__spares_what_was_issued_before() -> None:
    held = (Accreditation(A, TYPE, t(60), None),)
    known = {A: succession(A, B, 100)}
    cut = withdraw(held, known, B, TYPE, t(1))
    assert cut == (Accreditation(A, TYPE, t(60), None, t(100)),)
    assert accreditations_of(cut, known, B, TYPE) == ()
    assert recognised(MEMBERS[A], cut, TYPE, t(99)).recognised
    assert withdraw(cut, known, B, TYPE, t(1)) == cut
    with pytest.raises(ChuzhengError, match="not_accredited"):
        withdraw(held, known, C, TYPE, t(1))


def test_service_operator__is_no_issuer() -> None:
    assert recognised(MEMBERS[COMPANY], (), TYPE, t(5)).standing is Standing.NOT_ADMITTED
