"""What a file of tests mustn't leave to the next one in its process: threads that go on, and settings of the process.

A thread that works on takes memory, locks and processor time from tests that know nothing of it, and a setting that
stays changes what they see: each fails a test of another file, once in ten thousand times. So they are looked for where
they come from. A shared fixture that lives longer than a file begins its threads within `lasting`.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import format_stack
from typing import Any
from weakref import WeakSet

import structlog

from notary.accept import Acceptance

PATIENCE = 60.0
"""Seconds for what was told to end and is about to, on a machine where all is slow."""
_lasting: WeakSet[threading.Thread] = WeakSet()
_POOLS = ("AnyIO worker thread", "asyncio_")
"""Idle threads of an event loop, that end with it; the loop's own thread is looked for."""
_OF_THE_RUNNER = ("PYTEST_", "HYPOTHESIS_", "COV_")
_LIMITS = [resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_CORE]


@contextmanager
def lasting() -> Iterator[None]:
    """Threads that begin within are a shared fixture's own, and outlive files of tests."""
    before = set(threading.enumerate())
    yield
    _lasting.update(set(threading.enumerate()) - before)


@contextmanager
def nothing_left() -> Iterator[None]:
    """AssertionError with the names where something that began within goes on, or a setting isn't as it was."""
    threads, settings = set(threading.enumerate()), settings_of_process()
    with logs_as_before():
        yield
    # A notary that no test closed holds threads that wait for work for ever, and itself with them.
    for thread in begun_since(threads):
        of = getattr(getattr(thread, "_target", None), "__self__", None)
        if isinstance(of, Acceptance):
            threading.Thread(target=of.close, name="close", daemon=True).start()  # whatever hangs there is named below
    if begun_since(threads):
        gc.collect()  # a connection that nobody holds any more keeps its server's thread until it is collected
    until = time.monotonic() + PATIENCE
    while (left := begun_since(threads)) and time.monotonic() < until:
        left[0].join(0.05)
    frames = sys._current_frames()
    where = {t.name: "".join(format_stack(frames.get(t.ident or 0))) for t in left}
    assert not left, "threads of this file go on: " + "; ".join(f"{name}\n{at}" for name, at in where.items())
    found = settings_of_process()
    changed = {name: different(was, found[name]) for name, was in settings.items() if was != found[name]}
    assert not changed, f"settings of the process are not as they were (before, now): {changed}"


def different(was: Any, now: Any) -> Any:
    """What a message tells of it: of the environment names alone, as a value may be a secret."""
    return sorted(k for k in was | now if was.get(k) != now.get(k)) if isinstance(was, dict) else (was, now)


@contextmanager
def logs_as_before() -> Iterator[None]:
    """Whoever assembles the application sets up logs: by right, and for its file alone."""
    configured, levels = structlog.get_config(), {one: (one.level, one.disabled) for one in loggers()}
    yield
    structlog.configure(**configured)
    for one in loggers():
        one.level, one.disabled = levels.get(one, (one.level, one.disabled))
    logging.root.manager._clear_cache()  # type: ignore[attr-defined]  # what each remembers of the levels above it


def loggers() -> list[logging.Logger]:
    return [logging.root, *(x for x in logging.root.manager.loggerDict.values() if isinstance(x, logging.Logger))]


def begun_since(before: set[threading.Thread]) -> list[threading.Thread]:
    """Threads that weren't there and go on, shared fixtures' own aside."""
    own = [t for t in threading.enumerate() if t not in before and t not in _lasting and not t.name.startswith(_POOLS)]
    return [t for t in own if t.is_alive()]


def settings_of_process() -> dict[str, Any]:
    """What every test of a process shares and any may change, by name; in a form that compares."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found: dict[str, Any] = {
        "environment": {k: v for k, v in os.environ.items() if not k.startswith(_OF_THE_RUNNER)},
        "folder": os.getcwd(),
        "temporary folder": tempfile.gettempdir(),
        "umask": [line for line in status.splitlines() if line.startswith("Umask")],
        "signals": {n: signal.getsignal(n) for n in signal.valid_signals()},
        "limits": [resource.getrlimit(limit) for limit in _LIMITS],
    }
    asked: dict[str, Callable[[], Any]] = {
        "garbage collection": lambda: (gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.get_freeze_count()),
        "switch interval": sys.getswitchinterval,
        "digits": sys.get_int_max_str_digits, "tracing of memory": tracemalloc.is_tracing,
        "tracing": lambda: (sys.gettrace(), sys.getprofile()), "time zone": lambda: (time.tzname, time.timezone),
        "socket timeout": socket.getdefaulttimeout, "import path": lambda: list(sys.path),
    }  # fmt: skip
    return found | {name: ask() for name, ask in asked.items()}
