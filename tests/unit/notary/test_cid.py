"""CIDs as Kubo makes them (profile unixfs-v1-2025)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import UnreadableError
from notary import cid
from notary.cid import CidBuilder, Link, block_matches, cid_of_stream, cid_text, decode_node, encode_node, parse_cid

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/cid/cids.json").read_text())
CASES = VECTORS["cases"]


def content(seed: str, length: int) -> Iterator[bytes]:
    """The vector's content in pieces of 8 MiB at most."""
    start = sha256(seed.encode())
    for first in range(0, -(-length // 32), 1 << 18):
        blocks = []
        for i in range(first, min(first + (1 << 18), -(-length // 32))):
            block = start.copy()
            block.update(i.to_bytes(8, "big"))
            blocks.append(block.digest())
        yield b"".join(blocks)[: length - first * 32]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["length"])
def test_cid__kubo_vector__same_cid_and_every_block_its_own(case: dict[str, Any]) -> None:
    digest, blocks = sha256(), []

    def on_block(name: str, block: bytes) -> None:
        blocks.append((name, len(block)))
        if len(blocks) < 5 or len(block) < cid.LEAF_BYTES:
            assert block_matches(parse_cid(name), block)

    builder = CidBuilder(on_block)
    for piece in content(case["seed"], case["length"]):
        builder.update(piece)
        digest.update(piece)
    assert builder.finish() == case["cid"]
    assert digest.hexdigest() == case["sha256"]
    leaves = [name for name, _ in blocks if name.startswith("bafk")]
    assert len(leaves) == max(1, case["chunks"])
    assert blocks[-1][0] == case["cid"]


def test_cid__hello_world__as_published() -> None:
    known = VECTORS["known"][0]
    assert cid_of_stream(io.BytesIO(known["text"].encode())) == known["cid"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 8 bytes and 3 links a node, so that tall trees are cheap."""
    monkeypatch.setattr(cid, "LEAF_BYTES", 8)
    monkeypatch.setattr(cid, "MAX_LINKS", 3)


def balanced(chunks: list[bytes]) -> tuple[str, dict[str, bytes]]:
    """The definition, level by level over the whole list."""
    blocks = {}
    links = []
    for chunk in chunks:
        own = cid.make_cid(cid.RAW, chunk)
        blocks[cid_text(own)] = chunk
        links.append(Link(own, len(chunk), len(chunk)))
    while len(links) > 1:
        above = []
        for at in range(0, len(links), 3):
            group = links[at : at + 3]
            block = encode_node(group)
            own = cid.make_cid(cid.DAG_PB, block)
            blocks[cid_text(own)] = block
            above.append(Link(own, len(block) + sum(g.total for g in group), sum(g.content for g in group)))
        links = above
    return cid_text(links[0].cid), blocks


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("length", [*range(0, 60), 71, 72, 73, 215, 216, 217, 640, 648, 649, 1000])
def test_cid__any_height_of_tree__as_built_level_by_level(length: int) -> None:
    data = bytes(i % 251 for i in range(length))
    expected, expected_blocks = balanced([data[at : at + 8] for at in range(0, length, 8)] or [b""])
    blocks: dict[str, bytes] = {}
    assert cid_of_stream(io.BytesIO(data), blocks.__setitem__) == expected
    assert blocks == expected_blocks


@pytest.mark.usefixtures("small")
def test_cid__pieces_of_any_size__the_same() -> None:
    data = bytes(range(200))
    for step in (1, 3, 7, 8, 9, 50, 200):
        builder = CidBuilder()
        for at in range(0, 200, step):
            builder.update(data[at : at + step])
        assert builder.finish() == cid_of_stream(io.BytesIO(data))


LINKS = [Link(cid.make_cid(cid.RAW, bytes([i])), 1 << 20, 1 << 20) for i in range(5)]


@given(st.lists(st.tuples(st.integers(0, 1 << 60), st.integers(0, 1 << 50)), min_size=1, max_size=9))
def test_node__any_links__there_and_back(sizes: list[tuple[int, int]]) -> None:
    links = [Link(cid.make_cid(cid.RAW, bytes([i])), total, size) for i, (total, size) in enumerate(sizes)]
    assert decode_node(encode_node(links)) == links


@given(st.data())
def test_node__changed_bytes__other_links_or_unreadable(data: st.DataObject) -> None:
    block = encode_node(LINKS)
    at = data.draw(st.integers(0, len(block) - 1))
    changed = block[:at] + data.draw(st.binary(max_size=3)) + block[at + 1 :]
    try:
        links = decode_node(changed)
    except UnreadableError:
        return
    assert encode_node(links) == changed


@given(st.binary(max_size=80))
def test_node__any_bytes__unreadable_or_exact(block: bytes) -> None:
    try:
        links = decode_node(block)
    except UnreadableError:
        return
    assert encode_node(links) == block


@pytest.mark.parametrize("block", [b"", b"\x12", encode_node([]), encode_node(LINKS) + b"\0", encode_node(LINKS)[:-1]])
def test_node__malformed__unreadable(block: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"cid\.node"):
        decode_node(block)


GOOD = CASES[0]["cid"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Qm" + "a" * 44,
        GOOD.upper(),
        GOOD[:-1],
        GOOD + "a",
        "z" + GOOD[1:],
        GOOD[:-1] + "1",
        GOOD[:-1] + ("z" if GOOD[-1] != "z" else "y"),
        cid_text(b"\x01\x70\x13\x20" + bytes(32)),
        cid_text(b"\x01\x71\x12\x20" + bytes(32)),
        cid_text(b"\x02\x55\x12\x20" + bytes(32)),
        GOOD[:-1] + "é",
    ],
)
def test_parse_cid__other_spelling_or_kind__unreadable(text: str) -> None:
    with pytest.raises(UnreadableError, match=r"cid\.form"):
        parse_cid(text)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["length"])
def test_parse_cid__vector__there_and_back(case: dict[str, Any]) -> None:
    assert cid_text(parse_cid(case["cid"])) == case["cid"]


def test_block_matches__other_bytes__no() -> None:
    assert block_matches(parse_cid(GOOD), b"")
    assert not block_matches(parse_cid(GOOD), b"x")
