"""Suites: what verifies and what doesn't (formats.md §10)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.crypto.suites import GUOMI, INTL, verify, verify_ed25519, verify_p256
from ledger.errors import InputError, UnavailableError

MESSAGE = b"message"
ED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ED_PUBLIC = ED.public_key().public_bytes_raw()
ED_SIGNATURE = ED.sign(MESSAGE)
P256 = ec.derive_private_key(12345, ec.SECP256R1())
P256_PUBLIC = P256.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
R, S = decode_dss_signature(P256.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_verify__intl__algorithm_by_the_key_s_length() -> None:
    assert verify(INTL, ED_PUBLIC, ED_SIGNATURE, MESSAGE)
    assert verify(INTL, P256_PUBLIC, raw(R, S), MESSAGE)
    assert not verify(INTL, P256_PUBLIC, ED_SIGNATURE, MESSAGE)
    assert not verify(INTL, ED_PUBLIC, raw(R, S), MESSAGE)


@pytest.mark.parametrize("length", [0, 63, 65])
def test_verify__signature_of_other_length__no(length: int) -> None:
    assert not verify_ed25519(ED_PUBLIC, (ED_SIGNATURE + b"\0")[:length], MESSAGE)
    assert not verify_p256(P256_PUBLIC, (raw(R, S) + b"\0")[:length], MESSAGE)


def test_verify__any_bit_flipped__no() -> None:
    for bit in range(512):
        flipped = bytearray(ED_SIGNATURE)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not verify_ed25519(ED_PUBLIC, bytes(flipped), MESSAGE)
    assert not verify_ed25519(ED_PUBLIC, ED_SIGNATURE, MESSAGE + b"\0")


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, S), (R, 0), (ORDER, S), (R, ORDER), (S, R), (0, 0), (2**256 - 1, S)],
    ids=[
        "r 0",
        "s 0",
        "r too large",
        "s too large",
        "swapped",
        "both 0",
        "r far too large",
    ],  # the key is new each time
)
def test_verify_p256__numbers_out_of_range_or_swapped__no(r: int, s: int) -> None:
    assert verify_p256(P256_PUBLIC, raw(R, S), MESSAGE)
    assert not verify_p256(P256_PUBLIC, raw(r, s), MESSAGE)


@pytest.mark.parametrize(
    "key",
    [b"", bytes(31), bytes(33), b"\x06" + P256_PUBLIC[1:], P256_PUBLIC[:-1] + b"\0", bytes(65), P256_PUBLIC + b"\0"],
)
def test_verify__malformed_key__refused(key: bytes) -> None:
    with pytest.raises(InputError, match="public_key"):
        verify(INTL, key, ED_SIGNATURE, MESSAGE)
    with pytest.raises(InputError, match="public_key"):
        verify_ed25519(key[:31], ED_SIGNATURE, MESSAGE)


def test_verify__suite_not_built_in__unavailable_never_wrong() -> None:
    with pytest.raises(UnavailableError, match="suite_unavailable"):
        verify(GUOMI, ED_PUBLIC, ED_SIGNATURE, MESSAGE)


@pytest.mark.parametrize("suite", ["", "INTL", "chain", "none"])
def test_verify__undefined_suite__refused(suite: str) -> None:
    with pytest.raises(InputError, match="suite_unknown"):
        verify(suite, ED_PUBLIC, ED_SIGNATURE, MESSAGE)
