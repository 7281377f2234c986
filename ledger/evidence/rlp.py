"""RLP, read strictly (Yellow Paper, appendix B): one encoding for each value, nothing behind it.

Pure. What isn't canonical is UnreadableError `evidence.rlp`: two encodings of one thing would have two hashes, and a
reader that repairs would judge other bytes than those that were sealed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import UnreadableError

Item = bytes | list["Item"]
MAX_DEPTH = 16
"""Lists in lists; a header has 3, a receipt 4, a trie node with nodes in it under 16."""


def encode(item: bytes | int | Sequence[object]) -> bytes:
    """RLP of bytes, a non-negative integer, or a list of them, nested at will."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _head(len(item), 0x80) + item
    body = b"".join([encode(part) for part in item])  # type: ignore[arg-type]
    return _head(len(body), 0xC0) + body


def decode(data: bytes) -> Item:
    """The one item that `data` is."""
    item, end = _item(data, 0, len(data), 0)
    if end != len(data):
        raise UnreadableError("evidence.rlp", why="trailing")
    return item


def decode_list(data: bytes) -> list[Item]:
    """The list that `data` is."""
    item = decode(data)
    if isinstance(item, bytes):
        raise UnreadableError("evidence.rlp", why="not_a_list")
    return item


def text(item: Item, where: str, length: int | None = None) -> bytes:
    """A byte string, of exactly `length` bytes where one is given."""
    if not isinstance(item, bytes) or (length is not None and len(item) != length):
        raise UnreadableError("evidence.shape", where=where)
    return item


def listed(item: Item, where: str, length: int | None = None) -> list[Item]:
    """A list, of exactly `length` items where one is given."""
    if isinstance(item, bytes) or (length is not None and len(item) != length):
        raise UnreadableError("evidence.shape", where=where)
    return item


def integer(item: Item, where: str) -> int:
    """A non-negative integer under 2^64 without leading zeros."""
    raw = text(item, where)
    if len(raw) > 8 or raw[:1] == b"\0":
        raise UnreadableError("evidence.shape", where=where)
    return int.from_bytes(raw, "big")


def _head(length: int, base: int) -> bytes:
    if length < 56:
        return bytes([base + length])
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(size)]) + size


def _item(data: bytes, at: int, limit: int, depth: int) -> tuple[Item, int]:
    """The item at `at`, which must end by `limit`, and its end."""
    if at >= limit or depth > MAX_DEPTH:
        raise UnreadableError("evidence.rlp", why="end" if at >= limit else "depth")
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    is_list = first >= 0xC0
    start, end = _span(data, at, limit, first - (0xC0 if is_list else 0x80))
    if not is_list:
        if end - start == 1 and data[start] < 0x80:
            raise UnreadableError("evidence.rlp", why="long_byte")
        return data[start:end], end
    items: list[Item] = []
    while start < end:
        item, start = _item(data, start, end, depth + 1)
        items.append(item)
    return items, end


def _span(data: bytes, at: int, limit: int, code: int) -> tuple[int, int]:
    """Where the content behind the head at `at` starts and ends; `code` is the head's length part."""
    if code < 56:
        start, length = at + 1, code
    else:
        start = at + 1 + code - 55
        size = data[at + 1 : start]
        length = int.from_bytes(size, "big")
        if start > limit or size[0] == 0 or length < 56:
            raise UnreadableError("evidence.rlp", why="length")
    if start + length > limit:
        raise UnreadableError("evidence.rlp", why="end")
    return start, start + length
