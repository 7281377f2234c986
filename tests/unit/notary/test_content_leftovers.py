"""The embedded content store: what is removed leaves nothing, and blocks of no file are dropped once they are old."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest

from ledger.errors import IntegrityError
from notary.cid import DAG_PB, LEAF_BYTES, RAW, Link, cid_text, encode_node, make_cid, parse_cid
from notary.stores.blocks import Leftover
from notary.stores.content import EmbeddedStore
from tests.fakes.disk import FailAt, HookedDisk, ProcessKilled
from tests.unit.notary.counted_content import content


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore(tmp_path / "content")


def deep(store: EmbeddedStore) -> str:
    """A file of two levels of nodes, as one of more than a GiB has, from small blocks; its CID."""
    nodes = []
    for node in range(3):
        links = []
        for leaf in range(4):
            block = bytes([node, leaf]) * 8
            cid = make_cid(RAW, block)
            store.take(cid_text(cid), block)
            links.append(Link(cid, len(block), len(block)))
        block = encode_node(links)
        cid = make_cid(DAG_PB, block)
        store.take(cid_text(cid), block)
        nodes.append(Link(cid, len(block) + 64, 64))
    block = encode_node(nodes)
    root = cid_text(make_cid(DAG_PB, block))
    store.take(root, block)
    store.keep(root)
    return root


def all_blocks(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "blocks").rglob("*") if path.is_file())


def test_remove__of_a_deep_file_dies_at_any_call__the_next_one_leaves_nothing(tmp_path: Path) -> None:
    deaths = 0
    for at in range(1, 80):
        folder = tmp_path / str(at)
        folder.mkdir()
        root = deep(EmbeddedStore(folder / "content"))
        disk = HookedDisk()
        store = EmbeddedStore(folder / "content", disk)
        disk.hook = FailAt(at)
        try:
            store.remove(root)
        except ProcessKilled:
            deaths += 1
        EmbeddedStore(folder / "content").remove(root)
        assert all_blocks(folder / "content") == []
    assert deaths > 15


def aged(folder: Path, by_ms: int) -> None:
    for path in (folder / "blocks").rglob("*"):
        if path.is_file():
            found = path.stat().st_mtime_ns - by_ms * 1_000_000
            os.utime(path, ns=(found, found))


def test_leftovers__blocks_of_no_file__named_and_dropped_once_a_day_old(tmp_path: Path, store: EmbeddedStore) -> None:
    folder, now = tmp_path / "content", time.time_ns() // 1_000_000
    kept = store.put_stream(io.BytesIO(content(3 * LEAF_BYTES)))
    gone = store.put_stream(io.BytesIO(b"x" * (2 * LEAF_BYTES + 1)))
    store._drop_block(gone)  # as a crash in a removal would, in another order: its leaves stay
    needed = set(store.blocks(kept))

    def leftovers() -> list[Leftover]:
        found = store.leftovers([kept], now)
        assert found is not None
        return list(found)

    assert leftovers() == []  # somebody may be putting them right now
    aged(folder, 25 * 3_600_000)
    found = leftovers()
    assert {each.name for each in found} == set(all_blocks(folder)) - needed
    assert sum(each.size for each in found) == LEAF_BYTES + 1  # two leaves of the three are the same
    # An upload of the same bytes between looking and dropping: what it put stays.
    assert store.put_stream(io.BytesIO(b"x" * (2 * LEAF_BYTES + 1))) == gone
    assert [each.drop() for each in found] == [False] * len(found)
    assert store.verify(gone) == 2 * LEAF_BYTES + 1
    store._drop_block(gone)
    aged(folder, 25 * 3_600_000)
    assert all(each.drop() for each in leftovers())
    assert all_blocks(folder) == sorted(needed)
    assert list((folder / "incoming").iterdir()) == []
    assert store.verify(kept) == 3 * LEAF_BYTES


def test_leftovers__a_named_file_is_not_whole__nothing_is_said(tmp_path: Path, store: EmbeddedStore) -> None:
    root = deep(store)
    aged(tmp_path / "content", 25 * 3_600_000)
    assert list(store.leftovers([root], time.time_ns() // 1_000_000) or ()) == []
    node = next(name for name in store.blocks(root) if parse_cid(name)[1] == DAG_PB)
    store._drop_block(node)
    with pytest.raises(IntegrityError, match=r"content\.incomplete"):
        list(store.leftovers([root], time.time_ns() // 1_000_000) or ())
