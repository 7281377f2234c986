"""Several API processes on one port: each is given connections, and none is lost with one that ends."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api import listening
from api.listening import IDLE_LOOKS, VARIABLE, Beside, Intake, Listener, Place, bound, inherited
from api.settings import Settings
from ledger.errors import ConfigurationError
from scripts import supervisor
from scripts.commands.network import _share_port
from scripts.supervisor import Supervisor
from tests.ports import free_port

SERVER = """
import os, sys, uvicorn
from api.connections import Connection
from api.listening import Sharing, inherited

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    body = str(os.getpid()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})

Sharing(uvicorn.Config(app, loop="uvloop", http=Connection, log_level="error"), inherited(os.environ)).run()
"""


def test_bound__two_listeners__both_are_given_connections() -> None:
    with bound("127.0.0.1", 0, several=True) as first:
        port = first.getsockname()[1]
        with bound("127.0.0.1", port, several=True) as second:
            listeners, clients = (first, second), []
            for listener in listeners:
                listener.listen(128)
                listener.setblocking(False)
            try:
                clients = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(64)]
                assert all(_accepted(listener) for listener in listeners)
            finally:
                for client in clients:
                    client.close()


def _accepted(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


class Taker(asyncio.Protocol):
    """Counts the connections that one intake was given."""

    def __init__(self, open_now: set[Taker]) -> None:
        self._open = open_now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)


def _place(listener: Listener, number: int) -> Place:
    """What a process would inherit, in this one."""
    given = listener.environment(number)
    name, value = next(iter(given.items()))
    files = [str(os.dup(file)) for file in listener.files]
    found = inherited({name: ",".join([*files, *value.split(",")[2:]])})
    assert found is not None
    return found


async def _dealt(places: list[Place], host: str, count: int) -> list[int]:
    """How many of `count` connections each of the places takes."""
    opened: list[set[Taker]] = [set() for _ in places]
    intakes = [
        Intake(place, lambda own=own: (len(own), len(own)), lambda own=own: Taker(own))  # type: ignore[misc]
        for place, own in zip(places, opened, strict=True)
    ]
    address = places[0].socket.getsockname()[:2]
    clients = [await asyncio.open_connection(host, address[1]) for _ in range(count)]
    for _ in range(6000):
        if sum(map(len, opened)) == count:
            break
        await asyncio.sleep(0.01)
    for intake in intakes:
        await intake.close()
    for _, writer in clients:
        writer.close()
    return [len(own) for own in opened]


@pytest.mark.parametrize(("host", "count"), [("127.0.0.1", 2), ("127.0.0.1", 64), ("::1", 9)])
def test_intake__connections__are_dealt_out_evenly(host: str, count: int) -> None:
    listener = Listener(host, 0, 2)
    try:
        dealt = asyncio.run(_dealt([_place(listener, n) for n in range(2)], host, count))
    finally:
        listener.close()
    assert sum(dealt) == count
    assert min(dealt) >= count // 2 - count // 8


def test_intake__the_other_died_with_few__takes_all() -> None:
    listener = Listener("127.0.0.1", 0, 2)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    try:
        here, there = (_place(listener, n) for n in range(2))
        there.tell(0, 0, 1)
        there.counts[16:20] = gone.pid.to_bytes(4, sys.byteorder)
        assert here.others() == [Beside(1, gone.pid, 0, 0, 1)]
        with _looks() as looks:
            assert asyncio.run(_dealt([here], "127.0.0.1", 20)) == [20]
        assert len(looks) == 20
    finally:
        listener.close()


@contextmanager
def _looks() -> Iterator[list[int]]:
    """Notes each look at the others, one item each."""
    found: list[int] = []
    others = Place.others

    def noted(self: Place) -> list[Beside]:
        found.append(self.number)
        return others(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Place, "others", noted)
        yield found


async def _left(here: Place, own: tuple[int, int], there: Place, most: int) -> bool:
    """Whether a connection is still there for the other place after `most` looks of ours, or once we took it."""
    taken: set[Taker] = set()
    intake = Intake(here, lambda: own, lambda: Taker(taken))
    with _looks() as looks:
        client = (await asyncio.open_connection(*here.socket.getsockname()[:2]))[1]
        while not taken and len(looks) < most:
            await asyncio.sleep(0)
    try:
        there.socket.accept()[0].close()
    except BlockingIOError:
        return False
    finally:
        await intake.close()
        client.close()
    return True


@pytest.mark.parametrize(
    ("own", "theirs", "left"),
    [
        ((1, 1), (0, 0), True),
        ((1, 1), (1, 0), True),  # a caller who is done is still connected there
        ((1, 1), (7, 0), True),
        ((2, 2), (1, 1), False),  # it has something to do as well: one look
        ((1, 0), (1, 1), False),
        ((1, 1), (1, 1), False),
        ((0, 0), (0, 0), False),
    ],
)
def test_intake__the_other_has_nothing_to_do__waits_until_that_one_has_woken(
    monkeypatch: pytest.MonkeyPatch, own: tuple[int, int], theirs: tuple[int, int], left: bool
) -> None:
    monkeypatch.setattr(listening, "IDLE_WITHIN", 60.0)
    listener = Listener("127.0.0.1", 0, 2)
    try:
        here, there = (_place(listener, n) for n in range(2))
        there.socket.setblocking(False)
        there.tell(*theirs, 1)
        assert asyncio.run(_left(here, own, there, 20)) is left  # 20 looks are 20 milliseconds and more
    finally:
        listener.close()


def test_intake__the_other_hangs_with_few__is_waited_for_once_for_each_sign_of_life() -> None:
    async def all_taken(here: Place, there: Place) -> list[int]:
        taken: set[Taker] = set()
        intake = Intake(here, lambda: (1 + len(taken), 1 + len(taken)), lambda: Taker(taken))
        clients, counts = [], []
        for number in range(9):
            with _looks() as looks:
                clients.append((await asyncio.open_connection(*here.socket.getsockname()[:2]))[1])
                while len(taken) <= number:
                    await asyncio.sleep(0.001)
            counts.append(len(looks))
            if number == 5:
                there.tell(0, 0, 2)
        await intake.close()
        for client in clients:
            client.close()
        return counts

    listener = Listener("127.0.0.1", 0, 2)
    try:
        here, there = (_place(listener, n) for n in range(2))
        there.tell(0, 0, 1)  # this process lives, and nobody takes for the other place
        first, *then = asyncio.run(all_taken(here, there))
    finally:
        listener.close()
    assert first > IDLE_LOOKS
    assert [count == 1 for count in then] == [True] * 5 + [False] + [True] * 2


class Full(socket.socket):
    """As for a process that has no file left."""

    def accept(self) -> tuple[socket.socket, Any]:
        raise OSError(errno.EMFILE, "no file left")


def test_intake__cant_take_any__says_so_until_it_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(here: Place, there: Place) -> list[list[Beside]]:
        full = replace(here, socket=Full(fileno=here.socket.detach()))
        intake = Intake(full, lambda: (0, 0), lambda: Taker(set()))
        found = [there.others()]
        client = (await asyncio.open_connection(*there.socket.getsockname()[:2]))[1]
        while there.others():
            await asyncio.sleep(0)
        intake.tell()  # as at each tick
        found.append(there.others())
        there.socket.accept()[0].close()
        while not there.others():
            await asyncio.sleep(0.01)
        await intake.close()
        client.close()
        return [*found, there.others()]

    listener = Listener("127.0.0.1", 0, 2)
    try:
        before, full, closed = asyncio.run(told(*(_place(listener, n) for n in range(2))))
    finally:
        listener.close()
    assert [other.number for other in before] == [0]
    assert (full, closed) == ([], [])


def test_inherited__nothing__none() -> None:
    assert inherited({}) is None


@contextmanager
def _serving(listener: Listener, place: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, **listener.environment(place)}
    process = subprocess.Popen([sys.executable, "-c", SERVER], env=environment, pass_fds=listener.files)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _served_by(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.settimeout(60)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
        return int(answer.rpartition(b"\r\n\r\n")[2])


def _until_served_by(port: int, wanted: set[int]) -> None:
    deadline = time.monotonic() + 120
    seen: set[int] = set()
    while not wanted <= seen:
        assert time.monotonic() < deadline, (wanted, seen)
        seen.add(_served_by(port))


def test_processes__one_killed_one_told_to_end__no_connection_is_refused_or_lost() -> None:
    listener = Listener("127.0.0.1", 0, 2)
    port = listener.socket.getsockname()[1]
    try:
        with _serving(listener, 0) as first:
            assert _served_by(port) == first.pid  # before it was ready this waited
            with _serving(listener, 1) as second:
                _until_served_by(port, {first.pid, second.pid})
                second.kill()
                second.wait()
                assert {_served_by(port) for _ in range(20)} == {first.pid}
            with _serving(listener, 1) as third:
                _until_served_by(port, {third.pid})
                first.send_signal(signal.SIGTERM)
                assert {_served_by(port) for _ in range(50)} <= {first.pid, third.pid}
                assert first.wait(60) == 0 or first.returncode == -signal.SIGTERM
                assert {_served_by(port) for _ in range(20)} == {third.pid}
    finally:
        listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 60).close()


def test_processes__one_stands_still__the_other_answers_all_and_it_takes_its_share_again() -> None:
    listener = Listener("127.0.0.1", 0, 2)
    port = listener.socket.getsockname()[1]
    try:
        with _serving(listener, 0) as first, _serving(listener, 1) as second:
            _until_served_by(port, {first.pid, second.pid})
            second.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, second.pid, os.WSTOPPED)
            with socket.create_connection(("127.0.0.1", port), 60):  # so that the one that stands still has less to do
                assert {_served_by(port) for _ in range(20)} == {first.pid}
            second.send_signal(signal.SIGCONT)
            _until_served_by(port, {first.pid, second.pid})
    finally:
        listener.close()


def test_share_port__processes__each_has_its_place_and_the_port_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, str]] = []

    class Started:
        def __init__(self, part: str, _: Settings, log: Path, files: Sequence[int], given: dict[str, str]) -> None:
            told.append({"part": part, "log": log.name, "files": str(tuple(files)), **given})

        def poll(self) -> int | None:
            return None

        def end(self) -> None:
            return

    monkeypatch.setattr(supervisor, "Served", Started)
    settings = Settings(home=tmp_path, port=free_port(), api_processes=3)
    watched = Supervisor(on_death=lambda *_: None)
    listener = _share_port(settings, watched, tmp_path)
    try:
        assert [(one["part"], one["log"]) for one in told] == [("api", f"{n}.log") for n in ("api", "api-2", "api-3")]
        assert [one[VARIABLE].split(",")[2:] for one in told] == [[str(n), "3"] for n in range(3)]
        assert {one["files"] for one in told} == {str(listener.files)}
        assert not any(os.get_inheritable(file) for file in listener.files)
        with pytest.raises(ConfigurationError, match="port_taken"):
            _share_port(settings, watched, tmp_path)
    finally:
        listener.close()
