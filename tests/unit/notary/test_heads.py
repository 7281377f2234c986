"""Acceptance doesn't give an index out twice: not after a restore, whatever of it is as old as the rest."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import IntegrityError, UnavailableError
from ledger.types import Digest, LogId
from notary import heads
from notary.heads import Heads
from notary.stores.leases import LEASE
from notary.stores.marks import Marks
from notary.worker import Worker
from tests.fakes.notary import ISSUER, LANE, ORIGIN, START, ChainIndex, FakeClock, Rig, certificate

Head = tuple[int, Digest] | None


def take(rig: Rig, n: int) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n)])


def restored(tmp_path: Path) -> Rig:
    """A rig whose folder is a copy of when it had one entry; two more were promised and anchored since."""
    rig = Rig(tmp_path / "home")
    take(rig, 0)
    rig.notary.close()
    rig.notary.store.engine.dispose()
    shutil.copytree(rig.home, tmp_path / "backup")
    rig = Rig(tmp_path / "home", chain=rig.chain, outbox=rig.outbox)
    worker = Worker(rig.notary, rig.outbox, rig.index, lanes={ORIGIN: LANE}, clock=rig.clock)
    take(rig, 1)
    take(rig, 2)
    rig.clock.at = 4_000_000_000_000  # whatever waits has waited long enough
    worker.step()
    assert rig.outbox.deliver(rig.chain) == 1
    rig.notary.close()
    return Rig(tmp_path / "backup", chain=rig.chain, clock=FakeClock(START + 10 * LEASE))


def with_heads(rig: Rig, made: Heads) -> Rig:
    rig.notary.heads = rig.notary.acceptance._heads = made
    return rig


def test_restored__chain_holds_more__nothing_is_promised_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    old = restored(tmp_path)
    for n in (1, 9):
        with pytest.raises(IntegrityError, match=r"notary\.restored") as caught:
            take(old, n)
        assert caught.value.params == {"origin": ORIGIN, "log": 1, "chain": 3}
    assert len(old.entries()) == 1
    assert [error.code for error in old.notary.held_back()] == ["notary.restored"]
    old.notary.close()


def stale(rig: Rig) -> ChainIndex:
    """An index that was restored with the rest: it knows of no anchor."""
    index = ChainIndex(type(rig.chain)())
    index.chain.open_log(ORIGIN)
    return index


def test_restored_with_its_index__the_chain_itself_is_asked_once_after_the_start(tmp_path: Path) -> None:
    asked: list[LogId] = []

    def ask(log_id: LogId) -> Head:
        asked.append(log_id)
        return old.chain.log_head(log_id)

    old = restored(tmp_path)
    with_heads(old, Heads(stale(old), ask))
    for _ in range(2):
        with pytest.raises(IntegrityError, match=r"notary\.restored"):
            take(old, 9)
    assert len(asked) == 1
    old.notary.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between questions; patience lasts until a test ends it."""
    monkeypatch.setattr(heads, "PATIENCE", 3600.0)
    monkeypatch.setattr(heads, "ANSWER", 0.05)
    monkeypatch.setattr(heads, "AGAIN", 0.02)


def down(log_id: LogId) -> Head:
    raise UnavailableError("rpc.down", retry_after=1.0)


@pytest.mark.usefixtures("impatient")
def test_chain_is_away_at_the_start__held_back_for_a_while_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path / "home")
    with_heads(rig, Heads(rig.index, down))
    with pytest.raises(UnavailableError, match=r"notary\.unconfirmed"):
        take(rig, 0)
    assert [error.code for error in rig.notary.held_back()] == ["notary.unconfirmed"]
    monkeypatch.setattr(heads, "PATIENCE", 0.0)
    take(rig, 0)
    assert list(rig.notary.held_back()) == []
    rig.notary.close()


