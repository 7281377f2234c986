"""DepartmentKeys: keys with two people, rotation, ends, compromise; gateways. Each function done, no-op and denied."""

from __future__ import annotations

import pytest
from brownie import accounts
from keys_world import ED, FAR, GATEWAY, NODE, P256, P256_POINT, SIGN, SM2, SM2_POINT, STATUS, WRAP, KeysWorld, key
from world import (
    ANCHOR,
    CODES,
    DIVISION,
    ISSUER,
    NONE,
    OTHER,
    OUTSIDER,
    digest,
    emitted,
    left,
    now,
    plain,
    reverts,
    unchanged,
    wait,
)

KEY, BASIS, NODE_ID = digest("key"), digest("basis"), digest("node")
COMPANY = CODES[6]
VALID, INVALID, UNKNOWN = 1, 2, 3


@pytest.fixture(scope="module")
def world(module_isolation):
    return KeysWorld()


@pytest.fixture
def keys(world):
    return world.keys


@pytest.fixture
def mine(world):
    return {"from": world.issuer}


@pytest.fixture
def second(world):
    return {"from": world.second}


@pytest.fixture
def council(world):
    return {"from": world.council}


# Adding


def test_propose_and_confirm__two_people__done_then_noop(world, keys, mine, second):
    given = key(certificate=digest("certificate"), certificateUntil=FAR, until=FAR - 1)
    tx = keys.proposeKey(KEY, left(ISSUER), given, BASIS, mine)
    assert emitted(
        tx,
        "KeyProposed",
        id=KEY,
        department=left(ISSUER),
        suite=1,
        purpose=SIGN,
        publicKey=ED,
        certificate=digest("certificate"),
        certificateUntil=FAR,
        since=0,
        until=FAR - 1,
        replaces=NONE,
        actor=left(ISSUER),
        operator=world.issuer,
        basis=BASIS,
    )
    assert keys.validityAt(KEY, now()) == INVALID
    for again in (mine, second):
        assert unchanged(keys.proposeKey(KEY, left(ISSUER), given, digest("other basis"), again))
    wait(10)
    confirmed = keys.confirmKey(KEY, second)
    at = confirmed.timestamp
    assert emitted(
        confirmed,
        "KeyAdded",
        id=KEY,
        department=left(ISSUER),
        since=at,
        actor=left(ISSUER),
        operator=world.second,
    )
    assert unchanged(keys.confirmKey(KEY, mine))
    assert [keys.validityAt(KEY, t) for t in (at - 1, at, FAR - 2, FAR - 1)] == [INVALID, VALID, VALID, INVALID]
    kept = (
        KEY,
        left(ISSUER),
        1,
        SIGN,
        ED,
        digest("certificate"),
        FAR,
        at,
        FAR - 1,
        0,
        0,
        NONE,
        tx.timestamp,
        at,
    )
    assert plain(keys.keyOf(KEY)) == kept
    assert plain(keys.keysOf(left(ISSUER))) == (kept,)
    assert plain(keys.keysOf(left(OTHER))) == ()


def test_confirm__the_same_person_or_a_machine__denied(world, keys, mine):
    keys.proposeKey(KEY, left(ISSUER), key(), BASIS, mine)
    with reverts("DepartmentKeys_SamePerson", KEY, world.issuer):
        keys.confirmKey(KEY, mine)
    # Another address of the same person is the same person.
    world.departments.appointOperator(accounts[8], left(ISSUER), STATUS, 0, digest(ISSUER), {"from": world.council})
    with reverts("DepartmentKeys_SamePerson", KEY, accounts[8]):
        keys.confirmKey(KEY, {"from": accounts[8]})
    with reverts("DepartmentKeys_PersonNeeded", world.machine):
        keys.confirmKey(KEY, {"from": world.machine})
    with reverts("DepartmentKeys_PersonNeeded", world.machine):
        keys.proposeKey(digest("else"), left(ISSUER), key(digest("else")), BASIS, {"from": world.machine})


