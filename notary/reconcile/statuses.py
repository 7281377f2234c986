"""What isn't simply in force: a file of (position u64, status u8), sorted, looked up once beforehand.

Few differ, so nothing is asked of the chain per row; the file is gone through beside the look-ups, where it lies.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ledger.statuses import Decision, DecisionCode, status_at
from ledger.types import BlockTime, Digest, Millis
from notary.bulk.durable import sync
from notary.prove import AnchorIndex
from notary.reconcile.runs import merge_down, merged, run_name, write_run
from notary.reconcile.words import IN_FORCE
from notary.service import Notary
from notary.stores.records import position_of

if TYPE_CHECKING:
    from notary.reconcile.look_ups import Records

BATCH = 50_000
STATUSES = "statuses.bin"
_STATUS = np.dtype([("position", ">u8"), ("status", "u1")])
_RECORD = _STATUS.itemsize


class StatusIndex(AnchorIndex, Protocol):
    """What a comparison asks of the index of the chain."""

    def decisions(self, status_key: Digest) -> Sequence[Decision]: ...


class Decided(Protocol):
    """The status keys about which anything was decided, in order, beyond `after`."""

    def decided_keys(self, after: bytes, limit: int) -> list[Digest]: ...


def write_statuses(folder: Path, notary: Notary, index: StatusIndex, decided: Decided, now: Millis) -> Path:
    """The file of all entries of this notary that aren't simply in force at `now`, sorted by position."""
    path = folder / STATUSES
    for old in folder.glob("*.status"):
        old.unlink()
    batch: list[bytes] = []
    runs, after = 0, b""
    while keys := decided.decided_keys(after, 1_000):
        for key in keys:
            place = notary.place_of(key)
            if place is None:
                continue
            status = status_number(index.decisions(key), now)
            if status != IN_FORCE:
                batch.append(position_of(notary.log(place[0]).id, place[1]).to_bytes(8) + bytes([status]))
        after = keys[-1]
        if len(batch) >= BATCH:
            write_run(folder / f"{run_name(runs)}.status", sorted(batch))
            batch, runs = [], runs + 1
    write_run(folder / f"{run_name(runs)}.status", sorted(batch))
    parts = merge_down(folder, "*.status")
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        for record in merged(parts):
            file.write(record)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync(folder)
    for part in parts:
        part.unlink()
    return path


def status_number(decisions: Sequence[Decision], now: Millis) -> int:
    """What is in force at `now`, as our number; a suspension that ended is none."""
    standing = status_at(decisions, BlockTime(now // 1000), BlockTime(now // 1000))
    return IN_FORCE if standing is None or standing.code is DecisionCode.RESUMED else int(standing.code)


class Statuses:
    """The file that `write_statuses` made."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._count = path.stat().st_size // _RECORD
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self._count else b""

    def add_to(self, records: Records) -> None:
        """Our number for the status of each of these; their positions rise."""
        if not self._count:
            return
        positions = records["position"].astype(np.uint64)
        at, end = self._from(int(positions[0])), self._from(int(positions[-1]) + 1)
        while at < end:
            stop = min(end, at + BATCH)
            part = np.frombuffer(self._map[at * _RECORD : stop * _RECORD], _STATUS)
            wanted = part["position"].astype(np.uint64)
            places = np.searchsorted(positions, wanted)
            here = positions[places] == wanted  # no place is beyond the last: `end` is
            records["status"][places[here]] = part["status"][here]
            at = stop

    def _from(self, position: int) -> int:
        wanted = position.to_bytes(8)
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._map[middle * _RECORD : middle * _RECORD + 8] < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def close(self) -> None:
        if isinstance(self._map, mmap.mmap):
            self._map.close()
        self._file.close()
