"""Administrative divisions (GB/T 2260) of Hubei, 1981 on. A code is not a key: code and year are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ledger.codes.tables import rows

_FORM = re.compile(r"[0-9]{6}")
PROVINCE_PREFIX = "42"


@dataclass(frozen=True, slots=True)
class Division:
    """One row of the table: `valid_from` inclusive, `valid_to` exclusive (years), None: still in force."""

    code: str
    name: str
    level: str
    parent: str | None
    valid_from: int
    valid_to: int | None
    successor: str | None
    status: str


@cache
def _table() -> dict[str, tuple[Division, ...]]:
    found: dict[str, list[Division]] = {}
    for r in rows("data", "divisions_hubei.csv"):
        division = Division(
            code=r["code"],
            name=r["name"],
            level=r["level"],
            parent=r["parent"] or None,
            valid_from=int(r["valid_from"]),
            valid_to=int(r["valid_to"]) if r["valid_to"] else None,
            successor=r["successor"] or None,
            status=r["status"],
        )
        found.setdefault(division.code, []).append(division)
    return {code: tuple(sorted(them, key=lambda d: d.valid_from)) for code, them in found.items()}


def periods(code: str) -> tuple[Division, ...]:
    """Every period of `code`, oldest first; empty where it was never used."""
    return _table().get(code, ())


def division_in(code: str, year: int) -> Division | None:
    """What `code` meant in `year` (at its 31 December); None: nothing, or outside Hubei."""
    for division in periods(code):
        if division.valid_from <= year and (division.valid_to is None or year < division.valid_to):
            return division
    return None


def current(code: str) -> Division | None:
    """What `code` means now; None: nothing any more, or outside Hubei."""
    for division in periods(code):
        if division.status == "current":
            return division
    return None


def check_division(code: str) -> str | None:
    """`form` unless six digits; `unknown` for a code of Hubei that was never in force; None otherwise.

    Codes of other provinces aren't in our table and pass.
    """
    if not _FORM.fullmatch(code):
        return "form"
    if code.startswith(PROVINCE_PREFIX) and code not in _table():
        return "unknown"
    return None
