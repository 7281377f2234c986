"""The feed: every change once and in order, whatever the pages, from the fake and from the index's own tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import ConflictError, InputError
from ledger.statuses import Decision, DecisionCode
from ledger.store import tables
from ledger.store.engine import writing
from ledger.store.index.changes import Change, ChangeReader
from ledger.texts import LANGUAGES, error_text
from ledger.types import BlockTime, Digest, LogId
from notary import feed as feed_room
from notary.feed import Cursor, Feed
from tests.fakes.notary import ISSUER, Rig, certificate
from tests.unit.notary.feeding import (
    ERASED,
    KEY,
    LENT,
    LOG,
    RECORDS,
    Changes,
    anchored,
    follow,
    history,
    key_at,
    ledger,
    pages,
)

GOLDEN = json.loads(Path(__file__).with_name("feed_pages.json").read_text(encoding="utf-8"))
"""What the first version answered, which read entry by entry."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = ledger(tmp_path_factory.mktemp("feed"))
    yield made
    made.notary.close()


def test_page__everything__new_changed_ended_in_the_chains_order(rig: Rig) -> None:
    items = follow(Feed(rig.notary, history(rig)), [1000])
    new = [item for item in items if item["change"] == "new"]
    assert [item["index"] for item in new] == [n for n in range(RECORDS + LENT) if n % 5 != 4 or n >= RECORDS]
    assert [item["index"] for item in new if item["identifier"] is None] == [ERASED, *range(RECORDS, RECORDS + LENT)]
    assert [item["identifier"] for item in new][:2] == [certificate(n)["identifier"] for n in (0, 1)]
    rest = [(item["change"], item["status"], item["index"]) for item in items[len(new) :]]
    assert rest == [
        ("changed", "suspended", 3), ("changed", "in_force", 3), ("ended", "revoked", 3),
        ("ended", "lapsed", ERASED), ("ended", "lapsed", ERASED),
        *(("ended", "struck_out", index) for index in (18, 20, 21, 22)),
    ]  # fmt: skip
    assert [item["block"] for item in items] == sorted(item["block"] for item in items)


@pytest.mark.parametrize("limits", list(GOLDEN["pages"]))
def test_page__golden__the_same_answers_byte_for_byte(rig: Rig, limits: str) -> None:
    found = pages(Feed(rig.notary, history(rig)), [int(limit) for limit in limits.split(",")])
    told = [item for page in found for item in page["items"]]
    assert json.dumps(told, ensure_ascii=False) == json.dumps(GOLDEN["items"], ensure_ascii=False)
    assert [[len(p["items"]), p["cursor"], p["more"]] for p in found] == GOLDEN["pages"][limits]


@pytest.mark.usefixtures("each_kind")
def test_page__golden_on_both_databases__the_same(tmp_path: Path) -> None:
    made = ledger(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("notary.stores.feeding.PIECE", 4)
        assert follow(Feed(made.notary, history(made)), [1000]) == GOLDEN["items"]
    made.notary.close()


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_page__read_in_other_stretches__the_same(rig: Rig, batch: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_room, "BATCH", batch)
        patch.setattr(feed_room, "CHANGES", batch)
        assert follow(Feed(rig.notary, history(rig)), [5, 2]) == GOLDEN["items"]


def test_page__items__hold_nothing_of_a_holder(rig: Rig) -> None:
    text = str(follow(Feed(rig.notary, history(rig)), [1000]))
    assert "样例" not in text
    assert "91420526MA9986781L" not in text


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=8)
@given(limits=st.lists(st.integers(1, 7), min_size=1, max_size=6), looked=st.integers(1, 30))
def test_page__any_sizes__the_same_items_each_once(rig: Rig, limits: list[int], looked: int) -> None:
    feed = Feed(rig.notary, history(rig))
    whole = follow(feed, [1000])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_room, "LOOKED_AT", looked)
        assert follow(feed, limits) == whole


def test_page__more_is_anchored_later__goes_on_there(rig: Rig) -> None:
    changes = history(rig)
    all_of_it, changes.all = changes.all, []
    feed = Feed(rig.notary, changes)
    after: str | None = None
    items: list[dict[str, Any]] = []
    for change in [None, *all_of_it]:
        changes.all += [change] if change else []
        page = feed.page(after)
        again = feed.page(after)
        assert page == again  # a cursor always goes on in the same way
        items, after = items + page.items, page.cursor
    assert items == follow(feed, [1000])


@pytest.mark.parametrize("cursor", ["x", "MS4w", "////", "1.2.3.4.0.ab", "é", Cursor(5, 1, 0).text("0x01") + "A"])
def test_page__wrong_cursor__told(rig: Rig, cursor: str) -> None:
    with pytest.raises(InputError) as caught:
        Feed(rig.notary, Changes()).page(cursor)
    assert caught.value.code == "feed.cursor"
    assert all(error_text(caught.value, language) for language in LANGUAGES)


def test_page__cursor_of_another_chain__refused(rig: Rig) -> None:
    with pytest.raises(ConflictError, match=r"feed\.other_chain"):
        Feed(rig.notary, Changes()).page(Cursor(5, 1).text("0x02"))


@given(st.integers(-1, 1 << 62), st.integers(-1, 1 << 31), st.integers(0, 1 << 40), st.booleans())
def test_cursor__any_place__comes_back(block: int, log_index: int, entries: int, unfinished: bool) -> None:
    cursor = Cursor(block, log_index, entries, unfinished)
    text = cursor.text("0x01")
    assert Cursor.read(text, "0x01") == cursor
    assert text.replace("-", "").replace("_", "").isalnum()


