"""Entries with a status, their tree and keys, and decisions about them; one whole record to prove a type of."""

from __future__ import annotations

import hashlib
import hmac
import json

from world import ISSUER, NONE, TYPE, Tree, digest, entry_of, key_of, left, now, plain

from notary.merkle import inclusion_path, leaf_hash, root_from_leaves

BASIS = digest("basis")
SALT = digest("salt")
RECORD = {"issuer": ISSUER, "kind": "certificate", "number": "1", "schema": "certificate/1", "type": TYPE}


def fields() -> list[bytes]:
    """formats.md §2, with nothing of ours: names sorted, one salt each."""
    return [
        hashlib.sha256(
            b"chuzheng/field/v1\0" + salt_of(i) + json.dumps([n, v], separators=(",", ":")).encode()
        ).digest()
        for i, (n, v) in enumerate(sorted(RECORD.items()))
    ]


def salt_of(position: int) -> bytes:
    return hmac.digest(SALT, b"chuzheng/field/v1\0" + position.to_bytes(4, "big"), "sha256")


LEAVES = [leaf_hash(f) for f in fields()]
TYPED = hashlib.sha256(b"chuzheng/record/v1\0" + len(LEAVES).to_bytes(2, "big") + root_from_leaves(LEAVES)).digest()
"""The commitment of RECORD."""
COMMITMENTS = [TYPED, *(digest(f"certificate {i}") for i in range(1, 120))]
ENTRIES = [entry_of(ISSUER, c) for c in COMMITMENTS]
KINDS = {kind: entry_of(ISSUER, digest(f"kind {kind}"), kind=kind) for kind in range(9)}
TREE = Tree([*ENTRIES, *KINDS.values(), entry_of(ISSUER, digest("v2"), version=2)])
SIZE = len(TREE.entries)
KEYS = [key_of(ISSUER, c) for c in COMMITMENTS]
EMPTY = (NONE, b"", 0, 0, [])
UNTYPED = (NONE, NONE, NONE, 0, 0, NONE, [])
"""No disclosure of a type."""


def proof(log: bytes, index: int) -> tuple:
    return (log, TREE.entries[index], index, SIZE, TREE.path(index, SIZE))


def decision(code, *, cause=0, since=0, basis=BASIS, successor=NONE, until=0, ends=0) -> tuple:
    return (code, cause, since, basis, successor, until, ends)


def type_proof(**changes) -> tuple:
    position = sorted(RECORD).index("type")
    given = {
        "issuer": left(ISSUER),
        "commitment": TYPED,
        "typeCode": left(TYPE),
        "n": len(LEAVES),
        "i": position,
        "salt": salt_of(position),
        "path": list(inclusion_path(LEAVES, position)),
    } | changes
    return tuple(given.values())


def state(status, key, at=None, known=None) -> tuple[int, int]:
    at = now() if at is None else at
    return plain(status.statusAt(key, at, now() if known is None else known))
