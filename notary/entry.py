"""The 92 public bytes of an entry, its leaf and status key, and the names of logs.

Pure. formats.md §3 and §4 (origin). A verifier recomputes the leaf from the entry and believes no other.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from ledger.errors import InputError, UnreadableError
from ledger.types import DepartmentCode, Digest, Kind, LogId, Millis, Origin

ENTRY_BYTES = 92
ENTRY_VERSION = 1
HOUR = 3_600_000
"""Milliseconds: entries about sharing and credit say only the hour."""
HOURLY = frozenset({Kind.SHARE, Kind.USE, Kind.CREDIT})

_LAYOUT = struct.Struct(">BB18sQ32s32s")
_ISSUER = re.compile(rb"[0-9A-Z]{18}")
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_KINDS = {int(kind): kind for kind in Kind}
_PLAIN_KINDS = _KINDS.keys() - HOURLY


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `accepted_at` in Unix milliseconds by the notary's clock, both commitments 32 bytes."""

    kind: Kind
    issuer: DepartmentCode
    accepted_at: Millis
    sha256: Digest
    sm3: Digest

    def to_bytes(self) -> bytes:
        """The 92 bytes; InputError where a field doesn't fit its place."""
        if len(self.sha256) != 32 or len(self.sm3) != 32:
            raise InputError("entry.commitment_length")
        if not 0 <= self.accepted_at < 1 << 53:
            raise InputError("entry.time", found=self.accepted_at)
        if self.kind in HOURLY and self.accepted_at % HOUR:
            raise InputError("entry.full_hour", kind=self.kind.word)
        issuer = self.issuer.encode("ascii", "replace")
        if not _ISSUER.fullmatch(issuer):
            raise InputError("entry.issuer")
        return _LAYOUT.pack(ENTRY_VERSION, self.kind, issuer, self.accepted_at, self.sha256, self.sm3)

    @staticmethod
    def from_bytes(data: bytes) -> Entry:
        """Read exactly 92 bytes strictly; UnreadableError otherwise."""
        if len(data) != ENTRY_BYTES:
            raise UnreadableError("entry.length", expected=ENTRY_BYTES, found=len(data))
        version, number, issuer, accepted_at, digest, sm3 = _LAYOUT.unpack(data)
        if version != ENTRY_VERSION:
            raise UnreadableError("entry.version", expected=ENTRY_VERSION, found=version)
        kind = _KINDS.get(number)
        if kind is None:
            raise UnreadableError("entry.kind", found=number)
        if not _ISSUER.fullmatch(issuer):
            raise UnreadableError("entry.issuer")
        if accepted_at >> 53 or (accepted_at % HOUR and kind in HOURLY):
            raise UnreadableError("entry.time", found=accepted_at)
        return Entry(kind, DepartmentCode(issuer.decode("ascii")), Millis(accepted_at), Digest(digest), Digest(sm3))


def check_entries(joined: bytes) -> None:
    """UnreadableError unless every 92 bytes of `joined` are an entry that `Entry.from_bytes` reads.

    By columns: entries of one log share most of theirs, and one look at a column is cheaper than one at each entry.
    """
    count, over = divmod(len(joined), ENTRY_BYTES)
    if over:
        raise UnreadableError("entry.length", expected=ENTRY_BYTES, found=over)
    issuer = joined[2:20]
    alike = (
        joined[0::ENTRY_BYTES] == bytes((ENTRY_VERSION,)) * count
        and set(joined[1::ENTRY_BYTES]) <= _PLAIN_KINDS
        and _ISSUER.fullmatch(issuer) is not None
        and all(joined[2 + at :: ENTRY_BYTES] == issuer[at : at + 1] * count for at in range(18))
        and not any(joined[20::ENTRY_BYTES])
        and max(joined[21::ENTRY_BYTES], default=0) < 1 << 5
    )
    if not alike:  # a mixture, an hour's time, or something wrong, which is said as ever
        for at in range(0, len(joined), ENTRY_BYTES):
            Entry.from_bytes(joined[at : at + ENTRY_BYTES])


def leaf_of(entry: bytes) -> Digest:
    """H(0x00 || entry)."""
    return Digest(sha256(b"\x00" + entry).digest())


STATUS_TAG = b"chuzheng/status/v1\x00"


def status_key(issuer: str, commitment_sha256: bytes) -> Digest:
    """What the chain keeps statuses by: H("chuzheng/status/v1"0 || issuer || commitment_sha256)."""
    return Digest(sha256(STATUS_TAG + issuer.encode("ascii") + commitment_sha256).digest())


@dataclass(frozen=True, slots=True)
class ParsedOrigin:
    """A log's name taken apart: `chuzheng/N/C` or `chuzheng/N/C/S`."""

    network: str
    issuer: DepartmentCode
    shard: str | None


@lru_cache(maxsize=4096)
def parse_origin(text: str) -> ParsedOrigin:
    """Take an origin apart; UnreadableError unless it is written exactly as formats.md §4 says."""
    from ledger.codes.uscc import check_uscc

    parts = text.split("/")
    if len(parts) not in (3, 4) or parts[0] != "chuzheng":
        raise UnreadableError("origin.form")
    if not all(_SEGMENT.fullmatch(part) for part in (parts[1], *parts[3:])):
        raise UnreadableError("origin.segment")
    reason = check_uscc(parts[2])
    # The rule for origins is the code's own check character; the organisation code's inner one is a matter of
    # identifiers. The contract asks for both, as no department is admitted without, so reading is the laxer side.
    if reason not in (None, "inner-check"):
        raise UnreadableError("origin.issuer", reason=reason)
    return ParsedOrigin(parts[1], DepartmentCode(parts[2]), parts[3] if len(parts) == 4 else None)


def make_origin(network: str, issuer: str, shard: str | None = None) -> Origin:
    """The origin of a log; refused as `parse_origin` does."""
    text = "/".join(["chuzheng", network, issuer] + ([] if shard is None else [shard]))
    parse_origin(text)
    return Origin(text)


@lru_cache(maxsize=4096)
def log_id(origin: str) -> LogId:
    """H("chuzheng/log/v1"0 || origin)."""
    return LogId(sha256(b"chuzheng/log/v1\x00" + origin.encode()).digest())
