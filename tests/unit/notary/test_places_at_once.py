"""One index, several threads: whatever another one does while a run is written or merged, nothing is missing then.

The other thread's act is called at each call of the disk in turn, wherever the index's own lock is free.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from notary.stores.places import PlaceIndex
from tests.fakes.disk import MemoryDisk, never
from tests.unit.notary.place_index import HOME, Model, check, follow, full, key, keys_of, opened

CALLS = 60
Act = Callable[[PlaceIndex, Model], None]


def more(index: PlaceIndex, model: Model) -> None:
    model[1] += [key(10**6 + len(model[1]) + n) for n in range(3)]
    follow(index, model)


def anew(index: PlaceIndex, model: Model) -> None:
    """It was told that the files are of another database's entries, and reads all again."""
    index.forget()
    follow(index, model)


def forgotten(index: PlaceIndex, model: Model) -> None:
    index.forget()


def part(index: PlaceIndex, model: Model) -> None:
    """The same, and it has read the first rows so far."""
    index.forget()
    index.add(1, 0, keys_of(model, 1, 0)[:4])


def at_call(disk: MemoryDisk, index: PlaceIndex, number: int, act: Callable[[], None]) -> None:
    calls = 0

    def hook(call: str, path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls >= number and not index._lock._is_owned():  # type: ignore[attr-defined]
            disk.hook = never
            index._keep = lambda *, wait: None  # type: ignore[method-assign] # a run is being written already
            act()
            del index._keep

    disk.hook = hook


@pytest.mark.parametrize("act", [more, anew, forgotten, part])
@pytest.mark.parametrize("what", ["flush", "remove"])
def test_index__another_thread_at_any_call_of_the_disk__nothing_missing(act: Act, what: str) -> None:
    for number in range(1, CALLS):
        disk = MemoryDisk()
        disk.make_folder(HOME)
        index, model = full(disk)
        model[1] += [key(2 * 10**6 + n) for n in range(2)]
        follow(index, model)
        at_call(disk, index, number, lambda i=index, m=model: act(i, m))  # type: ignore[misc]
        if what == "flush":
            index.flush()
        else:
            index.remove({10**9})
        disk.hook = never
        for found in (index, opened(disk)):
            follow(found, model)
            check(found, model)
        index.flush()
        check(index, model)
        follow(again := opened(disk), model)
        check(again, model)
