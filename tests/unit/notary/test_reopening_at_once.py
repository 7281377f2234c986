"""A closed log is begun anew while others write to it, erase from it or look at it: nothing is lost or comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.errors import ConflictError, NotFoundError
from ledger.store.engine import open_engine
from ledger.types import Kind
from notary.erasing import Erasing
from notary.erasures import State, proves
from notary.fsck import fsck
from notary.reopening import Reopened, reopen, struck_out
from tests.fakes.notary import ISSUER, ORIGIN, SECOND, Rig, certificate
from tests.unit.notary.test_reopening import anchored

GOOD = 2
ONE, TWO = b"\1" * 32, b"\2" * 32
ORDER = "鄂法令〔2026〕12号"


@pytest.fixture
def rig(tmp_path: Path, database: str) -> Iterator[Rig]:
    """Two certificates under a checkpoint, two more above it; the log is open."""
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND), database=database)
    for first in (0, GOOD):
        made.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in (first, first + 1)], key=f"{first}")
        anchored(made)
    yield made
    made.notary.close()


class Died(Exception):
    """The process ended here."""


def close(rig: Rig) -> None:
    rig.chain.close_log(rig.notary.log(ORIGIN).log_id, GOOD)


def begun(rig: Rig, *good: int) -> Reopened:
    return reopen(rig.notary, rig.clock, ORIGIN, SECOND, last_good=GOOD, good=good)


def beside(rig: Rig, act: Callable[[], object]) -> threading.Thread:
    """Another's act, begun now: this returns when it is over, or waits for a lock of the database."""
    thread = threading.Thread(target=act)
    thread.start()
    watching = open_engine(rig.database)
    with watching.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while thread.is_alive():
            waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if rig.database.startswith("sqlite") or connection.scalar(waiting):
                break
            thread.join(0.01)
    watching.dispose()
    return thread


def test_record__on_its_way_when_the_log_was_begun_anew__refused_and_free_for_the_new_shard(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rig.notary.check_kinds

    def closed_meanwhile(*given: Any) -> None:
        monkeypatch.setattr(rig.notary, "check_kinds", real)
        close(rig)
        begun(rig, 2, 3)
        real(*given)

    monkeypatch.setattr(rig.notary, "check_kinds", closed_meanwhile)
    with pytest.raises(ConflictError) as caught:
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(9)])
    assert caught.value.code == "notary.log_closed"
    [accepted] = rig.notary.accept_records(ISSUER, SECOND, [certificate(9)])
    assert (accepted.repeated, accepted.receipt.origin, accepted.receipt.index) == (False, SECOND, 3)


