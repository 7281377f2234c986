"""Which files the records name, and in which store each was seen, in SQL.

Everything here can be made anew: names from the records (a record with wraps has its file in our store), copies by
looking. `positions` are those of records.py; a store goes by its address (api/content_places.py).

    content_files     position → CID of the file that the record there names
    content_cursors   how far a log was gone through: for names (what ""), or for the copies of one store
    content_copies    what a store should hold; `seen_at` is when it last did, NULL while it isn't known to
    content_moves     from which store to which the files went, and whether the old copies are gone
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from notary.stores.records import RecordStore, metadata, position_of, record_wraps

_Position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

content_files = sa.Table(
    "content_files",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("cid", sa.String(59), nullable=False, index=True),
)
content_cursors = sa.Table(
    "content_cursors",
    metadata,
    sa.Column("what", sa.String(300), primary_key=True),
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False),
)
content_copies = sa.Table(
    "content_copies",
    metadata,
    sa.Column("store", sa.String(300), primary_key=True),
    sa.Column("cid", sa.String(59), primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False),  # Unix milliseconds: from when on the store should hold it
    sa.Column("seen_at", sa.BigInteger),
    sa.Index("content_copies_seen", "store", "seen_at", "cid"),
)
content_moves = sa.Table(
    "content_moves",
    metadata,
    sa.Column("source", sa.String(300), primary_key=True),
    sa.Column("target", sa.String(300), nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
)

# What another process wrote a moment ago stays, and what no record names any more comes back by nobody's late word:
# both databases know these words, SQLAlchemy only each its own.
_COPY = (
    "INSERT INTO content_copies (store, cid, since, seen_at) "
    "SELECT CAST(:store AS VARCHAR(300)), CAST(:cid AS VARCHAR(59)), CAST(:since AS BIGINT), CAST(:seen_at AS BIGINT) "
    "WHERE EXISTS (SELECT 1 FROM content_files WHERE cid = :cid) ON CONFLICT "
)
_WANT = sa.text(_COPY + "DO NOTHING")
_SEE = sa.text(_COPY + "(store, cid) DO UPDATE SET seen_at = excluded.seen_at")
_BEGIN = sa.text(
    "INSERT INTO content_cursors (what, log, position) VALUES (:what, :log, :position) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Move:
    """Files went, or are going, from one store to another; times in Unix milliseconds."""

    source: str
    target: str
    started_at: int
    finished_at: int | None


@dataclass(frozen=True, slots=True)
class Lag:
    """What a store doesn't hold yet: how many files, and since when the oldest of them waits (None: nothing waits)."""

    files: int
    since: int | None


