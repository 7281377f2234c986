"""Bodies: read whole under a limit, or streamed to disk under a limit; a truncated one is refused before anything else.

Async on purpose: a slow sender must not hold a thread. What comes back is complete, so that the blocking route that
follows sees all of the body or none of it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, cast

from fastapi import Request
from starlette.requests import ClientDisconnect

from ledger.errors import InputError, UnavailableError, UnreadableError

_FLUSH = 1 << 20


def declared_length(request: Request, limit: int) -> int | None:
    """Content-Length, if given; refuses early what is over `limit` bytes."""
    header = request.headers.get("content-length")
    if header is None:
        return None
    if not header.isascii() or not header.isdigit():
        raise UnreadableError("request.length")
    if int(header) > limit:
        raise InputError("request.too_large", limit=limit, found=int(header))
    return int(header)


async def pieces(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body's pieces; InputError `request.too_large` beyond `limit`, UnreadableError `request.truncated` if cut."""
    declared = declared_length(request, limit)
    received = 0
    try:
        async for piece in request.stream():
            received += len(piece)
            if received > limit:
                raise InputError("request.too_large", limit=limit, found=received)
            yield piece
    except ClientDisconnect:
        raise UnreadableError("request.truncated") from None
    if declared is not None and received != declared:
        raise UnreadableError("request.truncated")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes."""
    return b"".join([piece async for piece in pieces(request, limit)])


@asynccontextmanager
async def body_on_disk(request: Request, folder: Path, limit: int) -> AsyncIterator[BinaryIO]:
    """The whole body as a file without a name under `folder`: gone with its handle, whatever happens to the process.

    A full disk is UnavailableError `store.disk_full`.
    """
    loop = asyncio.get_running_loop()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = tempfile.TemporaryFile(dir=folder, prefix="upload-")  # noqa: SIM115 opened apart: its errors are ours
    except OSError:
        raise UnavailableError("store.disk_full", retry_after=60) from None
    with opened as file:
        waiting = bytearray()
        try:
            async for piece in pieces(request, limit):
                waiting += piece
                if len(waiting) >= _FLUSH:
                    await loop.run_in_executor(None, file.write, bytes(waiting))
                    waiting.clear()
            file.write(waiting)
            file.seek(0)
        except OSError:
            raise UnavailableError("store.disk_full", retry_after=60) from None
        yield cast(BinaryIO, file)
