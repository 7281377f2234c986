"""A notary that sleeps (SIGSTOP) until another machine has taken over may not append, seal, sign or hand over.

Two processes on one database, each with a folder of logs of its own, as two machines have them (ADR 0022).
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.errors import UnavailableError
from ledger.store.tables import outbox
from ledger.types import Millis
from notary.fsck import fsck
from notary.stores import leases
from notary.worker import Worker
from tests.fakes.disk import HookedDisk
from tests.fakes.notary import ISSUER, LANE, ORIGIN, FakeOutbox, Rig, certificate

pytestmark = pytest.mark.usefixtures("each_kind")

SHORT, LONG = 400, 50_000
"""Milliseconds of a lease: until another machine takes over, and after that, so that a slow test isn't a second one."""
Steps = dict[str, Callable[[], object]]


class Wall:
    """The machine's clock, as far as the rig uses it."""

    at, tick = 0, 0

    def now(self) -> Millis:
        return Millis(time.time_ns() // 1_000_000)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE", SHORT)


class Sleeper(Rig):
    """A rig whose logs lie in a folder of its own, and which stops itself at a step or a call of its disk."""

    def __init__(self, home: Path, machine: str) -> None:
        self.machine, self.stop_at = machine, ""
        super().__init__(home, clock=Wall(), hook=self.passed, disk=HookedDisk(self.called))  # type: ignore[arg-type]

    def logs_dir(self) -> Path:
        return self.home / self.machine

    def passed(self, step: str) -> None:
        if step == self.stop_at:
            self.stop_at = ""
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # this thread takes not one more step

    def called(self, call: str, path: Path) -> None:
        self.passed(f"{call} {path.name}")


def code_of(act: Callable[[], object]) -> object:
    """What an act answers, or the code that it is refused with."""
    try:
        return act()
    except UnavailableError as error:
        return error.code


def receipt(rig: Rig, n: int) -> str:
    return rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n)])[0].receipt.to_json().decode()


class Process:
    """A forked process that takes a record, then stops itself at a step of `act`, and tells what became of it."""

    def __init__(self, home: Path, stop_at: str, act: Callable[[Rig], object]) -> None:
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            with suppress(BaseException):
                rig = Sleeper(home, "a")
                told: list[object] = [receipt(rig, 0)]
                rig.stop_at = stop_at
                told += [code_of(lambda: act(rig)), rig.log.durable_size(), rig.log.sealed_size()]
                os.write(writer, json.dumps(told).encode())
            os._exit(0)
        os.close(writer)
        self.reader = reader

    def wait_until_stopped(self) -> None:
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def wake(self) -> list[Any]:
        os.kill(self.pid, signal.SIGCONT)
        with os.fdopen(self.reader, "rb") as pipe:
            told = json.loads(pipe.read())
        os.waitpid(self.pid, 0)
        assert isinstance(told, list)
        return told


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str, Callable[[Rig], object]], Process]]:
    started: list[Process] = []

    def begin(stop_at: str, act: Callable[[Rig], object]) -> Process:
        Sleeper(tmp_path / "home", "b").notary.close()  # tables and keys are there
        started.append(Process(tmp_path / "home", stop_at, act))
        return started[-1]

    yield begin
    for process in started:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)


def take_over(home: Path) -> Sleeper:
    """The other machine: refused while the lease lasts, then the writer."""
    other = Sleeper(home, "b")
    end = time.monotonic() + 120
    while code_of(lambda: receipt(other, 7)) == "notary.other_writer":
        assert time.monotonic() < end
        time.sleep(0.05)
    leases.LEASE = LONG
    receipt(other, 7)
    return other


def let_lapse(rig: Rig) -> None:
    with rig.notary.store.transaction() as connection:
        connection.execute(sa.update(leases.leases).values(lease_until=0))


def in_order(rig: Rig) -> None:
    log = rig.notary.log(ORIGIN)
    with rig.notary.store.reading() as connection:
        rows = rig.notary.store.entries_from(connection, log.id, 0, 1000)
    assert rig.entries() == rows
    assert fsck(rig.log, rows=enumerate(rows)).sound


