"""A client that costs little beside the server it measures: HTTP/1.1 over kept connections, requests made beforehand.

`as_fast_as` answers how much goes through; `at_rate` sends at times drawn beforehand and counts each latency from the
time that was meant, so that a server that stalls is charged for everyone who waited.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


@dataclass
class Outcome:
    """Latencies in seconds of what was answered as expected, and how long the whole took."""

    latencies: list[float] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)
    """Of what was sent at a rate: seconds that the client itself was late with it. They are in the latency too."""
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """One request; underscores in header names stand for hyphens."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _END + body


class Lane(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._awaited: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None
        self._start = self._whole = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's doesn't derive from it

    def connection_lost(self, exc: Exception | None) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(exc or ConnectionResetError("closed by the server"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._whole:
            end = self._received.find(_END)
            if end < 0:
                return
            found = _LENGTH.search(self._received, 0, end + 2)
            assert found is not None
            self._start, self._whole = end + 4, end + 4 + int(found[1])
        if len(self._received) >= self._whole and self._awaited is not None:
            status = int(self._received[9:12])
            answer, self._whole = bytes(self._received[self._start : self._whole]), 0
            self._received.clear()
            self._awaited.set_result((status, answer))

    async def send(self, data: bytes) -> tuple[int, bytes]:
        """Status and body."""
        assert self._transport is not None
        self._awaited = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return await self._awaited

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def lanes(port: int, count: int) -> list[Lane]:
    """`count` open connections."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Lane, "127.0.0.1", port))[1] for _ in range(count)]


async def as_fast_as(port: int, requests: Iterator[bytes], *, connections: int, expect: int = 201) -> Outcome:
    """Each connection sends the next request when it has the answer to its last, until there are none left."""
    outcome = Outcome()
    opened = await lanes(port, connections)
    start = time.perf_counter()

    async def go(lane: Lane) -> None:
        for data in requests:  # shared: each lane takes the next one
            sent = time.perf_counter()
            status, _ = await lane.send(data)
            _note(outcome, status, expect, time.perf_counter() - sent)

    await asyncio.gather(*(go(lane) for lane in opened))
    outcome.seconds = time.perf_counter() - start
    for lane in opened:
        lane.close()
    return outcome


def for_seconds(requests: Iterator[bytes], seconds: float) -> Iterator[bytes]:
    """Those that are asked for within `seconds` of the first."""
    end = time.perf_counter() + seconds
    return itertools.takewhile(lambda _: time.perf_counter() < end, requests)


async def at_rate(
    port: int,
    requests: Iterator[bytes],
    *,
    per_second: float,
    seconds: float,
    connections: int = 64,
    expect: int = 201,
    seen: Callable[[float, bytes], None] = lambda meant, answer: None,
) -> Outcome:
    """Arrivals at random (exponential gaps, fixed seed), `per_second` on average; `seen` gets each answer."""
    outcome = Outcome()
    opened = await lanes(port, connections)
    times = iter(arrivals(per_second, seconds))
    start = time.perf_counter()

    async def go(lane: Lane) -> None:
        for offset in times:  # shared: each lane takes the next arrival that nobody took
            meant, free = start + offset, time.perf_counter()
            await asyncio.sleep(max(0.0, meant - free))
            outcome.late.append(time.perf_counter() - max(meant, free))
            status, answer = await lane.send(next(requests))
            _note(outcome, status, expect, time.perf_counter() - meant)
            seen(meant, answer)

    await asyncio.gather(*(go(lane) for lane in opened))
    outcome.seconds = time.perf_counter() - start
    for lane in opened:
        lane.close()
    return outcome


def arrivals(per_second: float, seconds: float) -> Sequence[float]:
    """Seconds from the start, ascending."""
    dice = random.Random(7)
    found, at = [], 0.0
    while (at := at + dice.expovariate(per_second)) < seconds:
        found.append(at)
    return found


async def until_anchored(path: str, *, lane: Lane, patience: float = 30.0, pause: float = 0.05) -> float:
    """The moment (time.perf_counter) at which the receipt at `path` was first given out with its anchor."""
    deadline = time.perf_counter() + patience
    while time.perf_counter() < deadline:
        status, body = await lane.send(request("GET", path))
        if status == 200 and "anchor" in json.loads(body):
            return time.perf_counter()
        await asyncio.sleep(pause)
    raise TimeoutError(path)


def _note(outcome: Outcome, status: int, expect: int, took: float) -> None:
    if status == expect:
        outcome.latencies.append(took)
    else:
        outcome.refused[status] = outcome.refused.get(status, 0) + 1