def test_erasure__confirmed_while_the_record_is_copied_to_the_new_shard__gone_there_as_well(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(rig)
    other = Erasing(rig.notary, rig.clock)
    other.propose(ISSUER, ORIGIN, 3, ORDER, ONE)
    real, threads = rig.notary.store.carry, list[threading.Thread]()

    def meanwhile(*given: Any, **more: Any) -> None:
        real(*given, **more)
        if not threads:
            threads.append(beside(rig, lambda: other.confirm(ISSUER, ORIGIN, 3, ORDER, TWO)))

    monkeypatch.setattr(rig.notary.store, "carry", meanwhile)
    begun(rig, 2, 3)
    threads[0].join()
    while other.step():
        pass
    for origin, index in ((ORIGIN, 3), (SECOND, 2)):
        with pytest.raises(NotFoundError, match="erased"):
            rig.notary.record(origin, index)
        row = other.target(ISSUER, origin, index).row
        assert row is not None
        assert row.state is State.DONE
    assert rig.notary.locate(identifier=certificate(3)["identifier"]) == []


def test_erasure__just_before_the_new_shard_is_begun__told_as_erased_there_too(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(rig)
    rig.notary.erasing.propose(ISSUER, ORIGIN, 3, ORDER, ONE)
    with monkeypatch.context() as no_shard_yet:
        no_shard_yet.setattr(rig.notary, "current_log", lambda department: None)
        assert rig.notary.erasing.confirm(ISSUER, ORIGIN, 3, ORDER, TWO).state is State.DESTROYED
    begun(rig, 2, 3)
    with pytest.raises(NotFoundError, match="erased"):
        rig.notary.record(SECOND, 2)
    assert rig.notary.erasing.step()
    assert not rig.notary.erasing.step()
    [item] = rig.notary.erasing.listed(SECOND)
    assert item.index == 2
    assert item.proof is not None
    assert item.proof != rig.notary.erasing.listed(ORIGIN)[0].proof


@pytest.mark.parametrize("act", ["", "listed", "entered", "proved", "scrubbed"])
def test_reopen__an_erasure_was_entered_in_the_shard_before__begun_after_it_and_found_again(rig: Rig, act: str) -> None:
    """The shard is there already, open and empty: wherever the erasure was cut off, both come to their end."""
    close(rig)

    def die(step: str) -> None:
        if step == act:
            raise Died

    erasing = rig.notary.erasing
    erasing.propose(ISSUER, ORIGIN, 0, ORDER, ONE)  # counts: under the checkpoint
    erasing.propose(ISSUER, ORIGIN, 3, ORDER, ONE)
    rig.hook = die
    for index in (0, 3):
        with suppress(Died):
            erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO)
    rig.hook = lambda step: None
    before = len(rig.entries(SECOND))
    done = begun(rig, 2, 3)
    assert done.moved == {2: before + 1, 3: before + 2}
    kinds = [Kind(raw[1]) for raw in rig.entries(SECOND)]
    assert kinds == [*[Kind.ERASURE] * before, Kind.CHECKPOINT, Kind.CERTIFICATE, Kind.CERTIFICATE]
    assert rig.notary.record(SECOND, before) == done.record
    while rig.notary.erasing.step():
        pass
    entries = rig.entries(SECOND)
    rig.again()
    assert (begun(rig, 2, 3), rig.entries(SECOND)) == (done, entries)
    for others in ((2,), (3,), ()):
        with pytest.raises(ConflictError, match=r"reopen\.begun_otherwise"):
            begun(rig, *others)
    assert rig.notary.record(SECOND, before + 1) == certificate(2)
    for origin, index in ((ORIGIN, 0), (ORIGIN, 3), (SECOND, before + 2)):
        with pytest.raises(NotFoundError, match="erased"):
            rig.notary.record(origin, index)
    anchored(rig)
    for origin in (ORIGIN, SECOND):
        for item in rig.notary.erasing.listed(origin):
            assert item.proof is not None
            assert proves(item, origin, rig.notary.prover.entry(item.proof.origin, item.proof.index))
        with rig.notary.store.reading() as connection:
            raws = rig.notary.store.entries_from(connection, rig.notary.log(origin).id, 0, 100)
        report = fsck(rig.notary.logs[origin], rows=enumerate(raws))
        assert report.sound, report.findings


def test_reopen__anything_but_erasures_was_written_before__refused(rig: Rig) -> None:
    close(rig)
    erasing = rig.notary.erasing
    erasing.propose(ISSUER, ORIGIN, 0, ORDER, ONE)
    assert erasing.confirm(ISSUER, ORIGIN, 0, ORDER, TWO).state is State.DONE
    rig.notary.accept_records(ISSUER, SECOND, [certificate(9)])
    entries = rig.entries(SECOND)
    assert [raw[1] for raw in entries] == [Kind.ERASURE, Kind.CERTIFICATE]
    with pytest.raises(ConflictError, match=r"reopen\.begun_otherwise"):
        begun(rig, 2)
    assert rig.entries(SECOND) == entries


def test_struck_out__erased_while_it_is_listed__listed_without_identifier(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(rig)
    real = rig.notary.record

    def meanwhile(*given: Any) -> dict[str, Any]:
        monkeypatch.setattr(rig.notary, "record", real)
        rig.notary.erasing.propose(ISSUER, ORIGIN, 3, ORDER, ONE)
        rig.notary.erasing.confirm(ISSUER, ORIGIN, 3, ORDER, TWO)
        return real(*given)

    monkeypatch.setattr(rig.notary, "record", meanwhile)
    found = struck_out(rig.notary, ORIGIN, GOOD)
    assert [(s.index, s.identifier) for s in found] == [(2, certificate(2)["identifier"]), (3, None)]
