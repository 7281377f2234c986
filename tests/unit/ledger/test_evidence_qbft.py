"""Headers, seals and receipt tries against the recorded QBFT network: every good block, every tampered one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import UnreadableError
from ledger.evidence.build import EMPTY_ROOT, header_bytes, receipt_bytes, receipts_trie
from ledger.evidence.events import parse_receipt, proven_event
from ledger.evidence.header import parse_header, quorum

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "qbft"
BLOCKS: list[dict[str, Any]] = json.loads((FOLDER / "blocks.json").read_text())["blocks"]
CASES: list[dict[str, Any]] = json.loads((FOLDER / "tampered.json").read_text())["cases"]


def judged(header: dict[str, Any], trusted: list[str], receipts: list[dict[str, Any]]) -> str | None:
    """The first reason against a block, in the order of the vectors' README; None: none."""
    try:
        read = parse_header(header_bytes(header))
    except UnreadableError:
        return "EXTRA_MALFORMED"
    if read.hash != header["hash"]:
        return "HASH_MISMATCH"
    if set(read.validators) != set(trusted):
        return "VALIDATORS_MISMATCH"
    if len(read.sealers() & set(trusted)) < quorum(len(trusted)):
        return "QUORUM"
    own = [receipt_bytes(receipt) for receipt in receipts]
    root = receipts_trie(own, 0)[0] if own else EMPTY_ROOT
    return None if root == read.receipts_root else "RECEIPTS_ROOT"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: str(int(b["header"]["number"], 16)))
def test_vectors__good_block__hash_seals_and_every_receipt_proven(block: dict[str, Any]) -> None:
    assert judged(block["header"], block["validators"], block["receipts"]) is None
    header = parse_header(header_bytes(block["header"]))
    assert header.round == block["round"]
    assert list(header.validators) == block["validators"]
    assert len(header.sealers()) == len(header.seals) == block["commit_seals"]
    receipts = [receipt_bytes(receipt) for receipt in block["receipts"]]
    for i, receipt in enumerate(block["receipts"]):
        root, proof = receipts_trie(receipts, i)
        assert root == header.receipts_root
        assert len(parse_receipt(receipts[i])[1]) == len(receipt["logs"])
        for j, log in enumerate(receipt["logs"]):
            event = proven_event(root, i, j, proof)
            assert event.address == log["address"]
            assert ["0x" + topic.hex() for topic in event.topics] == log["topics"]
            assert "0x" + event.data.hex() == log["data"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_vectors__tampered__refused_for_the_stated_reason(case: dict[str, Any]) -> None:
    assert judged(case["header"], case["trusted_validators"], case["receipts"]) == case["reason_code"]
    if "seals" in case and case["reason_code"] in (None, "QUORUM"):
        found = parse_header(header_bytes(case["header"])).sealers() & set(case["trusted_validators"])
        assert (len(found), quorum(len(case["trusted_validators"]))) == (case["valid_distinct_seals"], case["quorum"])


def test_vectors__all_there__15_blocks_39_seals_102_receipts_17_cases() -> None:
    assert (len(BLOCKS), sum(b["commit_seals"] for b in BLOCKS)) == (15, 39)
    assert (sum(len(b["receipts"]) for b in BLOCKS), len(CASES)) == (102, 17)


@pytest.mark.parametrize(("n", "needed"), [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (21, 14)])
def test_quorum__two_thirds_rounded_up__never_none(n: int, needed: int) -> None:
    assert quorum(n) == needed
