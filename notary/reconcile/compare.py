"""Two streams in the order of one key, gone through once: what only one of them has, and where they differ.

Pure, and flat in memory. A key is issuer (18 bytes) and keyed hash of the identifier (32 bytes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ledger.errors import IntegrityError


class What(StrEnum):
    """What a finding says; also the name of the file that lists it."""

    NOT_REGISTERED = "not_registered"
    """In the library; the ledger hasn't its identifier."""
    NOT_ANCHORED = "not_anchored"
    """In both; the ledger's entry isn't on the chain yet."""
    NOT_IN_LIBRARY = "not_in_library"
    STATUS_DIFFERS = "status_differs"
    TWICE = "twice"
    """A further row of the library with an identifier that it had already."""
    WRONG_ROW = "wrong_row"
    """A row of the library that can't be read; found before anything is compared."""


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """A row of the library: its number there, status as our number, identifier as it writes it."""

    key: bytes
    number: int
    status: int
    identifier: str


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The newest version under an identifier: where it stands, status as our number. `late`: registered after the
    library was exported, so that its absence there says nothing."""

    key: bytes
    position: int
    status: int
    anchored: bool
    late: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One finding, with the sides that it is about."""

    what: What
    library: LibraryRow | None = None
    ledger: LedgerRow | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """All about one key: where to go on after it, and what was found. `agreed`: both have it and nothing differs."""

    key: bytes
    found: tuple[Found, ...] = ()
    rows: int = 0
    agreed: bool = False
    late: bool = False


def compare(library: Iterator[LibraryRow], ledger: Iterator[LedgerRow]) -> Iterator[Step]:
    """A step for each key of either side, in order. IntegrityError `reconcile.order` if a side isn't in order."""
    theirs, ours = next(library, None), next(ledger, None)
    while theirs is not None or ours is not None:
        if theirs is None or (ours is not None and ours.key < theirs.key):
            assert ours is not None
            yield Step(ours.key, late=True) if ours.late else Step(ours.key, (Found(What.NOT_IN_LIBRARY, None, ours),))
            ours = _after(ours.key, next(ledger, None))
            continue
        mine = ours if ours is not None and ours.key == theirs.key else None
        first, found, rows = theirs, [], 0
        if mine is None:
            found.append(Found(What.NOT_REGISTERED, first))
        else:
            if not mine.anchored:
                found.append(Found(What.NOT_ANCHORED, first, mine))
            if mine.status != first.status:
                found.append(Found(What.STATUS_DIFFERS, first, mine))
            ours = _after(mine.key, next(ledger, None))
        agreed = not found
        while theirs is not None and theirs.key == first.key:
            rows += 1
            if rows > 1:
                found.append(Found(What.TWICE, theirs, mine))
            theirs = _ordered(first.key, next(library, None))
        yield Step(first.key, tuple(found), rows, agreed)


def _after(key: bytes, row: LedgerRow | None) -> LedgerRow | None:
    if row is not None and row.key <= key:
        raise IntegrityError("reconcile.order", side="ledger")
    return row


def _ordered(key: bytes, row: LibraryRow | None) -> LibraryRow | None:
    if row is not None and row.key < key:
        raise IntegrityError("reconcile.order", side="library")
    return row
