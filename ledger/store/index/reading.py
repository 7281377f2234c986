"""The index as others read it: whole ranges, final as the profile says. SQL only."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from ledger.statuses import Decision
from ledger.store.engine import reading
from ledger.store.index.asking import DecisionsAsked
from ledger.store.index.events import ToldEvent, told_args, told_of
from ledger.store.index.writing import position
from ledger.store.tables import anchors, blocks, closings, cursor, events, logs
from ledger.types import (
    Address,
    Anchor,
    Block,
    BlockTime,
    ChainHash,
    DepartmentCode,
    Digest,
    LogId,
    Origin,
)


def counts(final: int) -> sa.ColumnElement[bool]:
    """Whether a row of `anchors` is final, and not struck out by a final closing of its log at a smaller size."""
    struck = sa.exists().where(
        closings.c.log_id == anchors.c.log_id, closings.c.size < anchors.c.size, closings.c.block_number <= final
    )
    return (anchors.c.block_number <= final) & ~struck


class IndexReader:
    """The index as others read it. `depth`: only what stands that many blocks deep is told (the profile's finality)."""

    def __init__(self, engine: Engine, depth: int = 0) -> None:
        self._engine = engine
        self.depth = depth

    @cached_property
    def _decisions(self) -> DecisionsAsked:
        return DecisionsAsked(self._engine, self.depth)

    @property
    def local(self) -> bool:
        """Whether the database is a file of this machine."""
        return self._engine.dialect.name == "sqlite"

    def cursor(self) -> Block | None:
        """The last indexed block; None before the first."""
        with reading(self._engine) as connection:
            at = position(connection)
            if at is None:
                return None
            row = connection.execute(sa.select(blocks).where(blocks.c.number == at[1])).mappings().first()
        return None if row is None else block_of(row)

    def anchor_for(self, log_id: LogId, index: int) -> Anchor | None:
        """The earliest final anchor whose size is above `index`: the one that a receipt carries."""
        with reading(self._engine) as connection:
            final = self._final(connection)
            wanted = sa.select(anchors).where(anchors.c.log_id == log_id, anchors.c.size > index)
            wanted = wanted.where(counts(final)).order_by(anchors.c.size).limit(1)
            row = connection.execute(wanted).mappings().first()
            return None if row is None else self._anchor(connection, row)

    def anchors_above(self, log_id: LogId, size: int, limit: int = 1) -> tuple[list[Anchor], Block | None]:
        """The first `limit` final anchors of sizes > `size`, smallest first, and the last indexed block: of what is
        that deep under it, the index misses nothing."""
        with reading(self._engine) as connection:
            at = position(connection)
            if at is None:
                return [], None
            wanted = sa.select(anchors).where(anchors.c.log_id == log_id, anchors.c.size > size)
            wanted = wanted.where(counts(at[1] - self.depth))
            wanted = wanted.order_by(anchors.c.size).limit(limit)
            found = [self._anchor(connection, row) for row in connection.execute(wanted).mappings()]
            last = connection.execute(sa.select(blocks).where(blocks.c.number == at[1])).mappings().first()
        return found, None if last is None else block_of(last)

    def anchor_of(self, log_id: LogId, size: int) -> Anchor | None:
        """The final anchor of exactly this size."""
        found = self.anchor_for(log_id, size - 1)
        return found if found is not None and found.size == size else None

    def anchors_since(self, block: int, log_id: LogId | None = None, limit: int = 1000) -> list[Anchor]:
        """Final anchors in blocks above `block`, in the chain's order."""
        with reading(self._engine) as connection:
            wanted = sa.select(anchors).where(anchors.c.block_number > block)
            wanted = wanted.where(counts(self._final(connection)))
            if log_id is not None:
                wanted = wanted.where(anchors.c.log_id == log_id)
            wanted = wanted.order_by(anchors.c.block_number, anchors.c.log_index).limit(limit)
            return [self._anchor(connection, row) for row in connection.execute(wanted).mappings()]

    def log_head(self, log_id: LogId) -> tuple[int, Digest] | None:
        """(size, root) of the log's newest anchor, size 0 before the first; None while the log isn't opened."""
        with reading(self._engine) as connection:
            final = self._final(connection)
            opened = sa.select(logs.c.log_id).where(logs.c.log_id == log_id, logs.c.block_number <= final)
            if connection.execute(opened).first() is None:
                return None
            newest = sa.select(anchors.c.size, anchors.c.root).where(anchors.c.log_id == log_id)
            newest = newest.where(counts(final)).order_by(anchors.c.size.desc()).limit(1)
            row = connection.execute(newest).first()
        return (0, Digest(bytes(32))) if row is None else (row[0], Digest(bytes(row[1])))

    def closed_at(self, log_id: LogId) -> int | None:
        """The last good size of a log that the Council closed; None while it is open."""
        with reading(self._engine) as connection:
            smallest = sa.select(sa.func.min(closings.c.size)).where(closings.c.log_id == log_id)
            smallest = smallest.where(closings.c.block_number <= self._final(connection))
            found: int | None = connection.execute(smallest).scalar()
            return found

    def log_heads(self) -> dict[LogId, tuple[int, Digest]]:
        """`log_head` of every log that is opened, in one statement."""
        with reading(self._engine) as connection:
            final = self._final(connection)
            newest = sa.select(anchors.c.size).where(anchors.c.log_id == logs.c.log_id, counts(final))
            newest = newest.order_by(anchors.c.size.desc()).limit(1)
            same = (anchors.c.log_id == logs.c.log_id) & (anchors.c.size == newest.correlate(logs).scalar_subquery())
            wanted = sa.select(logs.c.log_id, anchors.c.size, anchors.c.root).select_from(logs.outerjoin(anchors, same))
            found = connection.execute(wanted.where(logs.c.block_number <= final)).all()
        none = (0, Digest(bytes(32)))
        return {LogId(bytes(i)): none if size is None else (size, Digest(bytes(root))) for i, size, root in found}

    def mark(self) -> tuple[ChainHash, int, ChainHash] | None:
        """Another value whenever any of the answers may have changed: the last indexed block names all before it."""
        with reading(self._engine) as connection:
            return position(connection)

    def tells(self, block: int) -> bool:
        """Whether the answers hold what happened in block `block`, because it is indexed and final."""
        with reading(self._engine) as connection:
            return block <= self._final(connection)

    def opened_logs(self) -> list[tuple[LogId, DepartmentCode, Origin]]:
        """Every log that the network knows, as they were opened."""
        with reading(self._engine) as connection:
            final = self._final(connection)
            wanted = sa.select(logs.c.log_id, logs.c.department, logs.c.origin).where(logs.c.block_number <= final)
            found = connection.execute(wanted.order_by(logs.c.block_number, logs.c.log_index))
            return [(LogId(bytes(i)), DepartmentCode(d), Origin(o)) for i, d, o in found]

    def decisions(self, status_key: Digest) -> list[Decision]:
        """All decisions of a key in their order, with their annulments."""
        return self._decisions.of(status_key)

    def events(self, contract: str, since_block: int = -1, limit: int = 1000) -> list[tuple[int, str, dict[str, Any]]]:
        """(block number, event, arguments) of a contract in the chain's order."""
        with reading(self._engine) as connection:
            wanted = sa.select(events.c.block_number, events.c.event, events.c.args)
            wanted = wanted.where(events.c.contract == contract, events.c.block_number > since_block)
            wanted = wanted.where(events.c.block_number <= self._final(connection))
            wanted = wanted.order_by(events.c.block_number, events.c.log_index).limit(limit)
            return [(n, e, told_args(a)) for n, e, a in connection.execute(wanted)]

    def history(self, contract: str, subject: bytes) -> list[ToldEvent]:
        """All that a contract said of one object (the events' first indexed value), in the chain's order; where several
        versions of the contract did, what the last one to speak said."""
        with reading(self._engine) as connection:
            found = told_of(connection, contract, subject, self._final(connection))
        return max(found.values(), key=lambda events: (events[-1].block_number, events[-1].log_index), default=[])

    def _final(self, connection: Connection) -> int:
        at = position(connection)
        return -1 if at is None else at[1] - self.depth

    @staticmethod
    def _anchor(connection: Connection, row: RowMapping) -> Anchor:
        chain = connection.execute(sa.select(cursor.c.chain_id, cursor.c.genesis_hash)).one()
        return anchor_of(row, chain.chain_id, chain.genesis_hash)


def anchor_of(row: RowMapping, chain_id: int, genesis_hash: str) -> Anchor:
    """A row of `anchors`."""
    return Anchor(
        log_id=LogId(bytes(row["log_id"])),
        size=row["size"],
        root=Digest(bytes(row["root"])),
        chain_id=chain_id,
        genesis_hash=ChainHash(genesis_hash),
        contract=Address(row["contract"]),
        tx_hash=ChainHash(row["tx_hash"]),
        block_number=row["block_number"],
        block_hash=ChainHash(row["block_hash"]),
        block_time=BlockTime(row["block_time"]),
        department=DepartmentCode(row["department"]),
    )


def block_of(row: RowMapping) -> Block:
    return Block(row["number"], ChainHash(row["hash"]), BlockTime(row["time"]), ChainHash(row["parent"]))
