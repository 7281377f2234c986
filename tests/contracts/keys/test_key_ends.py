"""DepartmentKeys: keys replaced, ended and reported as compromised, and what they are worth at each instant."""

from __future__ import annotations

import pytest
from keys_world import BASIS, FAR, INVALID, KEY, UNKNOWN, VALID, key
from world import ISSUER, NONE, OTHER, digest, emitted, left, now, plain, reverts, unchanged, wait

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
