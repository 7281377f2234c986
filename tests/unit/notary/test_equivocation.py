"""Equivocation: which pairs are one, which aren't, what a judge needs, and the file's strictness."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.crypto.keys import Ed25519Signer
from ledger.errors import UnreadableError
from ledger.types import Address, BlockTime, ChainHash, Digest, Millis
from notary.checkpoint import Checkpoint, promise_bytes, sign_checkpoint
from notary.entry import leaf_of, log_id
from notary.equivocation import (
    ChainHead,
    Piece,
    Prefix,
    Shown,
    SignedHead,
    SignedPromise,
    What,
    find,
    judge,
    parse_equivocation,
    prefix_of,
)
from notary.merkle import consistency_proof, inclusion_path, root_from_leaves
from notary.receipt import NoEvidence, ReceiptAnchor
from notary.report import Outcome
from notary.trust_file import LogKey, TrustFile
from tests.fakes.log import ORIGIN, make_entries
from tests.fakes.registry import World

LOG = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
ENTRIES = make_entries(40)
OTHERS = [*make_entries(7), *make_entries(33, 500)]
NOW = Millis(1_770_000_000_000)
ANCHOR = ReceiptAnchor(
    7, ChainHash("0x" + "11" * 32), Address("0x" + "22" * 20), ChainHash("0x" + "33" * 32), 9,
    ChainHash("0x" + "44" * 32), BlockTime(1_700_000_000),
)  # fmt: skip


def head(entries: list[bytes], size: int, show: int | None = None) -> SignedHead:
    leaves = [leaf_of(e) for e in entries[:size]]
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root_from_leaves(leaves)), str(ORIGIN), LOG)
    return SignedHead(note, None if show is None else Shown(show, entries[show], tuple(inclusion_path(leaves, show))))


def promise(entry: bytes, index: int) -> SignedPromise:
    return SignedPromise(index, entry, LOG.sign(promise_bytes(log_id(ORIGIN), index, leaf_of(entry))))


def prefix(entries: list[bytes], small: int, large: int) -> Prefix:
    leaves = [leaf_of(e) for e in entries[:large]]
    return Prefix(root_from_leaves(leaves[:small]), tuple(consistency_proof(leaves, small)))


def on_chain(entries: list[bytes], size: int) -> ChainHead:
    return ChainHead(size, root_from_leaves([leaf_of(e) for e in entries[:size]]), ANCHOR, NoEvidence())


TRUE: dict[str, tuple[What, Piece, Piece, Prefix | None]] = {
    "two promises": (What.TWO_PROMISES, promise(ENTRIES[9], 9), promise(OTHERS[9], 9), None),
    "promise broken": (What.OTHER_LEAF, promise(ENTRIES[9], 9), head(OTHERS, 20, 9), None),
    "two proofs of one index": (What.OTHER_LEAF, head(ENTRIES, 13, 9), head(OTHERS, 20, 9), None),
    "one size": (What.TWO_ROOTS, head(ENTRIES, 20), head(OTHERS, 20), None),
    "not extended": (What.NOT_EXTENDED, head(ENTRIES, 13), head(OTHERS, 20), prefix(OTHERS, 13, 20)),
    "not extended, power of two": (What.NOT_EXTENDED, head(ENTRIES, 16), head(OTHERS, 20), prefix(OTHERS, 16, 20)),
    "chain, one size": (What.ANCHOR_DIFFERS, on_chain(ENTRIES, 20), head(OTHERS, 20), None),
    "chain, smaller": (What.ANCHOR_DIFFERS, on_chain(ENTRIES, 13), head(OTHERS, 20), prefix(OTHERS, 13, 20)),
}
FALSE: dict[str, tuple[Piece, Piece, Prefix | None]] = {
    "one history": (head(ENTRIES, 13), head(ENTRIES, 20), prefix(ENTRIES, 13, 20)),
    "without the proof": (head(ENTRIES, 13), head(OTHERS, 20), None),
    "another's proof": (head(ENTRIES, 13), head(OTHERS, 20), prefix(ENTRIES, 13, 20)),
    "before they part": (head(ENTRIES, 7), head(OTHERS, 20), prefix(OTHERS, 7, 20)),
    "promises of two indexes": (promise(ENTRIES[9], 9), promise(OTHERS[10], 10), None),
    "promise kept": (promise(ENTRIES[9], 9), head(ENTRIES, 20, 9), None),
    "path that doesn't hold": (
        promise(ENTRIES[9], 9), SignedHead(head(ENTRIES, 20).note, head(OTHERS, 20, 9).shown), None
    ),
    "the chain against itself": (on_chain(ENTRIES, 20), on_chain(OTHERS, 20), None),
}  # fmt: skip


@pytest.fixture(scope="module")
def trust() -> TrustFile:
    found = World().make_trust()
    key = LogKey(ORIGIN, str(ORIGIN), LOG.public_key, Millis(0))
    return replace(found, network="test", log_keys=(key,), expires=Millis(NOW + 1), issued_at=Millis(0))


@pytest.mark.parametrize("case", TRUE)
def test_find__contradiction__named_read_back_and_proven(case: str, trust: TrustFile) -> None:
    what, one, other, proof = TRUE[case]
    found = find(ORIGIN, one, other, proof)
    assert found is not None
    assert found.what is what
    assert found == find(ORIGIN, other, one, proof)
    assert parse_equivocation(found.to_json()) == found
    judged = judge(found, trust, NOW)
    if what is What.ANCHOR_DIFFERS:  # without evidence only the chain can tell what it holds
        assert (judged.outcome, judged.code) == (Outcome.UNKNOWN, "chain_not_asked")
    else:
        assert (judged.outcome, judged.code) == (Outcome.PASS, "proven")


@pytest.mark.parametrize("case", FALSE)
def test_find__no_contradiction__none(case: str) -> None:
    one, other, proof = FALSE[case]
    assert find(ORIGIN, one, other, proof) is None
    assert find(ORIGIN, other, one, proof) is None


@pytest.mark.parametrize("case", TRUE)
def test_judge__piece_by_a_stranger__fails(case: str, trust: TrustFile) -> None:
    _, one, other, proof = TRUE[case]
    found = find(ORIGIN, one, other, proof)
    assert found is not None
    stranger = replace(trust, log_keys=(replace(trust.log_keys[0], ed25519=b"\x07" * 31 + b"\x01"),))
    assert judge(found, stranger, NOW).outcome is Outcome.FAIL
    assert judge(found, replace(trust, log_keys=()), NOW).outcome is Outcome.UNKNOWN
    assert judge(found, None, NOW).code == "no_trust"
    assert judge(found, trust, Millis(NOW + 1)).code == "trust_expired"
    assert judge(found, replace(trust, network="other"), NOW).code == "other_network"


@pytest.mark.parametrize("case", TRUE)
def test_judge__another_word_for_it__fails(case: str, trust: TrustFile) -> None:
    _, one, other, proof = TRUE[case]
    found = find(ORIGIN, one, other, proof)
    assert found is not None
    for what in set(What) - {found.what}:
        assert judge(replace(found, what=what), trust, NOW).code == "no_contradiction"


def test_parse__anything_else__unreadable() -> None:
    found = find(ORIGIN, *TRUE["not extended"][1:])
    assert found is not None
    good = json.loads(found.to_json())
    changes: tuple[dict[str, object], ...] = (
        {"format": "chuzheng-equivocation/2"}, {"origin": "x"}, {"what": "nothing"}, {"first": {}}, {"more": 1},
        {"first": {**good["first"], "index": 1}}, {"first": {"kind": "promise"}}, {"prefix": {"root": "", "proof": []}},
        {"second": {**good["second"], "note": "x"}},
    )  # fmt: skip
    for change in changes:
        with pytest.raises(UnreadableError):
            parse_equivocation(json.dumps({**good, **change}).encode())
    for name in ("origin", "what", "first", "second"):
        with pytest.raises(UnreadableError):
            parse_equivocation(json.dumps({k: v for k, v in good.items() if k != name}).encode())


@given(st.integers(1, 39), st.integers(2, 40))
@settings(max_examples=200)
def test_prefix_of__any_sizes__is_the_root_where_the_proof_tells_it(small: int, large: int) -> None:
    if small >= large:
        return
    leaves = [leaf_of(e) for e in ENTRIES[:large]]
    tree = Checkpoint(ORIGIN, large, root_from_leaves(leaves))
    found = prefix_of(small, tree, consistency_proof(leaves, small))
    assert found == (root_from_leaves(leaves[:small]) if small & (small - 1) else None)
    wrong = Checkpoint(ORIGIN, large, Digest(bytes(32)))
    assert prefix_of(small, wrong, consistency_proof(leaves, small)) is None
