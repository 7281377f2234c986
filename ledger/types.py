"""Identifiers and values that every room shares.

A NewType per identifier, so that a log id can't be passed where a commitment is meant; frozen records for the rest.
Nothing here does I/O. Layouts: formats.md §3, §4, §6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NewType

DepartmentCode = NewType("DepartmentCode", str)
"""Unified social credit code, 18 characters, upper case (GB 32100)."""
TypeCode = NewType("TypeCode", str)
"""Certificate type, 21 characters: the defining authority's code and three digits."""
CertificateId = NewType("CertificateId", str)
"""GB/T 36904 identifier, `1.2.156.3005.2.…`."""
Origin = NewType("Origin", str)
"""`chuzheng/N/C` or `chuzheng/N/C/S` (formats.md §4)."""
LogId = NewType("LogId", bytes)
"""32 bytes: H("chuzheng/log/v1"0 || origin)."""
Digest = NewType("Digest", bytes)
"""32 bytes."""
Address = NewType("Address", str)
"""`0x` and 40 lower-case hex digits."""
ChainHash = NewType("ChainHash", str)
"""`0x` and 64 lower-case hex digits: a hash of a block or a transaction."""
BlockTime = NewType("BlockTime", int)
"""Unix seconds, as a block states it."""
Millis = NewType("Millis", int)
"""Unix milliseconds, as our clocks state it."""


class Kind(IntEnum):
    """What an entry is about (formats.md §3, byte 1)."""

    CERTIFICATE = 1
    DOCUMENT = 2
    SHARE = 3
    USE = 4
    CREDIT = 5
    ERASURE = 6
    CHECKPOINT = 7

    @property
    def word(self) -> str:
        """The word that a record's `kind` member has."""
        return self.name.lower()


class Role(IntEnum):
    """What an operator of a department may do: the bit in the contract's mask (contracts.md, Departments)."""

    ANCHOR = 1
    STATUS = 2
    SHARE_HANDLER = 4
    SHARE_APPROVER = 8
    CREDIT = 16
    GATEWAY = 32
    NODE = 64


class Stage(StrEnum):
    """How far a receipt has come (formats.md §6)."""

    PROMISED = "promised"
    INCLUDED = "included"
    ANCHORED = "anchored"


@dataclass(frozen=True, slots=True)
class Contract:
    """A version of a contract, by name; in force for from_block ≤ block < until_block (None: it is so now).

    `code_hash`: keccak256 of the code at the address. Nothing of it is in a block before `from_block`.
    """

    name: str
    address: Address
    code_hash: ChainHash
    from_block: int
    until_block: int | None = None

    def in_force_at(self, block: int) -> bool:
        return self.from_block <= block and (self.until_block is None or block < self.until_block)


@dataclass(frozen=True, slots=True)
class Block:
    """One block as a node stated it."""

    number: int
    hash: ChainHash
    time: BlockTime
    parent: ChainHash


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint that the chain holds: the receipt's `anchor` member and what it is about (formats.md §6)."""

    log_id: LogId
    size: int
    root: Digest
    chain_id: int
    genesis_hash: ChainHash
    contract: Address
    tx_hash: ChainHash
    block_number: int
    block_hash: ChainHash
    block_time: BlockTime
    department: DepartmentCode | None = None
    """Whose event it is; None where the source doesn't keep it (the contract lets only the log's owner anchor)."""
