"""Rules of credit records, each with its citation: publication limits, clocks of objections, the hard stop.

`data/credit_rules.csv` holds what several regions lay down; none of Hubei was found, so the figures in force are a
profile (`ledger.credits.Profile`) that the Council changes with a cited basis. Here they can be looked up and shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ledger.codes.tables import rows


@dataclass(frozen=True, slots=True)
class CreditRule:
    """One rule. Empty figures are None: the text has no term; 0 days is "at once"."""

    rule_id: str
    kind: str
    subject: str
    severity: str
    """轻微, 一般, 严重, or "" where the rule doesn't tell them apart."""
    min_months: int | None
    max_months: int | None
    days: int | None
    unit: str
    """"working day" or a kind of day of its own ("" for rules in months)."""
    authority: str
    basis: str
    text_seen: bool
    """Whether the article itself was read; if not, read it before relying on the rule."""
    note: str


@cache
def credit_rules() -> dict[str, CreditRule]:
    """All rules by id, in the file's order."""
    found = (
        CreditRule(
            rule_id=r["rule_id"],
            kind=r["kind"],
            subject=r["subject"],
            severity=r["class"],
            min_months=_number(r["min_months"]),
            max_months=_number(r["max_months"]),
            days=_number(r["days"]),
            unit=r["unit"],
            authority=r["authority"],
            basis=r["basis"],
            text_seen=r["text_seen"] == "yes",
            note=r["note"],
        )
        for r in rows("data", "credit_rules.csv")
    )
    return {rule.rule_id: rule for rule in found}


@dataclass(frozen=True, slots=True)
class CreditClass:
    """One class of items of `credit_classes.csv`; numbers as in the contract's catalogue (`CreditRecords`)."""

    number: int
    polarity: int
    """1 merit, 2 negative, 3 plain fact; 0 for a sealed class, which has no items."""
    measure: int
    """0 none, 1 benefits cancelled for fraud, 2 suspended, reduced or cancelled for a crime."""
    sealed: bool
    name_zh: str
    name_en: str
    basis: str


@cache
def credit_classes() -> dict[int, CreditClass]:
    """Our classes by number: what the provincial authority may put into the catalogue, and what nobody may."""
    found = (
        CreditClass(
            number=int(r["number"]),
            polarity=int(r["polarity"]),
            measure=int(r["measure"]),
            sealed=r["sealed"] == "yes",
            name_zh=r["name_zh"],
            name_en=r["name_en"],
            basis=r["basis"],
        )
        for r in rows("credit_classes.csv")
    )
    return {c.number: c for c in found}


def _number(text: str) -> int | None:
    return int(text) if text else None
