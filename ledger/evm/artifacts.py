"""Contract artifacts (abi/*.json, generated) and the ABI coding of calls, answers, events and errors.

Artifacts are read once. eth_abi is imported at the first use: `verify` and `--help` never pay for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ledger.crypto.chain import keccak
from ledger.errors import ConfigurationError, InputError, UnavailableError
from ledger.evm.words import decode_words


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    topic: str
    """`0x` and 64 hex digits"""
    parameters: tuple[tuple[str, str, bool], ...]
    """(name, type, indexed)"""
    structs: Mapping[str, Any]
    """the parameters that are structs, as the ABI draws them, by name"""


@dataclass(frozen=True, slots=True)
class CustomError:
    name: str
    selector: bytes
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One contract: what it can be asked, what it tells, and the code that creates it."""

    name: str
    functions: Mapping[str, Function]
    events: Mapping[str, Event]
    """by topic"""
    errors: Mapping[bytes, CustomError]
    """by selector"""
    constructor: tuple[tuple[str, str], ...]
    bytecode: bytes
    source_hash: str


@cache
def artifact(name: str) -> Artifact:
    """The artifact of contract `name`; ConfigurationError if it isn't there or isn't whole."""
    try:
        raw = json.loads(files("ledger.evm").joinpath("abi", f"{name}.json").read_text(encoding="utf-8"))
        parts: list[dict[str, Any]] = raw["abi"]
        functions = [
            Function(p["name"], _selector(p["name"], p["inputs"]), _types(p["inputs"]), _types(p["outputs"]))
            for p in parts
            if p["type"] == "function"
        ]
        events = [
            Event(
                p["name"],
                "0x" + keccak(_signature(p["name"], p["inputs"])).hex(),
                tuple((i["name"], _type(i), i["indexed"]) for i in p["inputs"]),
                {i["name"]: i for i in p["inputs"] if "components" in i},
            )
            for p in parts
            if p["type"] == "event"
        ]
        errors = [
            CustomError(p["name"], _selector(p["name"], p["inputs"]), tuple((i["name"], _type(i)) for i in p["inputs"]))
            for p in parts
            if p["type"] == "error"
        ]
        made: list[dict[str, Any]] = next((p["inputs"] for p in parts if p["type"] == "constructor"), [])
        return Artifact(
            name,
            {f.name: f for f in functions},
            {e.topic: e for e in events},
            {e.selector: e for e in errors},
            tuple((i["name"], _type(i)) for i in made),
            bytes.fromhex(raw["bytecode"].removeprefix("0x")),
            raw.get("sourceHash", ""),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("chain.artifact", contract=name) from error


def artifact_names() -> tuple[str, ...]:
    """Every contract whose artifact is checked in."""
    folder = files("ledger.evm").joinpath("abi")
    return tuple(sorted(f.name.removesuffix(".json") for f in folder.iterdir() if f.name.endswith(".json")))


def encode_call(contract: str, function: str, args: Sequence[Any]) -> bytes:
    """Calldata. InputError if the arguments don't fit the function; structs are tuples in the ABI's order."""
    found = _function(contract, function)
    return found.selector + encode(found.inputs, args, what=f"{contract}.{function}")


def decode_result(contract: str, function: str, data: str) -> tuple[Any, ...]:
    """What a view returned. UnavailableError if it isn't what the ABI says (no code there, another contract)."""
    outputs = _function(contract, function).outputs
    return decode(outputs, _bytes(data), what=f"{contract}.{function}")


def decode_event(contract: str, topics: Sequence[str], data: str) -> tuple[str, dict[str, Any]] | None:
    """(name, arguments) of a log, structs as dicts by their members; None for a topic that the ABI doesn't know."""
    event = artifact(contract).events.get(topics[0] if topics else "")
    if event is None:
        return None
    what = f"{contract}.{event.name}"
    indexed = [p for p in event.parameters if p[2]]
    if len(topics) != len(indexed) + 1:
        raise UnavailableError("chain.undecodable", what=what)
    plain = [p for p in event.parameters if not p[2]]
    values = dict(zip((p[0] for p in plain), decode([p[1] for p in plain], _bytes(data), what=what), strict=True))
    for (name, kind, _), topic in zip(indexed, topics[1:], strict=True):
        values[name] = decode([kind], _bytes(topic), what=what)[0]
    for name, drawn in event.structs.items():
        values[name] = _named(drawn, values[name])
    return event.name, {name: values[name] for name, _, _ in event.parameters}


def _named(parameter: Mapping[str, Any], value: Any) -> Any:
    """The value of a struct as a dict by its members' names, that of a list of structs as a list of them."""
    if not parameter["type"].startswith("tuple"):
        return value
    if parameter["type"].endswith("]"):
        inner = {**parameter, "type": parameter["type"].rpartition("[")[0]}
        return [_named(inner, part) for part in value]
    return {c["name"]: _named(c, v) for c, v in zip(parameter["components"], value, strict=True)}


def encode(types: Sequence[str], values: Sequence[Any], *, what: str) -> bytes:
    """ABI encoding; InputError `chain.arguments` where a value doesn't fit its type."""
    from eth_abi.abi import encode as abi_encode

    try:
        for kind, value in zip(types, values, strict=True):
            _exact(kind, value)
        return bytes(abi_encode(types, values))
    except Exception as error:  # eth_abi's own tree and plain TypeErrors alike: all mean "doesn't fit"
        raise InputError("chain.arguments", call=what) from error


def _exact(kind: str, value: Any) -> None:
    """ValueError for bytes that are shorter than their type says: eth_abi would fill them up, a digest with zeros."""
    if kind.endswith("[]"):
        for part in value:
            _exact(kind[:-2], part)
    elif kind.startswith("("):
        for part_kind, part in zip(_components(kind), value, strict=True):
            _exact(part_kind, part)
    elif kind.startswith("bytes") and kind != "bytes" and len(value) != int(kind[5:]):
        raise ValueError(kind)


def _components(kind: str) -> list[str]:
    """The types within a tuple's parentheses."""
    parts, depth = [""], 0
    for sign in kind[1:-1]:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def decode(types: Sequence[str], data: bytes, *, what: str) -> tuple[Any, ...]:
    """ABI decoding; UnavailableError `chain.undecodable` where the bytes aren't that."""
    try:
        plain = decode_words(types, data)
    except ValueError as error:
        raise UnavailableError("chain.undecodable", what=what) from error
    if plain is not None:
        return plain
    from eth_abi.abi import decode as abi_decode

    try:
        return tuple(abi_decode(types, data))
    except Exception as error:
        raise UnavailableError("chain.undecodable", what=what) from error


def _function(contract: str, function: str) -> Function:
    found = artifact(contract).functions.get(function)
    if found is None:
        raise ConfigurationError("chain.function_unknown", contract=contract, function=function)
    return found


def _bytes(data: str) -> bytes:
    try:
        return bytes.fromhex(data.removeprefix("0x"))
    except ValueError as error:
        raise UnavailableError("chain.undecodable", what="hex") from error


def _type(parameter: dict[str, Any]) -> str:
    kind: str = parameter["type"]
    if kind.startswith("tuple"):
        return "(" + ",".join(_types(parameter["components"])) + ")" + kind[5:]
    return kind


def _types(parameters: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(_type(p) for p in parameters)


def _signature(name: str, inputs: Sequence[dict[str, Any]]) -> bytes:
    return f"{name}({','.join(_types(inputs))})".encode()


def _selector(name: str, inputs: Sequence[dict[str, Any]]) -> bytes:
    return keccak(_signature(name, inputs))[:4]
