"""Files that were torn, a disk that is full or read-only, folders that refuse, a clock that jumps: told in plain words,
nothing acknowledged lost. On a real file system of a few MiB where one may be mounted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from ledger.errors import ChuzhengError, UnavailableError
from ledger.texts import LANGUAGES, text
from notary.fsck import fsck
from notary.receipts import split
from notary.worker import Worker
from tests.drills import life
from tests.drills.tracing import in_child
from tests.fakes.notary import ISSUER, LANE, ORIGIN, FakeClock, FakeOutbox, Rig, certificate, packed

DAY = 24 * 3600 * 1000
NOBODY = 65534
FULL = ["tile/0/000", "tile/entries/000"]
"""Tiles that never change; a log that grows doesn't read them again."""


def whole(home: Path) -> tuple[Path, dict[str, object]]:
    """A home in which the whole life was lived, and what it answered; closed."""
    rig, worker = life.open_rig(home)
    told = {name: act(rig, worker) for name, act in life.SCRIPT}
    # One bundle that isn't sealed yet, so that there is one to tear.
    told["waiting"] = waiting(rig)
    rig.notary.close()
    rig.notary.store.engine.dispose()
    return rig.log.directory, told


def waiting(rig: Rig) -> object:
    accepted = rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(50, 53)], key="waiting")
    return [a.receipt.to_json().decode() for a in accepted]


def same_answers(home: Path, told: dict[str, object]) -> None:
    """Started again: the same answers, and nothing to find in the log."""
    rig, worker = life.open_rig(home)
    assert {name: act(rig, worker) for name, act in life.SCRIPT} == {n: a for n, a in told.items() if n != "waiting"}
    assert waiting(rig) == told["waiting"]
    rig.notary.seal(ORIGIN)
    row = rig.notary.log(ORIGIN)
    with rig.notary.store.reading() as connection:
        rows = rig.notary.store.entries_from(connection, row.id, 0, 1000)
    report = fsck(rig.log, rows=enumerate(rows))
    assert report.sound, report
    assert report.sealed == len(rows) == life.TOTAL + 3
    rig.notary.close()


def place(rig: Rig, n: int) -> int:
    """Where the n-th bulk of finished commitments begins."""
    bundle = rig.notary.accept_commitments(ISSUER, ORIGIN, packed(300, start=1000 + 300 * n), key=f"bulk {n}")
    return next(iter(split(bundle))).index


def files_of(directory: Path, pattern: str) -> list[Path]:
    return sorted(path for path in directory.glob(pattern) if path.is_file())


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_torn__pending_bundle__put_aside_and_written_again_from_the_database(tmp_path: Path, keep: float) -> None:
    directory, told = whole(tmp_path / "home")
    [bundle] = files_of(directory, "pending/*")
    data = bundle.read_bytes()
    bundle.write_bytes(data[: int(len(data) * keep)])
    same_answers(tmp_path / "home", told)
    assert len(files_of(directory, "damaged/*")) == 1


def test_lost__pending_bundle__written_again_from_the_database(tmp_path: Path) -> None:
    directory, told = whole(tmp_path / "home")
    [bundle] = files_of(directory, "pending/*")
    bundle.unlink()
    same_answers(tmp_path / "home", told)


