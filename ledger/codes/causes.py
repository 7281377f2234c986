"""Causes of decisions on certificates: the u16 beside a decision's code (contracts.md, CertificateStatus).

Numbers in causes.csv are never used again. 0 is "none given" and goes with every decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ledger.codes.tables import rows
from ledger.errors import InputError

NONE_GIVEN = 0
WITHHELD = 1
"""暂扣, with a suspension."""
PAUSED = 2
"""中止, with a suspension."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: the decision code that it goes with, its names, and the article that lists it ("" if none)."""

    cause: int
    decision: int
    name_zh: str
    name_en: str
    basis: str


@cache
def causes() -> dict[int, Cause]:
    """All causes by number."""
    found = (
        Cause(int(r["cause"]), int(r["decision"]), r["name_zh"], r["name_en"], r["basis"]) for r in rows("causes.csv")
    )
    return {c.cause: c for c in found}


def cause_of(number: int) -> Cause | None:
    """The cause, or None if it is 0 or not in our list (another version may know it)."""
    return causes().get(number)


def check_cause(decision: int, number: int) -> None:
    """InputError `status.cause_unknown` or `status.cause_mismatch` unless `number` is 0 or a cause of that decision."""
    if number == NONE_GIVEN:
        return
    cause = causes().get(number)
    if cause is None:
        raise InputError("status.cause_unknown", cause=number)
    if cause.decision != decision:
        raise InputError("status.cause_mismatch", cause=number, expected=cause.decision, found=decision)
