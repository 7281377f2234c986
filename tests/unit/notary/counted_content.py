"""The content of tests/vectors/cid: of any length, made while it is read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

CASES = json.loads((Path(__file__).parents[2] / "vectors/cid/cids.json").read_text(encoding="utf-8"))["cases"]


class Counted(io.RawIOBase):
    """The vector's content as a stream: SHA-256(seed || u64(0)) || SHA-256(seed || u64(1)) || …"""

    def __init__(self, seed: str, length: int) -> None:
        self._left = length
        self._pieces = self._blocks(sha256(seed.encode()))
        self._rest = b""

    @staticmethod
    def _blocks(start: Any) -> Iterator[bytes]:
        number = 0
        while True:
            piece = []
            for i in range(number, number + 4096):
                block = start.copy()
                block.update(i.to_bytes(8, "big"))
                piece.append(block.digest())
            number += 4096
            yield b"".join(piece)

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        while len(self._rest) < wanted:
            self._rest += next(self._pieces)
        data, self._rest = self._rest[:wanted], self._rest[wanted:]
        self._left -= wanted
        return data


def content(length: int) -> bytes:
    return Counted("content", length).read()
