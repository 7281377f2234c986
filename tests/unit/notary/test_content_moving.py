"""Files moved from one store to another and back: cut at every step, nothing lost, refused where it can't be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import ConflictError, UnavailableError
from ledger.texts import LANGUAGES, error_text
from notary.cid import LEAF_BYTES
from notary.content_care import Fault, check
from notary.filing import Filing
from notary.stores.content_index import Lag
from tests.unit.notary.content_house import Died, House, files, whole


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.rig.notary.close()


def test_move__there_and_back__all_whole_and_the_old_place_empty(house: House, tmp_path: Path) -> None:
    cids = files(house)
    done = house.move("kubo:a")
    assert (done.finished, done.files) == (True, 3)
    assert whole(house.stores["kubo:a"], cids)
    assert not any(path.is_file() for path in (tmp_path / "one").rglob("*"))
    cids.append(house.file(b"after the move"))  # a running server follows
    assert house.stores["kubo:a"].has(cids[-1])
    house.again("kubo:a")  # and a person changed the setting
    house.keep()
    done = house.move("embedded")
    assert (done.finished, done.files) == (True, 4)
    assert whole(house.stores["embedded"], cids)
    assert house.stores["kubo:a"].held == {}
    assert house.stores["kubo:a"].pinned == set()
    for setting in ("embedded", "kubo:a"):
        house.again(setting)
        assert house.places.primary() == "embedded"


def test_move__keep__both_have_them(house: House) -> None:
    cids = files(house)
    assert house.move("kubo:a", keep=True).finished
    assert whole(house.stores["kubo:a"], cids)
    assert whole(house.stores["embedded"], cids)


def test_move__dies_at_any_call__every_file_is_somewhere_and_the_next_one_ends_it(house: House) -> None:
    node, cid = house.stores["kubo:a"], house.file(b"x" * (LEAF_BYTES + 1))
    for at in range(1, 60):
        node.calls, node.die_at = 0, at
        try:
            assert house.move("kubo:a").finished
        except Died:
            node.die_at = None
            house.again("embedded")
            assert house.content.verify(cid)
            if house.places.leaving() or house.places.primary() == "embedded":
                assert house.move("kubo:a").finished
        else:
            break
        assert node.verify(cid)
        assert not house.stores["embedded"].has(cid)
        assert house.move("embedded").finished
        assert whole(house.stores["embedded"], [cid])
    assert at > 8


def test_move__old_store_dies_while_it_is_emptied__goes_on(house: House) -> None:
    node, cid = house.stores["kubo:a"], house.file(b"x" * (LEAF_BYTES + 1))
    for at in range(1, 60):
        node.die_at = None
        assert house.move("kubo:a").finished
        node.calls, node.die_at = 0, at
        try:
            assert house.move("embedded").finished
        except Died:
            node.die_at = None
            assert house.content.verify(cid)
            assert house.move("embedded").finished
        else:
            break
        assert whole(house.stores["embedded"], [cid])
        assert node.held == {}
    assert at > 8


def test_move__target_lies__old_copy_stays(house: House) -> None:
    cids = files(house, 2)
    node = house.stores["kubo:a"]
    take = node._put_block
    node._put_block = lambda cid, block: take(cid, block[:-1] + bytes([block[-1] ^ 1]))
    done = house.move("kubo:a")
    assert not done.finished
    assert {fault.what for fault in done.faults} <= {"damaged", "incomplete"}
    assert whole(house.stores["embedded"], cids)
    assert all(house.content.verify(cid) for cid in cids)


def test_move__target_down__not_begun(house: House) -> None:
    files(house, 1)
    house.stores["kubo:a"].down = True
    with pytest.raises(UnavailableError):
        house.move("kubo:a")
    assert house.places.primary() == "embedded"


def test_move__another_one_open_or_there_already__refused(house: House) -> None:
    cid = house.file(b"x")
    with pytest.raises(ConflictError, match=r"content\.there"):
        house.move("embedded")
    house.stores["embedded"].remove(cid)
    assert house.move("kubo:a").faults == [Fault("embedded", cid, "missing")]
    with pytest.raises(ConflictError) as caught:
        house.move("folder:/two")
    assert caught.value.code == "content.moving"
    assert all(error_text(caught.value, language) for language in LANGUAGES)


def test_move__upload_that_was_under_way__is_brought_after_it(house: House) -> None:
    files(house, 1)
    assert house.move("kubo:a").finished
    house.rig.notary.filing = Filing(house.stores["embedded"])  # where the bytes went before the move
    late = house.file(b"sealed before the move, its record after it")
    house.keep()
    assert house.stores["kubo:a"].holds(late)


def test_index__on_both_databases__named_copied_checked_and_moved(tmp_path: Path, database: str) -> None:
    house = House(tmp_path, second="kubo:a", database=database)
    try:
        cids = files(house)
        house.keep()
        assert [*house.check("embedded"), *house.check("kubo:a")] == []
        assert check(house.places, house.rig.clock, "kubo:a", seen_before=0).files == 0
        done = house.move("folder:/two")
        assert (done.finished, done.files) == (True, 3)
        house.content.remove(cids[0])
        assert (house.index.count(), house.index.lag("folder:/two")) == (2, Lag(0, None))
        assert whole(house.stores["folder:/two"], cids[1:])
    finally:
        house.rig.notary.close()
