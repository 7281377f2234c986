"""The feed: every change once and in order, whatever the pages, from the fake and from the index's own tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
from notary.entry import Entry, log_id, status_key
from notary.feed import Cursor, Feed
from tests.fakes.notary import ISSUER, ORIGIN, Rig, certificate, document

LOG = LogId(log_id(ORIGIN))
KEY = Digest(b"\7" * 32)


@dataclass
class Changes:
    """Changes in memory."""

    all: list[Change] = field(default_factory=list)
    made: dict[Digest, list[Decision]] = field(default_factory=dict)

    def genesis(self) -> str:
        return "0x01"

    def since(self, block: int, log_index: int, limit: int) -> list[Change]:
        return [c for c in self.all if (c.block, c.log_index) > (block, log_index)][:limit]

    def decisions(self, status_key: Digest) -> Sequence[Decision]:
        return self.made.get(status_key, [])


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = Rig(tmp_path_factory.mktemp("feed"))
    records = [document(n) if n % 5 == 4 else certificate(n) for n in range(20)]
    made.notary.accept_records(ISSUER, ORIGIN, records, key="k")
    made.notary.catch_up(ORIGIN)
    yield made
    made.notary.close()


def key_at(rig: Rig, index: int) -> Digest:
    entry = Entry.from_bytes(rig.notary.prover.entry(ORIGIN, index))
    return status_key(entry.issuer, entry.sha256)


def decided(rig: Rig, index: int, *codes: DecisionCode) -> dict[Digest, list[Decision]]:
    """A history with one decision a block from block 50 on."""
    history: list[Decision] = []
    for number, code in enumerate(codes, 1):
        ends = number - 1 if code is DecisionCode.RESUMED else None
        at = BlockTime(1_000 + 50 + number)
        history.append(Decision(number, code, 0, ISSUER, BlockTime(0), at, ends=ends))
    return {key_at(rig, index): history}


def anchored(block: int, first: int, end: int, log: LogId = LOG) -> Change:
    return Change(block, 0, BlockTime(1_000 + block), "anchored", log_id=log, first=first, end=end)


def history(rig: Rig) -> Changes:
    """Two anchors with a stranger's between, three decisions on entry 3, a closing at 18."""
    codes = (DecisionCode.SUSPENDED, DecisionCode.RESUMED, DecisionCode.REVOKED)
    made = decided(rig, 3, *codes)
    changes = [anchored(10, 0, 12), anchored(11, 0, 1000, LogId(b"\1" * 32)), anchored(12, 12, 20)]
    changes += [
        Change(50 + n, 1, BlockTime(1_000 + 50 + n), "decided", status_key=key_at(rig, 3), number=n) for n in (1, 2, 3)
    ]
    changes.append(Change(60, 0, BlockTime(1_060), "decided", status_key=KEY, number=1))  # another notary's
    changes.append(Change(70, 0, BlockTime(1_070), "closed", log_id=LOG, first=18, end=20))
    return Changes(changes, made)


def follow(feed: Feed, limits: Sequence[int], after: str | None = None) -> list[dict[str, Any]]:
    """All items, by pages of these sizes, over and over."""
    items: list[dict[str, Any]] = []
    turn = 0
    while True:
        page = feed.page(after, limits[turn % len(limits)])
        assert len(page.items) <= limits[turn % len(limits)]
        items += page.items
        after, turn = page.cursor, turn + 1
        if not page.more:
            return items


def test_page__everything__new_changed_ended_in_the_chains_order(rig: Rig) -> None:
    items = follow(Feed(rig.notary, history(rig), history(rig)), [1000])
    new = [item for item in items if item["change"] == "new"]
    assert [item["index"] for item in new] == [n for n in range(20) if n % 5 != 4]
    assert [item["identifier"] for item in new][:2] == [certificate(n)["identifier"] for n in (0, 1)]
    rest = [(item["change"], item["status"], item["index"]) for item in items[len(new) :]]
    assert rest == [
        ("changed", "suspended", 3), ("changed", "in_force", 3), ("ended", "revoked", 3), ("ended", "struck_out", 18),
    ]  # fmt: skip
    assert [item["block"] for item in items] == sorted(item["block"] for item in items)


def test_page__items__hold_nothing_of_a_holder(rig: Rig) -> None:
    text = str(follow(Feed(rig.notary, history(rig), history(rig)), [1000]))
    assert "样例" not in text
    assert "91420526MA9986781L" not in text


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=8)
@given(limits=st.lists(st.integers(1, 7), min_size=1, max_size=6), looked=st.integers(1, 30))
def test_page__any_sizes__the_same_items_each_once(rig: Rig, limits: list[int], looked: int) -> None:
    feed = Feed(rig.notary, history(rig), history(rig))
    whole = follow(feed, [1000])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_room, "LOOKED_AT", looked)
        assert follow(feed, limits) == whole


def test_page__more_is_anchored_later__goes_on_there(rig: Rig) -> None:
    changes = history(rig)
    all_of_it, changes.all = changes.all, []
    feed = Feed(rig.notary, changes, changes)
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
        Feed(rig.notary, Changes(), Changes()).page(cursor)
    assert caught.value.code == "feed.cursor"
    assert all(error_text(caught.value, language) for language in LANGUAGES)


def test_page__cursor_of_another_chain__refused(rig: Rig) -> None:
    with pytest.raises(ConflictError, match=r"feed\.other_chain"):
        Feed(rig.notary, Changes(), Changes()).page(Cursor(5, 1).text("0x02"))


@given(st.integers(-1, 1 << 62), st.integers(-1, 1 << 31), st.integers(0, 1 << 40), st.booleans())
def test_cursor__any_place__comes_back(block: int, log_index: int, entries: int, unfinished: bool) -> None:
    cursor = Cursor(block, log_index, entries, unfinished)
    text = cursor.text("0x01")
    assert Cursor.read(text, "0x01") == cursor
    assert text.replace("-", "").replace("_", "").isalnum()


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


def test_reader__not_final_yet__not_told(indexed: sa.Engine) -> None:
    assert [c.block for c in ChangeReader(indexed, depth=6).since(-1, -1, 100)][-1] == 70
    assert ChangeReader(indexed, depth=6).decided_keys(b"", 10) == [KEY]
    assert ChangeReader(indexed, depth=95).decided_keys(b"", 10) == []
    assert ChangeReader(indexed).decided_keys(KEY, 10) == []


def test_reader__nothing_indexed__nothing(engine: sa.Engine) -> None:
    assert ChangeReader(engine).since(-1, -1, 10) == []
    assert ChangeReader(engine).genesis() == ""
