"""The index read as a whole, at one final block: what a snapshot says to those who can't ask (formats.md §8).

SQL only. One transaction for everything, so that the facts are of one block; masses are told one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ledger.departments import DepartmentHistory, MemberFacts
from ledger.keys import DepartmentKey
from ledger.statuses import Decision
from ledger.store.engine import reading
from ledger.store.index.asking import decision_of, told_decisions
from ledger.store.index.departments import accreditations_from, department_from
from ledger.store.index.events import KEYS_AT_ONCE, ToldEvent, told
from ledger.store.index.keys import key_from
from ledger.store.index.objects import last
from ledger.store.index.reading import anchor_of, block_of, counts
from ledger.store.index.values import code
from ledger.store.index.writing import position
from ledger.store.object_tables import accreditations, department_keys, departments, parts
from ledger.store.tables import anchors, blocks, cursor, decisions, logs
from ledger.successions import Succession, accreditations_of
from ledger.types import Address, Anchor, Block, ChainHash, DepartmentCode, Digest, LogId, Origin


class WholeIndex:
    """Everything up to `block`, over one open transaction. Made by `whole_index`."""

    def __init__(self, connection: Connection, block: Block) -> None:
        self._connection = connection
        self.block = block

    def logs(self) -> list[tuple[LogId, Origin]]:
        """Every log that is opened, in the chain's order."""
        wanted = sa.select(logs.c.log_id, logs.c.origin).where(logs.c.block_number <= self.block.number)
        found = self._connection.execute(wanted.order_by(logs.c.block_number, logs.c.log_index))
        return [(LogId(bytes(i)), Origin(o)) for i, o in found]

    def anchors(self) -> Iterator[Anchor]:
        """Every anchor that counts, log by log, smallest size first."""
        wanted = sa.select(anchors).where(counts(self.block.number)).order_by(anchors.c.log_id, anchors.c.size)
        chain = self._connection.execute(sa.select(cursor.c.chain_id, cursor.c.genesis_hash)).one()
        for row in self._connection.execute(wanted).mappings():
            yield anchor_of(row, chain.chain_id, chain.genesis_hash)

    def chain(self) -> tuple[int, ChainHash]:
        """Chain id and genesis of what is indexed."""
        found = self._connection.execute(sa.select(cursor.c.chain_id, cursor.c.genesis_hash)).one()
        return found.chain_id, ChainHash(found.genesis_hash)

    def heads(self) -> list[tuple[Origin, int, Digest]]:
        """The newest anchor that counts of every log that has one, by origin."""
        newest = sa.select(anchors.c.size).where(anchors.c.log_id == logs.c.log_id, counts(self.block.number))
        newest = newest.order_by(anchors.c.size.desc()).limit(1)
        same = (anchors.c.log_id == logs.c.log_id) & (anchors.c.size == newest.correlate(logs).scalar_subquery())
        wanted = sa.select(logs.c.origin, anchors.c.size, anchors.c.root).select_from(logs.join(anchors, same))
        found = self._connection.execute(wanted.where(logs.c.block_number <= self.block.number))
        return sorted((Origin(o), size, Digest(bytes(root))) for o, size, root in found)

    def decisions(self) -> Iterator[tuple[Digest, Decision]]:
        """(status key, decision), by key, in the order in which they were taken."""
        order = (decisions.c.status_key, decisions.c.block_number, decisions.c.log_index)
        wanted = told_decisions(self.block.number).order_by(*order).execution_options(yield_per=KEYS_AT_ONCE)
        for row in self._connection.execute(wanted).mappings():  # a cursor: a province's don't fit into memory
            yield Digest(bytes(row["status_key"])), decision_of(row)

    def decisions_of(self, keys: Sequence[Digest]) -> dict[Digest, list[Decision]]:
        """The decisions about each of `keys` that has any."""
        found: dict[Digest, list[Decision]] = {}
        order = (decisions.c.block_number, decisions.c.log_index)
        for start in range(0, len(keys), KEYS_AT_ONCE):
            some = decisions.c.status_key.in_(keys[start : start + KEYS_AT_ONCE])
            wanted = told_decisions(self.block.number).where(some).order_by(*order)
            for row in self._connection.execute(wanted).mappings():
                found.setdefault(Digest(bytes(row["status_key"])), []).append(decision_of(row))
        return found

    def members(self) -> list[MemberFacts]:
        """Every department, by its code; accreditations as the contract's view gives them."""
        histories = {
            found.code: found
            for history in self._objects("Departments", departments).values()
            if (found := department_from(history)) is not None
        }
        successions = self._successions(histories)
        own = [
            accreditation
            for history in self._objects("Departments", accreditations).values()
            for periods in accreditations_from(history).values()
            for accreditation in periods
        ]
        types = sorted({a.type_code for a in own})
        keys: dict[DepartmentCode, list[DepartmentKey]] = {}
        for history in self._objects("DepartmentKeys", department_keys).values():
            key = key_from(history)
            if key is not None:
                keys.setdefault(key.department, []).append(key)
        return [
            MemberFacts(
                histories[each],
                tuple(a for type_code in types for a in accreditations_of(own, successions, each, type_code)),
                tuple(sorted(keys.get(each, ()), key=lambda key: (key.proposed_at, key.key_id))),
            )
            for each in sorted(histories)
        ]

    def _successions(self, histories: Mapping[DepartmentCode, DepartmentHistory]) -> dict[DepartmentCode, Succession]:
        named: dict[DepartmentCode, list[tuple[bytes, DepartmentCode]]] = {}
        for history in self._objects("Departments", parts).values():
            split = [event for event in history if event.event == "DepartmentSplit"]
            if (event := last(split)) is not None:
                to = DepartmentCode(code(event.args["to"]))
                named.setdefault(DepartmentCode(code(event.args["from"])), []).append((event.args["what"], to))
        return {
            old: Succession(old, h.successor, h.succeeded_at, h.succeeded_at, tuple(named.get(old, ())))
            for old, h in histories.items()
            if h.successor is not None and h.succeeded_at is not None
        }

    def _objects(self, contract: str, table: sa.Table) -> dict[bytes, Sequence[ToldEvent]]:
        """The events of every object of `table`, where two versions of the contract have one by who spoke last."""
        wanted = sa.select(table.c.contract, table.c.id).distinct()
        places = sorted((Address(address), bytes(key)) for address, key in self._connection.execute(wanted))
        found: dict[bytes, Sequence[ToldEvent]] = {}
        for address in dict.fromkeys(address for address, _ in places):
            keys = [key for a, key in places if a == address]
            told_here = told(self._connection, contract, address, keys, upto=self.block.number)
            for key, history in told_here.items():
                if key not in found or _place(found[key]) < _place(history):
                    found[key] = history
        return found


def _place(history: Sequence[ToldEvent]) -> tuple[int, int]:
    return history[-1].block_number, history[-1].log_index


@contextmanager
def whole_index(engine: Engine, depth: int = 0) -> Iterator[WholeIndex | None]:
    """The index at the newest block that stands `depth` deep; None before there is one."""
    with reading(engine) as connection:
        at = position(connection)
        row = None
        if at is not None:
            wanted = sa.select(blocks).where(blocks.c.number <= at[1] - depth).order_by(blocks.c.number.desc()).limit(1)
            row = connection.execute(wanted).mappings().first()
        yield None if row is None else WholeIndex(connection, block_of(row))
