"""The table tests/words_on_chain.toml and the ABIs that it is about: which value on the chain holds what."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ledger.evm.artifacts import artifact_names

TABLE = Path(__file__).with_name("words_on_chain.toml")
NARROW = frozenset({"bool", "uint8", "uint16", "uint32"})
"""Codes, counts and flags: too few values to be anybody's."""


@cache
def classes() -> Mapping[str, Mapping[str, Any]]:
    """Class → `open`, `holds`."""
    found: Mapping[str, Mapping[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["classes"]
    return found


@cache
def classified() -> Mapping[tuple[str, str], str]:
    """(contract, `ItemAdded.item.notice`) → class. AssertionError for a field that stands there twice."""
    found: dict[tuple[str, str], str] = {}
    for contract, by_class in tomllib.loads(TABLE.read_text(encoding="utf-8")).items():
        if contract == "classes":
            continue
        for kind, fields in by_class.items():
            for field in fields:
                assert (contract, field) not in found, f"{contract}.{field} is classified twice"
                found[contract, field] = kind
    return found


def abi(contract: str) -> list[dict[str, Any]]:
    """What is put on the chain: constructor, calls that change something, events."""
    raw = json.loads(files("ledger.evm").joinpath("abi", f"{contract}.json").read_text(encoding="utf-8"))
    return [
        part
        for part in raw["abi"]
        if part["type"] in ("event", "constructor")
        or (part["type"] == "function" and part["stateMutability"] not in ("view", "pure"))
    ]


def leaves(parameters: list[dict[str, Any]], before: str = "") -> Iterator[tuple[str, str]]:
    """(`item.notice`, type) of every value in `parameters`, structs taken apart; a list of them is named `items[]`."""
    for parameter in parameters:
        name, kind = before + parameter["name"], parameter["type"]
        if kind.startswith("tuple"):
            yield from leaves(parameter["components"], f"{name}{kind[5:]}.")
        else:
            yield name, kind


def wide_fields() -> Iterator[tuple[str, str]]:
    """(contract, field) of every value that needs a class."""
    for contract in artifact_names():
        for part in abi(contract):
            for name, kind in leaves(part["inputs"]):
                if kind not in NARROW:
                    yield contract, f"{part.get('name', 'constructor')}.{name}"
