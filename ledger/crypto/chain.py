"""The suite `chain`: Keccak-256 and recoverable secp256k1 signatures, for transactions and block seals only (§10).

Pure. Both libraries are loaded when they are first needed: judging a receipt without block evidence needs neither.
"""

from __future__ import annotations

from ledger.types import Address

SEAL_BYTES = 65


def keccak(data: bytes) -> bytes:
    """Keccak-256, 32 bytes (not SHA3-256)."""
    from eth_hash.auto import keccak as hash_it

    return bytes(hash_it(data))


def address_of(public_key: bytes) -> Address:
    """The account of an uncompressed public key, 65 bytes `04 || x || y`."""
    return Address("0x" + keccak(public_key[1:])[12:].hex())


def recover(digest: bytes, seal: bytes) -> Address | None:
    """Whose signature `seal` (r || s || v, 65 bytes, v 0 or 1) over the 32 bytes of `digest` is; None: nobody's."""
    from coincurve import PublicKey

    if len(seal) != SEAL_BYTES or seal[64] > 1:
        return None
    try:
        key = PublicKey.from_signature_and_message(seal, digest, hasher=None)
    except ValueError:  # r or s out of range, or r no point of the curve
        return None
    return address_of(key.format(compressed=False))
