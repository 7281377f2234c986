"""Keys by address: `file:/path` is a PKCS#8 PEM that only its owner may read.

Signing keys are Ed25519 (a department's own also P-256), wrap keys X25519: a key of one purpose can't be loaded for the
other (formats.md §7, §10).
A key file is created once, durably, with mode 0600, and never overwritten; one that others may read is refused.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from ledger.crypto.suites import INTL
from ledger.errors import ConfigurationError, ConflictError
from ledger.ports import Signer

_SCHEME = "file:"
_LIMIT = 64 << 10


class Ed25519Signer:
    """An Ed25519 key in memory; `public_key` is 32 raw bytes. Printing it shows the public half only.

    libsodium signs: the same bytes (RFC 8032 leaves nothing to choose) in three fifths of the time, and a promise is
    what costs most of a receipt. Keys are read, and signatures verified, by `cryptography` as everywhere.
    """

    suite = INTL

    def __init__(self, key: Ed25519PrivateKey) -> None:
        from nacl.bindings import crypto_sign  # 30 ms, for whoever signs only

        self.public_key = key.public_key().public_bytes_raw()
        secret = key.private_bytes_raw() + self.public_key
        # In no attribute: what is printed or pickled by mistake doesn't hold it.
        self._sign: Callable[[bytes], bytes] = lambda message: crypto_sign(message, secret)[:64]

    def sign(self, message: bytes) -> bytes:
        """64 bytes, RFC 8032."""
        return self._sign(message)

    def __repr__(self) -> str:
        return f"Ed25519Signer({self.public_key.hex()})"


class P256Signer:
    """A P-256 key in memory; `public_key` is 65 raw bytes `04 || x || y`. Printing it shows the public half only."""

    suite = INTL

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign(self, message: bytes) -> bytes:
        """64 bytes r || s, ECDSA with SHA-256, the nonce derived from key and message (RFC 6979)."""
        signature = self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(signature)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def __repr__(self) -> str:
        return f"P256Signer({self.public_key.hex()})"


def create_signing_key(path: Path) -> Signer:
    """Make an Ed25519 key file (0600). ConflictError if something is there already."""
    key = Ed25519PrivateKey.generate()
    _write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Ed25519Signer(key)


def create_wrap_key(path: Path) -> X25519PrivateKey:
    """Make an X25519 key file (0600) that files are wrapped to. ConflictError if something is there already."""
    key = X25519PrivateKey.generate()
    _write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load_signer(address: str) -> Signer:
    """The signer at a key address. ConfigurationError if it is missing, readable by others, or no Ed25519 key."""
    key = _load(address)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError("key.purpose", address=address, expected="Ed25519")
    return Ed25519Signer(key)


def load_department_signer(address: str) -> Signer:
    """As `load_signer`, for a department's own key, which may be a P-256 one too (formats.md §10)."""
    key = _load(address)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return P256Signer(key)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError("key.purpose", address=address, expected="Ed25519, P-256")
    return Ed25519Signer(key)


def load_wrap_key(address: str) -> X25519PrivateKey:
    """The wrap key at a key address; refused as `load_signer` does."""
    key = _load(address)
    if not isinstance(key, X25519PrivateKey):
        raise ConfigurationError("key.purpose", address=address, expected="X25519")
    return key


def check_private(address: str, mode: int) -> None:
    """ConfigurationError `key.open_to_others` unless a file of this mode is its owner's alone."""
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError("key.open_to_others", address=address, mode=f"{stat.S_IMODE(mode):04o}")


def _load(address: str) -> object:
    if not address.startswith(_SCHEME):
        raise ConfigurationError("key.scheme", scheme=address.partition(":")[0])
    path = Path(address[len(_SCHEME) :])
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_LIMIT)
    except OSError as error:
        raise ConfigurationError("key.unreadable", address=address, reason=error.strerror) from None
    check_private(address, mode)
    try:
        return load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        raise ConfigurationError("key.form", address=address) from None


def _write_new(path: Path, data: bytes) -> None:
    """Written beside and linked into place, so that a crash leaves a whole key or none."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError("key.unwritable", path=str(path), reason=error.strerror) from None
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")  # in two containers processes share numbers
    try:
        _write_durably(beside, data)
        os.link(beside, path)
        _sync_folder(path.parent)
    except FileExistsError:
        raise ConflictError("key.exists", path=str(path)) from None
    except OSError as error:
        raise ConfigurationError("key.unwritable", path=str(path), reason=error.strerror) from None
    finally:
        beside.unlink(missing_ok=True)


def _write_durably(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
