"""The log: which states it can be in, which moves are legal, and which files a size implies.

Pure: bytes and numbers in, decisions out; notary.stores.tiles does the writing. A log only grows; an index keeps its
bytes for ever; a size has one root for ever. Layout: formats.md §4, C2SP tlog-tiles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ledger.errors import InputError, IntegrityError
from notary.checkpoint import MAX_SIZE, TILE_WIDTH, entries_path, tile_path

TILE_HEIGHT = 8
"""Levels of the tree that one tile level spans: 256 hashes in a full tile."""
ENTRIES = "entries"

_PATH = re.compile(r"tile/(entries|[0-6])/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class TilePath:
    """One file of the layout. `level` is a tile level, or None for a bundle of entries; `width` 1..256, 256 is full."""

    level: int | None
    n: int
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        """`tile/<L>/<N>[.p/<W>]`: N in groups of three digits, every group but the last with an x in front."""
        return self.full if self.width == TILE_WIDTH else f"{self.partials}/{self.width}"

    @property
    def full(self) -> str:
        """Where the full tile of this place is, or will be."""
        return entries_path(self.n) if self.level is None else tile_path(self.level, self.n)

    @property
    def partials(self) -> str:
        """The folder of this place's partial tiles."""
        return f"{self.full}.p"

    @property
    def needs_size(self) -> int:
        """The smallest tree that has this file."""
        unit = 1 if self.level is None else TILE_WIDTH**self.level
        return (self.n * TILE_WIDTH + self.width) * unit


def parse_tile_path(text: str) -> TilePath:
    """Strict: one spelling per file, so that nothing outside the layout can be asked for. InputError otherwise."""
    match = _PATH.fullmatch(text)
    if match is None:
        raise InputError("tiles.path")
    level, groups, width = match.groups()
    n = int(groups.replace("x", "").replace("/", ""))
    path = TilePath(None if level == ENTRIES else int(level), n, int(width) if width else TILE_WIDTH)
    if str(path) != text or path.width > TILE_WIDTH or path.needs_size > MAX_SIZE:  # x000 in front, wide, far away
        raise InputError("tiles.path")
    return path


def tiles_at(size: int) -> Iterator[tuple[int | None, int, int]]:
    """(level, number of full tiles, width of the partial one or 0) of a tree of `size`, entry bundles first.

    A level without any tile isn't listed; a tree of 0 has no tiles.
    """
    if size:
        yield None, *divmod(size, TILE_WIDTH)
    level, hashes = 0, size
    while hashes:
        yield level, *divmod(hashes, TILE_WIDTH)
        level, hashes = level + 1, hashes // TILE_WIDTH


def newly_full(old_size: int, new_size: int) -> Iterator[TilePath]:
    """Places that hold a full tile at `new_size` and didn't at `old_size`: their partial tiles are now in the way."""
    before = {level: full for level, full, _ in tiles_at(old_size)}
    for level, full, _ in tiles_at(new_size):
        for n in range(before.get(level, 0), full):
            yield TilePath(level, n)


@dataclass(frozen=True, slots=True)
class Head:
    """A size of the log and the root it has there."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive indexes `first … end-1` that one pending bundle holds."""

    first: int
    end: int


def durable_end(sealed: int, pending: Iterable[Span]) -> int:
    """The first index that isn't durable: what is sealed, and pending spans as far as they join without a gap."""
    end = sealed
    for span in sorted(pending, key=lambda s: s.first):
        if span.first > end:
            break
        end = max(end, span.end)
    return end


def check_append(durable: int, first: int, count: int) -> int:
    """How many of `count` entries from index `first` are there already; the caller proves that they are the same.

    IntegrityError if they would leave a gap: an index is given out only when all below it are durable.
    """
    if first < 0 or first + count >= MAX_SIZE:
        raise InputError("log.index_range", first=first, count=count)
    if first > durable:
        raise IntegrityError("log.gap", expected=durable, found=first)
    return min(count, durable - first)


def check_same(first: int, stored: Sequence[bytes], offered: Sequence[bytes]) -> None:
    """IntegrityError `log.index_taken` at the first index where `offered` differs from what is stored there."""
    for offset, (old, new) in enumerate(zip(stored, offered, strict=True)):
        if old != new:
            raise IntegrityError("log.index_taken", index=first + offset)


def check_extends(before: Head, after: Head) -> None:
    """A head may only be followed by a larger one, or by itself: never two roots for one size (formats.md §4)."""
    if after.size < before.size:
        raise IntegrityError("log.shrinks", expected=before.size, found=after.size)
    if after.size == before.size and after.root != before.root:
        raise IntegrityError("log.root_differs", size=after.size, expected=before.root.hex(), found=after.root.hex())
