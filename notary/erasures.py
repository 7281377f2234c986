"""Erasures as others see them: the record behind an entry of kind 6, and a log's list. formats.md §7.

Pure. The list proves itself: each item names the entry that the erasure was anchored by, with the salt under which
anyone recomputes its commitment from (log, index, order code), which is all that the record says. Nothing of what was
erased stands in either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from itertools import pairwise
from typing import Any

from ledger.errors import ConflictError, InputError, UnreadableError
from ledger.types import Kind, Millis, Origin
from notary import members
from notary.b64 import to_b64
from notary.canonical import parse_strict
from notary.commitment import commit
from notary.entry import Entry, parse_origin

FORMAT = "chuzheng-erasures/1"
MEDIA_TYPE = "application/vnd.chuzheng.erasures+json"
SCHEMA = "erasure/1"
MAX_BYTES = 64 << 20
MOST = 1_000_000
"""Erasures of one log."""
MOST_ORDER = 64
_SHANGHAI = timezone(timedelta(hours=8))
_ORDER = re.compile(r"[^\s\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x20\x7f])?")
_NUMBER = re.compile(r"[0-9]{15,}|[0-9]{11}(?![0-9])")
"""A resident's number (15 digits, or 17 and a check character), or a mobile telephone's: an order code is public."""


class State(StrEnum):
    """How far an erasure has come. Each step is done again after a crash until its end is written down."""

    PROPOSED = "proposed"
    WITHDRAWN = "withdrawn"
    DESTROYED = "destroyed"
    """Confirmed by the second person; key, salt, record, wraps and look-ups went in the same transaction."""
    ENTERED = "entered"
    """The entry of kind 6 is in the log, and the list names it."""
    DONE = "done"
    """The file's ciphertext, stored answers and the database's free pages are clean too."""


MOVES: Mapping[State, frozenset[State]] = {
    State.PROPOSED: frozenset({State.WITHDRAWN, State.DESTROYED}),
    State.WITHDRAWN: frozenset({State.PROPOSED}),
    State.DESTROYED: frozenset({State.ENTERED}),
    State.ENTERED: frozenset({State.DONE}),
    State.DONE: frozenset(),
}
ERASED = frozenset({State.DESTROYED, State.ENTERED, State.DONE})
"""States in which nothing of the record can be read any more; none of them leads back."""


def check_state_move(before: State, after: State) -> None:
    """ConflictError `erasure.state` unless the move is legal; a state isn't a move to itself."""
    if after not in MOVES[before]:
        raise ConflictError("erasure.state", found=before.value)


@dataclass(frozen=True, slots=True)
class Proof:
    """Where the entry of kind 6 stands, and the salt of its record, which is public."""

    origin: Origin
    index: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class Erased:
    """One item of a log's list; `proof` None: the entry isn't in the log yet."""

    index: int
    order: str
    proof: Proof | None = None


def erasure_record(origin: Origin, index: int, order: str) -> dict[str, Any]:
    """What an entry of kind 6 commits to (`erasure/1`); `issuer` is the log's."""
    issuer = parse_origin(origin).issuer
    return {
        "schema": SCHEMA,
        "kind": Kind.ERASURE.word,
        "issuer": issuer,
        "origin": origin,
        "index": index,
        "order": order,
    }


def check_order(order: str) -> str:
    """The order's code as it will be public for ever; InputError `erasure.order` if it isn't one line of 1 to 64
    characters, or holds what may be a person's number."""
    if not 1 <= len(order) <= MOST_ORDER or not _ORDER.fullmatch(order) or _NUMBER.search(order):
        raise InputError("erasure.order", limit=MOST_ORDER)
    return order


def day_of(at: Millis | None) -> str:
    """The day of Asia/Shanghai (`YYYY-MM-DD`) of a time in Unix milliseconds; empty without one."""
    return "" if at is None else datetime.fromtimestamp(at // 1000, _SHANGHAI).date().isoformat()


def proves(erased: Erased, origin: Origin, raw: bytes) -> bool:
    """Whether `raw`, the 92 bytes at the item's proof, commit to exactly this erasure in the log `origin`."""
    proof, issuer = erased.proof, parse_origin(origin).issuer
    if proof is None or parse_origin(proof.origin).issuer != issuer:
        return False
    entry = Entry.from_bytes(raw)
    found = commit(erasure_record(origin, erased.index, erased.order), proof.salt)
    return (entry.kind, entry.issuer, entry.sha256, entry.sm3) == (Kind.ERASURE, issuer, found.sha256, found.sm3)


def write_erasures(origin: Origin, erased: Iterable[Erased]) -> bytes:
    """The log's list; indexes rise."""
    items = [_item(each) for each in sorted(erased, key=lambda e: e.index)]
    value = {"format": FORMAT, "origin": origin, "erasures": items}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def parse_erasures(data: bytes) -> tuple[Origin, tuple[Erased, ...]]:
    """Read a list strictly: UnreadableError for anything that `write_erasures` wouldn't write."""
    top = _members(parse_strict(data, limit=MAX_BYTES), "format origin erasures")
    if top["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    origin = _origin(top["origin"])
    erased = tuple(_erased(each) for each in members.read_list(FORMAT, "erasures", top["erasures"], MOST))
    if any(after.index <= before.index for before, after in pairwise(erased)):
        raise UnreadableError("format.list", where=FORMAT, member="erasures", limit=MOST)
    return origin, erased


def _item(erased: Erased) -> dict[str, Any]:
    item: dict[str, Any] = {"index": erased.index, "order": erased.order}
    if erased.proof is not None:
        proof = erased.proof
        item["entry"] = {"origin": proof.origin, "index": proof.index, "salt": to_b64(proof.salt)}
    return item


def _erased(value: Any) -> Erased:
    found = _members(value, "index order", "entry")
    proof = None
    if "entry" in found:
        entry = _members(found["entry"], "origin index salt")
        salt = members.read_b64(FORMAT, "salt", entry["salt"], 32)
        proof = Proof(_origin(entry["origin"]), members.read_count(FORMAT, "index", entry["index"]), salt)
    order = members.read_text(FORMAT, "order", found["order"], MOST_ORDER)
    return Erased(members.read_count(FORMAT, "index", found["index"]), order, proof)


def _members(value: Any, required: str, optional: str = "") -> dict[str, Any]:
    needed = frozenset(required.split())
    return members.check_names(FORMAT, value, needed, needed | frozenset(optional.split()))


def _origin(value: Any) -> Origin:
    text = members.read_text(FORMAT, "origin", value, 128)
    parse_origin(text)
    return Origin(text)
