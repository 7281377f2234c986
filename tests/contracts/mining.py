"""Transactions as the node itself takes and tells them, for the state machines that drive a contract and its twin."""

from __future__ import annotations

import itertools
import time

from brownie import web3
from brownie.exceptions import decode_typed_error

COUNTER = itertools.count()


def ask(method: str, *params):
    """A call of the node itself: Brownie's receipts would take most of the time, and wait for blocks taken back."""
    return web3.provider.make_request(method, list(params))["result"]


def asked(function, sender, *args) -> bool | str:
    """What the act would answer now, or its refusal as `world.refusal` writes it: no transaction, so quick."""
    request = {"from": str(sender), "to": function._address, "data": function.encode_input(*args)}
    answer = web3.provider.make_request("eth_call", [request, "latest"])
    if "error" in answer:
        return decode_typed_error(answer["error"]["data"])
    return bool(int(answer["result"], 16))


def does(function, sender, *args) -> None:
    """Sends an act that only leads up to a test, without Brownie's receipt; it must change something."""
    error, done, _ = transact(function, sender, *args)
    assert (error, done) == (None, 1), (function, error)


def transact(function, sender, *args) -> tuple[str | None, int | None, int]:
    """Sends with a fixed limit of gas, so that a refusal is mined too and both sides judge at the same block time."""
    request = {
        "from": str(sender),
        "to": function._address,
        "data": function.encode_input(*args),
        # Each its own: a hash that was taken back and mined again would be told with the first one's trace.
        "gas": hex(2_000_000 + next(COUNTER)),
        "gasPrice": "0x0",
    }
    sent = ask("eth_sendTransaction", request)
    # The hash comes back a moment before the block.
    while (receipt := ask("eth_getTransactionReceipt", sent)) is None:
        time.sleep(0.001)
    at = int(ask("eth_getBlockByNumber", receipt["blockNumber"], False)["timestamp"], 16)
    output = ask("debug_traceTransaction", sent, {"tracer": "callTracer"}).get("output", "0x")
    if int(receipt["status"], 16) == 0:
        return decode_typed_error(output).split(":")[0].split("_", 1)[-1], None, at
    return None, int(output, 16), at


def error_name(code: str) -> str:
    """`credit_records.not_owner` → `NotOwner`: what a twin refuses with, as `transact` tells a refusal."""
    return "".join(word.capitalize() for word in code.split(".")[1].split("_"))
