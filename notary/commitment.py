"""What stands for a record in the log: a salted digest of its members and a second one of the whole.

Pure; the salt is an argument. One member can be shown later with its own salt and path, without the others
(formats.md §2). The hot path of acceptance.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import pbkdf2_hmac, sha256
from typing import Any

from ledger.errors import InputError, UnreadableError
from ledger.types import Digest
from notary.canonical import (
    MAX_DEPTH,
    canonicalise,
    check_canonical_size,
    check_member_count,
    nests_deeper,
    quote,
    sorted_names,
    text_of,
)
from notary.merkle import root_from_leaves

SALT_BYTES = 32
FIELD_TAG = b"chuzheng/field/v1\x00"
RECORD_TAG = b"chuzheng/record/v1\x00"
_SM3 = hashlib.new("sm3", RECORD_TAG)


@dataclass(frozen=True, slots=True)
class Commitment:
    """Both digests of a record, 32 bytes each."""

    sha256: Digest
    sm3: Digest


def commit(record: Mapping[str, Any], salt: bytes, canonical: bytes | None = None) -> Commitment:
    """Both commitments of `record` under its `salt` (32 bytes).

    UnreadableError where formats.md §1 refuses the record; InputError if `canonical` is given and isn't its bytes.
    """
    commitment, own = commit_and_canonicalise(record, salt)
    if canonical is not None and canonical != own:
        raise InputError("commitment.canonical")
    return commitment


def commit_and_canonicalise(record: Mapping[str, Any], salt: bytes) -> tuple[Commitment, bytes]:
    """Both commitments and the canonical bytes that they are of, written once for both."""
    check_member_count(record)
    ordered = ordered_names(tuple(record))
    own_salts = field_salts(salt, len(ordered))
    hash_ = sha256
    leaves = []
    members = []
    at = 0
    try:
        for name, key, opening in ordered:
            value = record[name]
            text = (quote(value) if type(value) is str else text_of(value)).encode()
            members.append(key + text)
            digest = hash_(FIELD_TAG + own_salts[at : at + SALT_BYTES] + opening + text + b"]").digest()
            leaves.append(hash_(b"\x00" + digest).digest())
            at += SALT_BYTES
    except UnicodeEncodeError:
        raise UnreadableError("json.lone_surrogate") from None
    except RecursionError:
        raise UnreadableError("json.nesting", limit=MAX_DEPTH) from None
    canonical = b"{" + b",".join(members) + b"}"
    if nests_deeper(canonical, MAX_DEPTH):
        raise UnreadableError("json.nesting", limit=MAX_DEPTH)
    check_canonical_size(canonical)
    root = commitment_from_root(len(ordered), root_from_leaves(leaves))
    return Commitment(root, commitment_sm3(canonical, salt)), canonical


@lru_cache(maxsize=32)
def ordered_names(names: tuple[str, ...]) -> tuple[tuple[str, bytes, bytes], ...]:
    """(name, `"name":`, `["name",`) in JCS order; records of one schema share their names."""
    try:
        quoted = [(name, quote(name).encode()) for name in sorted_names(names)]
        return tuple([(name, text + b":", b"[" + text + b",") for name, text in quoted])
    except UnicodeEncodeError:
        raise UnreadableError("json.lone_surrogate") from None


def commitment_sm3(canonical: bytes, salt: bytes) -> Digest:
    """SM3("chuzheng/record/v1"0 || salt || JCS(record))."""
    digest = _SM3.copy()  # the name of an algorithm is looked up once
    digest.update(salt + canonical)
    return Digest(digest.digest())


def commitment_from_root(count: int, fields: bytes) -> Digest:
    """H("chuzheng/record/v1"0 || u16(n) || fields_root)."""
    return Digest(sha256(RECORD_TAG + count.to_bytes(2, "big") + fields).digest())


def fields_root(digests: Sequence[bytes]) -> Digest:
    """RFC 6962 head over the field digests, each hashed again as leaf data."""
    return root_from_leaves([sha256(b"\x00" + digest).digest() for digest in digests])


def field_salt(salt: bytes, position: int) -> bytes:
    """HMAC-SHA256(salt, "chuzheng/field/v1"0 || u32(i)): what is handed out with one member."""
    check_salt(salt)
    return hmac.digest(salt, FIELD_TAG + position.to_bytes(4, "big"), "sha256")


def field_salts(salt: bytes, count: int) -> bytes:
    """The first `count` field salts, joined.

    PBKDF2 with one iteration (RFC 8018 §5.2) is HMAC(salt, tag || u32(i)) for i from 1 on, which is the format's own
    rule: all but the first come out of one call, for a sixth of what as many HMACs cost.
    """
    first = field_salt(salt, 0)
    return first + pbkdf2_hmac("sha256", salt, FIELD_TAG, 1, SALT_BYTES * (count - 1)) if count > 1 else first


def field_digest(own_salt: bytes, name: str, value_jcs: bytes) -> Digest:
    """H("chuzheng/field/v1"0 || salt_i || JCS([name, value])), `value_jcs` the value's canonical bytes."""
    return Digest(sha256(FIELD_TAG + own_salt + b"[" + canonicalise(name) + b"," + value_jcs + b"]").digest())


def field_digests(record: Mapping[str, Any], salt: bytes) -> list[Digest]:
    """Digests of all members in JCS order."""
    return [
        field_digest(field_salt(salt, i), name, canonicalise(record[name]))
        for i, name in enumerate(sorted_names(record))
    ]


def check_salt(salt: bytes) -> None:
    """InputError unless a salt is exactly 32 bytes."""
    if len(salt) != SALT_BYTES:
        raise InputError("commitment.salt_length", expected=SALT_BYTES, found=len(salt))
