"""The log on a real disk, in real processes that are killed with signal 9, and beside each other.

An entry's bytes follow from its index here, so any process can play the record store.
"""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ledger.errors import UnavailableError
from notary.fsck import fsck
from notary.log import Head
from notary.merkle import first_wrong_in_run, leaf_hash
from notary.stores.disk import Disk
from notary.stores.tiles import TileLog
from tests.fakes.disk import FailAt, HookedDisk, KillAt
from tests.fakes.log import KEY_NAME, ORIGIN, RememberingSigner, make_entries, root_of

ACK = 8


def in_child(work: Callable[[], None]) -> int:
    """Runs `work` in a forked process and answers its pid; any exception is exit code 1."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)


def append(log: TileLog, count: int) -> int:
    with log.appending() as appending:
        start = appending.durable_size
        appending.append(start, make_entries(count, start))
        return appending.durable_size


def scenario(log: TileLog, acknowledge: Callable[[str, int], object]) -> None:
    signer = RememberingSigner()
    for count, seal in ((200, True), (30, False), (300, True), (1, True)):
        acknowledge("a", append(log, count))
        if seal:
            sealed = log.seal(signer, KEY_NAME)
            assert sealed is not None
            acknowledge("s", sealed.size)


def acknowledgements(reader: int) -> dict[str, int]:
    """What the child told before it died: the largest appended and sealed size."""
    with os.fdopen(reader, "rb") as pipe:
        return largest(pipe.read())


def largest(data: bytes) -> dict[str, int]:
    told = {"a": 0, "s": 0}
    for at in range(0, len(data) - ACK + 1, ACK):
        kind, size = data[at : at + 1].decode(), int(data[at + 1 : at + ACK])
        told[kind] = max(told[kind], size)
    return told


def check(directory: Path, told: dict[str, int]) -> TileLog:
    log = TileLog(directory, ORIGIN, disk=HookedDisk())
    durable = log.durable_size()
    assert durable >= told["a"]
    assert log.sealed_size() >= told["s"]
    entries = make_entries(durable)
    assert log.entries(0, durable) == entries
    heads = [Head(told["s"], root_of(entries[: told["s"]]))]
    report = fsck(log, rows=enumerate(entries), anchors=heads)
    assert report.sound, report.findings
    return log


def calls_of_scenario(directory: Path) -> int:
    counter = FailAt(-1)
    scenario(TileLog(directory, ORIGIN, disk=HookedDisk(counter)), lambda kind, size: None)
    return counter.calls


def test_kill_9__at_every_call_that_writes__nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    calls = calls_of_scenario(tmp_path / "dry")
    assert calls > 80
    for at in range(calls):
        directory = tmp_path / str(at)
        reader, writer = os.pipe()

        def work(at: int = at, directory: Path = directory, writer: int = writer) -> None:
            log = TileLog(directory, ORIGIN, disk=HookedDisk(KillAt(at)))
            scenario(log, lambda kind, end: os.write(writer, f"{kind}{end:07}".encode()))

        pid = in_child(work)
        os.close(writer)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status)
        assert os.WTERMSIG(status) == signal.SIGKILL
        log = check(directory, acknowledgements(reader))
        size = append(log, 2)
        log.seal(RememberingSigner(), KEY_NAME)
        assert check(directory, {"a": size, "s": size}).sealed_size() == size


def test_kill_9__appenders_sealer_and_reader_beside_each_other__one_log_comes_out(tmp_path: Path) -> None:
    directory, chance = tmp_path / "log", random.Random(7)
    reader, writer = os.pipe()

    def appender() -> None:
        log, dice = TileLog(directory, ORIGIN), random.Random(os.getpid())
        while True:
            size = append(log, dice.choice([1, 3, 40, 300]))
            os.write(writer, f"a{size:07}".encode())

    def sealer() -> None:
        log = TileLog(directory, ORIGIN)
        while True:
            sealed = log.seal(RememberingSigner(), KEY_NAME)
            if sealed is not None:
                os.write(writer, f"s{sealed.size:07}".encode())
            time.sleep(0.005)

    def watcher() -> None:
        log, durable, sealed = TileLog(directory, ORIGIN), 0, 0
        while True:
            assert log.durable_size() >= durable, "the log shrank"
            durable = log.durable_size()
            checkpoint = log.checkpoint()
            assert log.entries(max(0, durable - 30), durable) == make_entries(min(30, durable), max(0, durable - 30))
            if checkpoint is None:
                continue
            assert checkpoint.size >= sealed
            sealed = checkpoint.size
            first = max(0, sealed - 300)
            leaves = [leaf_hash(entry) for entry in make_entries(sealed - first, first)]
            paths = log.inclusion_paths(first, sealed - first, sealed)
            assert first_wrong_in_run(first, sealed, leaves, paths, checkpoint.root) is None

    roles = [appender, appender, sealer, watcher]
    pids = {in_child(role): role for role in roles}
    end, said = time.monotonic() + 4, b""
    os.set_blocking(reader, False)
    while time.monotonic() < end or not largest(said)["s"]:  # a slow machine's sealer needs longer to come to it
        with suppress(BlockingIOError):
            said += os.read(reader, 1 << 20)
        assert time.monotonic() < end + 120, "nothing was sealed"
        time.sleep(chance.uniform(0.01, 0.15))
        victim = chance.choice([pid for pid, role in pids.items() if role is not watcher])
        os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        assert os.WIFSIGNALED(status), "a process ended by itself"
        role = pids.pop(victim)
        pids[in_child(role)] = role
    for pid, role in pids.items():
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), f"{role.__name__} failed"
    os.close(writer)
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as pipe:
        told = largest(said + pipe.read())
    assert told["s"] > 0
    log = check(directory, told)
    log.seal(RememberingSigner(), KEY_NAME)
    assert log.sealed_size() == log.durable_size() >= told["a"]
    assert fsck(log).sound


def test_file_size_limit__real_short_write__disk_full_and_nothing_left(tmp_path: Path) -> None:
    def work() -> None:
        log = TileLog(tmp_path / "log", ORIGIN)
        size = append(log, 10)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
        with pytest.raises(UnavailableError, match=r"disk\.full"):
            append(log, 100)
        assert log.durable_size() == size
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        append(log, 100)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
        with pytest.raises(UnavailableError, match=r"disk\.full"):
            log.seal(RememberingSigner(), KEY_NAME)
        assert log.checkpoint() is None
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        log.seal(RememberingSigner(), KEY_NAME)
        assert log.sealed_size() == 110
        assert fsck(log).sound

    _, status = os.waitpid(in_child(work), 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_folder_is_gone_or_closed__plain_error(tmp_path: Path) -> None:
    log = TileLog(tmp_path / "missing" / "log", ORIGIN)
    with pytest.raises(UnavailableError, match=r"disk\.failed: reason=ENOENT"):
        append(log, 1)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnavailableError, match=r"disk\.failed"):
        append(TileLog(tmp_path / "file", ORIGIN), 1)


def test_disk__a_name_that_is_taken__refused_and_the_file_kept(tmp_path: Path) -> None:
    disk = Disk()
    disk.create([(tmp_path / "a", b"1")])
    with pytest.raises(FileExistsError) as caught:
        disk.create([(tmp_path / "a", b"2")])
    assert caught.value.errno == errno.EEXIST
    assert disk.read(tmp_path / "a") == b"1"
