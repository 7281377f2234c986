"""Tiles as files: reading them back, and writing many so that none is half there.

A tile gets its name only with its bytes durable, and a name is never given to other bytes (formats.md §4).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from ledger.errors import IntegrityError
from notary.checkpoint import TILE_WIDTH
from notary.log import TilePath
from notary.merkle import Node
from notary.stores.bundles import decode_bundle
from notary.stores.disk import Disk
from notary.stores.tree import Tile, node_in_tiles

_CACHED_TILES = 256  # full tiles never change; 2 MiB at most
_FILES_AT_ONCE = 128


class TileReader:
    """Reads tiles of a log, at any size that its checkpoint covers."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        self._full: Callable[[int, int], bytes] = lru_cache(_CACHED_TILES)(self._read_full)

    def at(self, size: int) -> Tile:
        """Tiles of the tree of `size` as stored: asked for fewer hashes, it gives the first ones."""

        def tile(level: int, n: int, width: int) -> bytes:
            stored = min(TILE_WIDTH, (size >> (8 * level)) - n * TILE_WIDTH)
            if stored == TILE_WIDTH:
                return self._full(level, n)[: 32 * width]
            return self._read(TilePath(level, n, stored), 32 * stored)[: 32 * width]

        return tile

    def node(self, size: int) -> Node:
        """Complete nodes of the tree of `size`."""
        tile = self.at(size)
        return lambda level, index: node_in_tiles(level, index, size, tile)

    def entries(self, start: int, end: int, size: int) -> list[bytes]:
        """Entries `start … end-1` of the log of `size`."""
        found: list[bytes] = []
        while start < end:
            n, offset = divmod(start, TILE_WIDTH)
            found += self._bundle(n, min(TILE_WIDTH, size - n * TILE_WIDTH))[offset : offset + end - start]
            start = (n + 1) * TILE_WIDTH
        return found

    def _bundle(self, n: int, width: int) -> list[bytes]:
        """The first `width` entries of bundle `n`, all that are stored of it."""
        entries = decode_bundle(self._read(TilePath(None, n, width), None))
        if len(entries) < width:
            raise IntegrityError("tiles.bundle", found=len(entries))
        return entries[:width]

    def _read_full(self, level: int, n: int) -> bytes:
        return self._read(TilePath(level, n), 32 * TILE_WIDTH)

    def _read(self, path: TilePath, length: int | None) -> bytes:
        try:
            data = self._disk.read(self._directory / str(path))
        except FileNotFoundError:
            # A partial tile goes when the full one is there: the same hashes and more.
            try:
                data = self._disk.read(self._directory / path.full)[:length]
            except FileNotFoundError as error:
                raise IntegrityError("tiles.missing", path=str(path)) from error
        if length is not None and len(data) != length:
            raise IntegrityError("tiles.differ", path=str(path))
        return data


class TileWriter:
    """Writes tiles and the checkpoint; needs seal.lock."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self.work = directory / "work" / "seal"
        self._directory = directory
        self._disk = disk
        self._folders: set[Path] = set()
        self._touched: set[Path] = set()
        self._waiting: list[tuple[Path, bytes]] = []

    def clear(self) -> None:
        """Removes what a crashed or failed seal left without a name."""
        self._touched.clear()
        self._waiting.clear()
        for name in self._disk.names(self.work):
            self._disk.remove(self.work / name)

    def ensure_folder(self, folder: Path) -> None:
        """Makes a folder whose name is durable. Once per process also if it is there: its maker may have died."""
        if folder not in self._folders:
            self._disk.make_folder(folder)
            self._disk.sync_folder(folder.parent)
            self._folders.add(folder)

    def put(self, path: TilePath, data: bytes) -> None:
        """Gives the bytes their name; durable after `flush`. IntegrityError if the name has other bytes."""
        target = self._directory / str(path)
        self._folder_of(target)
        self._touched.add(target.parent)
        if self._disk.exists(target):
            if self._disk.read(target) != data:
                raise IntegrityError("tiles.differ", path=str(path))
            return
        self._waiting.append((target, data))
        if len(self._waiting) == _FILES_AT_ONCE:
            self._write()

    def flush(self) -> None:
        """All names given since `clear` are durable."""
        self._write()
        for folder in self._touched:
            self._disk.sync_folder(folder)
        self._touched.clear()

    def _write(self) -> None:
        named = [(self.work / str(i), target, data) for i, (target, data) in enumerate(self._waiting)]
        self._disk.create([(temporary, data) for temporary, _, data in named])
        for temporary, target, _ in named:
            self._disk.rename(temporary, target)
        self._waiting.clear()

    def publish(self, note: bytes) -> None:
        """Replaces the checkpoint."""
        temporary = self.work / "checkpoint"
        self._disk.create([(temporary, note)])
        self._disk.rename(temporary, self._directory / "checkpoint")
        self._disk.sync_folder(self._directory)

    def remove_partials(self, path: TilePath) -> None:
        """The partial tiles of a place whose full tile is durable."""
        folder = self._directory / path.partials
        names = self._disk.names(folder)
        if not names and not self._disk.exists(folder):
            return
        for name in names:
            self._disk.remove(folder / name)
        self._disk.remove_folder(folder)
        self._folders.discard(folder)

    def _folder_of(self, target: Path) -> None:
        missing = []
        folder = target.parent
        while folder not in self._folders and folder != self._directory:
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            self.ensure_folder(each)
