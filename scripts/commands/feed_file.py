"""The file that `reconcile feed` goes on writing, and beside it how far it came: each item once, wherever a run ends.

The second file has the cursor, and under it how long the first one was by then, and which file that was: what lies
behind it was written by a run that didn't come to note it, and is told again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.errors import ConflictError
from notary.bulk.durable import append, cut, write_durably
from notary.stores.disk import FILE_MODE, translated
from scripts.commands.files import holding, read_file

_PIECE = 1 << 16
_line = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class FeedFile:
    """`path` as far as `state` says. Made under `alone(path)`: nobody else writes either."""

    def __init__(self, path: Path, state: Path) -> None:
        self._path, self._state = path, state
        noted = read_file(state).decode("ascii", "replace").split("\n") if state.exists() else [""]
        self.cursor = noted[0].strip() or None
        was = noted[1].split() if len(noted) > 1 else []
        found = path.stat().st_size
        # Another file (the reader took the first one away), or a version that noted the cursor alone: half a line is
        # all that can be known to be too much.
        same = len(was) == 2 and was[0].isdecimal() and was[1] == self._which()
        size = min(int(was[0]), found) if same else _whole_lines(path, found)
        if size < found:
            cut(path, size)
        self._note(size)

    def keep(self, items: Sequence[dict[str, Any]], cursor: str) -> None:
        """Lines for these items, durable; then the cursor behind them."""
        if not items and cursor == self.cursor:
            return
        size = append(self._path, "".join([_line(item) + "\n" for item in items]).encode())
        self.cursor = cursor or None
        self._note(size)

    def _note(self, size: int) -> None:
        write_durably(self._state, f"{self.cursor or ''}\n{size} {self._which()}\n".encode())

    def _which(self) -> str:
        return str(self._path.stat().st_ino)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One command at a time with a folder, or with a file, which is made if need be; where its file system knows no
    locks, as before. ConflictError `reconcile.running`; the kernel lets go when the process ends."""
    with translated():
        mode = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
        handle = os.open(path, mode | os.O_CLOEXEC, FILE_MODE)
    with holding(handle, ConflictError("reconcile.running", path=str(path))):
        yield


def _whole_lines(path: Path, size: int) -> int:
    """Up to the last end of a line: a full disk or a power cut left the rest."""
    end = size
    while end:
        start = max(0, end - _PIECE)
        with path.open("rb") as file:
            file.seek(start)
            if (at := file.read(end - start).rfind(b"\n")) >= 0:
                return start + at + 1
        end = start
    return 0
