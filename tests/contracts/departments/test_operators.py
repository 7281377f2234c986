"""Departments: operators, appointed and ended, and what a role is good for. Each function done, no-op and denied."""

from __future__ import annotations

import pytest
from brownie import ZERO_ADDRESS, accounts
from world import (
    ANCHOR,
    ISSUER,
    NONE,
    OTHER,
    OUTSIDER,
    SHARE_HANDLER,
    STATUS,
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
