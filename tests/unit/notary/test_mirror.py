"""Mirrors: verified while copied, cut off anywhere, lied to in any way; the copy never gets worse.

Over 300 lines: one mirror of one log, by example and as a state machine.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.crypto.keys import Ed25519Signer
from ledger.errors import ChuzhengError, IntegrityError, NotFoundError, UnavailableError
from ledger.types import Digest
from notary.checkpoint import Checkpoint, VerifierKey, parse_checkpoint
from notary.equivocation import Equivocation, What
from notary.fsck import fsck
from notary.merkle import consistency_proof, leaf_hash, root_from_leaves
from notary.mirrored import AuthenticTiles
from notary.rotation import LogKeys
from notary.stores.mirror import FolderSource, Mirror, Mirrored
from notary.stores.tiles import TileLog
from tests.fakes.disk import FailAt, MemoryDisk, ProcessKilled
from tests.fakes.log import KEY_NAME, ORIGIN, make_entries

LOG = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
KEY = VerifierKey(KEY_NAME, LOG.public_key)
SOURCE, TARGET = Path("/source"), Path("/mirror")
HONEST = make_entries(1_400)
OTHER = [*HONEST[:300], *make_entries(1_100, 9_000)]


class Grown:
    """A source log that grows, on a disk of its own."""

    def __init__(self, entries: list[bytes] = HONEST) -> None:
        self.disk, self.entries, self.size = MemoryDisk(), entries, 0
        self.log = TileLog(SOURCE, ORIGIN, disk=self.disk)

    def grow(self, size: int) -> Grown:
        with self.log.appending() as appending:
            appending.append(self.size, self.entries[self.size : size])
        self.log.seal(LOG, KEY_NAME)
        self.size = size
        return self

    @property
    def files(self) -> FolderSource:
        return FolderSource(SOURCE, self.disk)


def mirror(disk: MemoryDisk, kept: list[Equivocation] | None = None) -> Mirror:
    return Mirror(TARGET, ORIGIN, [KEY], keep=(kept if kept is not None else []).append, disk=disk)


def sound(disk: MemoryDisk) -> int:
    """The mirror is a log without a finding; its size."""
    log = TileLog(TARGET, ORIGIN, disk=disk)
    report = fsck(log, keys=LogKeys(KEY))
    strays = [f for f in report.findings if f.code != "fsck.stray"]
    assert not strays, strays
    return report.sealed


@pytest.mark.parametrize("sizes", [[1], [255, 256, 257], [0, 3, 700], [256, 512, 513], [1_024, 1_400]])
def test_update__a_growing_log__the_same_files_as_the_source(sizes: list[int]) -> None:
    source, disk = Grown(), MemoryDisk()
    for size in sizes:
        if size == 0:
            with pytest.raises(NotFoundError, match=r"mirror\.no_checkpoint"):
                mirror(disk).update(source.files)
            continue
        done = mirror(disk).update(source.grow(size).files)
        assert (done.state, done.size, done.root) == (
            "grown",
            size,
            parse_checkpoint(source.log.checkpoint_note() or "").root,
        )
        assert sound(disk) == size
        assert mirror(disk).update(source.files).state == "same"
    copy, log = TileLog(TARGET, ORIGIN, disk=disk), source.log
    assert copy.entries(0, source.size) == HONEST[: source.size]
    assert copy.checkpoint_note() == log.checkpoint_note()


def test_update__only_what_is_new__is_fetched() -> None:
    source, disk = Grown().grow(1_024), MemoryDisk()
    assert mirror(disk).update(source.files).copied == 1_024
    assert mirror(disk).update(source.grow(1_100).files).copied == 76


def test_update__source_behind__nothing_changes_and_is_said() -> None:
    source, disk = Grown().grow(1_100), MemoryDisk()
    mirror(disk).update(source.files)
    behind = mirror(disk).update(Grown().grow(700).files)
    assert (behind.state, behind.size) == ("behind", 1_100)
    assert sound(disk) == 1_100


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (700, 700, What.TWO_ROOTS), (700, 1_000, What.NOT_EXTENDED), (512, 1_000, What.NOT_EXTENDED),
        (1_000, 700, What.NOT_EXTENDED), (1_000, 512, What.NOT_EXTENDED),
    ],
)  # fmt: skip
def test_update__another_history__both_pieces_kept_and_the_mirror_as_it_was(
    before: int, after: int, what: What
) -> None:
    disk, kept = MemoryDisk(), list[Equivocation]()
    mirror(disk).update(Grown().grow(before).files)
    with pytest.raises(IntegrityError, match=r"log\.equivocation"):
        mirror(disk, kept).update(Grown(OTHER).grow(after).files)
    assert [found.what for found in kept] == [what]
    assert sound(disk) == before


def test_update__another_history_after_one_that_was_cut_off__found() -> None:
    disk, kept = MemoryDisk(), list[Equivocation]()
    mirror(disk).update(Grown().grow(100).files)
    cut = mirror(disk)
    with pytest.raises(UnavailableError):
        cut.update(Cut(Grown().grow(1_000).files, after=6))
    with pytest.raises(IntegrityError, match=r"log\.equivocation"):
        mirror(disk, kept).update(Grown(OTHER).grow(1_300).files)
    assert [found.what for found in kept] == [What.NOT_EXTENDED]
    assert mirror(disk).update(Grown().grow(1_300).files).size == 1_300


def test_update__signature_of_another_key_or_log__refused() -> None:
    disk = MemoryDisk()
    stranger = Mirror(TARGET, ORIGIN, [VerifierKey(KEY_NAME, b"\x02" * 32)], disk=disk)
    with pytest.raises(IntegrityError, match=r"mirror\.signature"):
        stranger.update(Grown().grow(10).files)
    assert not disk.exists(TARGET / "checkpoint")


@pytest.mark.parametrize(
    "name", ["tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/188"]
)
def test_update__changed_file_at_the_source__named_and_the_mirror_as_it_was(name: str) -> None:
    source, disk = Grown().grow(200), MemoryDisk()
    mirror(disk).update(source.files)
    source.grow(700)
    data = bytearray(source.disk.read(SOURCE / name))
    data[40] ^= 1
    source.disk.damage(SOURCE / name, bytes(data))
    with pytest.raises(IntegrityError) as caught:
        mirror(disk).update(source.files)
    assert caught.value.code in ("mirror.tile", "mirror.root")
    if caught.value.code == "mirror.tile":
        assert caught.value.params["path"].split(".")[0] == name.split(".", maxsplit=1)[0].replace(
            "entries", caught.value.params["path"].split("/")[1]
        )
    assert sound(disk) == 200


def test_recheck__changed_file_in_the_mirror__healed_and_the_other_kept_aside() -> None:
    source, disk = Grown().grow(700), MemoryDisk()
    mirror(disk).update(source.files)
    for name in ("tile/0/001", "tile/entries/000", "tile/1/000.p/2", "tile/entries/002.p/188"):
        disk.damage(TARGET / name, b"x" + disk.read(TARGET / name)[1:])
    assert mirror(disk).update(source.files).state == "same"  # not looked at without being asked to
    done = mirror(disk).update(source.files, recheck=True)
    assert sorted(done.healed) == ["tile/0/001", "tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/188"]
    assert sound(disk) == 700
    assert len(disk.names(TARGET / "damaged")) == 4


def test_source__whose_partial_tiles_are_gone__full_ones_serve() -> None:
    """Between our reading the checkpoint and the tiles the log has grown."""
    source = Grown().grow(700)
    note = source.log.checkpoint_note()
    source.grow(1_400)

    class Moved(FolderSource):
        def checkpoint(self) -> str | None:
            return note

    disk = MemoryDisk()
    assert mirror(disk).update(Moved(SOURCE, source.disk)).size == 700
    assert sound(disk) == 700


class Cut:
    """A source that stops answering after some files."""

    def __init__(self, files: FolderSource, after: int) -> None:
        self.files, self.left = files, after

    def checkpoint(self) -> str | None:
        return self.files.checkpoint()

    def file(self, path: str) -> bytes | None:
        self.left -= 1
        if self.left < 0:
            raise UnavailableError("cli.server_unreachable", url="x", kind="x")
        return self.files.file(path)


@given(st.integers(0, 60))
@settings(max_examples=25, deadline=None)
def test_update__killed_at_any_call__goes_on_from_there(at: int) -> None:
    source, disk = Grown().grow(300), MemoryDisk()
    mirror(disk).update(source.files)
    source.grow(1_400)
    _kill_at(disk, at, source)
    assert sound(disk) in (300, 1_400)
    assert mirror(disk).update(source.files).size == 1_400
    assert sound(disk) == 1_400


@given(st.integers(0, 60), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_update__power_lost_at_any_call__the_checkpoint_is_never_ahead_of_its_files(
    at: int, chance: random.Random
) -> None:
    source, disk = Grown().grow(300), MemoryDisk()
    mirror(disk).update(source.files)
    source.grow(1_400)
    _kill_at(disk, at, source)
    disk.lose_power(chance)
    assert sound(disk) in (300, 1_400)
    assert mirror(disk).update(source.files, recheck=True).size == 1_400
    assert sound(disk) == 1_400


def _kill_at(disk: MemoryDisk, at: int, source: Grown) -> None:
    """kill -9 at the `at`-th writing call of a run."""
    hook = FailAt(at)
    writing = ("create", "rename", "remove", "remove_folder", "make_folder", "sync_folder")
    real = {name: getattr(disk, name) for name in writing}

    def hooked(name: str) -> object:
        def call(*arguments: object) -> object:
            hook(name, Path("x"))
            return real[name](*arguments)

        return call

    for name in writing:
        setattr(disk, name, hooked(name))
    try:
        mirror(disk).update(source.files)
    except ProcessKilled:
        disk.kill()
    finally:
        for name in writing:
            delattr(disk, name)


@given(st.integers(1, 1_400), st.integers(0, 1_400))
@settings(max_examples=40, deadline=None)
def test_authentic_tiles__any_size__extend_any_smaller_one(size: int, before: int) -> None:
    source = Grown().grow(size)
    head = parse_checkpoint(source.log.checkpoint_note() or "")
    tiles = AuthenticTiles(head, lambda path: source.files.file(str(path)) or b"")
    if before > size:
        return
    leaves = [leaf_hash(e) for e in HONEST[:before]]
    assert tiles.extends(Checkpoint(ORIGIN, before, root_from_leaves(leaves))) is None
    if 0 < before < size:
        root, proof = tiles.extends(Checkpoint(ORIGIN, before, Digest(bytes(32)))) or (b"", ())
        assert root == root_from_leaves(leaves)
        assert list(proof) == consistency_proof([leaf_hash(e) for e in HONEST[:size]], before)


class Machine(RuleBasedStateMachine):
    """A source that grows, lies and is damaged; a mirror that is run, cut off, rechecked: it only ever gets better."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.disk = Grown().grow(10), MemoryDisk()
        self.best = 0

    @precondition(lambda self: self.source.size < 1_300)
    @rule(more=st.integers(1, 400))
    def grow(self, more: int) -> None:
        self.source.grow(min(1_400, self.source.size + more))

    @rule(recheck=st.booleans())
    def run(self, recheck: bool) -> None:
        done: Mirrored = mirror(self.disk).update(self.source.files, recheck=recheck)
        assert done.size == self.source.size
        self.best = self.source.size

    @rule(after=st.integers(0, 20))
    def cut_off(self, after: int) -> None:
        try:
            self.best = mirror(self.disk).update(Cut(self.source.files, after)).size
        except UnavailableError:
            return

    @rule(size=st.integers(301, 1_400))
    def lie(self, size: int) -> None:
        try:
            done = mirror(self.disk).update(Grown(OTHER).grow(size).files)
        except ChuzhengError:
            return
        assert done.state == "behind" or self.best <= 300, "another history was taken over"
        if done.state != "behind":  # it parted after all that we knew: nobody could tell; start over
            self.__init__()  # type: ignore[misc]

    @rule(where=st.integers(0, 5), at=st.integers(0, 3_000))
    def damaged_source(self, where: int, at: int) -> None:
        names = ["tile/0/000", "tile/entries/000", "tile/entries/001", "tile/0/001", "checkpoint", "tile/1/000.p/1"]
        path = SOURCE / names[where]
        if not self.source.disk.exists(path):
            return
        good = self.source.disk.read(path)
        bad = bytearray(good)
        bad[at % len(bad)] ^= 4
        self.source.disk.damage(path, bytes(bad))
        try:
            self.best = max(self.best, mirror(self.disk).update(self.source.files).size)
        except ChuzhengError:
            pass
        finally:
            self.source.disk.damage(path, good)

    @invariant()
    def a_log_that_never_shrinks(self) -> None:
        assert sound(self.disk) == self.best


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
