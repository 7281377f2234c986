"""CIDs of profile unixfs-v1-2025: CIDv1, SHA-256, raw leaves of 1 MiB, at most 1,024 links a node, balanced.

Pure but for the stream that is read. The builder keeps one list of links per level, so that a file of any size is
named in flat memory; every block is handed to `on_block` as soon as it is complete, children before parents.
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from ledger.errors import UnreadableError

LEAF_BYTES = 1 << 20
MAX_LINKS = 1024
RAW = 0x55
DAG_PB = 0x70
EMPTY_FILE = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
"""The file of no bytes: any store can be asked whether it has it."""
_UNIXFS_FILE = b"\x08\x02"

OnBlock = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Link:
    """A block below: binary CID, cumulative size (the block and everything below), bytes of file content."""

    cid: bytes
    total: int
    content: int


class CidBuilder:
    """Feed a file piece by piece with `update`, then `finish` gives its CID."""

    def __init__(self, on_block: OnBlock | None = None) -> None:
        self._on_block = on_block
        self._rest = bytearray()
        self._levels: list[list[Link]] = [[]]

    def update(self, data: bytes) -> None:
        """Take the next bytes of the file, any number of them."""
        self._rest += data
        if len(self._rest) < LEAF_BYTES:
            return
        view = bytes(self._rest)
        whole = len(view) - len(view) % LEAF_BYTES
        for at in range(0, whole, LEAF_BYTES):
            self._leaf(view[at : at + LEAF_BYTES])
        self._rest = bytearray(view[whole:])

    def finish(self) -> str:
        """The file's CID as text; the builder is used up."""
        if self._rest or not any(self._levels):
            self._leaf(bytes(self._rest))
            self._rest = bytearray()
        level = 0
        while level + 1 < len(self._levels) or len(self._levels[level]) > 1:
            if self._levels[level]:
                self._close(level)
            level += 1
        return cid_text(self._levels[level][0].cid)

    def _leaf(self, block: bytes) -> None:
        self._add(0, Link(self._emit(RAW, block), len(block), len(block)))

    def _add(self, level: int, link: Link) -> None:
        # A full level is closed only when one more link comes: exactly 1,024 links are one root, not two nodes.
        if len(self._levels[level]) == MAX_LINKS:
            self._close(level)
        self._levels[level].append(link)

    def _close(self, level: int) -> None:
        links = self._levels[level]
        self._levels[level] = []
        if level + 1 == len(self._levels):
            self._levels.append([])
        block = encode_node(links)
        total = len(block) + sum(link.total for link in links)
        self._add(level + 1, Link(self._emit(DAG_PB, block), total, sum(link.content for link in links)))

    def _emit(self, codec: int, block: bytes) -> bytes:
        cid = make_cid(codec, block)
        if self._on_block is not None:
            self._on_block(cid_text(cid), block)
        return cid


def cid_of_stream(source: BinaryIO, on_block: OnBlock | None = None) -> str:
    """CID of everything that `source` has left."""
    builder = CidBuilder(on_block)
    while data := source.read(LEAF_BYTES):
        builder.update(data)
    return builder.finish()


def make_cid(codec: int, block: bytes) -> bytes:
    """Binary CIDv1 of a block under SHA-256."""
    return bytes([1, codec, 0x12, 0x20]) + sha256(block).digest()


def cid_text(cid: bytes) -> str:
    """`b` and lower-case base32 without padding."""
    return "b" + b32encode(cid).decode("ascii").rstrip("=").lower()


def parse_cid(text: str) -> bytes:
    """Binary CID of this profile's text form; UnreadableError for any other spelling, version, codec or hash."""
    if len(text) != 59 or text[0] != "b":
        raise UnreadableError("cid.form")
    try:
        cid = b32decode(text[1:].upper() + "=" * 6)
    except ValueError:
        raise UnreadableError("cid.form") from None
    if len(cid) != 36 or cid[0] != 1 or cid[1] not in (RAW, DAG_PB) or cid[2:4] != b"\x12\x20" or cid_text(cid) != text:
        raise UnreadableError("cid.form")
    return cid


def block_matches(cid: bytes, block: bytes) -> bool:
    """Whether `block` is what `cid` names: what a store returns is hashed again."""
    return make_cid(cid[1], block) == cid


def encode_node(links: list[Link]) -> bytes:
    """A dag-pb node: links first (hash, empty name, cumulative size), then UnixFS data (file, size, block sizes)."""
    parts = []
    for link in links:
        body = b"\x0a" + _varint(len(link.cid)) + link.cid + b"\x12\x00\x18" + _varint(link.total)
        parts.append(b"\x12" + _varint(len(body)) + body)
    data = _UNIXFS_FILE + b"\x18" + _varint(sum(link.content for link in links))
    data += b"".join([b"\x20" + _varint(link.content) for link in links])
    return b"".join(parts) + b"\x0a" + _varint(len(data)) + data


def decode_node(block: bytes) -> list[Link]:
    """The links of a node as `encode_node` writes it; UnreadableError for any other bytes."""
    try:
        links, sizes = _decode_links(block)
    except IndexError:
        raise UnreadableError("cid.node") from None
    if not 1 <= len(links) == len(sizes) <= MAX_LINKS:
        raise UnreadableError("cid.node")
    node = [Link(cid, total, content) for (cid, total), content in zip(links, sizes, strict=True)]
    if encode_node(node) != block:
        raise UnreadableError("cid.node")
    return node


def _decode_links(block: bytes) -> tuple[list[tuple[bytes, int]], list[int]]:
    """Loose on purpose: the caller writes the node again and compares."""
    links = []
    at = 0
    while block[at] == 0x12:
        length, at = _read_varint(block, at + 1)
        body = block[at : at + length]
        at += length
        total, _ = _read_varint(body, 2 + body[1] + 3)
        links.append((body[2 : 2 + body[1]], total))
    _, at = _read_varint(block, at + 1)
    _, at = _read_varint(block, at + len(_UNIXFS_FILE) + 1)
    sizes = []
    while at < len(block):
        size, at = _read_varint(block, at + 1)
        sizes.append(size)
    return links, sizes


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if not byte & 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise UnreadableError("cid.node")
