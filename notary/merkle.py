"""RFC 6962 / RFC 9162 trees over SHA-256: heads, inclusion paths, consistency proofs, and their verification.

Pure. Leaves here are leaf *hashes* of 32 bytes; a node getter `node(level, index)` answers the hash of the complete
subtree of 2^level leaves at `index`, as hash tiles hold them. Two rules beyond the RFC: every hash has exactly
32 bytes, and consistency from size 0 is refused, because it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from ledger.errors import InputError
from ledger.types import Digest

Node = Callable[[int, int], bytes]
EMPTY_ROOT = Digest(sha256(b"").digest())


def leaf_hash(data: bytes) -> Digest:
    """H(0x00 || data)."""
    return Digest(sha256(b"\x00" + data).digest())


def node_hash(left: bytes, right: bytes) -> Digest:
    """H(0x01 || left || right)."""
    return Digest(sha256(b"\x01" + left + right).digest())


def root_from_leaves(leaves: Sequence[bytes]) -> Digest:
    """Tree head of `leaves`; of none, SHA-256 of nothing (RFC 9162 §2.1.1)."""
    if not leaves:
        return EMPTY_ROOT
    layer = leaves
    while len(layer) > 1:
        layer = parents(layer)
    return Digest(bytes(layer[0]))


def parents(layer: Sequence[bytes]) -> list[bytes]:
    """The level above `layer`; a last node without a neighbour goes up as it is."""
    nodes = iter(layer)
    above = [sha256(b"\x01" + left + right).digest() for left, right in zip(nodes, nodes, strict=False)]
    if len(layer) % 2:
        above.append(layer[-1])
    return above


def path_length(index: int, size: int) -> int:
    """How many nodes the inclusion path of leaf `index` in a tree of `size` has; InputError unless 0 ≤ index < size."""
    if not 0 <= index < size:
        raise InputError("merkle.index", index=index, size=size)
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Inclusion path of leaf `index` (RFC 9162 §2.1.3.1)."""
    path_length(index, len(leaves))
    path = []
    layer = leaves
    while len(layer) > 1:
        if index ^ 1 < len(layer):
            path.append(bytes(layer[index ^ 1]))
        layer = parents(layer)
        index >>= 1
    return path


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> Digest:
    """The head that `path` leads to from `leaf` (RFC 9162 §2.1.3.2). InputError `merkle.path` on a wrong length."""
    if len(path) != path_length(index, size):
        raise InputError("merkle.path", expected=path_length(index, size), found=len(path))
    if len(leaf) != 32 or any(len(sibling) != 32 for sibling in path):
        raise InputError("merkle.hash_length")
    inner = (index ^ (size - 1)).bit_length()
    node = leaf
    for sibling in path[:inner]:
        node = sha256(b"\x01" + (sibling + node if index & 1 else node + sibling)).digest()
        index >>= 1
    for sibling in path[inner:]:  # the right edge: every node that is left has only left neighbours
        node = sha256(b"\x01" + sibling + node).digest()
    return Digest(node)


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves `leaf` at `index` under `root`."""
    try:
        return len(root) == 32 and root_from_inclusion(index, size, leaf, path) == root
    except InputError:
        return False


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree (size2, root2) extends (size1, root1) (RFC 9162 §2.1.4.2). False for size1 = 0."""
    if not 0 < size1 <= size2 or any(len(node) != 32 for node in (root1, root2, *proof)):
        return False
    if size1 == size2:
        return not proof and root1 == root2
    nodes = list(proof) if size1 & (size1 - 1) else [root1, *proof]
    if not nodes:
        return False
    first, last = size1 - 1, size2 - 1
    while first & 1:
        first >>= 1
        last >>= 1
    head1 = head2 = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            head1 = node_hash(node, head1)
            head2 = node_hash(node, head2)
            while first and not first & 1:
                first >>= 1
                last >>= 1
        else:
            head2 = node_hash(head2, node)
        first >>= 1
        last >>= 1
    return last == 0 and head1 == root1 and head2 == root2


