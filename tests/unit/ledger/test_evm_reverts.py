"""Every refusal of a contract is one of our errors, with a text in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ledger.errors import ConflictError, IntegrityError, NotFoundError
from ledger.evm.artifacts import artifact, artifact_names, encode
from ledger.evm.reverts import MEANING, OWN, error_code, is_revert, revert_error, stored_error
from ledger.evm.rpc import RpcError
from ledger.texts import LANGUAGES, catalogue, error_text

CUSTOM = {error.name: error for name in artifact_names() for error in artifact(name).errors.values()}
SAMPLES = {"bytes32": b"11420000011043080X".ljust(32, b"\0"), "string": "x", "address": "0x" + "ab" * 20}


def _refused(data: bytes, message: str = "execution reverted") -> RpcError:
    return RpcError("eth_call", 3, message, "0x" + data.hex() if data else None)


def test_reverts__errors_of_all_abis__each_has_a_meaning_and_none_is_left_over() -> None:
    assert set(MEANING) == set(CUSTOM)


@pytest.mark.parametrize("name", sorted(CUSTOM))
def test_reverts__custom_error__our_class_with_its_arguments_and_texts(name: str) -> None:
    custom = CUSTOM[name]
    values = [SAMPLES.get(kind, 7) for _, kind in custom.parameters]
    data = custom.selector + encode([kind for _, kind in custom.parameters], values, what=name)
    error = revert_error(_refused(data))
    assert type(error) is MEANING[name]
    assert error.code == error_code(name)
    for language in LANGUAGES:
        text = error_text(error, language)
        assert text
        for place in re.findall(r"{(\w+)}", catalogue()[f"error.{error.code}"][language]):
            assert str(error.params[place]) in text
    again = stored_error(error.code, error.params)
    assert (type(again), again.params) == (type(error), error.params)


@pytest.mark.parametrize(
    ("data", "message", "kind", "code"),
    [
        (bytes.fromhex("08c379a0") + encode(["string"], ["no"], what=""), "reverted", ConflictError, "chain.reverted"),
        (b"", "execution reverted", ConflictError, "chain.reverted"),
        (b"", "EVM error OutOfGas", IntegrityError, "chain.call_failed"),
        (b"\x01\x02\x03\x04", "execution reverted", IntegrityError, "chain.call_failed"),
    ],
)
def test_reverts__without_a_custom_error__still_a_clear_one(
    data: bytes, message: str, kind: type[Exception], code: str
) -> None:
    error = revert_error(_refused(data, message))
    assert (type(error), error.code) == (kind, code)
    assert code in OWN


def test_reverts__node_trouble__is_no_refusal() -> None:
    assert not is_revert(RpcError("eth_call", -32000, "header not found"))
    assert is_revert(RpcError("eth_call", 3, "execution reverted: custom error"))


def test_codes__codes_as_text_and_hashes_as_hex() -> None:
    custom = CUSTOM["AnchorLog_NotOwner"]
    code = b"11420000011043080X".ljust(32, b"\0")
    data = custom.selector + encode(["bytes32"] * 3, [b"\x09" * 32, code, bytes(32)], what="")
    params = revert_error(_refused(data)).params
    assert params == {"log_id": "09" * 32, "owner": "11420000011043080X", "department": "00" * 32}


def test_texts__every_code_raised_in_these_rooms__has_texts() -> None:
    root = Path(__file__).parents[3] / "ledger"
    sources = "".join(p.read_text(encoding="utf-8") for room in ("evm", "store") for p in (root / room).rglob("*.py"))
    codes = set(re.findall(r'(?:Error|__init__)\(\s*"([a-z_]+\.[a-z_]+)"', sources))
    assert len(codes) > 30
    assert not [code for code in codes if f"error.{code}" not in catalogue()]
    assert isinstance(stored_error("departments.not_admitted", {}), NotFoundError)
