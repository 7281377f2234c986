"""Where files are now: one store that takes new ones, others that may still hold old ones, all behind the one port.

Settings name the store to begin with and a second one; a move is remembered in the database, so that a running server
follows it at once and a setting that nobody changed afterwards does no harm. Reading tries store after store, block by
block: during a move, after one that was cut, and while one of two stores is down, a file that is anywhere is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from ledger.errors import ChuzhengError, IntegrityError, NotFoundError, UnavailableError
from notary.stores.blocks import CheckedStore
from notary.stores.content_index import ContentIndex, Lag, Move


class Places:
    """Which store is what, by address, as of now. `open_store` gives the store of an address."""

    def __init__(
        self, index: ContentIndex, open_store: Callable[[str], CheckedStore], configured: str, second: str | None = None
    ) -> None:
        self.index, self._open, self.configured, self._second = index, open_store, configured, second
        self._opened: dict[str, CheckedStore] = {}

    def store(self, address: str) -> CheckedStore:
        """The store of an address. ConfigurationError `content.address`."""
        found = self._opened.get(address)
        if found is None:
            found = self._opened.setdefault(address, self._open(address))
        return found

    def primary(self) -> str:
        """Where new files go: the configured store, or where it was moved to."""
        return _end(self.configured, self.index.moves())

    def holding(self) -> list[str]:
        """The stores that should hold every file: the primary, and the second one where there is one."""
        primary = self.primary()
        return [primary] if self._second in (None, primary) else [primary, str(self._second)]

    def lags(self) -> dict[str, Lag]:
        """What each store that should hold every file isn't known to hold yet."""
        return {address: self.index.lag(address) for address in self.holding()}

    def leaving(self) -> list[Move]:
        """Moves whose old copies aren't gone yet."""
        return [move for move in self.index.moves() if move.finished_at is None]

    def reading(self) -> list[str]:
        """Stores in the order in which they are asked: those that should hold the file, then those that it left."""
        moves = self.index.moves()
        primary = _end(self.configured, moves)
        left = [move.source for move in reversed(moves)]
        return list(dict.fromkeys([primary, *left, *([self._second] if self._second else [])]))


class PlacedContent(CheckedStore):
    """ledger.ports.ContentStore over all places."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def put_stream(self, source: BinaryIO) -> str:
        """Into the primary store; UnavailableError while that is down, whatever the others do."""
        return self._primary().put_stream(source)

    def block(self, name: str) -> bytes:
        """The first right one. Where there is none: an outage says more than damage, and damage more than absence."""
        errors: list[ChuzhengError] = []
        for address in self.places.reading():
            try:
                return self.places.store(address).block(name)
            except (NotFoundError, IntegrityError, UnavailableError) as error:
                errors.append(error)
        raise next((e for kind in (UnavailableError, IntegrityError) for e in errors if isinstance(e, kind)), errors[0])

    def has(self, cid: str) -> bool:
        """Whether any store has it; UnavailableError if none does and one couldn't be asked."""
        outage: UnavailableError | None = None
        for address in self.places.reading():
            try:
                if self.places.store(address).has(cid):
                    return True
            except UnavailableError as error:
                outage = error
        if outage is not None:
            raise outage
        return False

    def remove(self, cid: str) -> None:
        """Out of what is to be kept, and out of every store; UnavailableError while one of them can't be reached.

        In this order: whoever is copying it finds it unnamed at the end and takes the copy back, or had ended before
        the stores are listed."""
        self.places.index.forget_file(cid)
        for address in self.places.reading():
            self.places.store(address).remove(cid)

    def keeps(self, cid: str) -> bool:
        return self._primary().keeps(cid)

    def pins(self) -> Iterator[str] | None:
        return self._primary().pins()

    def _primary(self) -> CheckedStore:
        return self.places.store(self.places.primary())

    def _put_block(self, cid: str, block: bytes) -> None:
        self._primary()._put_block(cid, block)

    def _get_block(self, cid: str) -> bytes:
        return self.block(cid)

    def _has_block(self, cid: str) -> bool:
        return self.has(cid)

    def _keep(self, cid: str) -> None:
        self._primary()._keep(cid)

    def _drop_block(self, cid: str) -> None:
        for address in self.places.reading():
            self.places.store(address)._drop_block(cid)

    def _let_go(self, cid: str) -> None:
        for address in self.places.reading():
            self.places.store(address)._let_go(cid)


def _end(start: str, moves: list[Move]) -> str:
    onward = {move.source: move.target for move in moves}
    while start in onward:
        start = onward.pop(start)
    return start
