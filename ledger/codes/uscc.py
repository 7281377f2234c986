"""Unified social credit codes (GB 32100): the outer check, and the inner organisation-code check (GB 11714).

Pure. The first character isn't limited to digits: later registration authorities have letters (N, Y).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

UsccReason = Literal["length", "character", "division", "check", "inner-check"]

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters: no I, O, S, V, Z."""
_VALUES = {c: i for i, c in enumerate(ALPHABET)}
_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_INNER_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ALLOWED = re.compile(f"[{ALPHABET}]{{18}}")
_DIGITS = frozenset("0123456789")


def check_character(first17: str) -> str:
    """Check character over the first 17 characters, each of ALPHABET (KeyError otherwise)."""
    total = sum(_VALUES[c] * w for c, w in zip(first17, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def inner_check_character(organisation8: str) -> str:
    """Check character of the organisation code, over its eight digits and capital letters (A counts 10)."""
    remainder = -sum(int(c, 36) * w for c, w in zip(organisation8, _INNER_WEIGHTS, strict=True)) % 11
    return "X" if remainder == 10 else str(remainder)


def check_uscc(code: str) -> UsccReason | None:
    """Why `code` is no unified social credit code, or None. Only the first reason, in the order of UsccReason.

    Strict: upper case, ASCII, 18 characters; nothing is trimmed or repaired.
    """
    # What has another length isn't remembered: it may be as long as whoever sent it liked.
    return _reason(code) if len(code) == 18 else "length"


@lru_cache(maxsize=65536)
def _reason(code: str) -> UsccReason | None:
    if not _ALLOWED.fullmatch(code):
        return "character"
    if not _DIGITS.issuperset(code[2:8]):
        return "division"
    if check_character(code[:17]) != code[17]:
        return "check"
    if inner_check_character(code[8:16]) != code[16]:
        return "inner-check"
    return None


def is_uscc(code: str) -> bool:
    """Whether `code` is a unified social credit code with both check characters right."""
    return check_uscc(code) is None
