"""DepartmentKeys: gateways and the keys they have. Each function done, no-op and denied."""

from __future__ import annotations

import pytest
from brownie import accounts
from keys_world import BASIS, FAR, GATEWAY, KEY, NODE, WRAP, key
from world import CODES, DIVISION, ISSUER, NONE, OTHER, OUTSIDER, digest, emitted, left, now, plain, reverts, unchanged

NODE_ID = digest("node")
COMPANY = CODES[6]


def test_gateway__registered_key_changed_and_ended__done_then_noop(world, keys, mine):
    first, other, id_ = world.add("first"), world.add("other"), digest("gateway")
    args = (id_, left(ISSUER), first, NODE_ID, 0, FAR, BASIS)
    tx = keys.registerGateway(*args, {"from": world.machine})
    assert emitted(
        tx,
        "GatewayRegistered",
        id=id_,
        department=left(ISSUER),
        keyId=first,
        node=NODE_ID,
        division=DIVISION,
        until=FAR,
        actor=left(ISSUER),
        operator=world.machine,
        basis=BASIS,
    )
    assert unchanged(keys.registerGateway(*args, mine))
    assert plain(keys.gatewayOf(id_)) == (left(ISSUER), first, NODE_ID, DIVISION, tx.timestamp, FAR)
    assert plain(keys.gatewaysOf(left(ISSUER))) == (id_,)
    tx = keys.changeGatewayKey(id_, other, BASIS, mine)
    assert emitted(
        tx,
        "GatewayKeyChanged",
        id=id_,
        department=left(ISSUER),
        keyId=other,
        actor=left(ISSUER),
        operator=world.issuer,
        basis=BASIS,
    )
    assert unchanged(keys.changeGatewayKey(id_, other, BASIS, mine))
    tx = keys.endGateway(id_, 2, BASIS, mine)
    assert emitted(
        tx,
        "GatewayEnded",
        id=id_,
        department=left(ISSUER),
        reason=2,
        actor=left(ISSUER),
        operator=world.issuer,
        basis=BASIS,
    )
    assert unchanged(keys.endGateway(id_, 2, BASIS, mine))
    assert keys.gatewayOf(id_)[5] == tx.timestamp
    with reverts("DepartmentKeys_GatewayOver", id_, tx.timestamp):
        keys.changeGatewayKey(id_, first, BASIS, mine)


def test_gateway__wrong_key_id_or_time__denied(world, keys, mine, council):
    wrapping, over, good = world.add("wrap", purpose=WRAP), world.add("over"), world.add("good")
    keys.endKey(over, 0, 1, BASIS, mine)
    keys.proposeKey(KEY, left(ISSUER), key(), BASIS, mine)
    for unfit in (wrapping, over, KEY, digest("none")):
        with reverts("DepartmentKeys_KeyUnfit", unfit):
            keys.registerGateway(digest("g"), left(ISSUER), unfit, NONE, 0, 0, BASIS, mine)
    with reverts("DepartmentKeys_KeyUnfit", good):  # another department's
        keys.registerGateway(digest("g"), left(OTHER), good, NONE, 0, 0, BASIS, {"from": world.other})
    with reverts("DepartmentKeys_IdZero"):
        keys.registerGateway(NONE, left(ISSUER), good, NONE, 0, 0, BASIS, mine)
    with pytest.raises(Exception, match="DepartmentKeys_PeriodInvalid"):
        keys.registerGateway(digest("g"), left(ISSUER), good, NONE, 0, now() - 1, BASIS, mine)
    with reverts("DepartmentKeys_NotMember", left(OUTSIDER)):
        keys.registerGateway(digest("g"), left(OUTSIDER), good, NONE, 0, 0, BASIS, council)
    keys.registerGateway(digest("g"), left(ISSUER), good, NONE, 0, 0, BASIS, mine)
    with reverts("DepartmentKeys_IdUsed", digest("g")):
        keys.registerGateway(digest("g"), left(ISSUER), good, NODE_ID, 0, 0, BASIS, mine)
    for function, args in (("changeGatewayKey", (good, BASIS)), ("endGateway", (1, BASIS))):
        with reverts("DepartmentKeys_GatewayUnknown", digest("x")):
            getattr(keys, function)(digest("x"), *args, council)
    world.departments.suspend(left(ISSUER), 1, BASIS, council)
    with reverts("DepartmentKeys_Suspended", left(ISSUER)):
        keys.registerGateway(digest("h"), left(ISSUER), good, NONE, 0, 0, BASIS, mine)
    assert keys.endGateway(digest("g"), 1, BASIS, mine).return_value


def test_gateway__of_a_service_operator__with_keys_of_its_own(world, keys, council):
    departments = world.departments
    departments.admitServiceOperator(left(COMPANY), 420500, NONE, council)
    for account, roles in ((accounts[7], NODE), (accounts[8], NODE | GATEWAY)):
        departments.appointOperator(account, left(COMPANY), roles, 0, digest(str(roles)), council)
    keys.proposeKey(KEY, left(COMPANY), key(), BASIS, {"from": accounts[7]})
    keys.confirmKey(KEY, {"from": accounts[8]})
    with reverts("Departments_RoleMissing", accounts[7], GATEWAY):
        keys.registerGateway(digest("g"), left(COMPANY), KEY, NONE, 0, 0, BASIS, {"from": accounts[7]})
    keys.registerGateway(digest("g"), left(COMPANY), KEY, NONE, 0, 0, BASIS, {"from": accounts[8]})
    assert keys.gatewayOf(digest("g"))[3] == 420500


def test_gateway__after_a_succession__the_successor_gives_it_a_key_of_its_own(world, keys, mine, council):
    good, id_ = world.add("good"), digest("g")
    keys.registerGateway(id_, left(ISSUER), good, NONE, 0, 0, BASIS, mine)
    world.departments.succeed(left(ISSUER), left(OTHER), 0, [], BASIS, council)
    keys.proposeKey(KEY, left(OTHER), key(), BASIS, {"from": world.other})
    keys.confirmKey(KEY, {"from": world.other_two})
    with reverts("DepartmentKeys_NotEntitled", world.issuer, left(ISSUER)):
        keys.endGateway(id_, 1, BASIS, mine)
    assert keys.changeGatewayKey(id_, KEY, BASIS, {"from": world.other}).return_value
    with reverts("DepartmentKeys_KeyUnfit", good):
        keys.changeGatewayKey(id_, good, BASIS, {"from": world.other})
