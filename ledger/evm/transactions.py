"""Transactions of type 0 and the keys that sign them: EIP-155, addresses.

Signing is deterministic (RFC 6979), so the same nonce and call always give the same bytes and the same hash. The key
never leaves its object: it has no repr, and what is logged is its address.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ledger.crypto.chain import address_of, keccak
from ledger.errors import ConfigurationError
from ledger.evidence.rlp import encode as rlp
from ledger.types import Address, ChainHash


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is to be signed. `to` None creates a contract; `gas_price` in wei."""

    nonce: int
    gas_price: int
    gas: int
    to: Address | None
    data: bytes
    chain_id: int


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """The bytes that go to the node, and the hash by which the chain will know them."""

    raw: bytes
    tx_hash: ChainHash


class TransactionSigner(Protocol):
    """A chain account whose key signs and never shows itself."""

    address: Address

    def sign_transaction(self, transaction: Transaction) -> SignedTransaction: ...


def contract_address(sender: Address, nonce: int) -> Address:
    """Where the contract lands that `sender` creates with `nonce`."""
    return Address("0x" + keccak(rlp([bytes.fromhex(sender[2:]), nonce]))[12:].hex())


class EvmKey:
    """A secp256k1 key in memory; `secret` is 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        from coincurve import PrivateKey

        if len(secret) != 32:  # a shorter one would be padded, and be another key than was meant
            raise ConfigurationError("chain.key_invalid")
        try:
            self._key = PrivateKey(secret)
        except ValueError as error:
            raise ConfigurationError("chain.key_invalid") from error
        self.address = address_of(self._key.public_key.format(compressed=False))

    def sign_transaction(self, transaction: Transaction) -> SignedTransaction:
        to = bytes.fromhex(transaction.to[2:]) if transaction.to else b""
        t = transaction
        body: list[bytes | int] = [t.nonce, t.gas_price, t.gas, to, 0, t.data]
        digest = keccak(rlp([*body, t.chain_id, 0, 0]))
        signature = self._key.sign_recoverable(digest, hasher=None)
        r, s = (int.from_bytes(signature[a : a + 32], "big") for a in (0, 32))
        raw = rlp([*body, t.chain_id * 2 + 35 + signature[64], r, s])
        return SignedTransaction(raw, ChainHash("0x" + keccak(raw).hex()))


def load_key(path: Path) -> EvmKey:
    """The key in `path` (64 hex digits, readable by its owner alone)."""
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise ConfigurationError("chain.key_open", path=str(path))
        return EvmKey(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except (OSError, ValueError) as error:
        raise ConfigurationError("chain.key_unreadable", path=str(path)) from error


def load_or_make_key(path: Path) -> EvmKey:
    """The key in `path`, made there with mode 0600 if there is none yet; two processes get the same one."""
    if path.exists():
        return load_key(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)  # a crash before here leaves a draft, never half a key under the name
    draft.unlink()
    return load_key(path)
