"""The index against a dict: any course of additions, removals, runs, merges and other processes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from notary.stores.disk import Disk
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import position_of
from tests.fakes.disk import FailAt, ProcessKilled, never
from tests.unit.notary.place_index import HOME, Model, check, expected, follow, full, key, keys_of, memory_disk, opened

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "flush", "reopen", "other", "rebuild"]),
        st.integers(1, 3),
        st.lists(st.integers(0, 60), min_size=1, max_size=20),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_index__any_course_by_two_processes__equals_the_dict(steps: list[tuple[str, int, list[int]]]) -> None:
    disk, model = memory_disk(), Model()
    mine, others = opened(disk), opened(disk)
    for step, log, numbers in steps:
        match step:
            case "add":
                first = len(model.setdefault(log, []))
                model[log] += map(key, numbers)
                follow_first = mine.upto(log) == first
                mine.add(log, first, keys_of(model, log, first))
                assert mine.upto(log) == (len(model[log]) if follow_first else mine.upto(log))
            case "flush":
                mine.flush()
            case "reopen":
                mine = opened(disk)
            case "other":
                mine, others = others, mine
            case "rebuild":
                fresh = opened(disk, HOME / "index" / "anew")
                disk.make_folder(HOME / "index")
                for name in disk.names(fresh.folder):
                    disk.remove(fresh.folder / name)
                follow(fresh, model)
                fresh.flush()
                mine.adopt(fresh)
        follow(mine, model)
        check(mine, model)
    follow(others, model)
    check(others, model)
    assert mine.count() >= sum(map(len, model.values()))


KINDS = st.sampled_from(["add", "add", "add", "flush", "reopen", "other", "remove", "remove", "vanish"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(KINDS, st.integers(1, 3), st.lists(st.integers(0, 60), min_size=1, max_size=20)), max_size=25)
)
def test_index__some_without_a_key_and_some_removed__equals_the_dict_and_files_hold_nothing_more(
    steps: list[tuple[str, int, list[int]]],
) -> None:
    """As identifiers are kept: `remove` after the rows went; `vanish`: rows of which a run may still tell a while."""
    disk, model, removed = memory_disk(), Model(), set[int]()

    def prove(log: int, upto: int, keys: Sequence[bytes | None]) -> str:
        return f"{log}/{upto}"

    mine, others = opened(disk, model=model), opened(disk, model=model)
    for step, log, numbers in steps:
        keys = model.setdefault(log, [])
        taken = {n % len(keys) for n in numbers} if keys else set()
        match step:
            case "add":
                keys += [key(n) if n % 3 else None for n in numbers]
            case "flush":
                mine.flush()
            case "reopen":
                mine = opened(disk, model=model)
            case "other":
                mine, others = others, mine
            case "remove" | "vanish":
                for n in taken:
                    keys[n] = None
                if step == "remove":
                    removed |= {position_of(log, n) for n in taken}
                    mine.remove({position_of(log, n) for n in taken})
        for index in (mine, others):
            follow(index, model, prove)
            wanted, found = expected(model), index.find([key(n) for n in range(61)])
            assert all(set(positions) <= set(found[k]) for k, positions in wanted.items())
        files = opened(disk, model=model)
        files.refresh()
        positions = [p for _, run in files.runs for p in run.positions.tolist()]
        assert removed.isdisjoint(positions)
        assert len(set(positions)) == len(positions)


def test_remove__killed_at_every_call__removed_by_the_next_call() -> None:
    counted = FailAt(10**9)
    for at in range(10**9):
        disk = memory_disk()
        index, model = full(disk)
        index.flush()
        wanted = {position_of(1, n) for n in (0, 7, 42)} | {position_of(2, 3)}
        disk.hook = counted = FailAt(at)
        try:
            index.remove(wanted)
        except ProcessKilled:
            disk.hook = never
            disk.lose_power(random.Random(at))
            opened(disk).remove(wanted)
        else:
            assert counted.calls > 5
            break
        (again := opened(disk)).refresh()
        left = {p for _, run in again.runs for p in run.positions.tolist()}
        assert left == {position_of(log, n) for log, keys in model.items() for n in range(len(keys))} - wanted
        assert {name for name in disk.names(HOME / "index") if name.endswith(".run")} == {r.name for r, _ in again.runs}


def test_restored_database__other_entries_below_what_the_runs_cover__all_is_read_again() -> None:
    disk = memory_disk()
    index, model = full(disk)
    other = Model({1: [*model[1][:20], *(key(10**6 + n) for n in range(40))], 2: model[2]})
    for found in (index, opened(disk)):
        follow(found, other)
        check(found, other)
    shorter = Model({1: model[1][:3]})
    follow(index := opened(disk), shorter)
    check(index, shorter)


def test_other_process__merged_meanwhile__the_first_goes_on_with_what_it_mapped(tmp_path: Path) -> None:
    mine, others = opened(Disk(), tmp_path / "index"), opened(Disk(), tmp_path / "index")
    model = Model({1: [key(n) for n in range(20)]})
    follow(mine, model)
    held = [run for _, run in mine.runs]
    model[1] += [key(n) for n in range(100, 200)]
    follow(others, model)
    assert not (tmp_path / "index" / held[0].name).exists()
    assert mine.find([key(3)]) == {key(3): [position_of(1, 3)]}
    follow(mine, model)
    check(mine, model)


def test_beside__many_additions__runs_are_written_in_a_thread(tmp_path: Path) -> None:
    index = PlaceIndex(tmp_path / "index", flush_at=100, fan=2)
    keys = [key(n * 2**40) for n in range(5000)]
    for first in range(0, 5000, 50):
        index.add(1, first, keys[first : first + 50])
    index.close()
    check(index, Model({1: [*keys]}))
    index.flush()
    assert len(index.runs) <= 8
    follow(again := opened(Disk(), tmp_path / "index"), Model({1: [*keys]}))
    check(again, Model({1: [*keys]}))
