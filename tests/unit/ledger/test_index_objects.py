"""Objects of the index: whatever the contracts told and however the chain came here, the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from ledger.evm.artifacts import Event, artifact
from ledger.store import index
from ledger.store.engine import writing
from ledger.store.index.event_rows import MAKE_ROWS
from ledger.store.index.projections import NO_OBJECT, PROJECTIONS
from tests.databases import Databases, fresh_engine
from tests.fakes.node import FakeNode, Log
from tests.unit.ledger.event_logs import CONTRACTS, all_events, arguments, log
from tests.unit.ledger.object_world import ADDRESSES, NAMES, OBJECTS, World

ONCE = frozenset({"LogOpened", "Anchored", "LogClosed", "Decided", "Annulled", "TypeProven"})
"""what has a row of its own: here once of each subject, as no contract tells the same twice"""


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


def test_events__every_one_of_every_abi__makes_rows_or_is_named() -> None:
    known = {(contract, event.name) for contract, event in all_events()}
    folded = {(p.contract, event) for p in PROJECTIONS for event in p.events}
    assert known == MAKE_ROWS | folded | NO_OBJECT
    assert not MAKE_ROWS & folded
    assert not NO_OBJECT & (MAKE_ROWS | folded)


def test_projections__every_table_once__one_part_an_event() -> None:
    parts: dict[tuple[str, str], tuple[str, ...]] = {}
    named = {(c, e.name): {name for name, _, _ in e.parameters} for c, e in all_events()}
    for p in PROJECTIONS:
        for event in p.events:
            assert parts.setdefault((p.contract, event), p.part) == p.part
            assert set(p.part) <= named[p.contract, event]
    assert {p.table for p in PROJECTIONS} == set(OBJECTS)
    assert len(PROJECTIONS) == len(OBJECTS)


HISTORY = given(st.integers(0, 2**32), st.lists(st.sampled_from(CONTRACTS), min_size=1, max_size=2, unique=True))
LONG = settings(
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@settings(LONG, max_examples=20)
@HISTORY
def test_index__any_history_of_all_contracts__equals_one_built_from_nothing(
    on_sqlite: Databases, seed: int, contracts: list[str]
) -> None:
    equals_one_built_from_nothing(on_sqlite, seed, contracts)


@settings(LONG, max_examples=5)
@HISTORY
def test_index_on_postgres__any_history_of_all_contracts__equals_one_built_from_nothing(
    on_postgres: Databases, seed: int, contracts: list[str]
) -> None:
    equals_one_built_from_nothing(on_postgres, seed, contracts)


def equals_one_built_from_nothing(databases: Databases, seed: int, contracts: list[str]) -> None:
    """Few contracts at a time, so that objects have several events; any object, in either version."""
    chance = Random(seed)
    with fresh_engine(databases) as first, fresh_engine(databases) as second:
        world = World(first)
        live_through(chance, world, contracts)
        live = world.dump()
        assert live["chain_events"]
        world.indexer().rebuild()
        assert world.dump() == live

        at = chance.randrange(len(world.node.blocks))
        with writing(world.engine) as connection:
            index.take_back(connection, at)
        shorter = copy(world.node)
        shorter.blocks = world.node.blocks[: at + 1]
        fresh = World(second, shorter)
        fresh.indexer().catch_up()
        assert world.dump() == fresh.dump()


def live_through(chance: Random, world: World, contracts: Sequence[str]) -> None:
    """Blocks with events, indexed now and then, and taken back now and then."""
    indexer = world.indexer()
    for _ in range(25):
        said: list[Log] = []
        for _ in range(chance.randint(0, 8)):
            contract = chance.choice(contracts)
            event = chance.choice(list(artifact(contract).events.values()))
            version = NAMES.index(contract) + chance.choice((0, 0, len(CONTRACTS)))
            args = arguments(chance, event)
            if not is_told(world.node, said, ADDRESSES[version], event, args):
                said.append(log(ADDRESSES[version], event, args))
        world.say(*said)
        if chance.random() < 0.4:
            indexer.catch_up()
        if chance.random() < 0.2:
            world.node.shorten(chance.randint(1, 4))
            world.node.mine()
    indexer.catch_up()


def is_told(node: FakeNode, pending: list[Log], address: str, event: Event, args: dict[str, Any]) -> bool:
    """Whether the contracts, either version, said already what they say once."""
    if event.name not in ONCE:
        return False
    mark = log(address, event, args)
    said = [*pending, *(known for b in node.blocks for _, _, logs in b.txs for known in logs)]
    return any(known.topics[:2] == mark.topics[:2] for known in said)
