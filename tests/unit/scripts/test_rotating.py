"""`chuzheng log rotate-key`: prepares, waits for the trust file, switches once; run again after a crash it ends it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from api import backstage
from api.keyring import Keyring
from ledger.crypto.keys import create_signing_key
from ledger.crypto.log_keys import LogKeyFiles
from ledger.errors import ConflictError
from ledger.types import Millis, Origin
from notary.checkpoint import VerifierKey
from notary.rotation import DAY, announced
from notary.trust_file import TrustFile
from scripts.commands.rotating import rotate as command
from tests.fakes.notary import ISSUER, ORIGIN, Rig, document
from tests.fakes.registry import World
from tests.unit.scripts.conftest import Chuzheng


class Died(Exception):
    """The process ended here."""


@dataclass
class Site:
    """A data folder with one log and its keys, and the trust file in force there."""

    rig: Rig
    keyring: Keyring
    trust: TrustFile | None

    @property
    def keys(self) -> LogKeyFiles:
        return self.keyring.log_key(ORIGIN)

    def announce(self) -> None:
        following = self.keys.next()
        assert following is not None
        assert self.trust is not None
        keys = announced(self.trust.log_keys, ORIGIN, following.public_key, Millis(1))
        self.trust = replace(self.trust, log_keys=tuple(replace(k, until=None) for k in keys))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    rig = Rig(tmp_path / "data")
    keyring = Keyring(tmp_path / "home" / "keys")
    keyring.make_department_keys(ISSUER, ORIGIN)
    made = Site(rig, keyring, None)
    first = VerifierKey(ORIGIN, made.keys.public_key)
    world = World().trust
    listed = replace(
        world.log_keys[0], origin=ORIGIN, name=ORIGIN, ed25519=first.public_key, since=Millis(0), until=None
    )
    made.trust = replace(world, log_keys=(listed,))
    rig.notary.signers[ORIGIN] = made.keys
    rig.notary.prover._signers[ORIGIN] = made.keys  # type: ignore[index]

    @dataclass
    class Back:
        notary: Any = rig.notary

        def close(self) -> None:
            pass

    @dataclass
    class Trusted:
        file: TrustFile

    monkeypatch.setattr("api.backstage.open_backstage", lambda settings: Back())
    monkeypatch.setattr("api.trusted.TrustSource.now", lambda self: None if made.trust is None else Trusted(made.trust))
    yield made
    rig.notary.close()


def promise(site: Site, n: int) -> bytes:
    [accepted] = site.rig.notary.accept_records(ISSUER, ORIGIN, [document(n)])
    return accepted.receipt.to_json()


def rotate(chuzheng: Chuzheng, *more: str) -> Any:
    return chuzheng("log", "rotate-key", ORIGIN, "--home", "home", "--json", *more)


def test_rotate__prepared_announced_switched__each_step_said_and_safe_to_repeat(site: Site, chuzheng: Chuzheng) -> None:
    old = site.keys.public_key
    before = promise(site, 1)
    first = rotate(chuzheng)
    assert (first.code, first.json["switched"], first.json["index"]) == (0, False, None), first.err
    assert rotate(chuzheng).json["public"] == first.json["public"]  # the same key, until it is used
    assert site.keys.public_key == old
    assert first.json["public"] in first.json["message_en"]
    site.announce()
    switched = rotate(chuzheng)
    assert (switched.code, switched.json["switched"], switched.json["index"]) == (0, True, 1), switched.err
    new = site.keys.public_key
    assert VerifierKey(ORIGIN, new).text() == switched.json["public"] == first.json["public"]
    assert new != old
    assert promise(site, 1) == before
    assert site.keys.at(0).public_key == old
    assert site.keys.at(1).public_key == new
    # Once more is the beginning of the next rotation: another key, and nothing in use is touched.
    third = rotate(chuzheng)
    assert (third.json["switched"], third.json["public"] == first.json["public"]) == (False, False)
    assert site.keys.public_key == new


def test_rotate__another_person_does_it_meanwhile__both_are_told_it_is_done(
    site: Site, chuzheng: Chuzheng, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise(site, 1)
    rotate(chuzheng)
    site.announce()
    real, others = backstage.open_backstage, list[Any]()

    def meanwhile(settings: Any) -> Any:
        monkeypatch.setattr(backstage, "open_backstage", real)
        others.append(rotate(chuzheng))
        return real(settings)

    monkeypatch.setattr(backstage, "open_backstage", meanwhile)
    mine = rotate(chuzheng)
    [other] = others
    assert (mine.code, other.code) == (0, 0), mine.err
    assert (mine.json["switched"], mine.json["index"], mine.json["public"]) == (True, 1, other.json["public"])


@pytest.mark.parametrize(("act", "switched"), [("kept", True), ("replaced", False)])
def test_rotate__killed_between_acts__the_command_again_leaves_it_whole(
    site: Site, chuzheng: Chuzheng, monkeypatch: pytest.MonkeyPatch, act: str, switched: bool
) -> None:
    old, before = site.keys.public_key, promise(site, 1)
    new = rotate(chuzheng).json["public"]
    site.announce()

    def die(step: str) -> None:
        if step == act:
            raise Died

    with monkeypatch.context() as patch:
        patch.setattr("api.keyring.LogKeyFiles", lambda path: LogKeyFiles(path, die))
        with pytest.raises(Died):
            command(ORIGIN, Path("home"), as_json=True)
    between = promise(site, 2)
    again = rotate(chuzheng)
    assert (again.code, again.json["switched"]) == (0, switched), again.err
    assert VerifierKey(ORIGIN, site.keys.public_key).text() == new
    assert site.keys.at(0).public_key == old
    assert [promise(site, n) for n in (1, 2)] == [before, between]


def test_rotate__unknown_log_or_no_trust_file__refused_and_nothing_is_made(
    site: Site, chuzheng: Chuzheng, tmp_path: Path
) -> None:
    unknown = chuzheng("log", "rotate-key", Origin(f"{ORIGIN}/none"), "--home", "home", "--json")
    assert (unknown.code != 0, unknown.json["code"]) == (True, "notary.no_log")
    site.trust = None
    absent = rotate(chuzheng)
    assert (absent.code != 0, absent.json["code"]) == (True, "snapshot.no_trust")


def test_rotate__old_key_about_to_end__refused(site: Site, chuzheng: Chuzheng) -> None:
    rotate(chuzheng)
    site.announce()
    assert site.trust is not None
    old, new = site.trust.log_keys
    ending = replace(old, until=Millis(time.time_ns() // 1_000_000 + DAY // 2))
    site.trust = replace(site.trust, log_keys=(ending, new))
    refused = rotate(chuzheng)
    assert (refused.code != 0, refused.json["code"]) == (True, "rotate.old_ended")
    assert site.keys.public_key == old.ed25519


@pytest.fixture
def lost(site: Site, tmp_path: Path) -> Path:
    """The key file, which is gone, of a log that has entries."""
    promise(site, 1)
    shutil.copytree(tmp_path / "data" / "logs", tmp_path / "home" / "logs", dirs_exist_ok=True)
    path = site.keyring.folder / "logs" / f"{quote(ORIGIN, safe='')}.pem"
    path.unlink()
    return path


def announce_lost(site: Site) -> None:
    following, trust = site.keyring.next_log_key(ORIGIN), site.trust
    assert following is not None
    assert trust is not None
    site.trust = replace(trust, log_keys=announced(trust.log_keys, ORIGIN, following.public_key, Millis(1)))


def test_rotate_lost__announced_first_then_in_the_empty_place(site: Site, lost: Path, chuzheng: Chuzheng) -> None:
    plain = rotate(chuzheng)
    assert (plain.code != 0, plain.json["code"]) == (True, "notary.no_log")
    first = rotate(chuzheng, "--lost")
    assert (first.code, first.json["switched"], lost.exists()) == (0, False, False), first.err
    assert rotate(chuzheng, "--lost").json == first.json
    site.keyring.make_department_keys(ISSUER, ORIGIN)  # a start, meanwhile, makes no third one
    assert not lost.exists()
    announce_lost(site)
    done = rotate(chuzheng, "--lost")
    assert (done.code, done.json["switched"]) == (0, True), done.err
    assert VerifierKey(ORIGIN, site.keys.public_key).text() == done.json["public"] == first.json["public"]
    assert site.keys.next() is None
    there = rotate(chuzheng, "--lost")
    assert (there.code, there.json["code"]) == (1, "rotate.not_lost")


def test_rotate_lost__killed_before_the_end__the_command_again_ends_it(
    site: Site, lost: Path, chuzheng: Chuzheng
) -> None:
    public = rotate(chuzheng, "--lost").json["public"]
    announce_lost(site)

    def die(act: str) -> None:
        raise Died

    with pytest.raises(Died):
        LogKeyFiles(lost, die, lost=True).fill()
    assert VerifierKey(ORIGIN, site.keys.public_key).text() == public
    again = rotate(chuzheng, "--lost")
    assert (again.code, again.json["switched"], site.keys.next()) == (0, True, None), again.err


def test_rotate_lost__key_found_again_meanwhile__never_replaced(site: Site, lost: Path, chuzheng: Chuzheng) -> None:
    rotate(chuzheng, "--lost")
    announce_lost(site)
    create_signing_key(lost)  # the backup's
    found = lost.read_bytes()
    refused = rotate(chuzheng, "--lost")
    assert (refused.code, refused.json["code"]) == (1, "rotate.not_lost")
    with pytest.raises(ConflictError, match=r"key\.exists"):
        LogKeyFiles(lost, lost=True).fill()
    assert lost.read_bytes() == found


def test_rotate_lost__no_such_log__refused_and_nothing_is_made(site: Site, chuzheng: Chuzheng) -> None:
    refused = chuzheng("log", "rotate-key", f"{ORIGIN}/none", "--lost", "--home", "home", "--json")
    assert (refused.code, refused.json["code"]) == (1, "notary.no_log")
    assert site.keyring.next_log_key(Origin(f"{ORIGIN}/none")) is None
