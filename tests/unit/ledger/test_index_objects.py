"""Objects of the index: whatever the contracts told and however the chain came here, the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from ledger.evm.artifacts import Event, artifact
from ledger.evm.indexer import Indexer
from ledger.evm.profiles import ANVIL
from ledger.nodes import NodeState
from ledger.store import index, object_tables
from ledger.store.engine import reading, writing
from ledger.store.index import IndexReader, Memory, ObjectFinder, ToldEvent
from ledger.store.index import writing as writing_
from ledger.store.index.event_rows import MAKE_ROWS
from ledger.store.index.projections import NO_OBJECT, PROJECTIONS
from ledger.store.tables import FROM_EVENTS, blocks, events, metadata
from ledger.types import Address, ChainHash, DepartmentCode, Digest
from tests.databases import Databases, fresh_engine
from tests.fakes.node import FakeNode, Log
from tests.unit.ledger.event_logs import CODES, CONTRACTS, IDS, all_events, arguments, log

NAMES = (*CONTRACTS, *CONTRACTS)
"""each contract in two versions"""
ADDRESSES = tuple("0x" + f"{0xA0 + n:02x}" * 20 for n in range(len(NAMES)))
OBJECTS = tuple(t for t in metadata.sorted_tables if vars(object_tables).get(t.name.removeprefix("chain_")) is t)
TABLES = (*FROM_EVENTS, *OBJECTS, events, blocks)
ONCE = frozenset({"LogOpened", "Anchored", "LogClosed", "Decided", "Annulled", "TypeProven"})
"""what has a row of its own: here once of each subject, as no contract tells the same twice"""


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


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


def tell(contract: str, name: str, /, version: int = 1, **args: Any) -> Log:
    event = next(e for e in artifact(contract).events.values() if e.name == name)
    return log(ADDRESSES[NAMES.index(contract) + (version - 1) * len(CONTRACTS)], event, args)


def node_applied(version: int = 1, contact: bytes = IDS[0]) -> Log:
    return tell(
        "Nodes", "NodeApplied", version, nodeId=IDS[0], department=CODES[0], host=CODES[0], division=420000,
        nodeKey=IDS[1], contact=contact, operator="0x" + "99" * 20, application=IDS[1],
    )  # fmt: skip


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


def test_index__two_versions_of_a_contract_with_one_id__apart(world: World) -> None:
    world.say(node_applied(1), node_applied(2, contact=IDS[1]))
    world.say(tell("Nodes", "NodePromoted", 2, nodeId=IDS[0], operator="0x" + "99" * 20, basis=bytes(32)))
    world.indexer().catch_up()
    rows = world.dump()["chain_nodes"]
    states = {row[1]: (row[5], row[-1]) for row in rows}
    second = ADDRESSES[NAMES.index("Nodes") + len(CONTRACTS)]
    assert states == {ADDRESSES[NAMES.index("Nodes")]: (1, 1), second: (5, 2)}
    world.node.shorten(1)
    world.node.mine()
    world.indexer().catch_up()
    assert {row[1]: (row[5], row[-1]) for row in world.dump()["chain_nodes"]}[second] == (1, 1)
    history = IndexReader(world.engine).history("Nodes", IDS[0])
    assert [event.args["contact"] for event in history] == [IDS[1]]


def test_index__event_that_another_object_of_the_subject_is_about__left_alone(world: World) -> None:
    who: dict[str, Any] = {
        "department": CODES[0],
        "personHash": IDS[0],
        "actor": bytes(32),
        "appointedBy": "0x" + "99" * 20,
    }
    for account in ("0x" + "91" * 20, "0x" + "92" * 20):
        world.say(tell("Departments", "OperatorAppointed", operator=account, roles=1, until=0, **who))
    ended: dict[str, Any] = {"reason": 1, "actor": bytes(32), "endedBy": "0x" + "99" * 20}
    world.say(tell("Departments", "OperatorEnded", department=CODES[0], operator="0x" + "92" * 20, **ended))
    indexer = world.indexer()
    indexer.catch_up()
    rows = {row[2]: (row[4], row[-1]) for row in world.dump()["chain_operators"]}
    assert rows == {"0x" + "91" * 20: (1, 1), "0x" + "92" * 20: (0, 3)}
    assert len(IndexReader(world.engine).history("Departments", CODES[0])) == 3


def test_index__event_that_no_row_is_made_of__changes_none(world: World) -> None:
    duty: dict[str, Any] = {"code": IDS[0], "provider": CODES[0], "department": CODES[0], "operator": "0x" + "99" * 20}
    world.say(tell("Catalogue", "DutyAdded", **duty, basis=bytes(32)))
    world.indexer().catch_up()
    before = world.dump()["chain_resources"]
    change: dict[str, Any] = {"code": IDS[0], "department": CODES[0], "changedAt": 1, "operator": "0x" + "99" * 20}
    world.say(tell("Catalogue", "ChangeRecorded", **change, basis=bytes(32)))
    indexer = world.indexer()
    indexer.catch_up()
    assert world.dump()["chain_resources"] == before
    indexer.rebuild()
    assert world.dump()["chain_resources"] == before


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


def test_finder__by_department_and_depth__records_as_deep_as_asked(world: World) -> None:
    world.say(node_applied())
    world.say(tell("Nodes", "NodePromoted", nodeId=IDS[0], operator="0x" + "99" * 20, basis=bytes(32)))
    duty: dict[str, Any] = {"department": CODES[0], "operator": "0x" + "99" * 20, "basis": bytes(32)}
    world.say(*(tell("Catalogue", "DutyAdded", code=IDS[n], provider=CODES[n], **duty) for n in (0, 1)))
    assert ObjectFinder(world.engine).nodes() == {}
    world.indexer().catch_up()
    finder, deep = ObjectFinder(world.engine), ObjectFinder(world.engine, depth=2)
    assert [node.state for node in finder.nodes().values()] == [NodeState.VALIDATOR]
    assert [node.state for node in deep.nodes().values()] == [NodeState.APPLIED]
    one = DepartmentCode(CODES[0].rstrip(b"\0").decode())
    assert [(key, r.provider, r.owed) for key, r in finder.resources_of(one).items()] == [(IDS[0], one, True)]
    assert deep.resources_of(one) == {}
    assert not finder.grants_of(one)
    assert not finder.items_of(one)
    both = node_applied(2, contact=IDS[1])
    world.say(both)
    world.indexer().catch_up()
    assert [node.contact for node in finder.nodes().values()] == [IDS[1]]


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


def test_decisions__annulled_by_a_version_that_took_them_over__told_so(world: World) -> None:
    who: dict[str, Any] = {"key": IDS[0], "department": CODES[0], "operator": "0x" + "99" * 20}
    terms: dict[str, Any] = {
        "cause": 1,
        "effectiveFrom": 1,
        "basis": bytes(32),
        "successor": bytes(32),
        "until": 0,
        "ends": 0,
    }
    decided = [tell("CertificateStatus", "Decided", **who, **terms, number=n, code=2) for n in (1, 2)]
    world.say(*decided)
    world.say(tell("CertificateStatus", "Annulled", version=2, **who, number=1, basis=bytes(32)))
    apart = {**who, "key": IDS[1]}
    for version in (1, 2):
        world.say(tell("CertificateStatus", "Decided", version=version, **apart, **terms, number=1, code=2))
    world.say(tell("CertificateStatus", "Annulled", version=2, **apart, number=1, basis=bytes(32)))
    world.indexer().catch_up()
    reader = IndexReader(world.engine)
    assert [d.annulled_at is not None for d in reader.decisions(Digest(IDS[0]))] == [True, False]
    assert [d.annulled_at is not None for d in reader.decisions(Digest(IDS[1]))] == [False, True]


def node_changed() -> Log:
    who: dict[str, Any] = {"nodeId": IDS[0], "department": CODES[0], "host": CODES[0], "operator": "0x" + "99" * 20}
    return tell("Nodes", "NodeChanged", **who, contact=IDS[1])
