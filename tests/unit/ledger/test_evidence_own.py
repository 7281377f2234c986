"""Blocks of our own making, by other people's code: proofs of every shape, and what is refused in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import rlp as oracle  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from ledger.errors import ChuzhengError, InputError, UnreadableError
from ledger.evidence.build import EMPTY_ROOT, receipts_trie
from ledger.evidence.events import Event, parse_receipt, proven_event
from ledger.evidence.header import parse_header
from ledger.evidence.trie import proven_value
from ledger.types import Address
from tests.fakes.qbft import addresses, get_proof, make_block, receipt_of, validators

SIGNERS = validators(4)
EVENT = Event(Address("0x" + "a1" * 20), (bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32), bytes(64))


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=300), st.data())
@settings(max_examples=40, deadline=None)
def test_trie__any_values__same_root_and_proof_as_the_library(values: list[bytes], data: st.DataObject) -> None:
    """Short values give embedded nodes, long lists give keys of two and three bytes."""
    tree = HexaryTrie({})
    for i, value in enumerate(values):
        tree[oracle.encode(i)] = value
    index = data.draw(st.integers(0, len(values) - 1))
    root, proof = receipts_trie(values, index)
    assert root == tree.root_hash
    # The library lists embedded nodes too; by formats.md §6 they stand in their parent only.
    assert proof == tuple(
        encoded
        for depth, node in enumerate(get_proof(tree, index))
        if len(encoded := oracle.encode(node)) >= 32 or depth == 0
    )
    assert proven_value(root, oracle.encode(index), proof) == values[index]
    with pytest.raises(ChuzhengError):
        proven_value(root, oracle.encode(len(values)), proof)


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=2, max_size=150), st.data())
@settings(max_examples=60, deadline=None)
def test_trie__bit_flipped_node_added_dropped_or_twice__refused(values: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    root, proof = receipts_trie(values, index)
    at = data.draw(st.integers(0, len(proof) - 1))
    node = bytearray(proof[at])
    bit = data.draw(st.integers(0, len(node) * 8 - 1))
    node[bit // 8] ^= 1 << bit % 8
    for wrong in (
        (*proof[:at], bytes(node), *proof[at + 1 :]),
        (*proof, proof[at]),
        (proof[at], *proof),
        (*proof[:at], *proof[at + 1 :]),
        (*proof, b"\xc0"),
    ):
        with pytest.raises(ChuzhengError):
            proven_value(root, oracle.encode(index), wrong)


def test_trie__no_receipts__the_empty_root() -> None:
    assert HexaryTrie({}).root_hash == EMPTY_ROOT


@pytest.mark.parametrize("count", [1, 2, 16, 17, 127, 128, 129, 260])
def test_proven_event__blocks_of_many_sizes__every_place(count: int) -> None:
    own = [replace(EVENT, data=i.to_bytes(64, "big")) for i in range(count)]
    block = make_block([[own[i]] for i in range(count)], SIGNERS)
    for i in {0, 1, count // 2, count - 1} & set(range(count)):
        assert proven_event(block.trie.root_hash, i, 0, block.proof(i)) == own[i]


@pytest.mark.parametrize("kind", [0, 1, 2, 4, 0x7F])
def test_receipt__legacy_and_typed__read(kind: int) -> None:
    assert parse_receipt(receipt_of([EVENT, EVENT], kind=kind)) == (1, (EVENT, EVENT))


def test_proven_event__reverted_or_no_such_log__refused() -> None:
    block = make_block([receipt_of([EVENT], status=0), [EVENT]], SIGNERS)
    for tx, log, code in ((0, 0, "evidence.reverted"), (1, 1, "evidence.log_index")):
        with pytest.raises(InputError) as caught:
            proven_event(block.trie.root_hash, tx, log, block.proof(tx))
        assert caught.value.code == code


def log(**changes: Any) -> list[Any]:
    parts: dict[str, Any] = {"address": bytes(20), "topics": [bytes(32)], "data": b""}
    return list({**parts, **changes}.values())


@pytest.mark.parametrize(
    "body",
    [
        [1, 1, bytes(256)],
        [1, 1, bytes(256), [], b""],
        [2, 1, bytes(256), []],
        [bytes(32), 1, bytes(256), []],
        [b"\0", 1, bytes(256), []],
        [1, b"\0\1", bytes(256), []],
        [1, 1, bytes(255), []],
        [1, 1, bytes(256), b""],
        [1, 1, bytes(256), [log(address=bytes(19))]],
        [1, 1, bytes(256), [log(topics=[bytes(31)])]],
        [1, 1, bytes(256), [log(topics=[bytes(32)] * 5)]],
        [1, 1, bytes(256), [log(topics=b"")]],
        [1, 1, bytes(256), [log(data=[])]],
        [1, 1, bytes(256), [[*log(), b""]]],
        b"text",
    ],
)
def test_receipt__another_shape__refused(body: Any) -> None:
    with pytest.raises(UnreadableError):
        parse_receipt(oracle.encode(body))


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x80" + receipt_of([EVENT]), b"\x00" + receipt_of([EVENT])])
def test_receipt__type_that_there_isnt__refused(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse_receipt(data)


@pytest.mark.parametrize("more", [[], [7], [7, bytes(32)]])
@pytest.mark.parametrize("vote", [(), (bytes(20), b"\xff"), (bytes(20), b"")])
@pytest.mark.parametrize("round_", [0, 1, 300])
def test_header__15_items_or_more_any_vote_any_round__read(more: list[Any], vote: Any, round_: int) -> None:
    block = make_block([[EVENT]], SIGNERS, more=more, vote=vote, round_=round_, number=70_000)
    header = parse_header(block.header())
    assert (header.hash, header.number, header.time, header.round) == (block.hash, 70_000, 1_770_000_000, round_)
    assert header.sealers() == set(addresses(SIGNERS[:3]))


def test_header__order_of_seals__is_free() -> None:
    block = make_block([[EVENT]], SIGNERS)
    assert parse_header(replace(block, seals=block.seals[::-1]).header()).sealers() == set(addresses(SIGNERS[:3]))


def test_header__round_isnt_under_the_hash_but_under_the_seals() -> None:
    block = make_block([[EVENT]], SIGNERS, round_=1)
    header = parse_header(block.header(round_=0))
    assert header.hash == block.hash
    assert not header.sealers() & set(addresses(SIGNERS))


SHAPES: dict[str, Callable[[list[Any], list[Any]], Any]] = {
    "14 items": lambda items, extra: items[:14],
    "an item that is a list": lambda items, extra: [*items[:14], []],
    "extraData of four": lambda items, extra: [*items[:12], oracle.encode(extra[:4]), *items[13:]],
    "extraData of six": lambda items, extra: [*items[:12], oracle.encode([*extra, b""]), *items[13:]],
    "extraData behind a byte": lambda items, extra: [*items[:12], oracle.encode(extra) + b"\0", *items[13:]],
    "vanity of 31 bytes": lambda items, extra: [*items[:12], oracle.encode([bytes(31), *extra[1:]]), *items[13:]],
    "validator of 19 bytes": lambda items, extra: [
        *items[:12], oracle.encode([extra[0], [bytes(19)], *extra[2:]]), *items[13:],
    ],
    "validator twice": lambda items, extra: [
        *items[:12], oracle.encode([extra[0], [extra[1][0]] * 2, *extra[2:]]), *items[13:],
    ],
    "vote that isn't one": lambda items, extra: [
        *items[:12], oracle.encode([*extra[:2], [bytes(20), b"\1"], *extra[3:]]), *items[13:],
    ],
    "vote of one": lambda items, extra: [
        *items[:12], oracle.encode([*extra[:2], [bytes(20)], *extra[3:]]), *items[13:],
    ],
    "round with a leading zero": lambda items, extra: [
        *items[:12], oracle.encode([*extra[:3], b"\0", extra[4]]), *items[13:],
    ],
    "seal of 64 bytes": lambda items, extra: [
        *items[:12], oracle.encode([*extra[:4], [bytes(64)]]), *items[13:],
    ],
    "receipts root of 31 bytes": lambda items, extra: [*items[:5], bytes(31), *items[6:]],
    "number with a leading zero": lambda items, extra: [*items[:8], b"\0\1", *items[9:]],
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPES)
def test_header__another_shape__refused(case: str) -> None:
    items = list(oracle.decode(make_block([[EVENT]], SIGNERS).header()))
    assert parse_header(oracle.encode(items)).number == 9
    extra = list(oracle.decode(items[12]))
    with pytest.raises(UnreadableError):
        parse_header(oracle.encode(SHAPES[case](items, extra)))


def test_seal__v_of_27_or_values_out_of_range__nobodys() -> None:
    block = make_block([[EVENT]], SIGNERS)
    for wrong in (block.seals[0][:64] + bytes([27 + block.seals[0][64]]), bytes(65), b"\xff" * 64 + b"\0"):
        header = parse_header(replace(block, seals=(wrong, *block.seals[1:])).header())
        assert len(header.sealers()) == 2
