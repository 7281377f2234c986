"""An index of objects beside a fake node that tells what the contracts would: events, two versions of each contract."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ledger.evm.artifacts import artifact
from ledger.evm.indexer import Indexer
from ledger.evm.profiles import ANVIL
from ledger.store import object_tables
from ledger.store.engine import reading
from ledger.store.tables import FROM_EVENTS, blocks, events, metadata
from tests.fakes.node import FakeNode, Log
from tests.unit.ledger.event_logs import CODES, CONTRACTS, IDS, log

NAMES = (*CONTRACTS, *CONTRACTS)
"""each contract in two versions"""
ADDRESSES = tuple("0x" + f"{0xA0 + n:02x}" * 20 for n in range(len(NAMES)))
OBJECTS = tuple(t for t in metadata.sorted_tables if vars(object_tables).get(t.name.removeprefix("chain_")) is t)
TABLES = (*FROM_EVENTS, *OBJECTS, events, blocks)


class World:
    """A fake node, an index of it, and what the contracts told there."""

    def __init__(self, engine: Engine, node: FakeNode | None = None) -> None:
        self.engine = engine
        self.node = node or FakeNode(ADDRESSES)
        deployment = self.node.deployment(*NAMES)
        first = tuple(replace(c, until_block=1) for c in deployment.contracts[: len(CONTRACTS)])
        self.deployment = replace(deployment, contracts=(*first, *deployment.contracts[len(CONTRACTS) :]))

    def indexer(self) -> Indexer:
        return Indexer(self.engine, self.node, ANVIL, self.deployment)  # type: ignore[arg-type]

    def say(self, *logs: Log) -> None:
        self.node.foreign = list(logs)
        self.node.mine()

    def dump(self) -> dict[str, list[Any]]:
        with reading(self.engine) as connection:
            return {
                t.name: [tuple(r) for r in connection.execute(sa.select(t).order_by(*t.primary_key.columns))]
                for t in TABLES
            }


def tell(contract: str, name: str, /, version: int = 1, **args: Any) -> Log:
    event = next(e for e in artifact(contract).events.values() if e.name == name)
    return log(ADDRESSES[NAMES.index(contract) + (version - 1) * len(CONTRACTS)], event, args)


def node_applied(version: int = 1, contact: bytes = IDS[0]) -> Log:
    return tell(
        "Nodes", "NodeApplied", version, nodeId=IDS[0], department=CODES[0], host=CODES[0], division=420000,
        nodeKey=IDS[1], contact=contact, operator="0x" + "99" * 20, application=IDS[1],
    )  # fmt: skip


def node_changed() -> Log:
    who: dict[str, Any] = {"nodeId": IDS[0], "department": CODES[0], "host": CODES[0], "operator": "0x" + "99" * 20}
    return tell("Nodes", "NodeChanged", **who, contact=IDS[1])
