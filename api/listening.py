"""One port for several API processes: whoever starts them opens it, they inherit it and share what comes to it.

A connection that nobody took yet belongs to none of them, so none is lost with a process that ends. Whoever has more
connections than another holds back a moment: the kernel wakes all, and by itself would let any of them be first.
How many each has stands in memory that they share; what stands there of a process that died isn't believed.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import socket
import struct
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import uvicorn

VARIABLE = "CHUZHENG_LISTENER"
"""What tells a process that it inherits: file numbers of port and counts, its place, how many places there are."""
BACKLOG = 2048
HOLD_BACK = 0.001
"""Seconds that who has more leaves a connection to the others."""
TRY_AGAIN = 0.5
"""Seconds after which a connection that couldn't be taken (no file left) is tried again."""
SPEAKS_WITHIN = 0.5
"""Seconds that who was taken last has to begin its request before what is idle is closed at the end."""
_PLACE = struct.Struct("=II")
"""Of one process: its id, 0 if it serves nobody, and its connections."""


def bound(host: str, port: int, *, several: bool = False) -> socket.socket:
    """A socket on the port, IPv6 if the address is; `several`: others of this user may bind the same port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if several:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


class Listener:
    """The open port, for who starts the processes and may start them again. OSError if it is taken."""

    def __init__(self, host: str, port: int, places: int) -> None:
        self.socket = bound(host, port)
        self.socket.listen(BACKLOG)
        self._places = places
        self._counts = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._counts.truncate(places * _PLACE.size)

    @property
    def files(self) -> tuple[int, int]:
        """What a process has to inherit."""
        return self.socket.fileno(), self._counts.fileno()

    def environment(self, place: int) -> dict[str, str]:
        """What tells it so; `place` from 0 on, the same again for who takes a dead one's."""
        return {VARIABLE: ",".join(map(str, (*self.files, place, self._places)))}

    def close(self) -> None:
        self.socket.close()
        self._counts.close()


@dataclass(frozen=True, slots=True)
class Place:
    """One process's share of the port."""

    socket: socket.socket
    counts: mmap.mmap
    number: int
    places: int

    def tell(self, connections: int, *, serving: bool = True) -> None:
        """How many this process has."""
        _PLACE.pack_into(self.counts, self.number * _PLACE.size, os.getpid() if serving else 0, connections)

    def others(self) -> list[tuple[int, int]]:
        """Process id and connections of those that serve beside it."""
        found = [_PLACE.unpack_from(self.counts, n * _PLACE.size) for n in range(self.places) if n != self.number]
        return [(pid, connections) for pid, connections in found if pid]


def inherited(environ: Mapping[str, str]) -> Place | None:
    """What the process that started this one opened for it; None: nothing."""
    if VARIABLE not in environ:
        return None
    listener, counts, number, places = map(int, environ[VARIABLE].split(","))
    for file in (listener, counts):
        os.set_inheritable(file, False)  # a worker of ours mustn't keep the port when we are gone
    mapped = mmap.mmap(counts, places * _PLACE.size)
    os.close(counts)
    return Place(socket.socket(fileno=listener), mapped, number, places)


class Intake:
    """Takes connections from a shared port while others do. `connections`: how many there are now."""

    def __init__(self, place: Place, connections: Callable[[], int], make: Callable[[], asyncio.BaseProtocol]) -> None:
        self._place, self._connections, self._make = place, connections, make
        self._loop = asyncio.get_running_loop()
        self._coming: set[asyncio.Task[Any]] = set()
        self._later: asyncio.TimerHandle | None = None
        place.socket.setblocking(False)
        self.tell()
        self._listen()

    def tell(self) -> int:
        """Tell the others how many we have."""
        count = self._connections() + len(self._coming)
        self._place.tell(count)
        return count

    async def close(self) -> None:
        """Take no more: what waits is for the others. Whoever was taken is connected when this returns."""
        self._loop.remove_reader(self._place.socket)
        if self._later is not None:
            self._later.cancel()
        self._place.tell(0, serving=False)
        self._place.socket.close()
        if self._coming:
            await asyncio.wait(self._coming)

    def _listen(self) -> None:
        self._later = None
        self._loop.add_reader(self._place.socket, self._ready)

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._place.socket)
        self._later = self._loop.call_later(seconds, then)

    def _ready(self) -> None:
        if self._another_has_fewer(self.tell()):
            self._pause(HOLD_BACK, self._after_all)
        else:
            self._take()

    def _after_all(self) -> None:
        """Whoever has fewer is busy if it is still there."""
        self._listen()
        self._take()

    def _another_has_fewer(self, own: int) -> bool:
        return any(own > count + count // 8 and _lives(pid) for pid, count in self._place.others())

    def _take(self) -> None:
        try:
            taken, _ = self._place.socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another was first, or the peer has gone
        except OSError:
            self._pause(TRY_AGAIN, self._listen)
            return
        taken.setblocking(False)
        if taken.family in (socket.AF_INET, socket.AF_INET6):
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._connect(taken))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)
        self.tell()

    async def _connect(self, taken: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, taken)
        except OSError:
            taken.close()  # the peer has gone meanwhile


class Sharing(uvicorn.Server):
    """Uvicorn's server on a shared port."""

    def __init__(self, config: uvicorn.Config, place: Place) -> None:
        super().__init__(config)
        self._place = place
        self._intake: Intake | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        self._intake = Intake(self._place, lambda: len(self.server_state.connections), self._protocol)

    async def on_tick(self, counter: int) -> bool:
        if self._intake is not None and not self.should_exit:
            self._intake.tell()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._intake is not None:
            await self._intake.close()
            await asyncio.sleep(SPEAKS_WITHIN)
        await super().shutdown(sockets=[])

    def _protocol(self) -> asyncio.BaseProtocol:
        made = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return cast(asyncio.BaseProtocol, made)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