@pytest.mark.usefixtures("impatient")
def test_chain_comes_back__heard_before_patience_ends_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Callable[[LogId], Head]] = [down]
    old = restored(tmp_path)

    def ask(log_id: LogId) -> Head:
        return answers[-1](log_id)

    with_heads(old, Heads(stale(old), ask))
    monkeypatch.setattr(heads, "PATIENCE", 0.0)
    take(old, 9)  # the double failure that decision 0022 names: restored while the chain was away
    answers.append(old.chain.log_head)
    end = time.monotonic() + 60
    while not old.notary.heads._logs[ORIGIN].answered.is_set():
        assert time.monotonic() < end
        time.sleep(0.02)
    with pytest.raises(IntegrityError, match=r"notary\.restored"):
        take(old, 10)
    old.notary.close()


@pytest.mark.usefixtures("impatient")
def test_close__the_chain_still_away__it_is_asked_no_more(tmp_path: Path) -> None:
    asked = threading.Semaphore(0)

    def ask(log_id: LogId) -> Head:
        asked.release()
        return down(log_id)

    before = set(threading.enumerate())
    rig = Rig(tmp_path / "home")
    with_heads(rig, Heads(rig.index, ask))
    with pytest.raises(UnavailableError, match=r"notary\.unconfirmed"):
        take(rig, 0)
    asking = [t for t in threading.enumerate() if t.name == "notary-head" and t not in before]
    rig.notary.close()
    assert len(asking) == 1
    assert asked.acquire(timeout=60)
    for thread in asking:
        thread.join(60)
        assert not thread.is_alive()


def test_marks__a_database_below_the_mark__refused_and_otherwise_raised_with_each_promise(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks" / "net")
    rig = with_heads(Rig(tmp_path / "home"), made := Heads(ChainIndex(Rig(tmp_path / "x").chain), None, marks))
    log_id = rig.notary.log(ORIGIN).log_id
    take(rig, 0)
    assert marks.get(log_id) == 1
    rig.notary.close()
    shutil.copytree(tmp_path / "home", tmp_path / "backup")
    rig = with_heads(Rig(tmp_path / "home"), made)
    take(rig, 1)
    assert marks.get(log_id) == 2
    rig.notary.close()
    old = with_heads(Rig(tmp_path / "backup", clock=FakeClock(START + 10 * LEASE)), made)
    with pytest.raises(IntegrityError, match=r"notary\.below_mark") as caught:
        take(old, 1)
    assert caught.value.params == {"origin": ORIGIN, "log": 1, "mark": 2}
    [file] = (tmp_path / "marks" / "net").iterdir()
    file.write_bytes(b"2")
    with pytest.raises(IntegrityError, match=r"notary\.mark_damaged"):
        take(old, 1)
    file.write_bytes(b"")  # made and not written: its maker was killed before it promised anything
    take(old, 1)
    assert file.read_bytes() == b"%020d\n" % 2
    old.notary.close()


@pytest.mark.parametrize("what", ["mark", "chain"])
def test_held_back__a_log_goes_on_while_it_is_looked_at__isnt_behind(tmp_path: Path, what: str) -> None:
    """Health reads rows, then what others hold: what is accepted or anchored between the two is no restored backup."""
    goes_on: list[Callable[[], None]] = []

    class Busy(Marks):
        def get(self, log_id: LogId) -> int:
            if what == "mark" and goes_on:
                goes_on.pop()()
            return super().get(log_id)

    class Index(ChainIndex):
        def log_head(self, log_id: LogId) -> Head:
            if what == "chain" and goes_on:
                goes_on.pop()()
            return super().log_head(log_id)

    rig = Rig(tmp_path / "home")
    with_heads(rig, Heads(Index(rig.chain), None, Busy(tmp_path / "marks")))
    other = Rig(rig.home, clock=rig.clock, chain=rig.chain)
    with_heads(other, Heads(other.index, None, Marks(tmp_path / "marks")))
    take(rig, 0)

    def accepted_and_anchored() -> None:
        take(other, 1)
        other.notary.seal(ORIGIN)
        other.chain.anchor(other.notary.log(ORIGIN).log_id, 2, other.log.root(2))

    goes_on.append(accepted_and_anchored)
    assert list(rig.notary.held_back()) == []
    assert goes_on == []
    for each in (rig, other):
        each.notary.close()
