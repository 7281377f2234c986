"""All that a chain tells to whoever has a copy of it, taken apart by the ABIs: calls, events, views, storage.

A thing is what an id, a status key or another key of a contract stands for: a credit item, a grant, a certificate.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ledger.errors import ChuzhengError
from ledger.evm.artifacts import artifact, decode, encode
from ledger.evm.deployment import Deployment
from ledger.evm.rpc import Rpc
from tests.chain_words import abi, classes, classified

Thing = tuple[str, bytes]
"""(contract, its 32 bytes)"""
NAMES_A_THING = ("random", "status_key", "log", "resource", "file_class", "department")
"""Classes whose value says what a call or an event is about; the first that occurs."""
ENTRY_HEAD = 28
"""Bytes of an entry before its commitments: kind, issuer, when it was accepted."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value on the chain, as 32 bytes or as many as it has. `field`: `ItemAdded.item.notice`; `kind`: its class."""

    field: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """One transaction to one of the contracts, with what is seen of it without reading its words."""

    block: int
    index: int
    sender: str
    nonce: int
    contract: str
    function: str
    thing: Thing
    calldata: bytes
    gas: int
    gas_used: int
    shape: tuple[Any, ...]
    """every value narrower than 32 bytes, every open one, and which of the others are zero"""


@dataclass
class ChainData:
    """`values`: what stands where a thing is spoken of. `raw`: every byte of calls, events and storage, in pieces."""

    values: dict[Thing, set[Value]] = field(default_factory=lambda: defaultdict(set))
    sent: list[Sent] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    public: set[bytes] = field(default_factory=set)
    """values of open classes, as words"""

    def keep(self, contract: str, values: Sequence[tuple[str, Value]], fallback: bytes) -> Thing:
        """Sort `values` (with their paths) to the things they are about; the main one."""
        main = _about(contract, [v for path, v in values if "[" not in path]) or (contract, fallback)
        parts: dict[str, list[Value]] = defaultdict(list)
        for path, value in values:
            parts[path.rpartition("].")[0]].append(value)
        for place, found in parts.items():
            thing = main if not place else _about(contract, found) or main
            for value in found:
                if value.kind and classes()[value.kind]["open"]:
                    self.public.add(value.data.ljust(32, b"\0") if len(value.data) < 32 else value.data)
                if value.kind == "entry":
                    self.public.add(value.data[:ENTRY_HEAD])
                self.values[thing].add(value)
                if value.kind == "link" and any(value.data):
                    self.values[contract, value.data].add(value)
        return main


def collect(rpc: Rpc, deployment: Deployment) -> ChainData:
    """Read everything from the first block on."""
    found = ChainData()
    names = {c.address.lower(): c.name for c in deployment.contracts}
    height = int(rpc.call("eth_blockNumber"), 16)
    blocks = rpc.batch([("eth_getBlockByNumber", (hex(n), True)) for n in range(height + 1)])
    transactions = [tx for block in blocks for tx in block["transactions"]]
    receipts = rpc.batch([("eth_getTransactionReceipt", (tx["hash"],)) for tx in transactions])
    for tx, receipt in zip(transactions, receipts, strict=True):
        calldata = bytes.fromhex(tx["input"][2:])
        if tx["to"] and tx["to"].lower() in names:
            found.raw.append(calldata)
            _call(found, names, tx, receipt, calldata)
        for log in receipt["logs"]:
            _event(found, names[log["address"].lower()], log, bytes.fromhex(tx["hash"][2:]))
    _views(found, rpc, deployment, height, int(blocks[-1]["timestamp"], 16))
    _storage(found, rpc)
    return found


def _call(found: ChainData, names: Mapping[str, str], tx: Any, receipt: Any, calldata: bytes) -> None:
    contract = names[tx["to"].lower()]
    function, values, shape = _arguments(contract, calldata)
    thing = found.keep(contract, values, bytes.fromhex(tx["hash"][2:]))
    numbers = (int(tx[n], 16) for n in ("blockNumber", "transactionIndex", "nonce", "gas"))
    block, index, nonce, gas = numbers
    found.sent.append(
        Sent(
            block, index, tx["from"], nonce, contract, function, thing, calldata, gas,
            int(receipt["gasUsed"], 16), shape,
        )
    )  # fmt: skip
    targets = [v.data[-20:] for _, v in values if v.field.endswith(".target")]
    for target, (_, inner) in zip(targets, [x for x in values if x[1].kind == "calls"], strict=True):
        called = names["0x" + target.hex()]
        found.keep(called, _arguments(called, inner.data)[1], bytes.fromhex(tx["hash"][2:]))


