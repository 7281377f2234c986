"""Holder code types of GB/T 36903 annex A: what kind of number a holder's code is, and how it is checked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

from ledger.codes.resident_ids import check_resident_id
from ledger.codes.tables import rows
from ledger.codes.uscc import check_uscc

USCC = "001"
RESIDENT_ID = "111"


@dataclass(frozen=True, slots=True)
class HolderType:
    """One type: its three digits, names, and group (organisation | natural person | military)."""

    code: str
    name_zh: str
    name_en: str
    group: str


@cache
def holder_types() -> dict[str, HolderType]:
    """All types by code."""
    return {
        r["code"]: HolderType(r["code"], r["name_zh"], r["name_en"], r["group"])
        for r in rows("data", "holder_types.csv")
    }


def check_holder_code(code_type: str, code: str, not_after: dt.date) -> str | None:
    """Why `code` is none of `code_type`, or None.

    Types 001 and 111 have check characters; of the others only emptiness is wrong: their rules aren't published.
    `not_after` is the last day on which a resident may have been born.
    """
    if code_type not in holder_types():
        return "type"
    if code_type == USCC:
        return check_uscc(code)
    if code_type == RESIDENT_ID:
        return check_resident_id(code, not_after)
    return None if code.strip() else "length"
