"""What lies on our disks can be read with the storage key only, and can be destroyed record by record.

Each record has its own AES-256-GCM key. Body and wraps are encrypted under it; key and salt together are encrypted
under the storage key and kept in one table (`record_keys`), so that erasing one row there makes all copies of the body
unreadable (formats.md §7, Erasure). Additional data binds every ciphertext to its commitment: rows can't be exchanged.
Nonces are random; at 2^32 records (the GCM limit for one key) the storage key must have been replaced.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import ConfigurationError, IntegrityError
from ledger.types import DepartmentCode

NONCE = 12
FRESH = 32 + 2 * NONCE
"""Bytes of chance in one sealed record: its key and two nonces."""
_INNER, _OUTER = bytes(b ^ 0x36 for b in range(256)), bytes(b ^ 0x5C for b in range(256))
_KEYS, _BODY, _WRAP = b"chuzheng/record-keys/v1\0", b"chuzheng/record-body/v1\0", b"chuzheng/record-wrap/v1\0"


class Vault:
    """Encryption at rest and keyed look-ups, all derived from one storage key (32 bytes)."""

    def __init__(self, storage_key: bytes) -> None:
        if len(storage_key) != 32:
            raise ConfigurationError("vault.storage_key", expected=32, found=len(storage_key))
        self._master = storage_key
        self._keys = AESGCM(hmac.digest(storage_key, _KEYS, "sha256"))
        self._lookup: dict[str, bytes] = {}
        self._begun: dict[str, tuple[hashlib._Hash, hashlib._Hash]] = {}

    def lookup_key(self, issuer: DepartmentCode) -> bytes:
        """The issuer's lookup key, 32 bytes (formats.md §5)."""
        key = self._lookup.get(issuer)
        if key is None:
            key = hmac.digest(self._master, b"chuzheng/lookup/v1\0" + issuer.encode("ascii"), "sha256")
            self._lookup[issuer] = key
        return key

    def content_mac(self, issuer: DepartmentCode, canonical: bytes) -> bytes:
        """HMAC-SHA256(issuer's lookup key, canonical record): the key of a submission without one (formats.md §5)."""
        return self._mac(issuer, canonical)

    def identifier_mac(self, issuer: DepartmentCode, identifier: str) -> bytes:
        """How an identifier is found again without standing in the database in clear; 32 bytes."""
        return self._mac(issuer, b"chuzheng/identifier/v1\0" + identifier.encode())

    def _mac(self, issuer: DepartmentCode, message: bytes) -> bytes:
        """HMAC-SHA256 under the issuer's lookup key (RFC 2104), from its two begun hashes: half of what hmac.digest
        takes, and every record needs two."""
        begun = self._begun.get(issuer)
        if begun is None:
            key = self.lookup_key(issuer).ljust(64, b"\0")
            begun = sha256(key.translate(_INNER)), sha256(key.translate(_OUTER))
            self._begun[issuer] = begun
        inner, outer = begun[0].copy(), begun[1].copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()

    def bound_to(self, purpose: bytes) -> bytes:
        """A key of its own for one purpose, such as digests of what a back-fill has read; 32 bytes."""
        return hmac.digest(self._master, purpose, "sha256")

    def seal(self, commitment: bytes, salt: bytes, body: bytes, fresh: bytes | None = None) -> tuple[bytes, bytes]:
        """(sealed keys, sealed body) under a fresh record key; `commitment` is the SHA-256 one. `fresh`: FRESH bytes
        of os.urandom for this record alone, where many are sealed and all are asked for at once."""
        fresh = fresh or os.urandom(FRESH)
        key, first, second = fresh[:32], fresh[32:44], fresh[44:]
        return (
            first + self._keys.encrypt(first, key + salt, _KEYS + commitment),
            second + AESGCM(key).encrypt(second, body, _BODY + commitment),
        )

    def open_keys(self, commitment: bytes, sealed: bytes) -> tuple[bytes, bytes]:
        """(record key, salt)."""
        plain = _open(self._keys, sealed, _KEYS + commitment)
        return plain[:32], plain[32:]

    def open_body(self, commitment: bytes, record_key: bytes, sealed: bytes) -> bytes:
        """The canonical record."""
        return _open(AESGCM(record_key), sealed, _BODY + commitment)

    def seal_wrap(self, commitment: bytes, record_key: bytes, reader: DepartmentCode, wrap: bytes) -> bytes:
        """A reader's wrap of a file's key (formats.md §7), encrypted once more under the record's key."""
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(record_key).encrypt(nonce, wrap, _WRAP + commitment + reader.encode("ascii"))

    def open_wrap(self, commitment: bytes, record_key: bytes, reader: DepartmentCode, sealed: bytes) -> bytes:
        """The wrap as it was handed in."""
        return _open(AESGCM(record_key), sealed, _WRAP + commitment + reader.encode("ascii"))


def _open(aead: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    try:
        return aead.decrypt(sealed[:NONCE], sealed[NONCE:], bound_to)
    except (InvalidTag, ValueError) as error:
        # Another storage key or a changed row: both are for the auditor, neither is ever guessed around.
        raise IntegrityError("vault.unreadable") from error
