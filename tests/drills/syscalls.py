"""Every system call on the write path fails once: EIO, no space, no space from then on, kill -9. Then start again.

    python -m tests.drills.syscalls                  the whole matrix (some twenty minutes), figures as a table
    python -m tests.drills.syscalls --seed 7 --most 60    a sample of it: each call with each fault at least once
    python -m tests.drills.syscalls --only 0:fsync:3:EIO  one cell, to look at what went wrong

A notary opens a folder, takes records with salts, a bulk of commitments and a file, seals, and hands heads over, with
the calls of one thread counted by strace; then the same life again, with one call refused or the process killed at it.
Whatever it answered must stand after a start without faults (tests/drills/life.py). "fresh" begins with an empty log;
"torn" with what a crash left: rows that aren't in the log's files, an unfinished seal, a torn bundle.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.observing import set_up_logs
from ledger.errors import ConfigurationError, UnavailableError
from tests.drills import life
from tests.drills.tracing import Call, Lived, in_child, live, why_not
from tests.fakes.disk import FailAt, HookedDisk, ProcessKilled, never
from tests.fakes.notary import ORIGIN, START, FakeClock

FAULTS = {
    "EIO": "error=EIO:when={at}",
    "ENOSPC": "error=ENOSPC:when={at}",
    "full": "error=ENOSPC:when={at}+",
    "kill": "signal=SIGKILL:when={at}",
}
FULL = frozenset({"write", "pwrite64", "mkdir", "rename", "ftruncate", "fallocate", "link"})
"""Calls that a disk without room refuses again and again."""
STARTS = ("fresh", "torn")
REFUSED_START = (UnavailableError, ConfigurationError)
"""A key's file that can't be read counts as configuration."""


@dataclass(frozen=True, order=True)
class Cell:
    """One run: which start, which call, which fault."""

    start: str
    call: Call
    fault: str

    def __str__(self) -> str:
        c = self.call
        return f"{self.start}:{c.thread}:{c.name}:{c.at}:{self.fault} ({c.path})"


def be_a_notary(home: Path, tell: Callable[[str, object], None], opened: Callable[[], None]) -> None:
    """The life under test. A refusal must be one that says "try again"; what else is raised, is raised to the drill."""
    try:
        rig, worker = life.open_rig(home)
    except REFUSED_START as error:  # as a supervisor does: a start that is refused is tried again
        tell("refused start", error.code)
        try:
            rig, worker = life.open_rig(home)
        except REFUSED_START as again:
            tell("refused second start", again.code)
            return
    set_up_logs("info")
    opened()
    for name, act in life.SCRIPT:
        try:
            tell(name, act(rig, worker))
        except UnavailableError as error:
            tell(f"refused {name}", error.code)
        worker.pause()
    rig.notary.close()


def homes(folder: Path) -> dict[str, Path]:
    """The folders that a life begins with."""
    made = {start: folder / start for start in STARTS}
    for start, home in made.items():
        problem = in_child(lambda home=home, start=start: _make(home, start), folder / "report")  # type: ignore[misc]
        assert problem is None, problem
    [log] = (made["torn"] / "logs").iterdir()
    (log / "pending" / f"{2:016d}").write_bytes(b"CZP1 torn")
    return made


def _make(home: Path, start: str) -> None:
    dying: list[str] = []

    def die(step: str) -> None:
        if step in dying:
            os._exit(0)

    disk = HookedDisk()
    # A minute ago: what begins with a copy of this folder is another site, and comes when the lease has run out.
    rig, worker = life.open_rig(home, hook=die, disk=disk, clock=FakeClock(START - 60_000))
    if start == "torn":
        for _, act in life.SCRIPT[:2]:
            act(rig, worker)
        disk.hook = FailAt(11)
        try:
            rig.notary.seal(ORIGIN)
        except ProcessKilled:
            disk.hook = never
        else:
            raise AssertionError("the seal was to be broken off")
        dying.append("committed")  # rows that the log's files don't have
        life.SCRIPT[2][1](rig, worker)
        raise AssertionError("the commit was to be broken off")
    rig.notary.close()
    rig.notary.store.engine.dispose()


def calls_of(home: Path, work: Path) -> list[Call]:
    """All calls that a whole life makes on its folder; AssertionError if a thread makes some that isn't traced."""
    found: list[Call] = []
    threads, thread = 1, 0
    while thread < threads:
        lived = _run(home, work, thread, None)
        assert lived.status == 0, lived.told.get("died", lived.status)
        assert not [name for name in lived.told if name.startswith("refused")], lived.told
        threads = int(str(lived.told["threads"]))
        found += lived.calls
        thread += 1
    return found


