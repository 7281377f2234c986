"""An index of places over a disk in memory, and the dict that it must equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from notary.stores.disk import Disk
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import position_of
from notary.stores.run_list import Cover
from tests.fakes.disk import MemoryDisk

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


def full(disk: MemoryDisk) -> tuple[PlaceIndex, Model]:
    model = Model({1: [key(7 * n) for n in range(43)], 2: [key(7 * n + 1) for n in range(9)]})
    index = opened(disk)
    follow(index, model)
    return index, model


def files(disk: MemoryDisk) -> Iterator[Path]:
    return (HOME / "index" / name for name in disk.names(HOME / "index") if name != "write.lock")
