"""What is submitted to a log, and what is answered: the words between callers and acceptance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.errors import ConflictError
from ledger.types import DepartmentCode, Origin
from notary.details import Detail
from notary.packed import ROW_BYTES

GONE = -1
"""The position of a row that is refused because it was erased: nothing says where it stood."""


class Row(NamedTuple):
    """What is committed: the parts of an entry that the notary doesn't add."""

    kind: int
    sha256: bytes
    sm3: bytes


@dataclass(slots=True)
class Submission:
    """One call: all of its rows are taken, or none. `rows` are packed, 65 bytes each (notary/packed.py); `details` is
    empty where the client committed."""

    department: DepartmentCode
    origin: Origin
    operation: str
    key: bytes | None
    """32 bytes; None: the commitment itself is the key."""
    content: bytes
    rows: bytes
    details: Sequence[Detail] = ()
    answer: Future[Answer] = field(default_factory=Future)
    each: bool = False
    """Records judged one by one (back-fill): one that can't be taken is told in the answer and stops no other."""
    keys: Sequence[bytes] = ()
    """Of the rows, for the index: made when it is submitted, beside other callers' commits."""

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.rows) // ROW_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """Where each row of a submission stands, in the order sent."""

    positions: Sequence[int]
    """A range where the rows stand one after the other, as nearly always."""
    entries: Sequence[bytes]
    repeated: Mapping[int, bytes | None]
    """Offset → sealed keys (None: the client salted) of the rows that stood in a log before this call."""
    refused: Mapping[int, ConflictError] = field(default_factory=dict)
    """Offset → why, where rows were judged one by one; `positions`: where the other content stands, or GONE."""
    taken: Sequence[int] = ()
    """There, the offsets of the rows that this submission got indexes for, now or when it came under its key before,
    in the order of the indexes; the entries of the other rows aren't read, and empty."""