def test_add__by_the_council__at_once_and_for_others_proposals(keys, mine, council):
    tx = keys.proposeKey(KEY, left(ISSUER), key(), BASIS, council)
    assert list(tx.events.keys()) == ["KeyProposed", "KeyAdded"]
    assert keys.validityAt(KEY, tx.timestamp) == VALID
    other = digest("another")
    keys.proposeKey(other, left(ISSUER), key(other), BASIS, mine)
    assert keys.confirmKey(other, council).return_value is True
    with reverts("DepartmentKeys_NotMember", left(OUTSIDER)):
        keys.proposeKey(digest("x"), left(OUTSIDER), key(digest("x")), BASIS, council)
    with reverts("DepartmentKeys_KeyUnknown", digest("x")):
        keys.confirmKey(digest("x"), council)


def test_keys__other_departments_ended_operators_and_strangers__denied(world, keys, mine, council):
    keys.proposeKey(KEY, left(ISSUER), key(), BASIS, mine)
    calls = {
        "proposeKey": (digest("x"), left(ISSUER), key(digest("x")), BASIS),
        "confirmKey": (KEY,),
        "endKey": (KEY, 0, 1, BASIS),
        "compromiseKey": (KEY, 1, 1, BASIS),
        "registerGateway": (digest("g"), left(ISSUER), KEY, NONE, 0, 0, BASIS),
    }
    for name, args in calls.items():
        for account in (world.other, world.stranger):
            with reverts("DepartmentKeys_NotEntitled", account, left(ISSUER)):
                getattr(keys, name)(*args, {"from": account})
        role = GATEWAY if name == "registerGateway" else STATUS
        world.departments.appointOperator(accounts[8], left(ISSUER), ANCHOR, 0, digest("p"), council)
        with reverts("Departments_RoleMissing", accounts[8], role):
            getattr(keys, name)(*args, {"from": accounts[8]})
    world.departments.endOperator(accounts[8], 1, council)
    with reverts("Departments_RoleMissing", accounts[8], STATUS):
        keys.endKey(KEY, 0, 1, BASIS, {"from": accounts[8]})


def test_add__department_suspended__denied_but_ends_and_reports(world, keys, mine, second, council):
    old = world.add("old")
    keys.proposeKey(KEY, left(ISSUER), key(), BASIS, mine)
    world.departments.suspend(left(ISSUER), 1, BASIS, council)
    with reverts("DepartmentKeys_Suspended", left(ISSUER)):
        keys.proposeKey(digest("x"), left(ISSUER), key(digest("x")), BASIS, mine)
    with reverts("DepartmentKeys_Suspended", left(ISSUER)):
        keys.confirmKey(KEY, second)
    assert keys.confirmKey(KEY, council).return_value
    assert keys.compromiseKey(old, now(), 1, BASIS, mine).return_value
    assert keys.endKey(old, 0, 1, BASIS, mine).return_value


@pytest.mark.parametrize(
    ("suite", "public_key", "reason"),
    [
        (0, ED, 1),
        (4, ED, 1),
        (1, ED[:31], 2),
        (1, ED + b"\0", 2),
        (1, NONE, 4),
        (1, P256_POINT, 2),
        (P256, ED, 2),
        (P256, P256_POINT[:64], 2),
        (P256, b"\x02" + P256_POINT[1:], 3),
        (P256, b"\x06" + P256_POINT[1:], 3),
        (P256, P256_POINT[:64] + bytes([P256_POINT[64] ^ 1]), 4),
        (P256, SM2_POINT, 4),
        (SM2, P256_POINT, 4),
        (SM2, b"\x07" + SM2_POINT[1:], 3),
        (SM2, b"\x04" + b"\xff" * 64, 4),
    ],
)
def test_propose__no_public_key_of_the_suite__denied(keys, mine, suite, public_key, reason):
    with reverts("DepartmentKeys_PublicKeyInvalid", suite, reason):
        keys.proposeKey(KEY, left(ISSUER), key(public_key, suite), BASIS, mine)


def test_propose__public_keys_of_every_suite__done(world, keys):
    for name, public_key, suite in (("p", P256_POINT, P256), ("s", SM2_POINT, SM2)):
        assert plain(keys.keyOf(world.add(name, public_key, suite=suite)))[2:5] == (suite, SIGN, public_key)


