"""The index: what it tells, and that rollbacks, retries and rebuilding leave it equal to the chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError, IntegrityError, UnavailableError
from ledger.evm.artifacts import artifact, encode
from ledger.evm.indexer import Indexer, IndexReader
from ledger.evm.profiles import ANVIL
from ledger.statuses import DecisionCode
from ledger.store.engine import reading
from ledger.store.tables import FROM_EVENTS, blocks, events
from ledger.types import ChainHash, Digest, LogId
from tests.databases import Databases, fresh_engine
from tests.fakes.node import Crash, FakeNode, Log

DEPARTMENT = b"11420000011043080X".ljust(32, b"\0")
LOG = LogId(b"\x0a" * 32)
KEY = Digest(b"\x0b" * 32)
NAMES = ("AnchorLog", "CertificateStatus")
ADDRESSES = ("0x" + "c1" * 20, "0x" + "c2" * 20)


def emitted(contract: str, name: str, **args: Any) -> Log:
    event = next(e for e in artifact(contract).events.values() if e.name == name)
    topics = [event.topic, *("0x" + encode([k], [args[n]], what="").hex() for n, k, i in event.parameters if i)]
    plain = [(k, args[n]) for n, k, i in event.parameters if not i]
    data = encode([k for k, _ in plain], [v for _, v in plain], what="")
    return Log(ADDRESSES[NAMES.index(contract)], topics, "0x" + data.hex())


def opened() -> Log:
    return emitted(
        "AnchorLog", "LogOpened", logId=LOG, department=DEPARTMENT, origin="chuzheng/t/x", operator="0x" + "0a" * 20
    )


def anchored(size: int) -> Log:
    return emitted("AnchorLog", "Anchored", logId=LOG, department=DEPARTMENT, size=size, root=bytes([size % 256]) * 32)


def decided(number: int, code: int = 2) -> Log:
    args = {"cause": 1, "effectiveFrom": 1_770_000_000, "basis": bytes(32), "successor": bytes(32), "until": 0}
    who = {"key": KEY, "department": DEPARTMENT, "operator": "0x" + "99" * 20}
    return emitted("CertificateStatus", "Decided", **who, number=number, code=code, ends=0, **args)


def annulled(number: int) -> Log:
    who = {"key": KEY, "department": DEPARTMENT, "operator": "0x" + "99" * 20}
    return emitted("CertificateStatus", "Annulled", **who, number=number, basis=b"\x01" * 32)


class World:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.node = FakeNode(ADDRESSES)
        self.deployment = self.node.deployment(*NAMES)
        self.reader = IndexReader(self.engine)

    def indexer(self, **options: Any) -> Indexer:
        return Indexer(self.engine, self.node, ANVIL, self.deployment, **options)  # type: ignore[arg-type]

    def say(self, *logs: Log) -> None:
        self.node.foreign = list(logs)
        self.node.mine()

    def dump(self) -> list[Any]:
        with reading(self.engine) as connection:
            return [
                [tuple(r) for r in connection.execute(sa.select(t).order_by(*t.primary_key.columns))]
                for t in (*FROM_EVENTS, events, blocks)
            ]


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


def test_index__events_of_all_kinds__told_as_the_ports_want_them(world: World) -> None:
    world.say(opened())
    world.indexer().catch_up()
    assert world.reader.log_head(LOG) == (0, bytes(32))
    world.say(anchored(3))
    world.say(anchored(7), decided(1))
    world.say(annulled(1))
    world.indexer().catch_up()
    assert world.reader.log_head(LOG) == (7, b"\x07" * 32)
    assert world.reader.log_head(LogId(bytes(32))) is None
    found = [world.reader.anchor_for(LOG, i) for i in (0, 2, 3, 6, 7)]
    assert [a and a.size for a in found] == [3, 3, 7, 7, None]
    assert found[0]
    block = world.node.blocks[2]
    assert (found[0].block_number, found[0].block_hash, found[0].block_time) == (2, block.hash, block.time)
    assert (found[0].chain_id, found[0].contract) == (420_000, ADDRESSES[0])
    assert [a.size for a in world.reader.anchors_since(2)] == [7]
    decision = world.reader.decisions(KEY)[0]
    assert (decision.code, decision.recorded_at) == (DecisionCode.SUSPENDED, world.node.blocks[3].time)
    assert decision.annulled_at == world.node.blocks[4].time
    assert (decision.basis, decision.until, decision.ends) == (None, None, None)
    cursor = world.reader.cursor()
    assert cursor
    assert cursor.number == 4
    assert world.reader.opened_logs() == [(LOG, "11420000011043080X", "chuzheng/t/x")]


def test_index__finality_by_depth__not_told_before(world: World) -> None:
    world.say(opened(), anchored(3))
    world.indexer().catch_up()
    deep, shallow = IndexReader(world.engine, depth=2), IndexReader(world.engine)
    block = len(world.node.blocks) - 1
    assert deep.anchor_for(LOG, 0) is None
    assert deep.log_heads() == {}
    assert (deep.tells(block), shallow.tells(block)) == (False, True)
    mark = deep.mark()
    world.node.mine(2)
    world.indexer().catch_up()
    assert deep.anchor_for(LOG, 0) is not None
    assert deep.log_heads() == {LOG: deep.log_head(LOG)} == shallow.log_heads()
    assert deep.mark() != mark
    assert deep.tells(block)


@pytest.mark.parametrize("limit", [1, 3, None])
def test_index__node_limits_the_range__adapts(world: World, limit: int | None) -> None:
    world.node.log_limit = limit
    for size in range(1, 30):
        world.say(*([opened()] if size == 1 else []), anchored(size))
    world.indexer().catch_up()
    assert len(world.reader.anchors_since(-1)) == 29


def test_index__another_indexer_goes_further_back_meanwhile_and_the_chain_returns__no_block_is_missing(
    world: World,
) -> None:
    """Two of them, as while one is replaced, and a fork that doesn't last."""
    for size in range(1, 9):
        world.say(*([opened()] if size == 1 else []), anchored(size))
    one, other = world.indexer(), world.indexer()
    one.catch_up()
    world.node.shorten(1)  # block 7 is the newest that stays, so far as the one has seen
    world.node.mine()
    find = one._go_back_to

    def meanwhile(*found: Any) -> None:
        stays = list(world.node.blocks)
        world.node.shorten(5)
        world.node.mine()
        other.step()
        world.node.blocks[:] = stays
        find(*found)

    one._go_back_to = meanwhile  # type: ignore[method-assign, assignment]
    one.step()
    del one._go_back_to
    one.catch_up()
    assert [a.size for a in world.reader.anchors_since(-1)] == [1, 2, 3, 4, 5, 6, 7]
    live = world.dump()
    one.rebuild()
    assert world.dump() == live


