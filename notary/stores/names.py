"""Which identifiers stand, in which versions: rows of `lookups` in the order of positions, and an index over them.

Keyed hashes of identifiers lie anywhere, so a table in their order touched nearly as many pages as it got rows
(docs/adr/0035). The index's key is the first 8 bytes of the hash; what is found is compared with the row. An erasure
takes the position out of the index's files too (`forget`): nothing of a destroyed identifier stays on the disk.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from notary.erasures import ERASED
from notary.packed import KEY_BYTES
from notary.stores.erasures import erasures
from notary.stores.following import FollowingSome
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import lookups, position_of
from notary.stores.records import Known, LogRow, RecordStore

if TYPE_CHECKING:
    from notary.stores.disk import Disk

FOLDER = "names"
"""Beside the index of commitments."""
FLUSH = 1 << 16
"""Names in memory (some 12 MB) that are written as a run."""
_GONE = [state.value for state in ERASED]
Row = tuple[int, bytes, int, bytes]
"""(position, identifier's keyed hash, version, content's keyed hash)."""


def key_of(identifier: bytes) -> bytes:
    """The index's key for the keyed hash of an identifier."""
    return identifier[:KEY_BYTES]


def names_index(store: RecordStore, folder: Path, disk: Disk | None = None, **sizes: Any) -> PlaceIndex:
    """The index in `folder`; a run that is written holds nothing that was erased since."""
    return PlaceIndex(folder, disk, gone=partial(_erased, store), **{"flush_at": FLUSH, **sizes})


def _erased(store: RecordStore, low: int, high: int) -> set[int]:
    here = sa.and_(erasures.c.position >= low, erasures.c.position <= high, erasures.c.state.in_(_GONE))
    with store.reading() as connection:
        return set(connection.scalars(sa.select(erasures.c.position).where(here)))


class Names(FollowingSome):
    """Questions about identifiers, answered by the index and proven by the rows."""

    TABLE, CARRIED = lookups, True

    def identified(
        self, connection: sa.Connection, logs: Sequence[LogRow], wanted: Collection[bytes]
    ) -> dict[tuple[bytes, int], Known]:
        """(identifier's keyed hash, version) → content's keyed hash and position, of those wanted; `logs` are all in
        which they may stand, as this transaction sees them."""
        if not wanted:
            return {}
        self.follow(connection, logs)
        asked = wanted if isinstance(wanted, (set, frozenset)) else set(wanted)
        found = self.index.find([key_of(identifier) for identifier in asked])
        known: dict[tuple[bytes, int], Known] = {}
        for position, identifier, version, content in self.rows_at(
            connection, sorted({p for ps in found.values() for p in ps})
        ):
            if identifier in asked:
                known.setdefault((identifier, version), Known(content, (position,)))
        return known

    def rows_at(self, connection: sa.Connection, positions: Sequence[int]) -> list[Row]:
        """Rows of these positions, lowest first, where there are any."""
        found = self.store.rows_at(connection, lookups, positions)
        return [(row[0], bytes(row[1]), row[2], bytes(row[3])) for row in found]

    def keys_from(self, connection: sa.Connection, log: LogRow, first: int, end: int) -> list[tuple[bytes, int]]:
        columns = (sa.func.substr(lookups.c.identifier, 1, KEY_BYTES, type_=sa.LargeBinary), lookups.c.position)
        low, high = position_of(log.id, first), position_of(log.id, end)
        query = sa.select(*columns).where(lookups.c.position >= low, lookups.c.position < high)
        return [(bytes(key), p) for key, p in connection.execute(query.order_by(lookups.c.position).limit(self.PAGE))]
