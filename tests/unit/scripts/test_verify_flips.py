"""`verify` where one bit of a receipt's member is another: never a pass that it shouldn't be."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.registry import World, certificate
from tests.unit.scripts.conftest import Chuzheng
from tests.unit.scripts.verifying import settle


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return settle(World(), tmp_path, monkeypatch)


def _flipped(value: Any, path: tuple[str, ...]) -> Any:
    """The receipt with one bit of one member turned."""
    made = json.loads(json.dumps(value))
    place = made
    for name in path[:-1]:
        place = place[name]
    old = place[path[-1]]
    match old:
        case bool() | None:
            return None
        case int():
            place[path[-1]] = old ^ 1
        case str() if path[-1] in ("entry", "salt", "promise"):
            data = bytearray(base64.b64decode(old))
            data[len(data) // 2] ^= 1
            place[path[-1]] = base64.b64encode(bytes(data)).decode()
        case str():
            at = len(old) // 2
            place[path[-1]] = old[:at] + chr(ord(old[at]) ^ 1) + old[at + 1 :]
        case _:
            return None
    return made


def _members(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [path]
    return [found for name, inner in value.items() for found in _members(inner, (*path, name))]


def test_verify__one_bit_of_each_member__unreadable_or_a_verdict_never_a_wrong_pass(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    whole = json.loads(world.receipt(0).to_json())
    seen = {}
    for path in _members(whole):
        changed = _flipped(whole, path)
        if changed is None:
            continue
        (tmp_path / "f.receipt.json").write_text(json.dumps(changed), encoding="utf-8")
        (tmp_path / "f.record.json").write_text(json.dumps(certificate("A1")), encoding="utf-8")
        seen[".".join(path)] = chuzheng("verify", "f.record.json", "--trust", "t.json").code
    hints = {"anchor.tx_hash", "anchor.block_number", "anchor.block_hash", "anchor.block_time", "promise"}
    assert {name for name, code in seen.items() if code == 0} <= hints
    assert set(seen.values()) <= {0, 10, 11, 19, 20, 21}
    assert seen["salt"] == 10
    assert seen["entry"] in (10, 21)
    assert seen["format"] == 19
    assert seen["checkpoint"] in (19, 21)
    assert len(seen) >= 10
