"""The libraries through MerkleHarness: all of tests/vectors/merkle, the codes of tests/vectors/identifiers, flips."""

from __future__ import annotations

import base64
import json
from hashlib import sha256

import pytest
from brownie import web3
from world import CODES, ISSUER, NETWORK, TYPE, VECTORS, Tree, left, log_id, origin_of

UPSTREAM = {
    name: json.loads((VECTORS / "merkle" / f"{name}.json").read_text()) for name in ("inclusion", "consistency")
}
GENERATED = json.loads((VECTORS / "merkle" / "generated.json").read_text())
CODES_ALL = json.loads((VECTORS / "identifiers" / "uscc.json").read_text())
REASONS = {None: 0, "length": 1, "character": 2, "division": 3, "check": 4, "inner-check": 5}
# Hashes of another length can't be written as bytes32: left out here, and only here (vectors' README).
CASES = {name: [c for c in cases if c["all_32_bytes"]] for name, cases in UPSTREAM.items()}


def b64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def included(library, index, size, leaf, path, root) -> bool:
    ok, found = library.rootFromInclusion(index, size, leaf, path)
    return ok and bytes(found) == root


def test_vectors__encodable__all_but_those_with_other_lengths():
    assert {n: (len(CASES[n]), len(UPSTREAM[n])) for n in CASES} == {
        n: (sum(c["all_32_bytes"] for c in cs), 59) for n, cs in UPSTREAM.items()
    }
    for cases in CASES.values():
        assert {c["expected"] for c in cases} == {"accept", "reject"}


@pytest.mark.parametrize("case", CASES["inclusion"], ids=lambda c: c["name"].removeprefix("testdata/"))
def test_inclusion__upstream_vector__as_expected(library, case):
    path = [b64(p) for p in case["proof"] or []]
    found = included(library, case["leafIdx"], case["treeSize"], b64(case["leafHash"]), path, b64(case["root"]))
    assert found is (case["expected"] == "accept")


@pytest.mark.parametrize("case", CASES["consistency"], ids=lambda c: c["name"].removeprefix("testdata/"))
def test_consistency__upstream_vector__as_expected(library, case):
    proof = [b64(p) for p in case["proof"] or []]
    found = library.isConsistent(case["size1"], case["size2"], b64(case["root1"]), b64(case["root2"]), proof)
    assert found is (case["expected"] == "accept")


def _leaf(index: int) -> bytes:
    return f"leaf-{index}".encode()


def test_roots__generated__by_hashing_on_chain(library):
    """The eight smallest roots, hashed by the contract alone; the others rest on the same two functions."""
    for case in GENERATED["roots"]:
        if not 0 < case["size"] <= 8:
            continue
        layer = [bytes(library.leafHash(_leaf(i))) for i in range(case["size"])]
        while len(layer) > 1:
            paired = [bytes(library.nodeHash(layer[i], layer[i + 1])) for i in range(0, len(layer) - 1, 2)]
            layer = paired + layer[len(paired) * 2 :]
        assert layer[0].hex() == case["root"]


ROOTS = {case["size"]: bytes.fromhex(case["root"]) for case in GENERATED["roots"]}
TREE = Tree([_leaf(i) for i in range(1000)])


def _field(case, *names):
    return next(case[n] for n in names if n in case)


def test_inclusion__generated__accepted_and_every_flipped_node_refused(library):
    for case in GENERATED["inclusion"]:
        index, size = _field(case, "index", "leafIdx"), _field(case, "size", "treeSize")
        path = [bytes.fromhex(p) for p in _field(case, "proof", "path")]
        leaf, root = sha256(b"\0" + _leaf(index)).digest(), TREE.root(size)
        assert included(library, index, size, leaf, path, root)
        for at in range(len(path)):
            broken = list(path)
            broken[at] = bytes([path[at][0] ^ 1]) + path[at][1:]
            assert not included(library, index, size, leaf, broken, root)


