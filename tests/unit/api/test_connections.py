"""Head and body of an answer go out together, and nothing is ever kept back."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from api.connections import Together

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Wire:
    """A transport that notes each call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def writelines(self, pieces: list[bytes]) -> None:
        self.sent.append(b"".join(pieces))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.mark.parametrize(
    ("pieces", "sent"),
    [
        ([HEAD, b"body"], [HEAD + b"body"]),
        ([HEAD, b"one", b"two"], [HEAD + b"one", b"two"]),
        ([HEAD, b""], [HEAD]),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", HEAD, b"body"], [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"body"]),
        ([HEAD, HEAD], [HEAD + HEAD]),  # a body may look like anything
        ([HEAD, b"x", HEAD], [HEAD + b"x", HEAD]),
        ([HEAD], [HEAD]),
    ],
)
def test_answer__head_and_body__in_one_call(pieces: list[bytes], sent: list[bytes]) -> None:
    wire = Wire()

    async def answer() -> None:
        together = Together(cast(asyncio.Transport, wire), asyncio.get_running_loop())
        for piece in pieces:
            together.write(piece)
        await asyncio.sleep(0)

    asyncio.run(answer())
    assert wire.sent == sent


def test_answer__body_later__head_doesnt_wait_for_it() -> None:
    wire = Wire()

    async def answer() -> None:
        together = Together(cast(asyncio.Transport, wire), asyncio.get_running_loop())
        together.write(HEAD)
        await asyncio.sleep(0)
        assert wire.sent == [HEAD]
        together.write(b"body")
        together.close()
        assert together.is_closing()

    asyncio.run(answer())
    assert wire.sent == [HEAD, b"body"]


def test_answer__closed_before_a_body__head_first() -> None:
    wire = Wire()

    async def answer() -> None:
        together = Together(cast(asyncio.Transport, wire), asyncio.get_running_loop())
        together.write(HEAD)
        together.close()

    asyncio.run(answer())
    assert (wire.sent, wire.closed) == ([HEAD], True)
