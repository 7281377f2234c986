"""What the chain said, as the indexer wrote it down: reading it, adding a range, taking blocks back.

SQL only. Readers see whole ranges: blocks, events and cursor change in one transaction (nodes.md, Indexer).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from ledger.statuses import Decision, DecisionCode
from ledger.store.engine import reading
from ledger.store.tables import FROM_EVENTS, anchors, annulments, blocks, cursor, decisions, events, logs
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


@dataclass(frozen=True, slots=True)
class IndexedEvent:
    """One log of one of our contracts. Key: (block hash, log index)."""

    block: Block
    log_index: int
    tx_hash: ChainHash
    contract: str
    address: Address
    event: str
    args: Mapping[str, Any]


# -- writing, by the indexer alone --------------------------------------------------------------------------------


def set_cursor(connection: Connection, chain_id: int, genesis_hash: str, number: int, block_hash: str) -> None:
    connection.execute(sa.delete(cursor))
    values = {"id": 1, "chain_id": chain_id, "genesis_hash": genesis_hash, "number": number, "hash": block_hash}
    connection.execute(sa.insert(cursor).values(values))


def clear_cursor(connection: Connection) -> None:
    connection.execute(sa.delete(cursor))


def add_blocks(connection: Connection, added: Sequence[Block]) -> None:
    if added:
        values = [{"number": b.number, "hash": b.hash, "parent": b.parent, "time": b.time} for b in added]
        connection.execute(sa.insert(blocks), values)


def add_event(connection: Connection, event: IndexedEvent) -> None:
    """The event itself and the row that it makes, if it makes one."""
    connection.execute(
        sa.insert(events).values(
            block_hash=event.block.hash,
            log_index=event.log_index,
            block_number=event.block.number,
            tx_hash=event.tx_hash,
            contract=event.contract,
            event=event.event,
            args=json.dumps({k: v.hex() if isinstance(v, bytes) else v for k, v in event.args.items()}),
        )
    )
    made = _made(event)
    if made is not None:
        table, values = made
        place = {
            "block_number": event.block.number,
            "log_index": event.log_index,
            "block_hash": event.block.hash,
            "block_time": event.block.time,
            "tx_hash": event.tx_hash,
        }
        connection.execute(sa.insert(table).values(**values, **place))


def take_back(connection: Connection, above: int) -> int:
    """Forget every block above `above` with all that its events made; how many blocks there were."""
    for table in (*FROM_EVENTS, events):
        connection.execute(sa.delete(table).where(table.c.block_number > above))
    return connection.execute(sa.delete(blocks).where(blocks.c.number > above)).rowcount


def prune(connection: Connection, below: int) -> None:
    """Forget headers under `below` in which nothing of ours happened: they are only kept to find a common ancestor."""
    used = sa.select(events.c.block_number).where(events.c.block_number < below)
    connection.execute(sa.delete(blocks).where(blocks.c.number < below, blocks.c.number.not_in(used)))


def known_blocks(connection: Connection, upto: int, limit: int) -> list[tuple[int, ChainHash]]:
    """(number, hash) of the indexed blocks up to `upto`, the highest first."""
    query = sa.select(blocks.c.number, blocks.c.hash).where(blocks.c.number <= upto)
    return [(n, ChainHash(h)) for n, h in connection.execute(query.order_by(blocks.c.number.desc()).limit(limit))]


def position(connection: Connection) -> tuple[ChainHash, int, ChainHash] | None:
    """(genesis hash, number, hash) of the last indexed block; None before the first."""
    row = connection.execute(sa.select(cursor.c.genesis_hash, cursor.c.number, cursor.c.hash)).first()
    return None if row is None else (ChainHash(row[0]), row[1], ChainHash(row[2]))


def _made(event: IndexedEvent) -> tuple[sa.Table, dict[str, Any]] | None:
    args = event.args
    match event.contract, event.event:
        case "AnchorLog", "LogOpened":
            return logs, {
                "log_id": args["logId"],
                "department": _code(args["department"]),
                "origin": args["origin"],
            }
        case "AnchorLog", "Anchored":
            return anchors, {
                "log_id": args["logId"],
                "size": args["size"],
                "root": args["root"],
                "contract": event.address,
                "department": _code(args["department"]),
            }
        case "CertificateStatus", "Decided":
            return decisions, {
                "status_key": args["key"],
                "number": args["number"],
                "code": args["code"],
                "cause": args["cause"],
                "department": _code(args["department"]),
                "effective_from": args["effectiveFrom"],
                "basis": _given(args["basis"]),
                "successor": _given(args["successor"]),
                "until": args["until"] or None,
                "ends": args["ends"] or None,
            }
        case "CertificateStatus", "Annulled":
            return annulments, {
                "status_key": args["key"],
                "number": args["number"],
                "basis": _given(args["basis"]),
            }
        case _:
            return None


def _code(value: bytes) -> str:
    return value.rstrip(b"\0").decode("ascii")


def _given(value: bytes) -> bytes | None:
    return value if any(value) else None


# -- reading -------------------------------------------------------------------------------------------------------


class IndexReader:
    """The index as others read it. `depth`: only what stands that many blocks deep is told (the profile's finality)."""

    def __init__(self, engine: Engine, depth: int = 0) -> None:
        self._engine = engine
        self.depth = depth

    def cursor(self) -> Block | None:
        """The last indexed block; None before the first."""
        with reading(self._engine) as connection:
            at = position(connection)
            if at is None:
                return None
            row = connection.execute(sa.select(blocks).where(blocks.c.number == at[1])).mappings().first()
        return None if row is None else _block(row)

    def anchor_for(self, log_id: LogId, index: int) -> Anchor | None:
        """The earliest final anchor whose size is above `index`: the one that a receipt carries."""
        with reading(self._engine) as connection:
            final = self._final(connection)
            wanted = sa.select(anchors).where(anchors.c.log_id == log_id, anchors.c.size > index)
            wanted = wanted.where(anchors.c.block_number <= final).order_by(anchors.c.size).limit(1)
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
            wanted = wanted.where(anchors.c.block_number <= at[1] - self.depth)
            wanted = wanted.order_by(anchors.c.size).limit(limit)
            found = [self._anchor(connection, row) for row in connection.execute(wanted).mappings()]
            last = connection.execute(sa.select(blocks).where(blocks.c.number == at[1])).mappings().first()
        return found, None if last is None else _block(last)

    def anchor_of(self, log_id: LogId, size: int) -> Anchor | None:
        """The final anchor of exactly this size."""
        found = self.anchor_for(log_id, size - 1)
        return found if found is not None and found.size == size else None

    def anchors_since(self, block: int, log_id: LogId | None = None, limit: int = 1000) -> list[Anchor]:
        """Final anchors in blocks above `block`, in the chain's order."""
        with reading(self._engine) as connection:
            wanted = sa.select(anchors).where(anchors.c.block_number > block)
            wanted = wanted.where(anchors.c.block_number <= self._final(connection))
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
            newest = newest.where(anchors.c.block_number <= final).order_by(anchors.c.size.desc()).limit(1)
            row = connection.execute(newest).first()
        return (0, Digest(bytes(32))) if row is None else (row[0], Digest(bytes(row[1])))

    def log_heads(self) -> dict[LogId, tuple[int, Digest]]:
        """`log_head` of every log that is opened, in one statement."""
        with reading(self._engine) as connection:
            final = self._final(connection)
            newest = sa.select(anchors.c.size).where(anchors.c.log_id == logs.c.log_id, anchors.c.block_number <= final)
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
        with reading(self._engine) as connection:
            final = self._final(connection)
            same = (annulments.c.status_key == decisions.c.status_key) & (annulments.c.number == decisions.c.number)
            joined = decisions.outerjoin(annulments, same & (annulments.c.block_number <= final))
            wanted = sa.select(decisions, annulments.c.block_time.label("annulled_at")).select_from(joined)
            wanted = wanted.where(decisions.c.status_key == status_key, decisions.c.block_number <= final)
            return [_decision(row) for row in connection.execute(wanted.order_by(decisions.c.number)).mappings()]

    def events(self, contract: str, since_block: int = -1, limit: int = 1000) -> list[tuple[int, str, dict[str, Any]]]:
        """(block number, event, arguments) of a contract in the chain's order; bytes as hex."""
        with reading(self._engine) as connection:
            wanted = sa.select(events.c.block_number, events.c.event, events.c.args)
            wanted = wanted.where(events.c.contract == contract, events.c.block_number > since_block)
            wanted = wanted.where(events.c.block_number <= self._final(connection))
            wanted = wanted.order_by(events.c.block_number, events.c.log_index).limit(limit)
            return [(n, e, json.loads(a)) for n, e, a in connection.execute(wanted)]

    def _final(self, connection: Connection) -> int:
        at = position(connection)
        return -1 if at is None else at[1] - self.depth

    @staticmethod
    def _anchor(connection: Connection, row: RowMapping) -> Anchor:
        chain = connection.execute(sa.select(cursor.c.chain_id, cursor.c.genesis_hash)).one()
        return Anchor(
            log_id=LogId(bytes(row["log_id"])),
            size=row["size"],
            root=Digest(bytes(row["root"])),
            chain_id=chain.chain_id,
            genesis_hash=ChainHash(chain.genesis_hash),
            contract=Address(row["contract"]),
            tx_hash=ChainHash(row["tx_hash"]),
            block_number=row["block_number"],
            block_hash=ChainHash(row["block_hash"]),
            block_time=BlockTime(row["block_time"]),
            department=DepartmentCode(row["department"]),
        )


def _block(row: RowMapping) -> Block:
    return Block(row["number"], ChainHash(row["hash"]), BlockTime(row["time"]), ChainHash(row["parent"]))


def _decision(row: RowMapping) -> Decision:
    return Decision(
        number=row["number"],
        code=DecisionCode(row["code"]),
        cause=row["cause"],
        department=DepartmentCode(row["department"]),
        effective_from=BlockTime(row["effective_from"]),
        recorded_at=BlockTime(row["block_time"]),
        basis=None if row["basis"] is None else Digest(bytes(row["basis"])),
        successor=None if row["successor"] is None else Digest(bytes(row["successor"])),
        until=None if row["until"] is None else BlockTime(row["until"]),
        ends=row["ends"],
        annulled_at=None if row["annulled_at"] is None else BlockTime(row["annulled_at"]),
    )
