"""Which bit of which status list is an entry's: a place that anybody can work out, and that no two entries share.

Pure. List n of a log holds its entries n·131,072 and on; within it a permutation keyed by log and list scatters them,
so that neighbours in the list aren't neighbours in the log. Whoever fetches a list tells only which 131,072 entries he
is interested in (Bitstring Status List v1.0, "Herd privacy"). Nothing has to be kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from notary.exports.status_list import BITS

TAG = b"chuzheng/status-list/v1\x00"
_HALF = 9
"""Bits of each half: a block of 2^18, walked until it falls below 2^17."""
_MASK = (1 << _HALF) - 1
_ROUNDS = 4


def place_of(origin: str, index: int) -> tuple[int, int]:
    """(number of the list, position in it) of the entry at `index`."""
    number, within = divmod(index, BITS)
    return number, _scatter(_key(origin, number), within)


def places_of(origin: str, number: int, indexes: Iterable[int]) -> set[int]:
    """The positions of entries `indexes`, all of them in list `number`."""
    key = _key(origin, number)
    return {_scatter(key, index - number * BITS) for index in indexes}


def _key(origin: str, number: int) -> bytes:
    return sha256(TAG + origin.encode() + b"\x00" + number.to_bytes(8, "big")).digest()


def _scatter(key: bytes, value: int) -> int:
    """A permutation of 0 … BITS − 1: a Feistel network, stepped through until it falls into the range again."""
    while True:
        left, right = value >> _HALF, value & _MASK
        for number in range(_ROUNDS):
            mixed = sha256(key + bytes([number]) + right.to_bytes(2, "big")).digest()
            left, right = right, left ^ (int.from_bytes(mixed[:2], "big") & _MASK)
        value = left << _HALF | right
        if value < BITS:
            return value
