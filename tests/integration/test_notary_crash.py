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
from pathlib import Path

import pytest

from tests.databases import newest_sqlite
from tests.drills.life import SCRIPT, check, open_rig
from tests.fakes.disk import HookedDisk

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


def live(home: Path, at: int | None, acknowledged: int) -> None:
    """The child's life: run the script, tell each answer, die at point `at`."""
    points = Points(None)
    rig, worker = open_rig(home, hook=points.step, disk=HookedDisk(points.disk))
    points.at = at
    points.passed = 0
    points.names.clear()
    for name, act in SCRIPT:
        os.write(acknowledged, json.dumps([name, act(rig, worker)]).encode() + b"\n")
    os.write(acknowledged, json.dumps(["points", points.names]).encode() + b"\n")
    rig.notary.close()


def run(home: Path, at: int | None) -> dict[str, object]:
    """What a forked child acknowledged before it died, or at its end."""
    newest_sqlite()
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