def _arguments(contract: str, calldata: bytes) -> tuple[str, list[tuple[str, Value]], tuple[Any, ...]]:
    """(function, its values with their paths, what of them is seen without their content)."""
    drawn = _functions(contract)[calldata[:4]]
    kinds = [_type(p) for p in drawn["inputs"]]
    values, shape = [], []
    for path, kind, value in _flat(drawn["inputs"], decode(kinds, calldata[4:], what=drawn["name"])):
        made = _value(contract, f"{drawn['name']}.{path}", kind, value)
        values.append((path, made))
        closed = made.kind and not classes()[made.kind]["open"]
        shape.append(any(made.data) if closed else made.data)
    return drawn["name"], values, tuple(shape)


def _event(found: ChainData, contract: str, log: Any, fallback: bytes) -> None:
    topics, data = [bytes.fromhex(t[2:]) for t in log["topics"]], bytes.fromhex(log["data"][2:])
    found.raw += [*topics, data]
    drawn = _events(contract)[topics[0]]
    inputs = drawn["inputs"]
    plain = iter(decode([_type(p) for p in inputs if not p["indexed"]], data, what=drawn["name"]))
    indexed = iter(topics[1:])
    given = [decode([_type(p)], next(indexed), what="")[0] if p["indexed"] else next(plain) for p in inputs]
    values = [(p, _value(contract, f"{drawn['name']}.{p}", kind, v)) for p, kind, v in _flat(inputs, given)]
    found.keep(contract, values, fallback)


def _views(found: ChainData, rpc: Rpc, deployment: Deployment, height: int, now: int) -> None:
    """Each view that takes one key, or a key and a time, of each thing."""
    calls: list[tuple[Thing, str]] = []
    asked = []
    for contract, key in list(found.values):
        for function in artifact(contract).functions.values():
            if function.inputs in (("bytes32",), ("bytes32", "uint64")):
                arguments = encode(function.inputs, [key, now][: len(function.inputs)], what="")
                message = {
                    "to": deployment.address(contract),
                    "data": "0x" + (function.selector + arguments).hex(),
                }
                calls.append(((contract, key), function.name))
                asked.append(("eth_call", (message, hex(height))))
    for (thing, name), answer in zip(calls, rpc.batch(asked), strict=True):
        if not isinstance(answer, ChuzhengError) and len(answer) > 2:
            data = bytes.fromhex(answer[2:])
            found.raw.append(data)
            for at in range(0, len(data), 32):
                found.values[thing].add(Value(f"{name}()", "", data[at : at + 32]))


def _storage(found: ChainData, rpc: Rpc) -> None:
    """Every word that every contract keeps; its keys are hashes of the ids already seen."""
    state = json.loads(gzip.decompress(bytes.fromhex(rpc.call("anvil_dumpState")[2:])))
    for account in state["accounts"].values():
        for value in account["storage"].values():
            found.raw.append(bytes.fromhex(value[2:].rjust(64, "0")))


def _about(contract: str, values: Sequence[Value]) -> Thing | None:
    for kind in NAMES_A_THING:
        for value in values:
            if value.kind == kind:
                return contract, value.data.ljust(32, b"\0")
    return None


def _value(contract: str, name: str, kind: str, value: Any) -> Value:
    if isinstance(value, bytes):
        data = value
    elif isinstance(value, str):
        data = bytes.fromhex(value[2:]).rjust(32, b"\0") if kind.startswith("address") else value.encode()
    else:
        data = int(value).to_bytes(32, "big")
    plain = _without_numbers(name)
    return Value(plain, classified().get((contract, plain), ""), data)


def _flat(
    drawn: Sequence[Mapping[str, Any]], values: Sequence[Any], before: str = ""
) -> Iterator[tuple[str, str, Any]]:
    """(path, type, value) of every single value; lists as `items[0].key`, `path[3]`."""
    for parameter, value in zip(drawn, values, strict=True):
        name, kind = before + parameter["name"], parameter["type"]
        inner = parameter.get("components")
        if kind.endswith("[]"):
            for number, part in enumerate(value):
                if inner:
                    yield from _flat(inner, part, f"{name}[{number}].")
                else:
                    yield name, kind[:-2], part
        elif inner:
            yield from _flat(inner, value, f"{name}.")
        else:
            yield name, kind, value


def _without_numbers(name: str) -> str:
    head, *rest = name.split("[")
    return head + "".join("[" + part[part.index("]") :] for part in rest)


@cache
def _functions(contract: str) -> dict[bytes, dict[str, Any]]:
    known = artifact(contract).functions
    return {known[p["name"]].selector: p for p in abi(contract) if p["type"] == "function"}


@cache
def _events(contract: str) -> dict[bytes, dict[str, Any]]:
    drawn = {p["name"]: p for p in abi(contract) if p["type"] == "event"}
    return {bytes.fromhex(e.topic[2:]): drawn[e.name] for e in artifact(contract).events.values()}


def _type(parameter: Mapping[str, Any]) -> str:
    kind: str = parameter["type"]
    if kind.startswith("tuple"):
        return "(" + ",".join(_type(c) for c in parameter["components"]) + ")" + kind[5:]
    return kind
