"""A copy of a log, verified while it is made: every tile hangs from a signed root before a byte of it is believed.

Pure: tiles come from a function. From the top down: the right edge gives the checkpoint's root, a full tile gives its
hash in the tile above, a bundle gives its tile's leaves. So nothing wrong is ever written, and a copy that was cut off
needs no second reading. C2SP tlog-tiles; formats.md §4.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger.errors import IntegrityError
from ledger.types import Digest
from notary.checkpoint import TILE_WIDTH, Checkpoint
from notary.log import TILE_HEIGHT, TilePath, tiles_at
from notary.merkle import EMPTY_ROOT, consistency_proof_from, parents, root_from, verify_consistency

HASH = 32
Fetch = Callable[[TilePath], bytes]
"""One file of the source, whole as it has it; raises NotFoundError where it has none."""


def split_tile(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[at : at + HASH] for at in range(0, len(tile), HASH)]


def root_of_tile(tile: bytes) -> bytes:
    """The root of a full tile: what the tile above has for it."""
    row = split_tile(tile)
    while len(row) > 1:
        row = parents(row)
    return row[0]


class AuthenticTiles:
    """The hash tiles of the tree under a checkpoint, each checked against the one above it when it is fetched."""

    def __init__(self, head: Checkpoint, fetch: Fetch) -> None:
        """IntegrityError `mirror.root` if the edge of the source's tree isn't that of the checkpoint."""
        self.head, self._fetch = head, fetch
        self._kept: dict[int, tuple[int, bytes]] = {}
        self._edge: dict[int, bytes] = {}
        levels = [(level, full, width) for level, full, width in tiles_at(head.size) if level is not None]
        for level, full, width in levels:
            if width:
                path = TilePath(level, full, width)
                self._edge[level] = self._sized(path, fetch(path))
        tail: list[bytes] = []
        for level in range(len(levels)):
            nodes = split_tile(self._edge.get(level, b"")) + tail
            for _ in range(TILE_HEIGHT):
                nodes = parents(nodes)
            tail = nodes
        root = tail[0] if tail else EMPTY_ROOT
        if root != head.root:
            raise IntegrityError("mirror.root", size=head.size, expected=head.root.hex(), found=root.hex())

    def tile(self, level: int, n: int) -> bytes:
        """A tile as wide as this tree has it."""
        if n == self.head.size >> (TILE_HEIGHT * (level + 1)):
            return self._edge[level]
        kept = self._kept.get(level)
        if kept is not None and kept[0] == n:
            return kept[1]
        path = TilePath(level, n)
        data = self.check(path, self._fetch(path))
        self._kept[level] = (n, data)
        return data

    def check(self, path: TilePath, data: bytes) -> bytes:
        """A full tile that was fetched elsewhere; IntegrityError `mirror.tile` unless it is this tree's."""
        assert path.level is not None
        above = self.tile(path.level + 1, path.n // TILE_WIDTH)
        at = path.n % TILE_WIDTH * HASH
        if root_of_tile(self._sized(path, data)) != above[at : at + HASH]:
            raise IntegrityError("mirror.tile", path=str(path))
        return data

    def node(self, level: int, index: int) -> bytes:
        """The complete node (level, index)."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        n, offset = divmod(index << height, TILE_WIDTH)
        row = split_tile(self.tile(tile_level, n)[offset * HASH : (offset + (1 << height)) * HASH])
        while len(row) > 1:
            row = parents(row)
        return row[0]

    def extends(self, before: Checkpoint) -> tuple[Digest, tuple[bytes, ...]] | None:
        """None if this tree begins with that of `before`; else the root that it has at that size, and the proof."""
        if before.size == 0:
            return None
        proof = tuple(consistency_proof_from(before.size, self.head.size, self.node))
        if verify_consistency(before.size, self.head.size, before.root, self.head.root, proof):
            return None
        return root_from(before.size, self.node), proof

    @staticmethod
    def _sized(path: TilePath, data: bytes) -> bytes:
        """A source that has grown may have the full tile only: the same hashes and more."""
        if len(data) < path.width * HASH or (path.width == TILE_WIDTH and len(data) > path.width * HASH):
            raise IntegrityError("mirror.tile", path=str(path))
        return data[: path.width * HASH]
