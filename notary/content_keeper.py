"""The loop that keeps files where they should be: names what the records name, and copies what a store lacks.

Nothing waits for it: a file is durable in the first store before its record stands. A step does one small thing and
finds by what is durable what the next one is, so it may die anywhere and run twice. What can't be copied now is passed
over and looked at again after a pause, so that one lost file never keeps the others waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from ledger.errors import ChuzhengError, IntegrityError, NotFoundError, UnavailableError
from ledger.ports import Clock
from ledger.types import Origin
from notary.service import Notary
from notary.stores.placed import PlacedContent, Places
from notary.stores.records import index_of

BATCH = 500
PAUSE = 1.0
"""Seconds between looks while there is nothing to do."""
AGAIN_MS = 60_000
"""Until files that couldn't be copied are tried again."""

_log = structlog.get_logger("notary.content")


class Stopped(Exception):
    """The process is asked to end; what was copied of the file is found again."""


class ContentKeeper:
    """Files of one notary's records, in the places where they should be."""

    def __init__(self, notary: Notary, places: Places, clock: Clock) -> None:
        self.notary, self.places, self._clock = notary, places, clock
        self._after: dict[str, str] = {}
        self._again: dict[str, int] = {}
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; an outage of store or database is waited out."""
        self._stop = stop
        while not stop.is_set():
            try:
                worked = self.step()
            except Stopped:
                return
            except UnavailableError as error:
                _log.warning("content.unavailable", code=error.code)
                worked = False
            except ChuzhengError as error:
                _log.error("content.failed", code=error.code)
                worked = False
            if not worked:
                stop.wait(PAUSE)

    def step(self) -> bool:
        """Name further files, and bring one file to each store that lacks some; True if there is more to do."""
        worked = self.name(BATCH)
        for address in self.places.holding():
            worked |= self._bring_one(address)
        return worked

    def catch_up(self) -> None:
        """Name everything that the records name now."""
        while self.name(BATCH):
            pass

    def name(self, most: int) -> bool:
        """Go on with naming, by up to `most` files of each log; True if there was anything new."""
        now = self._clock.now()
        worked = False
        stores = [*self.places.holding(), *(move.source for move in self.places.leaving())]
        with self.notary.store.reading() as connection:
            rows = [row for row in self.notary.store.all_logs(connection) if row.origin in self.notary.logs]
        for row in rows:
            worked |= self._name(row.origin, row.id, most)
            named = self.places.index.cursor("", row.id)
            for store in dict.fromkeys(stores):
                worked |= self.places.index.enrol(store, row.id, named, most, now)
        return worked

    def _name(self, origin: Origin, log: int, most: int) -> bool:
        start = self.places.index.cursor("", log)
        found = self.places.index.wrapped(log, start, most)
        rows = []
        for position in found:
            try:
                document = self.notary.record(origin, index_of(position)).get("document", {})
            except NotFoundError:
                continue  # erased since: its file isn't named any more
            if "cid" in document:
                rows.append((position, str(document["cid"])))
        # The cursor moves with a file only: a log without any costs one look and no writing.
        return bool(found) and self.places.index.name(log, start, rows, found[-1] + 1)

    def _bring_one(self, address: str) -> bool:
        now = self._clock.now()
        after = self._after.get(address, "")
        if not after and now < self._again.get(address, 0):
            return False
        [cid] = self.places.index.wanted(address, after, 1) or [""]
        if not cid:
            if after:  # some were passed over: again from the beginning, after a pause
                self._again[address] = now + AGAIN_MS
            self._after[address] = ""
            return False
        try:
            bring(cid, address, self.places, going=lambda: not self._stop.is_set())
        except (NotFoundError, IntegrityError) as error:
            _log.error("content.not_copied", cid=cid, store=address, code=error.code)
            self._after[address] = cid
            return True
        except UnavailableError as error:
            _log.warning("content.unavailable", store=address, code=error.code)
            self._again[address], self._after[address] = now + AGAIN_MS // 6, ""
            return False
        if not self.places.index.see(address, cid, now):  # erased while it was copied
            self.places.store(address).remove(cid)
        return True


def bring(cid: str, address: str, places: Places, *, going: Callable[[], bool] = lambda: True) -> None:
    """See to it that the store at `address` holds the file, from any others that do; what it holds isn't hashed."""
    if not places.store(address).holds(cid):
        mend(cid, address, places, going=going)


def mend(cid: str, address: str, places: Places, *, going: Callable[[], bool] = lambda: True) -> int:
    """Hash every block of the file in the store at `address`, and put in what is missing or wrong, from whichever
    store has it right; how many blocks that were. Children come before parents, so a crash leaves no root too much.

    NotFoundError, IntegrityError if nobody has a block right; UnavailableError if it can't be said or done now.
    """
    target, everywhere = places.store(address), PlacedContent(places)
    mended = 0
    for name in everywhere.blocks(cid):
        if not going():
            raise Stopped
        try:
            target.block(name)
        except NotFoundError:
            target.take(name, everywhere.block(name))
        except IntegrityError:
            right = everywhere.block(name)
            target.drop(cid, [name])
            target.take(name, right)
        else:
            continue
        mended += 1
    target.keep(cid)
    return mended
