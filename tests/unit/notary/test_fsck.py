"""fsck on a sound log, and one planted fault per row: it names that fault and nothing that follows from trust."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.texts import LANGUAGES, error_text
from ledger.types import Origin
from notary.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from notary.fsck import LogReport, fsck
from notary.log import Head
from notary.rotation import LogKeys
from notary.stores.bundles import encode_bundle
from notary.stores.tiles import TileLog
from notary.stores.tree import leaf_hashes
from tests.fakes.disk import MemoryDisk
from tests.fakes.log import KEY_NAME, ORIGIN, make_entries, root_of

FOLDER = Path("/log")
SIZE, DURABLE = 600, 620
ENTRIES = make_entries(DURABLE)


class Ed25519Signer:
    suite = "ed25519"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


SIGNER = Ed25519Signer()
KEY = VerifierKey(KEY_NAME, SIGNER.public_key)


def sound_log() -> tuple[TileLog, MemoryDisk]:
    """300, then 600 sealed, and two pending bundles."""
    disk = MemoryDisk()
    log = TileLog(FOLDER, ORIGIN, disk=disk)
    for size in (300, SIZE):
        with log.appending() as appending:
            appending.append(appending.durable_size, ENTRIES[appending.durable_size : size])
        log.seal(SIGNER, KEY_NAME)
    for size in (610, DURABLE):
        with log.appending() as appending:
            appending.append(appending.durable_size, ENTRIES[appending.durable_size : size])
    return log, disk


def check(log: TileLog) -> LogReport:
    anchors = [Head(size, root_of(ENTRIES[:size])) for size in (300, 1, 256, SIZE, 0)]
    return fsck(log, keys=LogKeys(KEY), anchors=anchors, rows=enumerate(ENTRIES))


def codes(report: LogReport) -> list[str]:
    return sorted({finding.code for finding in report.findings})


def flip(disk: MemoryDisk, name: str, at: int = -1) -> None:
    data = bytearray(disk.read(FOLDER / name))
    data[at] ^= 1
    disk.damage(FOLDER / name, bytes(data))


def test_fsck__sound_log__no_finding_and_its_figures() -> None:
    log, _ = sound_log()
    seen: list[tuple[int, int]] = []
    report = fsck(log, keys=LogKeys(KEY), rows=enumerate(make_entries(DURABLE + 5)), progress=lambda *p: seen.append(p))
    assert report.sound, report.findings
    assert (report.sealed, report.checked, report.durable, report.rows_ahead) == (SIZE, SIZE, DURABLE, 5)
    assert report.root == root_of(ENTRIES[:SIZE])
    assert seen == [(256, SIZE), (512, SIZE), (SIZE, SIZE)]
    assert check(log).sound


def test_fsck__empty_folder__nothing_found() -> None:
    report = fsck(TileLog(FOLDER, ORIGIN, disk=MemoryDisk()), rows=[])
    assert report.sound
    assert (report.sealed, report.durable) == (0, 0)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("tile/0/001", ["tiles.differ"]),
        ("tile/0/002.p/88", ["tiles.differ"]),
        ("tile/1/000.p/2", ["tiles.differ"]),
        ("tile/1/000.p/1", ["tiles.differ"]),
        ("pending/0000000000000600", ["fsck.pending_damaged", "fsck.pending_gap"]),
        ("pending/0000000000000610", ["fsck.pending_damaged"]),
    ],
)
def test_fsck__one_bit_flipped_in_a_file__that_file_is_named(name: str, found: list[str]) -> None:
    log, disk = sound_log()
    flip(disk, name)
    report = check(log)
    assert codes(report) == found
    if name.startswith("tile"):
        assert [finding.params["path"] for finding in report.findings] == [name]


@pytest.mark.parametrize(
    "name", ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/88"]
)
def test_fsck__file_gone__missing(name: str) -> None:
    log, disk = sound_log()
    disk.remove(FOLDER / name)
    report = check(log)
    assert codes(report) == ["tiles.missing"]
    assert report.findings[0].params == {"path": name}


@pytest.mark.parametrize("cut", [0, 1, 93, 95, 200])
def test_fsck__bundle_cut__broken_and_only_what_is_before_it_checked(cut: int) -> None:
    log, disk = sound_log()
    disk.damage(FOLDER / "tile/entries/001", disk.read(FOLDER / "tile/entries/001")[: -cut or None][: 94 * 256 - cut])
    if cut == 0:
        disk.damage(FOLDER / "tile/entries/001", b"")
    report = check(log)
    assert codes(report) == ["fsck.bundle"]
    assert str(report.findings[0].params["path"]).startswith("tile/entries/")
    assert report.checked == 256


def test_fsck__entry_changed_in_its_bundle__tile_root_anchor_and_row_all_say_so() -> None:
    log, disk = sound_log()
    flip(disk, "tile/entries/000", 60)
    report = check(log)
    assert {"tiles.differ", "log.root_differs", "fsck.anchor_differs", "fsck.row_differs"} <= set(codes(report))


def test_fsck__history_rewritten_with_tiles_and_checkpoint__anchors_and_rows_notice() -> None:
    disk = MemoryDisk()
    log = TileLog(FOLDER, ORIGIN, disk=disk)
    forged = [*ENTRIES[:100], *make_entries(1, 9999), *ENTRIES[101:SIZE]]
    with log.appending() as appending:
        appending.append(0, forged)
    log.seal(SIGNER, KEY_NAME)
    report = fsck(
        log,
        keys=LogKeys(KEY),
        anchors=[Head(size, root_of(ENTRIES[:size])) for size in (50, 300, SIZE)],
        rows=enumerate(ENTRIES[:SIZE]),
    )
    assert codes(report) == ["fsck.anchor_differs", "fsck.row_differs"]
    assert [f.params.get("size", f.params.get("index")) for f in report.findings] == [100, 300, SIZE]


@pytest.mark.parametrize(
    ("rows", "code", "index"),
    [
        (ENTRIES[:5] + ENTRIES[6:], "fsck.row_differs", 5),
        (ENTRIES[: DURABLE - 1], "fsck.row_missing", DURABLE - 1),
        ([*ENTRIES[: SIZE + 3], b"x" * 92, *ENTRIES[SIZE + 4 :]], "fsck.row_differs", SIZE + 3),
    ],
    ids=["one left out", "last missing", "pending differs"],
)
def test_fsck__rows_dont_match__first_index_is_named(rows: list[bytes], code: str, index: int) -> None:
    log, _ = sound_log()
    report = fsck(log, rows=enumerate(rows))
    assert (report.findings[0].code, report.findings[0].params) == (code, {"index": index})


@pytest.mark.parametrize(
    ("indexes", "found"),
    [
        ([*range(7), *range(8, DURABLE)], ["fsck.row_missing"]),
        ([*range(7), 6, *range(7, DURABLE)], ["fsck.row_order"]),
    ],
)
def test_fsck__row_numbers_jump_or_repeat__found(indexes: list[int], found: list[str]) -> None:
    log, _ = sound_log()
    report = fsck(log, rows=[(index, ENTRIES[index]) for index in indexes])
    assert codes(report) == found
    assert len(report.findings) == 1


def resign(disk: MemoryDisk, size: int, root: bytes, origin: str = ORIGIN) -> None:
    note = sign_checkpoint(Checkpoint(origin, size, root), KEY_NAME, SIGNER)  # type: ignore[arg-type]
    disk.damage(FOLDER / "checkpoint", note.encode())


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda disk: resign(disk, SIZE, b"\x09" * 32), ["log.root_differs"]),
        (lambda disk: resign(disk, SIZE, root_of(ENTRIES[:SIZE]), "chuzheng/test/x"), ["log.origin"]),
        (lambda disk: disk.damage(FOLDER / "checkpoint", b"\xff"), ["log.checkpoint_torn"]),
        (lambda disk: disk.damage(FOLDER / "checkpoint", b"a\nb\n"), ["log.checkpoint_torn"]),
        (lambda disk: flip(disk, "checkpoint", -20), ["fsck.checkpoint_signature"]),
        (lambda disk: resign(disk, 300, root_of(ENTRIES[:300])), ["fsck.behind_anchor", "fsck.pending_gap"]),
        (lambda disk: disk.create([(FOLDER / "tile/0/notes.txt", b"")]), ["fsck.stray"]),
        (lambda disk: disk.create([(FOLDER / "tile/0/002.p/300", b"")]), ["fsck.stray"]),
    ],
    ids=["root", "origin", "bytes", "form", "signature", "old copy", "stray", "wide"],
)
def test_fsck__checkpoint_or_folder_wrong__found(change: Callable[[MemoryDisk], None], found: list[str]) -> None:
    log, disk = sound_log()
    change(disk)
    report = check(log)
    assert set(found) <= set(codes(report)), report.findings
    for finding in report.findings:
        for language in LANGUAGES:
            assert error_text(finding, language) or finding.code.startswith(("note.", "checkpoint."))


@pytest.mark.parametrize(
    ("entry", "code"),
    [(b"\x02" + ENTRIES[0][1:], "fsck.entry_unreadable"), (b"short", "fsck.entry_unreadable")],
)
def test_fsck__entry_isnt_one__found_unless_not_asked(entry: bytes, code: str) -> None:
    log = TileLog(FOLDER, ORIGIN, disk=MemoryDisk())
    with log.appending() as appending:
        appending.append(0, [ENTRIES[0], entry])
    log.seal(SIGNER, KEY_NAME)
    assert codes(fsck(log)) == [code]
    assert fsck(log, check_entries=False).sound


def test_fsck__entry_of_another_department__found() -> None:
    origin = Origin("chuzheng/test/11420000011043201A")
    foreign = ENTRIES[0][:2] + b"914200001000000000"[:18] + ENTRIES[0][20:]
    log = TileLog(FOLDER, origin, disk=MemoryDisk())
    with log.appending() as appending:
        appending.append(0, [foreign])
    assert codes(fsck(log)) in (["fsck.entry_issuer"], ["fsck.entry_unreadable"])


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_fsck__any_bit_of_any_served_file__never_silent(data: st.DataObject) -> None:
    log, disk = sound_log()
    names = [
        "checkpoint",
        "tile/0/000",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/002.p/88",
    ]
    name = data.draw(st.sampled_from(names))
    at = data.draw(st.integers(0, len(disk.read(FOLDER / name)) - 1))
    flip(disk, name, at)
    assert not check(log).sound


def test_fsck__a_size_that_the_tiles_dont_have__found_not_raised() -> None:
    """The size's first digit, one bit further: the pending bundles seem to be sealed, and their tiles aren't there."""
    log, disk = sound_log()
    flip(disk, "checkpoint", disk.read(FOLDER / "checkpoint").index(b"\n") + 1)
    assert not check(log).sound


def test_fsck__narrow_partial_bundle__compared_as_well() -> None:
    log, disk = sound_log()
    disk.create([(FOLDER / "tile/entries/002.p/3", encode_bundle(ENTRIES[512:515]))])
    disk.create([(FOLDER / "tile/0/002.p/3", b"".join(leaf_hashes(ENTRIES[512:515])))])
    assert check(log).sound
    flip(disk, "tile/entries/002.p/3")
    assert codes(check(log)) == ["tiles.differ"]
