"""What is noticed about a node: slow, older than before, rewritten, of another chain, contradicted by a second one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.errors import ConfigurationError, UnavailableError
from ledger.evm.profiles import ANVIL, GETH_CLIQUE
from ledger.evm.watch import NodeWatch
from ledger.types import Block, BlockTime, ChainHash
from tests.fakes.node import FakeNode

HASH = ChainHash("0x" + "11" * 32)


def watch(node: FakeNode, second: FakeNode | None = None, **options: object) -> NodeWatch:
    return NodeWatch(node, ANVIL, second, **options)  # type: ignore[arg-type]


def ticking(*times: float) -> Callable[[], float]:
    left = list(times)
    return lambda: left.pop(0)


def test_look__a_chain_that_grows__ok() -> None:
    node = FakeNode()
    seen = watch(node)
    for _ in range(5):
        node.mine(3)
        assert seen.look().case == "ok"


def test_look__another_look_hears_of_a_higher_block_sooner__isnt_older() -> None:
    """Health is asked by several at once, and answers overtake each other."""

    class Overtaken(FakeNode):
        def call(self, method: str, *params: Any) -> Any:
            answer = super().call(method, *params)
            if cases == [] and params[:1] == ("latest",):
                cases.append("")
                self.mine()
                cases[0] = seen.look().case
            return answer

    cases: list[str] = []
    node = Overtaken()
    seen = watch(node)
    cases.append(seen.look().case)
    assert cases == ["ok", "ok"]


def test_look__shorter_than_before__older_until_it_is_past_it_again() -> None:
    node = FakeNode()
    seen = watch(node)
    node.mine(5)
    assert seen.look().case == "ok"
    node.shorten(2)
    found = seen.look()
    assert (found.case, found.params) == ("node_older", {"found": 3, "before": 5})
    node.mine(3)
    found = seen.look()
    assert (found.case, found.params["number"]) == ("node_rewritten", 5)


def test_look__a_new_watch_with_a_block_of_the_index__older_after_a_restart_too() -> None:
    node = FakeNode()
    node.mine(2)
    known = Block(9, HASH, BlockTime(0), HASH)
    assert watch(node, seen=known).look().params == {"found": 2, "before": 9}


def test_look__reorganised_within_finality__nothing_to_tell() -> None:
    node = FakeNode()
    seen = NodeWatch(node, GETH_CLIQUE)  # type: ignore[arg-type]
    node.mine(10)
    assert seen.look().case == "ok"
    node.shorten(3)
    assert seen.look().case == "ok"
    node.mine(4)
    assert seen.look().case == "ok"


def test_look__slow__with_the_seconds() -> None:
    found = watch(FakeNode(), clock=ticking(0, 3.2)).look()
    assert (found.case, found.params) == ("node_slow", {"seconds": 3.2, "limit": 2.0})


def test_compare__same_blocks__ok_even_where_one_is_behind() -> None:
    node, second = FakeNode(), FakeNode()
    node.mine(4)
    second.mine(3)
    assert watch(node, second).compare().case == "ok"


def test_compare__another_block__disagree() -> None:
    node, second = FakeNode(), FakeNode()
    node.mine(4)
    second.shorten(0)
    second.mine(4)
    found = watch(node, second).compare()
    assert found.case == "nodes_disagree"
    assert found.params == {"number": 4, "first": node.blocks[4].hash, "second": second.blocks[4].hash}


def test_compare__another_genesis__another_chain() -> None:
    node, second = FakeNode(), FakeNode()
    second.blocks[0].hash = HASH
    assert watch(node, second).compare().case == "second_chain"


def test_compare__no_second_or_one_that_is_down__said_and_never_ok() -> None:
    with pytest.raises(ConfigurationError, match="no_second"):
        watch(FakeNode()).compare()
    second = FakeNode()
    second.fail("*")
    with pytest.raises(UnavailableError):
        watch(FakeNode(), second).compare()
