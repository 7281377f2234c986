"""Terms of the Regulation on Government Data Sharing (政务数据共享条例, Decree 809), as the contracts use them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ledger.codes.tables import rows


@dataclass(frozen=True, slots=True)
class Term:
    """One term: `days` of `unit` from `trigger`, for `actor`; `extension` more at most. None: the Decree gives none."""

    code: str
    article: str
    trigger: str
    actor: str
    days: int | None
    unit: str | None
    extension: int | None
    extension_condition: str
    note: str
    source_text: str


@cache
def terms() -> dict[str, Term]:
    """All terms by code."""
    return {
        r["code"]: Term(
            code=r["code"],
            article=r["article"],
            trigger=r["trigger"],
            actor=r["actor"],
            days=int(r["days"]) if r["days"] else None,
            unit=r["unit"] or None,
            extension=int(r["extension"]) if r["extension"] else None,
            extension_condition=r["extension_condition"],
            note=r["note"],
            source_text=r["source_text"],
        )
        for r in rows("data", "sharing_deadlines.csv")
    }


def working_days(code: str) -> int:
    """Working days of the term `code`. KeyError for a term that isn't in working days."""
    term = terms()[code]
    if term.unit != "working day" or term.days is None:
        raise KeyError(code)
    return term.days
