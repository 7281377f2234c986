"""Objects of the chain as others look for them: the rows find them, their records are made of the events.

Departments are those that the events name; who carries their work since a succession, the contract tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ledger.catalogue import Resource
from ledger.credits import CreditItem, ItemId
from ledger.nodes import Node, NodeId
from ledger.shares.grants import Grant
from ledger.store.engine import reading
from ledger.store.index.catalogue import resource_from
from ledger.store.index.credits import item_from
from ledger.store.index.events import ToldEvent, told
from ledger.store.index.nodes import node_from
from ledger.store.index.shares import grant_from
from ledger.store.index.writing import position
from ledger.store.object_tables import credit_items, grants, nodes, resources
from ledger.types import Address, DepartmentCode, Digest

T = TypeVar("T")


class ObjectFinder:
    """The index as others read it. `depth`: only what stands that many blocks deep is told, as by `IndexReader`; what
    an object was found by is of the newest block. Where two versions of a contract have one id, who spoke last counts.
    """

    def __init__(self, engine: Engine, depth: int = 0) -> None:
        self._engine = engine
        self._depth = depth

    def grants_of(self, department: DepartmentCode) -> dict[Digest, Grant]:
        """Applications and grants in which the department is consumer or provider."""
        ours = (grants.c.consumer == department) | (grants.c.provider == department)
        return self._found("ShareAuthorisations", grants, grant_from, ours)

    def resources_of(self, provider: DepartmentCode) -> dict[Digest, Resource]:
        return self._found("Catalogue", resources, resource_from, resources.c.provider == provider)

    def items_of(self, owner: DepartmentCode) -> dict[ItemId, CreditItem]:
        """Credit items that the department added."""
        found = self._found("CreditRecords", credit_items, item_from, credit_items.c.owner == owner)
        return {ItemId(id_): item for id_, item in found.items()}

    def nodes(self) -> dict[NodeId, Node]:
        """All of them, retired ones too."""
        return {NodeId(i): node for i, node in self._found("Nodes", nodes, node_from, sa.true()).items()}

    def _found(
        self,
        contract: str,
        table: sa.Table,
        fold: Callable[[Sequence[ToldEvent]], T | None],
        by: sa.ColumnElement[bool],
    ) -> dict[Digest, T]:
        wanted = sa.select(table.c.contract, table.c.id).where(by).order_by(table.c.changed_block, table.c.id)
        found: dict[Digest, T] = {}
        with reading(self._engine) as connection:
            at = position(connection)
            final = -1 if at is None else at[1] - self._depth
            places = [(Address(address), bytes(key)) for address, key in connection.execute(wanted)]
            histories = {
                address: told(connection, contract, address, [k for a, k in places if a == address], upto=final)
                for address in dict.fromkeys(address for address, _ in places)
            }
        for address, key in places:
            record = fold(histories[address].get(key, ()))
            if record is not None:
                found[Digest(key)] = record
        return found
