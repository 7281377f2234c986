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

from ledger.errors import ChuzhengError, InputError, NotFoundError, UnreadableError
from ledger.evidence.build import EMPTY_ROOT, receipts_trie
from ledger.evidence.events import Event, parse_receipt, proven_event
from ledger.evidence.header import parse_header, quorum
from ledger.evidence.sealed import SealedBlock
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


LOGS = st.builds(
    Event,
    st.binary(min_size=20, max_size=20).map(lambda raw: Address("0x" + raw.hex())),
    st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
    st.binary(max_size=200),
)
KINDS = st.sampled_from([0, 0, 1, 2, 3, 4, 0x7F])


@st.composite
def blocks(draw: st.DrawFn, least: int = 1) -> tuple[list[tuple[int, int, list[Event]]], list[bytes]]:
    """1 to 300 transactions as (type, status, events), and their receipts; a few of them drawn, the others repeat them:
    drawing three hundred would take longer than what is tested."""
    few = draw(st.lists(st.tuples(KINDS, st.integers(0, 1), st.lists(LOGS, max_size=4)), min_size=1, max_size=6))
    count = draw(st.one_of(st.sampled_from([1, 2, 127, 128, 129, 256, 257, 300]), st.integers(1, 300)))
    whole = [few[i % len(few)] for i in range(max(least, count))]
    receipts = [
        receipt_of(events, status=status, kind=kind, gas=21_000 * (i + 1))
        for i, (kind, status, events) in enumerate(whole)
    ]
    return whole, receipts


@given(blocks(), st.data())
@settings(max_examples=25, deadline=None)
def test_block__random_logs_in_1_to_300_receipts_of_any_type__each_event_proven_where_it_is(
    block: tuple[list[tuple[int, int, list[Event]]], list[bytes]], data: st.DataObject
) -> None:
    """By another's trie, by our own, and by what capture keeps: the same event, at the same place, and no other."""
    whole, receipts = block
    made = make_block(receipts, SIGNERS)
    sealed = SealedBlock(made.header(), tuple(receipts))
    header = parse_header(sealed.header)
    i = data.draw(st.integers(0, len(whole) - 1))
    kind, status, events = whole[i]
    root, proof = receipts_trie(receipts, i)
    assert root == made.trie.root_hash == header.receipts_root
    assert parse_receipt(receipts[i]) == (status, tuple(events))
    assert receipts[i][:1] == bytes([kind]) if kind else receipts[i][0] >= 0xC0
    position = sum(len(each[2]) for each in whole[:i])
    for j, event in enumerate(events):
        found = sealed.prove(position + j)
        assert (found.tx_index, found.log_index, found.event, found.receipt_proof) == (i, j, event, proof)
        if status:
            assert proven_event(root, i, j, proof) == proven_event(root, i, j, made.proof(i)) == event
        else:
            with pytest.raises(InputError, match=r"evidence\.reverted"):
                proven_event(root, i, j, proof)
    with pytest.raises(InputError, match=r"evidence\.(log_index|reverted)"):
        proven_event(root, i, len(events), proof)
    for other in {0, i - 1, i + 1, len(whole) - 1} - {i, -1}:
        with pytest.raises(ChuzhengError):
            proven_event(root, other, 0, proof)
    with pytest.raises(NotFoundError):
        sealed.prove(sum(len(each[2]) for each in whole))


@given(blocks(least=2), st.data())
@settings(max_examples=40, deadline=None)
def test_block__one_bit_of_any_receipt_flipped__another_root(
    block: tuple[list[tuple[int, int, list[Event]]], list[bytes]], data: st.DataObject
) -> None:
    """A block of which a node told any receipt wrongly is not kept, whichever event is asked for."""
    _, receipts = block
    root, _ = receipts_trie(receipts, 0)
    i = data.draw(st.integers(0, len(receipts) - 1))
    flipped = bytearray(receipts[i])
    bit = data.draw(st.integers(0, len(flipped) * 8 - 1))
    flipped[bit // 8] ^= 1 << bit % 8
    assert receipts_trie([*receipts[:i], bytes(flipped), *receipts[i + 1 :]], 0)[0] != root
    assert receipts_trie(receipts[:-1], 0)[0] != root
    assert receipts_trie([*receipts, receipts[0]], 0)[0] != root


@given(st.lists(st.integers(1, 9), min_size=4, max_size=9, unique=True), st.integers(0, 300), st.data())
@settings(max_examples=30, deadline=None)
def test_seals__any_set_and_any_of_them_sealing__exactly_those_counted(
    seeds: list[int], round_: int, data: st.DataObject
) -> None:
    signers = [key for seed in seeds for key in validators(1, f"random {seed}")]
    sealing = data.draw(st.lists(st.sampled_from(signers), max_size=len(signers)))
    strangers = validators(data.draw(st.integers(0, 2)), "stranger")
    header = parse_header(make_block([[EVENT]], signers, round_=round_, sealers=[*strangers, *sealing]).header())
    counted = header.sealers() & set(header.validators)
    assert counted == set(addresses(sealing))
    assert (len(counted) >= quorum(len(signers))) == (3 * len(set(sealing)) >= 2 * len(signers))


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
