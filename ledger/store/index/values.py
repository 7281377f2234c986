"""Values of events as the domain has them. Shared by the rooms of this package that make records of events."""

from __future__ import annotations

from ledger.types import BlockTime, DepartmentCode, Digest


def code(value: bytes) -> DepartmentCode:
    """A department; the empty code for the Council, which has none."""
    return DepartmentCode(value.rstrip(b"\0").decode("ascii"))


def given(value: bytes) -> Digest | None:
    """A commitment, None for zeros."""
    return Digest(value) if any(value) else None


def time(value: int) -> BlockTime | None:
    """A time, None for 0: it isn't so yet, or it doesn't apply."""
    return BlockTime(value) if value else None
