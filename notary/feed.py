"""What a library that follows us reads: certificates new, changed and ended, in the chain's order, from a cursor on.

A cursor says behind which event, and how many entries of it, one has come; it is bound to the chain. Only what is final
is told and nothing final changes, so the same cursor always goes on in the same way: at least once, without gaps. A
page may hold no item and still go on: entries that are no certificates are passed over.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.errors import ConflictError, InputError
from notary.feed_items import Changes, Item, Telling, Told
from notary.service import Notary

PAGE = 1_000
"""Items of a page, where nothing else is asked for."""
MOST = 10_000
LOOKED_AT = 10_000
"""Entries, and changes, gone through for one page."""
BATCH = 1_000
"""Entries read at once."""
CHANGES, MOST_CHANGES = 16, 1_024
"""Changes read at once: few at first, since one may fill a page."""
_CURSOR = re.compile(
    r"1\.(?P<block>-1|\d{1,19})\.(?P<log_index>-1|\d{1,10})\.(?P<entries>\d{1,13})\.(?P<open>[01])\.(?P<mark>[0-9a-f]{16})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Behind the event at (block, log index), or behind `entries` of its entries where `open`."""

    block: int = -1
    log_index: int = -1
    entries: int = 0
    open: bool = False

    def text(self, genesis: str) -> str:
        """Opaque, URL-safe, the same for the same place."""
        return self._marked(_mark(genesis))

    def _marked(self, mark: str) -> str:
        body = f"1.{self.block}.{self.log_index}.{self.entries}.{int(self.open)}.{mark}"
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, genesis: str) -> Cursor:
        """InputError `feed.cursor`; ConflictError `feed.other_chain` for one of another chain than `genesis`, where
        that is known."""
        try:
            body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        except ValueError:
            raise InputError("feed.cursor") from None
        parts = _CURSOR.fullmatch(body)
        if parts is None:
            raise InputError("feed.cursor")
        found = cls(int(parts["block"]), int(parts["log_index"]), int(parts["entries"]), parts["open"] == "1")
        if found._marked(parts["mark"]) != text:
            raise InputError("feed.cursor")
        # Before anything was indexed a cursor of no chain used to be given out: it is the beginning.
        early = parts["mark"] == _mark("") and found == cls()
        if genesis and parts["mark"] != _mark(genesis) and not early:
            raise ConflictError("feed.other_chain")
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Items in order; where to go on; whether there is more now."""

    items: list[Item]
    cursor: str
    more: bool


class Feed:
    """The feed of the logs in one notary's database."""

    def __init__(self, notary: Notary, changes: Changes) -> None:
        self._notary, self._changes = notary, changes

    def page(self, after: str | None, limit: int = PAGE) -> Page:
        """What follows `after` (None: from the beginning), at most `limit` items. Before anything is indexed there is
        nothing to tell, and the cursor stays what it was."""
        genesis = self._changes.genesis()
        at = Cursor() if not after else Cursor.read(after, genesis)
        if not genesis:
            return Page([], after or "", more=False)
        page = _Filling(at, limit)
        ask = CHANGES
        while True:
            before = (page.at.block, page.at.log_index - 1) if page.at.open else (page.at.block, page.at.log_index)
            changes = self._changes.since(*before, ask)
            if not changes:
                return Page(page.items, page.at.text(genesis), more=False)
            if not page.take(Telling(self._notary, self._changes), changes):
                return Page(page.items, page.at.text(genesis), more=True)
            ask = min(ask * 4, MOST_CHANGES)


@dataclass(slots=True)
class _Filling:
    """A page as it fills, and how far it came."""

    at: Cursor
    limit: int
    items: list[Item] = field(default_factory=list)
    looked: int = 0

    def room(self) -> int:
        """How many more entries may be looked at."""
        return min(self.limit - len(self.items), LOOKED_AT - self.looked)

    def take(self, telling: Telling, changes: Sequence[Told]) -> bool:
        """Everything of these changes; False once the page is full."""
        decided: dict[int, Item | None] = {}
        for number, change in enumerate(changes):
            here = change.block, change.log_index
            done = self.at.entries if self.at.open and here == (self.at.block, self.at.log_index) else 0
            log = telling.log_of(change)
            count = 1 if change.status_key is not None else change.end - change.first if log is not None else 0
            while done < count:
                room = self.room()
                if room <= 0:
                    return False
                if log is not None:
                    told = telling.entries(change, log, change.first + done, min(room, BATCH, count - done))
                else:
                    if number not in decided:
                        ahead = [n for n in range(number, len(changes)) if changes[n].status_key is not None][:room]
                        decided = dict(zip(ahead, telling.decided([changes[n] for n in ahead]), strict=True))
                    told = [decided[number]]
                done += len(told)
                self.looked += len(told)
                self.items += [item for item in told if item is not None]
                self.at = Cursor(*here, done, open=True)
            if self.room() <= 0:
                return False
            self.at = Cursor(*here)
            self.looked += 1
        return True


def _mark(genesis: str) -> str:
    return hashlib.sha256(b"chuzheng/feed/v1\0" + genesis.encode()).hexdigest()[:16]
