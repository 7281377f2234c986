"""Child processes of `chuzheng up`: started, watched, restarted when they die, ended by their own process id.

Any child may be killed at any moment; what it acknowledged is on disk, so starting it again is all the recovery there
is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ledger.errors import ChuzhengError

if TYPE_CHECKING:
    from api.settings import Settings

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STEADY_AFTER = 60.0
"""Seconds alive after which a death counts as a first one again."""
GRACE = 10.0
"""Seconds between the polite signal and the other one."""


class Running(Protocol):
    """A process of ours while it runs."""

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        ...

    def end(self) -> None:
        """Ends it, by its own process id, and waits for that."""
        ...


@dataclass
class Child:
    """One child: how to start it, and how often it died lately."""

    name: str
    start: Callable[[], Running]
    slow: bool = False
    """It waits until the child answers: an interrupt ends that, and what it began is the caller's to end."""
    process: Running | None = None
    started: float = 0.0
    delay: float = FIRST_DELAY
    not_before: float = 0.0


@dataclass
class Supervisor:
    """Starts children in order, keeps them alive until `stop`, ends them in reverse order.

    `on_death` is told the name and the exit code, or the code of the error that kept a child from starting again.
    """

    on_death: Callable[[str, int | str], None]
    children: list[Child] = field(default_factory=list)
    stopping: bool = False
    _held: bool = False
    _interrupts: int = 0

    def interrupt(self, *_: object) -> None:
        """For a signal: KeyboardInterrupt, once (what ends the children isn't interrupted by a second), and not within
        `whole`."""
        self._interrupts += 1
        if not self._held and self._interrupts == 1:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """What is done here is done to its end; an interrupt comes after it."""
        before, self._held = self._interrupts, True
        try:
            yield
        finally:
            self._held = False
        if before == 0 < self._interrupts:
            raise KeyboardInterrupt

    def add(self, name: str, start: Callable[[], Running], *, slow: bool = False) -> None:
        child = Child(name, start, slow)
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
                    self._restart(child)
                continue
            code = child.process.poll()
            if code is not None:
                self._lost(child, code)

    def stop(self) -> None:
        """Ends all children, last started first."""
        self.stopping = True
        for child in reversed(self.children):
            if child.process is not None and child.process.poll() is None:
                child.process.end()

    def _restart(self, child: Child) -> None:
        """One that can't be started now (a full disk, a port not let go of yet) is tried again later, like the dead."""
        try:
            self._start(child)
        except (ChuzhengError, OSError) as error:
            child.started = time.monotonic()
            self._lost(child, error.code if isinstance(error, ChuzhengError) else type(error).__name__)

    def _lost(self, child: Child, code: int | str) -> None:
        self.on_death(child.name, code)
        child.process = None
        now = time.monotonic()
        child.delay = FIRST_DELAY if now - child.started > STEADY_AFTER else min(child.delay * 2, LONGEST_DELAY)
        child.not_before = now + child.delay

    def _start(self, child: Child) -> None:
        # One that was begun and isn't known here yet, nobody would end.
        with contextlib.nullcontext() if child.slow else self.whole():
            child.process = child.start()
        child.started = time.monotonic()


class Served:
    """`chuzheng serve PART` as a child; its log lines go to `log_file`. It inherits `files`, as `told` tells it."""

    def __init__(
        self,
        part: str,
        settings: Settings,
        log_file: Path,
        files: Sequence[int] = (),
        told: Mapping[str, str] | None = None,
    ) -> None:
        environment = {
            **os.environ,
            "CHUZHENG_HOME": str(settings.home.absolute()),
            "CHUZHENG_PORT": str(settings.port),
            "CHUZHENG_PARENT": str(os.getpid()),
            "CHUZHENG_DEBUG": "1",  # a part that dies leaves its trace in the log
            **(told or {}),
        }
        with log_file.open("ab") as log:
            # Its own session: Ctrl-C reaches the supervisor only, which ends the children in order.
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                [sys.executable, "-m", "scripts.cli", "serve", part],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True,
                pass_fds=files,
            )  # fmt: skip

    def poll(self) -> int | None:
        return self._process.poll()

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def end_with_parent(stop: Callable[[], None], poll: float = 1.0) -> None:
    """For a served part: calls `stop` when the supervisor that started it is gone, so that nothing stays behind."""
    parent = int(os.environ.get("CHUZHENG_PARENT", "0"))
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(poll)
        stop()

    threading.Thread(target=watch, name="parent", daemon=True).start()
