"""What a person writes as a call of a contract, and what a call says, in the same words.

    Departments.suspend 11420503087246977F 3 none

Values by the ABI's types: numbers as digits (uint64 also `now`, or a day `2026-01-31`: its first second in
Asia/Shanghai); codes as they are; hashes as 64 hex digits; `log:ORIGIN` for a log's id; `new` for a new random id; a
contract's name for its address; `none` for zero; lists and structs as JSON, structs also as objects by their members'
names.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
import time
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

from ledger.certificates import first_second, parse_day
from ledger.errors import InputError
from ledger.evm.artifacts import artifact, artifact_names, decode, encode_call
from ledger.evm.codes import ZERO, code_bytes
from ledger.evm.deployment import Deployment
from ledger.types import Address

NONE, NEW, NOW, LOG = "none", "new", "now", "log:"
_TARGET = re.compile(r"([A-Za-z]+)(?:@(0x[0-9a-fA-F]{40}))?\.([A-Za-z0-9_]+)")
_ADDRESS, _HEX = re.compile(r"0x[0-9a-fA-F]{40}"), re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
_CODE = re.compile(r"[!-~]{1,32}")


class WrittenCall(NamedTuple):
    """`args` as the ABI coding takes them; `data` is the calldata."""

    contract: str
    function: str
    args: list[Any]
    to: Address
    data: bytes


def parse_line(line: str, deployment: Deployment) -> WrittenCall:
    """One call as a line of words, quoted as in a shell. InputError that names the word."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InputError("call.line", line=line[:80]) from error
    if not words:
        raise InputError("call.line", line=line[:80])
    return parse_words(words[0], words[1:], deployment)


def parse_words(target: str, words: Sequence[str], deployment: Deployment) -> WrittenCall:
    """`target` Contract.function, or Contract@0x….function for a version that isn't in the record yet."""
    found = _TARGET.fullmatch(target)
    if found is None or found[1] not in artifact_names() or found[3] not in artifact(found[1]).functions:
        raise InputError("call.target", found=target[:80])
    contract, account, function = found[1], found[2], found[3]
    wanted = _inputs(contract)[function]
    if len(words) != len(wanted):
        names = ", ".join(f"{i['name']} ({_kind(i)})" for i in wanted) or "-"
        raise InputError("call.count", call=f"{contract}.{function}", expected=names, found=len(words))
    args = []
    for drawn, word in zip(wanted, words, strict=True):
        try:
            value = json.loads(word) if _is_json(drawn) else word
            args.append(_value(drawn, value, deployment))
        except (ValueError, TypeError, KeyError) as error:
            raise InputError("call.value", name=drawn["name"], kind=_kind(drawn), found=word[:80]) from error
    to = Address(account.lower()) if account else deployment.address(contract)
    return WrittenCall(contract, function, args, to, encode_call(contract, function, args))


def told(to: Address, data: bytes, deployment: Deployment) -> str:
    """A call in the words that `parse_line` reads, as its bytes say it: `Departments.suspend code=1142… reason=3 …`."""
    name = next((c.name for c in deployment.contracts if c.address == to), None)
    for candidate in (name,) if name else artifact_names():
        for function in artifact(candidate).functions.values():
            if function.selector == data[:4]:
                values = decode(function.inputs, data[4:], what=f"{candidate}.{function.name}")
                drawn = _inputs(candidate)[function.name]
                at = candidate if name else f"{candidate}@{to}"
                shown = (f"{i['name']}={_told(i, v)}" for i, v in zip(drawn, values, strict=True))
                return " ".join((f"{at}.{function.name}", *shown))
    return f"{to} 0x{data.hex()}"


def told_result(contract: str, function: str, values: Sequence[Any]) -> list[str]:
    """What a view returned, a line for each value."""
    return [
        f"{o['name'] or n}: {_told(o, v)}"
        for n, (o, v) in enumerate(zip(_outputs(contract)[function], values, strict=True))
    ]


