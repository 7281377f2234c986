"""What a new trust file says that the one before didn't: for the people who are asked to sign it.

Pure. What changes in every version (its number, what it follows, its signatures) is left out; everything else is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from notary.trust_file import TrustFile

ALWAYS = frozenset({"format", "sequence", "previous"})


class Sign(Enum):
    """How a change is marked."""

    ADDED = "+"
    GONE = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """`member`: where in the file, as `council.members`; `value`: the JSON value that is there now, or was."""

    member: str
    sign: Sign
    value: Any


def changes(before: TrustFile | None, new: TrustFile) -> tuple[Change, ...]:
    """In the order of the members; a value that changed is one that is gone and one that is added. Without an earlier
    file all of it is new."""
    old: Mapping[str, Any] = {} if before is None else json.loads(before.body)
    return tuple(_between("", old, json.loads(new.body)))


def _between(at: str, old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(new, dict) and (isinstance(old, dict) or old is None):
        old = old or {}
        for name in [*new, *(gone for gone in old if gone not in new)]:
            if at or name not in ALWAYS:
                yield from _between(f"{at}.{name}".lstrip("."), old.get(name), new.get(name))
        return
    if isinstance(new, list) and (isinstance(old, list) or old is None):
        yield from (Change(at, Sign.GONE, each) for each in old or [] if each not in new)
        yield from (Change(at, Sign.ADDED, each) for each in new if each not in (old or []))
        return
    if old is not None:
        yield Change(at, Sign.GONE, old)
    if new is not None:
        yield Change(at, Sign.ADDED, new)
