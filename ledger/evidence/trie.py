"""Merkle-Patricia proofs: that a key has a value under a root (Yellow Paper, appendix D).

Pure. A proof is the nodes from the root down, as RLP; a node of less than 32 bytes stands in its parent and isn't
listed. Nodes that aren't used are refused, and so is every second way to write a path.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.crypto.chain import keccak
from ledger.errors import InputError, UnreadableError
from ledger.evidence import rlp

BRANCH, SHORT = 17, 2


def proven_value(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes:
    """The value that `key` has under `root`. InputError `evidence.proof` where the nodes don't prove one."""
    path = nibbles(key)
    waiting = list(nodes)
    node = _next(root, waiting)
    while True:
        if len(node) == BRANCH:
            if not path:
                return _end(node[16], waiting)
            child, path = node[path[0]], path[1:]
        elif len(node) == SHORT:
            part, leaf = _compact(node[0])
            if path[: len(part)] != part:
                raise InputError("evidence.proof", why="path")
            path, child = path[len(part) :], node[1]
            if leaf:
                if path:
                    raise InputError("evidence.proof", why="path")
                return _end(child, waiting)
        else:
            raise UnreadableError("evidence.shape", where="proof")
        if isinstance(child, bytes):
            if len(child) != 32:
                raise InputError("evidence.proof", why="path")
            node = _next(child, waiting)
        elif len(rlp.encode(child)) < 32:
            node = child
        else:
            raise UnreadableError("evidence.shape", where="proof")


def nibbles(key: bytes) -> tuple[int, ...]:
    """Half bytes, the higher one first."""
    return tuple(half for byte in key for half in (byte >> 4, byte & 15))


def _next(expected: bytes, waiting: list[bytes]) -> list[rlp.Item]:
    if not waiting:
        raise InputError("evidence.proof", why="short")
    node = waiting.pop(0)
    if keccak(node) != expected:
        raise InputError("evidence.proof", why="hash")
    return rlp.decode_list(node)


def _end(value: rlp.Item, waiting: list[bytes]) -> bytes:
    if waiting:
        raise InputError("evidence.proof", why="unused")
    found = rlp.text(value, "proof")
    if not found:
        raise InputError("evidence.proof", why="path")
    return found


def _compact(item: rlp.Item) -> tuple[tuple[int, ...], bool]:
    """(nibbles, whether a leaf) of a hex-prefix path; its padding must be zero, an extension's path not empty."""
    halves = nibbles(rlp.text(item, "proof"))
    if not halves or halves[0] > 3 or (halves[0] % 2 == 0 and halves[1] != 0):
        raise UnreadableError("evidence.shape", where="proof")
    part = halves[1:] if halves[0] % 2 else halves[2:]
    leaf = halves[0] >= 2
    if not leaf and not part:
        raise UnreadableError("evidence.shape", where="proof")
    return part, leaf
