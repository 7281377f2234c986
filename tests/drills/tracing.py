"""One process under strace: which system calls it makes on its folder, or the same life with one of them refused.

strace counts the calls of each thread by themselves, so one thread is traced at a time: the main one from before the
notary opens, another from just after. The child is forked from a process that has everything imported, and so makes no
call that isn't the notary's; answers leave over a socket, with a system call that is never refused.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "open", "openat", "creat", "write", "pwrite64", "writev", "pwritev", "pwritev2", "fsync", "fdatasync",
    "sync_file_range", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "close", "mkdir",
    "mkdirat", "rmdir", "ftruncate", "fallocate", "flock", "fchmod",
)  # fmt: skip
"""What a writing path is made of; names that this machine doesn't know are left out."""
PATIENCE = 120.0
"""Seconds after which a life counts as hanging: it takes a fifth of one."""
_LINE = re.compile(r"(?:\[pid +\d+\] )?(\w+)\((.*)")
_PR_SET_PTRACER, _ANY = 0x59616D61, ctypes.c_ulong(-1)

Life = Callable[[Path, Callable[[str, object], None], Callable[[], None]], None]
"""(folder, tell, opened): calls `opened` once its threads are there, and `tell` for what it did."""


@dataclass(frozen=True, order=True)
class Call:
    """The `at`-th call (from 1) of its name in a thread (0 the main one); `path` is what it was about."""

    thread: int
    name: str
    at: int
    path: str


@dataclass
class Lived:
    """What came of a life: `told` by it, its wait status, the calls on its folder, and how often one was refused."""

    told: dict[str, object]
    status: int
    calls: list[Call]
    hung: bool
    refused: int

    @property
    def killed(self) -> bool:
        return os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL


def why_not() -> str | None:
    """Why nothing can be traced here; None if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed (apt-get install strace)"
    tried = subprocess.run(
        ["strace", "-qq", "-e", "trace=none", "-e", "inject=sync:error=EIO", "true"], capture_output=True, check=False
    )
    return None if tried.returncode == 0 else "ptrace is not permitted here"


def known_calls() -> str:
    """The names of CALLS that this machine's strace knows, as it takes them."""
    return ",".join("?" + name for name in CALLS)


def live(home: Path, life: Life, thread: int, inject: str | None = None) -> Lived:
    """Let `life` run in a forked process with one of its threads traced; `inject` as strace takes it."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _be(home, life, thread, theirs)
    theirs.close()
    log = home.with_name(home.name + ".strace")
    with ours, ours.makefile("r") as lines:
        ours.settimeout(PATIENCE)
        tids = json.loads(lines.readline())
        if thread >= len(tids):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise IndexError(thread)
        tracer = _attach(tids[thread], log, inject)
        ours.sendall(b"!")
        told: dict[str, object] = {}
        hung = False
        try:
            for line in lines:
                told.update([json.loads(line)])
        except (TimeoutError, OSError):
            hung = True
            os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    tracer.wait(PATIENCE)
    calls, refused = _read(log, home, thread)
    log.unlink()
    return Lived(told, status, calls, hung, refused)


def in_child(work: Callable[[], None], report: Path) -> str | None:
    """Run `work` in a forked process, as after a restart; None if it ends well, else what it died of."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            report.write_text(traceback.format_exc())
        finally:
            os._exit(code)
    end = time.monotonic() + PATIENCE
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "the restart hangs"
        time.sleep(0.002)
    if status == 0:
        return None
    return report.read_text() if report.exists() else f"wait status {status}"


def _be(home: Path, life: Life, thread: int, channel: socket.socket) -> None:
    """The child: never returns."""
    code = 1
    try:
        with suppress(OSError, AttributeError):  # where only ancestors may trace (Yama), say that anyone may
            ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)

        def threads() -> list[int]:
            others = (t.native_id for t in threading.enumerate() if t is not threading.main_thread())
            return [os.getpid(), *sorted(t for t in others if t is not None)]

        def send(value: object) -> None:
            channel.sendall(json.dumps(value).encode() + b"\n")

        def wait() -> None:
            send(threads())
            channel.recv(1)

        if thread == 0:
            wait()
        most = [1]

        def tell(name: str, value: object) -> None:
            most[0] = max(most[0], len(threads()))
            send([name, value])

        life(home, tell, (lambda: None) if thread == 0 else wait)
        send(["threads", most[0]])
        code = 0
    except BaseException:
        with suppress(OSError):
            channel.sendall(json.dumps(["died", traceback.format_exc()]).encode() + b"\n")
    finally:
        os._exit(code)


def _attach(tid: int, log: Path, inject: str | None) -> subprocess.Popen[bytes]:
    command = ["strace", "-qq", "-y", "-s", "0", "-o", str(log), "-e", f"trace={known_calls()}"]
    if inject is not None:
        command += ["-e", f"inject={inject}"]
    tracer = subprocess.Popen([*command, "-p", str(tid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + PATIENCE
    while f"TracerPid:\t{tracer.pid}\n" not in Path(f"/proc/{tid}/status").read_text():
        if tracer.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"strace ended with {tracer.poll()} before it traced anything")
        time.sleep(0.0005)
    return tracer


def _read(log: Path, home: Path, thread: int) -> tuple[list[Call], int]:
    """The calls about something in `home`, each with its number among all calls of its name, and how many of them
    were refused by us."""
    seen: Counter[str] = Counter()
    found: list[Call] = []
    refused = 0
    inside = re.compile(re.escape(str(home)) + r"(?:/([^\">]*))?[\">]")
    for line in log.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        name = match[1]
        seen[name] += 1
        paths = inside.findall(match[2])
        if paths:
            found.append(Call(thread, name, seen[name], paths[-1] or "."))
            refused += "(INJECTED)" in line
    return found, refused
