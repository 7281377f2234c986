"""Disks that fail: a real one that dies or refuses at a chosen call, and one in memory that can lose power.

`MemoryDisk` is a whole disk with two sides, what a process sees and what is durable. Losing power keeps, for each name
and each file that wasn't synced, either side or a torn piece of it, as chance decides: the worst that POSIX allows.
"""

from __future__ import annotations

import errno
import os
import random
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from notary.stores.disk import Disk

Hook = Callable[[str, Path], None]
"""Called before and between all calls that write; raises (or kills the process) to make one fail."""


class ProcessKilled(BaseException):
    """Stands for kill -9 inside a process: no handler may stop it."""


@dataclass
class FailAt:
    """Fails at the `at`-th call, counted from 0, and (where `stays`) at every later one. `calls` counts on."""

    at: int
    error: int | None = None
    """errno; None raises ProcessKilled."""
    stays: bool = False
    calls: int = 0

    def __call__(self, call: str, path: Path) -> None:
        now, self.calls = self.calls, self.calls + 1
        if now == self.at or (self.stays and now > self.at):
            if self.error is None:
                raise ProcessKilled(f"{call} {path.name}")
            raise OSError(self.error, os.strerror(self.error))


@dataclass
class KillAt:
    """kill -9 of the own process at the `at`-th call."""

    at: int
    calls: int = 0

    def __call__(self, call: str, path: Path) -> None:
        if self.calls == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.calls += 1


def never(call: str, path: Path) -> None:
    """No fault."""


