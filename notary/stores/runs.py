"""One sorted run of the index on disk: keys of 8 bytes and the positions of their entries, 16 bytes an entry.

A file never changes once it has its name. Keys stand before positions, each in one stretch, so that a search touches
keys only; both are read where the kernel maps them. numpy does the searching and merging of millions without an object
each (docs/adr/0021). Bytes in, bytes out; notary.stores.places owns the folder.

    "CZX1" || u32 0 || u64 count || count × u64 key, rising || count × u64 position        (little-endian)
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ledger.errors import IntegrityError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.uint64]

_MAGIC = b"CZX1"
_HEADER = struct.Struct("<4sIQ")
_WORD = 8
PIECE = 1 << 18
"""Entries of each run that a merge holds at once."""
NONE: Numbers = np.empty(0, np.uint64)


@dataclass(frozen=True, slots=True)
class Run:
    """A run in reach; `keys` rise, `positions` are in their order."""

    name: str
    keys: Numbers
    positions: Numbers

    @property
    def count(self) -> int:
        return len(self.keys)

    def find(self, wanted: Numbers) -> Iterator[tuple[int, int]]:
        """(offset in `wanted`, position) of everything that stands under a wanted key; `wanted` rises."""
        if not len(self.keys):
            return
        at = np.searchsorted(self.keys, wanted)
        hits = np.flatnonzero(self.keys[np.minimum(at, len(self.keys) - 1)] == wanted)
        for offset in hits.tolist():
            key, here = wanted[offset], int(at[offset])
            while here < len(self.keys) and self.keys[here] == key:
                yield offset, int(self.positions[here])
                here += 1


def sorted_keys(keys: Sequence[bytes]) -> tuple[Numbers, Numbers]:
    """Keys as numbers that rise as the bytes do, and which of `keys` each is."""
    numbers = np.frombuffer(b"".join(keys), ">u8").astype(np.uint64)
    order = np.argsort(numbers, kind="stable")
    return numbers[order], order.astype(np.uint64)


def run_of(name: str, keys: Sequence[bytes], positions: Iterable[int], count: int) -> Run:
    """A run in memory."""
    rising, order = sorted_keys(keys)
    return Run(name, rising, np.fromiter(positions, np.uint64, count)[order])


def open_run(name: str, data: memoryview | bytes, count: int) -> Run:
    """A run over a file's bytes; IntegrityError `index.run` unless they are as long as `count` entries need."""
    if len(data) != size_of(count) or _HEADER.unpack_from(data) != (_MAGIC, 0, count):
        raise IntegrityError("index.run", name=name, expected=size_of(count), found=len(data))
    keys = np.frombuffer(data, "<u8", count, _HEADER.size)
    return Run(name, keys, np.frombuffer(data, "<u8", count, _HEADER.size + _WORD * count))


def size_of(count: int) -> int:
    """Bytes of a run's file."""
    return _HEADER.size + 2 * _WORD * count


def left_out(run: Run, unwanted: Numbers) -> int:
    """How many of a run's positions are among the unwanted, which rise."""
    if not len(unwanted):
        return 0
    return sum(int(_among(run.positions[at : at + PIECE], unwanted).sum()) for at in range(0, run.count, PIECE))


def _among(positions: Numbers, unwanted: Numbers) -> NDArray[np.bool_]:
    at = np.minimum(np.searchsorted(unwanted, positions), len(unwanted) - 1)
    same: NDArray[np.bool_] = unwanted[at] == positions
    return same


def merged(runs: Sequence[Run], unwanted: Numbers = NONE) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of the file that holds all of `runs` but the positions `unwanted`, which rise; of each run at
    most PIECE entries are held at a time."""
    total = sum(run.count - left_out(run, unwanted) for run in runs)
    yield 0, _HEADER.pack(_MAGIC, 0, total)
    starts, done = [0] * len(runs), 0
    while any(start < run.count for start, run in zip(starts, runs, strict=True)):
        last = [r.keys[s + PIECE - 1] for r, s in zip(runs, starts, strict=True) if s + PIECE < r.count]
        if last:
            ends = [s + int(np.searchsorted(r.keys[s:], min(last), "right")) for r, s in zip(runs, starts, strict=True)]
        else:
            ends = [r.count for r in runs]
        keys = np.concatenate([r.keys[s:e] for r, s, e in zip(runs, starts, ends, strict=True)])
        positions = np.concatenate([r.positions[s:e] for r, s, e in zip(runs, starts, ends, strict=True)])
        if len(unwanted):
            kept = ~_among(positions, unwanted)
            keys, positions = keys[kept], positions[kept]
        order = np.argsort(keys, kind="stable")
        at = _HEADER.size + _WORD * done
        yield at, keys[order].astype("<u8").tobytes()
        yield at + _WORD * total, positions[order].astype("<u8").tobytes()
        starts, done = ends, done + len(keys)


def digest_of(run: Run) -> str:
    """SHA-256 over keys and positions, hex: what the list of runs says of this one."""
    digest = hashlib.sha256()
    for part in (run.keys, run.positions):
        digest.update(np.ascontiguousarray(part, "<u8").data)
    return digest.hexdigest()


def rises(run: Run) -> bool:
    """Whether the keys are in order."""
    for at in range(0, run.count, PIECE):
        part = run.keys[at : at + PIECE + 1]
        if bool(np.any(part[:-1] > part[1:])):
            return False
    return True
