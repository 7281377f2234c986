"""What the disk and the machine refuse while something is being put away: the work done before it stands."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
import structlog

from api.observing import set_up_logs
from notary.stores.disk import Disk
from notary.stores.tiles import TileLog
from notary.worker import Worker
from tests.fakes.disk import HookedDisk
from tests.fakes.notary import ISSUER, LANE, ORIGIN, FakeOutbox, Rig, document


def refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, "no room")


def test_locked__closing_is_refused__the_lock_is_let_go_and_the_work_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, path = Disk(), tmp_path / "lock"
    with monkeypatch.context() as refused, disk.locked(path):
        refused.setattr(os, "close", refuse)
    taken = threading.Event()

    def take() -> None:
        with disk.locked(path):
            taken.set()

    threading.Thread(target=take, daemon=True).start()
    assert taken.wait(60)


def test_replace__another_thread_replaces_the_same_file_between_any_two_acts__both_end_well(tmp_path: Path) -> None:
    for act in ("open", "write", "fsync", "rename"):
        path = tmp_path / act

        def meanwhile(call: str, _: Path, act: str = act, path: Path = path) -> None:
            if call == act:
                Disk().replace(path, b"the other's")

        HookedDisk(meanwhile).replace(path, b"the one's")
        assert path.read_bytes() == b"the one's"
        assert {each.name for each in tmp_path.iterdir()} <= {"open", "write", "fsync", "rename"}


def test_logs__stderr_cant_be_written__the_line_is_lost_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        write = flush = refuse

    before = structlog.get_config()
    try:
        set_up_logs("info")
        monkeypatch.setattr("sys.stderr", Full())
        structlog.get_logger("t").warning("on a full disk")
    finally:
        structlog.configure(**before)


def test_pause__a_log_cant_be_read__the_loop_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Disk):
        def names(self, folder: Path) -> dict[str, int]:
            raise OSError(errno.EIO, "read error")

    rig = Rig(tmp_path / "home")
    worker = Worker(rig.notary, FakeOutbox(), rig.index, lanes={ORIGIN: LANE}, clock=rig.clock)
    rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])
    monkeypatch.setitem(rig.notary.logs, ORIGIN, TileLog(rig.log.directory, ORIGIN, disk=Failing()))
    assert worker.pause() == 200
    assert worker.step() is False
    rig.notary.close()
