"""Receipts: stages, strict reading, every member flipped (formats.md §6)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.crypto.suites import verify
from ledger.errors import InputError, UnreadableError
from ledger.types import Anchor, Digest, Stage
from notary.b64 import to_b64
from notary.checkpoint import Checkpoint, promise_bytes, sign_checkpoint, verify_signature
from notary.entry import log_id
from notary.receipt import (
    MAX_BYTES,
    Inclusion,
    Receipt,
    ReceiptAnchor,
    inclusion_error,
    issue_bytes,
    parse_receipt,
)
from tests.golden.make import KEY, ORIGIN, SIGNER, anchor, receipt

FULL = receipt(stage="evidenced", signed=True)
VALUE = json.loads(FULL.to_json())


def code_of(value: Any) -> str:
    with pytest.raises(UnreadableError) as caught:
        parse_receipt(json.dumps(value).encode())
    return caught.value.code


def changed(*where: str, to: Any) -> dict[str, Any]:
    """The full receipt's JSON with one member set to something else, at any depth."""
    value = json.loads(FULL.to_json())
    inner = value
    for name in where[:-1]:
        inner = inner[name]
    inner[where[-1]] = to
    return value  # type: ignore[no-any-return]


def without(*names: str) -> dict[str, Any]:
    return {name: member for name, member in VALUE.items() if name not in names}


@pytest.mark.parametrize("stage", ["promised", "included", "anchored", "evidenced"])
@pytest.mark.parametrize("salted", [True, False])
def test_receipt__every_stage__there_and_back(stage: str, salted: bool) -> None:
    made = receipt(stage=stage, salted=salted)
    assert parse_receipt(made.to_json()) == made
    assert made.stage == (Stage.ANCHORED if stage == "evidenced" else Stage(stage))
    assert made.without_salt().salt is None
    assert parse_receipt(made.without_salt().to_json()).salt is None


def test_receipt__included_without_promise__accepted() -> None:
    made = replace(receipt(stage="included"), promise=None)
    assert parse_receipt(made.to_json()) == made


def test_receipt__head__the_note_s_three_lines() -> None:
    assert FULL.head == Checkpoint(ORIGIN, 11, FULL.head.root if FULL.head else Digest(b""))
    assert receipt(stage="promised").head is None


def test_receipt_anchor__of_a_chain_anchor__the_receipt_s_part() -> None:
    own = anchor()
    chain = Anchor(
        log_id(ORIGIN), 11, Digest(bytes(32)), own.chain_id, own.genesis_hash, own.contract, own.tx_hash,
        own.block_number, own.block_hash, own.block_time,
    )  # fmt: skip
    assert ReceiptAnchor.of(chain) == own


WRONG_TYPES: list[Any] = [None, True, 1.5, -1, "", "x", [], [1], {}, {"x": 1}, 1 << 60]
LEAVES = [
    ("format",), ("entry",), ("salt",), ("origin",), ("index",), ("promise",), ("issuer_signature",),
    ("issuer_signature", "signature"), ("inclusion",), ("inclusion", "size"), ("inclusion", "path"), ("checkpoint",),
    ("anchor",), ("anchor", "chain_id"), ("anchor", "genesis_hash"), ("anchor", "contract"), ("anchor", "tx_hash"),
    ("anchor", "block_number"), ("anchor", "block_hash"), ("anchor", "block_time"), ("evidence",),
    ("evidence", "kind"), ("evidence", "tx_index"), ("evidence", "log_index"), ("evidence", "receipt_proof"),
]  # fmt: skip


@pytest.mark.parametrize("where", LEAVES, ids=".".join)
@pytest.mark.parametrize("wrong", WRONG_TYPES, ids=repr)
def test_parse__wrong_type_anywhere__unreadable(where: tuple[str, ...], wrong: Any) -> None:
    if where == ("evidence", "receipt_proof") and wrong == []:
        return
    code_of(changed(*where, to=wrong))


@pytest.mark.parametrize("where", [("issuer_signature", "key_id"), ("issuer_signature", "suite")], ids=".".join)
@pytest.mark.parametrize("wrong", [None, True, 1, [], {}, "x" * 129])
def test_parse__wrong_type_of_a_text__unreadable(where: tuple[str, ...], wrong: Any) -> None:
    assert code_of(changed(*where, to=wrong)) == "format.text"


