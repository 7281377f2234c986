"""Rows for the Council: it acts by executed proposals, so its account is the contract's own."""

from __future__ import annotations

from .callers import ROLE_MISSING, SUCCEEDED_ERROR, Party, beside
from .stage import CONSUMER


def council(refused: str, **cells: str) -> Party:
    """Of the Council alone: nobody else's role counts, so everybody meets the same refusal."""
    return beside("理事会", "the Council", lambda stage: stage.council, CONSUMER, refused, **cells)


def council_or(refused: str, role_held_by_companies: bool = False) -> Party:
    """Of the Council where a department's operators may act too: those are asked for their role first."""
    return council(
        refused,
        ended=ROLE_MISSING,
        succeeded=SUCCEEDED_ERROR,
        service=refused if role_held_by_companies else ROLE_MISSING,
        stranger=ROLE_MISSING,
    )
