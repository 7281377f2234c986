"""The index against a dict: any course of additions, runs, merges, other processes, crashes and lost files."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import IntegrityError, UnavailableError
from notary.stores import runs
from notary.stores.disk import Disk
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import position_of
from notary.stores.run_list import EMPTY, Cover, RunList, RunName, merge_due, parse_run_list
from notary.stores.runs import digest_of, merged, open_run, rises, run_of, size_of
from tests.fakes.disk import FailAt, MemoryDisk, ProcessKilled, never

HOME = Path("/disk")
Model = dict[int, list[bytes | None]]
"""Log → keys of its entries, as the database has them; None: one without a key, or whose key is gone."""


def key(n: int) -> bytes:
    return n.to_bytes(8)


def keys_of(model: Model, log: int, first: int) -> list[bytes]:
    return [k for k in model[log][first:] if k is not None]


def opened(disk: Disk, folder: Path = HOME / "index", model: Model | None = None) -> PlaceIndex:
    def gone(low: int, high: int) -> set[int]:
        found = [position_of(log, n) for log, keys in (model or {}).items() for n, k in enumerate(keys) if k is None]
        return {position for position in found if low <= position <= high}

    return PlaceIndex(folder, disk, flush_at=8, fan=2, beside=False, gone=gone)


def proof(log: int, upto: int, keys: Sequence[bytes | None]) -> str:
    """What the entry before `upto` is known by, whether or not a key is left of it."""
    return (keys[upto - 1] or b"").hex()


def follow(index: PlaceIndex, model: Model, prove: Callable[[int, int, Sequence[bytes | None]], str] = proof) -> None:
    """What Following does from the database."""
    index.refresh()
    for log, keys in model.items():
        cover = index.unproven(log)
        if cover is not None and not (cover.upto <= len(keys) and prove(log, cover.upto, keys) == cover.last):
            index.forget()
    for log, keys in model.items():
        while (first := index.upto(log)) < len(keys):
            part = keys[first : first + 5]
            pairs = [(k, position_of(log, n)) for n, k in enumerate(part, first) if k is not None]
            upto = first + len(part)
            index.add_some(log, first, Cover(upto, prove(log, upto, keys)), pairs)


def expected(model: Model) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for log, keys in model.items():
        for offset, k in enumerate(keys):
            if k is not None:
                found.setdefault(k, []).append(position_of(log, offset))
    return {k: sorted(positions) for k, positions in found.items()}


def check(index: PlaceIndex, model: Model) -> None:
    wanted = expected(model)
    assert index.find([*wanted, key(2**63)]) == wanted
    for log, keys in model.items():
        assert index.upto(log) == len(keys)


def memory_disk() -> MemoryDisk:
    disk = MemoryDisk()
    disk.make_folder(HOME)
    disk.sync_folder(HOME.parent)
    return disk


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


def lived(disk: MemoryDisk, model: Model, sizes: Sequence[int]) -> None:
    """A life: entries committed to the database, then told to the index."""
    index = opened(disk)
    for number, size in enumerate(sizes):
        log = 1 + number % 2
        follow(index, model)
        first = len(model.setdefault(log, []))
        model[log] += [key(1000 * number + n) for n in range(size)]
        index.add(log, first, keys_of(model, log, first))


@pytest.mark.parametrize("power", [True, False])
def test_crash__at_every_call__nothing_is_missing_after_it(power: bool) -> None:
    sizes = [5, 9, 3, 20, 8, 1, 30]
    counted = FailAt(10**9)
    disk = memory_disk()
    disk.hook = counted
    lived(disk, {}, sizes)
    assert counted.calls > 60
    for at in range(counted.calls):
        disk, model = memory_disk(), Model()
        disk.hook = FailAt(at)
        with pytest.raises(ProcessKilled):
            lived(disk, model, sizes)
        disk.hook = never
        if power:
            disk.lose_power(random.Random(at))
        else:
            disk.kill()
        index = opened(disk)
        follow(index, model)
        check(index, model)
        index.flush()
        check(index, model)
        names = {run.name for run, _ in index.runs}
        assert {name for name in disk.names(HOME / "index") if name.endswith(".run")} == names


def test_failing_disk__at_every_call__entries_stay_in_memory_until_it_works() -> None:
    for at in range(40):
        disk, model = memory_disk(), Model()
        index = opened(disk)
        disk.hook = FailAt(at, 28)
        for number in range(4):
            model[1] = [key(n) for n in range(10 * number + 10)]
            with suppress(UnavailableError):
                index.add(1, 10 * number, keys_of(model, 1, 10 * number))
            check(index, model)
        disk.hook = never
        index.flush()
        check(index, model)
        assert index.count() == len(model[1]), at
        follow(again := opened(disk), model)
        check(again, model)


def test_sweep__folder_cant_be_read_once__no_entry_is_written_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is in force by then, and memory must agree with it, whatever becomes of the files that don't count."""
    disk, model = memory_disk(), Model({1: [key(n) for n in range(5)]})
    index = opened(disk)
    follow(index, model)

    def unreadable(folder: Path) -> dict[str, int]:
        raise OSError(5, "EIO")

    with monkeypatch.context() as patched:
        patched.setattr(disk, "names", unreadable)
        with pytest.raises(UnavailableError):
            index.flush()
    model[1] += [key(n) for n in range(5, 9)]
    for each in (index, opened(disk)):
        follow(each, model)
        each.flush()
        assert each.count() == len(model[1])