@pytest.mark.parametrize("method", ["eth_getLogs", "eth_getBlockByNumber"])
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_index__dies_or_outage_while_reading__nothing_half_written(world: World, method: str, skip: int) -> None:
    for size in range(1, 6):
        world.say(anchored(size))
    world.node.crash(method, skip=skip)
    world.node.fail(method, skip=skip + 1)
    for _ in range(2):
        try:
            world.indexer().catch_up()
        except (Crash, UnavailableError):
            with reading(world.engine) as connection:
                assert world.reader.cursor() is not None or connection.execute(sa.select(events)).first() is None
    world.node._faults.clear()
    world.indexer().catch_up()
    assert [a.size for a in world.reader.anchors_since(-1)] == [1, 2, 3, 4, 5]


def test_index__second_node_differs__contradiction(world: World) -> None:
    other = FakeNode(ADDRESSES)
    other._branch = 7
    other.mine(5)
    world.node.mine(5)
    with pytest.raises(IntegrityError, match="nodes_disagree"):
        world.indexer(second=other, compare_every=2).catch_up()


def test_index__other_code_at_the_address__refused(world: World) -> None:
    contracts = tuple(replace(c, code_hash=ChainHash("0x" + "00" * 32)) for c in world.deployment.contracts)
    world.deployment = replace(world.deployment, contracts=contracts)
    with pytest.raises(ConfigurationError, match="other_code"):
        world.indexer().step()


HISTORY = given(
    st.lists(
        st.one_of(st.integers(1, 6), st.just("say"), st.just("open"), st.just("index"), st.just("mine")), max_size=30
    )
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@HISTORY
def test_index__any_history__equals_one_built_from_nothing(on_sqlite: Databases, acts: list[Any]) -> None:
    equals_one_built_from_nothing(on_sqlite, acts)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@HISTORY
def test_index_on_postgres__any_history__equals_one_built_from_nothing(on_postgres: Databases, acts: list[Any]) -> None:
    equals_one_built_from_nothing(on_postgres, acts)


def equals_one_built_from_nothing(databases: Databases, acts: list[Any]) -> None:
    with fresh_engine(databases) as engine:
        world = World(engine)
        indexer = world.indexer()
        for act in acts:
            if act == "open" and world.reader.log_head(LOG) is None:
                world.say(opened())
                indexer.catch_up()
            elif act == "say":
                size = len(world.node.blocks)  # grows along the chain, as the contract makes it
                world.say(anchored(size), *([decided(size)] if size % 2 else []))
            elif act == "mine":
                world.node.mine()
            elif act == "index":
                indexer.catch_up()
            elif isinstance(act, int):
                world.node.shorten(act)
                world.node.mine()
        indexer.catch_up()
        live = world.dump()
        indexer.rebuild()
        assert world.dump() == live
        assert live[-1][-1][0] == len(world.node.blocks) - 1
        for log in (LOG, LogId(bytes(32))):
            assert world.reader.log_heads().get(log) == world.reader.log_head(log)
