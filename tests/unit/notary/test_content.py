"""The embedded content store: Kubo's CIDs, nothing given out that isn't right, and a crash at every write."""

from __future__ import annotations

import errno
import io
import random
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import IntegrityError, NotFoundError, UnavailableError, UnreadableError
from ledger.ports import ContentStore
from ledger.texts import LANGUAGES, error_text
from notary.cid import DAG_PB, LEAF_BYTES, Link, cid_text, encode_node, make_cid
from notary.stores.content import EmbeddedStore, Finding
from tests.fakes.disk import FailAt, HookedDisk, MemoryDisk, ProcessKilled
from tests.unit.notary.counted_content import CASES, Counted, content


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore(tmp_path / "content")


def block_file(tmp_path: Path, cid: str) -> Path:
    return tmp_path / "content/blocks" / cid[-2:] / cid


MARKED = [pytest.param(c, id=str(c["length"]), marks=[pytest.mark.slow] * (c["length"] > 1 << 27)) for c in CASES]


@pytest.mark.parametrize("case", MARKED)
def test_put__kubo_vector__its_cid_and_the_same_bytes(case: dict[str, Any], store: EmbeddedStore) -> None:
    cid = store.put_stream(Counted(case["seed"], case["length"]))  # type: ignore[arg-type]
    assert cid == case["cid"]
    assert store.has(cid)
    digest = sha256()
    for leaf in store.leaves(cid):
        digest.update(leaf)
    assert digest.hexdigest() == case["sha256"]
    assert list(store.fsck()) == []


