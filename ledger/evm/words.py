"""ABI decoding of what events mostly hold: types of one word each. Some thirty times as fast as the general one, and as
strict (a property test holds the two against each other): an indexer that catches up decodes thousands a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

WORD = 32
_UINT = re.compile(r"uint(\d+)")
_BYTES = re.compile(r"bytes(\d+)")
Reader = Callable[[bytes], Any]
"""a word → its value; ValueError if it isn't one"""


def decode_words(types: Sequence[str], data: bytes) -> tuple[Any, ...] | None:
    """The values; None where a type isn't one of a single word. ValueError if the data are too short or not strict."""
    readers = _readers(tuple(types))
    if readers is None:
        return None
    if len(data) < WORD * len(readers):
        raise ValueError("short")
    return tuple([read(data[i * WORD : (i + 1) * WORD]) for i, read in enumerate(readers)])


@cache
def _readers(types: tuple[str, ...]) -> tuple[Reader, ...] | None:
    found = tuple(_reader(kind) for kind in types)
    return None if None in found else found  # type: ignore[return-value]


def _reader(kind: str) -> Reader | None:
    if kind == "address":
        return _address
    if kind == "bool":
        return _bool
    if kind == "bytes32":
        return bytes
    if (found := _UINT.fullmatch(kind)) and int(found[1]) <= 256:
        limit = 1 << int(found[1])
        return lambda word: _below(word, limit)
    if (found := _BYTES.fullmatch(kind)) and 0 < int(found[1]) < WORD:
        size = int(found[1])
        return lambda word: _padded(word, size)
    return None


def _address(word: bytes) -> str:
    if any(word[:12]):
        raise ValueError("address")
    return "0x" + word[12:].hex()


def _bool(word: bytes) -> bool:
    return bool(_below(word, 2))


def _below(word: bytes, limit: int) -> int:
    value = int.from_bytes(word, "big")
    if value >= limit:
        raise ValueError("integer")
    return value


def _padded(word: bytes, size: int) -> bytes:
    if any(word[size:]):
        raise ValueError("bytes")
    return word[:size]
