"""The server's trust file: followed when it changes, by the rules; kept when what came doesn't count."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.trusted import TrustSource
from ledger.errors import ChuzhengError
from ledger.types import Millis, Origin
from notary.trust import parse_trust, trust_hash
from notary.trust_file import LogKey, TrustFile
from tests.fakes.chain import FakeChain
from tests.fakes.house import House, Key, trust_file

KEYS = [LogKey(Origin("chuzheng/unit/11420000MB9543829Q"), "k", Key(7).public_key, Millis(0))]
FAR = 4_000_000_000_000


def version(after: TrustFile | None, council: int = 8, expires: int = FAR) -> bytes:
    return trust_file(FakeChain(), KEYS, expires=expires, after=after, council=council)


def put(path: Path, data: bytes) -> None:
    """As the command line does: another file under the name, never a half-written one."""
    aside = path.with_suffix(".new")
    aside.write_bytes(data)
    os.utime(aside, ns=(os.stat(aside).st_atime_ns, (path.stat().st_mtime_ns if path.exists() else 0) + 1))
    aside.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    put(tmp_path / "trust.json", version(None))
    return tmp_path / "trust.json"


def sequence(source: TrustSource) -> int:
    found = source.now()
    assert found is not None
    return found.file.sequence


def test_trust__next_version_put_there__is_followed_without_restart(path: Path) -> None:
    source = TrustSource(path)
    second = version(parse_trust(path.read_bytes()))
    put(path, second)
    assert sequence(source) == 2
    assert (source.now().data, source.problem) == (second, None)  # type: ignore[union-attr]


def test_trust__two_versions_later__needs_the_one_between(path: Path) -> None:
    source = TrustSource(path)
    second = version(parse_trust(path.read_bytes()))
    third = version(parse_trust(second))
    put(path, third)
    assert (sequence(source), source.problem is not None) == (1, True)
    put(path.with_name("trust-000002.json"), second)
    put(path, third)
    assert (sequence(source), source.problem is None) == (3, True)


@pytest.mark.parametrize("case", ["foreign council", "older", "cut off", "nonsense", "gone", "forked"])
def test_trust__that_doesnt_count__changes_nothing_and_is_told(path: Path, case: str) -> None:
    first = path.read_bytes()
    second = version(parse_trust(first))
    put(path, second)
    source = TrustSource(path)
    match case:
        case "foreign council":
            put(path, version(parse_trust(second), council=66))
        case "older":
            put(path, first)
        case "cut off":
            put(path, second[:-20])
        case "nonsense":
            put(path, b"\x00")
        case "forked":
            put(path, version(parse_trust(first), expires=FAR + 1))
        case "gone":
            path.unlink()
    assert sequence(source) == 2
    problem: ChuzhengError | None = source.problem
    assert problem is not None
    third = version(parse_trust(second))
    put(path, third)
    assert sequence(source) == 3
    assert source.problem is None


def test_trust__pinned_first_version__is_reached_over_those_kept(path: Path) -> None:
    first = parse_trust(path.read_bytes())
    put(path.with_name("trust-000001.json"), path.read_bytes())
    second = version(first)
    put(path, second)
    assert sequence(TrustSource(path, trust_hash(first))) == 2
    with pytest.raises(ChuzhengError):
        TrustSource(path, bytes(32))
    path.with_name("trust-000001.json").unlink()
    with pytest.raises(ChuzhengError):
        TrustSource(path, trust_hash(first))


def test_trust__older_one_put_back_before_a_restart__refused(path: Path) -> None:
    """Rolled back (formats.md §8): the server remembers what counted, not only while it runs."""
    first = path.read_bytes()
    second = version(parse_trust(first))
    source = TrustSource(path)
    put(path, second)
    assert sequence(source) == 2
    put(path, first)
    with pytest.raises(ChuzhengError) as caught:
        TrustSource(path)
    assert caught.value.code == "trust.rolled_back"
    put(path, version(parse_trust(first), expires=FAR + 1))
    with pytest.raises(ChuzhengError) as caught:
        TrustSource(path)
    assert caught.value.code == "trust.forked"
    put(path, second)
    assert sequence(TrustSource(path)) == 2


def test_trust__another_of_the_same_version_that_anybody_could_write__is_no_fork(path: Path) -> None:
    first = path.read_bytes()
    put(path, version(parse_trust(first)))
    source = TrustSource(path)
    put(path, version(parse_trust(first), council=66))
    assert sequence(source) == 2
    assert source.problem is not None
    assert source.problem.code == "trust.signatures"


def test_trust__none_at_start__is_taken_when_it_comes(tmp_path: Path) -> None:
    source = TrustSource(tmp_path / "trust.json")
    assert source.now() is None
    put(tmp_path / "trust.json", version(None))
    assert sequence(source) == 1


def test_server__new_trust_file__is_served_and_used_and_health_tells_of_a_wrong_one(
    client: TestClient, house: House
) -> None:
    path = house.parts.settings.trust_path
    before = parse_trust(path.read_bytes())
    after = trust_file(house.chain, list(before.log_keys), expires=house.clock.now() * 2, after=before)
    put(path, after)
    assert client.get("/api/v1/trust").content == after
    put(path, b"{}")
    assert client.get("/api/v1/trust").content == after
    tests = {t["name"]: t for t in client.get("/api/v1/health/deep").json()["tests"]}
    assert not tests["trust"]["ok"]
    assert "version 2 stays in force" in tests["trust"]["message_en"]
    put(path, after)
    assert client.get("/api/v1/health/deep").status_code == 200
    house.clock.time *= 3
    tests = {t["name"]: t for t in client.get("/api/v1/health/deep").json()["tests"]}
    assert not tests["trust"]["ok"]
