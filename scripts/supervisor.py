"""Child processes of `chuzheng up`: started, watched, restarted when they die, ended by their own process id.

Any child may be killed at any moment; what it acknowledged is on disk, so starting it again is all the recovery there is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STEADY_AFTER = 60.0
"""Seconds alive after which a death counts as a first one again."""
GRACE = 10.0
"""Seconds between the polite signal and the other one."""


@dataclass
class Child:
    """One child: how to start it, and how often it died lately."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = FIRST_DELAY
    not_before: float = 0.0


@dataclass
class Supervisor:
    """Starts children in order, keeps them alive until `stop`, ends them in reverse order."""

    on_death: Callable[[str, int], None]
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    def add(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        child = Child(name, start)
        self.children.append(child)
        self._start(child)

    def watch(self, until: Callable[[], bool] = lambda: False, poll: float = 0.2) -> None:
        """Returns when `until` says so or `stop` was asked for; dead children are started again, ever more slowly."""
        while not self.stopping and not until():
            self.revive()
            time.sleep(poll)

    def revive(self) -> None:
        """Starts again what died, unless its delay isn't over."""
        now = time.monotonic()
        for child in self.children:
            if child.process is None:
                if now >= child.not_before:
                    self._start(child)
                continue
            code = child.process.poll()
            if code is None:
                continue
            self.on_death(child.name, code)
            child.process = None
            child.delay = FIRST_DELAY if now - child.started > STEADY_AFTER else min(child.delay * 2, LONGEST_DELAY)
            child.not_before = now + child.delay

    def ask_to_stop(self, *_: object) -> None:
        """Signal handler: leave `watch` at the next turn."""
        self.stopping = True

    def stop(self) -> None:
        """Ends all children, last started first; a second signal can't interrupt it."""
        self.stopping = True
        for child in reversed(self.children):
            process = child.process
            if process is None or process.poll() is not None:
                continue
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, child: Child) -> None:
        child.process = child.start()
        child.started = time.monotonic()


def serve(part: str, home: Path, log_file: Path, arguments: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """A process of ours (`chuzheng serve PART`) whose log lines go to `log_file`. Settings go by environment, never secrets."""
    environment = {**os.environ, "CHUZHENG_HOME": str(home)}
    with log_file.open("ab") as log:
        # Its own session: Ctrl-C reaches the supervisor only, which ends the children in order.
        return subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "scripts.cli", "serve", part, *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True,
        )  # fmt: skip