def test_propose__wrong_input__denied(world, keys, mine):
    def propose(id_: bytes, **changes) -> None:
        keys.proposeKey(id_, left(ISSUER), key(**changes), BASIS, mine)

    with reverts("DepartmentKeys_IdZero"):
        propose(NONE)
    for purpose in (0, 3):
        with reverts("DepartmentKeys_PurposeInvalid", purpose):
            propose(KEY, purpose=purpose)
    with reverts("DepartmentKeys_CertificateInvalid", NONE, FAR):
        propose(KEY, certificateUntil=FAR)
    with reverts("DepartmentKeys_CertificateInvalid", BASIS, 0):
        propose(KEY, certificate=BASIS)
    with reverts("DepartmentKeys_PeriodInvalid", FAR, FAR):
        propose(KEY, since=FAR, until=FAR)
    with reverts("DepartmentKeys_PeriodInvalid", FAR, FAR - 1):
        propose(KEY, since=FAR, certificate=BASIS, certificateUntil=FAR - 1)
    propose(KEY)
    with reverts("DepartmentKeys_IdUsed", KEY):
        propose(KEY, until=FAR)
    with reverts("DepartmentKeys_PublicKeyUsed", KEY):
        propose(digest("x"))
    with reverts("DepartmentKeys_ReplacesInvalid", digest("x"), KEY):  # not confirmed
        propose(digest("x"), public_key=digest("x"), replaces=KEY)
    wrapping = world.add("wrap", purpose=WRAP)
    with reverts("DepartmentKeys_ReplacesInvalid", digest("x"), wrapping):
        propose(digest("x"), public_key=digest("x"), replaces=wrapping)


def test_propose__a_wrap_key_as_a_signing_key__denied_for_ever(world, keys, mine, council):
    wrapping = world.add("wrap", ED, purpose=WRAP)
    keys.endKey(wrapping, 0, 1, BASIS, mine)
    for account in (mine, council):
        with reverts("DepartmentKeys_PublicKeyUsed", wrapping):
            keys.proposeKey(KEY, left(ISSUER), key(), BASIS, account)


# Rotation and ends


def test_rotate__confirmed__the_old_one_ends_when_the_new_one_begins(world, keys, mine, second):
    old, start = world.add("old"), now() + 1000
    keys.proposeKey(KEY, left(ISSUER), key(since=start, replaces=old), BASIS, mine)
    assert keys.keyOf(old)[8] == 0
    tx = keys.confirmKey(KEY, second)
    assert list(tx.events.keys()) == ["KeyAdded", "KeyEnded"]
    ended = tx.events["KeyEnded"]
    assert (plain(ended["id"]), ended["until"], plain(ended["replacedBy"])) == (old, start, KEY)
    for instant, expected in ((start - 1, (VALID, INVALID)), (start, (INVALID, VALID))):
        assert tuple(keys.validityAt(k, instant) for k in (old, KEY)) == expected


def test_end__by_who_may__done_noop_and_only_earlier(world, keys, mine, council):
    id_, until = world.add("one"), now() + 5000
    tx = keys.endKey(id_, until, 3, BASIS, {"from": world.machine})
    assert emitted(
        tx,
        "KeyEnded",
        id=id_,
        department=left(ISSUER),
        until=until,
        reason=3,
        replacedBy=NONE,
        actor=left(ISSUER),
        operator=world.machine,
        basis=BASIS,
    )
    for later in (until, until + 1):
        assert unchanged(keys.endKey(id_, later, 3, BASIS, mine))
    tx = keys.endKey(id_, 0, 3, BASIS, council)
    assert tx.events["KeyEnded"]["until"] == tx.timestamp
    assert unchanged(keys.endKey(id_, 0, 3, BASIS, council))
    with reverts("DepartmentKeys_KeyUnknown", KEY):
        keys.endKey(KEY, 0, 3, BASIS, council)


def test_end__a_proposal__withdrawn_and_its_public_key_free(keys, mine, second, council):
    keys.proposeKey(KEY, left(ISSUER), key(), BASIS, mine)
    assert keys.endKey(KEY, FAR, 1, BASIS, mine).return_value
    assert unchanged(keys.endKey(KEY, FAR, 1, BASIS, mine))
    with pytest.raises(Exception, match="DepartmentKeys_PeriodInvalid"):
        keys.confirmKey(KEY, second)
    assert keys.proposeKey(digest("x"), left(ISSUER), key(), BASIS, mine).return_value


