"""What the index remembers between catching up: each event gone through once, nothing of a transaction that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from ledger.store import index, object_tables
from ledger.store.index import Memory, ToldEvent
from ledger.store.index import writing as writing_
from ledger.store.index.projections import PROJECTIONS
from ledger.types import Address, ChainHash
from tests.unit.ledger.event_logs import IDS
from tests.unit.ledger.object_world import World, node_applied, node_changed, tell


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


def count_folded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each call of the nodes' fold goes through, from now on."""
    counted: list[int] = []
    made = next(p for p in PROJECTIONS if p.table is object_tables.nodes)

    def fold(history: Sequence[ToldEvent], *known: Any) -> Any:
        counted.append(len(history))
        return made.fold(history, *known)

    counting = tuple(replace(p, fold=fold) if p is made else p for p in PROJECTIONS)
    monkeypatch.setattr(writing_, "PROJECTIONS", counting)
    return counted


def test_index__long_history__gone_through_once_however_it_comes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = count_folded(monkeypatch)
    world.say(node_applied(), *(node_changed() for _ in range(99)))
    indexer = world.indexer()
    indexer.catch_up()
    assert counted == [100]
    for _ in range(10):
        world.say(node_changed())
        indexer.catch_up()
    assert counted == [100] + [1] * 10
    live = world.dump()
    indexer.rebuild()
    assert counted[11:] == [110]
    assert world.dump() == live
    world.say(node_changed(), node_changed())
    world.indexer().catch_up()  # another one remembers nothing
    assert counted[12:] == [112]


def test_index__transaction_fails_after_the_rows__nothing_of_it_is_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say(node_applied())
    indexer = world.indexer()
    indexer.catch_up()
    counted = count_folded(monkeypatch)
    world.say(tell("Nodes", "NodePromoted", nodeId=IDS[0], operator="0x" + "99" * 20, basis=bytes(32)))
    with monkeypatch.context() as broken:
        broken.setattr(index, "set_cursor", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            indexer.catch_up()
    world.node.shorten(1)
    world.say(node_changed())
    indexer.catch_up()
    assert counted == [1, 1]
    live = world.dump()
    assert live["chain_nodes"][0][5] == 1, "not promoted"
    indexer.rebuild()
    assert world.dump() == live


def test_memory__more_than_it_holds__the_oldest_forgotten() -> None:
    memory = Memory(most=2)
    block = ChainHash("0x" + "01" * 32)
    memory.begin(None)
    for n in range(3):
        memory.put(("t", Address("a"), bytes([n])), n)
    memory.keep(block)
    memory.begin(block)
    assert [memory.record(("t", Address("a"), bytes([n]))) for n in range(3)] == [None, 1, 2]
    memory.begin(ChainHash("0x" + "02" * 32))
    assert memory.record(("t", Address("a"), b"\2")) is None
