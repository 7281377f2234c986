"""Files in several stores: read from whichever has them, copied, checked, mended and moved, cut at every step."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError
from ledger.texts import LANGUAGES, error_text
from notary.cid import LEAF_BYTES
from notary.content_care import Fault, check, move
from notary.content_keeper import ContentKeeper, Stopped, mend
from notary.filing import Filing
from notary.stores.blocks import CheckedStore
from notary.stores.content import EmbeddedStore
from notary.stores.content_index import ContentIndex, Lag
from notary.stores.placed import PlacedContent, Places
from notary.stores.records import position_of
from tests.fakes.notary import ISSUER, ORIGIN, Rig, certificate

READER = X25519PrivateKey.generate()


class Died(Exception):
    """The process ended here."""


class PinningStore(CheckedStore):
    """A node in memory: keeps what is pinned, forgets the rest when told; may be down, and may die at any call."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.pinned: set[str] = set()
        self.down = False
        self.die_at: int | None = None
        self.calls = 0

    def _call(self) -> None:
        if self.down:
            raise UnavailableError("content.node_unavailable", address="memory", reason="down")
        self.calls += 1
        if self.calls == self.die_at:
            raise Died

    def pins(self) -> Iterator[str]:
        self._call()
        return iter(sorted(self.pinned))

    def keeps(self, cid: str) -> bool:
        self._call()
        return cid in self.pinned

    def _put_block(self, cid: str, block: bytes) -> None:
        self._call()
        self.held.setdefault(cid, block)

    def _get_block(self, cid: str) -> bytes:
        self._call()
        if cid not in self.held:
            raise NotFoundError("content.not_found", cid=cid)
        return self.held[cid]

    def _has_block(self, cid: str) -> bool:
        self._call()
        return cid in self.held

    def _keep(self, cid: str) -> None:
        self._call()
        self.pinned.add(cid)

    def _let_go(self, cid: str) -> None:
        self._call()
        self.pinned.discard(cid)

    def _drop_block(self, cid: str) -> None:
        self._call()
        self.held.pop(cid, None)


class House:
    """A notary whose files have places: `embedded`, `second`, and nodes in memory by other addresses."""

    def __init__(
        self, folder: Path, configured: str = "embedded", second: str | None = None, *, database: str = ""
    ) -> None:
        self.rig = Rig(folder / "home", database=database)
        self.stores: dict[str, Any] = {
            "embedded": EmbeddedStore(folder / "one"),
            "folder:/two": EmbeddedStore(folder / "two"),
            "kubo:a": PinningStore(),
        }
        self.index = ContentIndex(self.rig.notary.store)
        self.again(configured, second)

    def again(self, configured: str, second: str | None = None) -> None:
        """As after a restart with these settings."""
        self.places = Places(self.index, self.stores.__getitem__, configured, second)
        self.content = PlacedContent(self.places)
        self.rig.notary.filing = Filing(self.content)
        self.keeper = ContentKeeper(self.rig.notary, self.places, self.rig.clock)

    def file(self, data: bytes) -> str:
        """Register a file; its CID."""
        accepted = self.rig.notary.accept_document(
            ISSUER, ORIGIN, io.BytesIO(data), media_type="text/plain", readers={ISSUER: READER.public_key()}
        )
        return str(self.rig.notary.record(ORIGIN, accepted.receipt.index)["document"]["cid"])

    def keep(self) -> None:
        """Let the keeper work until nothing is left."""
        while self.keeper.step():
            pass

    def check(self, address: str, **more: Any) -> list[Fault]:
        return check(self.places, self.rig.clock, address, **more).faults

    def move(self, target: str, **more: Any) -> Any:
        return move(self.keeper, self.rig.clock, target, **more)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.rig.notary.close()


def files(house: House, count: int = 3) -> list[str]:
    return [house.file(bytes([n]) * (n * LEAF_BYTES + 100)) for n in range(count)]


def whole(store: CheckedStore, cids: list[str]) -> bool:
    return all(store.holds(cid) and store.verify(cid) for cid in cids)


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


# -- checking ---------------------------------------------------------------------------------------------------------


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


# -- moving -----------------------------------------------------------------------------------------------------------


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
    late = house.stores["embedded"].put_stream(io.BytesIO(b"sealed before the move, its record after it"))
    assert house.move("kubo:a").finished
    at = house.index.cursor("", 1)
    assert house.index.name(1, at, [(at, late)], at + 1)
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
