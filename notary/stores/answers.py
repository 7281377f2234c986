"""What was answered under which key: rows of `answers` in the order of positions, and an index over them.

Keys lie anywhere, so a table in their order touched a page a record once it was large (docs/adr/0038). A row stands at
the first of the entries that its submission got, which is nobody else's: so new rows lie beside one another, and who
knows an entry finds the answer that gave it. The index's key is 8 bytes of a hash over department, operation and key;
what is found is compared with the row. An answer that named what stood before, or that got no entry, has no place of
its own and stands in `idempotency`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from notary.erasures import ERASED
from notary.packed import KEY_BYTES
from notary.stores import statements as said
from notary.stores.erasures import erasures
from notary.stores.following import FollowingSome
from notary.stores.place_tail import Pair
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import answers, log_of, position_of, unpack_positions
from notary.stores.records import Known, LogRow, RecordStore

if TYPE_CHECKING:
    from notary.stores.disk import Disk

FOLDER = "answers"
"""Beside the index of commitments."""
FLUSH = 1 << 16
"""Keys in memory (some 12 MB) that are written as a run."""
_MANY = 900
_GONE = sa.select(erasures.c.position).where(
    erasures.c.position.between(sa.bindparam("low"), sa.bindparam("high")),
    erasures.c.state.in_([state.value for state in ERASED]),
    ~sa.exists().where(answers.c.position == erasures.c.position),
)


def key_of(department: str, operation: str, key: bytes) -> bytes:
    """The index's key for what was sent under `key`."""
    return sha256(b"%b\0%b\0%b" % (department.encode(), operation.encode(), key)).digest()[:KEY_BYTES]


def answers_index(store: RecordStore, folder: Path, disk: Disk | None = None, **sizes: Any) -> PlaceIndex:
    """The index in `folder`; a run that is written leads to no row that an erasure took away."""
    return PlaceIndex(folder, disk, gone=partial(_gone, store), **{"flush_at": FLUSH, **sizes})


def _gone(store: RecordStore, low: int, high: int) -> set[int]:
    with store.reading() as connection:
        return set(connection.scalars(_GONE, {"low": low, "high": high}))


class Answers(FollowingSome):
    """What was answered, found by the index and by the rows that have no place in it."""

    TABLE, CARRIED = answers, False

    def answered(
        self, connection: sa.Connection, log: LogRow, department: str, operation: str, keys: Sequence[bytes]
    ) -> dict[bytes, Known]:
        """Idempotency key (32 bytes) → what was answered; `log` as this transaction sees it."""
        self.follow(connection, [log])
        places = self.index.find([key_of(department, operation, key) for key in keys])
        here = sorted({p for found in places.values() for p in found if log_of(p) == log.id})
        asked, found = set(keys), dict[bytes, Known]()
        for position, whose, what, key, content, size in self.store.rows_at(connection, answers, here):
            if (whose, what) == (department, operation) and key in asked:
                found[key] = Known(content, range(position, position + size))
        for start in range(0, len(keys), _MANY):
            values = {"log": log.id, "department": department, "operation": operation}
            rows = connection.execute(said.ANSWERED, {**values, "keys": list(keys[start : start + _MANY])})
            found.update((row[0], Known(row[1], unpack_positions(row[2]))) for row in rows)
        return found

    def forget(self, positions: Collection[int]) -> None:
        """As above, but where a row is still there: under a key that the client chose it stays, and must be found."""
        with self.store.reading() as connection:
            kept = {row[0] for row in self.store.rows_at(connection, answers, sorted(positions))}
        super().forget(set(positions) - kept)

    def keys_from(self, connection: sa.Connection, log: LogRow, first: int, end: int) -> list[Pair]:
        low, high = position_of(log.id, first), position_of(log.id, end)
        columns = (answers.c.department, answers.c.operation, answers.c.key, answers.c.position)
        query = sa.select(*columns).where(answers.c.position >= low, answers.c.position < high)
        rows = connection.execute(query.order_by(answers.c.position).limit(self.PAGE))
        return [(key_of(department, operation, key), position) for department, operation, key, position in rows]
