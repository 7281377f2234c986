"""The ledger's side sorted on the disk: records of 64 bytes in runs, merged as they are read, memory flat.

    issuer 18 || keyed hash 32 || version u32 || position u64 || status u8 || flags u8        (big-endian)

The order of the bytes is the order of the key, then of the version. Records have one length, so numpy sorts and merges
them without an object each (docs/adr/0028). A run is written whole or not at all; its number is its name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ledger.errors import IntegrityError
from notary.bulk.durable import write_durably
from notary.stores.disk import translated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Records = NDArray[np.void]
    Whole = NDArray[np.bytes_]

RECORD = np.dtype(
    [("issuer", "S18"), ("mac", "S32"), ("version", ">u4"), ("position", ">u8"), ("status", "u1"), ("flags", "u1")]
)
KEY_BYTES, RECORD_BYTES = 50, RECORD.itemsize
ANCHORED, LATE = 1, 2
"""Bits of `flags`."""
RUN_RECORDS = 1 << 18
"""16 MiB a run: 840 runs at 220 million look-ups."""
HELD = 1 << 16
"""Records of all runs together that a merge holds at once; of each run at least LEAST."""
LEAST = 256
_WHOLE = np.dtype(("S", RECORD_BYTES))
_KEY = np.dtype([("key", f"S{KEY_BYTES}"), ("rest", f"S{RECORD_BYTES - KEY_BYTES}")])
PATTERN = "*.look"


def run_path(folder: Path, number: int) -> Path:
    """The run of this number."""
    return folder / f"{number:07d}.look"


def write_look_ups(path: Path, parts: Sequence[Records]) -> None:
    """A run of these records, sorted here; durable when it returns."""
    # As plain bytes: numpy joins records with fields in the machine's byte order.
    records = np.concatenate([part.view(_WHOLE) for part in parts])
    records.sort()
    write_durably(path, records.tobytes())


def newest(paths: Sequence[Path], after: bytes = b"") -> Iterator[Records]:
    """The newest version under each key beyond `after` in all of these runs, in the order of the keys, in blocks.

    IntegrityError `reconcile.run` where a run is missing or cut off.
    """
    held = np.empty(0, _WHOLE)
    for block in _merged([_Run(path, after) for path in paths]):
        records = np.concatenate([held, block])
        keys = records.view(_KEY)["key"]
        last = np.flatnonzero(keys[1:] != keys[:-1])
        # The last key of a block may have further versions in the next one.
        yield records[last].view(RECORD)
        held = records[-1:].copy()  # not the whole block behind it
    if len(held):
        yield held.view(RECORD)


class _Run:
    """A run as it is read; `records` are those in memory, in order. Opened anew for each piece: there may be more runs
    than a process may hold open."""

    def __init__(self, path: Path, after: bytes) -> None:
        self._path = path
        size = _size(path)
        if size % RECORD_BYTES:
            raise IntegrityError("reconcile.run", file=path.name)
        self._count, self._at = size // RECORD_BYTES, 0
        self.records: Whole = np.empty(0, _WHOLE)
        if after:
            self._at = self._first_beyond(after)

    @property
    def more(self) -> bool:
        """Whether there are records beyond those in memory."""
        return self._at < self._count

    def fill(self, wanted: int) -> None:
        """Hold as many records as `wanted`, or all there are."""
        missing = min(wanted - len(self.records), self._count - self._at)
        if missing > 0:
            self.records = np.concatenate([self.records, self._read(self._at, missing)])
            self._at += missing

    def take(self, bound: bytes | None) -> Whole:
        """The records in memory up to `bound`, all without one; they are given away."""
        end = (
            len(self.records) if bound is None else int(np.searchsorted(self.records, np.array(bound, _WHOLE), "right"))
        )
        taken, self.records = self.records[:end], self.records[end:]
        return taken

    def _first_beyond(self, after: bytes) -> int:
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._read(middle, 1).tobytes()[: len(after)] > after:
                high = middle
            else:
                low = middle + 1
        return low

    def _read(self, at: int, count: int) -> Whole:
        with translated():
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = os.pread(handle, count * RECORD_BYTES, at * RECORD_BYTES)
            finally:
                os.close(handle)
        if len(data) != count * RECORD_BYTES:
            raise IntegrityError("reconcile.run", file=self._path.name)
        return np.frombuffer(data, _WHOLE)


def _size(path: Path) -> int:
    with translated():
        try:
            return path.stat().st_size
        except FileNotFoundError:
            raise IntegrityError("reconcile.run", file=path.name) from None


def _merged(runs: list[_Run]) -> Iterator[Whole]:
    """All records of the runs in order, in blocks.

    Every run is filled up before each step: the step ends where the first of them has no more in memory, and as keyed
    hashes are evenly spread, the others are nearly empty there too.
    """
    wanted = max(LEAST, HELD // max(1, len(runs)))
    while runs:
        for run in runs:
            if len(run.records) < wanted:
                run.fill(wanted)
        runs = [run for run in runs if len(run.records)]
        bound = min((_padded(run.records[-1]) for run in runs if run.more), default=None)
        parts = [run.take(bound) for run in runs if bound is None or _padded(run.records[0]) <= bound]
        if parts:
            yield np.sort(np.concatenate(parts))


def _padded(record: np.bytes_) -> bytes:
    """numpy leaves zeros at the end of a record away."""
    return bytes(record).ljust(RECORD_BYTES, b"\0")
