"""Signatures of the suite `intl`: Ed25519 and ECDSA P-256 with SHA-256, keys and signatures as raw bytes.

Pure. The algorithm follows from the key's length (32 bytes: Ed25519; 65 bytes `04 || x || y`: P-256), the signature
is 64 bytes in both (P-256: r || s). A suite that isn't built in is *unavailable*, never "wrong" (formats.md §10).
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ledger.errors import InputError, UnavailableError

INTL = "intl"
GUOMI = "guomi"
SIGNATURE_BYTES = 64
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def verify(suite: str, public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` is of `public_key`.

    UnavailableError for a suite this build can't check (the caller's answer is then *unknown*), InputError for a
    suite or a key that nobody defined.
    """
    if suite == GUOMI:
        raise UnavailableError("crypto.suite_unavailable", suite=suite)
    if suite != INTL:
        raise InputError("crypto.suite_unknown", suite=suite)
    if len(public_key) == 32:
        return verify_ed25519(public_key, signature, message)
    return verify_p256(public_key, signature, message)


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Ed25519 (RFC 8032), raw 32-byte key, 64-byte signature."""
    try:
        _ed25519(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def verify_p256(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """ECDSA P-256 with SHA-256; signature r || s, both within 1 and the order, fixed width."""
    key = _p256(public_key)
    if len(signature) != SIGNATURE_BYTES:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
        return False
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=256)
def _ed25519(public_key: bytes) -> Ed25519PublicKey:
    if len(public_key) != 32:
        raise InputError("crypto.public_key")
    return Ed25519PublicKey.from_public_bytes(public_key)


@lru_cache(maxsize=256)
def _p256(public_key: bytes) -> ec.EllipticCurvePublicKey:
    if len(public_key) != 65 or public_key[:1] != b"\x04":
        raise InputError("crypto.public_key")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    except ValueError:
        raise InputError("crypto.public_key") from None
