"""Files that are erased while somebody else names, copies, checks, mends or moves them: no copy and no row stays.

The other one's act is called from within, between two acts, by the same or another keeper on the same database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from notary.content_care import check
from notary.content_keeper import mend
from notary.erasures import State
from notary.stores.content_index import Lag
from tests.fakes.notary import ISSUER, ORIGIN
from tests.unit.notary.content_house import House, files, whole

ONE, TWO = b"\1" * 32, b"\2" * 32
ORDER = "鄂法令〔2026〕12号"


@pytest.fixture
def house(tmp_path: Path, database: str) -> Iterator[House]:
    made = House(tmp_path, database=database)
    yield made
    made.rig.notary.close()


def erase(house: House, index: int) -> None:
    erasing = house.rig.notary.erasing
    erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    assert erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO).state is State.DONE


def once(target: object, name: str, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """`act` is done by somebody else before, or after, the next call of this method."""
    real, waiting = getattr(target, name), [act]

    def called(*given: Any, **more: Any) -> Any:
        if not after and waiting:
            waiting.pop()()
        found = real(*given, **more)
        if waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(target, name, called)


def assert_nowhere(house: House, cid: str) -> None:
    house.keep()
    assert house.index.named_at(cid) == []
    for address in ("embedded", "kubo:a"):
        assert cid not in house.index.all_of(address, "", 100)
        assert house.index.lag(address) == Lag(0, None)
        assert not house.stores[address].has(cid)
        assert not house.stores[address].keeps(cid)


def test_erased__while_its_name_was_read__not_named_afterwards(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    [cid] = files(house, 1)
    house.again("embedded", "kubo:a")
    once(house.rig.notary, "record", lambda: erase(house, 0), monkeypatch, after=True)
    house.keeper.name(10)
    assert_nowhere(house, cid)


def test_erased__while_it_is_enrolled__not_wanted_afterwards(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    [cid] = files(house, 1)
    house.keep()
    house.again("embedded", "kubo:a")
    once(house.index, "_advance", lambda: erase(house, 0), monkeypatch, after=False)
    house.keeper.name(10)
    assert_nowhere(house, cid)


def test_erased__copied_to_a_store_that_was_cleaned_already__taken_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole step of a keeper falls between the erasure's removal from one store and from the next."""
    house.again("kubo:a", "embedded")
    [cid] = files(house, 1)
    mend(cid, "embedded", house.places)
    house.keeper.catch_up()
    once(house.stores["kubo:a"], "remove", lambda: bool(house.keeper.step()), monkeypatch, after=True)
    erase(house, 0)
    assert_nowhere(house, cid)


@pytest.mark.parametrize("after", [True, False])
def test_erased__around_the_last_look_of_the_keeper__not_noted(
    house: House, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    cids = files(house, 2)
    house.again("embedded", "kubo:a")
    house.keeper.catch_up()
    once(house.stores["kubo:a"], "keep", lambda: erase(house, 0), monkeypatch, after=after)
    house.keep()
    assert_nowhere(house, cids[0])
    assert whole(house.stores["kubo:a"], cids[1:])


@pytest.mark.parametrize("what", ["verify", "keeps"])
@pytest.mark.parametrize("after", [True, False])
def test_erased__while_it_is_checked__no_fault_and_nothing_noted(
    house: House, monkeypatch: pytest.MonkeyPatch, what: str, after: bool
) -> None:
    cids = files(house, 2)
    house.again("embedded", "kubo:a")
    house.keep()
    once(house.stores["kubo:a"], what, lambda: erase(house, 0), monkeypatch, after=after)
    found = check(house.places, house.rig.clock, "kubo:a")
    assert found.faults == []
    assert_nowhere(house, cids[0])
    assert whole(house.stores["kubo:a"], cids[1:])


@pytest.mark.parametrize("after", [True, False])
def test_erased__while_it_is_mended__no_copy_is_left(
    house: House, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    [cid] = files(house, 1)
    house.again("embedded", "kubo:a")
    house.keep()
    node = house.stores["kubo:a"]
    node.held.clear()
    node.pinned.clear()
    once(node, "keep", lambda: erase(house, 0), monkeypatch, after=after)
    assert house.check("kubo:a", repair=True) == []
    assert_nowhere(house, cid)
    assert node.held == {}


@pytest.mark.parametrize(("what", "store"), [("keep", "kubo:a"), ("verify", "kubo:a"), ("remove", "embedded")])
@pytest.mark.parametrize("after", [True, False])
def test_erased__while_it_is_moved__the_move_ends_and_no_copy_is_left(
    house: House, monkeypatch: pytest.MonkeyPatch, what: str, store: str, after: bool
) -> None:
    cids = sorted(files(house, 2))
    house.keep()
    [index] = [n for n in range(2) if house.rig.notary.record(ORIGIN, n)["document"]["cid"] == cids[0]]
    once(house.stores[store], what, lambda: erase(house, index), monkeypatch, after=after)
    moved = house.move("kubo:a")
    assert (moved.finished, moved.faults) == (True, [])
    assert_nowhere(house, cids[0])
    assert whole(house.stores["kubo:a"], cids[1:])
