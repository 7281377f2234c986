"""fsck of the indexes: sound after any life; every change of a run, and every entry that isn't in it, is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.errors import UnavailableError
from ledger.types import Digest, Origin
from notary.entry import Entry, status_key
from notary.erasures import State
from notary.stores.answers import Answers, answers_index
from notary.stores.index_check import check_entries, check_some
from notary.stores.names import Names, names_index
from notary.stores.places import LIST, PlaceIndex
from notary.stores.record_tables import answers, lookups, position_of
from notary.stores.run_list import Cover, RunList, RunName
from notary.stores.runs import Run, digest_of, merged
from notary.stores.standing import Standing
from tests.fakes.notary import ISSUER, ORIGIN, SECOND, Rig, certificate, document, packed


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND))
    made.notary.accept_commitments(ISSUER, ORIGIN, packed(40), key="a")
    made.notary.accept_records(ISSUER, SECOND, [certificate(n) for n in range(3)], key="b")
    made.notary.standing.index.flush()
    made.notary.accept_commitments(ISSUER, ORIGIN, packed(7, start=40), key="c")
    yield made
    made.notary.close()


def folder(rig: Rig) -> Path:
    return rig.notary.standing.index.folder


def codes(rig: Rig) -> list[str]:
    """What a process that has just started finds."""
    return [error.code for error in check_entries(Standing(rig.notary.store, PlaceIndex(folder(rig))))]


def run_file(rig: Rig) -> Path:
    [path] = folder(rig).glob("*.run")
    return path


def swapped(rig: Rig, change: object) -> None:
    """The runs replaced by changed ones, with a list that says so: what a fault of ours could write."""
    index = rig.notary.standing.index
    [(name, run)] = index.runs
    made: Run = change(run)  # type: ignore[operator]
    (folder(rig) / "0000000099.run").write_bytes(b"".join(data for _, data in sorted(merged([made]))))
    found = RunList(99, (RunName("0000000099.run", made.count, digest_of(made)),), index.covers)
    (folder(rig) / LIST).write_bytes(found.to_bytes())
    run_file_of_old = folder(rig) / name.name
    run_file_of_old.unlink()


def test_check__after_a_life__sound(rig: Rig) -> None:
    assert codes(rig) == []
    rig.notary.standing.index.flush()
    assert codes(rig) == []


def test_check__any_byte_of_a_run_changed__named(rig: Rig) -> None:
    path = run_file(rig)
    whole = path.read_bytes()
    for at in range(0, len(whole), 5):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert set(codes(rig)) & {"index.run", "index.run_changed"}, at


def test_check__an_entry_left_out__named(rig: Rig) -> None:
    swapped(rig, lambda run: Run("", run.keys[1:], run.positions[1:]))
    assert codes(rig) == ["index.entry_missing", "index.count"]


def test_check__a_stranger_in_it__named(rig: Rig) -> None:
    import numpy as np

    swapped(rig, lambda run: Run("", np.append(run.keys, run.keys[-1]), np.append(run.positions, np.uint64(5))))
    assert codes(rig) == ["index.count"]


def test_check__run_or_list_gone_or_torn__named(rig: Rig) -> None:
    path, run = folder(rig) / LIST, run_file(rig)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert codes(rig) == ["index.list"]
    path.write_bytes(whole)
    run.unlink()
    assert codes(rig) == ["index.run_missing"]


def test_check__more_than_the_database_has__named(rig: Rig) -> None:
    index = rig.notary.standing.index
    covers = {**index.covers, 1: Cover(60, "00" * 8), 9: Cover(1, "00" * 8)}
    (folder(rig) / LIST).write_bytes(RunList(99, tuple(name for name, _ in index.runs), covers).to_bytes())
    assert sorted(codes(rig)) == ["index.ahead", "index.ahead", "index.count"]


@pytest.mark.parametrize("change", ["left out", "torn", "sound"])
def test_rebuild__whatever_it_was__sound_and_found_by_a_running_service(rig: Rig, change: str) -> None:
    service = Rig(rig.home, origins=rig.origins, clock=rig.clock, chain=rig.chain)
    assert service.notary.place_of(Digest(bytes(32))) is None
    if change == "left out":
        swapped(rig, lambda run: Run("", run.keys[3:], run.positions[3:]))
    elif change == "torn":
        run_file(rig).write_bytes(b"")
    assert rig.notary.standing.rebuild() == 50
    assert codes(rig) == []
    for notary in (service.notary, rig.notary):
        for origin in rig.origins:
            for index, raw in enumerate(rig.entries(origin)):
                entry = Entry.from_bytes(raw)
                assert notary.place_of(status_key(entry.issuer, entry.sha256)) == (origin, index)
    assert {path.name for path in folder(rig).iterdir()} == {LIST, "write.lock", run_file(rig).name}
    service.notary.close()


def named(rig: Rig) -> list[str]:
    made = Names(rig.notary.store, names_index(rig.notary.store, rig.notary.names.index.folder))
    return [error.code for error in check_some(made)]


def changed(rig: Rig, statement: str, **values: object) -> None:
    with rig.notary.store.transaction() as connection:
        assert connection.execute(sa.text(statement), values).rowcount == 1


def test_names__after_a_life_with_an_erasure__sound(rig: Rig) -> None:
    assert named(rig) == []
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(10, 20)], key="d")
    rig.notary.names.index.flush()
    assert named(rig) == []
    rig.notary.erasing.propose(ISSUER, ORIGIN, 50, "order 1", b"\1" * 32)
    assert rig.notary.erasing.confirm(ISSUER, ORIGIN, 50, "order 1", b"\2" * 32).state is State.DONE
    assert sum(run.count for _, run in rig.notary.names.index.runs) == 12
    assert named(rig) == []


def test_names__runs_and_rows_apart__named(rig: Rig) -> None:
    rig.notary.names.index.flush()
    at = position_of(rig.notary.log(SECOND).id, 1)
    with rig.notary.store.reading() as connection:
        [row] = rig.notary.names.rows_at(connection, [at])
    changed(rig, "DELETE FROM lookups WHERE position = :at", at=at)
    assert named(rig) == ["index.count"]
    with rig.notary.store.transaction() as connection:
        rig.notary.store.insert(connection, lookups, [(row[0], row[1][::-1], *row[2:])])
    assert named(rig) == ["index.entry_missing"]
    assert rig.notary.names.rebuild() == 3
    assert named(rig) == []


def sound_during_an_erasure(rig: Rig, origin: Origin, index: int, found: Callable[[Rig], list[str]]) -> None:
    """Nothing is found while the disk is full after an erasure's runs were written, nor when it is done."""

    def stop(step: str) -> None:
        if step == "forgotten":
            raise UnavailableError("disk.full", retry_after=1, reason="ENOSPC")

    rig.notary.erasing._hook = stop
    rig.notary.erasing.propose(ISSUER, origin, index, "order 1", b"\1" * 32)
    rig.notary.erasing.confirm(ISSUER, origin, index, "order 1", b"\2" * 32)
    assert found(rig) == []
    rig.notary.erasing._hook = lambda step: None
    assert rig.notary.erasing.step()
    assert found(rig) == []


