"""Snapshots as they are published: numbers rise whatever crashes, and nothing that halls would refuse is put there."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import assemble
from api.snapshot_files import SnapshotFiles
from ledger.errors import ConfigurationError, NotFoundError, UnavailableError
from ledger.types import ChainHash, Millis
from notary.snapshot import parse_snapshot, sign_snapshot
from notary.snapshot_making import Heading, snapshot_body
from notary.stores.disk import Disk
from notary.trust_chain import parse_seen
from tests.fakes.disk import FailAt, HookedDisk, ProcessKilled
from tests.fakes.house import build_house
from tests.fakes.registry import DAY, World, signer

KEY = signer("snapshot")


@pytest.fixture(scope="module")
def world() -> World:
    return World()


class Making:
    """A maker over `folder`; `given` are the sequences it was asked for."""

    def __init__(self, world: World, folder: Path, disk: Disk | None = None, key: str = "snapshot") -> None:
        self.world, self.given = world, list[int]()
        self.files = SnapshotFiles(folder, disk)
        self.trust = world.make_trust(snapshot_key=KEY.public_key)
        self.signer = signer(key)
        self.expires = Millis(world.now + DAY)

    def build(self, sequence: int) -> bytes:
        self.given.append(sequence)
        chain = self.world.chain
        genesis = ChainHash(chain.genesis_hash())
        heading = Heading("test", chain.chain_id(), genesis, sequence, self.expires, chain.head())
        return sign_snapshot(snapshot_body(heading, logs=[], anchors=[], decisions=[], members=[]), self.signer)

    def make(self) -> int:
        return self.files.make(self.build, self.trust, self.world.now).sequence


def published(folder: Path) -> int:
    return parse_snapshot(SnapshotFiles(folder).newest().path.read_bytes()).sequence


def test_make__several__sequence_rises_and_the_newest_lies_there(world: World, tmp_path: Path) -> None:
    making = Making(world, tmp_path / "snapshots")
    with pytest.raises(NotFoundError):
        making.files.newest()
    assert [making.make() for _ in range(3)] == [1, 2, 3]
    assert published(tmp_path / "snapshots") == 3


def test_newest__asked_between_any_two_acts_of_making__an_etag_is_of_one_file(world: World, tmp_path: Path) -> None:
    """A hall that keeps the old file under the new one's ETag is told for ever that it has the newest."""
    told = dict[str, bytes]()
    reader = SnapshotFiles(tmp_path / "snapshots")

    def look(call: str = "", path: Path = tmp_path) -> None:
        try:
            found = reader.newest()
        except NotFoundError:
            return
        data = found.path.read_bytes()
        assert told.setdefault(found.etag, data) == data

    making = Making(world, tmp_path / "snapshots", HookedDisk(look))
    for _ in range(3):
        making.make()
    look()
    assert len(told) == 3


def test_make__of_another_key_or_past_its_end__nothing_is_published(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    Making(world, folder).make()
    with pytest.raises(ConfigurationError) as found:
        Making(world, folder, key="other").make()
    assert found.value.params["reason"] == "snapshot.signature"
    late = Making(world, folder)
    late.expires = Millis(world.now)
    with pytest.raises(ConfigurationError):
        late.make()
    assert published(folder) == 1
    assert Making(world, folder).make() == 2


@pytest.mark.parametrize("error", [None, errno.ENOSPC, errno.EIO])
def test_make__crash_or_error_at_every_call__old_or_new_and_no_number_twice(
    world: World, tmp_path: Path, error: int | None
) -> None:
    at = 0
    while True:
        folder = tmp_path / f"{at}"
        making = Making(world, folder)
        making.make()
        broken = Making(world, folder, HookedDisk(FailAt(at, error)))
        try:
            broken.make()
        except (ProcessKilled, UnavailableError):
            assert published(folder) in (1, 2)
            again = Making(world, folder)
            made = again.make()
            assert published(folder) == made
            remembered = published(folder)
            # What nobody could have seen may be used again; what might have been published never is.
            assert made in (2, 3)
            assert made > 2 or parse_seen((folder / "sequence").read_bytes()).sequence == remembered
            at += 1
            continue
        break
    assert at > 5


def test_read__over_http__whole_then_304_until_another_is_made(world: World, tmp_path: Path) -> None:
    house = build_house(tmp_path / "house")
    making = Making(world, house.parts.settings.snapshots_dir)
    with TestClient(assemble(house.parts)) as client:
        assert client.get("/api/v1/trust/snapshot").status_code == 404
        for sequence in (1, 2):
            making.make()
            told = client.get("/api/v1/trust/snapshot")
            assert told.status_code == 200
            assert parse_snapshot(told.content).sequence == sequence
            known = {"If-None-Match": told.headers["etag"]}
            assert client.get("/api/v1/trust/snapshot", headers=known).status_code == 304
        making.make()
        assert client.get("/api/v1/trust/snapshot", headers=known).status_code == 200