@pytest.mark.parametrize("name", ["format", "entry", "origin", "index"])
def test_parse__needed_member_missing__named(name: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse_receipt(json.dumps(without(name)).encode())
    assert (caught.value.code, caught.value.params["member"]) == ("format.member_missing", name)


@pytest.mark.parametrize("inner", ["inclusion", "anchor", "evidence", "issuer_signature"])
def test_parse__inner_member_missing_or_unknown__named(inner: str) -> None:
    for name in VALUE[inner]:
        if (inner, name) != ("evidence", "kind"):
            less = {k: v for k, v in VALUE[inner].items() if k != name}
            assert code_of(changed(inner, to=less)) == "format.member_missing"
    assert code_of(changed(inner, "more", to=1)) == "format.member_unknown"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (changed("extra", to=1), "format.member_unknown"),
        (changed("\ud800", to=1), "json.lone_surrogate"),
        (changed("format", to="chuzheng-receipt/2"), "format.unknown"),
        (changed("index", to=6.0), "format.count"),
        (changed("index", to=True), "format.count"),
        (changed("index", to=1 << 53), "json.integer_range"),
        (changed("inclusion", "size", to=0), "receipt.index"),
        (changed("index", to=11), "receipt.index"),
        (changed("index", to=10), "receipt.path_length"),
        (changed("inclusion", "path", to=VALUE["inclusion"]["path"][:-1]), "receipt.path_length"),
        (changed("inclusion", "path", to=[VALUE["inclusion"]["path"][0]] * 54), "format.list"),
        (changed("inclusion", "path", to=[*VALUE["inclusion"]["path"][:-1], "AAAA"]), "format.base64"),
        (changed("salt", to=to_b64(bytes(31))), "format.length"),
        (changed("promise", to=to_b64(bytes(65))), "format.length"),
        (changed("entry", to=to_b64(bytes(91))), "format.length"),
        (changed("entry", to=VALUE["entry"][:-1] + "B"), "entry.x"),
        (changed("origin", to="chuzheng/Golden/11420000011043201A"), "origin.segment"),
        (changed("anchor", "contract", to="0x" + "AB" * 20), "format.chain_value"),
        (changed("anchor", "tx_hash", to="ab" * 32), "format.chain_value"),
        (changed("anchor", "block_hash", to="0x" + "ab" * 32 + "\n"), "format.chain_value"),
        (changed("evidence", to={"kind": "none", "header": "AA=="}), "format.member_unknown"),
        (changed("evidence", to={"kind": "pow"}), "receipt.evidence_kind"),
        (changed("evidence", "header", to=to_b64(bytes((64 << 10) + 1))), "format.too_long"),
        (changed("evidence", "receipt_proof", to=["AA=="] * 17), "format.list"),
        (changed("evidence", "receipt_proof", to=["AB=="]), "format.base64"),
        (without("inclusion"), "receipt.stage"),
        (without("checkpoint"), "receipt.stage"),
        (without("anchor"), "receipt.stage"),
        (without("promise", "inclusion", "checkpoint", "anchor", "evidence"), "receipt.stage"),
        (without("inclusion", "checkpoint", "evidence"), "receipt.stage"),
        ([VALUE], "format.object"),
        ("receipt", "format.object"),
        (None, "format.object"),
    ],
)
def test_parse__refused_case__its_code(value: Any, code: str) -> None:
    found = code_of(value)
    assert found == code or (code == "entry.x" and value["entry"] != VALUE["entry"])


@pytest.mark.parametrize(
    "spelled", [b"-0", b"0.0", b"0e0", b"-0.0", b"00", b"1e0", b"9007199254740993", b"1" + b"0" * 400]
)
def test_parse__count_spelled_otherwise__unreadable(spelled: bytes) -> None:
    """Formats have one spelling of a count; a record's number may have several, its canonical form is what counts."""
    data = FULL.to_json()
    assert data.count(b'"index":6,') == 1
    with pytest.raises(UnreadableError):
        parse_receipt(data.replace(b'"index":6,', b'"index":%b,' % spelled))
    zero = json.dumps(changed("anchor", "block_number", to=0)).encode()
    assert parse_receipt(zero)
    with pytest.raises(UnreadableError):
        parse_receipt(zero.replace(b'"block_number": 0', b'"block_number": %b' % spelled))


