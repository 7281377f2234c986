"""A crash, a lost power supply, a full or failing disk at every single call of the log.

The record store is played by a list: it holds every entry that was ever tried, so an entry that wasn't acknowledged is
appended again with the same bytes (architecture.md, Commit order). What must hold after anything: what was acknowledged
is there, an index never changes, heads only grow, one root per size, and fsck finds nothing.

Over 300 lines: one house goes through every fault, by example and as a state machine.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.errors import UnavailableError
from notary.fsck import fsck
from notary.log import Head
from notary.merkle import verify_inclusion
from notary.stores.tiles import TileLog
from tests.fakes.disk import FailAt, MemoryDisk, ProcessKilled, never
from tests.fakes.log import KEY_NAME, ORIGIN, RememberingSigner, make_entries, root_of

FOLDER = Path("/log")


class House:
    """A log, the record store beside it, and what has been promised to others."""

    def __init__(self) -> None:
        self.disk = MemoryDisk()
        self.signer = RememberingSigner()
        self.rows: list[bytes] = []
        self.acknowledged = 0
        self.shown: list[Head] = []
        self.log = TileLog(FOLDER, ORIGIN, disk=self.disk)

    def append(self, count: int) -> None:
        """New rows, then the log brought up to all rows, as the service does it."""
        self.rows += make_entries(count, len(self.rows))
        with self.log.appending() as appending:
            appending.append(appending.durable_size, self.rows[appending.durable_size :])
        self.acknowledged = len(self.rows)

    def seal(self) -> None:
        sealed = self.log.seal(self.signer, KEY_NAME, extends=self.shown[-1:])
        if sealed is not None:
            self.shown.append(Head(sealed.size, sealed.root))

    def restart(self, power: random.Random | None) -> None:
        self.disk.hook = never
        self.disk.kill()
        if power is not None:
            self.disk.lose_power(power)
        self.log = TileLog(FOLDER, ORIGIN, disk=self.disk)

    def check(self) -> None:
        durable, checkpoint = self.log.durable_size(), self.log.checkpoint()
        assert self.acknowledged <= durable <= len(self.rows)
        assert self.log.entries(0, durable) == self.rows[:durable]
        sealed = checkpoint.size if checkpoint else 0
        assert sealed <= durable
        assert sealed >= (self.shown[-1].size if self.shown else 0)
        if checkpoint is not None:
            assert checkpoint.root == root_of(self.rows[:sealed])
        report = fsck(self.log, rows=enumerate(self.rows), anchors=self.shown)
        assert report.sound, report.findings
        assert (report.sealed, report.durable, report.rows_ahead) == (sealed, durable, len(self.rows) - durable)


def scenario(house: House) -> Iterator[str]:
    """Crosses the edge of a tile, leaves partial tiles behind, seals what two appends left."""
    house.append(200)
    yield "first append"
    house.seal()
    yield "first seal"
    house.append(50)
    house.append(300)
    yield "more"
    house.seal()
    yield "second seal"
    house.append(1)
    house.seal()
    yield "third seal"


def count_calls() -> int:
    house, counter = House(), FailAt(-1)
    house.disk.hook = counter
    for _ in scenario(house):
        house.check()
    return counter.calls


CALLS = count_calls()


def test_scenario__no_fault__every_call_is_a_point_to_fail_at() -> None:
    assert CALLS > 80


@pytest.mark.parametrize("at", range(CALLS))
@pytest.mark.parametrize("power", [None, 1, 2], ids=lambda p: "killed" if p is None else f"power{p}")
def test_crash__at_every_call__nothing_acknowledged_is_lost(at: int, power: int | None) -> None:
    house = House()
    house.disk.hook = FailAt(at)
    with pytest.raises(ProcessKilled):
        for _ in scenario(house):
            pass
    house.restart(None if power is None else random.Random(power * 1000 + at))
    house.check()
    house.append(3)
    house.seal()
    house.check()
    assert house.log.sealed_size() == len(house.rows)
    house.restart(random.Random(at))
    house.check()
    assert house.log.sealed_size() == len(house.rows)


@pytest.mark.parametrize("at", range(CALLS))
@pytest.mark.parametrize("power", [1, 2])
def test_crash__then_only_looked_at__what_was_relied_on_is_durable(at: int, power: int) -> None:
    """The process dies, the next one finds everything written and nothing to do, then the power goes."""
    house = House()
    house.disk.hook = FailAt(at)
    with pytest.raises(ProcessKilled):
        for _ in scenario(house):
            pass
    house.restart(None)
    house.append(0)
    house.restart(random.Random(power * 1000 + at))
    house.check()
    house.seal()
    house.restart(random.Random(power * 2000 + at))
    house.check()


@pytest.mark.parametrize("at", range(CALLS))
@pytest.mark.parametrize("power", range(2))
def test_crash__then_only_sealed__nothing_is_dropped_too_early(at: int, power: int) -> None:
    house = House()
    house.disk.hook = FailAt(at)
    with pytest.raises(ProcessKilled):
        for _ in scenario(house):
            pass
    house.restart(None)
    house.seal()
    house.restart(random.Random(power * 1000 + at))
    house.check()


@pytest.mark.parametrize("at", range(CALLS))
@pytest.mark.parametrize(
    ("error", "stays", "code"),
    [(errno.ENOSPC, True, "disk.full"), (errno.EIO, True, "disk.failed"), (errno.EIO, False, "disk.failed")],
)
def test_disk_error__at_every_call__refused_and_nothing_half_visible(
    at: int, error: int, stays: bool, code: str
) -> None:
    house = House()
    house.disk.hook = FailAt(at, error, stays)
    codes: set[str] = set()
    before = 0
    steps: list[Callable[[], None]] = [lambda: house.append(200), house.seal, lambda: house.append(350), house.seal]
    for step in steps:
        before = house.log.durable_size()
        try:
            step()
        except UnavailableError as failure:
            codes.add(failure.code)
            assert house.log.durable_size() in (before, len(house.rows))
    assert codes <= {code}
    house.disk.hook = never
    house.check()
    house.append(1)
    house.seal()
    house.check()
    assert house.log.sealed_size() == len(house.rows)


def test_disk_error__append_fails_once__no_pending_bundle_is_left() -> None:
    for at in range(5):  # open, write, fsync, rename, the folder's fsync
        house = House()
        house.append(5)
        house.disk.hook = FailAt(at, errno.EIO)
        with pytest.raises(UnavailableError):
            house.append(5)
        assert house.log.durable_size() == 5
        assert list(house.disk.names(FOLDER / "pending")) == ["0" * 16]


@pytest.mark.parametrize("cut", [0, 1, 40, 200, -1])
@pytest.mark.parametrize("which", [0, 5])
def test_torn_pending_bundle__counts_as_not_there__put_aside_and_written_again(cut: int, which: int) -> None:
    house = House()
    house.append(5)
    house.append(5)
    path = FOLDER / "pending" / f"{which:016}"
    house.disk.damage(path, house.disk.read(path)[:cut])
    house.restart(None)
    assert house.log.durable_size() == which
    report = fsck(house.log, rows=enumerate(house.rows))
    assert "fsck.pending_damaged" in {finding.code for finding in report.findings}
    house.append(1)
    house.seal()
    house.check()
    assert house.log.sealed_size() == 11
    assert list(house.disk.names(FOLDER / "damaged")) == [f"{which:016}.0"]


def test_torn_pending_bundle__other_bytes_under_later_ones__refused() -> None:
    house = House()
    house.append(5)
    house.append(5)
    house.disk.damage(FOLDER / "pending" / f"{0:016}", b"")
    house.restart(None)
    house.rows[7] = make_entries(1, 999)[0]
    with pytest.raises(Exception, match=r"log\.index_taken: index=7"):
        house.append(1)


@pytest.mark.parametrize("power", range(8))
def test_crash__another_process_died_before_its_checkpoint_was_durable__ours_makes_it_so(power: int) -> None:
    house = House()
    house.append(10)
    house.seal()
    house.append(10)
    other = TileLog(FOLDER, ORIGIN, disk=house.disk)
    calls: list[str] = []

    def die_after_checkpoint(call: str, path: Path) -> None:
        if "checkpoint" in calls:
            raise ProcessKilled
        calls.append(path.name if call == "rename" else "")

    house.disk.hook = die_after_checkpoint
    with pytest.raises(ProcessKilled):
        other.seal(house.signer, KEY_NAME)
    house.disk.hook = never
    house.disk.kill()
    assert house.log.sealed_size() == 20
    house.seal()
    assert not house.disk.names(FOLDER / "pending")
    house.restart(random.Random(power))
    house.check()
    assert house.log.sealed_size() == 20


def test_lost_checkpoint__rows_are_appended_again__same_tree() -> None:
    house = House()
    house.append(300)
    house.seal()
    house.append(10)
    house.disk.remove(FOLDER / "checkpoint")
    house.restart(None)
    with house.log.appending() as appending:
        appending.append(appending.durable_size, house.rows)
    house.seal()
    house.check()
    assert house.log.sealed_size() == 310


def test_old_copy_restored__others_hold_a_larger_head__signs_only_when_it_has_caught_up() -> None:
    house = House()
    house.append(10)
    house.seal()
    old = house.disk.read(FOLDER / "checkpoint")
    house.append(10)
    house.seal()
    house.disk.damage(FOLDER / "checkpoint", old)
    house.restart(None)
    with house.log.appending() as appending:
        appending.append(10, house.rows[10:15])
    with pytest.raises(Exception, match=r"log\.shrinks"):
        house.seal()
    house.append(1)
    house.seal()
    house.check()


class LogMachine(RuleBasedStateMachine):
    """Random appends, seals and faults; the model is the list of rows."""

    faults = st.none() | st.tuples(
        st.integers(0, 40), st.sampled_from([None, errno.ENOSPC, errno.EIO]), st.integers(0, 2**32) | st.none()
    )

    @initialize()
    def begin(self) -> None:
        self.house = House()

    def attempt(self, step: Callable[[], None], fault: tuple[int, int | None, int | None] | None) -> None:
        if fault is None:
            step()
            return
        at, error, power = fault
        self.house.disk.hook = FailAt(at, error)
        try:
            step()
        except UnavailableError:
            self.house.disk.hook = never
        except ProcessKilled:
            self.house.restart(None if power is None else random.Random(power))
        self.house.disk.hook = never

    @rule(count=st.sampled_from([1, 2, 7, 100, 255, 256, 300]), fault=faults)
    def append(self, count: int, fault: tuple[int, int | None, int | None] | None) -> None:
        self.attempt(lambda: self.house.append(count), fault)

    @rule(fault=faults)
    def seal(self, fault: tuple[int, int | None, int | None] | None) -> None:
        self.attempt(self.house.seal, fault)

    @rule(limit=st.integers(1, 300))
    def seal_some(self, limit: int) -> None:
        sealed = self.house.log.seal(self.house.signer, KEY_NAME, limit=limit)
        if sealed is not None:
            self.house.shown.append(Head(sealed.size, sealed.root))

    @rule(power=st.integers(0, 2**32) | st.none())
    def restart(self, power: int | None) -> None:
        self.house.restart(None if power is None else random.Random(power))

    @precondition(lambda self: self.house.log.sealed_size() > 0)
    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        log = self.house.log
        size = data.draw(st.integers(1, log.sealed_size()))
        index = data.draw(st.integers(0, size - 1))
        leaf = root_of([self.house.rows[index]])
        assert log.root(size) == root_of(self.house.rows[:size])
        assert verify_inclusion(index, size, leaf, log.inclusion_path(index, size), log.root(size))

    @invariant()
    def holds(self) -> None:
        self.house.check()


LogMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
TestLogMachine = LogMachine.TestCase
