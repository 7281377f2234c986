"""Who acts on credit records, in a block of which time, and what the other contracts say in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.credits import Around
from ledger.types import BlockTime, DepartmentCode

NOBODY = DepartmentCode("")


@dataclass(frozen=True, slots=True)
class Now:
    """Who acts, in a block of which time, and what the other contracts say in it."""

    by: DepartmentCode
    """The acting department, whose operator has CREDIT; NOBODY for the Council, and for anyone."""
    time: BlockTime
    around: Around
