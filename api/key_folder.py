"""The keys of departments in one folder, `<code>.pem` each: a file counts as it is when its key is asked for.

So that a key that was added, replaced or taken away needs no restart, and no two processes go by different ones. Of a
file that can't be read the error is told, whatever lay there before: nothing is wrapped or signed with a key that was
replaced.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from ledger.types import DepartmentCode

K = TypeVar("K")


class KeyFolder(Mapping[DepartmentCode, K], Generic[K]):
    """`load`: from a key's address (`file:…`), ConfigurationError if it isn't one; again once its file changed."""

    def __init__(self, folder: Path, load: Callable[[str], K]) -> None:
        self._folder, self._load = folder, load
        self._known: dict[DepartmentCode, tuple[tuple[int, ...], K]] = {}

    def __getitem__(self, code: DepartmentCode) -> K:
        path = self._folder / f"{code}.pem"
        try:
            found = os.stat(path)
        except FileNotFoundError:
            raise KeyError(code) from None
        # Before it is read: what is changed meanwhile is read again. ctime: its mode is looked at as well.
        stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        known = self._known.get(code)
        if known is None or known[0] != stamp:
            known = self._known[code] = (stamp, self._load(f"file:{path}"))
        return known[1]

    def __iter__(self) -> Iterator[DepartmentCode]:
        return iter([DepartmentCode(path.stem) for path in sorted(self._folder.glob("*.pem"))])

    def __len__(self) -> int:
        return sum(1 for _ in self)