def test_consistency__generated__accepted_and_every_flipped_node_refused(library):
    for case in GENERATED["consistency"]:
        size1, size2 = case["size1"], case["size2"]
        proof = [bytes.fromhex(p) for p in case["proof"]]
        assert library.isConsistent(size1, size2, TREE.root(size1), TREE.root(size2), proof)
        for at in range(len(proof)):
            broken = list(proof)
            broken[at] = proof[at][:-1] + bytes([proof[at][-1] ^ 0x80])
            assert not library.isConsistent(size1, size2, TREE.root(size1), TREE.root(size2), broken)


def test_roots__generated__are_the_twin_s():
    assert all(TREE.root(size) == root for size, root in ROOTS.items() if size)


def test_proofs__every_pair_to_24__accepted(library):
    for size2 in range(1, 25):
        for other in range(size2):
            assert included(
                library, other, size2, sha256(b"\0" + _leaf(other)).digest(), TREE.path(other, size2), TREE.root(size2)
            )
            if other:
                proof = TREE.consistency(other, size2)
                assert library.isConsistent(other, size2, TREE.root(other), TREE.root(size2), proof)
                assert not library.isConsistent(other, size2, TREE.root(other), TREE.root(size2), proof[:-1])


def _raw(library, data: bytes) -> int | None:
    answer = web3.provider.make_request("eth_call", [{"to": library.address, "data": "0x" + data.hex()}, "latest"])
    return int(answer["result"], 16) if "result" in answer else None


def test_consistency__one_flipped_bit_anywhere__refused(library):
    proof = TREE.consistency(37, 100)
    data = bytes.fromhex(
        library.isConsistent.encode_input(37, 100, TREE.root(37), TREE.root(100), proof).removeprefix("0x")
    )
    assert _raw(library, data) == 1
    # Both roots and the nodes. A size isn't bound by its root: RFC 9162's proofs are the same for sizes of one shape.
    for at in (*range(4 + 2 * 32, 4 + 4 * 32), *range(len(data) - len(proof) * 32, len(data))):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            assert _raw(library, bytes(changed)) == 0, (at, bit)


@pytest.mark.parametrize("case", CODES_ALL, ids=lambda c: ascii(c["code"]) or "empty")
def test_department_code__vector__as_expected(library, case):
    raw = case["code"].encode()
    if len(raw) > 32:
        pytest.skip("longer than a word")
    found = library.checkDepartment(raw.ljust(32, b"\0"))
    if len(raw) == len(case["code"]):
        assert found == REASONS[case["reason"]]
    assert (found == 0) is case["valid"]


def test_department_code__any_single_character_changed__refused(library):
    """Both check characters together leave no neighbour that passes."""
    for at in range(18):
        for char in "0123456789ABCDEFGHJKLMNPQRTUWXY":
            changed = ISSUER[:at] + char + ISSUER[at + 1 :]
            assert (library.checkDepartment(left(changed)) == 0) is (changed == ISSUER)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (TYPE, 0),
        (TYPE[:-1], 1),
        (TYPE + "0", 1),
        (TYPE[:-1] + "A", 6),
        (TYPE[:18] + "0 1", 6),
        (CODES[0] + "999", 0),
        (CODES[0][:-1] + ("0" if CODES[0][-1] != "0" else "1") + "999", 4),
        ("", 1),
    ],
)
def test_type_code__case__reason(library, code, reason):
    assert library.checkType(left(code)) == reason


@pytest.mark.parametrize("shard", ["", "shares"])
def test_origin__well_formed__parts_and_id(library, shard):
    ok, network, issuer = library.parseOrigin(origin_of(ISSUER, shard))
    assert (ok, bytes(network), bytes(issuer)) == (True, left(NETWORK), left(ISSUER))
    assert bytes(library.logId(origin_of(ISSUER, shard))) == log_id(origin_of(ISSUER, shard))
