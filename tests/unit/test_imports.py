"""The import rules hold, and each of them bites: a planted breach is found (.importlinter)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("ledger", "notary", "gateways", "api", "scripts")

BREACHES = {
    "layers": ("ledger/types.py", "import notary.merkle"),
    "web3-in-evm": ("notary/service.py", "import web3"),
    "sql-in-stores": ("notary/verify.py", "import sqlalchemy"),
    "fastapi-in-api": ("notary/service.py", "import fastapi"),
    "pure": ("notary/merkle.py", "import time"),
    "adapters": ("notary/collect.py", "import ledger.evm.rpc"),
}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    lint = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([lint, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "*.json", "static"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def test_imports__as_they_are__keep_every_rule(copy: Path) -> None:
    done = _lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("rule", sorted(BREACHES))
def test_imports__planted_breach__is_found(copy: Path, rule: str) -> None:
    name, line = BREACHES[rule]
    file = copy / name
    before = file.read_text(encoding="utf-8")
    try:
        file.write_text(f"{before}\n{line}  # planted\n", encoding="utf-8")
        done = _lint(copy)
    finally:
        file.write_text(before, encoding="utf-8")
    assert done.returncode != 0
    assert "BROKEN" in done.stdout
