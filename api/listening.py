"""One port for several API processes: whoever starts them opens it, they inherit it and share what comes to it.

A connection that nobody took yet belongs to none of them, so none is lost with a process that ends. The kernel wakes
all, and by itself would let any of them be first: so whoever has more to do leaves a connection to one that has nothing
to do, until that one has woken and taken it, however slow the host is. What each has stands in memory that they share.
Who hangs is waited for once, and again only after a sign of life; who died, or can't take any, isn't.
"""

from __future__ import annotations

import asyncio
import itertools
import mmap
import os
import select
import socket
import struct
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import uvicorn

from api.connections import Connection

VARIABLE = "CHUZHENG_LISTENER"
"""What tells a process that it inherits: file numbers of port and counts, its place, how many places there are."""
BACKLOG = 2048
LOOK_AGAIN = 0.001
"""Seconds between looks whether a connection that was left to another is still there; to one that has something to do,
but less, it is left for one look."""
IDLE_WITHIN, IDLE_LOOKS = 0.25, 25
"""Seconds in which one that has nothing to do must have woken, and looks, since we may have been stopped ourselves;
later it hangs, and isn't waited for."""
OWED = 8
"""What a connection weighs from which a request or to which an answer is awaited; one that only stays open weighs 1."""
TRY_AGAIN = 0.5
"""Seconds after which a connection that couldn't be taken (no file left) is tried again."""
SPEAKS_WITHIN = 0.5
"""Seconds that who was taken last has to begin its request before what is idle is closed at the end."""
_PLACE = struct.Struct("=IIII")
"""Of one process: its id, 0 if it can't take any; connections; those of them that are owed something; signs of life."""


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
class Beside:
    """What another process tells of itself."""

    number: int
    pid: int
    connections: int
    owed: int
    signs: int

    @property
    def load(self) -> int:
        return load(self.connections, self.owed)

    @property
    def lives(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


@dataclass(frozen=True, slots=True)
class Place:
    """One process's share of the port."""

    socket: socket.socket
    counts: mmap.mmap
    number: int
    places: int

    def tell(self, connections: int, owed: int, signs: int, *, takes: bool = True) -> None:
        """How many this process has; `signs` is another number each time."""
        own = (os.getpid() if takes else 0, connections, owed, signs & 0xFFFFFFFF)
        _PLACE.pack_into(self.counts, self.number * _PLACE.size, *own)

    def others(self) -> list[Beside]:
        """Those that take connections beside it."""
        numbers = [number for number in range(self.places) if number != self.number]
        found = [Beside(number, *_PLACE.unpack_from(self.counts, number * _PLACE.size)) for number in numbers]
        return [other for other in found if other.pid]


def load(connections: int, owed: int) -> int:
    """How much a process has to do; `owed` of its connections are waiting for something."""
    return connections + (OWED - 1) * owed


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
    """Takes connections from a shared port while others do. `counted`: how many there are now, and how many of them are
    owed something; call `tell` when there are none of these any more, or one again, and now and then."""

    def __init__(
        self, place: Place, counted: Callable[[], tuple[int, int]], make: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        self._place, self._counted, self._make = place, counted, make
        self._loop = asyncio.get_running_loop()
        self._coming: set[asyncio.Task[Any]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._signs = itertools.count(1)
        self._since, self._looks = 0.0, 0  # when what waits was first left to another, and how often since
        self._given_up: dict[int, tuple[int, int]] = {}  # by place: id and signs of whom we waited for in vain
        self._waiting = select.poll()
        self._waiting.register(place.socket, select.POLLIN)
        place.socket.setblocking(False)
        self._takes = True
        self._listen()

    def tell(self) -> int:
        """Tell the others how much we have to do."""
        connections, owed = self._counted()
        coming = len(self._coming)
        self._place.tell(connections + coming, owed + coming, next(self._signs), takes=self._takes)
        return load(connections + coming, owed + coming)

    async def close(self) -> None:
        """Take no more: what waits is for the others. Whoever was taken is connected when this returns."""
        self._loop.remove_reader(self._place.socket)
        if self._later is not None:
            self._later.cancel()
        self._takes = False
        self.tell()
        self._place.socket.close()
        if self._coming:
            await asyncio.wait(self._coming)

    def _listen(self) -> None:
        self._later, self._takes = None, True
        self.tell()
        self._loop.add_reader(self._place.socket, self._ready)

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._place.socket)
        self._later = self._loop.call_later(seconds, then)

    def _ready(self) -> None:
        """A connection waits: take it, or leave it for now to who has less to do."""
        wanted = self._with_less(self.tell())
        if not self._looks:
            self._since = self._loop.time()
        idle = any(not other.owed for other in wanted)
        late = self._looks >= IDLE_LOOKS and self._loop.time() - self._since >= IDLE_WITHIN
        if wanted and not (late if idle else self._looks):
            self._looks += 1
            self._pause(LOOK_AGAIN, self._again)
            return
        self._given_up.update({other.number: (other.pid, other.signs) for other in wanted})
        self._looks = 0
        self._take()

    def _again(self) -> None:
        self._listen()
        if self._waiting.poll(0):
            self._ready()
        else:
            self._looks = 0

    def _with_less(self, own: int) -> list[Beside]:
        """Who may be expected to take a connection before us."""
        less = [other for other in self._place.others() if own > other.load + other.load // 8]
        return [o for o in less if self._given_up.get(o.number) != (o.pid, o.signs) and o.lives]

    def _take(self) -> None:
        try:
            taken, _ = self._place.socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another was first, or the peer has gone
        except OSError:
            self._takes = False
            self.tell()
            self._pause(TRY_AGAIN, self._listen)
            return
        taken.setblocking(False)
        if taken.family in (socket.AF_INET, socket.AF_INET6):
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._connect(taken))
        self._coming.add(task)
        task.add_done_callback(self._came)
        self.tell()

    def _came(self, task: asyncio.Task[Any]) -> None:
        self._coming.discard(task)
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
        self._intake = Intake(self._place, self._counted, self._protocol)
        Connection.on_owing = self._intake.tell

    async def on_tick(self, counter: int) -> bool:
        if self._intake is not None:
            self._intake.tell()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._intake is not None:
            await self._intake.close()
            await asyncio.sleep(SPEAKS_WITHIN)
        await super().shutdown(sockets=[])

    def _counted(self) -> tuple[int, int]:
        return len(self.server_state.connections), len(Connection.owing)

    def _protocol(self) -> asyncio.BaseProtocol:
        made = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return cast(asyncio.BaseProtocol, made)