@cache
def _abi(contract: str) -> tuple[dict[str, Any], ...]:
    raw = json.loads(files("ledger.evm").joinpath("abi", f"{contract}.json").read_text(encoding="utf-8"))
    return tuple(part for part in raw["abi"] if part["type"] == "function")


def _inputs(contract: str) -> Mapping[str, list[dict[str, Any]]]:
    return {part["name"]: part["inputs"] for part in _abi(contract)}


def _outputs(contract: str) -> Mapping[str, list[dict[str, Any]]]:
    return {part["name"]: part["outputs"] for part in _abi(contract)}


def _is_json(drawn: Mapping[str, Any]) -> bool:
    return bool(drawn["type"].endswith("]") or drawn["type"].startswith("tuple"))


def _kind(drawn: Mapping[str, Any]) -> str:
    """The type as a person reads it: structs by their members."""
    if not drawn["type"].startswith("tuple"):
        return str(drawn["type"])
    members = ", ".join(f"{c['name']}: {_kind(c)}" for c in drawn["components"])
    return f"{{{members}}}{drawn['type'][5:]}"


def _value(drawn: Mapping[str, Any], given: Any, deployment: Deployment) -> Any:
    kind = drawn["type"]
    if kind.endswith("]"):
        if not isinstance(given, list):
            raise ValueError(kind)
        inner = {**drawn, "type": kind.rpartition("[")[0]}
        return [_value(inner, part, deployment) for part in given]
    if kind == "tuple":
        parts = drawn["components"]
        if isinstance(given, dict):
            if set(given) != {c["name"] for c in parts}:
                raise ValueError(kind)
            given = [given[c["name"]] for c in parts]
        return tuple(_value(c, v, deployment) for c, v in zip(parts, given, strict=True))
    if kind == "bool":
        return {"true": True, "false": False}[str(given).lower()]
    if kind.startswith("uint"):
        return _number(kind, str(given))
    text = str(given)
    if kind == "string":
        return text
    if kind == "bytes":
        return b"" if text == NONE else bytes.fromhex(text.removeprefix("0x"))
    if kind == "address":
        return _address(text, deployment)
    if kind == "bytes32":
        return _word(text)
    raise ValueError(kind)


def _number(kind: str, text: str) -> int:
    if text == NONE:
        return 0
    if text == NOW and kind == "uint64":
        return int(time.time())
    day = parse_day(text) if kind == "uint64" and "-" in text else None
    if day is not None:
        return int(first_second(day))
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def _address(text: str, deployment: Deployment) -> Address:
    if text == NONE:
        return Address("0x" + "00" * 20)
    if _ADDRESS.fullmatch(text):
        return Address(text.lower())
    if not deployment.versions(text):
        raise ValueError(text)
    return deployment.address(text)


def _word(text: str) -> bytes:
    if text == NONE:
        return ZERO
    if text == NEW:
        return secrets.token_bytes(32)
    if text.startswith(LOG):
        return sha256(b"chuzheng/log/v1\0" + text.removeprefix(LOG).encode()).digest()
    if found := _HEX.fullmatch(text):
        return bytes.fromhex(found[1])
    if text.startswith("0x") or not _CODE.fullmatch(text):
        raise ValueError(text)
    return code_bytes(text)


def _told(drawn: Mapping[str, Any], value: Any) -> str:
    kind = drawn["type"]
    if kind.endswith("]"):
        inner = {**drawn, "type": kind.rpartition("[")[0]}
        return "[" + ", ".join(_told(inner, part) for part in value) + "]"
    if kind == "tuple":
        return (
            "{"
            + ", ".join(f"{c['name']}: {_told(c, v)}" for c, v in zip(drawn["components"], value, strict=True))
            + "}"
        )
    if isinstance(value, bytes):
        text = value.rstrip(b"\0")
        if kind == "bytes32" and not text:
            return NONE
        if kind == "bytes32" and len(text) <= 24 and text.isascii() and text.decode("ascii").isalnum():
            return text.decode("ascii")
        return value.hex()
    return str(value).lower() if isinstance(value, bool) or kind == "address" else str(value)
