"""docs/permissions.md leaves no function out. What its cells say is tried on a chain, by tests/contracts."""

from __future__ import annotations

import json
import re

import pytest

from ledger.evm.artifacts import artifact_names
from scripts.compile import ARTIFACTS, ROOT

PAGE = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")


def _section(contract: str) -> str:
    found = re.search(rf"^## \S+ {contract}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"{contract} has no section"
    return found.group(1)


@pytest.mark.parametrize("contract", artifact_names())
def test_permissions__functions_that_change_something__each_has_a_row(contract: str) -> None:
    abi = json.loads((ARTIFACTS / f"{contract}.json").read_text(encoding="utf-8"))["abi"]
    changing = {
        item["name"] for item in abi if item["type"] == "function" and item["stateMutability"] not in ("view", "pure")
    }
    assert set(re.findall(r"^\| [^`|]+`(\w+)`", _section(contract), re.MULTILINE)) == changing