def test_put__tree_of_several_levels__whole_again_and_gone(
    tmp_path: Path, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the longest vector is about, which runs by name: a gigabyte has a node too many for one root."""
    monkeypatch.setattr("notary.cid.LEAF_BYTES", 8)
    monkeypatch.setattr("notary.cid.MAX_LINKS", 3)
    data = content(8 * 100 + 5)
    cid = store.put_stream(io.BytesIO(data))
    names = list(store.blocks(cid))
    assert len(names) == 101 + 34 + 12 + 4 + 2 + 1
    assert b"".join(store.leaves(cid)) == data
    assert (store.holds(cid), store.verify(cid), list(store.fsck())) == (True, len(data), [])
    block_file(tmp_path, names[0]).unlink()
    assert not store.holds(cid)
    store.remove(cid)
    assert not any(store.has(name) for name in names)


def test_put__path__is_the_port(tmp_path: Path, store: EmbeddedStore) -> None:
    port: ContentStore = store
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(content(3 * LEAF_BYTES + 5))
    cid = port.put(str(source))
    assert port.put(str(source)) == cid
    port.get_to(cid, str(target))
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UnavailableError):
        port.get_to(cid, str(target))
    assert target.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("cid", ["", "../../etc/passwd", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5E"])
def test_names__no_cid__unreadable(cid: str, tmp_path: Path, store: EmbeddedStore) -> None:
    for call in (store.has, lambda c: store.get_to(c, str(tmp_path / "out"))):
        with pytest.raises(UnreadableError):
            call(cid)
    assert not (tmp_path / "out").exists()


def test_get_to__unknown__not_found_and_no_file(tmp_path: Path, store: EmbeddedStore) -> None:
    cid = CASES[0]["cid"]
    assert not store.has(cid)
    with pytest.raises(NotFoundError) as caught:
        store.get_to(cid, str(tmp_path / "out"))
    assert caught.value.code == "content.not_found"
    assert all(error_text(caught.value, language) for language in LANGUAGES)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("which", ["root", "leaf"])
@pytest.mark.parametrize("change", ["flip", "cut", "grow", "empty"])
def test_get_to__block_changed_on_disk__refused_found_and_healed(
    which: str, change: str, tmp_path: Path, store: EmbeddedStore
) -> None:
    data = content(2 * LEAF_BYTES + 9)
    cid = store.put_stream(io.BytesIO(data))
    name = cid if which == "root" else cid_text(make_cid(0x55, data[LEAF_BYTES : 2 * LEAF_BYTES]))
    file = block_file(tmp_path, name)
    block = file.read_bytes()
    flipped = bytes([block[0] ^ 1]) + block[1:]
    file.write_bytes({"flip": flipped, "cut": block[:-1], "grow": block + b"\0", "empty": b""}[change])
    with pytest.raises(IntegrityError) as caught:
        store.get_to(cid, str(tmp_path / "out"))
    assert caught.value.code == "content.damaged"
    assert not (tmp_path / "out").exists()
    assert list(store.fsck()) == [Finding(name, "damaged")]
    assert store.put_stream(io.BytesIO(data)) == cid
    assert b"".join(store.leaves(cid)) == data
    assert list(store.fsck()) == []


def test_get_to__leaf_lost__incomplete(tmp_path: Path, store: EmbeddedStore) -> None:
    data = content(LEAF_BYTES + 1)
    cid = store.put_stream(io.BytesIO(data))
    leaf = cid_text(make_cid(0x55, data[LEAF_BYTES:]))
    block_file(tmp_path, leaf).unlink()
    with pytest.raises(IntegrityError) as caught:
        store.get_to(cid, str(tmp_path / "out"))
    assert caught.value.code == "content.incomplete"
    assert list(store.fsck()) == [Finding(cid, "child_missing", leaf)]


def test_get_to__nodes_that_lie_about_sizes__damaged(tmp_path: Path, store: EmbeddedStore) -> None:
    leaf = b"a" * 10
    store.put_stream(io.BytesIO(leaf))
    for content_size in (9, 11, 0):
        node = encode_node([Link(make_cid(0x55, leaf), 10, content_size)])
        name = cid_text(make_cid(DAG_PB, node))
        store._put_block(name, node)
        with pytest.raises(IntegrityError):
            list(store.leaves(name))


def test_get_to__endless_chain_of_nodes__damaged(store: EmbeddedStore) -> None:
    block, codec = b"a", 0x55
    for _ in range(9):
        store._put_block(cid_text(make_cid(codec, block)), block)
        block, codec = encode_node([Link(make_cid(codec, block), len(block), 1)]), DAG_PB
    name = cid_text(make_cid(codec, block))
    store._put_block(name, block)
    with pytest.raises(IntegrityError):
        list(store.leaves(name))


def test_fsck__foreign_file__named(tmp_path: Path, store: EmbeddedStore) -> None:
    cid = store.put_stream(io.BytesIO(b"x"))
    (block_file(tmp_path, cid).parent / "notes.txt").write_bytes(b"x")
    assert list(store.fsck()) == [Finding("notes.txt", "name")]


def test_clean__leftovers__only_old_ones(tmp_path: Path, store: EmbeddedStore) -> None:
    leftover = tmp_path / "content/incoming/1-ab"
    leftover.write_bytes(b"half")
    written = leftover.stat().st_mtime_ns // 1_000_000
    assert store.clean(written + 1000) == 0
    assert store.clean(written + 25 * 3600 * 1000) == 1
    assert not leftover.exists()


def test_put__disk_full_at_every_call__refused_then_taken(tmp_path: Path) -> None:
    data = content(LEAF_BYTES + 1)
    at = 0
    while True:
        folder = tmp_path / str(at)
        EmbeddedStore(folder)
        fault = FailAt(at, errno.ENOSPC)
        try:
            cid = EmbeddedStore(folder, HookedDisk(fault)).put_stream(io.BytesIO(data))
        except UnavailableError as error:
            refused = error.code
        else:
            break
        assert refused == "disk.full"
        again = EmbeddedStore(folder)
        assert not list((folder / "incoming").iterdir())
        assert list(again.fsck()) == []
        assert b"".join(again.leaves(again.put_stream(io.BytesIO(data)))) == data
        at += 1
    assert fault.calls <= at
    assert at > 12
    assert cid == again.put_stream(io.BytesIO(data))


@pytest.mark.parametrize("seed", range(5))
def test_put__power_lost_at_every_call__a_root_has_all_below_it(seed: int) -> None:
    data = content(LEAF_BYTES + 1)
    chance = random.Random(seed)
    at = 0
    finished = False
    while not finished:
        disk = MemoryDisk()
        store = EmbeddedStore(Path("/content"), disk)
        expected = EmbeddedStore(Path("/other"), MemoryDisk()).put_stream(io.BytesIO(data))
        disk.hook = FailAt(at)
        try:
            store.put_stream(io.BytesIO(data))
            finished = True
        except ProcessKilled:
            pass
        disk.hook = lambda call, path: None
        disk.lose_power(chance)
        again = EmbeddedStore(Path("/content"), disk)
        assert finished <= again.has(expected)
        if again.has(expected):
            assert b"".join(again.leaves(expected)) == data
        assert again.put_stream(io.BytesIO(data)) == expected
        assert b"".join(again.leaves(expected)) == data
        at += 1


@given(st.binary(max_size=200), st.integers(0, 3))
def test_put__any_bytes__come_back(data: bytes, leaves: int) -> None:
    whole = data * (LEAF_BYTES * leaves // max(1, len(data)) if leaves else 1)
    store = EmbeddedStore(Path("/content"), MemoryDisk())
    assert b"".join(store.leaves(store.put_stream(io.BytesIO(whole)))) == whole
