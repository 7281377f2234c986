"""Bundles: stages, strict reading, splitting, every path byte (formats.md §6)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import InputError, UnreadableError
from ledger.types import DepartmentCode, Digest
from notary.b64 import to_b64
from notary.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from notary.entry import Entry
from notary.receipt import NoEvidence, Receipt, inclusion_error, parse_receipt
from notary.receipts import Bundle, build_bundle, first_not_included, parse_bundle, split
from tests.golden.make import INDEX, KEY, ORIGIN, SIGNER, SIZE, anchor, entries, note, path, receipt

ENTRIES = entries()
ANCHORED = build_bundle(
    ORIGIN,
    0,
    ENTRIES,
    checkpoint=note(),
    paths=[path(i) for i in range(SIZE)],
    anchor=anchor(),
    evidence=NoEvidence(),
)
PROMISED = build_bundle(ORIGIN, 3, ENTRIES[3:6], promises=[bytes([i]) * 64 for i in range(3)])
VALUE = json.loads(ANCHORED.to_json())
ROOT = parse_checkpoint(note()).root


def changed(of: Bundle = ANCHORED, **members: Any) -> bytes:
    value = json.loads(of.to_json()) | members
    return json.dumps({name: member for name, member in value.items() if member is not ...}).encode()


@pytest.mark.parametrize(
    "data", [ANCHORED.to_json(), json.dumps(VALUE, indent=1).encode(), b"\xef\xbb\xbf" + changed()]
)
def test_parse__where_a_receipt_is_asked_for__says_what_it_is(data: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"receipts\.not_single"):
        parse_receipt(data)


@pytest.mark.parametrize("bundle", [ANCHORED, PROMISED, replace(ANCHORED, anchor=None, evidence=None)])
def test_bundle__every_stage__there_and_back(bundle: Bundle) -> None:
    assert parse_bundle(bundle.to_json()) == bundle


def test_split__anchored__single_receipts_that_stand_alone() -> None:
    singles = list(split(ANCHORED))
    assert singles[INDEX] == replace(receipt(salted=False), promise=None)
    for index, single in enumerate(singles):
        assert single.index == index
        assert inclusion_error(single) is None
        assert parse_receipt(single.to_json()) == single


def test_split__promised__each_its_promise() -> None:
    singles: list[Receipt] = list(split(PROMISED))
    assert [(s.index, s.promise) for s in singles] == [(3 + i, bytes([i]) * 64) for i in range(3)]
    assert all(parse_receipt(s.to_json()) == s for s in singles)


def test_first_not_included__all_good__none() -> None:
    assert first_not_included(ANCHORED) is None


def test_first_not_included__one_changed__its_offset() -> None:
    for at in range(SIZE):
        entry = ENTRIES[at][:40] + bytes([ENTRIES[at][40] ^ 1]) + ENTRIES[at][41:]
        joined = b"".join([*ENTRIES[:at], entry, *ENTRIES[at + 1 :]])
        assert first_not_included(replace(ANCHORED, entries=joined)) == at
        assert ANCHORED.paths is not None
        bad = bytes([ANCHORED.paths[at][0] ^ 1]) + ANCHORED.paths[at][1:]
        assert first_not_included(replace(ANCHORED, paths=(*ANCHORED.paths[:at], bad, *ANCHORED.paths[at + 1 :]))) == at


def test_first_not_included__entry_of_another_issuer__its_offset() -> None:
    foreign = replace(Entry.from_bytes(ENTRIES[4]), issuer=DepartmentCode("11100000000013338W")).to_bytes()
    joined = b"".join([*ENTRIES[:4], foreign, *ENTRIES[5:]])
    assert first_not_included(replace(ANCHORED, entries=joined)) == 4


@pytest.mark.parametrize(
    "head",
    [
        Checkpoint("chuzheng/other/11420000011043201A", SIZE, ROOT),
        Checkpoint(ORIGIN, SIZE + 1, ROOT),
        Checkpoint(ORIGIN, SIZE, Digest(bytes(32))),
    ],
)
def test_first_not_included__checkpoint_of_something_else__the_first(head: Checkpoint) -> None:
    assert first_not_included(replace(ANCHORED, checkpoint=sign_checkpoint(head, KEY.name, SIGNER))) == 0


@pytest.mark.parametrize("missing", ["checkpoint", "paths", "size"])
def test_first_not_included__part_of_a_stage__refused(missing: str) -> None:
    with pytest.raises(InputError, match="not_included"):
        first_not_included(replace(ANCHORED, **{missing: None}))  # type: ignore[arg-type]


def test_first_not_included__promises_only__refused() -> None:
    with pytest.raises(InputError, match="not_included"):
        first_not_included(PROMISED)


PATHS: list[str] = VALUE["paths"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (changed(more=1), "format.member_unknown"),
        (changed(salt=to_b64(bytes(32))), "format.member_unknown"),
        (changed(format="chuzheng-receipt/1"), "format.unknown"),
        (changed(entries=...), "format.member_missing"),
        (changed(entries=""), "receipts.entries"),
        (changed(entries=to_b64(bytes(93))), "receipts.entries"),
        (changed(entries=to_b64(bytes(92))), "entry.version"),
        (changed(entries=[]), "format.base64"),
        (changed(first=-1), "format.count"),
        (changed(first=True), "format.count"),
        (changed(first=0.0), "format.count"),
        (changed(first=1), "receipts.paths"),
        (changed(PROMISED, first=(1 << 53) - 1), "receipts.first"),
        (changed(origin="chuzheng"), "origin.form"),
        (changed(size=...), "receipt.stage"),
        (changed(paths=...), "receipt.stage"),
        (changed(checkpoint=...), "receipt.stage"),
        (changed(paths=..., checkpoint=..., size=...), "receipt.stage"),
        (changed(anchor=...), "receipt.stage"),
        (changed(PROMISED, promises=...), "receipt.stage"),
        (changed(PROMISED, size=4), "receipt.stage"),
        (changed(PROMISED, promises=to_b64(bytes(128))), "receipts.promises"),
        (changed(promises=to_b64(bytes(64 * SIZE))), "receipts.promises"),
        (changed(paths=PATHS[:-1]), "receipts.paths"),
        (changed(paths=[*PATHS[:-1], PATHS[0]]), "receipts.paths"),
        (changed(paths=[*PATHS[:-1], PATHS[-1][:-1]]), "format.base64"),
        (changed(paths=[*PATHS[:-1], 1]), "format.base64"),
        (changed(paths={}), "format.list"),
        (changed(size=SIZE - 1), "receipts.paths"),
        (changed(checkpoint="x"), "note.form"),
        (b"[]", "format.object"),
    ],
)
def test_parse_bundle__refused_case__its_code(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse_bundle(data)
    assert caught.value.code == code


def test_bundle__over_16_mib__refused_both_ways() -> None:
    big = build_bundle(ORIGIN, 0, [ENTRIES[0]] * 150_000, promises=[bytes(64)] * 150_000)
    with pytest.raises(InputError, match=r"receipts\.too_large"):
        big.to_json()
    with pytest.raises(UnreadableError, match="too_large"):
        parse_bundle(b" " * ((16 << 20) + 1))