def test_names__erasure_under_way__no_finding(rig: Rig) -> None:
    rig.notary.names.index.flush()
    sound_during_an_erasure(rig, SECOND, 1, named)
    assert sum(run.count for _, run in rig.notary.names.index.runs) == 2


def answered(rig: Rig) -> list[str]:
    made = Answers(rig.notary.store, answers_index(rig.notary.store, rig.notary.answers.index.folder))
    return [error.code for error in check_some(made)]


def test_answers__after_a_life_with_erasures__sound(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(10)], key="k")
    rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])
    rig.notary.answers.index.flush()
    assert answered(rig) == []
    for index in (47, 48):
        rig.notary.erasing.propose(ISSUER, ORIGIN, index, "order 1", b"\1" * 32)
        assert rig.notary.erasing.confirm(ISSUER, ORIGIN, index, "order 1", b"\2" * 32).state is State.DONE
    rig.notary.answers.index.flush()
    assert answered(rig) == []


def test_answers__runs_and_rows_apart__named_and_mended(rig: Rig) -> None:
    for n in range(3):
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(10 + n)], key=f"k{n}")
    rig.notary.answers.index.flush()
    at = position_of(rig.notary.log(ORIGIN).id, 48)
    with rig.notary.store.reading() as connection:
        [row] = rig.notary.store.rows_at(connection, answers, [at])
    changed(rig, "DELETE FROM answers WHERE position = :at", at=at)
    assert answered(rig) == ["index.count"]
    with rig.notary.store.transaction() as connection:
        rig.notary.store.insert(connection, answers, [(*row[:3], row[3][::-1], *row[4:])])
    assert answered(rig) == ["index.entry_missing"]
    count = rig.notary.answers.rebuild()
    assert answered(rig) == []
    changed(rig, "UPDATE answers SET key = :key WHERE position = :at", key=row[3], at=at + 1)
    changed(rig, "UPDATE answers SET key = :key WHERE position = :at", key=row[3], at=at)
    assert rig.notary.answers.rebuild() == count
    assert answered(rig) == ["fsck.answer_twice"]


def test_answers__erasure_under_way__no_finding(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])
    rig.notary.answers.index.flush()
    sound_during_an_erasure(rig, ORIGIN, 47, answered)
