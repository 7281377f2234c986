"""Files in several stores checked: each fault named and mended, a cut check goes on, leftovers taken away."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from notary.cid import LEAF_BYTES
from notary.content_care import Fault, check
from tests.unit.notary.content_house import House, files, whole


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.rig.notary.close()


@pytest.mark.parametrize("what", ["missing", "incomplete", "damaged", "not_pinned"])
def test_check__each_fault__named_then_mended(house: House, what: str) -> None:
    house.again("embedded", "kubo:a")
    cids = files(house)
    house.keep()
    node, cid = house.stores["kubo:a"], cids[2]
    leaf = next(iter(node.blocks(cid)))
    match what:
        case "missing":
            node.remove(cid)
        case "incomplete":
            del node.held[leaf]
        case "damaged":
            node.held[leaf] = node.held[leaf][:-1] + b"?"
        case "not_pinned":
            node.pinned.remove(cid)
    assert house.check("embedded") == []
    assert house.check("kubo:a") == [Fault("kubo:a", cid, what)]  # type: ignore[arg-type]
    assert house.index.lag("kubo:a").files == 1
    assert house.check("kubo:a", repair=True) == [Fault("kubo:a", cid, what, mended=True)]  # type: ignore[arg-type]
    assert house.check("kubo:a") == []
    assert house.index.lag("kubo:a").files == 0
    assert whole(node, cids)


def test_check__bad_everywhere__stays_bad_and_nothing_is_lost(house: House) -> None:
    house.again("embedded", "kubo:a")
    cid = house.file(b"x")
    house.keep()
    house.stores["kubo:a"].held[cid] = b"y"
    house.stores["embedded"].remove(cid)
    [fault] = house.check("kubo:a", repair=True)
    assert (fault.what, fault.mended) == ("damaged", False)
    assert house.stores["kubo:a"].held[cid] == b"y"


def test_check__store_down__not_asked_and_nothing_forgotten(house: House) -> None:
    house.again("embedded", "kubo:a")
    files(house, 2)
    house.keep()
    house.stores["kubo:a"].down = True
    assert {fault.what for fault in house.check("kubo:a", repair=True)} == {"not_asked"}
    assert house.index.lag("kubo:a").files == 0


def test_check__pins__counted_and_those_of_others_told(house: House) -> None:
    house.again("kubo:a")
    files(house)
    house.stores["kubo:a"].put_stream(io.BytesIO(b"an upload whose record never came"))
    house.keep()
    found = check(house.places, house.rig.clock, "kubo:a")
    assert (found.files, found.pins, found.unnamed) == (3, 4, 1)
    assert found.size > LEAF_BYTES


def test_check__cut_and_begun_again__only_the_rest(house: House) -> None:
    cids = files(house)
    house.keep()
    start = house.rig.clock.at

    def cut(fault: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(house.places, house.rig.clock, "embedded", told=cut)
    assert check(house.places, house.rig.clock, "embedded", seen_before=start).files == len(cids) - 1
    assert check(house.places, house.rig.clock, "embedded", seen_before=start).files == 0


def test_check__leftovers_of_a_crash__counted_and_with_repair_taken_away(house: House, tmp_path: Path) -> None:
    cids = files(house)
    house.keep()
    store = house.stores["embedded"]
    left = store.put_stream(io.BytesIO(b"left over" * 200_000))  # an upload whose record never came
    house.rig.clock.at = time.time_ns() // 1_000_000 + 25 * 3_600_000
    checked = check(house.places, house.rig.clock, "embedded")
    assert (checked.faults, checked.leftovers, checked.removed) == ([], 3, 0)
    assert checked.leftover_size > 1_800_000
    assert check(house.places, house.rig.clock, "embedded", repair=True).removed == 3
    assert not store.has(left)
    assert whole(store, cids)
    assert check(house.places, house.rig.clock, "embedded").leftovers == 0


def test_check__takes_over_a_day_while_nobody_names__what_came_in_meanwhile_is_no_leftover(house: House) -> None:
    files(house, 1)
    house.keep()
    house.rig.clock.at = time.time_ns() // 1_000_000
    added: list[str] = []

    def meanwhile(fault: object) -> None:
        added.append(house.file(b"registered meanwhile" * 100_000))
        house.rig.clock.at += 25 * 3_600_000

    checked = check(house.places, house.rig.clock, "embedded", repair=True, told=meanwhile)
    assert (checked.leftovers, checked.removed) == (0, 0)
    house.keep()
    assert whole(house.stores["embedded"], added)
