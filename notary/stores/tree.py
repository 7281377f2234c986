"""The tree in tiles: building it from entries, and paths out of it.

Pure over bytes: tiles come from a function and go to the caller. RFC 6962 §2.1, C2SP tlog-tiles; formats.md §3, §4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

from notary.checkpoint import TILE_WIDTH
from notary.log import TILE_HEIGHT, TilePath
from notary.merkle import EMPTY_ROOT, parents
from notary.stores.bundles import encode_bundle

Tile = Callable[[int, int, int], bytes]
"""(tile level, n, width) → `width` hashes of 32 bytes, joined."""


def leaf_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """H(0x00 || entry) of each."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def fold(row: Sequence[bytes]) -> list[bytes]:
    """The complete nodes one level up: a last odd one has no partner yet and is left out."""
    return [sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)]


def split(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[at : at + 32] for at in range(0, len(tile), 32)]


def node_in_tiles(level: int, index: int, size: int, tile: Tile) -> bytes:
    """The complete node (level, index) of a tree of `size`."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    first = index << height
    n, offset = divmod(first, TILE_WIDTH)
    width = min(TILE_WIDTH, (size >> (TILE_HEIGHT * tile_level)) - n * TILE_WIDTH)
    row = split(tile(tile_level, n, width)[offset * 32 : (offset + (1 << height)) * 32])
    while len(row) > 1:
        row = fold(row)
    return row[0]


class TreeBuilder:
    """Grows a tree; holds one incomplete tile per level and one incomplete bundle, whatever the size."""

    def __init__(self, size: int = 0, tile: Tile | None = None, bundle: Sequence[bytes] = ()) -> None:
        """Continues at `size`: `tile` gives the partial tiles there, `bundle` the entries of the partial bundle."""
        self.size = size
        self._bundle = list(bundle)
        self._levels: list[list[bytes]] = []
        self._changed: set[int] = set()
        level, hashes = 0, size
        while hashes and tile is not None:
            n, width = divmod(hashes, TILE_WIDTH)
            self._levels.append(split(tile(level, n, width)) if width else [])
            level, hashes = level + 1, n

    @property
    def open_leaves(self) -> list[bytes]:
        """Leaf hashes of the partial tile of level 0."""
        return list(self._levels[0]) if self._levels else []

    def add(self, entries: Sequence[bytes]) -> Iterator[tuple[TilePath, bytes]]:
        """Appends entries; yields every tile and bundle that became full."""
        if not self._levels:
            self._levels.append([])
        at = 0
        while at < len(entries):
            part = entries[at : at + TILE_WIDTH - len(self._bundle)]
            at += len(part)
            self._bundle += part
            self._levels[0] += leaf_hashes(part)
            self._changed.add(0)
            self.size += len(part)
            if len(self._bundle) == TILE_WIDTH:
                yield TilePath(None, self.size // TILE_WIDTH - 1), encode_bundle(self._bundle)
                self._bundle = []
                yield from self._carry()

    def finish(self) -> Iterator[tuple[TilePath, bytes]]:
        """The partial tiles and the partial bundle that changed since the start or the last call."""
        if self._bundle and 0 in self._changed:
            yield TilePath(None, self.size // TILE_WIDTH, len(self._bundle)), encode_bundle(self._bundle)
        for level, row in enumerate(self._levels):
            if row and level in self._changed:
                n = self.size >> (TILE_HEIGHT * (level + 1))
                yield TilePath(level, n, len(row)), b"".join(row)
        self._changed.clear()

    def root(self) -> bytes:
        """The tree head now (RFC 6962 §2.1)."""
        tail: bytes | None = None
        for row in self._levels:
            nodes = [*row, tail] if tail is not None else list(row)
            for _ in range(TILE_HEIGHT):
                nodes = parents(nodes)
            tail = nodes[0] if nodes else None
        return EMPTY_ROOT if tail is None else tail

    def _carry(self) -> Iterator[tuple[TilePath, bytes]]:
        level = 0
        while len(row := self._levels[level]) == TILE_WIDTH:
            n = (self.size >> (TILE_HEIGHT * (level + 1))) - 1
            yield TilePath(level, n), b"".join(row)
            while len(row) > 1:
                row = fold(row)
            self._levels[level] = []
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level] += row
            self._changed.add(level)


def joined_paths(first: int, count: int, size: int, tile: Tile) -> list[bytes]:
    """Inclusion paths of `count` consecutive indexes in a tree of `size`, each with its nodes joined, leaf's end first.

    Computes every node once and builds the paths from the top, so that neighbours share all they have in common.
    """
    if count == 0:
        return []
    height = (size - 1).bit_length()
    rows = _rows(first, first + count - 1, size, height, tile)
    tails = [b""]
    for level in range(height - 1, -1, -1):
        low, high = first >> level, (first + count - 1) >> level
        start, row = rows[level]
        above = low >> 1
        stop = start + len(row)
        tails = [
            (row[(j ^ 1) - start] if (j ^ 1) < stop else b"") + tails[(j >> 1) - above] for j in range(low, high + 1)
        ]
    return tails


def _rows(low: int, high: int, size: int, height: int, tile: Tile) -> list[tuple[int, list[bytes]]]:
    """For each level (first index, nodes) that holds the siblings of all nodes above leaves `low … high`.

    A row that reaches the tree's right edge ends with the incomplete node there, if the level has one.
    """
    rows: list[tuple[int, list[bytes]]] = []
    tail: bytes | None = None
    start, row = 0, list[bytes]()
    for level in range(height):
        complete = size >> level
        if level % TILE_HEIGHT == 0:
            tile_level = level // TILE_HEIGHT
            start = (low >> level) // TILE_WIDTH * TILE_WIDTH
            row = []
            for n in range(start // TILE_WIDTH, min(high >> level | 1, complete - 1) // TILE_WIDTH + 1):
                row += split(tile(tile_level, n, min(TILE_WIDTH, complete - n * TILE_WIDTH)))
        reaches_edge = start + len(row) == complete
        rows.append((start, [*row, tail] if reaches_edge and tail is not None else list(row)))
        if complete % 2:  # the last complete node has no complete partner: it starts the incomplete node above
            last = row[-1] if reaches_edge and row else node_in_tiles(level, complete - 1, size, tile)
            tail = last if tail is None else sha256(b"\x01" + last + tail).digest()
        start, row = start // 2, fold(row)
    return rows
