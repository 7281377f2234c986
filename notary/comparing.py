"""Two people compare what a log gave them: receipts, checkpoints, copies of the whole log. One history, or two.

Pure over bytes; whole copies come as trees that answer for themselves. Two heads of different sizes say nothing about
each other unless somebody has the log: then the larger one either begins with the smaller one or doesn't, and both
answers are proofs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.types import Digest, Origin
from notary.checkpoint import Checkpoint, parse_checkpoint
from notary.entry import leaf_of
from notary.equivocation import Equivocation, Piece, Prefix, Shown, SignedHead, SignedPromise, find
from notary.report import Outcome


class Tree(Protocol):
    """A log or a mirror: its tiles, up to a size."""

    def sealed_size(self) -> int: ...

    def root(self, size: int) -> Digest: ...

    def consistency_proof(self, size1: int, size2: int) -> list[bytes]: ...

    def inclusion_path(self, index: int, size: int) -> list[bytes]: ...

    def entry(self, index: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Side:
    """What one side has: signed pieces, and the tree if it has the whole log."""

    pieces: tuple[Piece, ...]
    tree: Tree | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`pass`: one history, as far as both show it; `fail`: `found` proves two; `unknown`: nothing to compare by."""

    outcome: Outcome
    found: Equivocation | None = None


def compare(origin: Origin, one: Side, other: Side) -> Comparison:
    """Compare every piece of one side with every piece of the other."""
    ones = (*one.pieces, *_shown_for(one, other))
    others = (*other.pieces, *_shown_for(other, one))
    trees = [side.tree for side in (one, other) if side.tree is not None]
    agreed = False
    for first in ones:
        for second in others:
            prefix = _prefix(first, second, trees)
            found = find(origin, first, second, prefix)
            if found is not None:
                return Comparison(Outcome.FAIL, found)
            agreed |= _agree(first, second, prefix)
    return Comparison(Outcome.PASS if agreed else Outcome.UNKNOWN)


def _shown_for(side: Side, other: Side) -> list[Piece]:
    """The side's checkpoint with the entries that the other side speaks of."""
    tree, note = side.tree, next((p.note for p in side.pieces if isinstance(p, SignedHead)), None)
    if tree is None or note is None:
        return []
    head = parse_checkpoint(note)
    indexes = {index for piece in other.pieces if (index := _index(piece)) is not None and index < head.size}
    return [
        SignedHead(note, Shown(index, tree.entry(index), tuple(tree.inclusion_path(index, head.size))))
        for index in sorted(indexes)
    ]


def _prefix(first: Piece, second: Piece, trees: Sequence[Tree]) -> Prefix | None:
    """What a tree that has the larger head says about the smaller one's size."""
    one, two = _head(first), _head(second)
    if one is None or two is None or one.size == two.size:
        return None
    small, large = (one, two) if one.size < two.size else (two, one)
    for tree in trees:
        if small.size and large.size <= tree.sealed_size() and tree.root(large.size) == large.root:
            return Prefix(tree.root(small.size), tuple(tree.consistency_proof(small.size, large.size)))
    return None


def _agree(first: Piece, second: Piece, prefix: Prefix | None) -> bool:
    """Whether the two bear each other out; that they don't contradict each other was seen before."""
    one, two = _head(first), _head(second)
    if one is not None and two is not None and (one.size == two.size or prefix is not None):
        return True
    told, also = _index(first), _index(second)
    return told is not None and told == also and _leaf(first) == _leaf(second)


def _head(piece: Piece) -> Checkpoint | None:
    return parse_checkpoint(piece.note) if isinstance(piece, SignedHead) else None


def _index(piece: Piece) -> int | None:
    match piece:
        case SignedPromise(index=index) | SignedHead(shown=Shown(index=index)):
            return index
        case _:
            return None


def _leaf(piece: Piece) -> Digest | None:
    match piece:
        case SignedPromise(entry=entry) | SignedHead(shown=Shown(entry=entry)):
            return leaf_of(entry)
        case _:
            return None
