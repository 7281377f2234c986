"""An index of positions beside the rows of the database, from which it is brought up to date.

Within a transaction that holds the log (and its issuer, where rows are locked) nothing is committed that a followed
index doesn't know, so what isn't found there is new. A key is 8 bytes of a hash, so what is found is
compared with its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from notary.packed import keys_of_entries
from notary.stores.disk import translated
from notary.stores.places import PlaceIndex
from notary.stores.records import LogRow, RecordStore

if TYPE_CHECKING:
    import sqlalchemy as sa

_log = structlog.get_logger("notary.index")


class Following:
    """What standing.py (commitments) and names.py (identifiers) have in common: all but how rows are read."""

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
