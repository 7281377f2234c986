"""Resident identity numbers (GB 11643): 17 digits and a check character (ISO 7064 MOD 11-2).

Pure. The area is a hint only: a code in force at birth need not be in any list of today, and the other way round.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

ResidentIdReason = Literal["length", "character", "date", "check"]

_FORM = re.compile(r"[0-9]{17}[0-9X]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_ZEROS = ord("0") * sum(_WEIGHTS)


def check_character(first17: str) -> str:
    """Check character over 17 ASCII digits."""
    a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q, r = first17.encode("ascii")
    # Written out: this runs for each holder of every imported row, and a loop costs four times as much.
    total = 7 * (a + k) + 9 * (b + m) + 10 * (c + n) + 5 * (d + o) + 8 * (e + p) + 4 * (f + q) + 2 * (g + r)
    return _CHECKS[(total + h + 6 * i + 3 * j - _ZEROS) % 11]


def check_resident_id(number: str, not_after: dt.date) -> ResidentIdReason | None:
    """Why `number` is no resident id, or None; the first reason in the order of ResidentIdReason.

    `not_after`: last possible day of birth (today, or the day of the certificate). The 15-digit form isn't accepted.
    """
    if len(number) != 18:
        return "length"
    if not _FORM.fullmatch(number):
        return "character"
    try:
        born = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "date"
    if born > not_after:
        return "date"
    if check_character(number[:17]) != number[17]:
        return "check"
    return None
