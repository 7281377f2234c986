"""DepartmentKeys: keys that are added, by two people of the department or the council. Done, no-op and denied."""

from __future__ import annotations

from brownie import accounts
from keys_world import BASIS, ED, FAR, GATEWAY, INVALID, KEY, SIGN, VALID, WRAP, key
from world import (
    ANCHOR,
    ISSUER,
    NONE,
    OTHER,
    OUTSIDER,
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
