"""Finding anchors: right on every history, whatever the node has forgotten or refuses, and flat on a long chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from ledger.errors import UnavailableError
from ledger.evm.artifacts import artifact, decode_event, encode
from ledger.evm.indexed import IndexedChainReader
from ledger.evm.indexer import Indexer, IndexReader
from ledger.evm.profiles import ANVIL, QUORUM_QBFT
from ledger.evm.reader import EvmChainReader
from ledger.evm.rpc import Call, RpcError
from ledger.store.engine import writing
from ledger.store.tables import anchors
from ledger.types import Anchor, Block, LogId
from tests.databases import Databases, fresh_engine
from tests.fakes.node import FakeNode, Log

ADDRESS = "0x" + "c1" * 20
NAMES = ("AnchorLog", "CertificateStatus", "Departments")
DEPARTMENT = b"11420000011043080X".ljust(32, b"\0")
LOG, OTHER = LogId(b"\x0a" * 32), LogId(b"\x0b" * 32)
ANCHORED = next(e for e in artifact("AnchorLog").events.values() if e.name == "Anchored")
FUNCTIONS = {f.selector: f for f in artifact("AnchorLog").functions.values()}


def root_of(size: int) -> bytes:
    return size.to_bytes(4) * 8


class Node(FakeNode):
    """An AnchorLog's node: `keeps` states of the newest blocks only, takes ranges of `log_limit` blocks."""

    def __init__(self) -> None:
        super().__init__((ADDRESS, "0x" + "c2" * 20, "0x" + "c3" * 20))
        self.keeps = 10**9
        self.trips = 0
        self.held: list[tuple[int, LogId, int]] = []
        """(block, log, size)"""

    def anchor(self, *sizes: int, log: LogId = LOG) -> None:
        """One block with these anchors."""
        for size in sizes:
            data = encode(["uint64", "bytes32"], [size, root_of(size)], what="")
            topics = [ANCHORED.topic, "0x" + log.hex(), "0x" + DEPARTMENT.hex()]
            self.foreign.append(Log(ADDRESS, topics, "0x" + data.hex()))
        self.mine()
        self.held += [(len(self.blocks) - 1, log, size) for size in sizes]

    def shorten(self, count: int) -> None:
        super().shorten(count)
        self.held = [h for h in self.held if h[0] < len(self.blocks)]

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        self.trips += bool(calls)
        return super().batch(calls)

    def eth_call(self, message: dict[str, str], at: str) -> str:
        top = len(self.blocks) - 1
        block = int(at, 16)
        if not top - self.keeps < block <= top:
            raise RpcError("eth_call", -32000, "missing trie node")
        data = bytes.fromhex(message["data"][2:])
        function, log = FUNCTIONS[data[:4]], data[4:36]
        sizes = [size for number, of, size in self.held if number <= block and of == log]
        if function.name == "head":
            size = max(sizes, default=0)
            return "0x" + encode(function.outputs, [size, root_of(size) if size else bytes(32)], what="").hex()
        size = int.from_bytes(data[36:68])
        return "0x" + encode(["bytes32"], [root_of(size) if size in sizes else bytes(32)], what="").hex()

    def eth_getLogs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        """As a node filters: the fake gives every log of the range."""
        wanted = query.get("topics", [])
        found = super().eth_getLogs(query)
        return [log for log in found if log["topics"][: len(wanted)] == wanted]

    def truth(self, log: LogId, above: int, limit: int) -> list[tuple[int, int]]:
        return sorted((size, block) for block, of, size in self.held if of == log and size > above)[:limit]


class DownIndex(IndexReader):
    def anchors_above(self, *_: Any, **__: Any) -> tuple[list[Anchor], Block | None]:
        raise UnavailableError("store.unavailable")


def reader(node: Node, profile: Any = ANVIL) -> EvmChainReader:
    return EvmChainReader(node, profile, node.deployment(*NAMES))  # type: ignore[arg-type]


def indexed(node: Node, engine: Engine, index: IndexReader | None = None) -> IndexedChainReader:
    deployment = node.deployment(*NAMES)
    return IndexedChainReader(node, ANVIL, deployment, index or IndexReader(engine))  # type: ignore[arg-type]


def indexer(node: Node, engine: Engine) -> Indexer:
    return Indexer(engine, node, ANVIL, node.deployment(*NAMES))  # type: ignore[arg-type]


def plain(found: Sequence[Anchor]) -> list[tuple[int, int]]:
    for anchor in found:
        assert anchor.root == root_of(anchor.size)
        assert anchor.department == DEPARTMENT[:18].decode()
    return [(anchor.size, anchor.block_number) for anchor in found]


BLOCKS = st.lists(st.lists(st.integers(1, 4), max_size=2), max_size=40)


def built(steps: list[list[int]]) -> Node:
    """Each item is a block; its numbers are by how much the log grows there, one anchor each."""
    node, size = Node(), 0
    for grows in steps:
        sizes = [size := size + grow for grow in grows]
        node.anchor(*sizes)
        node.anchor(*sizes, log=OTHER) if len(sizes) == 2 else None
    return node


@settings(max_examples=150)
@given(BLOCKS, st.integers(0, 100), st.integers(1, 5), st.integers(1, 50), st.sampled_from([None, 1, 3, 7, 10_000]))
def test_anchors__any_history_and_any_forgetful_node__equal_what_was_anchored(
    steps: list[list[int]], above: int, limit: int, keeps: int, log_limit: int | None
) -> None:
    node = built(steps)
    node.keeps, node.log_limit = keeps, log_limit
    for log in (LOG, OTHER):
        assert plain(reader(node).anchors(log, above, limit)) == node.truth(log, above, limit)