def test_parse__promise_alone__the_first_stage() -> None:
    value = without("inclusion", "checkpoint", "anchor", "evidence")
    assert parse_receipt(json.dumps(value).encode()).stage is Stage.PROMISED


def test_parse__over_256_kib__unreadable() -> None:
    data = FULL.to_json()
    parse_receipt(data + b" " * (MAX_BYTES - len(data)))
    with pytest.raises(UnreadableError, match="too_large"):
        parse_receipt(data + b" " * (MAX_BYTES - len(data) + 1))


def test_parse__duplicate_member__unreadable() -> None:
    data = FULL.to_json()
    with pytest.raises(UnreadableError, match="duplicate_member"):
        parse_receipt(data[:-1] + b',"index":6}')


def is_good(made: Receipt) -> bool:
    """Checks 4 and 5 and the issuer's signature, as far as bytes go."""
    assert made.promise is not None
    assert made.checkpoint is not None
    assert made.issuer_signature is not None
    own = made.issuer_signature
    return (
        inclusion_error(made) is None
        and verify_signature(made.checkpoint, KEY)
        and verify("intl", KEY.public_key, made.promise, promise_bytes(log_id(made.origin), made.index, made.leaf))
        and verify("intl", KEY.public_key, own.signature, issue_bytes(made.origin, made.entry))
    )


def test_inclusion__golden_receipt__good() -> None:
    assert is_good(FULL)


PROVEN = (b'"entry"', b'"origin"', b'"index"', b'"promise"', b'"inclusion"', b'"checkpoint"')


@pytest.mark.parametrize("member", PROVEN, ids=lambda m: m.decode())
def test_receipt__any_bit_of_a_proven_member_flipped__unreadable_or_not_good(member: bytes) -> None:
    data = FULL.to_json()
    start = data.index(member)
    end = min(
        [data.index(m) for m in (*PROVEN, b'"salt"', b'"issuer_signature"', b'"anchor"') if data.index(m) > start]
    )
    for bit in range(start * 8, end * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            made = parse_receipt(bytes(flipped))
        except UnreadableError:
            continue
        assert made != FULL
        assert not is_good(made)


def with_note(size: int, root: bytes, origin: str = ORIGIN) -> str:
    return sign_checkpoint(Checkpoint(origin, size, Digest(root)), KEY.name, SIGNER)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: replace(r, entry=replace(r.entry, issuer="11100000000013338W")), "issuer"),
        (lambda r: replace(r, checkpoint=with_note(11, r.head.root, "chuzheng/other/11420000011043201A")), "origin"),
        (lambda r: replace(r, checkpoint=with_note(12, r.head.root)), "size"),
        (lambda r: replace(r, checkpoint=with_note(11, bytes(32))), "root"),
        (lambda r: replace(r, index=7), "root"),
        (lambda r: replace(r, inclusion=Inclusion(11, (bytes(32), *r.inclusion.path[1:]))), "root"),
    ],
    ids=["issuer", "origin", "size", "root", "index", "path"],
)
def test_inclusion_error__what_does_not_fit__its_reason(change: Callable[[Receipt], Receipt], reason: str) -> None:
    assert inclusion_error(change(FULL)) == reason


def test_inclusion_error__promised_only__refused() -> None:
    with pytest.raises(InputError, match="not_included"):
        inclusion_error(receipt(stage="promised"))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5), st.data())
def test_parse__any_value_in_any_place__receipt_or_unreadable(value: Any, data: st.DataObject) -> None:
    where = data.draw(st.sampled_from(LEAVES))
    try:
        parse_receipt(json.dumps(changed(*where, to=value)).encode())
    except UnreadableError:
        return


def test_receipt__printed__without_its_salt() -> None:
    assert FULL.without_salt() != receipt(stage="evidenced", signed=True)
    assert "salt" not in repr(receipt(stage="evidenced"))


@pytest.mark.parametrize("missing", ["inclusion", "checkpoint"])
def test_parse__half_of_a_stage__the_missing_half_is_named(missing: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse_receipt(json.dumps(without(missing)).encode())
    assert caught.value.params["member"] == missing
