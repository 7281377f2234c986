"""Departments: admission, suspension, operators, types, accreditations. Each function done, no-op and denied."""

from __future__ import annotations

import pytest
from brownie import ZERO_ADDRESS, accounts
from world import (
    ANCHOR,
    COMPETENT,
    DIVISION,
    ISSUER,
    NONE,
    OTHER,
    OTHER_TYPE,
    OUTSIDER,
    SHARE_HANDLER,
    STATUS,
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
FAR = 4_000_000_000


@pytest.fixture
def departments(world):
    return world.departments


@pytest.fixture
def council(world):
    return {"from": world.council}


# The Council


COUNCIL_ONLY = {
    "admit": (left(OUTSIDER), DIVISION, BASIS),
    "suspend": (left(ISSUER), 1, BASIS),
    "reinstate": (left(ISSUER), BASIS),
    "defineType": (left(TYPE), left(COMPETENT), BASIS),
    "renounceOwnership": (),
}


@pytest.mark.parametrize("function", COUNCIL_ONLY)
def test_council_s_functions__anyone_else__denied(world, departments, function):
    for account in (world.stranger, world.issuer, world.competent):
        with reverts("Departments_NotCouncil", account):
            getattr(departments, function)(*COUNCIL_ONLY[function], {"from": account})


def test_council__handed_over_in_two_steps__never_given_up(world, departments, council):
    with reverts("Departments_CouncilNeeded"):
        departments.renounceOwnership(council)
    departments.transferOwnership(world.stranger, council)
    assert departments.owner() == world.council
    departments.acceptOwnership({"from": world.stranger})
    assert departments.owner() == world.stranger
    with reverts("Departments_NotCouncil", world.council):
        departments.admit(left(OUTSIDER), DIVISION, BASIS, council)


# Departments


def test_admit__new__done_then_noop(world, departments, council):
    tx = departments.admit(left(OUTSIDER), DIVISION, BASIS, council)
    assert tx.return_value is True
    assert emitted(
        tx, "DepartmentAdmitted", department=left(OUTSIDER), division=DIVISION, operator=world.council, basis=BASIS
    )
    assert plain(departments.department(left(OUTSIDER))) == (True, tx.timestamp, DIVISION, ())
    assert unchanged(departments.admit(left(OUTSIDER), DIVISION, digest("other basis"), council))


def test_admit__with_another_division__denied(departments, council):
    with reverts("Departments_AlreadyAdmitted", left(ISSUER), DIVISION):
        departments.admit(left(ISSUER), DIVISION + 100, BASIS, council)


@pytest.mark.parametrize(
    ("code", "reason"), [(ISSUER[:-1], 1), (ISSUER + "0", 1), (ISSUER.lower(), 2), (ISSUER[:-1] + "0", 4), ("", 1)]
)
def test_admit__code_that_is_none__denied(departments, council, code, reason):
    with reverts("Departments_CodeInvalid", left(code), reason):
        departments.admit(left(code), DIVISION, BASIS, council)


def test_suspend_and_reinstate__twice__done_noop_and_kept_as_history(world, departments, council):
    code = left(ISSUER)
    assert unchanged(departments.reinstate(code, BASIS, council))
    periods = []
    for reason in (7, 9):
        tx = departments.suspend(code, reason, BASIS, council)
        assert emitted(tx, "DepartmentSuspended", department=code, operator=world.council, reason=reason, basis=BASIS)
        assert departments.isSuspended(code)
        assert unchanged(departments.suspend(code, reason + 1, BASIS, council))
        since = tx.timestamp
        wait(100)
        tx = departments.reinstate(code, BASIS, council)
        assert emitted(tx, "DepartmentReinstated", department=code, operator=world.council, basis=BASIS)
        assert not departments.isSuspended(code)
        assert unchanged(departments.reinstate(code, BASIS, council))
        periods.append((since, tx.timestamp, reason))
        wait(100)
    assert plain(departments.department(code)[3]) == tuple(periods)


@pytest.mark.parametrize("function", ["suspend", "reinstate"])
def test_suspend_or_reinstate__not_admitted__denied(departments, council, function):
    args = (left(OUTSIDER), 1, BASIS) if function == "suspend" else (left(OUTSIDER), BASIS)
    with reverts("Departments_NotAdmitted", left(OUTSIDER)):
        getattr(departments, function)(*args, council)


# Operators


def test_appoint_operator__by_the_council__done_noop_and_changed(world, departments, council):
    args = (world.stranger, left(ISSUER), ANCHOR | STATUS, FAR, digest("person"))
    tx = departments.appointOperator(*args, council)
    assert emitted(
        tx,
        "OperatorAppointed",
        department=left(ISSUER),
        operator=world.stranger,
        roles=ANCHOR | STATUS,
        until=FAR,
        personHash=digest("person"),
        actor=NONE,
        appointedBy=world.council,
    )
    assert unchanged(departments.appointOperator(*args, council))
    assert departments.appointOperator(world.stranger, left(ISSUER), ANCHOR, FAR, NONE, council).return_value
    assert plain(departments.operatorOf(world.stranger)) == (left(ISSUER), ANCHOR, FAR, NONE)
    with reverts("Departments_RoleMissing", world.stranger, STATUS):
        departments.requireOperator(world.stranger, STATUS)


def test_appoint_operator__by_its_department__no_more_than_it_has_itself(world, departments, council):
    mine = {"from": world.issuer}
    tx = departments.appointOperator(world.stranger, left(ISSUER), ANCHOR, 0, NONE, mine)
    assert emitted(tx, "OperatorAppointed", operator=world.stranger, actor=left(ISSUER), appointedBy=world.issuer)
    denied = ("Departments_NotEntitled", world.issuer)
    with reverts(*denied, left(ISSUER)):
        departments.appointOperator(world.stranger, left(ISSUER), ANCHOR | SHARE_HANDLER, 0, NONE, mine)
    with reverts(*denied, left(OTHER)):
        departments.appointOperator(world.stranger, left(OTHER), ANCHOR, 0, NONE, mine)
    # With an end of its own it appoints nobody beyond it.
    departments.appointOperator(world.issuer, left(ISSUER), ANCHOR | STATUS, FAR, NONE, council)
    for until in (0, FAR + 1):
        with reverts(*denied, left(ISSUER)):
            departments.appointOperator(accounts[8], left(ISSUER), ANCHOR, until, NONE, mine)
    assert departments.appointOperator(accounts[8], left(ISSUER), ANCHOR, FAR, NONE, mine).return_value


def test_appoint_operator__by_an_operator_without_status__denied(world, departments, council):
    departments.appointOperator(world.stranger, left(ISSUER), ANCHOR, 0, NONE, council)
    with reverts("Departments_NotEntitled", world.stranger, left(ISSUER)):
        departments.appointOperator(accounts[8], left(ISSUER), ANCHOR, 0, NONE, {"from": world.stranger})


def test_appoint_operator__department_suspended__denied_but_ends_and_the_council_appoints(world, departments, council):
    mine, args = {"from": world.issuer}, (world.stranger, left(ISSUER), ANCHOR, 0, NONE)
    departments.suspend(left(ISSUER), 1, BASIS, council)
    with reverts("Departments_Suspended", left(ISSUER)):
        departments.appointOperator(*args, mine)
    assert departments.appointOperator(*args, council).return_value
    with reverts("Departments_Suspended", left(ISSUER)):
        departments.appointOperator(*args, mine)
    assert departments.endOperator(world.stranger, 1, mine).return_value


def test_appoint_operator__wrong_input__denied(world, departments, council):
    with reverts("Departments_NotAdmitted", left(OUTSIDER)):
        departments.appointOperator(world.stranger, left(OUTSIDER), ANCHOR, 0, NONE, council)
    with reverts("Departments_OperatorZero"):
        departments.appointOperator(ZERO_ADDRESS, left(ISSUER), ANCHOR, 0, NONE, council)
    for roles in (0, 128, 129, 2**32 - 1):
        with reverts("Departments_RolesInvalid", roles):
            departments.appointOperator(world.stranger, left(ISSUER), roles, 0, NONE, council)
    with reverts("Departments_OperatorOfOther", world.other, left(OTHER)):
        departments.appointOperator(world.other, left(ISSUER), ANCHOR, 0, NONE, council)
    start = now()
    with pytest.raises(Exception, match="Departments_PeriodInvalid"):
        departments.appointOperator(world.stranger, left(ISSUER), ANCHOR, start, NONE, council)


def test_require_operator__past_its_end__denied(world, departments, council):
    until = now() + 100
    departments.appointOperator(world.stranger, left(ISSUER), ANCHOR, until, NONE, council)
    assert bytes(departments.requireOperator(world.stranger, ANCHOR)) == left(ISSUER)
    wait(101)
    with reverts("Departments_RoleMissing", world.stranger, ANCHOR):
        departments.requireOperator(world.stranger, ANCHOR)
    assert unchanged(departments.endOperator(world.stranger, 1, council))
    # Over, so free for another department.
    assert departments.appointOperator(world.stranger, left(OTHER), ANCHOR, 0, NONE, council).return_value


@pytest.mark.parametrize("by", ["council", "department", "itself"])
def test_end_operator__by_who_may__done_then_noop(world, departments, council, by):
    departments.appointOperator(world.stranger, left(ISSUER), ANCHOR, 0, digest("person"), council)
    account = {"council": world.council, "department": world.issuer, "itself": world.stranger}[by]
    tx = departments.endOperator(world.stranger, 5, {"from": account})
    assert emitted(
        tx,
        "OperatorEnded",
        department=left(ISSUER),
        operator=world.stranger,
        reason=5,
        actor=NONE if by == "council" else left(ISSUER),
        endedBy=account,
    )
    assert plain(departments.operatorOf(world.stranger))[1:3] == (0, tx.timestamp)
    assert unchanged(departments.endOperator(world.stranger, 5, {"from": account}))
    with reverts("Departments_RoleMissing", world.stranger, ANCHOR):
        departments.requireOperator(world.stranger, ANCHOR)


def test_end_operator__by_another_department_or_stranger__denied(world, departments):
    for account in (world.other, world.stranger):
        with reverts("Departments_NotEntitled", account, left(ISSUER)):
            departments.endOperator(world.issuer, 1, {"from": account})
    with reverts("Departments_NotEntitled", world.other, NONE):
        departments.endOperator(world.stranger, 1, {"from": world.other})


# Types and accreditations


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
