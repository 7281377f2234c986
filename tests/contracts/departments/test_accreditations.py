"""Departments: types, accreditations, and who is recognised when. Each function done, no-op and denied."""

from __future__ import annotations

import pytest
from world import (
    COMPETENT,
    ISSUER,
    NONE,
    OTHER,
    OTHER_TYPE,
    OUTSIDER,
    TYPE,
    digest,
    emitted,
    left,
    now,
    plain,
    reverts,
    unchanged,
    wait,
)

BASIS = digest("basis")


def test_define_type__new_and_moved__done_noop(world, departments, council):
    tx = departments.defineType(left(OTHER_TYPE), left(COMPETENT), BASIS, council)
    assert emitted(
        tx,
        "TypeDefined",
        typeCode=left(OTHER_TYPE),
        competent=left(COMPETENT),
        operator=world.council,
        basis=BASIS,
    )
    assert unchanged(departments.defineType(left(OTHER_TYPE), left(COMPETENT), BASIS, council))
    assert departments.defineType(left(OTHER_TYPE), left(OTHER), BASIS, council).return_value
    assert bytes(departments.competentFor(left(OTHER_TYPE))) == left(OTHER)
    assert bytes(departments.competentFor(left(COMPETENT + "999"))) == NONE


def test_define_type__wrong_code_or_department__denied(departments, council):
    for code, reason in ((COMPETENT, 1), (COMPETENT + "00A", 6), (COMPETENT[:-1] + "I001", 2)):
        with reverts("Departments_TypeCodeInvalid", left(code), reason):
            departments.defineType(left(code), left(COMPETENT), BASIS, council)
    with reverts("Departments_NotAdmitted", left(OUTSIDER)):
        departments.defineType(left(TYPE), left(OUTSIDER), BASIS, council)


@pytest.mark.parametrize("by", ["council", "competent"])
def test_accredit__by_who_may__done_then_noop(world, departments, by):
    account = {"council": world.council, "competent": world.competent}[by]
    args = (left(ISSUER), left(TYPE), 1000, 2000, BASIS)
    tx = departments.accredit(*args, {"from": account})
    assert emitted(
        tx,
        "Accredited",
        issuer=left(ISSUER),
        typeCode=left(TYPE),
        since=1000,
        until=2000,
        actor=NONE if by == "council" else left(COMPETENT),
        operator=account,
        basis=BASIS,
    )
    assert unchanged(departments.accredit(*args, {"from": account}))
    assert plain(departments.accreditations(left(ISSUER), left(TYPE))) == ((1000, 2000, 0),)


def test_accredit__by_others__denied_before_anything_else(world, departments):
    for account in (world.issuer, world.other, world.stranger):
        with reverts("Departments_NotEntitled", account, left(COMPETENT)):
            departments.accredit(left(ISSUER), left(TYPE), 0, 0, BASIS, {"from": account})
    with reverts("Departments_NotEntitled", world.competent, NONE):
        departments.accredit(left(ISSUER), left(OTHER_TYPE), 1, 0, BASIS, {"from": world.competent})


def test_accredit__wrong_input__denied(world, departments, council):
    with reverts("Departments_TypeUnknown", left(OTHER_TYPE)):
        departments.accredit(left(ISSUER), left(OTHER_TYPE), 1, 0, BASIS, council)
    with reverts("Departments_NotAdmitted", left(OUTSIDER)):
        departments.accredit(left(OUTSIDER), left(TYPE), 1, 0, BASIS, council)
    for since, until in ((0, 0), (0, 5), (5, 5), (6, 5)):
        with reverts("Departments_PeriodInvalid", since, until):
            departments.accredit(left(ISSUER), left(TYPE), since, until, BASIS, council)


def test_accredit__competent_department_suspended__denied_but_withdraws(world, departments, council):
    departments.accredit(left(ISSUER), left(TYPE), 1000, 0, BASIS, council)
    departments.suspend(left(COMPETENT), 1, BASIS, council)
    mine = {"from": world.competent}
    with reverts("Departments_Suspended", left(COMPETENT)):
        departments.accredit(left(OTHER), left(TYPE), 1000, 0, BASIS, mine)
    assert departments.withdrawAccreditation(left(ISSUER), left(TYPE), 2000, 1, BASIS, mine).return_value


