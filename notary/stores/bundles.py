"""Bundles of entries: the layout's (`u16 length || entry`, formats.md §4) and the pending one, which makes durable.

Pure over bytes. A pending bundle carries a digest bound to its log, so that a torn or foreign one is never believed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import IntegrityError, UnreadableError
from notary.checkpoint import decode_entries, encode_entries
from notary.entry import ENTRY_BYTES
from notary.packed import Packed

_PENDING = b"CZP1"
_PENDING_TAG = b"chuzheng/pending/v1\x00"
_HEADER = struct.Struct(">4sQI")
_DIGEST = 32


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """`u16 length || entry` for each, as `checkpoint.encode_entries`; one join where all are of one length."""
    if isinstance(entries, Packed):
        prefix = ENTRY_BYTES.to_bytes(2)
        return prefix + prefix.join(entries.to_list()) if entries else b""
    lengths = set(map(len, entries))
    if len(lengths) == 1 and (length := lengths.pop()) <= 0xFFFF:
        prefix = length.to_bytes(2, "big")
        return prefix + prefix.join(entries)
    return encode_entries(entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a stored bundle; IntegrityError `tiles.bundle` unless it is one, whole and nothing else."""
    step = 2 + int.from_bytes(data[:2], "big")
    count, rest = divmod(len(data), step)
    if rest == 0 and data[0::step] == data[:1] * count and data[1::step] == data[1:2] * count:
        return [data[at : at + step - 2] for at in range(2, len(data) + 1, step)][:count]
    try:
        return decode_entries(data)
    except UnreadableError as error:
        raise IntegrityError("tiles.bundle", found=len(data)) from error


@dataclass(frozen=True, slots=True)
class PendingBundle:
    """Consecutive entries from index `first`."""

    first: int
    entries: list[bytes]

    @property
    def end(self) -> int:
        return self.first + len(self.entries)


def encode_pending(origin: str, first: int, entries: Sequence[bytes]) -> bytes:
    """`"CZP1" || u64(first) || u32(count) || bundle || SHA-256(tag || origin || 0 || all before)`."""
    body = _HEADER.pack(_PENDING, first, len(entries)) + encode_bundle(entries)
    return body + _pending_digest(origin, body)


def decode_pending(origin: str, data: bytes) -> PendingBundle | None:
    """None if the bytes aren't a whole pending bundle of this log: torn, damaged or another log's."""
    body, digest = data[:-_DIGEST], data[-_DIGEST:]
    if len(body) < _HEADER.size or digest != _pending_digest(origin, body):
        return None
    magic, first, count = _HEADER.unpack_from(body)
    entries = decode_bundle(body[_HEADER.size :])
    if magic != _PENDING or count != len(entries):
        return None
    return PendingBundle(first, entries)


def _pending_digest(origin: str, body: bytes) -> bytes:
    digest = hashlib.sha256(_PENDING_TAG + origin.encode() + b"\x00")
    digest.update(body)
    return digest.digest()
