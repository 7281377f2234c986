"""What a library that follows us reads: certificates new, changed and ended, in the chain's order, from a cursor on.

A cursor says behind which event, and how many entries of it, one has come; it is bound to the chain. Only what is final
is told and nothing final changes, so the same cursor always goes on in the same way: at least once, without gaps. A
page may hold no item and still go on: entries that are no certificates are passed over.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.statuses import Decision, DecisionCode, status_at
from ledger.types import BlockTime, Digest, Kind, LogId, Origin
from notary.entry import Entry, log_id, status_key
from notary.service import Notary

MOST = 1_000
LOOKED_AT = 10_000
"""Entries gone through for one page."""
REVERSIBLE = frozenset({DecisionCode.RESUMED, DecisionCode.SUSPENDED})
"""After these a certificate lives on; after every other decision it has ended."""
IN_FORCE = "in_force"
_CURSOR = re.compile(
    r"1\.(?P<block>-1|\d{1,19})\.(?P<log_index>-1|\d{1,10})\.(?P<entries>\d{1,13})\.(?P<open>[01])\.(?P<mark>[0-9a-f]{16})",
    re.ASCII,
)


class Told(Protocol):
    """A change as the index tells it (ledger/store/index/changes.py)."""

    @property
    def block(self) -> int: ...
    @property
    def log_index(self) -> int: ...
    @property
    def time(self) -> BlockTime: ...
    @property
    def what(self) -> str: ...
    @property
    def log_id(self) -> LogId | None: ...
    @property
    def first(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def status_key(self) -> Digest | None: ...
    @property
    def number(self) -> int: ...


class Changes(Protocol):
    """Changes in the chain's order, and decisions."""

    def genesis(self) -> str: ...

    def since(self, block: int, log_index: int, limit: int) -> Sequence[Told]: ...


class Decisions(Protocol):
    """All decisions of a key in their order."""

    def decisions(self, status_key: Digest) -> Sequence[Decision]: ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """Behind the event at (block, log index), or behind `entries` of its entries where `open`."""

    block: int = -1
    log_index: int = -1
    entries: int = 0
    open: bool = False

    def text(self, genesis: str) -> str:
        """Opaque, URL-safe, the same for the same place."""
        body = f"1.{self.block}.{self.log_index}.{self.entries}.{int(self.open)}.{_mark(genesis)}"
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, genesis: str) -> Cursor:
        """InputError `feed.cursor`; ConflictError `feed.other_chain` for one of another chain."""
        try:
            body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        except ValueError:
            raise InputError("feed.cursor") from None
        parts = _CURSOR.fullmatch(body)
        if parts is None:
            raise InputError("feed.cursor")
        if parts["mark"] != _mark(genesis):
            raise ConflictError("feed.other_chain")
        found = cls(int(parts["block"]), int(parts["log_index"]), int(parts["entries"]), parts["open"] == "1")
        if found.text(genesis) != text:
            raise InputError("feed.cursor")
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Items in order; where to go on; whether there is more now."""

    items: list[dict[str, Any]]
    cursor: str
    more: bool


class Feed:
    """The feed of one notary's logs."""

    def __init__(self, notary: Notary, changes: Changes, decisions: Decisions) -> None:
        self._notary, self._changes, self._decisions = notary, changes, decisions
        self._origins: Mapping[bytes, Origin] = {log_id(origin): origin for origin in notary.logs}

    def page(self, after: str | None, limit: int = MOST) -> Page:
        """What follows `after` (None: from the beginning), at most `limit` items."""
        genesis = self._changes.genesis()
        at = Cursor() if not after else Cursor.read(after, genesis)
        items: list[dict[str, Any]] = []
        looked = 0
        while True:
            before = (at.block, at.log_index - 1) if at.open else (at.block, at.log_index)
            changes = self._changes.since(*before, 100)
            if not changes:
                return Page(items, at.text(genesis), more=False)
            for change in changes:
                same = at.open and (change.block, change.log_index) == (at.block, at.log_index)
                done = at.entries if same else 0
                for item in self._items(change, done):
                    done += 1
                    looked += 1
                    at = Cursor(change.block, change.log_index, done, open=True)
                    if item is not None:
                        items.append(item)
                    if len(items) >= limit or looked >= LOOKED_AT:
                        return Page(items, at.text(genesis), more=True)
                at = Cursor(change.block, change.log_index)
                looked += 1

    def _items(self, change: Told, done: int) -> Iterator[dict[str, Any] | None]:
        """One for each entry that a change is about, behind the first `done`; None for what isn't told."""
        if change.status_key is not None:
            if not done:
                yield self._decision(change, change.status_key)
            return
        origin = self._origins.get(change.log_id or b"")
        if origin is None:
            return
        for index in range(change.first + done, change.end):
            entry = Entry.from_bytes(self._notary.prover.entry(origin, index))
            if entry.kind != Kind.CERTIFICATE:
                yield None
            elif change.what == "closed":
                yield {**self._told(change, origin, index, entry), "change": "ended", "status": "struck_out"}
            else:
                yield {**self._told(change, origin, index, entry), "change": "new", "status": IN_FORCE}

    def _decision(self, change: Told, key: Digest) -> dict[str, Any] | None:
        place = self._notary.place_of(key)
        if place is None:
            return None
        entry = Entry.from_bytes(self._notary.prover.entry(*place))
        decisions = self._decisions.decisions(key)
        # As it stood then, not as it stands now: who reads the feed later reads the same.
        standing = status_at(decisions, change.time, change.time)
        code = None if standing is None else standing.code
        word = IN_FORCE if code in (None, DecisionCode.RESUMED) or code is None else code.name.lower()
        ended = code is not None and code not in REVERSIBLE
        own = next((d for d in decisions if d.number == change.number), None)
        return {
            **self._told(change, *place, entry), "change": "ended" if ended else "changed", "status": word,
            "decision": {"number": change.number, "annulled": change.what == "annulled",
                         "effective_from": own.effective_from if own else None,
                         "until": own.until if own else None},
        }  # fmt: skip

    def _told(self, change: Told, origin: Origin, index: int, entry: Entry) -> dict[str, Any]:
        """What every item has. Of the record only identifier, type and version: nothing of its holder."""
        try:
            record = self._notary.record(origin, index)
        except NotFoundError:
            record = {}  # kept by who committed it, or erased
        return {
            "at": change.time, "block": change.block, "origin": origin, "index": index, "issuer": entry.issuer,
            "key": status_key(entry.issuer, entry.sha256).hex(), "commitment": entry.sha256.hex(),
            **{name: record.get(name) for name in ("identifier", "type", "version")},
        }  # fmt: skip


def _mark(genesis: str) -> str:
    return hashlib.sha256(b"chuzheng/feed/v1\0" + genesis.encode()).hexdigest()[:16]