def test_confirm__its_time_over_by_then__denied(keys, mine, second):
    until = now() + 100
    keys.proposeKey(KEY, left(ISSUER), key(until=until), BASIS, mine)
    wait(101)
    with pytest.raises(Exception, match="DepartmentKeys_PeriodInvalid"):
        keys.confirmKey(KEY, second)
    assert keys.endKey(KEY, 0, 1, BASIS, mine).return_value
    assert keys.proposeKey(digest("x"), left(ISSUER), key(), BASIS, mine).return_value


# Compromise


def test_compromise__by_the_department__from_now_on_and_unknown_before_until_the_council_says(
    world, keys, mine, council
):
    id_ = world.add("one")
    since = now()
    wait(1000)
    stolen = since + 500
    tx = keys.compromiseKey(id_, stolen, 6, BASIS, {"from": world.machine})
    at = tx.timestamp
    assert emitted(
        tx,
        "KeyCompromised",
        id=id_,
        department=left(ISSUER),
        compromisedSince=at,
        claimedSince=stolen,
        reason=6,
        actor=left(ISSUER),
        operator=world.machine,
        basis=BASIS,
    )
    assert [keys.validityAt(id_, t) for t in (stolen - 1, stolen, at - 1, at)] == [VALID, UNKNOWN, UNKNOWN, INVALID]
    for again in (stolen, stolen + 1, FAR):
        assert unchanged(keys.compromiseKey(id_, again, 6, BASIS, mine))
    confirmed = keys.compromiseKey(id_, stolen, 6, BASIS, council)
    assert emitted(confirmed, "KeyCompromised", compromisedSince=stolen, claimedSince=0, actor=NONE)
    assert [keys.validityAt(id_, t) for t in (stolen - 1, stolen, at)] == [VALID, INVALID, INVALID]
    assert unchanged(keys.compromiseKey(id_, stolen, 6, BASIS, council))
    # The department may still say that it was earlier.
    assert keys.compromiseKey(id_, stolen - 100, 6, BASIS, mine).return_value
    assert [keys.validityAt(id_, t) for t in (stolen - 1, stolen)] == [UNKNOWN, INVALID]


def test_compromise__the_council_says_later__the_report_s_block_stands(world, keys, mine, council):
    id_ = world.add("one")
    wait(1000)
    at = keys.compromiseKey(id_, 1, 6, BASIS, mine).timestamp
    wait(100)
    assert keys.compromiseKey(id_, FAR, 6, BASIS, council).return_value
    assert [keys.validityAt(id_, t) for t in (at - 1, at)] == [VALID, INVALID]


def test_compromise__proposal_or_no_date__denied(world, keys, mine):
    keys.proposeKey(KEY, left(ISSUER), key(), BASIS, mine)
    with reverts("DepartmentKeys_NotConfirmed", KEY):
        keys.compromiseKey(KEY, 1, 6, BASIS, mine)
    id_ = world.add("one")
    with reverts("DepartmentKeys_DateMissing", id_):
        keys.compromiseKey(id_, 0, 6, BASIS, mine)


def test_keys__after_a_succession__the_successor_ends_and_reports_but_adds_only_as_itself(world, keys, mine, council):
    id_ = world.add("one")
    world.departments.succeed(left(ISSUER), left(OTHER), 0, [], BASIS, council)
    with reverts("DepartmentKeys_NotEntitled", world.issuer, left(ISSUER)):
        keys.endKey(id_, 0, 1, BASIS, mine)
    theirs = {"from": world.other}
    with reverts("DepartmentKeys_NotMember", left(ISSUER)):
        keys.proposeKey(KEY, left(ISSUER), key(), BASIS, theirs)
    tx = keys.compromiseKey(id_, 1, 1, BASIS, theirs)
    assert plain(tx.events["KeyCompromised"]["actor"]) == left(OTHER)
    assert keys.endKey(id_, 0, 1, BASIS, theirs).return_value


# Gateways


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
