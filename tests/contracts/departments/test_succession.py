"""Succession of departments, service operators, the Council's pause: each function done, no-op and denied."""

from __future__ import annotations

import pytest
from brownie import accounts, web3
from world import (
    ANCHOR,
    CODES,
    COMPETENT,
    DIVISION,
    ISSUER,
    NONE,
    OTHER,
    OTHER_TYPE,
    OUTSIDER,
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
ITEM = digest("an item")
GATEWAY, NODE = 32, 64
DEPARTMENT, SERVICE_OPERATOR = 1, 2
COMPANY, THIRD = CODES[6], CODES[7]
PAUSED = "0x600160005260206000f3"
"""Code that answers every call with true: a Council that has paused."""


@pytest.fixture
def paused(world):
    """The Council's address answers `paused()` with true from now on."""

    def pause() -> None:
        web3.provider.make_request("anvil_setCode", [str(world.council), PAUSED])

    yield pause
    web3.provider.make_request("anvil_setCode", [str(world.council), "0x"])


def codes(*departments: str) -> tuple[bytes, ...]:
    return tuple(left(code) for code in departments)


# Who is what


def test_member__each_kind__told_with_division(departments, council):
    tx = departments.admitServiceOperator(left(COMPANY), DIVISION, BASIS, council)
    assert emitted(
        tx,
        "ServiceOperatorAdmitted",
        department=left(COMPANY),
        division=DIVISION,
        operator=council["from"],
        basis=BASIS,
    )
    assert unchanged(departments.admitServiceOperator(left(COMPANY), DIVISION, BASIS, council))
    kinds = {code: departments.kindOf(left(code)) for code in (ISSUER, COMPANY, OUTSIDER)}
    assert kinds == {ISSUER: DEPARTMENT, COMPANY: SERVICE_OPERATOR, OUTSIDER: 0}
    assert [departments.divisionOf(c) for c in codes(ISSUER, COMPANY, OUTSIDER)] == [DIVISION, DIVISION, 0]
    assert plain(departments.memberOf(left(COMPANY))) == (SERVICE_OPERATOR, tx.timestamp, DIVISION, 0, NONE, ())
    assert departments.council() == council["from"]
    assert departments.isPaused() is False


def test_admit__as_the_other_kind_or_by_others__denied(world, departments, council):
    departments.admitServiceOperator(left(COMPANY), DIVISION, BASIS, council)
    with reverts("Departments_KindDiffers", left(COMPANY), SERVICE_OPERATOR):
        departments.admit(left(COMPANY), DIVISION, BASIS, council)
    with reverts("Departments_KindDiffers", left(ISSUER), DEPARTMENT):
        departments.admitServiceOperator(left(ISSUER), DIVISION, BASIS, council)
    with reverts("Departments_CodeInvalid", left(ISSUER[:-1] + "0"), 4):
        departments.admitServiceOperator(left(ISSUER[:-1] + "0"), DIVISION, BASIS, council)
    for account in (world.stranger, world.issuer):
        with reverts("Departments_NotCouncil", account):
            departments.admitServiceOperator(left(OUTSIDER), DIVISION, BASIS, {"from": account})


def test_service_operator__nodes_and_gateways__no_records(world, departments, council):
    departments.admitServiceOperator(left(COMPANY), DIVISION, BASIS, council)
    for roles in (ANCHOR, STATUS, GATEWAY | STATUS, 127):
        with reverts("Departments_RolesNotForKind", left(COMPANY), roles):
            departments.appointOperator(world.stranger, left(COMPANY), roles, 0, NONE, council)
    assert departments.appointOperator(world.stranger, left(COMPANY), GATEWAY | NODE, 0, NONE, council).return_value
    mine = {"from": world.stranger}
    # NODE is to it what STATUS is to a department.
    assert departments.appointOperator(accounts[8], left(COMPANY), GATEWAY, 0, NONE, mine).return_value
    with reverts("Departments_NotEntitled", accounts[8], left(COMPANY)):
        departments.endOperator(world.stranger, 1, {"from": accounts[8]})
    assert departments.endOperator(accounts[8], 1, mine).return_value
    with reverts("Departments_KindDiffers", left(COMPANY), SERVICE_OPERATOR):
        departments.defineType(left(OTHER_TYPE), left(COMPANY), BASIS, council)
    with reverts("Departments_KindDiffers", left(COMPANY), SERVICE_OPERATOR):
        departments.accredit(left(COMPANY), left(TYPE), 1000, 0, BASIS, council)


def test_actor__operator_with_role__department_and_person(world, departments):
    assert plain(departments.actor(world.issuer, STATUS)) == (left(ISSUER), digest(ISSUER))
    with reverts("Departments_RoleMissing", world.issuer, GATEWAY):
        departments.actor(world.issuer, GATEWAY)
    with reverts("Departments_RoleMissing", world.stranger, 0):
        departments.actor(world.stranger, 0)


# The pause


def test_pause__admissions_and_accreditations_stop__nothing_else(world, departments, council, paused):
    mine = {"from": world.competent}
    departments.accredit(left(ISSUER), left(TYPE), 1000, 2000, BASIS, mine)
    paused()
    assert departments.isPaused() is True
    with reverts("Departments_Paused"):
        departments.accredit(left(OTHER), left(TYPE), 1000, 0, BASIS, mine)
    assert unchanged(departments.accredit(left(ISSUER), left(TYPE), 1000, 2000, BASIS, mine))
    assert departments.withdrawAccreditation(left(ISSUER), left(TYPE), 1500, 1, BASIS, mine).return_value
    assert departments.appointOperator(
        world.stranger, left(ISSUER), ANCHOR, 0, NONE, {"from": world.issuer}
    ).return_value
    for function in ("admit", "admitServiceOperator"):
        with reverts("Departments_Paused"):
            getattr(departments, function).call(left(OUTSIDER), DIVISION, BASIS, council)
    assert departments.admit.call(left(ISSUER), DIVISION, BASIS, council) is False
    assert departments.suspend.call(left(ISSUER), 1, BASIS, council) is True
    assert departments.succeed.call(*codes(ISSUER, OTHER), 0, [], BASIS, council) is True


# Succession


def test_succeed__at_once__done_then_noop(world, departments, council):
    args = (*codes(ISSUER, OTHER), 0, [], BASIS)
    tx = departments.succeed(*args, council)
    assert emitted(
        tx,
        "DepartmentSucceeded",
        **{"from": left(ISSUER)},
        to=left(OTHER),
        at=tx.timestamp,
        operator=world.council,
        basis=BASIS,
    )
    assert plain(departments.memberOf(left(ISSUER)))[3:5] == (tx.timestamp, left(OTHER))
    assert plain(departments.predecessorsOf(left(OTHER))) == codes(ISSUER)
    wait(10)
    assert unchanged(departments.succeed(*args, council))
    for changed in (
        (*codes(ISSUER, COMPETENT), 0, []),
        (*codes(ISSUER, OTHER), now() + 100, []),
        (*codes(ISSUER, OTHER), 0, [(ITEM, left(COMPETENT))]),
    ):
        with reverts("Departments_Succeeded", *codes(ISSUER, OTHER)):
            departments.succeed(*changed, BASIS, council)


def test_succeed__not_the_council__denied(world, departments):
    for account in (world.issuer, world.other, world.stranger):
        with reverts("Departments_NotCouncil", account):
            departments.succeed(*codes(ISSUER, OTHER), 0, [], BASIS, {"from": account})


def test_succeed__wrong_input__denied(departments, council):
    def succeed(old: str, new: str, parts=()) -> None:
        departments.succeed(left(old), left(new), 0, [(what, left(to)) for what, to in parts], BASIS, council)

    departments.admitServiceOperator(left(COMPANY), DIVISION, BASIS, council)
    with reverts("Departments_NotAdmitted", left(OUTSIDER)):
        succeed(OUTSIDER, OTHER)
    with reverts("Departments_NotAdmitted", left(OUTSIDER)):
        succeed(ISSUER, OUTSIDER)
    with reverts("Departments_SuccessorInvalid", *codes(ISSUER, ISSUER)):
        succeed(ISSUER, ISSUER)
    with reverts("Departments_KindDiffers", left(COMPANY), SERVICE_OPERATOR):
        succeed(ISSUER, COMPANY)
    with reverts("Departments_SuccessorInvalid", *codes(ISSUER, ISSUER)):
        succeed(ISSUER, OTHER, [(ITEM, ISSUER)])
    with reverts("Departments_PartInvalid", left(ISSUER), NONE):
        succeed(ISSUER, OTHER, [(NONE, COMPETENT)])
    with reverts("Departments_PartInvalid", left(ISSUER), ITEM):
        succeed(ISSUER, OTHER, [(ITEM, COMPETENT), (ITEM, COMPETENT)])
    assert plain(departments.predecessorsOf(left(OTHER))) == ()


def test_succeed__circles__can_not_be_made(departments, council):
    departments.admit(left(THIRD), DIVISION, BASIS, council)
    far = now() + 1_000_000
    departments.succeed(*codes(ISSUER, OTHER), far, [], BASIS, council)
    with reverts("Departments_Succeeded", *codes(ISSUER, OTHER)):
        departments.succeed(*codes(OTHER, ISSUER), 0, [], BASIS, council)
    with reverts("Departments_Succeeded", *codes(ISSUER, OTHER)):
        departments.succeed(*codes(OTHER, THIRD), 0, [(ITEM, left(ISSUER))], BASIS, council)


def test_succession__before_and_after_its_time__operators_and_carriers(world, departments, council):
    at = now() + 1000
    departments.succeed(*codes(ISSUER, OTHER), at, [], BASIS, council)
    assert bytes(departments.requireOperator(world.issuer, STATUS)) == left(ISSUER)
    assert bytes(departments.carrierOf(left(ISSUER), NONE)) == left(ISSUER)
    wait(1001)
    for read in (departments.requireOperator, departments.actor):
        with reverts("Departments_Succeeded", *codes(ISSUER, OTHER)):
            read(world.issuer, STATUS)
    assert bytes(departments.carrierOf(left(ISSUER), NONE)) == left(OTHER)
    assert bytes(departments.carrierOf(left(ISSUER), ITEM)) == left(OTHER)
    with reverts("Departments_Succeeded", *codes(ISSUER, OTHER)):
        departments.appointOperator(world.stranger, left(ISSUER), ANCHOR, 0, NONE, {"from": world.issuer})
    with reverts("Departments_Succeeded", *codes(ISSUER, OTHER)):
        departments.appointOperator(world.stranger, left(ISSUER), ANCHOR, 0, NONE, council)
    # Its people go over to the successor, which appoints them without their being ended first.
    assert departments.appointOperator(
        world.issuer, left(OTHER), ANCHOR, 0, digest("p"), {"from": world.other}
    ).return_value
    assert bytes(departments.requireOperator(world.issuer, ANCHOR)) == left(OTHER)


def test_split__each_part__to_whom_it_names_and_on_along_the_chain(departments, council):
    departments.admit(left(THIRD), DIVISION, BASIS, council)
    tx = departments.succeed(*codes(ISSUER, OTHER), 0, [(ITEM, left(COMPETENT))], BASIS, council)
    split = tx.events["DepartmentSplit"]
    assert [plain(split[k]) for k in ("from", "what", "to", "at")] == [
        left(ISSUER),
        ITEM,
        left(COMPETENT),
        tx.timestamp,
    ]
    assert bytes(departments.carrierOf(left(ISSUER), ITEM)) == left(COMPETENT)
    assert bytes(departments.carrierOf(left(ISSUER), digest("else"))) == left(OTHER)
    departments.succeed(*codes(COMPETENT, THIRD), now() + 1000, [], BASIS, council)
    assert bytes(departments.carrierOf(left(ISSUER), ITEM)) == left(COMPETENT)
    wait(1001)
    assert bytes(departments.carrierOf(left(ISSUER), ITEM)) == left(THIRD)
    assert plain(departments.predecessorsOf(left(THIRD))) == codes(COMPETENT)


def test_succession__competence__moves_with_the_type(world, departments, council):
    departments.defineType(left(OTHER_TYPE), left(COMPETENT), NONE, council)
    departments.succeed(*codes(COMPETENT, ISSUER), 0, [(left(OTHER_TYPE), left(OTHER))], BASIS, council)
    assert bytes(departments.competentFor(left(TYPE))) == left(ISSUER)
    assert bytes(departments.competentFor(left(OTHER_TYPE))) == left(OTHER)
    with reverts("Departments_NotEntitled", world.competent, left(ISSUER)):
        departments.accredit(left(OTHER), left(TYPE), 1000, 0, BASIS, {"from": world.competent})
    assert departments.accredit(left(OTHER), left(TYPE), 1000, 0, BASIS, {"from": world.issuer}).return_value
    assert unchanged(departments.defineType(left(TYPE), left(ISSUER), BASIS, council))
    with reverts("Departments_Succeeded", *codes(COMPETENT, ISSUER)):
        departments.defineType(left(TYPE), left(COMPETENT), BASIS, council)
    with reverts("Departments_Succeeded", *codes(COMPETENT, ISSUER)):
        departments.accredit(left(COMPETENT), left(TYPE), 1000, 0, BASIS, {"from": world.issuer})


def test_succession__accreditations__go_along_and_what_was_issued_before_keeps_them(world, departments, council):
    old, new, kind = *codes(ISSUER, OTHER), left(TYPE)
    departments.accredit(old, kind, 1000, 2000, BASIS, council)
    departments.accredit(old, kind, 3000, 0, BASIS, council)
    departments.accredit(new, kind, 1000, 2000, BASIS, council)
    wait(10)  # all before may stand in one second; the second before the succession is another
    at = departments.succeed(old, new, 0, [], BASIS, council).timestamp
    assert plain(departments.accreditations(old, kind)) == ((1000, 2000, 0), (3000, 0, 0))
    assert plain(departments.accreditations(new, kind)) == ((1000, 2000, 0), (at, 0, 0))
    assert [departments.isRecognised(old, kind, t) for t in (at - 1, at)] == [True, False]
    assert [departments.isRecognised(new, kind, t) for t in (at - 1, at)] == [False, True]
    wait(100)
    cut = now()
    tx = departments.withdrawAccreditation(new, kind, 1, 4, BASIS, {"from": world.competent})
    assert [plain(e["issuer"]) for e in tx.events["AccreditationWithdrawn"]] == [new, old]
    assert [e["from"] for e in tx.events["AccreditationWithdrawn"]] == [1, at]
    assert plain(departments.accreditations(old, kind)) == ((1000, 2000, 0), (3000, 0, at))
    assert plain(departments.accreditations(new, kind)) == ((1000, 2000, 1),)
    assert [departments.isRecognised(old, kind, t) for t in (at - 1, at)] == [True, False]
    assert not departments.isRecognised(new, kind, cut)
    assert unchanged(departments.withdrawAccreditation(new, kind, 1, 4, BASIS, council))


def test_succession__suspensions__stay_with_whom_they_are_about(departments, council):
    old, new, kind = *codes(ISSUER, OTHER), left(TYPE)
    departments.accredit(old, kind, 1000, 0, BASIS, council)
    departments.suspend(old, 1, BASIS, council)
    at = departments.succeed(old, new, 0, [], BASIS, council).timestamp
    assert departments.isRecognised(new, kind, at)
    assert departments.isSuspended(old)
    assert not departments.isSuspended(new)
