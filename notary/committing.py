"""Many records committed to at once: `commit_and_canonicalise` for each, for three quarters of its time.

Pure. Records whose members have the same names are taken member by member, so that what is the same for all of them is
done once and each step is one short loop. A property test holds it to the plain function (formats.md §2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from ledger.errors import UnreadableError
from notary.canonical import MAX_DEPTH, check_canonical_size, check_member_count, nests_deeper, quote, text_of
from notary.commitment import FIELD_TAG, RECORD_TAG, SALT_BYTES, check_salt, commitment_sm3, ordered_names

TOGETHER = 250
"""Records of one pass: more gain nothing, and what is made of them (3 KB each) stays in the cache of a core."""
_INNER, _OUTER = bytes(b ^ 0x36 for b in range(256)), bytes(b ^ 0x5C for b in range(256))
_FIRST = _INNER[:1] * 32 + FIELD_TAG + bytes(4)
_LAST = _OUTER[:1] * 32
_SHA256 = SHA256()

Committed = tuple[bytes, bytes, bytes]
"""commitment_sha256, commitment_sm3, canonical bytes."""


def commit_many(records: Sequence[Mapping[str, Any]], salts: Sequence[bytes]) -> list[Committed]:
    """Both commitments and the canonical bytes of each record under its own salt (32 bytes), in order.

    UnreadableError if formats.md §1 refuses one of them; it doesn't say which, so the caller asks one by one.
    """
    alike: dict[tuple[str, ...], list[int]] = {}
    for offset, record in enumerate(records):
        alike.setdefault(tuple(record), []).append(offset)
    found: list[Committed] = [(b"", b"", b"")] * len(records)
    for names, offsets in alike.items():
        for at in range(0, len(offsets), TOGETHER):
            some = offsets[at : at + TOGETHER]
            made = _commit_alike(names, [records[offset] for offset in some], [salts[offset] for offset in some])
            for offset, committed in zip(some, made, strict=True):
                found[offset] = committed
    return found


def _commit_alike(
    names: tuple[str, ...], records: Sequence[Mapping[str, Any]], salts: Sequence[bytes]
) -> list[Committed]:
    """Records with members of these names only."""
    check_member_count(records[0])
    ordered = ordered_names(names)
    count, hash_ = len(ordered), sha256
    salts_of = [_field_salts(salt, count) for salt in salts]
    texts: list[list[bytes]] = []
    """Of each member, its value's canonical bytes in every record."""
    nodes: list[list[bytes]] = []
    """Of each member, its leaf in every record's tree."""
    at = 0
    try:
        for name, _, opening in ordered:
            values = [record[name] for record in records]
            first = values[0]
            if type(first) is str and values.count(first) == len(values):  # an issuer, a schema: quoted once
                text = [quote(first).encode()] * len(values)
                told = [opening + text[0] + b"]"] * len(values)
            else:
                text = [(quote(value) if type(value) is str else text_of(value)).encode() for value in values]
                told = [opening + value + b"]" for value in text]
            end = at + SALT_BYTES
            nodes.append(
                [
                    hash_(b"\x00" + hash_(FIELD_TAG + own_salts[at:end] + each).digest()).digest()
                    for own_salts, each in zip(salts_of, told, strict=True)
                ]
            )
            texts.append(text)
            at = end
    except UnicodeEncodeError:
        raise UnreadableError("json.lone_surrogate") from None
    except RecursionError:
        raise UnreadableError("json.nesting", limit=MAX_DEPTH) from None
    layout = b"{" + b",".join([key.replace(b"%", b"%%") + b"%b" for _, key, _ in ordered]) + b"}"
    canonicals = [layout % members for members in zip(*texts, strict=True)]
    for canonical in canonicals:
        if nests_deeper(canonical, MAX_DEPTH):
            raise UnreadableError("json.nesting", limit=MAX_DEPTH)
        check_canonical_size(canonical)
    while len(nodes) > 1:
        above = [
            [hash_(b"\x01" + left + right).digest() for left, right in zip(lefts, rights, strict=True)]
            for lefts, rights in zip(nodes[::2], nodes[1::2], strict=False)
        ]
        nodes = above + nodes[-1:] if len(nodes) % 2 else above
    head = RECORD_TAG + count.to_bytes(2, "big")
    return [
        (hash_(head + root).digest(), commitment_sm3(canonical, salt), canonical)
        for root, canonical, salt in zip(nodes[0], canonicals, salts, strict=True)
    ]


def _field_salts(salt: bytes, count: int) -> bytes:
    """commitment.field_salts, the first HMAC (RFC 2104) written out: a third of its time is finding the algorithm. The
    others by `cryptography`, whose OpenSSL takes three quarters of the time that hashlib's takes."""
    check_salt(salt)
    inner = sha256(salt.translate(_INNER) + _FIRST).digest()
    first = sha256(salt.translate(_OUTER) + _LAST + inner).digest()
    return first + PBKDF2HMAC(_SHA256, SALT_BYTES * (count - 1), FIELD_TAG, 1).derive(salt) if count > 1 else first
