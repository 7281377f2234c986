"""Statuses: which decisions may follow which, and what is in force at an instant.

Pure twin of the contract `CertificateStatus`; contracts.md fixes codes and moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ledger.types import BlockTime, DepartmentCode, Digest


class DecisionCode(IntEnum):
    """What was decided about a certificate (contracts.md, CertificateStatus)."""

    RESUMED = 1
    SUSPENDED = 2
    RESCINDED = 3
    DEREGISTERED = 4
    LAPSED = 5
    TRANSFERRED_OUT = 6
    REVOKED = 7
    SUPERSEDED = 8
    WITHDRAWN = 9
    OTHER = 10


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as the contract keeps it. `number` counts from 1 within its status key."""

    number: int
    code: DecisionCode
    cause: int
    department: DepartmentCode
    effective_from: BlockTime
    recorded_at: BlockTime
    basis: Digest | None = None
    successor: Digest | None = None
    """Status key of the successor, for SUPERSEDED."""
    until: BlockTime | None = None
    """End of a suspension that ends by itself."""
    ends: int | None = None
    """For RESUMED: the number of the decision 2 or 6 that it ends."""
    annulled_at: BlockTime | None = None