def test_stopped_after_its_commit__wakes_after_a_takeover__appends_and_promises_nothing(
    tmp_path: Path, start: Callable[[str, Callable[[Rig], object]], Process]
) -> None:
    late = start("committed", lambda rig: receipt(rig, 1))
    late.wait_until_stopped()
    other = take_over(tmp_path / "home")
    assert len(other.entries()) == 3  # also what the sleeper committed: it stands in the database
    first, refused, durable, _ = late.wake()
    assert (refused, durable) == ("notary.lease_lost", 1)
    assert receipt(other, 0) == first
    second = json.loads(receipt(other, 1))
    assert second["index"] == 1
    in_order(other)
    let_lapse(other)
    back = Sleeper(tmp_path / "home", "a")  # the sleeper's machine may write again when its turn comes
    assert json.loads(receipt(back, 1)) == second
    assert json.loads(receipt(back, 2))["index"] == 3
    in_order(back)
    assert code_of(lambda: receipt(other, 3)) == "notary.other_writer"
    for rig in (other, back):
        rig.notary.close()


@pytest.mark.parametrize("stop_at", ["rename 1", "sync_folder 000.p"])
def test_stopped_while_it_seals__wakes_after_a_takeover__signs_nothing(
    tmp_path: Path, start: Callable[[str, Callable[[Rig], object]], Process], stop_at: str
) -> None:
    late = start(stop_at, lambda rig: rig.notary.seal(ORIGIN))
    late.wait_until_stopped()
    other = take_over(tmp_path / "home")
    _, refused, durable, sealed = late.wake()
    assert (refused, durable, sealed) == ("notary.lease_lost", 1, 0)
    assert other.notary.seal(ORIGIN) is not None
    in_order(other)
    other.notary.close()


def test_stopped_between_calls__wakes_after_a_takeover__writes_nothing_until_its_turn(
    tmp_path: Path, start: Callable[[str, Callable[[Rig], object]], Process]
) -> None:
    def act(rig: Rig) -> object:
        os.kill(os.getpid(), signal.SIGSTOP)
        worker = Worker(rig.notary, FakeOutbox(), rig.index, lanes={ORIGIN: LANE}, clock=rig.clock)
        tried = [lambda: receipt(rig, 1), lambda: rig.notary.seal(ORIGIN), lambda: rig.notary.catch_up(ORIGIN)]
        return [*[code_of(each) for each in tried], code_of(lambda: worker.tend(ORIGIN))]

    late = start("", act)
    late.wait_until_stopped()
    other = take_over(tmp_path / "home")
    receipt(other, 8)
    _, refused, durable, sealed = late.wake()
    assert refused == ["notary.other_writer"] * 4
    assert (durable, sealed) == (1, 0)
    with other.notary.store.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(outbox)) == 0
    other.notary.close()


def test_processes_of_one_machine__no_lease_between_them(tmp_path: Path) -> None:
    one, two = Sleeper(tmp_path / "home", "a"), Sleeper(tmp_path / "home", "a")
    for n in range(4):
        receipt((one, two)[n % 2], n)
    in_order(one)
    with one.notary.store.reading() as connection:
        assert connection.execute(sa.select(leases.leases.c.token)).scalars().all() == [1]
    for rig in (one, two):
        rig.notary.close()


def test_lease_from_a_clock_that_was_a_day_ahead__binds_nobody(tmp_path: Path) -> None:
    one, two = Sleeper(tmp_path / "home", "a"), Sleeper(tmp_path / "home", "b")
    receipt(one, 0)
    with one.notary.store.transaction() as connection:
        ahead = Wall().now() + 24 * 3600 * 1000
        connection.execute(sa.update(leases.leases).values(lease_until=ahead))
    leases.LEASE = LONG
    assert json.loads(receipt(two, 1))["index"] == 1
    assert code_of(lambda: receipt(one, 2)) == "notary.other_writer"
    for rig in (one, two):
        rig.notary.close()
