"""The index of places on a disk that fails, loses power or keeps what nobody wrote: nothing is missing after it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from ledger.errors import UnavailableError
from tests.fakes.disk import FailAt, MemoryDisk, ProcessKilled, never
from tests.unit.notary.place_index import HOME, Model, check, files, follow, full, key, keys_of, memory_disk, opened


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
