"""Encrypted files: the envelope in chunks, and its key wrapped for one reader (formats.md §7).

Streams in, streams out; key and random bytes are arguments (only HPKE draws its own). Whoever decrypts keeps the
plain bytes back until size and both digests match the record's `document`: a tag that verifies says that the file is
whole, not that it is the right one.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import BinaryIO

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import InputError, UnavailableError, UnreadableError

MAGIC = b"CZE1"
HEADER_BYTES = 12
RANDOM_BYTES = 7
CHUNK_BYTES = 65_536
TAG_BYTES = 16
WRAP_TAG = b"chuzheng/wrap/v1\x00"
_ENC_BYTES = 32


class EnvelopeSuite(IntEnum):
    """The header's byte."""

    AES_256_GCM = 1
    SM4_GCM = 2


KEY_BYTES = {EnvelopeSuite.AES_256_GCM: 32, EnvelopeSuite.SM4_GCM: 16}


class _Sealer:
    """AES-256-GCM or SM4-GCM with the envelope's nonces and additional data."""

    def __init__(self, suite: EnvelopeSuite, key: bytes, header: bytes) -> None:
        if len(key) != KEY_BYTES[suite]:
            raise InputError("envelope.key_length", expected=KEY_BYTES[suite], found=len(key))
        self._aes = AESGCM(key) if suite is EnvelopeSuite.AES_256_GCM else None
        self._key = key
        self._header = header

    def _nonce(self, number: int, last: bool) -> bytes:
        if number >> 32:
            raise InputError("envelope.too_long", limit=1 << 48)
        return self._header[5:] + number.to_bytes(4, "big") + bytes([last])

    def seal(self, number: int, last: bool, plain: bytes) -> bytes:
        nonce = self._nonce(number, last)
        if self._aes is not None:
            return self._aes.encrypt(nonce, plain, self._header)
        try:
            encryptor = Cipher(algorithms.SM4(self._key), modes.GCM(nonce)).encryptor()
        except UnsupportedAlgorithm:
            raise UnavailableError("envelope.sm4_unavailable") from None
        encryptor.authenticate_additional_data(self._header)
        return encryptor.update(plain) + encryptor.finalize() + encryptor.tag

    def open(self, number: int, last: bool, sealed: bytes) -> bytes:
        nonce = self._nonce(number, last)
        try:
            if self._aes is not None:
                return self._aes.decrypt(nonce, sealed, self._header)
            cipher = Cipher(algorithms.SM4(self._key), modes.GCM(nonce, sealed[-TAG_BYTES:])).decryptor()
            cipher.authenticate_additional_data(self._header)
            return cipher.update(sealed[:-TAG_BYTES]) + cipher.finalize()
        except InvalidTag:
            raise UnreadableError("envelope.tag", chunk=number) from None
        except UnsupportedAlgorithm:
            raise UnavailableError("envelope.sm4_unavailable") from None


def envelope_size(plain_size: int) -> int:
    """Bytes of the envelope of a file of `plain_size` bytes."""
    chunks = max(1, -(-plain_size // CHUNK_BYTES))
    return HEADER_BYTES + plain_size + TAG_BYTES * chunks


def encrypt_stream(
    source: BinaryIO,
    target: BinaryIO,
    *,
    key: bytes,
    random7: bytes,
    suite: EnvelopeSuite = EnvelopeSuite.AES_256_GCM,
) -> int:
    """Write the envelope of `source` to `target`; answers the plain bytes read. `key` is fresh for every file."""
    written = 0
    for piece in encrypt_pieces(source, key=key, random7=random7, suite=suite):
        target.write(piece)
        written += max(0, len(piece) - TAG_BYTES)
    return written


def encrypt_pieces(
    source: BinaryIO, *, key: bytes, random7: bytes, suite: EnvelopeSuite = EnvelopeSuite.AES_256_GCM
) -> Iterator[bytes]:
    """The envelope of `source`, made as it is asked for: the header, then one chunk at a time."""
    if len(random7) != RANDOM_BYTES:
        raise InputError("envelope.random_length", expected=RANDOM_BYTES, found=len(random7))
    header = MAGIC + bytes([suite]) + random7
    sealer = _Sealer(suite, key, header)
    yield header
    chunk = _read(source, CHUNK_BYTES)
    number = 0
    while True:
        # A chunk is the last one exactly when nothing follows: a file of whole chunks has no empty one at its end.
        following = _read(source, CHUNK_BYTES) if len(chunk) == CHUNK_BYTES else b""
        yield sealer.seal(number, not following, chunk)
        if not following:
            return
        chunk = following
        number += 1


def decrypt_stream(source: BinaryIO, target: BinaryIO, *, key: bytes) -> int:
    """Write the plain bytes of an envelope to `target`; answers how many.

    UnreadableError for a wrong header, a wrong key, changed, cut, reordered or added bytes; `target` may then hold
    verified chunks of the beginning, which the caller throws away.
    """
    header = _read(source, HEADER_BYTES)
    if len(header) != HEADER_BYTES or header[:4] != MAGIC or header[4] not in KEY_BYTES:
        raise UnreadableError("envelope.header")
    sealer = _Sealer(EnvelopeSuite(header[4]), key, header)
    size = CHUNK_BYTES + TAG_BYTES
    chunk = _read(source, size)
    number = total = 0
    while True:
        following = _read(source, size) if len(chunk) == size else b""
        if len(chunk) < TAG_BYTES or (len(chunk) == TAG_BYTES and number):
            raise UnreadableError("envelope.cut", chunk=number)
        plain = sealer.open(number, not following, chunk)
        target.write(plain)
        total += len(plain)
        if not following:
            return total
        chunk = following
        number += 1


def wrap_info(reader: str, envelope_sha256: bytes) -> bytes:
    """HPKE's info: "chuzheng/wrap/v1"0 || reader (18) || H(envelope)."""
    code = reader.encode("ascii", "replace")
    if len(code) != 18 or len(envelope_sha256) != 32:
        raise InputError("envelope.wrap_fields")
    return WRAP_TAG + code + envelope_sha256


def wrap_key(key: bytes, reader: str, reader_key: X25519PublicKey, envelope_sha256: bytes) -> bytes:
    """The file's key for one reader, `enc (32 bytes) || ciphertext`, bound to reader and envelope."""
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    return suite.encrypt(key, reader_key, info=wrap_info(reader, envelope_sha256))


def unwrap_key(wrap: bytes, reader: str, reader_key: X25519PrivateKey, envelope_sha256: bytes) -> bytes:
    """The file's key again; UnreadableError for another reader's, another envelope's or a changed wrap."""
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    try:
        key = suite.decrypt(wrap, reader_key, info=wrap_info(reader, envelope_sha256))
    except (InvalidTag, ValueError):
        raise UnreadableError("envelope.wrap") from None
    if len(key) not in KEY_BYTES.values() or len(wrap) != _ENC_BYTES + len(key) + TAG_BYTES:
        raise UnreadableError("envelope.wrap")
    return key


def _read(source: BinaryIO, size: int) -> bytes:
    """Exactly `size` bytes unless the stream ends: raw streams and sockets may give less at a time."""
    data = source.read(size)
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return data
