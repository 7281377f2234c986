"""The log on disk in the ordinary case: same bytes as C2SP's and our vectors, same paths as by the book."""

from __future__ import annotations

import json
from hashlib import new as new_hash
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ChuzhengError, DeniedError, InputError, IntegrityError, NotFoundError
from ledger.types import Digest, Kind, Millis, Origin
from notary.checkpoint import parse_checkpoint, parse_note
from notary.entry import Entry
from notary.log import TilePath, tiles_at
from notary.merkle import (
    consistency_proof,
    inclusion_path,
    leaf_hash,
    root_from_leaves,
    verify_consistency,
    verify_inclusion,
)
from notary.stores.bundles import decode_bundle
from notary.stores.tiles import TileLog
from notary.stores.tree import TreeBuilder, joined_paths
from tests.fakes.disk import MemoryDisk
from tests.fakes.log import FOLDER, KEY_NAME, ORIGIN, RememberingSigner, grow, log_in_memory, make_entries

VECTORS = Path(__file__).parents[2] / "vectors"
LOGS: list[dict[str, Any]] = json.loads((VECTORS / "formats/logs.json").read_text())


def test_tlog_vector__log_that_grows_by_one__same_files_same_heads(tmp_path: Path) -> None:
    vectors = VECTORS / "tlog"
    largest = decode_bundle((vectors / "tile/entries/000.p/13").read_bytes())
    log = TileLog(tmp_path / "log", Origin("example.com/log/testdata"))
    signer = RememberingSigner()
    for size in (1, 2, 3, 5, 8, 13):
        grow(log, largest[log.durable_size() : size], signer)
        expected = (vectors / f"checkpoint.{size}").read_text()
        note = log.checkpoint_note()
        assert note is not None
        assert parse_note(note).text == parse_note(expected).text
        for name in (f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
            assert log.tile_bytes(name) == (vectors / name).read_bytes()
    assert log.entries(0, 13) == largest


@pytest.mark.parametrize("case", LOGS, ids=lambda c: str(c["size"]))
def test_logs_vector__entries__root_and_path(case: dict[str, Any]) -> None:
    def entry(i: int) -> bytes:
        text = f"{case['seed']}-{i}".encode()
        digests = Digest(sha256(text).digest()), Digest(new_hash("sm3", text).digest())
        return Entry(Kind.CERTIFICATE, "11420000011043201A", Millis(1_780_000_000_000 + i), *digests).to_bytes()  # type: ignore[arg-type]

    import base64

    log = log_in_memory("chuzheng/test/11420000011043201A")
    grow(log, [entry(i) for i in range(case["size"])])
    assert log.root(case["size"]).hex() == case["root"]
    assert log.entry(case["index"]) == base64.b64decode(case["entry"])
    path = [base64.b64decode(node) for node in case["path"]]
    assert log.inclusion_path(case["index"], case["size"]) == path
    assert log.inclusion_paths(case["index"], 1, case["size"]) == [b"".join(path)]


def test_size_70000__worked_example_of_c2sp__tiles_roots_paths_proofs(tmp_path: Path) -> None:
    entries = [b"%092d" % i for i in range(70_000)]
    leaves = [leaf_hash(entry) for entry in entries]
    log = TileLog(tmp_path / "log", ORIGIN)
    grow(log, entries[:40_001])
    grow(log, entries[40_001:69_999])
    grow(log, entries[69_999:])
    checkpoint = log.checkpoint()
    assert checkpoint is not None
    assert checkpoint.root == root_from_leaves(leaves)
    for path in ("tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"):
        assert len(log.tile_bytes(path)) == 32 * parse_width(path)
    for index in (0, 1, 40_000, 40_001, 65_535, 65_536, 69_887, 69_888, 69_999):
        for size in (40_001, 69_999, 70_000):
            if index < size:
                expected = inclusion_path(leaves[:size], index)
                assert log.inclusion_path(index, size) == expected
    for size1, size2 in ((1, 70_000), (40_001, 69_999), (65_536, 70_000), (69_888, 70_000)):
        assert log.consistency_proof(size1, size2) == consistency_proof(leaves[:size2], size1)
    joined = log.inclusion_paths(60_000, 10_000, 70_000)
    for offset in (0, 1, 5535, 5536, 9886, 9887, 9999):
        assert joined[offset] == b"".join(inclusion_path(leaves, 60_000 + offset))
    assert log.entries(39_990, 40_020) == entries[39_990:40_020]
    hash_bytes = sum(file.stat().st_size for file in (tmp_path / "log/tile").rglob("*") if file.is_file())
    entry_bytes = sum(file.stat().st_size for file in (tmp_path / "log/tile/entries").rglob("*") if file.is_file())
    assert (hash_bytes - entry_bytes) / 70_000 <= 33
    assert not list((tmp_path / "log/pending").iterdir())


def parse_width(path: str) -> int:
    return int(path.rpartition(".p/")[2]) if ".p/" in path else 256


@given(st.integers(1, 1400), st.data())
@settings(max_examples=60, deadline=None)
def test_joined_paths__any_range__same_as_one_by_one(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(i.to_bytes(4, "big")) for i in range(size)]
    tiles: dict[tuple[int | None, int], bytes] = {}
    builder = TreeBuilder()
    for path, content in [*builder.add([i.to_bytes(4, "big") for i in range(size)]), *builder.finish()]:
        tiles[path.level, path.n] = content
    assert builder.root() == root_from_leaves(leaves)
    first = data.draw(st.integers(0, size - 1))
    count = data.draw(st.integers(0, min(40, size - first)))
    found = joined_paths(first, count, size, lambda level, n, width: tiles[level, n][: 32 * width])
    assert found == [b"".join(inclusion_path(leaves, i)) for i in range(first, first + count)]


@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_seal__any_batches__tiles_of_the_whole_tree_at_once(batches: list[int]) -> None:
    log, signer, total = log_in_memory(), RememberingSigner(), sum(batches)
    entries = make_entries(total)
    for batch in batches:
        start = log.durable_size()
        grow(log, entries[start : start + batch], signer)
    size = log.sealed_size()
    assert size == total
    builder = TreeBuilder()
    for path, content in [*builder.add(entries), *builder.finish()]:
        assert log.tile_bytes(str(path)) == content
    leaves = [leaf_hash(entry) for entry in entries]
    for before in {1, batches[0], total}:
        proof = log.consistency_proof(before, total)
        assert verify_consistency(before, total, log.root(before), log.root(total), proof)
    for index in {0, batches[0] - 1, total - 1}:
        assert verify_inclusion(index, size, leaves[index], log.inclusion_path(index, size), log.root(size))


def test_partial_tiles__full_one_is_there__gone_and_not_before() -> None:
    log, signer = log_in_memory(), RememberingSigner()
    grow(log, make_entries(100), signer)
    grow(log, make_entries(100, 100), signer)
    assert set(log.disk.names(FOLDER / "tile/0/000.p")) == {"100", "200"}
    grow(log, make_entries(100, 200), signer)
    assert set(log.disk.names(FOLDER / "tile/0")) == {"000", "001.p"}
    assert set(log.disk.names(FOLDER / "tile/entries")) == {"000", "001.p"}
    assert set(log.disk.names(FOLDER / "tile/1/000.p")) == {"1"}


def test_checkpoint__of_another_log__refused() -> None:
    disk = MemoryDisk()
    grow(TileLog(FOLDER, ORIGIN, disk=disk), make_entries(1))
    other = TileLog(FOLDER, Origin("chuzheng/other/x"), disk=disk)
    with pytest.raises(IntegrityError, match=r"log\.origin"):
        other.checkpoint()


def test_tile_bytes__beyond_the_checkpoint__not_served() -> None:
    log, signer = log_in_memory(), RememberingSigner()
    grow(log, make_entries(5), signer)
    builder = TreeBuilder()
    for path, data in [*builder.add(make_entries(7)), *builder.finish()]:
        log.disk.create([(FOLDER / str(path), data)])  # as a seal that crashed before its checkpoint leaves it
        with pytest.raises(NotFoundError):
            log.tile_bytes(str(path))
    assert log.tile_bytes("tile/0/000.p/5")
    with pytest.raises(InputError):
        log.tile_bytes("checkpoint")


def test_tile_bytes__permit__asked_before_looking() -> None:
    log = log_in_memory()
    grow(log, make_entries(5))
    asked: list[TilePath] = []

    def hashes_only(path: TilePath) -> bool:
        asked.append(path)
        return path.level is not None

    assert log.tile_bytes("tile/0/000.p/5", permit=hashes_only)
    for name in ("tile/entries/000.p/5", "tile/entries/999"):
        with pytest.raises(DeniedError, match=r"tiles\.not_public"):
            log.tile_bytes(name, permit=hashes_only)
    assert asked == [TilePath(0, 0, 5), TilePath(None, 0, 5), TilePath(None, 999)]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda log: log.entry(12), NotFoundError),
        (lambda log: log.entries(-1, 2), InputError),
        (lambda log: log.entries(3, 2), InputError),
        (lambda log: log.inclusion_path(10, 10), InputError),
        (lambda log: log.inclusion_path(3, 11), NotFoundError),
        (lambda log: log.inclusion_paths(5, 6, 10), InputError),
        (lambda log: log.consistency_proof(0, 5), InputError),
        (lambda log: log.consistency_proof(6, 5), InputError),
        (lambda log: log.root(11), NotFoundError),
    ],
)
def test_reading__outside_the_log__plain_error(call: Any, error: type[ChuzhengError]) -> None:
    log = log_in_memory()
    grow(log, make_entries(10))
    with log.appending() as appending:
        appending.append(10, make_entries(2, 10))
    with pytest.raises(error):
        call(log)


