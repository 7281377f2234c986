"""Logs of events of all our contracts, as the ABI draws them, with values that the contracts could have told."""

from __future__ import annotations

from random import Random
from typing import Any

from ledger.evm.artifacts import Event, artifact, artifact_names, encode
from tests.fakes.node import Log

CONTRACTS = artifact_names()
CODES = [code.encode().ljust(32, b"\0") for code in ("11420000011043080X", "11420503087246977F", "91420526MA9986781L")]
IDS = [bytes([n]) * 32 for n in (1, 2)]
ACCOUNTS = ["0x" + f"{n:02x}" * 20 for n in (0x91, 0x92)]
ARE_CODES = frozenset(
    {
        "authority", "competent", "consumer", "contributor", "department", "host", "issuer", "member", "owner",
        "provider", "releaser", "typeCode",
    }
)  # fmt: skip
"""arguments in bytes32 that are codes; (event, argument) of others below"""
ALSO_CODES = frozenset({("DepartmentSucceeded", "from"), ("DepartmentSucceeded", "to"), ("DepartmentSplit", "from")})
ALSO_CODES |= {("DepartmentSplit", "to")}
RANGES: dict[tuple[str, str], tuple[int, int]] = {
    ("Moved", "from"): (1, 16),
    ("Moved", "to"): (1, 16),
    ("QueryMoved", "from"): (1, 7),
    ("QueryMoved", "to"): (1, 7),
    ("UseRecorded", "kind"): (1, 3),
    ("KeyProposed", "suite"): (1, 3),
    ("KeyProposed", "purpose"): (1, 2),
    ("DrawnUp", "sharingClass"): (1, 3),
    ("ItemClassSet", "polarity"): (1, 3),
    ("ItemClassSet", "measure"): (0, 2),
    ("ItemAdded", "severity"): (0, 3),
    ("Objected", "stage"): (1, 2),
    ("AuthoritySet", "domain"): (1, 3),
}
"""of numbers that mean something; others are small"""


def all_events() -> list[tuple[str, Event]]:
    """(contract, event), every one of them."""
    return [(name, event) for name in CONTRACTS for event in artifact(name).events.values()]


def log(address: str, event: Event, args: dict[str, Any]) -> Log:
    """What a node would tell of `event` with these arguments; structs as tuples in the ABI's order."""
    topics = [
        event.topic,
        *("0x" + encode([k], [args[n]], what="").hex() for n, k, indexed in event.parameters if indexed),
    ]
    plain = [(kind, args[name]) for name, kind, indexed in event.parameters if not indexed]
    data = encode([kind for kind, _ in plain], [value for _, value in plain], what="")
    return Log(address, topics, "0x" + data.hex())


def arguments(chance: Random, event: Event) -> dict[str, Any]:
    """Values for the arguments of `event`, few different ones, so that they meet."""
    drawn = {name: event.structs.get(name) or {"name": name, "type": kind} for name, kind, _ in event.parameters}
    return {name: _value(chance, event.name, parameter) for name, parameter in drawn.items()}


def _value(chance: Random, event: str, parameter: Any) -> Any:
    name, kind = parameter["name"], parameter["type"]
    if kind.endswith("[]"):
        return [_value(chance, event, {**parameter, "type": kind[:-2]}) for _ in range(chance.randint(1, 2))]
    if kind == "tuple":
        return tuple(_value(chance, event, part) for part in parameter["components"])
    match kind:
        case "bool":
            return chance.random() < 0.5
        case "address":
            return chance.choice(ACCOUNTS)
        case "string":
            return "chuzheng/t/x"
        case "bytes":
            return b"\1\3"
        case "bytes32":
            return _word(chance, event, name)
    if name == "clock":
        return chance.randint(1, 3)
    return chance.randint(*RANGES.get((event, name), (0, 3)))


def _word(chance: Random, event: str, name: str) -> bytes:
    if name == "fileClass":
        return chance.choice(CODES)[:31] + bytes([chance.randint(1, 3)])
    if name in ARE_CODES or (event, name) in ALSO_CODES:
        return chance.choice(CODES)
    return chance.choice([*IDS, bytes(32)] if name in ("basis", "decision", "personHash") else IDS)
