"""Bodies: read whole under a limit, or streamed to disk under a limit; a truncated one is refused before anything else.

Async on purpose: a slow sender must not hold a thread. What comes back is complete, so that the blocking route that
follows sees all of the body or none of it. All bodies in memory together have a limit too (`Held`).
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import coroutine
from typing import Any, BinaryIO, TypeVar, cast

from fastapi import Request
from starlette.types import Message

from ledger.errors import InputError, UnavailableError, UnreadableError

T = TypeVar("T")
_FLUSH = 1 << 20
QUIET = 30.0
"""Seconds without a single byte after which a body counts as cut off."""
LEAST_RATE = 8 << 10
"""Bytes a second that a body must come in with on average, after the first `QUIET` seconds."""
MOST_HELD = 256 << 20
"""Bytes of all bodies that are in memory at one time."""


class Held:
    """Counts the bytes of bodies in memory; whoever would go over the limit is told to come back."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._now = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """UnavailableError `server.busy` if that many more don't fit."""
        with self._lock:
            if self._now + count > self._most:
                raise UnavailableError("server.busy", retry_after=1)
            self._now += count

    def give_back(self, count: int) -> None:
        with self._lock:
            self._now -= count

    @property
    def now(self) -> int:
        return self._now


def declared_length(request: Request, limit: int) -> int | None:
    """Content-Length, if given; refuses early what is over `limit` bytes."""
    header = request.headers.get("content-length")
    if header is None:
        return None
    if not header.isascii() or not header.isdigit():
        raise UnreadableError("request.length")
    found = int(header[:20])  # more digits than that are as much too large
    if len(header) > 20 or found > limit:
        raise InputError("request.too_large", limit=limit, found=found)
    return found


async def pieces(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body's pieces. InputError `request.too_large` beyond `limit`; UnreadableError `request.truncated` if it is
    cut off, `request.too_slow` if it comes in drops."""
    declared = declared_length(request, limit)
    received, started = 0, time.monotonic()
    more = True
    while more:
        left = started + QUIET + received / LEAST_RATE - time.monotonic()
        message = await _within(max(0.0, min(QUIET, left)), request.receive())
        if message["type"] == "http.disconnect":
            raise UnreadableError("request.truncated")
        piece, more = message.get("body", b""), message.get("more_body", False)
        received += len(piece)
        if received > limit:
            raise InputError("request.too_large", limit=limit, found=received)
        if piece:
            yield piece
    if declared is not None and received != declared:
        raise UnreadableError("request.truncated")


async def _within(seconds: float, coming: Awaitable[Message]) -> Message:
    """What `coming` brings; UnreadableError `request.too_slow` after `seconds`. What is there already is taken without
    a clock: mostly it is, and setting one costs more than reading it."""
    steps = coming.__await__()
    try:
        awaited = next(steps)
    except StopIteration as done:
        return cast(Message, done.value)
    try:
        async with asyncio.timeout(seconds):
            return await _rest_of(steps, awaited)
    except TimeoutError:
        raise UnreadableError("request.too_slow") from None


@coroutine
def _rest_of(steps: Generator[Any, Any, T], awaited: Any) -> Generator[Any, Any, T]:
    """What begun `steps` bring that wait for `awaited` now."""
    while True:
        given, failed = None, None
        try:
            given = yield awaited
        except BaseException as error:
            failed = error
        try:
            awaited = steps.send(given) if failed is None else steps.throw(failed)
        except StopIteration as done:
            return cast(T, done.value)


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes; counted as held until the request is answered (observing.py)."""
    held: Held = request.app.state.held
    state = request.scope["state"]
    read = []
    async for piece in pieces(request, limit):
        held.take(len(piece))
        state["held"] = state.get("held", 0) + len(piece)
        read.append(piece)
    return read[0] if len(read) == 1 else b"".join(read)


@contextmanager
def disk_may_be_full() -> Iterator[None]:
    """OSError of writing an upload is UnavailableError `store.disk_full`."""
    try:
        yield
    except OSError:
        raise UnavailableError("store.disk_full", retry_after=60) from None


def unnamed_file(folder: Path, *, in_memory: int = 0) -> BinaryIO:
    """A file without a name under `folder`, readable by us only: gone with its handle, whatever becomes of the process.

    Up to `in_memory` bytes it isn't even on the disk.
    """
    with disk_may_be_full():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if in_memory:
            return cast(BinaryIO, tempfile.SpooledTemporaryFile(in_memory, dir=str(folder)))
        return cast(BinaryIO, tempfile.TemporaryFile(dir=folder))


@asynccontextmanager
async def body_on_disk(request: Request, folder: Path, limit: int) -> AsyncIterator[BinaryIO]:
    """The whole body as an unnamed file under `folder`. A full disk is UnavailableError `store.disk_full`."""
    loop = asyncio.get_running_loop()
    with unnamed_file(folder) as file:
        waiting = bytearray()
        with disk_may_be_full():
            async for piece in pieces(request, limit):
                waiting += piece
                if len(waiting) >= _FLUSH:
                    await loop.run_in_executor(None, file.write, bytes(waiting))
                    waiting.clear()
            file.write(waiting)
            file.seek(0)
        yield file


def split_lines(body: bytes, most: int) -> list[bytes]:
    """Lines of an NDJSON body, the last one with or without its end; an empty one counts as a wrong line."""
    lines = body.split(b"\n")
    if lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise UnreadableError("request.empty")
    if len(lines) > most:
        raise InputError("request.too_many_items", limit=most, found=len(lines))
    return lines