def test_empty_folder__nothing_written_yet__reads_as_empty() -> None:
    log = log_in_memory()
    assert log.checkpoint_note() is None
    assert (log.checkpoint(), log.durable_size(), log.entries(0, 0)) == (None, 0, [])
    assert log.inclusion_paths(0, 0, 0) == []
    assert log.waiting().count == 0


def test_checkpoint_note__as_written__parses_with_our_key_name() -> None:
    log = log_in_memory()
    grow(log, make_entries(3))
    note = log.checkpoint_note()
    assert note is not None
    assert parse_note(note).signatures[0].name == KEY_NAME
    assert parse_checkpoint(note) == log.checkpoint()


def test_tiles_at__every_file_of_a_log__exists(tmp_path: Path) -> None:
    log = TileLog(tmp_path / "log", ORIGIN)
    grow(log, [b"%092d" % i for i in range(1000)])
    for level, full, width in tiles_at(1000):
        for path in [*(TilePath(level, n) for n in range(full)), *([TilePath(level, full, width)] if width else [])]:
            assert log.tile_bytes(str(path))


def test_head__checkpoint_and_note__of_one_read() -> None:
    log = log_in_memory()
    assert log.head() is None
    grow(log, make_entries(4))
    head = log.head()
    assert head is not None
    assert head == (log.checkpoint(), log.checkpoint_note())