def consistency_proof(leaves: Sequence[bytes], size1: int) -> list[bytes]:
    """Proof that the tree over `leaves` extends its first `size1` (RFC 9162 §2.1.4.1). InputError for size1 = 0."""

    def node(level: int, index: int) -> bytes:
        return root_from_leaves(leaves[index << level : (index + 1) << level])

    return consistency_proof_from(size1, len(leaves), node)


def root_from(size: int, node: Node) -> Digest:
    """Head of the tree of `size` leaves."""
    return Digest(_range_root(0, size, node)) if size else EMPTY_ROOT


def inclusion_path_from(size: int, index: int, node: Node) -> list[bytes]:
    """Inclusion path of leaf `index` in the tree of `size`, asking only for complete subtrees."""
    path_length(index, size)
    path = []
    level = 0
    while (size - 1) >> level:
        start = ((index >> level) ^ 1) << level
        if start < size:
            path.append(_range_root(start, min(start + (1 << level), size), node))
        level += 1
    return path


def consistency_proof_from(size1: int, size2: int, node: Node) -> list[bytes]:
    """Proof that the tree of `size2` extends the one of `size1`, asking only for complete subtrees."""
    if not 0 < size1 <= size2:
        raise InputError("merkle.sizes", size1=size1, size2=size2)
    proof: list[bytes] = []
    start, end, whole = 0, size2, True
    while size1 != end:
        split = start + (1 << ((end - start - 1).bit_length() - 1))
        if size1 <= split:
            proof.append(_range_root(split, end, node))
            end = split
        else:
            proof.append(_range_root(start, split, node))
            start, whole = split, False
    if not whole:
        proof.append(_range_root(start, end, node))
    proof.reverse()
    return proof


def _range_root(start: int, end: int, node: Node) -> bytes:
    """Head of the leaves start..end, a range that the RFC's splitting reaches: `start` is aligned to its width."""
    width = end - start
    level = (width - 1).bit_length()
    if width == 1 << level:
        return node(level, start >> level)
    split = start + (1 << (level - 1))
    return node_hash(node(level - 1, start >> (level - 1)), _range_root(split, end, node))


def first_wrong_in_run(
    first: int, size: int, leaves: Sequence[bytes], paths: Sequence[bytes], root: bytes
) -> int | None:
    """Check the paths of consecutive leaves `first`, `first` + 1, … under one `root`, every byte of every path.

    A path is its nodes joined. Answers the offset of the first leaf that isn't proven, None when all are. Neighbours
    share their upper path: nodes that were proven once are compared instead of hashed again, so that a leaf costs
    about two hashes instead of one a level.
    """
    if len(leaves) != len(paths) or len(root) != 32 or first < 0 or first + len(leaves) > size:
        return 0
    if not leaves:
        return None
    ancestors = _climb(first, size, leaves[0], paths[0], root)
    if ancestors is None:
        return 0
    before = paths[0]
    for offset in range(1, len(leaves)):
        index, leaf, path = first + offset, leaves[offset], paths[offset]
        # `join` is the level on which this leaf's ancestor is the right neighbour of the last leaf's.
        join = (index & -index).bit_length() - 1
        node, at = leaf, 0
        fresh = [leaf]
        if len(leaf) != 32:
            return offset
        for level in range(join):
            if ((index >> level) ^ 1) << level < size:
                node = sha256(b"\x01" + node + path[at : at + 32]).digest()
                at += 32
            fresh.append(node)
        if (
            node != before[32 * join : 32 * join + 32]
            or path[at : at + 32] != ancestors[join]
            or path[at + 32 :] != before[32 * join + 32 :]
        ):
            return offset
        ancestors[: join + 1] = fresh
        before = path
    return None


def _climb(index: int, size: int, leaf: bytes, path: bytes, root: bytes) -> list[bytes] | None:
    """The ancestors of a leaf by level, if its path leads to `root`."""
    if len(leaf) != 32 or len(path) != 32 * path_length(index, size):
        return None
    ancestors = [leaf]
    node, at, level = leaf, 0, 0
    while (size - 1) >> level:
        if ((index >> level) ^ 1) << level < size:
            sibling = path[at : at + 32]
            node = sha256(b"\x01" + (sibling + node if index >> level & 1 else node + sibling)).digest()
            at += 32
        ancestors.append(node)
        level += 1
    return ancestors if node == root else None
