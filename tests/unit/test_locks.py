"""The lock files hold what pyproject.toml asks for, with digests, and name no registry."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _name(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _locked(file: str) -> set[str]:
    return {
        _name(line) for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if re.match(r"[a-z0-9]", line)
    }


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_lock__of_pyproject__holds_every_dependency(file: str) -> None:
    wanted = list(PROJECT["project"]["dependencies"])
    if "dev" in file:
        wanted += PROJECT["dependency-groups"]["dev"]
    assert {_name(w) for w in wanted} <= _locked(file)


def test_lock__run_and_tests__agree_on_versions() -> None:
    def pins(file: str) -> dict[str, str]:
        found = re.findall(r"^([a-z0-9][^=\s\[]*)(?:\[[^]]*])?==([^\s;\\]+)", (ROOT / file).read_text("utf-8"), re.M)
        return dict(found)

    run, tests = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: tests.get(name) for name in run} == run


@pytest.mark.parametrize(
    "file", ["requirements.lock", "requirements-dev.lock", "requirements-node.lock", "package-lock.json"]
)
def test_lock__each__names_no_registry(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert "--index-url" not in text
    assert '"resolved"' not in text
