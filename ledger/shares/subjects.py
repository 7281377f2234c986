"""Lists of subjects: the root that a grant names, and the path that shows one subject under it.

Pure: secret and padding are arguments, 32 random bytes each and kept off the chain. Sharing.md, "Subject scope": an
RFC 6962 root over sorted HMAC(secret, "chuzheng/subject/v1"0 || u8(len(type)) || type || code), padded to a power of
two with random leaves. Nobody without the secret can tell who is on it, whether two lists have a subject in common, or
how many subjects there are beyond the power of two.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from hashlib import sha256

from ledger.errors import InputError
from ledger.types import Digest

TAG = b"chuzheng/subject/v1\x00"


def subject_leaf(secret: bytes, holder_type: str, code: str) -> Digest:
    """The 32 bytes that stand for one subject in the list of the grant with this secret.

    `holder_type` as in ledger.codes.holder_types, `code` the subject's code there. InputError for a secret that isn't
    32 bytes, a type that isn't 1 to 255 ASCII characters, or an empty code.
    """
    if len(secret) != 32:
        raise InputError("share.subject_secret", length=len(secret))
    if not (0 < len(holder_type) <= 255 and holder_type.isascii()) or not code:
        raise InputError("share.subject_code")
    named = bytes([len(holder_type)]) + holder_type.encode("ascii") + code.encode()
    return Digest(hmac.digest(secret, TAG + named, "sha256"))


def padding_needed(subjects: int) -> int:
    """How many random leaves fill a list of `subjects` different subjects up to a power of two."""
    if subjects < 1:
        raise InputError("share.subjects_empty")
    return (1 << (subjects - 1).bit_length()) - subjects


def subject_leaves(secret: bytes, subjects: Iterable[tuple[str, str]], padding: Sequence[bytes]) -> tuple[Digest, ...]:
    """The list's leaves, sorted together with the padding, so that a leaf's place tells nothing; a subject counts once.

    `padding`: at least `padding_needed` different random values of 32 bytes; those above aren't used.
    """
    named = {subject_leaf(secret, holder_type, code) for holder_type, code in subjects}
    needed = padding_needed(len(named))
    usable = [Digest(bytes(p)) for p in dict.fromkeys(padding) if len(p) == 32 and p not in named]
    if len(usable) < needed:
        raise InputError("share.subject_padding", expected=needed, found=len(usable))
    return tuple(sorted([*named, *usable[:needed]]))


def subjects_root(leaves: Sequence[bytes]) -> Digest:
    """Root of sorted `leaves`, as many as a power of two (RFC 6962 §2.1)."""
    layer = _layer(leaves)
    while len(layer) > 1:
        layer = _parents(layer)
    return Digest(layer[0])


def subject_path(leaves: Sequence[bytes], leaf: bytes) -> tuple[int, tuple[Digest, ...]] | None:
    """(index, siblings from the leaf up) of a subject's leaf; None if it isn't on the list."""
    layer = _layer(leaves)
    try:
        index = at = list(leaves).index(leaf)
    except ValueError:
        return None
    path = []
    while len(layer) > 1:
        path.append(Digest(layer[at ^ 1]))
        layer, at = _parents(layer), at >> 1
    return index, tuple(path)


def is_subject(root: bytes, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
    """Whether `path` leads from `leaf` at `index` to `root`: what a gateway checks before it answers."""
    if not 0 <= index < 1 << len(path) or any(len(node) != 32 for node in (root, leaf, *path)):
        return False
    node = _leaf_hash(leaf)
    for sibling in path:
        node = _node_hash(sibling, node) if index & 1 else _node_hash(node, sibling)
        index >>= 1
    return hmac.compare_digest(node, root)


def _layer(leaves: Sequence[bytes]) -> list[bytes]:
    if not leaves or len(leaves) & (len(leaves) - 1):
        raise InputError("share.subjects_empty" if not leaves else "share.subject_padding", **_counts(leaves))
    return [_leaf_hash(leaf) for leaf in leaves]


def _counts(leaves: Sequence[bytes]) -> dict[str, int]:
    return {"expected": padding_needed(len(leaves)), "found": 0} if leaves else {}


def _leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _parents(layer: Sequence[bytes]) -> list[bytes]:
    return [_node_hash(layer[i], layer[i + 1]) for i in range(0, len(layer), 2)]
