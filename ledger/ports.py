"""What the pure rooms ask of the world: Protocols, implemented by adapters and by tests/fakes.

Adapters are chosen in api.wiring and scripts, nowhere else (architecture.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

from ledger.departments import Accreditation, DepartmentHistory
from ledger.keys import DepartmentKey
from ledger.statuses import Decision
from ledger.types import Anchor, Block, DepartmentCode, Digest, LogId, Millis, TypeCode


class Clock(Protocol):
    """The one source of our own time."""

    def now(self) -> Millis: ...


class Signer(Protocol):
    """A key that signs and never shows itself; `suite` as in formats.md §10, `public_key` raw (Ed25519: 32 bytes)."""

    @property
    def suite(self) -> str: ...

    @property
    def public_key(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


class ContentStore(Protocol):
    """Encrypted files by CID (profile unixfs-v1-2025). What a store returns is hashed again (formats.md §7)."""

    def put(self, path: str) -> str: ...

    def put_stream(self, source: BinaryIO) -> str:
        """Store what `source` has left, in flat memory; the CID once it is durable."""
        ...

    def get_to(self, cid: str, path: str) -> None: ...

    def leaves(self, cid: str) -> Iterator[bytes]:
        """The file's bytes in pieces of at most 1 MiB, each checked; whoever stops early gets the beginning only."""
        ...

    def has(self, cid: str) -> bool: ...

    def remove(self, cid: str) -> None:
        """Take the file named `cid` away, all of it; no error if it's gone."""
        ...


class ChainReader(Protocol):
    """What verification and the notary ask of the chain. Every call may raise UnavailableError: an outage is no answer.

    `block` is the number of the block that the answer is of; None lets the adapter take the newest final one.
    """

    def chain_id(self) -> int: ...

    def genesis_hash(self) -> str: ...

    def head(self) -> Block: ...

    def final_head(self) -> Block: ...

    def block(self, number: int) -> Block | None: ...

    def log_head(self, log_id: LogId, block: int | None = None) -> tuple[int, Digest] | None:
        """(size, root) of the log's newest anchor; None while the log isn't opened; size 0 before the first anchor."""
        ...

    def closed_at(self, log_id: LogId, block: int | None = None) -> int | None:
        """The last good size of a log that the Council closed: anchors above it count as not recorded. None: open."""
        ...

    def anchored_root(self, log_id: LogId, size: int, block: int | None = None) -> Digest | None: ...

    def anchors(self, log_id: LogId, above_size: int = 0, limit: int = 1) -> Sequence[Anchor]:
        """Anchors of sizes > `above_size`, smallest first, from the events; the first is the earliest that holds an
        index."""
        ...

    def decisions(self, status_key: Digest, block: int | None = None) -> Sequence[Decision]: ...

    def department(self, code: DepartmentCode, block: int | None = None) -> DepartmentHistory | None: ...

    def accreditations(
        self, issuer: DepartmentCode, type_code: TypeCode, block: int | None = None
    ) -> Sequence[Accreditation]: ...

    def keys(self, department: DepartmentCode, block: int | None = None) -> Sequence[DepartmentKey]:
        """The department's keys and proposals of both purposes, as they stand at the block, oldest proposal first."""
        ...

    def carrier(self, code: DepartmentCode, what: bytes, block: int | None = None) -> DepartmentCode:
        """Who carries `what` (bytes32; zeros: what no part of a succession names) of the department at the block's
        time: itself while nobody has succeeded it."""
        ...
