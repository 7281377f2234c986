"""What stands already, by commitment and status key; a key is 8 bytes of the status key, compared with the entry.

What was given out and committed is always known here (notary/stores/following.py), so a commitment that isn't found is
new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ledger.errors import IntegrityError
from notary.packed import keys_of_entries
from notary.stores.following import Following
from notary.stores.record_tables import index_of, log_of
from notary.stores.records import LogRow

if TYPE_CHECKING:
    import sqlalchemy as sa

FOLLOW = 1 << 16
"""Entries that are read at once: 6 MB."""
FOLDER = "index"
"""Beside the logs' folders, whose names begin with `chuzheng`."""
_SHA256 = slice(28, 60)


class Standing(Following):
    """Questions about commitments and status keys, answered by the index and proven by the entries."""

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

    def _read_on(self, connection: sa.Connection, log: LogRow, first: int) -> None:
        joined = self.store.joined_from(connection, log.id, first, min(FOLLOW, log.next_index - first))
        if not joined:
            raise IntegrityError("records.gap", index=first)
        self.index.add(log.id, first, keys_of_entries(joined))
