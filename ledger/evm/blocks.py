"""Blocks as JSON-RPC writes them, and the reading of them."""

from __future__ import annotations

from typing import Any

from ledger.errors import UnavailableError
from ledger.evm.rpc import Rpc, results_of
from ledger.types import Block, BlockTime, ChainHash


def parse_block(answer: Any) -> Block:
    """A block object of eth_getBlockBy…; UnavailableError if it isn't one."""
    try:
        return Block(
            int(answer["number"], 16),
            ChainHash(answer["hash"].lower()),
            BlockTime(int(answer["timestamp"], 16)),
            ChainHash(answer["parentHash"].lower()),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnavailableError("chain.undecodable", what="block") from error


def latest_block(rpc: Rpc) -> Block:
    return parse_block(rpc.call("eth_getBlockByNumber", "latest", False))


def block_at(rpc: Rpc, number: int) -> Block | None:
    """None where the chain is shorter."""
    answer = rpc.call("eth_getBlockByNumber", hex(number), False)
    return None if answer is None else parse_block(answer)


def blocks_at(rpc: Rpc, numbers: list[int]) -> list[Block | None]:
    """Several at once, in the order asked; None where the chain is shorter."""
    answers = results_of(rpc, [("eth_getBlockByNumber", (hex(n), False)) for n in numbers])
    return [None if answer is None else parse_block(answer) for answer in answers]
