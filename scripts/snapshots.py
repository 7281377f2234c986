"""A snapshot's file in either form, opened for as long as it is asked: the packed one is never loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notary.snapshot import MAX_BYTES, Snapshot, parse_snapshot
from notary.snapshot_packed import PackedSnapshot, is_packed, open_snapshot
from scripts.commands.files import open_file, read_file


@contextmanager
def opened_snapshot(path: Path) -> Iterator[Snapshot | PackedSnapshot]:
    """UnreadableError where it is neither form."""
    with open_file(path) as file:
        packed = is_packed(file)
        yield open_snapshot(file) if packed else parse_snapshot(read_file(path, MAX_BYTES))
