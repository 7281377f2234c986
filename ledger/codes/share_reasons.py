"""Codes of sharing: reasons (u16), purposes (u16) and articles (u32) that stand on the chain in place of text.

The contracts check a reason's kind, its hundreds; which numbers there are is said here. Numbers are never used again.
An article is statute × 10000 + its number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ledger.codes.tables import rows
from ledger.errors import InputError

KINDS = {
    "misuse": 1,
    "other_stop": 2,
    "ordered": 3,
    "rejection": 4,
    "withdrawal": 5,
    "emergency": 6,
    "lapse": 7,
    "extension": 8,
}
"""Kind → hundreds (contracts/libraries/Reasons.sol)."""
ARTICLES = 10_000


@dataclass(frozen=True, slots=True)
class Named:
    """One code: its names, and the article that lists it ("" if none)."""

    code: int
    name_zh: str
    name_en: str
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Statute:
    """A law by number; `emergency`: an emergency may rest on it."""

    number: int
    name_zh: str
    name_en: str
    emergency: bool


@cache
def reasons() -> dict[int, Named]:
    """All reasons by number; the kind is the hundreds."""
    found = (Named(int(r["reason"]), r["name_zh"], r["name_en"], r["basis"]) for r in rows("share_reasons.csv"))
    return {n.code: n for n in found}


@cache
def purposes() -> dict[int, Named]:
    """All purposes by number."""
    return {int(r["purpose"]): Named(int(r["purpose"]), r["name_zh"], r["name_en"]) for r in rows("share_purposes.csv")}


@cache
def statutes() -> dict[int, Statute]:
    """All statutes by number."""
    found = (
        Statute(int(r["statute"]), r["name_zh"], r["name_en"], r["emergency"] == "1") for r in rows("statutes.csv")
    )
    return {s.number: s for s in found}


def article_code(statute: int, article: int) -> int:
    """The u32 of an article. InputError `share.article_unknown` for an unknown statute or an impossible article."""
    if statute not in statutes() or not 0 < article < ARTICLES:
        raise InputError("share.article_unknown", statute=statute, article=article)
    return statute * ARTICLES + article


def article_of(code: int) -> tuple[Statute, int] | None:
    """Statute and article of a code; None if it isn't in our list (another version may know it)."""
    statute = statutes().get(code // ARTICLES)
    return None if statute is None or code % ARTICLES == 0 else (statute, code % ARTICLES)


def check_reason(reason: int, kind: str) -> None:
    """InputError `share.reason_unknown` unless `reason` is in the list and of that kind (KINDS)."""
    if reason not in reasons() or reason // 100 != KINDS[kind]:
        raise InputError("share.reason_unknown", reason=reason, kind=kind)


def check_emergency_article(code: int) -> None:
    """InputError `share.not_an_emergency_law` unless the article is one of an emergency law."""
    found = article_of(code)
    if found is None or not found[0].emergency:
        raise InputError("share.not_an_emergency_law", article=code)
