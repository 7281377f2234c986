"""RFC 6962 / 9162 proofs: upstream and own vectors, properties, runs of neighbours."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError
from notary import merkle

VECTORS = Path(__file__).parents[2] / "vectors"
INCLUSION = json.loads((VECTORS / "merkle/inclusion.json").read_text())
CONSISTENCY = json.loads((VECTORS / "merkle/consistency.json").read_text())
GENERATED = json.loads((VECTORS / "merkle/generated.json").read_text())
LOGS = json.loads((VECTORS / "formats/logs.json").read_text())
LEAVES = [merkle.leaf_hash(f"leaf-{i}".encode()) for i in range(1000)]


def b64(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def node(level: int, index: int) -> bytes:
    """A complete subtree of LEAVES, as tiles would answer."""
    assert (index + 1) << level <= len(LEAVES), "asked for a subtree that isn't complete"
    return merkle.root_from_leaves(LEAVES[index << level : (index + 1) << level])


@pytest.mark.parametrize("case", INCLUSION, ids=lambda c: c["name"])
def test_verify_inclusion__upstream_case__as_expected(case: dict[str, Any]) -> None:
    path = [b64(p) for p in case["proof"] or []]
    got = merkle.verify_inclusion(case["leafIdx"], case["treeSize"], b64(case["leafHash"]), path, b64(case["root"]))
    assert got == (case["expected"] == "accept")


@pytest.mark.parametrize("case", CONSISTENCY, ids=lambda c: c["name"])
def test_verify_consistency__upstream_case__as_expected(case: dict[str, Any]) -> None:
    got = merkle.verify_consistency(
        case["size1"], case["size2"], b64(case["root1"]), b64(case["root2"]), [b64(p) for p in case["proof"] or []]
    )
    assert got == (case["expected"] == "accept")


def test_generated_vectors__roots_paths_and_proofs__made_and_verified() -> None:
    roots = {int(case["size"]): case["root"] for case in GENERATED["roots"]}
    for size, root in roots.items():
        assert merkle.root_from_leaves(LEAVES[:size]).hex() == root
        if size:
            assert merkle.root_from(size, node).hex() == root
    for case in GENERATED["inclusion"]:
        index, size = case["index"], case["size"]
        assert LEAVES[index].hex() == case["leaf_hash"]
        path = merkle.inclusion_path(LEAVES[:size], index)
        assert [p.hex() for p in path] == case["proof"]
        assert path == merkle.inclusion_path_from(size, index, node)
        assert merkle.verify_inclusion(index, size, LEAVES[index], path, merkle.root_from(size, node))
    for case in GENERATED["consistency"]:
        proof = merkle.consistency_proof(LEAVES[: case["size2"]], case["size1"])
        assert [p.hex() for p in proof] == case["proof"]
        assert proof == merkle.consistency_proof_from(case["size1"], case["size2"], node)
        heads = merkle.root_from(case["size1"], node), merkle.root_from(case["size2"], node)
        assert merkle.verify_consistency(case["size1"], case["size2"], *heads, proof)


@pytest.mark.parametrize("case", LOGS, ids=lambda c: f"{c['size']}-{c['index']}")
def test_root_from_inclusion__log_vector__its_root(case: dict[str, Any]) -> None:
    leaf = merkle.leaf_hash(b64(case["entry"]))
    path = [b64(p) for p in case["path"]]
    assert merkle.root_from_inclusion(case["index"], case["size"], leaf, path).hex() == case["root"]


sizes = st.integers(1, 300)


@given(st.data())
def test_inclusion__any_tree_and_leaf__verifies_and_no_other_does(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    root = merkle.root_from(size, node)
    path = merkle.inclusion_path_from(size, index, node)
    assert len(path) == merkle.path_length(index, size)
    assert merkle.verify_inclusion(index, size, LEAVES[index], path, root)
    assert not merkle.verify_inclusion(index, size, LEAVES[index + 1], path, root)
    if path:
        k, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
        flipped = bytearray(path[k])
        flipped[bit // 8] ^= 1 << bit % 8
        assert not merkle.verify_inclusion(
            index, size, LEAVES[index], [*path[:k], bytes(flipped), *path[k + 1 :]], root
        )
        assert not merkle.verify_inclusion(index, size, LEAVES[index], path[:-1], root)
    assert not merkle.verify_inclusion(index, size, LEAVES[index], [*path, root], root)


@given(st.data())
def test_consistency__any_two_sizes__verifies_and_a_flip_does_not(data: st.DataObject) -> None:
    size2 = data.draw(sizes)
    size1 = data.draw(st.integers(1, size2))
    heads = merkle.root_from(size1, node), merkle.root_from(size2, node)
    proof = merkle.consistency_proof_from(size1, size2, node)
    assert proof == merkle.consistency_proof(LEAVES[:size2], size1)
    assert merkle.verify_consistency(size1, size2, *heads, proof)
    assert not merkle.verify_consistency(size1, size2, *heads, [*proof, heads[0]])
    if size1 != size2:
        assert not merkle.verify_consistency(size1, size2, heads[1], heads[0], proof)
    if proof:
        k, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        flipped = bytearray(proof[k])
        flipped[bit // 8] ^= 1 << bit % 8
        assert not merkle.verify_consistency(size1, size2, *heads, [*proof[:k], bytes(flipped), *proof[k + 1 :]])
        assert not merkle.verify_consistency(size1, size2, *heads, proof[:-1])


def test_consistency__from_nothing__proves_nothing() -> None:
    assert not merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    assert not merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, merkle.root_from(5, node), [])
    with pytest.raises(InputError, match=r"merkle\.sizes"):
        merkle.consistency_proof(LEAVES[:5], 0)
    with pytest.raises(InputError, match=r"merkle\.sizes"):
        merkle.consistency_proof_from(6, 5, node)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (5, 5)])
def test_path_length__index_outside__refused(index: int, size: int) -> None:
    with pytest.raises(InputError, match=r"merkle\.index"):
        merkle.path_length(index, size)


@pytest.mark.parametrize(
    ("leaf", "path", "code"),
    [
        (bytes(32), [], "merkle.path"),
        (bytes(32), [bytes(32)] * 3, "merkle.path"),
        (bytes(31), [bytes(32)] * 2, "merkle.hash_length"),
        (bytes(32), [bytes(32), bytes(33)], "merkle.hash_length"),
    ],
)
def test_root_from_inclusion__wrong_shape__refused(leaf: bytes, path: list[bytes], code: str) -> None:
    with pytest.raises(InputError) as caught:
        merkle.root_from_inclusion(1, 4, leaf, path)
    assert caught.value.code == code


def joined_paths(first: int, count: int, size: int) -> list[bytes]:
    return [b"".join(merkle.inclusion_path_from(size, i, node)) for i in range(first, first + count)]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_run__any_neighbours__proven_and_any_changed_byte_found(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 200))
    first = data.draw(st.integers(0, size - 1))
    count = data.draw(st.integers(1, min(size - first, 40)))
    root = merkle.root_from(size, node)
    leaves, paths = LEAVES[first : first + count], joined_paths(first, count, size)
    assert merkle.first_wrong_in_run(first, size, leaves, paths, root) is None
    at = data.draw(st.integers(0, count - 1))
    byte = data.draw(st.integers(0, len(paths[at]) - 1))
    changed = bytearray(paths[at])
    changed[byte] ^= 1 << data.draw(st.integers(0, 7))
    assert merkle.first_wrong_in_run(first, size, leaves, [*paths[:at], bytes(changed), *paths[at + 1 :]], root) == at
    swapped = [*leaves[:at], LEAVES[999], *leaves[at + 1 :]]
    assert merkle.first_wrong_in_run(first, size, swapped, paths, root) == at
    for bad in (paths[at][:-32], paths[at] + bytes(32), paths[at][:-1]):
        assert merkle.first_wrong_in_run(first, size, leaves, [*paths[:at], bad, *paths[at + 1 :]], root) == at


def test_run__every_byte_of_a_small_tree__changed_is_found() -> None:
    size = 11
    root, paths = merkle.root_from(size, node), joined_paths(0, size, size)
    for at, path in enumerate(paths):
        for byte in range(len(path)):
            changed = path[:byte] + bytes([path[byte] ^ 0x40]) + path[byte + 1 :]
            wrong = [*paths[:at], changed, *paths[at + 1 :]]
            assert merkle.first_wrong_in_run(0, size, LEAVES[:size], wrong, root) == at


@pytest.mark.parametrize(
    ("first", "size", "root"), [(-1, 4, b"r" * 32), (3, 4, b"r" * 32), (0, 4, b"r" * 31), (0, 4, b"r" * 32)]
)
def test_run__shape_or_root_wrong__first_is_named(first: int, size: int, root: bytes) -> None:
    assert merkle.first_wrong_in_run(first, size, LEAVES[:2], joined_paths(0, 2, 4), root) == 0


def test_run__of_nothing__nothing_wrong() -> None:
    assert merkle.first_wrong_in_run(0, 0, [], [], bytes(32)) is None


def test_proofs__a_hash_that_is_not_32_bytes__refused_even_where_all_agree() -> None:
    short = b"r" * 31
    assert not merkle.verify_consistency(4, 4, short, short, [])
    assert not merkle.verify_inclusion(0, 1, short, [], short)
    left, right = b"l" * 31, b"r" * 33
    assert not merkle.verify_inclusion(0, 2, left, [right], merkle.node_hash(left, right))
    assert not merkle.verify_consistency(1, 2, left, merkle.node_hash(left, right), [right])
    assert merkle.first_wrong_in_run(0, 1, [short], [b""], short) == 0