def _run(home: Path, work: Path, thread: int, inject: str | None) -> Lived:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(home, work)
    return live(work, be_a_notary, thread, inject)


def matrix(start: str, calls: Iterable[Call]) -> list[Cell]:
    """Every call with every fault that it can have."""
    return [Cell(start, c, fault) for c in calls for fault in FAULTS if fault != "full" or c.name in FULL]


def sample(cells: Sequence[Cell], seed: int, most: int) -> list[Cell]:
    """Each (call, fault) at least once, whatever `most` says, and otherwise up to `most` cells by lot."""
    dice = random.Random(seed)
    mixed = dice.sample(cells, len(cells))
    first = {(cell.call.name, cell.fault): cell for cell in mixed}
    chosen = list(first.values())
    rest = [cell for cell in mixed if cell not in set(chosen)]
    return chosen + rest[: max(0, most - len(chosen))]


def attempt(cell: Cell, home: Path, work: Path) -> str | None:
    """One cell; None, or what went wrong."""
    inject = f"{cell.call.name}:{FAULTS[cell.fault].format(at=cell.call.at)}"
    lived = _run(home, work, cell.call.thread, inject)
    if lived.hung:
        return "it hangs"
    if "died" in lived.told:
        return str(lived.told["died"])
    if cell.fault == "kill":
        if not lived.killed:
            return f"wasn't killed: wait status {lived.status}"
    elif lived.status != 0 or not lived.refused:
        return f"wait status {lived.status}, {lived.refused} calls refused"
    told = {name: answer for name, answer in lived.told.items() if name in dict(life.SCRIPT)}
    return in_child(lambda: life.check(work, told, twice=False), work.with_name(work.name + ".report"))


def prepare(folder: Path) -> tuple[dict[str, Path], list[Cell]]:
    """The folders to begin with, and the whole matrix."""
    life.warm(folder / "warm")
    gc.collect()  # else the first life closes files of this one, and is counted with calls that no other makes
    made = homes(folder)
    cells = [c for start, home in made.items() for c in matrix(start, calls_of(home, folder / "dry"))]
    return made, cells


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--most", type=int, help="a sample of so many cells; all of them without it")
    parser.add_argument("--only", help="cells whose name begins so, such as fresh:0:fsync:3:EIO")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--list", action="store_true", help="only list the calls")
    options = parser.parse_args(arguments)
    if (reason := why_not()) is not None:
        print(reason, file=sys.stderr)
        return 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="syscalls-") as name:
        folder = Path(name)
        made, cells = prepare(folder)
        every = len(cells)
        if options.only:
            cells = [cell for cell in cells if str(cell).startswith(options.only)]
        if options.most:
            cells = sample(cells, options.seed, options.most)
            print(f"seed {options.seed}")
        if options.list:
            print("\n".join(map(str, cells)))
            return 0
        others = []  # forked before anything else runs here: each does every `jobs`-th cell
        for part in range(1, options.jobs):
            pid = os.fork()
            if pid == 0:
                os._exit(min(100, drill(cells[part :: options.jobs], made, folder / f"work{part}")))
            others.append(pid)
        failed = drill(cells[:: options.jobs], made, folder / "work0")
        failed += sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in others)
    print(table(cells))
    print(f"{len(cells)} of {every} runs, {failed} failed, {time.monotonic() - began:.0f} s, {os.uname().release}")
    return 1 if failed else 0


def drill(cells: Sequence[Cell], made: dict[str, Path], work: Path) -> int:
    """Try the cells, say what fails; how many."""
    failed = 0
    for done, cell in enumerate(cells, 1):
        problem = attempt(cell, made[cell.start], work)
        if problem is not None:
            failed += 1
            print(f"FAILED {cell}\n{problem}", flush=True)
        if done % 200 == 0:
            print(f"{done} of {len(cells)}, {failed} failed", flush=True)
    return failed


def table(cells: Sequence[Cell]) -> str:
    """Calls by faults, as docs/durability.md has it."""
    runs = Counter((cell.call.name, cell.fault) for cell in cells)
    places = {name: len({(c.start, c.call) for c in cells if c.call.name == name}) for name in {n for n, _ in runs}}
    lines = ["| | occurrences | " + " | ".join(FAULTS) + " |", "|---|---|" + "---|" * len(FAULTS)]
    for name in sorted(places):
        counts = " | ".join(str(runs[name, fault] or "") for fault in FAULTS)
        lines.append(f"| `{name}` | {places[name]} | {counts} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
