"""Many records committed to at once: `commit_and_canonicalise` for each, for three quarters of its time.

Pure. Records whose members have the same names are taken member by member, so that what is the same for all of them is
done once and each step is one short loop. A property test holds it to the plain function (formats.md §2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from struct import Struct
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
Text = bytes | Sequence[bytes]
"""Canonical bytes of a member's value: one for all records, or each record's own."""


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


def commit_columns(names: tuple[str, ...], texts: Sequence[Text], salts: Sequence[bytes]) -> list[Committed]:
    """`commit_many` for records with members of these names, whose values' canonical `texts` the caller made, in the
    order of `ordered_names`."""
    ordered = ordered_names(names)
    found: list[Committed] = []
    for at in range(0, len(salts), TOGETHER):
        some = [text if isinstance(text, bytes) else text[at : at + TOGETHER] for text in texts]
        found += _commit_texts(ordered, some, salts[at : at + TOGETHER])
    return found


def _commit_alike(
    names: tuple[str, ...], records: Sequence[Mapping[str, Any]], salts: Sequence[bytes]
) -> list[Committed]:
    """Records with members of these names only."""
    check_member_count(records[0])
    ordered = ordered_names(names)
    texts: list[Text] = []
    try:
        for name, _, _ in ordered:
            values = [record[name] for record in records]
            first = values[0]
            if type(first) is str and values.count(first) == len(values):  # an issuer, a schema: quoted once
                texts.append(quote(first).encode())
            else:
                texts.append([(quote(value) if type(value) is str else text_of(value)).encode() for value in values])
    except UnicodeEncodeError:
        raise UnreadableError("json.lone_surrogate") from None
    except RecursionError:
        raise UnreadableError("json.nesting", limit=MAX_DEPTH) from None
    return _commit_texts(ordered, texts, salts)


def _commit_texts(
    ordered: Sequence[tuple[str, bytes, bytes]], texts: Sequence[Text], salts: Sequence[bytes]
) -> list[Committed]:
    """Records by member: a loop for each member's leaves, then one for each level of the trees."""
    count, hash_, tag = len(ordered), sha256, FIELD_TAG
    apart = Struct(f"{SALT_BYTES}s" * count).unpack
    salts_of = zip(*[apart(_field_salts(salt, count)) for salt in salts], strict=True)
    nodes: list[list[bytes]] = []
    """Of each member, its leaf in every record's tree."""
    for (_, _, opening), text, own_salts in zip(ordered, texts, salts_of, strict=True):
        if isinstance(text, bytes):
            told = opening + text + b"]"
            nodes.append([hash_(b"\x00" + hash_(tag + own + told).digest()).digest() for own in own_salts])
        else:
            nodes.append(
                [
                    hash_(b"\x00" + hash_(tag + own + opening + value + b"]").digest()).digest()
                    for own, value in zip(own_salts, text, strict=True)
                ]
            )
    canonicals = _canonicals(ordered, texts, len(salts))
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


def _canonicals(ordered: Sequence[tuple[str, bytes, bytes]], texts: Sequence[Text], count: int) -> list[bytes]:
    """The records' canonical bytes; UnreadableError where one nests too deep or is too long."""
    members: list[bytes] = []
    own: list[Sequence[bytes]] = []
    for (_, key, _), text in zip(ordered, texts, strict=True):
        if isinstance(text, bytes):
            members.append((key + text).replace(b"%", b"%%"))
        else:
            members.append(key.replace(b"%", b"%%") + b"%b")
            own.append(text)
    layout = b"{" + b",".join(members) + b"}"
    canonicals = [layout % values for values in zip(*own, strict=True)] if own else [layout % ()] * count
    for canonical in canonicals:
        if nests_deeper(canonical, MAX_DEPTH):
            raise UnreadableError("json.nesting", limit=MAX_DEPTH)
        check_canonical_size(canonical)
    return canonicals


def _field_salts(salt: bytes, count: int) -> bytes:
    """commitment.field_salts, the first HMAC (RFC 2104) written out: a third of its time is finding the algorithm. The
    others by `cryptography`, whose OpenSSL takes three quarters of the time that hashlib's takes."""
    check_salt(salt)
    inner = sha256(salt.translate(_INNER) + _FIRST).digest()
    first = sha256(salt.translate(_OUTER) + _LAST + inner).digest()
    return first + PBKDF2HMAC(_SHA256, SALT_BYTES * (count - 1), FIELD_TAG, 1).derive(salt) if count > 1 else first
