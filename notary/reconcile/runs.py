"""Sorting more than memory holds: sorted runs on the disk, merged as they are read.

A run is a file of records, each behind its length (u16, big endian), in the order of their bytes. It appears whole and
durable or not at all. So many runs that they can't be open at once are merged into fewer before.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ledger.errors import IntegrityError
from notary.stores.disk import FILE_MODE, translated

MOST_OPEN = 128
_PIECE = 1 << 16


def write_run(path: Path, records: Iterable[bytes]) -> None:
    """A run of records that are in order."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    with translated():
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(handle, "wb", buffering=1 << 20) as file:
            for record in records:
                file.write(len(record).to_bytes(2))
                file.write(record)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_run(path: Path, after: bytes = b"") -> Iterator[bytes]:
    """The records of a run above `after` (a prefix counts as reached by what begins with it)."""
    with translated(), path.open("rb") as file:
        rest = b""
        while piece := file.read(_PIECE):
            rest += piece
            at, end = 0, len(rest)
            while at + 2 <= end:
                stop = at + 2 + int.from_bytes(rest[at : at + 2])
                if stop > end:
                    break
                record = rest[at + 2 : stop]
                at = stop
                if not after or record[: len(after)] > after:
                    yield record
            rest = rest[at:]
        if rest:
            raise IntegrityError("reconcile.run", file=path.name)


def merged(paths: list[Path], after: bytes = b"") -> Iterator[bytes]:
    """All records of some runs above `after`, in order."""
    return heapq.merge(*[read_run(path, after) for path in paths])


def merge_down(folder: Path, pattern: str, most: int = MOST_OPEN) -> list[Path]:
    """Merge the runs named so into at most `most`, without losing any where the process dies: a merged run is named
    after its first and last part, and parts that one covers are old.

    Pass by pass, neighbours together: each record is written once a pass, and one pass does for 16,384 runs (1.6
    thousand million rows). Merging all into one that grows would write the first rows again and again.
    """
    while True:
        paths = _current(folder, pattern)
        if len(paths) <= most:
            return paths
        for at in range(0, len(paths), most):
            group = paths[at : at + most]
            if len(group) == 1:
                continue
            first, last = group[0].stem.split("-")[0], group[-1].stem.split("-")[-1]
            write_run(folder / f"{first}-{last}{group[0].suffix}", merged(group))
            for path in group:
                path.unlink(missing_ok=True)


def run_name(number: int) -> str:
    """The stem of the run of this number."""
    return f"{number:07d}-{number:07d}"


def _current(folder: Path, pattern: str) -> list[Path]:
    """Runs that no wider one covers; covered ones are taken away."""
    spans = sorted((tuple(map(int, path.stem.split("-"))), path) for path in folder.glob(pattern))
    spans.sort(key=lambda span: (span[0][0], -span[0][1]))
    found: list[Path] = []
    reached = -1
    for (_, last), path in spans:
        if last <= reached:
            path.unlink(missing_ok=True)
            continue
        found.append(path)
        reached = last
    return found
