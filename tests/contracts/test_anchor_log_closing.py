"""AnchorLog: closing after a stolen key, the move to a successor. Done, no-op, denied."""

from __future__ import annotations

import pytest
from brownie import AnchorLog
from certificates import BASIS, ENTRIES, SIZE, TREE
from mining import ask
from world import (
    ISSUER,
    NETWORK,
    NOBODY,
    NONE,
    OTHER,
    Tree,
    digest,
    emitted,
    left,
    log_id,
    origin_of,
    plain,
    reverts,
    unchanged,
)

GOOD = (5, 40)
"""Sizes anchored before the key was stolen, and after it SIZE."""


@pytest.fixture
def three(world):
    """A log with anchors of 5, 40 and SIZE entries."""
    opened = world.open(ISSUER, "closing")
    before = 0
    for size in (*GOOD, SIZE):
        proof = TREE.consistency(before, size) if before else []
        world.log.anchor(opened, size, TREE.root(size), proof, {"from": world.issuer})
        before = size
    return opened


def successor_of(world, log=None):
    return AnchorLog.deploy(world.departments, NETWORK, log or world.log, {"from": world.council})


@pytest.fixture
def moved(world):
    """The second AnchorLog, named by the first; nothing is carried yet."""
    new = successor_of(world)
    world.log.retire(new, BASIS, {"from": world.council})
    return new


# Closing


def test_close_log__at_an_anchored_size__done_then_noop(world, three):
    council = {"from": world.council}
    tx = world.log.closeLog(three, 40, BASIS, council)
    assert emitted(
        tx,
        "LogClosed",
        logId=three,
        department=left(ISSUER),
        lastGoodSize=40,
        operator=world.council,
        basis=BASIS,
    )
    assert tx.return_value is True
    assert unchanged(world.log.closeLog(three, 40, NONE, council))
    assert plain(world.log.logOf(three)) == (left(ISSUER), 40, TREE.root(40), True)
    assert plain(world.log.head(three)) == (40, TREE.root(40))
    known = {size: bytes(world.log.anchoredRoot(three, size)) for size in (*GOOD, SIZE)}
    assert known == {5: TREE.root(5), 40: TREE.root(40), SIZE: NONE}
    # For auditors it stays there.
    assert bytes(world.log.writtenRoot(three, SIZE)) == TREE.root(SIZE)
    assert not world.log.isIncluded(three, SIZE, 7, ENTRIES[7], TREE.path(7, SIZE))
    assert world.log.isIncluded(three, 40, 7, ENTRIES[7], TREE.path(7, 40))


def test_close_log__then_anchor__only_what_counts_may_be_repeated(world, three):
    world.log.closeLog(three, 40, BASIS, {"from": world.council})
    mine = {"from": world.issuer}
    assert unchanged(world.log.anchor(three, 5, TREE.root(5), [], mine))
    assert unchanged(world.log.anchor(three, 40, TREE.root(40), [], mine))
    for size in (SIZE, SIZE - 1):
        with reverts("AnchorLog_LogClosed", three, 40):
            world.log.anchor(three, size, TREE.root(size), TREE.consistency(40, size), mine)
    with reverts("AnchorLog_SizeBehind", three, 40, 39):
        world.log.anchor(three, 39, TREE.root(39), [], mine)
    again = world.log.openLog(origin_of(ISSUER, "closing"), mine)
    assert not again.events
    # The department goes on in a new shard.
    assert world.log.openLog(origin_of(ISSUER, "closing-2"), mine).events["LogOpened"]


def test_close_log__again__only_at_a_smaller_size(world, three):
    council = {"from": world.council}
    world.log.closeLog(three, 40, BASIS, council)
    for size in (SIZE, 41):
        with reverts("AnchorLog_LogClosed", three, 40):
            world.log.closeLog(three, size, BASIS, council)
    assert emitted(world.log.closeLog(three, 5, BASIS, council), "LogClosed", lastGoodSize=5)
    assert emitted(world.log.closeLog(three, 0, BASIS, council), "LogClosed", lastGoodSize=0)
    assert plain(world.log.logOf(three)) == (left(ISSUER), 0, NONE, True)
    with reverts("AnchorLog_LogClosed", three, 0):
        world.log.anchor(three, 5, TREE.root(5), [], {"from": world.issuer})


def test_close_log__size_that_is_not_anchored_or_no_log__denied(world, three):
    for size in (1, 39, SIZE + 1, 2**64 - 1):
        with reverts("AnchorLog_SizeNotAnchored", three, size):
            world.log.closeLog(three, size, BASIS, {"from": world.council})
    with reverts("AnchorLog_LogUnknown", digest("no log")):
        world.log.closeLog(digest("no log"), 0, BASIS, {"from": world.council})


