"""Database and logs restored from an older copy, the chain has the newer head: nothing is promised a second time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.running import ISSUER, Network, record
from tests.ports import free_port

COPIED = ("chuzheng.sqlite", "logs", "content")


@pytest.fixture
def network(tmp_path: Path, anvil_program: Path) -> Iterator[Network]:
    made = Network(tmp_path / "home", free_port(), free_port())
    made.start()
    yield made
    made.stop()
    assert made.left() == []


def test_restored__older_than_the_chain__refused_and_named_until_the_newer_copy_is_back(
    network: Network, tmp_path: Path
) -> None:
    desk, token = tmp_path / "desk", network.tokens[ISSUER, "ANCHOR"]
    desk.mkdir()

    def anchored(name: str) -> None:
        record(network, desk, name)
        network.run("anchor", f"{name}.record.json", where=desk, token=token)
        network.upgraded(f"{name}.receipt.json", where=desk)

    anchored("first")
    network.stop()
    _copy(network.home, tmp_path / "older")
    network.start()
    anchored("second")
    network.stop()
    _copy(network.home, tmp_path / "newer")
    _copy(tmp_path / "older", network.home)
    network.start()
    record(network, desk, "third")
    refused = network.run("anchor", "third.record.json", where=desk, token=token, expect=None)
    assert refused["code"] == "notary.restored", refused
    network.doctored("notary.restored", where=desk)
    # What was handed out proves itself all the same.
    network.verdict("second.record.json", where=desk, expect=None)

    network.stop()
    _copy(tmp_path / "newer", network.home)
    network.start()
    network.run("anchor", "third.record.json", where=desk, token=token)
    network.doctored(where=desk)


def _copy(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for path in source.iterdir():
        if path.name.startswith(COPIED):
            if path.is_dir():
                shutil.rmtree(target / path.name, ignore_errors=True)
                shutil.copytree(path, target / path.name)
            else:
                shutil.copy2(path, target / path.name)
