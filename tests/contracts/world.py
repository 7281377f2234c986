"""What the contract tests stand on: departments, operators, a log that grows in Python, and errors with arguments.

Codes are those of tests/vectors/identifiers; entries and keys follow formats.md §3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from brownie import AnchorLog, CertificateStatus, Departments, MerkleHarness, accounts, chain, project, web3
from brownie.convert.datatypes import HexString, Wei
from brownie.exceptions import VirtualMachineError, decode_typed_error
from eth_abi import encode
from mining import ask

from notary.merkle import consistency_proof_from, inclusion_path_from, leaf_hash, node_hash, root_from

VECTORS = Path(__file__).parents[1] / "vectors"
ANCHOR, STATUS, SHARE_HANDLER = 1, 2, 4
NONE = bytes(32)
NOBODY = "0x" + 40 * "0"
"""The address that means "none"."""
NETWORK = "hubei-test"
DIVISION = 420000

CODES = [c["code"] for c in json.loads((VECTORS / "identifiers" / "uscc.json").read_text()) if c["valid"]]
ISSUER, OTHER, COMPETENT, OUTSIDER = CODES[2], CODES[3], CODES[4], CODES[5]
TYPE = f"{COMPETENT}001"
OTHER_TYPE = f"{COMPETENT}002"


def left(text: str) -> bytes:
    """A code as the contracts keep it: ASCII, left-aligned in 32 bytes."""
    return text.encode().ljust(32, b"\0")


def digest(text: str) -> bytes:
    """Some commitment: what tests need of one is that it differs."""
    return sha256(text.encode()).digest()


_given: list[bytes] = []


def some() -> bytes:
    """A commitment or id that nobody had before."""
    _given.append(digest(f"some {len(_given)}"))
    return _given[-1]


def forget_given() -> None:
    """`some` gives the same ones again: where gas is measured, a zero byte among theirs is cheaper than another."""
    _given.clear()


def log_id(origin: str) -> bytes:
    return sha256(b"chuzheng/log/v1\0" + origin.encode()).digest()


def origin_of(code: str, shard: str = "") -> str:
    return f"chuzheng/{NETWORK}/{code}" + (f"/{shard}" if shard else "")


def entry_of(issuer: str, commitment: bytes, kind: int = 1, version: int = 1) -> bytes:
    """formats.md §3."""
    return bytes([version, kind]) + issuer.encode() + (1_790_000_000_000).to_bytes(8, "big") + commitment + bytes(32)


def key_of(issuer: str, commitment: bytes) -> bytes:
    return sha256(b"chuzheng/status/v1\0" + issuer.encode() + commitment).digest()


class Tree:
    """A log's tree. `repeat` makes every leaf the same, so that 2^28 of them cost nothing."""

    def __init__(self, entries: list[bytes] | None = None, *, repeat: bytes | None = None) -> None:
        self.entries = entries or []
        self.repeat = repeat
        self._nodes: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes:
        at = (level, 0 if self.repeat is not None else index)
        if at not in self._nodes:
            self._nodes[at] = (
                leaf_hash(self.repeat if self.repeat is not None else self.entries[index])
                if level == 0
                else node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))
            )
        return self._nodes[at]

    def root(self, size: int) -> bytes:
        return root_from(size, self.node)

    def path(self, index: int, size: int) -> list[bytes]:
        return list(inclusion_path_from(size, index, self.node))

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        return list(consistency_proof_from(size1, size2, self.node))


class World:
    """The three contracts, four departments and their operators; a type with its competent department."""

    def __init__(self) -> None:
        self.council = accounts[0]
        self.departments = Departments.deploy(self.council, {"from": self.council})
        self.log = AnchorLog.deploy(self.departments, NETWORK, NOBODY, {"from": self.council})
        self.status = CertificateStatus.deploy(self.departments, self.log, NOBODY, {"from": self.council})
        self.operators = dict(zip((ISSUER, OTHER, COMPETENT), accounts[1:4], strict=True))
        self.issuer, self.other, self.competent = self.operators.values()
        self.stranger = accounts[9]
        for code in (ISSUER, OTHER, COMPETENT):
            self.departments.admit(left(code), DIVISION, NONE, {"from": self.council})
            self.departments.appointOperator(
                self.operators[code], left(code), ANCHOR | STATUS, 0, digest(code), {"from": self.council}
            )
        self.departments.defineType(left(TYPE), left(COMPETENT), NONE, {"from": self.council})

    def open(self, code: str = ISSUER, shard: str = "") -> bytes:
        origin = origin_of(code, shard)
        self.log.openLog(origin, {"from": self.operators[code]})
        return log_id(origin)


def harness() -> Any:
    return MerkleHarness.deploy({"from": accounts[0]})


def now() -> int:
    """Time of the newest block."""
    return web3.eth.get_block("latest")["timestamp"]


def wait(seconds: int) -> None:
    """The newest block is then exactly so much later."""
    ask("evm_setNextBlockTimestamp", now() + seconds)
    chain.mine()


def _error_abis() -> dict[str, list[str]]:
    """Of all contracts: one passes on what another one refused."""
    return {
        item["name"]: [i["type"] for i in item["inputs"]]
        for contract in project.get_loaded_projects()[0]
        for item in contract.abi
        if item["type"] == "error"
    }


def error_data(name: str, *args: Any) -> str:
    """What a revert with this custom error returns."""
    types = _error_abis()[name]
    selector = web3.keccak(text=f"{name}({','.join(types)})")[:4]
    return (
        "0x"
        + (
            bytes(selector) + encode(types, [str(a) if t == "address" else a for t, a in zip(types, args, strict=True)])
        ).hex()
    )


def refusal(name: str, *args: Any) -> str:
    """This custom error with these arguments, as `mining.asked` tells it."""
    return str(decode_typed_error(error_data(name, *args)))


@contextmanager
def reverts(name: str, *args: Any) -> Iterator[None]:
    """The block reverts with exactly this custom error and these arguments."""
    with pytest.raises((VirtualMachineError, ValueError)) as caught:
        yield
    found = getattr(caught.value, "revert_msg", None) or str(caught.value).removeprefix("Call reverted: ")
    assert found == decode_typed_error(error_data(name, *args))


def plain(value: Any) -> Any:
    """A contract's answer as tuples, ints, bytes and text: Brownie's own types don't compare with those."""
    if isinstance(value, (tuple, list)):
        return tuple(plain(v) for v in value)
    if isinstance(value, HexString):
        return bytes(value)
    return int.__index__(value) if isinstance(value, Wei) else value


def emitted(tx: Any, name: str, **values: Any) -> bool:
    """Whether `tx` returned true and emitted this event alone, with these values."""
    assert list(tx.events.keys()) == [name], tx.events
    event = tx.events[name]
    for key, value in values.items():
        found = event[key]
        expected = "0x" + value.hex() if isinstance(value, bytes) else value
        assert str(found) == str(expected) if not isinstance(value, int) else found == value, (key, found, expected)
    return True


def unchanged(tx: Any) -> bool:
    """Whether `tx` returned false and emitted nothing."""
    return tx.return_value is False and not tx.events
