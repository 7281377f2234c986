"""The feed while the ledger goes on: what is committed, erased, suspended, struck out, restored between two pages.

Nothing is left out and nothing told twice; what is told of an event doesn't depend on when it is asked.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ConflictError, InputError, IntegrityError
from ledger.statuses import Decision, DecisionCode
from ledger.store.index.changes import Change
from ledger.types import BlockTime, LogId
from notary.entry import log_id
from notary.feed import Cursor, Feed
from notary.reopening import reopen
from tests.fakes.notary import ISSUER, ORIGIN, SECOND, Rig, certificate
from tests.unit.notary.feeding import KEY, LOG, Changes, anchored, erase, follow, key_at, on_key

SECOND_LOG = LogId(log_id(SECOND))
CODES = (DecisionCode.SUSPENDED, DecisionCode.RESUMED)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND))
    accept(made, 0, 8)
    yield made
    made.notary.close()


def accept(rig: Rig, first: int, end: int) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(first, end)], key=f"k{first}")


def decision(number: int, block: int) -> Decision:
    ends = number - 1 if CODES[number - 1] is DecisionCode.RESUMED else None
    return Decision(number, CODES[number - 1], 0, ISSUER, BlockTime(0), BlockTime(1_000 + block), ends=ends)


def closed(block: int, size: int, end: int) -> Change:
    return Change(block, 0, BlockTime(1_000 + block), "closed", log_id=LOG, first=size, end=end)


def brief(items: list[dict[str, Any]]) -> list[tuple[str, str, str, int]]:
    return [(i["change"], i["status"], i["origin"], i["index"]) for i in items]


def indexes(items: list[dict[str, Any]]) -> list[int]:
    return [item["index"] for item in items]


def test_page__committed_while_paging__told_once_anchored_and_once(rig: Rig) -> None:
    changes = Changes([anchored(10, 0, 8)])
    feed = Feed(rig.notary, changes)
    first = feed.page(None, 5)
    accept(rig, 8, 12)  # in the database, not on the chain
    second = feed.page(first.cursor, 5)
    assert (indexes(first.items), indexes(second.items), second.more) == ([0, 1, 2, 3, 4], [5, 6, 7], False)
    assert feed.page(second.cursor, 5).items == []
    changes.all.append(anchored(11, 8, 12))
    third = feed.page(second.cursor, 5)
    assert indexes(third.items) == [8, 9, 10, 11]
    assert indexes(follow(feed, [3])) == list(range(12))


def test_page__anchored_between_the_two_reads_of_a_page__told(rig: Rig) -> None:
    """An anchor becomes final while a page is made: it is told by this page or by the next one."""

    class Growing(Changes):
        def since(self, block: int, log_index: int, limit: int) -> list[Change]:
            found = super().since(block, log_index, limit)
            if len(self.all) == 1:
                accept(rig, 8, 10)
                self.all.append(anchored(11, 8, 10))
            return found

    assert indexes(follow(Feed(rig.notary, Growing([anchored(10, 0, 8)])), [100])) == list(range(10))


def test_page__suspended_between_two_pages__told_at_its_place(rig: Rig) -> None:
    changes = Changes([anchored(10, 0, 8)])
    feed = Feed(rig.notary, changes)
    first = feed.page(None, 4)
    for index in (1, 6):  # one that was told already, one that wasn't
        changes.all.append(on_key(20 + index, 1, key_at(rig, index)))
        changes.made[key_at(rig, index)] = [decision(1, 20 + index)]
    rest = feed.page(first.cursor)
    assert brief(rest.items) == [
        *(("new", "in_force", ORIGIN, n) for n in (4, 5, 6, 7)),
        ("changed", "suspended", ORIGIN, 1), ("changed", "suspended", ORIGIN, 6),
    ]  # fmt: skip
    assert follow(feed, [3]) == first.items + rest.items


def test_page__erased_between_two_pages__told_without_its_identifier(rig: Rig) -> None:
    feed = Feed(rig.notary, Changes([anchored(10, 0, 8)]))
    before = follow(feed, [100])
    first = feed.page(None, 4)
    for index in (2, 5):
        erase(rig, index)
    rest = feed.page(first.cursor, 4)
    told = first.items + rest.items
    assert [i["identifier"] for i in told] == [certificate(n)["identifier"] if n != 5 else None for n in range(8)]
    nothing = {"identifier": None, "type": None, "version": None}
    assert told == [{**item, **nothing} if item["index"] == 5 else item for item in before]


def test_page__two_readers_at_once__each_gets_everything(rig: Rig) -> None:
    changes = Changes([anchored(10, 0, 5), anchored(11, 5, 8), on_key(12, 1, key_at(rig, 0))])
    changes.made = {key_at(rig, 0): [decision(1, 12)]}
    feed = Feed(rig.notary, changes)
    told: dict[int, list[dict[str, Any]]] = {1: [], 3: []}
    cursors: dict[int, str | None] = dict.fromkeys(told)
    more = dict.fromkeys(told, True)
    while any(more.values()):
        for limit in told:
            page = feed.page(cursors[limit], limit)
            told[limit] += page.items
            cursors[limit], more[limit] = page.cursor, page.more
    assert told[1] == told[3] == follow(feed, [100])


def test_page__database_restored_from_before_the_cursor__refused_until_it_is_whole(rig: Rig, tmp_path: Path) -> None:
    rig.notary.close()
    shutil.copytree(rig.home, tmp_path / "backup")
    rig.again()
    accept(rig, 8, 12)
    changes = Changes([anchored(10, 0, 8), anchored(11, 8, 12), on_key(20, 1, key_at(rig, 9))])
    changes.made = {key_at(rig, 9): [decision(1, 20)]}
    feed = Feed(rig.notary, changes)
    first, early = feed.page(None, 12), feed.page(None, 8)
    restored = Rig(tmp_path / "backup", origins=(ORIGIN, SECOND))
    behind = Feed(restored.notary, changes)
    assert behind.page(None, 8) == early
    for cursor in (early.cursor, first.cursor):  # an anchor, and a decision, about entries that aren't there
        with pytest.raises(IntegrityError) as caught:
            behind.page(cursor)
        assert caught.value.code == "notary.restored"
        assert caught.value.params == {"origin": ORIGIN, "log": 8, "chain": 12}
    # The Council closes the log where the backup ends: what is lost ended, and its place is all that can be told.
    changes.all.append(closed(30, 8, 12))
    rest = behind.page(early.cursor)
    assert brief(rest.items) == [("ended", "struck_out", ORIGIN, n) for n in range(8, 12)]
    assert {(i["key"], i["commitment"], i["identifier"], i["issuer"]) for i in rest.items} == {
        (None, None, None, ISSUER)
    }
    assert rest.items[0].keys() == early.items[0].keys()
    assert behind.page(first.cursor).items == rest.items
    assert follow(behind, [3]) == early.items + rest.items
    changes.all.pop()
    restored.notary.close()
    assert brief(feed.page(first.cursor).items) == [("changed", "suspended", ORIGIN, 9)]


def test_page__another_notarys_key__passed_over(rig: Rig) -> None:
    changes = Changes([anchored(10, 0, 8), on_key(20, 1, KEY)], {KEY: [decision(1, 20)]})
    page = Feed(rig.notary, changes).page(None)
    assert (len(page.items), page.more) == (8, False)


def test_page__index_made_anew__waits_and_goes_on(rig: Rig) -> None:
    changes = Changes([anchored(10, 0, 8)])
    feed = Feed(rig.notary, changes)
    first = feed.page(None, 3)
    changes.chain, there, changes.all = "", changes.all, []
    assert feed.page(first.cursor) == type(first)([], first.cursor, more=False)
    with pytest.raises(InputError, match=r"feed\.cursor"):
        feed.page("nonsense")
    begun = feed.page(None)
    assert (begun.items, begun.cursor, begun.more) == ([], "", False)
    changes.chain = "0x01"
    assert feed.page(first.cursor).items == []  # begun again, and not yet so far
    changes.all = there
    assert indexes(feed.page(first.cursor).items) == [3, 4, 5, 6, 7]
    for beginning in (begun.cursor, Cursor().text("")):  # the second is what was given out formerly
        assert indexes(feed.page(beginning).items) == list(range(8))
    changes.chain = "0x02"
    with pytest.raises(ConflictError, match=r"feed\.other_chain"):
        feed.page(first.cursor)


def test_page__log_that_another_process_writes__told_all_the_same(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, SECOND, [certificate(20)], key="s")
    changes = Changes([anchored(10, 0, 8), anchored(11, 0, 1, SECOND_LOG), on_key(12, 1, KEY)])
    whole = follow(Feed(rig.notary, changes), [100])
    rig.notary.close()
    rig.origins = (SECOND,)
    rig.again()
    assert brief(whole)[-1] == ("new", "in_force", SECOND, 0)
    assert follow(Feed(rig.notary, changes), [100]) == whole


def test_page__strangers_only__a_page_ends(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notary.feed.LOOKED_AT", 5)
    strange = [anchored(n, 0, 9, LogId(b"\1" * 32)) for n in range(1, 12)]
    feed = Feed(rig.notary, Changes([*strange, anchored(20, 0, 8)]))
    page = feed.page(None)
    assert (page.items, page.more) == ([], True)
    assert page.cursor == Cursor(5, 0).text("0x01")
    assert indexes(follow(feed, [100])) == list(range(8))


@pytest.fixture
def reopened(rig: Rig) -> Changes:
    """Entry 6 is suspended, then struck out with all others, and resumed; it can be registered again elsewhere."""
    key = key_at(rig, 6)
    rig.chain.close_log(LOG, 0)
    changes = Changes([anchored(10, 0, 8), on_key(20, 1, key), closed(30, 0, 8), on_key(40, 2, key)])
    changes.made = {key: [decision(1, 20), decision(2, 40)]}
    return changes


BEFORE = [
    *(("new", "in_force", ORIGIN, n) for n in range(8)),
    ("changed", "suspended", ORIGIN, 6),
    *(("ended", "struck_out", ORIGIN, n) for n in range(8)),
]


def registered_again(rig: Rig, changes: Changes) -> None:
    """Anchored in the new log, after all that was decided."""
    size = rig.notary.log(SECOND).next_index
    changes.all.append(anchored(50, 0, size, SECOND_LOG))


def test_page__struck_out_and_registered_again__each_event_at_its_place_whenever_asked(
    rig: Rig, reopened: Changes
) -> None:
    feed = Feed(rig.notary, reopened)
    assert brief(follow(feed, [100])) == BEFORE  # what was struck out isn't in force again by an end of its suspension
    reopen(rig.notary, rig.clock, ORIGIN, SECOND, last_good=0, good=[6])
    assert brief(follow(feed, [2])) == BEFORE
    registered_again(rig, reopened)
    place = rig.notary.place_of(key_at(rig, 6))
    assert place is not None
    assert place[0] == SECOND
    assert brief(follow(feed, [3])) == [*BEFORE, ("new", "in_force", *place)]
    reopened.all.append(on_key(60, 1, key_at(rig, 6), "annulled"))
    assert brief(follow(feed, [4]))[-2:] == [("new", "in_force", *place), ("changed", "in_force", *place)]


def test_page__registered_again_while_suspended__new_says_so(rig: Rig, reopened: Changes) -> None:
    reopened.all.pop()
    reopened.made[key_at(rig, 6)].pop()
    reopen(rig.notary, rig.clock, ORIGIN, SECOND, last_good=0, good=[6])
    registered_again(rig, reopened)
    items = follow(Feed(rig.notary, reopened), [100])
    assert [(i["change"], i["status"]) for i in items[-1:]] == [("new", "suspended")]