def test_accredit__overlapping__denied_and_after_the_end__done(world, departments, council):
    args = (left(ISSUER), left(TYPE))
    departments.accredit(*args, 1000, 2000, BASIS, council)
    for since, until in ((500, 700), (999, 0), (1500, 0), (1999, 3000), (1000, 2001)):
        with reverts("Departments_AccreditationOverlaps", *map(left, (ISSUER, TYPE)), 1000, 2000):
            departments.accredit(*args, since, until, BASIS, council)
    assert departments.accredit(*args, 2000, 0, BASIS, council).return_value
    with reverts("Departments_AccreditationOverlaps", *map(left, (ISSUER, TYPE)), 2000, 0):
        departments.accredit(*args, 5000, 6000, BASIS, council)


@pytest.mark.parametrize("by", ["council", "competent"])
def test_withdraw__by_who_may__done_then_noop_and_earlier(world, departments, council, by):
    account = {"council": world.council, "competent": world.competent}[by]
    args = (left(ISSUER), left(TYPE))
    departments.accredit(*args, 1000, 2000, BASIS, council)
    departments.accredit(*args, 3000, 0, BASIS, council)
    tx = departments.withdrawAccreditation(*args, 3500, 4, BASIS, {"from": account})
    assert emitted(
        tx,
        "AccreditationWithdrawn",
        issuer=left(ISSUER),
        typeCode=left(TYPE),
        **{"from": 3500},
        reason=4,
        actor=NONE if by == "council" else left(COMPETENT),
        operator=account,
        basis=BASIS,
    )
    assert plain(departments.accreditations(*args)) == ((1000, 2000, 0), (3000, 0, 3500))
    for later in (3500, 3600):
        assert unchanged(departments.withdrawAccreditation(*args, later, 4, BASIS, {"from": account}))
    assert departments.withdrawAccreditation(*args, 1, 4, BASIS, {"from": account}).return_value
    assert plain(departments.accreditations(*args)) == ((1000, 2000, 1), (3000, 0, 1))
    assert unchanged(departments.withdrawAccreditation(*args, 1, 4, BASIS, {"from": account}))
    # Withdrawn from the start: the whole time is free again.
    assert departments.accredit(*args, 1000, 2000, BASIS, council).return_value
    assert departments.isRecognised(*args, now()) is False


def test_withdraw__by_others_or_nothing_there__denied(world, departments, council):
    args = (left(ISSUER), left(TYPE))
    for account in (world.issuer, world.stranger):
        with reverts("Departments_NotEntitled", account, left(COMPETENT)):
            departments.withdrawAccreditation(*args, 1, 1, BASIS, {"from": account})
    with reverts("Departments_NotAccredited", *args):
        departments.withdrawAccreditation(*args, 1, 1, BASIS, council)
    with reverts("Departments_TypeUnknown", left(OTHER_TYPE)):
        departments.withdrawAccreditation(left(ISSUER), left(OTHER_TYPE), 1, 1, BASIS, council)
    departments.accredit(*args, 1000, 0, BASIS, council)
    with reverts("Departments_PeriodInvalid", 0, 0):
        departments.withdrawAccreditation(*args, 0, 1, BASIS, council)


def test_recognised__at_each_instant__admitted_not_suspended_accredited(world, departments, council):
    args = (left(ISSUER), left(TYPE))
    admitted = departments.department(left(ISSUER))[1]
    assert not departments.isRecognised(*args, admitted)
    departments.accredit(*args, 1000, admitted + 10_000, BASIS, council)
    assert not departments.isRecognised(*args, admitted - 1)
    assert departments.isRecognised(*args, admitted)
    wait(100)
    suspended = departments.suspend(left(ISSUER), 1, BASIS, council).timestamp
    assert not departments.isRecognised(*args, suspended)
    wait(100)
    reinstated = departments.reinstate(left(ISSUER), BASIS, council).timestamp
    expected = {
        suspended - 1: True,
        suspended: False,
        reinstated - 1: False,
        reinstated: True,
        admitted + 9_999: True,
        admitted + 10_000: False,
    }
    assert {t: departments.isRecognised(*args, t) for t in expected} == expected
    departments.withdrawAccreditation(*args, reinstated + 50, 1, BASIS, council)
    expected = {suspended - 1: True, reinstated + 49: True, reinstated + 50: False}
    assert {t: departments.isRecognised(*args, t) for t in expected} == expected
    departments.withdrawAccreditation(*args, 1, 1, BASIS, council)
    assert not any(departments.isRecognised(*args, t) for t in expected)
