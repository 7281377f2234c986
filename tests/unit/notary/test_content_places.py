"""Files in several stores: read from whichever has them, copied to each, cut at every step."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import IntegrityError, NotFoundError, UnavailableError
from notary.cid import LEAF_BYTES
from notary.content_keeper import Stopped, mend
from notary.stores.content_index import Lag
from notary.stores.records import position_of
from tests.fakes.notary import ISSUER, ORIGIN, certificate
from tests.unit.notary.content_house import Died, House, PinningStore, files, whole


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.rig.notary.close()


def test_keeper__names__only_records_with_a_file(house: House) -> None:
    house.rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1)])
    cids = files(house, 2)
    house.keep()
    assert [house.index.named_at(cid) for cid in cids] == [[position_of(1, 1)], [position_of(1, 2)]]
    assert house.index.count() == 2
    assert house.index.lag("embedded") == Lag(0, None)
    assert not house.keeper.step()


def test_keeper__second_store__gets_every_file_and_a_later_one(house: House) -> None:
    cids = files(house)
    house.again("embedded", "kubo:a")
    before = house.rig.clock.at
    house.keeper.catch_up()
    lag = house.places.lags()["kubo:a"]
    assert lag.files == 3
    assert lag.since is not None
    assert lag.since > before
    house.keep()
    assert whole(house.stores["kubo:a"], cids)
    cids.append(house.file(b"later"))
    house.keep()
    assert whole(house.stores["kubo:a"], cids)
    assert house.places.lags() == {"embedded": Lag(0, None), "kubo:a": Lag(0, None)}


def test_keeper__second_store_down__waits_and_goes_on(house: House) -> None:
    house.again("embedded", "kubo:a")
    house.stores["kubo:a"].down = True
    cids = files(house)
    house.keep()
    assert house.index.lag("kubo:a").files == 3
    house.stores["kubo:a"].down = False
    assert not house.keeper.step()  # not asked again at once
    house.rig.clock.at += 60_000
    house.keep()
    assert whole(house.stores["kubo:a"], cids)


def test_keeper__one_file_lost__the_others_are_copied(house: House) -> None:
    cids = files(house)
    house.stores["embedded"].remove(sorted(cids)[0])
    house.again("embedded", "kubo:a")
    house.keep()
    assert whole(house.stores["kubo:a"], sorted(cids)[1:])
    assert house.index.lag("kubo:a").files == 1
    assert house.index.lag("embedded").files == 1


def test_keeper__dies_at_any_call__the_next_one_ends_it(house: House) -> None:
    node, cids = house.stores["kubo:a"], []
    for at in range(1, 60):
        cids.append(house.file(bytes([at]) * (LEAF_BYTES + 1)))
        house.again("embedded", "kubo:a")
        node.calls, node.die_at = 0, at
        try:
            house.keep()
        except Died:
            house.again("embedded", "kubo:a")
            house.keep()
            assert node.holds(cids[-1])
        else:
            break
    node.die_at = None
    assert whole(node, cids)
    assert at > 8


def test_keeper__asked_to_stop__in_the_middle_of_a_file(house: House) -> None:
    cid = house.file(b"x" * 3 * LEAF_BYTES)
    turns = itertools.count()
    with pytest.raises(Stopped):
        mend(cid, "kubo:a", house.places, going=lambda: next(turns) < 2)
    assert not house.stores["kubo:a"].has(cid)
    assert mend(cid, "kubo:a", house.places) == 3


def test_remove__erased__gone_everywhere_and_never_brought_back(house: House) -> None:
    house.again("embedded", "kubo:a")
    first, second = files(house, 2)
    house.keep()
    house.stores["kubo:a"].down = True
    with pytest.raises(UnavailableError):
        house.content.remove(first)
    house.stores["kubo:a"].down = False
    house.content.remove(first)
    house.content.remove(first)
    house.keep()
    assert not any(house.stores[address].has(first) for address in ("embedded", "kubo:a"))
    assert [*house.check("embedded"), *house.check("kubo:a")] == []
    assert house.index.count() == 1
    assert whole(house.content, [second])


def test_keeper__erased_while_it_is_copied__not_left_behind(house: House) -> None:
    cid = house.file(b"x" * LEAF_BYTES * 2)
    house.again("embedded", "kubo:a")
    node = house.stores["kubo:a"]
    keep = node._keep

    def erased(name: str) -> None:
        keep(name)
        house.index.forget_file(cid)

    node._keep = erased
    house.keep()
    assert node.held == {}
    assert house.index.lag("kubo:a").files == 0


# -- reading ----------------------------------------------------------------------------------------------------------
def test_read__block_damaged_here_and_whole_there__given_out(house: House, tmp_path: Path) -> None:
    house.again("embedded", "folder:/two")
    cid = house.file(b"x" * 2 * LEAF_BYTES)
    house.keep()
    leaves = list(house.stores["embedded"].blocks(cid))
    for store, leaf in (("one", leaves[0]), ("two", leaves[1])):
        (tmp_path / store / "blocks" / leaf[-2:] / leaf).write_bytes(b"changed")
    house.content.get_to(cid, str(tmp_path / "out"))
    assert (tmp_path / "out").stat().st_size > 2 * LEAF_BYTES


def test_read__one_down_and_not_in_the_other__unavailable_not_missing(house: House) -> None:
    house.again("embedded", "kubo:a")
    house.stores["kubo:a"].down = True
    cid = PinningStore().put_stream(io.BytesIO(b"elsewhere"))
    for call in (house.content.has, house.content.verify):
        with pytest.raises(UnavailableError):
            call(cid)
    house.stores["kubo:a"].down = False
    assert not house.content.has(cid)
    with pytest.raises(NotFoundError):
        house.content.verify(cid)


def test_read__damaged_in_the_only_store__damaged(house: House) -> None:
    house.again("kubo:a")
    cid = house.file(b"x")
    house.stores["kubo:a"].held[cid] = b"y"
    with pytest.raises(IntegrityError):
        house.content.verify(cid)
