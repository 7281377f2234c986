"""`trust update` and the pin: from the first version to the newest in order; a fork or an old one replaces nothing."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from notary import trust_chain
from notary.trust import parse_trust, trust_hash
from tests.fakes.registry import World, signer
from tests.unit.scripts.conftest import Chuzheng
from tests.unit.scripts.verifying import settle, trust_bytes


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return settle(World(), tmp_path, monkeypatch)


def test_trust_update__from_the_first_by_pin_to_the_newest_in_order(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    versions = [trust_bytes(world)]
    for _ in range(3):
        versions.append(trust_bytes(world, after=parse_trust(versions[-1])))
    for number, data in enumerate(versions, 1):
        (tmp_path / f"v{number}.json").write_bytes(data)
    pin = trust_hash(parse_trust(versions[0])).hex()
    mine = ("--trust", "mine.json")
    assert chuzheng("trust", "update", "v1.json", *mine).code == 2
    assert chuzheng("trust", "update", "v1.json", *mine, "--pin", "0" * 64).code == 19
    assert not (tmp_path / "mine.json").exists()
    assert chuzheng("trust", "update", "v1.json", *mine, "--pin", pin).code == 0
    assert chuzheng("trust", "update", "v3.json", *mine).code == 19
    assert (tmp_path / "mine.json").read_bytes() == versions[0]
    assert chuzheng("trust", "update", "v3.json", "v2.json", *mine, "--json").json["sequence"] == 3
    again = chuzheng("trust", "update", "v1.json", "v3.json", *mine, "--json")
    assert (again.json["code"], again.json["sequence"]) == ("cli.trust.unchanged", 3)
    forged = trust_bytes(world, after=parse_trust(versions[2]), council=[("owner", signer("stranger"))])
    (tmp_path / "forged.json").write_bytes(forged)
    assert chuzheng("trust", "update", "forged.json", *mine).code == 19
    assert (tmp_path / "mine.json").read_bytes() == versions[2]
    shown = chuzheng("trust", "show", "mine.json", "--json").json
    assert shown["hash"] == trust_hash(parse_trust(versions[2])).hex()


def test_trust_update__folder_fork_and_rollback__kept_told_and_nothing_replaced(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    first = trust_bytes(world)
    second = trust_bytes(world, after=parse_trust(first))
    fork = trust_bytes(world, after=parse_trust(first), as_of_block=9)
    third = trust_bytes(world, after=parse_trust(second))
    folder = tmp_path / "versions"
    folder.mkdir()
    for number, data in enumerate((first, second), 1):
        (folder / f"trust-{number:06d}.json").write_bytes(data)
    mine = ("--trust", "mine.json", "--pin", trust_hash(parse_trust(first)).hex())
    assert chuzheng("trust", "update", "versions", *mine, "--json").json["sequence"] == 2
    (tmp_path / "fork.json").write_bytes(fork)
    told = chuzheng("trust", "update", "fork.json", *mine, "--json")
    assert (told.json["code"], (tmp_path / "mine.json").read_bytes()) == ("trust.forked", second)
    assert {path.read_bytes() for path in tmp_path.glob("mine-*.fork.json")} == {second, fork}
    (tmp_path / "third.json").write_bytes(third)
    assert chuzheng("trust", "update", "third.json", *mine, "--json").json["sequence"] == 3
    (tmp_path / "old.json").write_bytes(second)
    assert chuzheng("trust", "update", "old.json", *mine, "--json").json["code"] == "trust.rolled_back"
    (tmp_path / "mine.json").write_bytes(second)  # somebody puts the old one back
    for command in (("trust", "show", "mine.json"), ("verify", "a.record.json", "--trust", "mine.json")):
        assert chuzheng(*command, "--json").json["code"] == "trust.rolled_back"
    assert chuzheng("trust", "update", "third.json", *mine).code == 0
    assert chuzheng("verify", "a.record.json", "--trust", "mine.json").code == 0


def test_trust_update__another_one_brings_a_newer_version_meanwhile__no_older_one_is_put_back(
    chuzheng: Chuzheng, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trust_bytes(world)
    second = trust_bytes(world, after=parse_trust(first))
    third = trust_bytes(world, after=parse_trust(second))
    for number, data in enumerate((first, second, third), 1):
        (tmp_path / f"v{number}.json").write_bytes(data)
    mine = ("--trust", "mine.json", "--pin", trust_hash(parse_trust(first)).hex())
    assert chuzheng("trust", "update", "v1.json", *mine).code == 0
    find, folder = trust_chain.follow, os.open(tmp_path, os.O_RDONLY)
    waits = list[bool]()

    def meanwhile(*given: Any) -> Any:
        if not waits:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waits.append(True)  # the other one comes after this one
            else:
                fcntl.flock(folder, fcntl.LOCK_UN)
                waits.append(False)
                assert chuzheng("trust", "update", "v2.json", "v3.json", *mine).code == 0
        return find(*given)

    monkeypatch.setattr(trust_chain, "follow", meanwhile)
    chuzheng("trust", "update", "v2.json", *mine)
    os.close(folder)
    assert waits == [True] or (tmp_path / "mine.json").read_bytes() == third
    assert chuzheng("trust", "update", "v2.json", "v3.json", *mine).code == 0
    assert (tmp_path / "mine.json").read_bytes() == third


def test_verify__pin_of_the_first_version__holds_after_updates(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    """The notice names the first version's hash; who has it in a setting needn't change it with every update."""
    versions = [trust_bytes(world)]
    for _ in range(2):
        versions.append(trust_bytes(world, after=parse_trust(versions[-1])))
    pins = [trust_hash(parse_trust(data)).hex() for data in versions]
    mine = ("--trust", "mine.json")
    for number, data in enumerate(versions, 1):
        (tmp_path / "new.json").write_bytes(data)
        assert chuzheng("trust", "update", "new.json", *mine, "--pin", pins[0]).code == 0
        for pin in pins[:number]:
            assert chuzheng("verify", "a.record.json", *mine, "--pin", pin).code == 0
    assert chuzheng("verify", "a.record.json", *mine, "--pin", "0" * 64, "--json").json["code"] == "trust.pin"
    (tmp_path / "mine-000002.json").unlink()
    assert chuzheng("verify", "a.record.json", *mine, "--pin", pins[0], "--json").json["code"] == "trust.pin"
    (tmp_path / "mine-000002.json").write_bytes(trust_bytes(world, after=parse_trust(versions[0]), as_of_block=9))
    assert chuzheng("verify", "a.record.json", *mine, "--pin", pins[0], "--json").json["code"] == "trust.previous"
    assert chuzheng("verify", "a.record.json", *mine, "--pin", pins[2]).code == 0


def test_trust_update__without_a_data_folder__here(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    pin = trust_hash(world.make_trust()).hex()
    assert chuzheng("trust", "update", "t.json", "--pin", pin).code == 0
    assert (tmp_path / "trust.json").read_bytes() == (tmp_path / "t.json").read_bytes()