class HookedDisk(Disk):
    """The real disk with a hook at every writing call, also in the middle of a file; nothing is synced, because what a
    killed process wrote stays in the kernel."""

    def __init__(self, hook: Hook = never) -> None:
        self.hook = hook

    def create(self, files: Sequence[tuple[Path, bytes]]) -> None:
        for path, data in files:
            self.hook("open", path)
            with open(path, "xb", buffering=0) as file:
                file.write(data[: len(data) // 2])
                self.hook("write", path)
                file.write(data[len(data) // 2 :])
        for path, _ in files:
            self.hook("fsync", path)

    def create_at(self, path: Path, pieces: Iterable[tuple[int, bytes]]) -> None:
        self.hook("open", path)
        with open(path, "xb", buffering=0) as file:
            for offset, data in pieces:
                self.hook("write", path)
                os.pwrite(file.fileno(), data, offset)
        self.hook("fsync", path)

    def rename(self, source: Path, target: Path) -> None:
        self.hook("rename", target)
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self.hook("remove", path)
        super().remove(path)

    def remove_folder(self, path: Path) -> None:
        self.hook("remove_folder", path)
        super().remove_folder(path)

    def make_folder(self, path: Path) -> None:
        self.hook("make_folder", path)
        super().make_folder(path)

    def sync_folder(self, path: Path) -> None:
        self.hook("sync_folder", path)


@dataclass(eq=False)
class _File:
    data: bytes = b""
    synced: bytes | None = None
    """What surely survives; None: nothing was synced."""
    time: int = 0
    """When it was made; no two are made at once, so it identifies the file as well."""


@dataclass(eq=False)
class _Folder:
    live: dict[str, _File | _Folder] = field(default_factory=dict)
    safe: dict[str, _File | _Folder] = field(default_factory=dict)


class MemoryDisk(Disk):
    """A disk in memory, with the hook of HookedDisk."""

    def __init__(self) -> None:
        self.hook: Hook = never
        self._root = _Folder()
        self._held: set[Path] = set()
        self._clock = 0

    def lose_power(self, chance: random.Random) -> None:
        """What wasn't synced survives or doesn't, name by name; held locks are gone."""
        self._survive(self._root, chance)
        self._held.clear()

    def kill(self) -> None:
        """The process died: its locks are gone, the disk is as it was."""
        self._held.clear()

    def damage(self, path: Path, data: bytes) -> None:
        """The medium gives back other bytes than were written."""
        file = self._folder(path.parent).live[path.name]
        assert isinstance(file, _File)
        file.data = file.synced = data

    def read(self, path: Path) -> bytes:
        return self._file(path).data

    def names(self, folder: Path) -> dict[str, int]:
        try:
            return {name: getattr(node, "time", 0) for name, node in self._folder(folder).live.items()}
        except FileNotFoundError:
            return {}

    def identity(self, path: Path) -> int:
        return self._file(path).time

    def exists(self, path: Path) -> bool:
        try:
            return path.name in self._folder(path.parent).live
        except FileNotFoundError:
            return False

    def touch(self, path: Path) -> None:
        self._clock += 1
        self._file(path).time = self._clock

    def modified(self, path: Path) -> int:
        return self._file(path).time

    def create(self, files: Sequence[tuple[Path, bytes]]) -> None:
        written = []
        for path, data in files:
            self.hook("open", path)
            folder = self._folder(path.parent)
            if path.name in folder.live:
                raise FileExistsError(errno.EEXIST, "exists", str(path))
            self._clock += 1
            folder.live[path.name] = file = _File(data[: len(data) // 2], time=self._clock)
            self.hook("write", path)
            file.data = data
            written.append((path, file))
        for path, file in written:
            self.hook("fsync", path)
            file.synced = file.data

    def create_at(self, path: Path, pieces: Iterable[tuple[int, bytes]]) -> None:
        whole = bytearray()
        for offset, data in pieces:
            whole.extend(bytes(max(0, offset + len(data) - len(whole))))
            whole[offset : offset + len(data)] = data
        self.create([(path, bytes(whole))])

    def mapped(self, path: Path) -> memoryview:
        return memoryview(self.read(path))

    def rename(self, source: Path, target: Path) -> None:
        self.hook("rename", target)
        node = self._folder(source.parent).live.pop(source.name)
        self._folder(target.parent).live[target.name] = node

    def remove(self, path: Path) -> None:
        self.hook("remove", path)
        self._folder(path.parent).live.pop(path.name, None)

    def remove_folder(self, path: Path) -> None:
        self.hook("remove_folder", path)
        node = self._folder(path.parent).live.get(path.name)
        if isinstance(node, _Folder) and node.live:
            raise OSError(errno.ENOTEMPTY, "not empty", str(path))
        self._folder(path.parent).live.pop(path.name, None)

    def make_folder(self, path: Path) -> None:
        self.hook("make_folder", path)
        self._folder(path.parent).live.setdefault(path.name, _Folder())

    def sync_folder(self, path: Path) -> None:
        self.hook("sync_folder", path)
        folder = self._folder(path)
        folder.safe = dict(folder.live)

    @contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        assert path not in self._held, f"{path.name} is taken twice: a real process would wait for ever"
        self._held.add(path)
        try:
            yield
        finally:
            self._held.discard(path)

    def _folder(self, path: Path) -> _Folder:
        node: _File | _Folder = self._root
        for part in path.parts[1:]:
            if not isinstance(node, _Folder) or part not in node.live:
                raise FileNotFoundError(errno.ENOENT, "no folder", str(path))
            node = node.live[part]
        if not isinstance(node, _Folder):
            raise FileNotFoundError(errno.ENOTDIR, "not a folder", str(path))
        return node

    def _file(self, path: Path) -> _File:
        node = self._folder(path.parent).live.get(path.name)
        if not isinstance(node, _File):
            raise FileNotFoundError(errno.ENOENT, "no file", str(path))
        return node

    def _survive(self, folder: _Folder, chance: random.Random) -> None:
        kept: dict[str, _File | _Folder] = {}
        for name in sorted(folder.live.keys() | folder.safe.keys()):
            node = chance.choice([folder.live.get(name), folder.safe.get(name)])
            if isinstance(node, _Folder):
                self._survive(node, chance)
            elif node is not None and node.data != node.synced:
                torn = node.data[: chance.randint(0, len(node.data))]
                node.data = node.synced = chance.choice([torn, node.data, node.synced or b""])
            if node is not None:
                kept[name] = node
        folder.live, folder.safe = kept, dict(kept)