def test_council_functions__by_others__denied_first(world, three):
    for account in (world.issuer, world.stranger):
        with reverts("AnchorLog_NotCouncil", account):
            world.log.closeLog(digest("no log"), 1, NONE, {"from": account})
        with reverts("AnchorLog_NotCouncil", account):
            world.log.retire(NOBODY, NONE, {"from": account})


# Moving


def test_retire__named_once__done_then_noop_and_nothing_more_is_written(world, three):
    new = successor_of(world)
    assert world.log.successor() == NOBODY
    council, mine = {"from": world.council}, {"from": world.issuer}
    tx = world.log.retire(new, BASIS, council)
    assert tx.return_value is True
    assert emitted(tx, "Retired", successor=new.address, operator=world.council, basis=BASIS)
    assert unchanged(world.log.retire(new, NONE, council))
    assert world.log.successor() == new
    other = successor_of(world)
    with reverts("AnchorLog_Retired", new.address):
        world.log.retire(other, NONE, council)
    with reverts("AnchorLog_Retired", new.address):
        world.log.openLog(origin_of(ISSUER, "late"), mine)
    with reverts("AnchorLog_Retired", new.address):
        world.log.closeLog(three, 40, NONE, council)
    longer = Tree([*TREE.entries, ENTRIES[0]])
    with reverts("AnchorLog_Retired", new.address):
        world.log.anchor(three, SIZE + 1, longer.root(SIZE + 1), longer.consistency(SIZE, SIZE + 1), mine)
    # A transaction that was sent twice still is harmless.
    assert unchanged(world.log.anchor(three, SIZE, TREE.root(SIZE), [], mine))
    assert not world.log.openLog(origin_of(ISSUER, "closing"), mine).events


def test_retire__in_favour_of_anything_else__denied(world):
    unrelated = AnchorLog.deploy(world.departments, NETWORK, NOBODY, {"from": world.council})
    for account in (NOBODY, world.stranger.address, world.log.address, world.departments.address, unrelated.address):
        with reverts("AnchorLog_SuccessorInvalid", str(account)):
            world.log.retire(account, NONE, {"from": world.council})


def test_deploy__previous_that_is_none__denied(world):
    elsewhere = AnchorLog.deploy(world.departments, "other", NOBODY, {"from": world.council})
    for account in (world.stranger.address, world.departments.address, elsewhere.address):
        with reverts("AnchorLog_PreviousInvalid", str(account)):
            AnchorLog.deploy(world.departments, NETWORK, account, {"from": world.council})


def test_deploy__line_of_sixteen__is_the_longest(world):
    log = world.log
    for number in range(2, 17):
        log = successor_of(world, log)
        assert log.version() == number
    with reverts("AnchorLog_PreviousInvalid", log.address):
        successor_of(world, log)


def test_carry__by_anyone__done_then_counts_nothing(world, three, moved):
    tx = moved.carry([three], {"from": world.stranger})
    assert tx.return_value == 1
    event = tx.events["LogCarried"]
    assert plain((event["logId"], event["department"], event["root"])) == (three, left(ISSUER), TREE.root(SIZE))
    assert (event["previous"], event["size"], event["closed"]) == (world.log, SIZE, False)
    assert event["operator"] == world.stranger
    again = moved.carry([three, three], {"from": world.stranger})
    assert (again.return_value, len(again.events)) == (0, 0)
    assert plain(moved.logOf(three)) == (left(ISSUER), SIZE, TREE.root(SIZE), False)


def test_carry__unknown_log_or_not_named__denied(world, three):
    new = successor_of(world)
    with reverts("AnchorLog_NotInForce", world.log.address, NOBODY):
        new.carry([three], {"from": world.stranger})
    with reverts("AnchorLog_NotInForce", world.log.address, NOBODY):
        new.openLog(origin_of(ISSUER, "early"), {"from": world.issuer})
    with reverts("AnchorLog_NotInForce", NOBODY, NOBODY):
        world.log.carry([three], {"from": world.stranger})
    stray = successor_of(world)
    world.log.retire(new, NONE, {"from": world.council})
    with reverts("AnchorLog_NotInForce", world.log.address, new.address):
        stray.carry([three], {"from": world.stranger})
    with reverts("AnchorLog_LogUnknown", digest("no log")):
        new.carry([three, digest("no log")], {"from": world.stranger})


