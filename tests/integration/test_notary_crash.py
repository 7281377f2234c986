"""kill -9 at every step of the commit order, and at every writing call of the log's disk; then restart and go on.

What must hold wherever it dies (formats.md §5, architecture.md): no acknowledged receipt is lost or changed; a retry
gives the same receipt; no entry twice, none without its salt; no size of the log handed to the chain twice.
A child process is forked, works through a script of calls and acknowledges each on a pipe; it kills itself at the k-th
point. The parent restarts on the same folder and sends everything again.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.evm.outbox import Outbox
from ledger.store.tables import outbox
from notary.fsck import fsck
from notary.receipts import split
from notary.worker import Worker
from tests.fakes.disk import HookedDisk
from tests.fakes.notary import ISSUER, LANE, ORIGIN, FakeClock, Rig, certificate, document, packed

EVERY = int(os.environ.get("CHUZHENG_CRASH_EVERY", "11"))
"""Each run tries every 11th point; 1 tries all of them."""


class Points:
    """Counts the points passed; kill -9 at one of them."""

    def __init__(self, at: int | None) -> None:
        self.at, self.passed, self.names = at, 0, list[str]()

    def step(self, name: str) -> None:
        self.names.append(name)
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1

    def disk(self, call: str, path: Path) -> None:
        self.step(f"{call} {path.name}")


BULK = 300
TOTAL = BULK + 7
Act = tuple[str, Callable[[Rig, Worker], object]]


def _records(count: int, first: int, key: str | None) -> Callable[[Rig, Worker], object]:
    def act(rig: Rig, _: Worker) -> object:
        records = [certificate(n) for n in range(first, first + count)]
        accepted = rig.notary.accept_records(ISSUER, ORIGIN, records, key=key)
        return [a.receipt.to_json().decode() for a in accepted]

    return act


def _document(rig: Rig, _: Worker) -> object:
    return [rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])[0].receipt.to_json().decode()]


def _commitments(rig: Rig, _: Worker) -> object:
    bundle = rig.notary.accept_commitments(ISSUER, ORIGIN, packed(BULK), key="bulk of commitments")
    return [[r.entry.to_bytes().hex(), r.index] for r in split(bundle)]


def _anchor(rig: Rig, worker: Worker) -> object:
    rig.clock.at = 4_000_000_000_000  # whatever waits has waited long enough
    worker.step()
    return None


SCRIPT: list[Act] = [
    ("single", _records(1, 0, None)),
    ("document", _document),
    ("bulk", _records(4, 1, "bulk")),
    ("anchor", _anchor),
    ("commitments", _commitments),
    ("anchor again", _anchor),
    ("later single", _records(1, 5, "own key")),
    ("last anchor", _anchor),
]


def open_rig(home: Path, points: Points | None) -> tuple[Rig, Worker]:
    disk = HookedDisk(points.disk) if points else None
    rig = Rig(home, clock=FakeClock(), hook=points.step if points else lambda step: None, disk=disk)
    made = Worker(rig.notary, Outbox(rig.notary.store.engine), rig.index, lanes={ORIGIN: LANE}, clock=rig.clock)
    return rig, made


def live(home: Path, at: int | None, acknowledged: int) -> None:
    """The child's life: run the script, tell each answer, die at point `at`."""
    points = Points(None)
    rig, worker = open_rig(home, points)
    points.at = at
    points.passed = 0
    points.names.clear()
    for name, act in SCRIPT:
        os.write(acknowledged, json.dumps([name, act(rig, worker)]).encode() + b"\n")
    os.write(acknowledged, json.dumps(["points", points.names]).encode() + b"\n")
    rig.notary.close()


def run(home: Path, at: int | None) -> dict[str, object]:
    """What a forked child acknowledged before it died, or at its end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read)
            live(home, at, write)
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert died if at is not None else status == 0
    return {name: answer for name, answer in (json.loads(line) for line in told.splitlines())}


def check(home: Path, acknowledged: dict[str, object]) -> None:
    rig, worker = open_rig(home, None)
    try:
        answers = {name: act(rig, worker) for name, act in SCRIPT}
        for name, answer in acknowledged.items():
            assert answers[name] == answer, f"{name}: a retry gave another answer"
        assert answers == {name: act(rig, worker) for name, act in SCRIPT}
        entries = rig.entries()
        assert len(entries) == len(set(entries)) == TOTAL
        salted = [n for n in range(TOTAL) if rig.notary.receipt(ORIGIN, n, salted=True).salt is not None]
        assert len(salted) == TOTAL - BULK
        for index in salted:
            assert rig.notary.record(ORIGIN, index)["issuer"] == ISSUER
        log = rig.notary.log(ORIGIN)
        with rig.notary.store.reading() as connection:
            rows = enumerate(rig.notary.store.entries_from(connection, log.id, 0, TOTAL + 1))
        report = fsck(rig.log, rows=rows)
        assert report.sound, report
        check_anchors(rig, worker)
    finally:
        rig.notary.close()


def check_anchors(rig: Rig, worker: Worker) -> None:
    """Every size was handed over at most once, and the chain can take them in order until the log is anchored."""
    with rig.notary.store.reading() as connection:
        keys = list(connection.scalars(sa.select(outbox.c.intent_key).order_by(outbox.c.id)))
    assert len(keys) == len(set(keys)) >= 1
    sizes = [int(key.split("/")[2]) for key in keys]
    assert sizes == sorted(set(sizes))
    log_id = rig.notary.log(ORIGIN).log_id
    for size in sizes:
        rig.chain.anchor(log_id, size, rig.log.root(size))
    worker.step()
    if sizes[-1] < TOTAL:
        with rig.notary.store.reading() as connection:
            assert connection.scalar(sa.select(outbox.c.intent_key).order_by(outbox.c.id.desc())) == (
                f"anchor/{log_id.hex()}/{TOTAL}"
            )


def points_of(home: Path) -> list[str]:
    told = run(home, None)["points"]
    assert isinstance(told, list)
    return told


@pytest.mark.parametrize("start", [0, 5] if EVERY > 5 else range(EVERY))
def test_kill__at_points_of_the_commit_order__nothing_acknowledged_is_lost(tmp_path: Path, start: int) -> None:
    names = points_of(tmp_path / "whole")
    check(tmp_path / "whole", {})
    assert {"locked", "caught_up", "written", "committed", "appended"} <= set(names)
    for at in range(start, len(names), EVERY):
        home = tmp_path / f"at{at}"
        check(home, run(home, at))


@pytest.mark.parametrize("step", ["locked", "caught_up", "written", "committed", "appended"])
def test_kill__at_each_named_step_of_each_call__nothing_acknowledged_is_lost(tmp_path: Path, step: str) -> None:
    names = points_of(tmp_path / "whole")
    for at in [n for n, name in enumerate(names) if name == step]:
        home = tmp_path / f"at{at}"
        check(home, run(home, at))


def test_kill__twice_in_a_row__recovery_itself_may_die(tmp_path: Path) -> None:
    names = points_of(tmp_path / "whole")
    committed = [n for n, name in enumerate(names) if name == "committed"]
    home = tmp_path / "home"
    told = run(home, committed[2])
    for again in (0, 3, 6, 9):
        told = run(home, again) | told
    check(home, told)
