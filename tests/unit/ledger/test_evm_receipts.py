"""Receipts of a node that goes on telling of blocks that the chain has lost."""

from __future__ import annotations

import pytest

from ledger.errors import UnavailableError
from ledger.evm.receipts import standing_receipts
from ledger.evm.rpc import RpcError
from ledger.evm.transactions import Transaction
from ledger.types import Address
from tests.fakes.node import CHAIN_ID, FakeNode
from tests.unit.ledger.sender_world import KEY


def send(node: FakeNode, nonce: int) -> str:
    call = Transaction(nonce, 0, 100_000, Address(node.addresses[0]), b"", CHAIN_ID)
    return str(node.call("eth_sendRawTransaction", "0x" + KEY.sign_transaction(call).raw.hex()))


@pytest.fixture
def node() -> FakeNode:
    made = FakeNode()
    made.remembers = True
    made.mine(100)
    return made


def places(node: FakeNode, hashes: list[str]) -> list[tuple[int, str] | None]:
    found = standing_receipts(node, hashes)  # type: ignore[arg-type]  # speaks the two methods that are used
    return [None if each is None else (int(each["blockNumber"], 16), each["blockHash"]) for each in found]


@pytest.mark.parametrize(("lost", "before"), [(1, 0), (1, 3), (5, 0), (5, 60), (60, 200)])
def test_receipts__in_another_block_since_a_fork__that_block_is_told(node: FakeNode, lost: int, before: int) -> None:
    hashes = [send(node, 0), send(node, 1)]
    node.mine(lost)
    node.shorten(lost)
    node.mine(before)
    again = [send(node, 0), send(node, 1)]
    node.mine(3)
    block = node.blocks[-3]
    assert again == hashes
    assert places(node, hashes) == [(block.number, block.hash)] * 2


def test_receipts__some_lost_and_some_standing__in_the_order_asked(node: FakeNode) -> None:
    stays = send(node, 0)
    node.mine()
    lost = send(node, 1)
    node.mine()
    node.shorten(1)
    node.mine()
    asked = [lost, stays, "0x" + "00" * 32]
    assert places(node, asked) == [None, (101, node.blocks[101].hash), None], "waits for a block again"
    send(node, 1)
    node.mine()
    assert places(node, asked) == [(103, node.blocks[103].hash), (101, node.blocks[101].hash), None]


def test_receipts__nothing_lost__blocks_are_not_looked_through(node: FakeNode) -> None:
    hashes = [send(node, n) for n in range(3)]
    node.mine(5)
    node.calls.clear()
    assert places(node, hashes) == [(101, node.blocks[101].hash)] * 3
    assert node.calls.count("eth_getBlockByNumber") == 1
    assert "eth_getBlockReceipts" not in node.calls


def test_receipts__node_without_the_call__says_so(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    tx_hash = send(node, 0)
    node.mine()
    node.shorten(1)
    send(node, 0)
    node.mine(2)

    def missing(_at: str) -> None:
        raise RpcError("eth_getBlockReceipts", -32601, "the method doesn't exist")

    monkeypatch.setattr(node, "eth_getBlockReceipts", missing)
    with pytest.raises(RpcError, match="doesn't exist"):
        places(node, [tx_hash])


@pytest.mark.parametrize("answer", ["0x1", {"blockHash": "0x1"}, {"blockHash": "0x1", "blockNumber": "one"}])
def test_receipts__garbage__unavailable(node: FakeNode, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    monkeypatch.setattr(node, "eth_getTransactionReceipt", lambda _hash: answer)
    with pytest.raises(UnavailableError, match="undecodable"):
        places(node, ["0x" + "11" * 32])