LONG = 100_000


@pytest.fixture(scope="module")
def long_chain() -> Node:
    """Anchors at the start, then 100,000 empty blocks, then one more anchor."""
    node = Node()
    node.anchor(1)
    node.anchor(5)
    node.mine(LONG)
    node.anchor(9)
    node.mine(3)
    return node


@pytest.mark.parametrize(
    ("keeps", "log_limit", "most"), [(10**9, 5_000, 9), (1_000, None, 9), (1_000, 5_000, 28), (1, 5_000, 28)]
)  # fmt: skip
@pytest.mark.parametrize("above", [0, 4, 5, 8, 9])
def test_anchors__a_hundred_thousand_empty_blocks__few_round_trips(
    long_chain: Node, keeps: int, log_limit: int | None, most: int, above: int
) -> None:
    long_chain.keeps, long_chain.log_limit = keeps, log_limit
    chain = reader(long_chain, QUORUM_QBFT)
    chain.head()
    long_chain.trips = 0
    assert plain(chain.anchors(LOG, above)) == long_chain.truth(LOG, above, 1)
    assert long_chain.trips <= most


def test_anchors__node_forgets_states_and_takes_one_block__says_so_instead_of_asking_for_ever(long_chain: Node) -> None:
    long_chain.keeps, long_chain.log_limit = 1, 10
    with pytest.raises(UnavailableError) as caught:
        reader(long_chain).anchors(LOG, 5)
    assert caught.value.code == "chain.search_too_long"
    long_chain.log_limit = None


def test_anchors__events_vanish_between_two_questions__unavailable_not_absent() -> None:
    node = Node()
    node.anchor(1)
    node.eth_getLogs = lambda query: []  # type: ignore[method-assign]
    with pytest.raises(UnavailableError) as caught:
        reader(node).anchors(LOG)
    assert caught.value.code == "chain.moved"


def test_indexed__index_is_current__as_cheap_on_a_long_chain(long_chain: Node, engine: Engine) -> None:
    long_chain.keeps, long_chain.log_limit = 10, 5_000
    indexer(long_chain, engine).catch_up()
    for above in (0, 4, 5, 8, 9):
        chain = indexed(long_chain, engine)
        chain.head()
        long_chain.trips = 0
        assert plain(chain.anchors(LOG, above)) == long_chain.truth(LOG, above, 1)
        assert long_chain.trips <= 4
    long_chain.log_limit = None


def test_indexed__database_is_down__the_chain_answers(engine: Engine) -> None:
    node = built([[1], [], [3, 2]])
    assert plain(indexed(node, engine, DownIndex(engine)).anchors(LOG, 1, 5)) == node.truth(LOG, 1, 5)


def test_indexed__index_has_another_root__no_answer(engine: Engine) -> None:
    node = built([[1], [2]])
    indexer(node, engine).catch_up()
    with writing(engine) as connection:
        connection.execute(anchors.update().values(root=b"\x77" * 32))
    with pytest.raises(UnavailableError) as caught:
        indexed(node, engine).anchors(LOG)
    assert caught.value.code == "chain.moved"


def test_indexed__index_of_another_contract__not_believed(engine: Engine) -> None:
    node = built([[1], [2]])
    indexer(node, engine).catch_up()
    with writing(engine) as connection:
        connection.execute(anchors.update().values(contract="0x" + "dd" * 20, root=b"\x77" * 32))
    assert plain(indexed(node, engine).anchors(LOG)) == node.truth(LOG, 0, 1)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("anchor"), st.integers(1, 4)),
        st.tuples(st.just("mine"), st.integers(1, 12)),
        st.tuples(st.just("shorten"), st.integers(1, 6)),
        st.tuples(st.just("index"), st.just(0)),
    ),
    max_size=25,
)


ASKED = given(ACTS, st.integers(0, 12), st.integers(1, 4), st.integers(1, 30))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@ASKED
def test_indexed__behind_ahead_or_on_a_lost_branch__answers_as_the_chain(
    on_sqlite: Databases, acts: list[tuple[str, int]], above: int, limit: int, keeps: int
) -> None:
    answers_as_the_chain(on_sqlite, acts, above, limit, keeps)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@ASKED
def test_indexed_on_postgres__behind_ahead_or_on_a_lost_branch__answers_as_the_chain(
    on_postgres: Databases, acts: list[tuple[str, int]], above: int, limit: int, keeps: int
) -> None:
    answers_as_the_chain(on_postgres, acts, above, limit, keeps)


def answers_as_the_chain(databases: Databases, acts: list[tuple[str, int]], above: int, limit: int, keeps: int) -> None:
    node = Node()
    with fresh_engine(databases) as engine:
        work = indexer(node, engine)
        for act, number in acts:
            match act:
                case "anchor":
                    node.anchor(max((size for _, _, size in node.held), default=0) + number)
                case "mine":
                    node.mine(number)
                case "shorten":
                    node.shorten(number)
                case "index":
                    work.catch_up()
        node.keeps = keeps
        assert plain(indexed(node, engine).anchors(LOG, above, limit)) == node.truth(LOG, above, limit)


def test_events__of_this_file__are_what_the_artifact_decodes() -> None:
    node = built([[7]])
    [log] = node.eth_getLogs({"fromBlock": "0x0", "toBlock": "0xff"})
    decoded = decode_event("AnchorLog", log["topics"], log["data"])
    assert decoded
    assert decoded[1]["size"] == 7
