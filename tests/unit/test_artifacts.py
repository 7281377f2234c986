"""The checked-in contract artifacts: fresh (without a compiler), deployable on every engine, complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.compile import ARTIFACTS, CONTRACTS, MAX_RUNTIME, ROOT, SETTINGS, source_hash, sources

PUSH1, PUSH32 = 0x60, 0x7F
FORBIDDEN = {0x5E: "MCOPY", 0x5F: "PUSH0", 0x5C: "TLOAD", 0x5D: "TSTORE", 0x48: "BASEFEE"}
"""Opcodes that came after berlin."""
NEVER = {0xF4: "DELEGATECALL", 0xF2: "CALLCODE", 0xFF: "SELFDESTRUCT"}


def artifact(name: str) -> dict[str, object]:
    read: dict[str, object] = json.loads((ARTIFACTS / f"{name}.json").read_text(encoding="utf-8"))
    return read


def without_metadata(code: bytes) -> bytes:
    """Code before the CBOR map whose length the last two bytes tell."""
    return code[: len(code) - 2 - int.from_bytes(code[-2:], "big")]


def opcodes(code: bytes) -> set[int]:
    """Opcodes of `code`, the bytes that a PUSH carries left out."""
    found, at = set(), 0
    while at < len(code):
        op = code[at]
        found.add(op)
        at += 1 + (op - PUSH1 + 1 if PUSH1 <= op <= PUSH32 else 0)
    return found


@pytest.mark.parametrize("name", CONTRACTS)
def test_artifact__source_hash__is_fresh(name: str) -> None:
    found = artifact(name)
    assert found["contractName"] == name
    assert found["sourceHash"] == source_hash(name), "run python -m scripts.compile and commit the artifacts"


def test_artifacts__on_disk__are_those_of_the_contracts() -> None:
    assert {p.stem for p in ARTIFACTS.glob("*.json")} == set(CONTRACTS)
    assert {p.stem for p in (ROOT / "contracts").glob("*.sol")} == set(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
@pytest.mark.parametrize("member", ["bytecode", "deployedBytecode"])
def test_artifact__opcodes__all_known_to_berlin(name: str, member: str) -> None:
    code = bytes.fromhex(str(artifact(name)[member]).removeprefix("0x"))
    used = opcodes(without_metadata(code))
    assert not {word for op, word in (FORBIDDEN | NEVER).items() if op in used}


@pytest.mark.parametrize("name", CONTRACTS)
def test_artifact__runtime_code__may_be_deployed(name: str) -> None:
    assert (len(str(artifact(name)["deployedBytecode"])) - 2) // 2 <= MAX_RUNTIME


@pytest.mark.parametrize("name", CONTRACTS)
def test_artifact__interface__errors_are_prefixed(name: str) -> None:
    abi = artifact(name)["abi"]
    assert isinstance(abi, list)
    errors = {item["name"] for item in abi if item["type"] == "error"}
    # OpenZeppelin's own, of the two-step owner; the calendar's as contracts.md names it.
    prefix = {"WorkingCalendar": "Calendar"}.get(name, name)
    assert {e for e in errors if not e.startswith((f"{prefix}_", "Ownable"))} == set()


def test_sources__of_a_contract__own_files_only_unless_asked() -> None:
    own = sources("contracts/CertificateStatus.sol", libraries=False)
    assert "contracts/libraries/Rfc9162.sol" in own
    assert all(unit.startswith("contracts/") for unit in own)


def test_settings__of_brownie__are_those_of_the_artifacts() -> None:
    """The tests run what is deployed."""
    text = (ROOT / "brownie-config.yaml").read_text(encoding="utf-8")
    assert f"evm_version: {SETTINGS['evmVersion']}\n" in text
    assert f"runs: {SETTINGS['optimizer']['runs']}\n" in text
    assert ("viaIR: true\n" in text) is SETTINGS["viaIR"]
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert f"version: {locked['node_modules/solc']['version']}\n" in text


def test_opcodes__pushed_bytes__are_not_instructions() -> None:
    assert opcodes(bytes([0x60, 0x5F, 0x61, 0x5E, 0x5F, 0x00])) == {0x60, 0x61, 0x00}
    assert without_metadata(bytes([1, 2, 0xA1, 0x00, 0x01])) == bytes([1, 2])
    assert Path(ARTIFACTS).is_dir()
