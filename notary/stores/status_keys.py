"""Status key → place, in SQL: a key is a hash of issuer and commitment, so it has to be written down to be found again.

Only the key's first 8 bytes are kept, beside the position: 20 bytes a row, and whoever looks up compares the whole key
with the entry there. The worker writes these rows after sealing, so that no submission waits for them; entries that it
hasn't come to yet are read through. Everything here can be made anew from `entries`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from ledger.types import DepartmentCode, Digest
from notary.entry import STATUS_TAG
from notary.stores.records import LogRow, RecordStore, metadata, position_of

BATCH = 5_000
_COMMITMENT = slice(28, 60)

status_keys = sa.Table(
    "status_keys",
    metadata,
    sa.Column("prefix", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
keyed_logs = sa.Table(
    "keyed_logs",
    metadata,
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("upto", sa.BigInteger, nullable=False),
)


class StatusKeys:
    """Statements on the tables above."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def upto(self, connection: sa.Connection, log: int) -> int:
        """Below this index every entry of the log has its row."""
        return connection.scalar(sa.select(keyed_logs.c.upto).where(keyed_logs.c.log == log)) or 0

    def extend(self, log: LogRow, issuer: DepartmentCode, end: int, most: int = BATCH) -> int:
        """Write rows for up to `most` further entries below index `end`; up to which index there are rows now."""
        with self._store.reading() as connection:
            start = self.upto(connection, log.id)
            count = min(end - start, most)
            entries = self._store.entries_from(connection, log.id, start, count) if count > 0 else []
        if not entries:
            return start
        first = position_of(log.id, start)
        rows = sorted((prefix, first + offset) for offset, prefix in enumerate(prefixes(issuer, entries)))
        reached = start + len(rows)
        with self._store.transaction() as connection:
            if self.upto(connection, log.id) != start:
                return start  # another worker was faster; the next look sees how far it came
            self._store.insert(connection, status_keys, rows)
            connection.execute(sa.delete(keyed_logs).where(keyed_logs.c.log == log.id))
            connection.execute(sa.insert(keyed_logs).values(log=log.id, upto=reached))
        return reached

    def candidates(self, connection: sa.Connection, key: Digest) -> list[int]:
        """Positions whose key begins as this one does, lowest first; as good as always one or none."""
        query = sa.select(status_keys.c.position).where(status_keys.c.prefix == _prefix(key))
        return list(connection.scalars(query.order_by(status_keys.c.position)))

    def unwritten(self, connection: sa.Connection, log: LogRow, issuer: DepartmentCode, key: Digest) -> Iterator[int]:
        """Positions of the same, among the entries that have no row yet."""
        wanted, start = _prefix(key), self.upto(connection, log.id)
        while entries := self._store.entries_from(connection, log.id, start, BATCH):
            for offset, prefix in enumerate(prefixes(issuer, entries)):
                if prefix == wanted:
                    yield position_of(log.id, start + offset)
            start += len(entries)


def prefixes(issuer: DepartmentCode, entries: Sequence[bytes]) -> list[int]:
    """The first 8 bytes of each entry's status key, as the database's integers."""
    head = STATUS_TAG + issuer.encode("ascii")
    return [_prefix(hashlib.sha256(head + entry[_COMMITMENT]).digest()) for entry in entries]


def _prefix(key: bytes) -> int:
    return int.from_bytes(key[:8], signed=True)
