"""What a contract's refusal means: custom error → our error tree, with the error's own arguments.

The code is the error's name written our way (`AnchorLog_ProofInvalid` → `anchor_log.proof_invalid`); the table says
who must act. A test proves that no error of the checked-in ABIs is missing here or without a text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ledger.errors import (
    ChuzhengError,
    ConfigurationError,
    ConflictError,
    DeniedError,
    InputError,
    IntegrityError,
    NotFoundError,
)
from ledger.evm.artifacts import CustomError, artifact, artifact_names, decode
from ledger.evm.rpc import RpcError

MEANINGS = {
    c.__name__: c for c in (ConfigurationError, ConflictError, DeniedError, InputError, IntegrityError, NotFoundError)
}


def _meaning() -> Mapping[str, type[ChuzhengError]]:
    """Custom error → our class, from refusals/<Contract>.toml. KeyError for a class that isn't one of MEANINGS."""
    found: dict[str, type[ChuzhengError]] = {}
    for file in files("ledger.evm").joinpath("refusals").iterdir():
        if file.name.endswith(".toml"):
            for kind, names in tomllib.loads(file.read_text(encoding="utf-8")).items():
                found |= dict.fromkeys(names, MEANINGS[kind])
    return found


MEANING: Mapping[str, type[ChuzhengError]] = _meaning()
OWN: Mapping[str, type[ChuzhengError]] = {"chain.reverted": ConflictError, "chain.call_failed": IntegrityError}
_ERROR_STRING = bytes.fromhex("08c379a0")
_REVERT_WORDS = ("revert", "out of gas", "outofgas", "invalid opcode", "evm error", "invalidfeopcode", "stack overflow")
_CODES = frozenset(
    {"department", "issuer", "owner", "type_code", "decided_by", "member", "name", "to"}
    | {"authority", "contributor", "expected", "host", "keeper", "releaser"}
)


def error_code(name: str) -> str:
    """`AnchorLog_ProofInvalid` → `anchor_log.proof_invalid`, `OwnableInvalidOwner` → `ownable.invalid_owner`."""
    area, _, rest = name.partition("_")
    if not rest and name.startswith("Ownable"):
        area, rest = "Ownable", name.removeprefix("Ownable")
    return f"{_snake(area)}.{_snake(rest)}"


def is_revert(error: RpcError) -> bool:
    """Whether the EVM refused the call; anything else that a node complains about may pass."""
    lower = error.message.lower()
    return error.data is not None or error.number == 3 or any(word in lower for word in _REVERT_WORDS)


def revert_error(error: RpcError) -> ChuzhengError:
    """Our error for a call that reverted; the caller raises or stores it."""
    data = bytes.fromhex(error.data[2:]) if error.data else b""
    custom = _errors().get(data[:4])
    if custom is not None:
        kinds = [kind for _, kind in custom.parameters]
        values = decode(kinds, data[4:], what=custom.name)
        names = [_snake(name) for name, _ in custom.parameters]
        params = {name: _plain(name, value) for name, value in zip(names, values, strict=True)}
        return MEANING[custom.name](error_code(custom.name), **params)
    if data[:4] == _ERROR_STRING:
        return ConflictError("chain.reverted", reason=str(decode(["string"], data[4:], what="Error")[0])[:200])
    if "revert" in error.message.lower() and not data:
        return ConflictError("chain.reverted", reason="")
    return IntegrityError("chain.call_failed", reason=error.message[:200])


def stored_error(code: str, params: Mapping[str, Any]) -> ChuzhengError:
    """The error that an outbox row keeps as code and parameters, of its class again."""
    kinds = {error_code(name): kind for name, kind in MEANING.items()}
    return {**kinds, **OWN}.get(code, ConflictError)(code, **params)


@cache
def _errors() -> dict[bytes, CustomError]:
    """Of all contracts together: a contract passes on what another one refused."""
    return {selector: e for name in artifact_names() for selector, e in artifact(name).errors.items()}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _plain(name: str, value: Any) -> Any:
    """An argument as a text can show it: codes as their ASCII, other bytes as hex."""
    if isinstance(value, bytes):
        text = value.rstrip(b"\0")
        if name in _CODES and text and text.isascii() and text.decode("ascii").isalnum():
            return text.decode("ascii")
        return value.hex()
    return value
