"""Departments: the Council's own, admission, suspension. Each function done, no-op and denied."""

from __future__ import annotations

import pytest
from world import COMPETENT, DIVISION, ISSUER, OUTSIDER, TYPE, digest, emitted, left, plain, reverts, unchanged, wait

BASIS = digest("basis")


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