class ContentIndex:
    """Statements on the tables above."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def moves(self) -> list[Move]:
        """Every move, oldest first."""
        with self._store.reading() as connection:
            rows = connection.execute(sa.select(content_moves).order_by(content_moves.c.started_at)).all()
        return [Move(*row) for row in rows]

    def begin_move(self, source: str, target: str, now: int) -> None:
        """From now on new files go to `target`. Begun again, it goes on; what once left `target` is history."""
        table = content_moves
        with self._store.transaction() as connection:
            connection.execute(table.delete().where(table.c.source == target))
            # It may have held everything once and have been emptied: every file is asked for anew.
            connection.execute(content_cursors.delete().where(content_cursors.c.what == target))
            same = sa.and_(table.c.source == source, table.c.target == target)
            if connection.execute(table.update().where(same).values(finished_at=None)).rowcount:
                return
            connection.execute(table.delete().where(table.c.source == source))
            connection.execute(table.insert().values(source=source, target=target, started_at=now, finished_at=None))

    def finish_move(self, source: str, now: int) -> None:
        """The old store is empty of ours."""
        with self._store.transaction() as connection:
            connection.execute(content_moves.update().where(content_moves.c.source == source).values(finished_at=now))

    # -- names --------------------------------------------------------------------------------------------------------

    def cursor(self, what: str, log: int) -> int:
        """Below this position everything of the log was gone through for `what`."""
        table = content_cursors.c
        with self._store.reading() as connection:
            found = connection.scalar(sa.select(table.position).where(table.what == what, table.log == log))
        return position_of(log, 0) if found is None else int(found)

    def wrapped(self, log: int, start: int, most: int) -> list[int]:
        """Positions of the log from `start` on whose records have a file, lowest first."""
        table = record_wraps.c
        query = sa.select(table.position).where(table.position >= start, table.position < position_of(log + 1, 0))
        with self._store.reading() as connection:
            return list(connection.scalars(query.distinct().order_by(table.position).limit(most)))

    def name(self, log: int, start: int, rows: Sequence[tuple[int, str]], upto: int) -> bool:
        """Write (position, CID) rows and that the log was gone through to `upto`; False if another was faster. What was
        erased since it was read isn't written: an erasure takes a name away once."""
        positions = [position for position, _ in rows]

        def write(connection: sa.Connection) -> None:
            here = record_wraps.c.position.in_(positions)
            kept = set(connection.scalars(sa.select(record_wraps.c.position).where(here)))
            self._store.insert(connection, content_files, [row for row in rows if row[0] in kept])

        return self._advance("", log, start, upto, write)

    def enrol(self, store: str, log: int, upto: int, most: int, now: int) -> bool:
        """The next files named in the log below position `upto` are ones that `store` should hold; True if any were."""
        start = self.cursor(store, log)
        table = content_files.c
        query = sa.select(table.position, table.cid).where(table.position >= start, table.position < upto)
        with self._store.reading() as connection:
            found = connection.execute(query.order_by(table.position).limit(most)).all()
        if not found:
            return False
        reached = found[-1].position + 1
        rows = [{"store": store, "cid": c, "since": now, "seen_at": None} for c in sorted({row.cid for row in found})]

        def write(connection: sa.Connection) -> None:
            connection.execute(_WANT, rows)

        return self._advance(store, log, start, reached, write)

    def named_at(self, cid: str) -> list[int]:
        """Positions of the records that name a file."""
        query = sa.select(content_files.c.position).where(content_files.c.cid == cid)
        with self._store.reading() as connection:
            return list(connection.scalars(query.order_by(content_files.c.position)))

    def named(self, cids: Sequence[str]) -> set[str]:
        """Those of `cids` (at most 900) that a record names."""
        query = sa.select(content_files.c.cid).where(content_files.c.cid.in_(cids)).distinct()
        with self._store.reading() as connection:
            return set(connection.scalars(query))

    def all_named(self, after: str, most: int) -> list[str]:
        """Every file that a record names, by CID, beyond `after`."""
        table = content_files.c
        query = sa.select(table.cid).where(table.cid > after).distinct().order_by(table.cid).limit(most)
        with self._store.reading() as connection:
            return list(connection.scalars(query))

    def count(self) -> int:
        """How many records name a file."""
        with self._store.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(content_files)) or 0

    # -- copies -------------------------------------------------------------------------------------------------------

    def wanted(self, store: str, after: str, most: int) -> list[str]:
        """Files that the store isn't known to hold, by CID, beyond `after`."""
        table = content_copies.c
        query = sa.select(table.cid).where(table.store == store, table.seen_at.is_(None), table.cid > after)
        with self._store.reading() as connection:
            return list(connection.scalars(query.order_by(table.cid).limit(most)))

    def all_of(self, store: str, after: str, most: int, *, seen_before: int | None = None) -> list[str]:
        """Files that the store should hold, by CID, beyond `after`; `seen_before`: only ones not seen since then."""
        table = content_copies.c
        query = sa.select(table.cid).where(table.store == store, table.cid > after)
        if seen_before is not None:
            query = query.where(sa.or_(table.seen_at.is_(None), table.seen_at < seen_before))
        with self._store.reading() as connection:
            return list(connection.scalars(query.order_by(table.cid).limit(most)))

    def see(self, store: str, cid: str, now: int | None) -> bool:
        """The store was seen to hold the file whole and kept, at `now`; None: it was seen not to. False: no record
        names it any more, so nothing is noted, and who has just put it there takes it away again."""
        with self._store.transaction() as connection:
            noted = connection.execute(_SEE, {"store": store, "cid": cid, "since": now or 0, "seen_at": now})
            return noted.rowcount > 0

    def forget(self, store: str, cid: str) -> None:
        """The store needn't hold the file any more, and doesn't."""
        table = content_copies
        with self._store.transaction() as connection:
            connection.execute(table.delete().where(table.c.store == store, table.c.cid == cid))

    def forget_file(self, cid: str) -> None:
        """No record names the file any more: it was erased, and is to be kept nowhere."""
        with self._store.transaction() as connection:
            connection.execute(content_files.delete().where(content_files.c.cid == cid))
            connection.execute(content_copies.delete().where(content_copies.c.cid == cid))

    def lag(self, store: str) -> Lag:
        """What the store isn't known to hold."""
        table = content_copies.c
        waiting = sa.and_(table.store == store, table.seen_at.is_(None))
        with self._store.reading() as connection:
            count, since = connection.execute(sa.select(sa.func.count(), sa.func.min(table.since)).where(waiting)).one()
        return Lag(count, since)

    def _advance(self, what: str, log: int, start: int, upto: int, write: Callable[[sa.Connection], None]) -> bool:
        """`write` and the cursor together, or neither where the cursor isn't at `start` any more."""
        table = content_cursors
        here = sa.and_(table.c.what == what, table.c.log == log)
        with self._store.transaction() as connection:
            connection.execute(_BEGIN, {"what": what, "log": log, "position": position_of(log, 0)})
            if connection.scalar(sa.select(table.c.position).where(here).with_for_update()) != start:
                return False
            write(connection)
            connection.execute(table.update().where(here).values(position=upto))
        return True
