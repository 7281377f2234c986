"""Several API processes on one port: each is given connections, and none is lost with one that ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.listening import VARIABLE, Intake, Listener, Place, bound, inherited
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
        Intake(place, lambda own=own: len(own), lambda own=own: Taker(own))  # type: ignore[misc]
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
        there.counts[8:12] = gone.pid.to_bytes(4, sys.byteorder)
        assert here.others() == [(gone.pid, 0)]
        assert asyncio.run(_dealt([here], "127.0.0.1", 20)) == [20]
    finally:
        listener.close()


def test_intake__the_other_is_busy__takes_its_turn_after_a_moment() -> None:
    listener = Listener("127.0.0.1", 0, 2)
    try:
        here, there = (_place(listener, n) for n in range(2))
        there.tell(0)  # this process lives, and nobody takes for the other place
        assert asyncio.run(_dealt([here], "127.0.0.1", 20)) == [20]
    finally:
        listener.close()


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
