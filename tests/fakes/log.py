"""What tests of the log share: a signer that remembers what it signed, entries, roots by the book."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ledger.types import Digest, Kind, Millis, Origin
from notary.checkpoint import parse_checkpoint
from notary.entry import Entry, parse_origin
from notary.merkle import leaf_hash, root_from_leaves
from notary.stores.tiles import TileLog
from tests.fakes.disk import MemoryDisk

ORIGIN = Origin("chuzheng/test/11420000011043201A")
KEY_NAME = str(ORIGIN)
FOLDER = Path("/log")


@dataclass
class RememberingSigner:
    """Signs nothing real, and fails the test that gets two roots signed for one size."""

    suite: str = "ed25519"
    public_key: bytes = b"\x07" * 32
    heads: dict[int, bytes] = field(default_factory=dict)

    def sign(self, message: bytes) -> bytes:
        _, size, _, _ = message.decode().split("\n")
        assert self.heads.setdefault(int(size), message) == message, f"a second root for size {size}"
        return b"\x05" * 64


def make_entry(number: int, origin: str = ORIGIN) -> bytes:
    """The entry of this number: always the same bytes."""
    digest = sha256(str(number).encode()).digest()
    issuer = parse_origin(origin).issuer
    return Entry(
        Kind.CERTIFICATE, issuer, Millis(1_700_000_000_000 + number), Digest(digest), Digest(digest)
    ).to_bytes()


def make_entries(count: int, start: int = 0) -> list[bytes]:
    return [make_entry(number) for number in range(start, start + count)]


def root_of(entries: list[bytes]) -> bytes:
    """RFC 6962 over all leaves at once."""
    return root_from_leaves([leaf_hash(entry) for entry in entries])


def size_of(note: str | None) -> int:
    return parse_checkpoint(note).size if note else 0


def log_in_memory(origin: str = ORIGIN) -> TileLog:
    return TileLog(FOLDER, Origin(origin), disk=MemoryDisk())


def grow(log: TileLog, entries: list[bytes], signer: RememberingSigner | None = None) -> None:
    """Append the entries and seal them all."""
    with log.appending() as appending:
        appending.append(appending.durable_size, entries)
    log.seal(signer or RememberingSigner(), KEY_NAME)