def test_anchor__in_the_successor__after_carrying_and_from_the_old_head(world, three, moved):
    mine, size = {"from": world.issuer}, SIZE + 1
    longer = Tree([*TREE.entries, ENTRIES[0]])
    args = (three, size, longer.root(size), longer.consistency(SIZE, size))
    for call in (lambda: moved.anchor(*args, mine), lambda: moved.closeLog(three, 40, NONE, {"from": world.council})):
        with reverts("AnchorLog_NotCarried", three, world.log.address):
            call()
    with reverts("AnchorLog_LogUnknown", digest("no log")):
        moved.anchor(digest("no log"), *args[1:], mine)
    moved.carry([three], {"from": world.stranger})
    with reverts("AnchorLog_ProofInvalid", three, SIZE, size):
        moved.anchor(*args[:3], [], mine)
    with reverts("AnchorLog_NotOwner", three, left(ISSUER), left(OTHER)):
        moved.anchor(*args, {"from": world.other})
    assert emitted(moved.anchor(*args, mine), "Anchored", size=size)
    # Below the head everything is as it was, by way of the old contract.
    assert {n: bytes(moved.anchoredRoot(three, n)) for n in (5, 40, 41, SIZE, size)} == {
        5: TREE.root(5), 40: TREE.root(40), 41: NONE, SIZE: TREE.root(SIZE), size: longer.root(size)
    }  # fmt: skip
    assert unchanged(moved.anchor(three, 5, TREE.root(5), [], mine))
    with reverts("AnchorLog_RootDiffers", three, 5, TREE.root(5), digest("fork")):
        moved.anchor(three, 5, digest("fork"), [], mine)
    with reverts("AnchorLog_SizeBehind", three, size, 41):
        moved.anchor(three, 41, TREE.root(41), [], mine)
    assert moved.isIncluded(three, 40, 7, ENTRIES[7], TREE.path(7, 40))


def test_views__before_carrying__as_the_old_contract_says(world, three, moved):
    assert plain(moved.logOf(three)) == plain(world.log.logOf(three))
    assert plain(moved.head(three)) == (SIZE, TREE.root(SIZE))
    assert bytes(moved.ownerOf(three)) == left(ISSUER)
    assert moved.isIncluded(three, 40, 7, ENTRIES[7], TREE.path(7, 40))
    assert (moved.previous(), moved.version(), world.log.version()) == (world.log, 2, 1)
    assert plain(moved.logOf(digest("no log"))) == (NONE, 0, NONE, False)


def test_open_log__in_the_successor__new_is_opened_and_old_is_taken_over(world, three, moved):
    mine = {"from": world.issuer}
    fresh = moved.openLog(origin_of(ISSUER, "fresh"), mine)
    assert emitted(fresh, "LogOpened", logId=log_id(origin_of(ISSUER, "fresh")))
    # A suspension doesn't stop the move: nothing is opened by it.
    world.departments.suspend(left(ISSUER), 1, NONE, {"from": world.council})
    taken = moved.openLog(origin_of(ISSUER, "closing"), mine)
    assert emitted(taken, "LogCarried", logId=three, size=SIZE)
    assert bytes(taken.return_value) == three


def test_close_log__before_and_after_the_move__strikes_out_across_both(world, three):
    council, mine = {"from": world.council}, {"from": world.issuer}
    world.log.closeLog(three, 40, BASIS, council)
    new = successor_of(world)
    world.log.retire(new, BASIS, council)
    assert new.carry([three], mine).events["LogCarried"]["closed"] is True
    assert plain(new.logOf(three)) == (left(ISSUER), 40, TREE.root(40), True)
    with reverts("AnchorLog_LogClosed", three, 40):
        new.anchor(three, SIZE, TREE.root(SIZE), TREE.consistency(40, SIZE), mine)
    assert bytes(new.anchoredRoot(three, SIZE)) == NONE
    assert bytes(new.writtenRoot(three, SIZE)) == TREE.root(SIZE)
    # A size that only the old contract holds.
    new.closeLog(three, 5, BASIS, council)
    assert plain(new.logOf(three)) == (left(ISSUER), 5, TREE.root(5), True)
    assert bytes(new.anchoredRoot(three, 40)) == NONE
    third = successor_of(world, new)
    new.retire(third, BASIS, council)
    assert plain(third.logOf(three)) == (left(ISSUER), 5, TREE.root(5), True)
    third.carry([three], mine)
    assert plain(third.logOf(three)) == (left(ISSUER), 5, TREE.root(5), True)


def test_carry__log_that_the_second_never_took__from_the_first(world, three, moved):
    third = successor_of(world, moved)
    moved.retire(third, NONE, {"from": world.council})
    third.carry([three], {"from": world.stranger})
    size = SIZE + 1
    longer = Tree([*TREE.entries, ENTRIES[0]])
    tx = third.anchor(three, size, longer.root(size), longer.consistency(SIZE, size), {"from": world.issuer})
    assert tx.return_value is True
    assert bytes(third.anchoredRoot(three, 40)) == TREE.root(40)


# A pause


def test_pause__stops_openings__never_anchoring(world):
    mine, opened = {"from": world.issuer}, world.open()
    # A council that answers every question with yes.
    ask("anvil_setCode", str(world.council), "0x600160005260206000f3")
    with reverts("AnchorLog_Paused"):
        world.log.openLog(origin_of(ISSUER, "new"), mine)
    assert not world.log.openLog(origin_of(ISSUER), mine).events
    assert world.log.anchor(opened, 5, TREE.root(5), [], mine).return_value is True