def test_page__several_decisions_in_one_block__each_with_the_state_behind_it(rig: Rig) -> None:
    at, key = BlockTime(1_090), key_at(rig, 3)
    codes = (DecisionCode.SUSPENDED, DecisionCode.RESUMED, DecisionCode.LAPSED)
    made = [
        Decision(n, code, 0, ISSUER, BlockTime(0), at, ends=1 if n == 2 else None, annulled_at=at if n == 3 else None)
        for n, code in enumerate(codes, 1)
    ]
    changes = [anchored(10, 0, 12)]
    changes += [Change(90, n, at, "decided", status_key=key, number=n) for n in (1, 2, 3)]
    changes += [Change(90, 7, at, "annulled", status_key=key, number=3)]
    told = [
        (item["decision"]["number"], item["decision"]["annulled"], item["change"], item["status"])
        for item in follow(Feed(rig.notary, Changes(changes, {key: made})), [1])
        if item["block"] == 90
    ]
    assert told == [
        (1, False, "changed", "suspended"), (2, False, "changed", "in_force"),
        (3, False, "ended", "lapsed"), (3, True, "changed", "in_force"),
    ]  # fmt: skip


# -- the index's own tables -------------------------------------------------------------------------------------------


def place(block: int, log_index: int = 0) -> dict[str, Any]:
    return {
        "block_number": block, "log_index": log_index, "block_hash": f"0x{block}", "block_time": 1_000 + block,
        "tx_hash": "0x",
    }  # fmt: skip


@pytest.fixture
def indexed(engine: sa.Engine) -> sa.Engine:
    """An index with some of everything, on both databases."""
    anchor = {"log_id": LOG, "root": bytes(32), "contract": "0x", "department": ISSUER}
    decision = {
        "status_key": KEY, "contract": "0x", "code": 2, "cause": 0, "department": ISSUER, "effective_from": 0,
        "basis": None, "successor": None, "until": None, "ends": None,
    }  # fmt: skip
    with writing(engine) as connection:
        connection.execute(
            tables.cursor.insert().values(id=1, chain_id=1, genesis_hash="0x01", number=100, hash="0x100")
        )
        for size, block in ((12, 10), (20, 12), (30, 99)):
            connection.execute(tables.anchors.insert().values(**anchor, size=size, **place(block)))
        connection.execute(tables.closings.insert().values(log_id=LOG, size=18, **place(70)))
        connection.execute(tables.decisions.insert().values(**decision, number=1, **place(12, 5)))
        annulled = {"status_key": KEY, "contract": "0x", "number": 1, "basis": None}
        connection.execute(tables.annulments.insert().values(**annulled, **place(13)))
    return engine


def test_reader__all_tables__one_order(indexed: sa.Engine) -> None:
    told = [(c.block, c.log_index, c.what, c.first, c.end) for c in ChangeReader(indexed).since(-1, -1, 100)]
    assert told == [
        (10, 0, "anchored", 0, 12), (12, 0, "anchored", 12, 20), (12, 5, "decided", 0, 0), (13, 0, "annulled", 0, 0),
        (70, 0, "closed", 18, 20), (99, 0, "anchored", 20, 30),
    ]  # fmt: skip


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_reader__page_by_page__the_same(indexed: sa.Engine, limit: int) -> None:
    reader = ChangeReader(indexed)
    found: list[Change] = []
    while page := reader.since(*((found[-1].block, found[-1].log_index) if found else (-1, -1)), limit):
        found += page
    assert found == reader.since(-1, -1, 100)


def test_reader__decisions_of_many__with_their_annulments(indexed: sa.Engine) -> None:
    other = Digest(b"\1" * 32)
    found = ChangeReader(indexed).recorded_of([other, KEY])
    assert list(found) == [KEY]
    told = [
        (r.decision.number, r.decision.recorded_at, r.place, r.decision.annulled_at, r.annulled) for r in found[KEY]
    ]
    assert told == [(1, 1_012, (12, 5), 1_013, (13, 0))]
    earlier = ChangeReader(indexed, depth=88).recorded_of([KEY])[KEY][0]
    assert (earlier.decision.annulled_at, earlier.annulled) == (None, None)
    assert ChangeReader(indexed, depth=89).recorded_of([KEY]) == {}


def test_reader__closings_and_sizes__final_ones(indexed: sa.Engine) -> None:
    reader = ChangeReader(indexed)
    assert [(c.log_id, c.size, c.place) for c in reader.closings()] == [(LOG, 18, (70, 0))]
    assert ChangeReader(indexed, depth=31).closings() == []
    assert reader.anchored_by(LOG) == 30
    assert ChangeReader(indexed, depth=2).anchored_by(LOG) == 20
    assert [reader.anchored_by(LOG, place) for place in ((99, 0), (12, 1), (12, 0), (10, 0))] == [20, 20, 12, 0]
    assert reader.anchored_by(LogId(bytes(32))) == 0


def test_reader__not_final_yet__not_told(indexed: sa.Engine) -> None:
    assert [c.block for c in ChangeReader(indexed, depth=6).since(-1, -1, 100)][-1] == 70
    assert ChangeReader(indexed, depth=6).decided_keys(b"", 10) == [KEY]
    assert ChangeReader(indexed, depth=95).decided_keys(b"", 10) == []
    assert ChangeReader(indexed).decided_keys(KEY, 10) == []


def test_reader__nothing_indexed__nothing(engine: sa.Engine) -> None:
    assert ChangeReader(engine).since(-1, -1, 10) == []
    assert ChangeReader(engine).genesis() == ""
