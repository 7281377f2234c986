"""An index of positions beside the rows of the database, from which it is brought up to date.

Within a transaction that holds the log (and its issuer, where rows are locked) nothing is committed that a followed
index doesn't know, so what isn't found there is new. A key is 8 bytes of a hash, so what is found is
compared with its row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import structlog

from ledger.errors import IntegrityError
from notary.packed import keys_of_entries
from notary.stores.disk import translated
from notary.stores.place_tail import Pair
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import index_of
from notary.stores.records import LogRow, RecordStore
from notary.stores.run_list import Cover

if TYPE_CHECKING:
    import sqlalchemy as sa

_log = structlog.get_logger("notary.index")
LAST = (1 << 63) - 1
"""No position is higher."""


class Following:
    """What standing.py (commitments), names.py (identifiers) and answers.py (answered keys) have in common: all but how
    rows are read."""

    def __init__(self, store: RecordStore, index: PlaceIndex) -> None:
        self.store, self.index = store, index
        self._ready = False

    def make_ready(self) -> None:
        """Before locks are taken for the first time: read what the index doesn't cover, so that submissions wait for
        little of it."""
        if not self._ready:
            with self.store.reading() as connection:
                self.follow(connection, self.store.all_logs(connection))
            self._ready = True

    def follow(self, connection: sa.Connection, logs: Sequence[LogRow]) -> None:
        """Know every row of `logs` that this transaction sees; forgets the index's files if they are of another
        database's entries, and reads all again."""
        index = self.index
        index.refresh()
        if not all(self._proven(connection, log) for log in logs):
            index.forget()
        for log in logs:
            while (first := index.upto(log.id)) < log.next_index:
                self._read_on(connection, log, first)

    def rebuild(self) -> int:
        """The index anew from the rows alone, in place of the one there is in one step; how many entries."""
        index, disk = self.index, self.index.disk
        with translated():
            disk.make_folder(index.folder)
        fresh = PlaceIndex(index.folder / "anew", disk, beside=False)
        self._clear(fresh.folder)
        with self.store.reading() as connection:
            self._beside(fresh).follow(connection, self.store.all_logs(connection))
        fresh.flush()
        count = fresh.count()
        index.adopt(fresh)
        self._clear(fresh.folder)
        return count

    def _read_on(self, connection: sa.Connection, log: LogRow, first: int) -> None:
        """Add the next rows of the log from index `first` on."""
        raise NotImplementedError

    def _beside(self, index: PlaceIndex) -> Following:
        """The same about another index."""
        return type(self)(self.store, index)

    def _proven(self, connection: sa.Connection, log: LogRow) -> bool:
        """Whether the database has the entry up to which the index's files know the log."""
        cover = self.index.unproven(log.id)
        if cover is None:
            return True
        if cover.upto <= log.next_index:
            here = self.store.joined_from(connection, log.id, cover.upto - 1, 1)
        else:  # written after this transaction began to read, or by another database: one that begins now can tell
            with self.store.reading() as fresh:
                here = self.store.joined_from(fresh, log.id, cover.upto - 1, 1)
        if not here or keys_of_entries(here)[0].hex() != cover.last:
            _log.error("index.other_entries", origin=log.origin, index=cover.upto - 1)
            return False
        self.index.trust(log.id)
        return True

    def _clear(self, folder: Path) -> None:
        disk = self.index.disk
        with translated():
            for name in disk.names(folder):
                disk.remove(folder / name)
            disk.remove_folder(folder)


class FollowingSome(Following):
    """The same about a table that has rows for some entries only, by their position, and loses them by an erasure."""

    TABLE: ClassVar[sa.Table]
    CARRIED: ClassVar[bool]
    """Whether a reopening takes the rows of struck entries elsewhere (notary/reopening.py)."""
    PAGE = 1 << 16
    """Rows that are read at once: 3 to 10 MB."""

    def keys_from(self, connection: sa.Connection, log: LogRow, first: int, end: int) -> list[Pair]:
        """(key, position) of up to PAGE rows of a log, from index `first` up to `end`, by rising position."""
        raise NotImplementedError

    def forget(self, positions: Collection[int]) -> None:
        """Nothing on the disk leads to these positions any more, nor tells what was found there."""
        self.index.remove(positions)

    def rebuild(self) -> int:
        super().rebuild()
        self.forget(self.index.gone(0, LAST))  # what was erased while the rows were read
        return self.index.count()

    def _read_on(self, connection: sa.Connection, log: LogRow, first: int) -> None:
        pairs = self.keys_from(connection, log, first, log.next_index)
        upto = log.next_index if len(pairs) < self.PAGE else index_of(pairs[-1][1]) + 1
        last = self.store.joined_from(connection, log.id, upto - 1, 1)
        if not last:
            raise IntegrityError("records.gap", index=upto - 1)
        self.index.add_some(log.id, first, Cover(upto, keys_of_entries(last)[0].hex()), pairs)