@pytest.mark.parametrize("pattern", ["checkpoint", "tile/entries/*.p/*", "tile/0/*.p/*", *FULL])
@pytest.mark.parametrize("keep", [0.0, 0.7])
def test_torn__tile_or_checkpoint__fsck_names_it_and_the_database_has_the_log(
    tmp_path: Path, pattern: str, keep: float
) -> None:
    directory, told = whole(tmp_path / "home")
    file = files_of(directory, pattern)[-1]
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * keep)])
    rig, worker = life.open_rig(tmp_path / "home")
    report = fsck(rig.log)
    assert not report.sound
    assert all(text(f"error.{e.code}", language, **e.params) for e in report.findings for language in LANGUAGES)
    before = rig.log.directory / "checkpoint"
    note = before.read_bytes()
    rig.clock.at = 4_000_000_000_000
    worker.step()
    if pattern not in FULL:
        assert worker.stopped == {ORIGIN}
        assert before.read_bytes() == note, "a head was signed over what was torn"
    rig.notary.close()
    # What operations.md says: the log's folder put aside is made anew from the database, with the same roots.
    shutil.move(directory, tmp_path / "aside")
    same_answers(tmp_path / "home", told)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 6 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no file system may be mounted here: a full disk is tried by RLIMIT_FSIZE only (test_log_crash.py)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk__refused_in_plain_words__room_again_and_all_goes_on(small: Path, tmp_path: Path) -> None:
    home = small / "home"

    def until_full() -> None:
        rig, _ = life.open_rig(home)
        told, refused = {}, []
        (small / "ballast").write_bytes(bytes(os.statvfs(small).f_bavail * os.statvfs(small).f_frsize - (1 << 20)))
        for n in range(200):
            try:
                told[n] = place(rig, n)
            except ChuzhengError as error:
                refused.append(error.code)
                if len(refused) == 5:
                    break
        assert set(refused) <= {"disk.full", "store.full", "store.unavailable"}, refused
        assert {"disk.full", "store.full"} & set(refused), refused
        for language in LANGUAGES:
            assert "{" not in text("error.disk.full", language, reason="ENOSPC")
        (tmp_path / "told").write_text(json.dumps([told, len(refused)]))
        os._exit(0)  # as if killed: nothing is closed

    assert in_child(until_full, tmp_path / "report") is None
    told, refused = json.loads((tmp_path / "told").read_text())
    assert len(told) > 2
    assert refused == 5
    (small / "ballast").unlink()

    def go_on() -> None:
        rig, _ = life.open_rig(home)
        for n in range(len(told) + 1):
            now = place(rig, n)
            assert told.get(str(n), now) == now
        row = rig.notary.log(ORIGIN)
        with rig.notary.store.reading() as connection:
            rows = rig.notary.store.entries_from(connection, row.id, 0, 100_000)
        assert fsck(rig.log, rows=enumerate(rows)).sound
        rig.notary.close()

    assert in_child(go_on, tmp_path / "report") is None


def test_read_only_file_system__nothing_is_taken_and_nothing_is_lost(small: Path, tmp_path: Path) -> None:
    def first() -> None:
        rig, _ = life.open_rig(small / "home")
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(0)])
        rig.notary.seal(ORIGIN)

    def refused() -> None:
        def start() -> None:
            life.open_rig(small / "home")[0].notary.accept_records(ISSUER, ORIGIN, [certificate(1)])

        with pytest.raises(UnavailableError, match=r"disk\.failed|store\.unavailable"):
            start()

    def again() -> None:
        rig, _ = life.open_rig(small / "home")
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1)])
        assert len(rig.entries()) == 2
        assert fsck(rig.log).sound

    assert in_child(first, tmp_path / "report") is None
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    assert in_child(refused, tmp_path / "report") is None
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    assert in_child(again, tmp_path / "report") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else, and root is refused nothing")
@pytest.mark.parametrize("what", ["logs", "pending", "database"])
def test_wrong_permissions__refused_as_an_outage_and_healed_by_them(what: str) -> None:
    folder = Path(mkdtemp(prefix="owned-"))

    def work() -> None:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        rig, _ = life.open_rig(folder / "home")
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(0)])
        path = {"logs": rig.log.directory, "pending": rig.log.directory / "pending"}.get(what)
        if path is None:
            path = folder / "home" / "chuzheng.sqlite"
            rig.notary.store.engine.dispose()
        mode = path.stat().st_mode & 0o777
        path.chmod(0o000)
        with pytest.raises(UnavailableError, match=r"disk\.failed: reason=EACCES|store\.unavailable"):
            rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1)])
        path.chmod(mode)
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1)])
        assert len(rig.entries()) == 2
        rig.notary.close()

    try:
        os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o700)
        assert in_child(work, folder.with_name(folder.name + ".report")) is None
    finally:
        shutil.rmtree(folder)
        folder.with_name(folder.name + ".report").unlink(missing_ok=True)


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_clock_jumps_a_day__accepted_sealed_and_handed_over_all_the_same(tmp_path: Path, jump: int) -> None:
    clock = FakeClock(4_000_000_000_000)
    rig = Rig(tmp_path / "home", clock=clock)
    outbox = FakeOutbox()
    worker = Worker(rig.notary, outbox, rig.index, lanes={ORIGIN: LANE}, clock=clock)
    steps: list[Callable[[], object]] = [lambda: None, rig.again]
    for n, between in enumerate(steps * 2):
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n)])
        clock.at += jump if n % 2 == 0 else -jump
        between()
        worker = Worker(rig.notary, outbox, rig.index, lanes={ORIGIN: LANE}, clock=clock)
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(100 + n)])
        clock.at += 2_000
        worker.step()
        assert rig.log.sealed_size() == rig.notary.log(ORIGIN).next_index == 2 * n + 2
        assert outbox.deliver(rig.chain) == 1
    assert fsck(rig.log).sound
    rig.notary.close()