def full(disk: MemoryDisk) -> tuple[PlaceIndex, Model]:
    model = Model({1: [key(7 * n) for n in range(43)], 2: [key(7 * n + 1) for n in range(9)]})
    index = opened(disk)
    follow(index, model)
    return index, model


def files(disk: MemoryDisk) -> Iterator[Path]:
    return (HOME / "index" / name for name in disk.names(HOME / "index") if name != "write.lock")


def test_damage__a_file_gone_cut_or_foreign__all_is_read_again() -> None:
    disk = memory_disk()
    full(disk)
    for path, whole in [(path, disk.read(path)) for path in files(disk)]:
        for data in (None, b"", whole[:-1], whole[: len(whole) // 2], b"\xff" + whole[1:]):
            disk = memory_disk()
            _, model = full(disk)
            if data is None:
                disk.remove(path)
            else:
                disk.damage(path, data)
            index = opened(disk)
            follow(index, model)
            check(index, model)
            index.flush()
            follow(again := opened(disk), model)
            check(again, model)


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


@given(st.lists(st.lists(st.integers(0, 50), max_size=40), max_size=5), st.integers(1, 7))
def test_merged__any_runs_in_any_pieces__one_run_of_all(parts: list[list[int]], piece: int) -> None:
    made = [run_of("", [key(n) for n in numbers], range(len(numbers)), len(numbers)) for numbers in parts]
    total, before = sum(map(len, parts)), runs.PIECE
    data = bytearray(size_of(total))
    runs.PIECE = piece
    try:
        for offset, written in merged(made):
            data[offset : offset + len(written)] = written
        found = open_run("x", bytes(data), total)
        assert rises(found)
    finally:
        runs.PIECE = before
    pairs = sorted(zip(found.keys.tolist(), found.positions.tolist(), strict=True))
    assert pairs == sorted((n, at) for numbers in parts for at, n in enumerate(numbers))
    assert list(np.diff(found.keys.astype(np.int64)) >= 0) == [True] * max(0, total - 1)
    assert digest_of(found) == digest_of(open_run("x", memoryview(bytes(data)), total))


@given(st.integers(1, 400), st.integers(2, 5))
def test_merge_due__runs_of_one_size_one_after_the_other__few_stay(count: int, fan: int) -> None:
    sizes: list[int] = []
    written = 0
    for _ in range(count):
        sizes.append(8)
        while due := merge_due(sizes, base=8, fan=fan):
            total = sum(sizes[n] for n in due)
            written += total
            sizes = [*(size for n, size in enumerate(sizes) if n not in due), total]
    assert sum(sizes) == 8 * count
    tiers = 1
    while fan**tiers <= count:
        tiers += 1
    assert len(sizes) <= (fan - 1) * tiers
    assert written <= 8 * count * (tiers - 1)


def test_run_list__any_bit_changed__never_read() -> None:
    whole = RunList(3, (RunName("0000000003.run", 8, "ab" * 32),), {1: Cover(8, "00" * 8)}).to_bytes()
    assert parse_run_list(whole).to_bytes() == whole
    assert parse_run_list(EMPTY.to_bytes()) == EMPTY
    for at in range(len(whole)):
        for bit in (1, 16):
            changed = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
            with suppress(IntegrityError):
                assert parse_run_list(changed).to_bytes() == whole  # white space only
