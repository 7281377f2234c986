"""What `verify` is given: what was presented, and what was collected about it. Verification.md, head.

Pure data. Every collected item is a value, ABSENT (asked, and there is none) or Unavailable (couldn't be asked):
an outage is never an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from ledger.departments import Accreditation, DepartmentHistory
from ledger.statuses import Decision
from ledger.types import Anchor, BlockTime, DepartmentCode, Digest, Millis
from notary.disclosure import Disclosure
from notary.entry import Entry
from notary.receipt import Receipt
from notary.report import AsOf


class ErasedBy(NamedTuple):
    """What is known of an erasure: the order's code, and when the entry of kind 6 that tells it was accepted."""

    order: str
    at: Millis | None = None
    """None: a snapshot names no entry, or the entry isn't in the log yet."""


@dataclass(frozen=True, slots=True)
class FileDigests:
    """A file as its reader hashed it; the file itself needn't leave its owner."""

    size: int
    sha256: bytes
    sm3: bytes


@dataclass(frozen=True, slots=True)
class Presented:
    """A receipt with what was shown beside it: the record (with salt), a disclosure, a file's digests, or nothing.

    `salt` is for records whose receipt holds none (where the client committed); `canonical`, the record's JCS bytes,
    only saves work. A disclosure brings its own receipt; `receipt` may be a newer one of the same entry.
    """

    receipt: Receipt
    record: Mapping[str, Any] | None = None
    disclosure: Disclosure | None = None
    file: FileDigests | None = None
    salt: bytes | None = None
    canonical: bytes | None = None

    @property
    def comparable(self) -> bool:
        """Whether something was shown that check 2 can compare with the commitment."""
        salted = self.receipt.salt is not None or self.salt is not None
        return self.disclosure is not None or (self.record is not None and salted)


@dataclass(frozen=True, slots=True)
class IdentifierAlone:
    """Only a certificate identifier, as somebody typed it: a status answer, no verdict."""

    identifier: str


Request = Presented | IdentifierAlone


class Absent(Enum):
    """Asked, and there is none."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Couldn't be asked; `reason` is an error's code, or `offline`, `not_collected`, `not_built`."""

    reason: str


OFFLINE = Unavailable("offline")
NOT_COLLECTED = Unavailable("not_collected")


@dataclass(frozen=True, slots=True)
class ChainSeen:
    """Which chain answered."""

    chain_id: int
    genesis_hash: str


@dataclass(frozen=True, slots=True)
class LogSeen:
    """What the log served: its newest checkpoint, and the entry at the receipt's index with its path, if it has one."""

    checkpoint: str
    entry: bytes | None = None
    path: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Equivocation:
    """Two signed pieces that can't both be true (formats.md §4); both are kept and shown, as text."""

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class DepartmentKey:
    """A department's signing key; block times in seconds, `until` and `compromised_since` None: no end, not known.
    `claimed_since`: the department said so later, and the Council hasn't: at and after it nobody knows."""

    key_id: str
    suite: str
    public_key: bytes
    since: BlockTime
    until: BlockTime | None = None
    compromised_since: BlockTime | None = None
    claimed_since: BlockTime | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """An entry that a log has for an identifier, and what the public lookup may tell of its record."""

    origin: str
    index: int
    entry: Entry
    type_code: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    dates_known: bool = False
    """Whether `valid_from` and `valid_to` are the record's (`valid_to` None: no end)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was collected, the chain's part at one block. The default is what an offline verifier has: nothing."""

    chain: ChainSeen | Unavailable = OFFLINE
    as_of: AsOf | None = None
    """The block that the chain's facts are of: final by the trust file's rule."""
    head: int | None = None
    """The number of the chain's newest block."""
    root: Digest | Absent | Unavailable = OFFLINE
    """The root that the chain holds for the receipt's (log, size), at `as_of`."""
    newest_root: Digest | Absent | Unavailable = OFFLINE
    """The same at the chain's head, which may not be final yet."""
    closed_at: int | Absent | Unavailable = ABSENT
    """The last good size of the log, if the Council closed it; asked where the chain hasn't the receipt's size."""
    snapshot_root: Digest | Absent | Unavailable = OFFLINE
    """The root that a believed snapshot has for it."""
    anchor: Anchor | Absent | Unavailable = OFFLINE
    """The event that recorded (log, size)."""
    earliest: Anchor | Absent | Unavailable = OFFLINE
    """The first anchored size of this log above the index: T."""
    department: DepartmentHistory | Absent | Unavailable = OFFLINE
    accreditations: tuple[Accreditation, ...] | Unavailable = OFFLINE
    decisions: tuple[Decision, ...] | Unavailable = OFFLINE
    keys: tuple[DepartmentKey, ...] | Unavailable = OFFLINE
    """The issuer's signing keys, where the receipt has a signature of its own."""
    carrier: DepartmentCode | Unavailable = NOT_COLLECTED
    """Who carries a succeeded issuer's certificates at `as_of`; asked only about one that was succeeded by then."""
    log: LogSeen | Absent | Unavailable = OFFLINE
    erased: ErasedBy | Absent | Unavailable = NOT_COLLECTED
    """Where the log's list, or a snapshot, says that the content was erased; asked only where nothing was shown that
    could be compared."""
    equivocations: tuple[Equivocation, ...] = ()
    located: tuple[Located, ...] | Unavailable = OFFLINE
    """For an identifier: what the logs have, the one that the rest of the evidence is about first."""
    contact: str | None = None
    """How to reach the issuer, where the deployment knows."""


def milliseconds(time: BlockTime) -> Millis:
    return Millis(time * 1000)
