"""What stands already: the index beside the rows of the database, from which it is brought up to date.

Within a transaction that holds the log (and its issuer, where rows are locked) nothing is committed that this doesn't
know, so a commitment that isn't found is new. A key is 8 bytes of a hash: what is found is compared with the entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ledger.errors import IntegrityError
from notary.packed import keys_of_entries
from notary.stores.disk import translated
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import index_of, log_of
from notary.stores.records import LogRow, RecordStore

if TYPE_CHECKING:
    import sqlalchemy as sa

FOLLOW = 1 << 16
"""Entries that are read at once: 6 MB."""
FOLDER = "index"
"""Beside the logs' folders, whose names begin with `chuzheng`."""
_SHA256 = slice(28, 60)
_log = structlog.get_logger("notary.index")


class Standing:
    """Questions about commitments and status keys, answered by `index` and proven by `store`."""

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
        """Know every entry of `logs` that this transaction sees; forgets the index's files if they are of another
        database's entries, and reads all again."""
        index = self.index
        index.refresh()
        if not all(self._proven(connection, log) for log in logs):
            index.forget()
        for log in logs:
            while (first := index.upto(log.id)) < log.next_index:
                joined = self.store.joined_from(connection, log.id, first, min(FOLLOW, log.next_index - first))
                if not joined:
                    raise IntegrityError("records.gap", index=first)
                index.add(log.id, first, keys_of_entries(joined))

    def find(self, keys: Sequence[bytes], logs: Sequence[LogRow]) -> dict[bytes, list[int]]:
        """Positions under each key, in those of the followed `logs` and of entries that count only."""
        found = self.index.find(keys)
        if not found:
            return found
        known = {log.id: log for log in logs}
        counting = {
            key: [p for p in positions if log_of(p) in known and known[log_of(p)].counts(index_of(p))]
            for key, positions in found.items()
        }
        return {key: positions for key, positions in counting.items() if positions}

    def committed(
        self, connection: sa.Connection, found: Mapping[bytes, Sequence[int]]
    ) -> dict[bytes, tuple[int, bytes]]:
        """commitment_sha256 → (position, entry) of all that `find` found under the keys of one issuer; entries that
        only have the same key are among them, under their own commitments."""
        positions = [position for several in found.values() for position in several]
        entries = self.store.entries_at(connection, positions)
        return {entry[_SHA256]: (position, entry) for position, entry in entries.items()}

    def twins(self, connection: sa.Connection, position: int) -> list[int]:
        """Every position of the issuer's commitment that stands at this one, struck out or not: itself at least, and
        after a reopening the other (notary/reopening.py)."""
        entry = self.store.entry(connection, position)
        if entry is None:
            return [position]
        self.follow(connection, self.store.all_logs(connection))
        [key] = keys_of_entries(entry)
        others = self.store.entries_at(connection, self.index.find([key]).get(key, []))
        same = [p for p, other in others.items() if (other[2:20], other[_SHA256]) == (entry[2:20], entry[_SHA256])]
        return sorted({position, *same})

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

    def rebuild(self) -> int:
        """The index anew from the entries alone, in place of the one there is in one step; how many entries."""
        index, disk = self.index, self.index.disk
        with translated():
            disk.make_folder(index.folder)
        fresh = PlaceIndex(index.folder / "anew", disk, beside=False)
        self._clear(fresh.folder)
        with self.store.reading() as connection:
            Standing(self.store, fresh).follow(connection, self.store.all_logs(connection))
        fresh.flush()
        count = fresh.count()
        index.adopt(fresh)
        self._clear(fresh.folder)
        return count

    def _clear(self, folder: Path) -> None:
        disk = self.index.disk
        with translated():
            for name in disk.names(folder):
                disk.remove(folder / name)
            disk.remove_folder(folder)
