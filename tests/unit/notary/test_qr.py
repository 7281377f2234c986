"""The QR code's content: written, read strictly, small enough (formats.md §6)."""

from __future__ import annotations

import contextlib
import os
from base64 import b32decode, b32encode
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ChuzhengError, InputError, UnreadableError
from notary.canonical import canonicalise
from notary.disclosure import make_disclosure, parse_disclosure, recompute
from notary.merkle import path_length
from notary.qr import MAX_BARE, MAX_BYTES, MAX_TEXT, QrProof, fragment_of, is_ticket, parse_qr
from notary.receipt import inclusion_error
from tests.golden.make import RECORD, SALT, receipt

RECEIPT = receipt()
DISCLOSURE = parse_disclosure(make_disclosure(RECORD, SALT, ["number", "name"], RECEIPT))
NAMES = ["number", "valid_to"]
PROOF = QrProof.of(RECEIPT, DISCLOSURE, NAMES)


def plain(text: str) -> list[Any]:
    value = cbor2.loads(b32decode(text + "=" * (-len(text) % 8)))
    assert isinstance(value, list)
    return value


def written(value: Any, **options: Any) -> str:
    return b32encode(cbor2.dumps(value, **{"canonical": True, **options})).decode().rstrip("=")


@pytest.mark.parametrize("names", [[], ["number"], NAMES])
def test_qr__written_and_read__is_the_same(names: list[str]) -> None:
    proof = QrProof.of(RECEIPT, DISCLOSURE, names)
    assert parse_qr(proof.to_text()) == proof
    assert set(proof.to_text()) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def test_qr__with_the_log_s_checkpoint__proves_entry_and_shown_members() -> None:
    read = parse_qr(PROOF.to_text())
    assert RECEIPT.checkpoint is not None
    found = read.receipt(RECEIPT.checkpoint)
    assert inclusion_error(found) is None
    assert found.entry == RECEIPT.entry
    disclosure = read.disclosure(found)
    assert disclosure is not None
    assert disclosure.shown == {name: RECORD[name] for name in NAMES}
    assert recompute(disclosure) == RECEIPT.entry.sha256


def test_qr__checkpoint_of_another_size__refused() -> None:
    assert RECEIPT.checkpoint is not None
    with pytest.raises(InputError, match=r"qr\.other_checkpoint"):
        replace(PROOF, size=PROOF.size + 1).receipt(RECEIPT.checkpoint)


def test_qr__holds_neither_the_record_s_salt_nor_its_signature_nor_its_anchor() -> None:
    data = b32decode(PROOF.to_text() + "=" * (-len(PROOF.to_text()) % 8))
    assert SALT not in data
    assert parse_qr(PROOF.to_text()).receipt(RECEIPT.checkpoint or "").salt is None


def test_qr__at_2_to_the_24_leaves__bare_one_fits() -> None:
    size = 1 << 24
    path = tuple(os.urandom(32) for _ in range(path_length(5, size)))
    bare = QrProof(RECEIPT.entry, RECEIPT.origin, 5, size, path)
    assert len(b32decode(bare.to_text() + "=" * (-len(bare.to_text()) % 8))) <= MAX_BARE


def test_qr__too_long__refused_when_written_and_when_read() -> None:
    size = (1 << 53) - 1
    path = tuple(os.urandom(32) for _ in range(path_length(0, size)))
    long = replace(PROOF, index=0, size=size, path=path)
    with pytest.raises(InputError, match=r"qr\.too_long"):
        long.to_text()
    with pytest.raises(UnreadableError, match=r"qr\.too_long"):
        parse_qr("A" * (MAX_TEXT + 1))
    assert len(b32encode(bytes(MAX_BYTES)).decode().rstrip("=")) == MAX_TEXT


def test_of__receipt_that_is_only_promised__refused() -> None:
    with pytest.raises(InputError, match=r"receipt\.not_included"):
        QrProof.of(replace(RECEIPT, inclusion=None, checkpoint=None, anchor=None, evidence=None))


def test_of__member_that_isn_t_there__named() -> None:
    with pytest.raises(InputError, match=r"disclosure\.no_such_member"):
        QrProof.of(RECEIPT, DISCLOSURE, ["holders"])


def edits() -> list[tuple[str, Any]]:
    base = plain(PROOF.to_text())
    n, shown = base[6]
    first = shown[0]
    rest = shown[1:]

    def member(**at: Any) -> list[Any]:
        changed = list(first)
        for place, value in at.items():
            changed[int(place[1:])] = value
        return [*base[:6], [n, [changed, *rest]]]

    return [
        ("version 2", [2, *base[1:]]),
        ("version true", [True, *base[1:]]),
        ("six parts", base[:6]),
        ("eight parts", [*base, 1]),
        ("a map", {"a": 1}),
        ("entry as text", [1, "x" * 92, *base[2:]]),
        ("entry of 91 bytes", [1, base[1][:-1], *base[2:]]),
        ("entry of another version", [1, b"\x02" + base[1][1:], *base[2:]]),
        ("origin of nobody", [1, base[1], "chuzheng/x/y", *base[3:]]),
        ("index at size", [*base[:3], base[4], base[4], *base[5:]]),
        ("index negative", [*base[:3], -1, *base[4:]]),
        ("index a float", [*base[:3], 1.0, *base[4:]]),
        ("path a byte longer", [*base[:5], base[5] + b"\0", base[6]]),
        ("path a node longer", [*base[:5], base[5] + bytes(32), base[6]]),
        ("path a list", [*base[:5], [base[5]], base[6]]),
        ("shown without members", [*base[:6], [n, []]]),
        ("shown of none", [*base[:6], [0, shown]]),
        ("shown in three", [*base[:6], [n, shown, 1]]),
        ("members falling", [*base[:6], [n, shown[::-1]]]),
        ("a member twice", [*base[:6], [n, [first, first]]]),
        ("position at n", member(_0=n)),
        ("salt of 31 bytes", member(_1=first[1][:-1])),
        ("member's path shorter", member(_2=first[2][:-32])),
        ("text with a space", member(_3=first[3].replace(",", ", ", 1))),
        ("text of three", member(_3=first[3][:-1] + ",1]")),
        ("text an object", member(_3="{}")),
        ("name a number", member(_3="[1,2]")),
    ]


@pytest.mark.parametrize("value", [e[1] for e in edits()], ids=[e[0] for e in edits()])
def test_parse__changed__refused(value: Any) -> None:
    with pytest.raises(UnreadableError):
        parse_qr(written(value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "AE",
        PROOF.to_text().lower(),
        PROOF.to_text() + "=",
        PROOF.to_text() + "A",
        PROOF.to_text()[:-1],
        "A1",
        "Ａ",
    ],
)
def test_parse__other_spellings__refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        parse_qr(text)


def test_parse__cbor_that_isn_t_deterministic__refused() -> None:
    data = cbor2.dumps(plain(PROOF.to_text()), canonical=True)
    assert data[:2] == b"\x87\x01"
    for other in (b"\x87\x18\x01" + data[2:], b"\x9f" + data[1:] + b"\xff", data + b"\x00", b"\xd9\xd9\xf7" + data):
        with pytest.raises(UnreadableError, match=r"qr\.cbor"):
            parse_qr(b32encode(other).decode().rstrip("="))


@given(st.binary(max_size=200))
def test_parse__any_bytes__refused_with_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(ChuzhengError):
        parse_qr(b32encode(data).decode().rstrip("="))


@settings(max_examples=60)
@given(st.data())
def test_parse__one_byte_flipped__refused_or_something_else(data: st.DataObject) -> None:
    raw = bytearray(b32decode(PROOF.to_text() + "=" * (-len(PROOF.to_text()) % 8)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(UnreadableError):
        assert parse_qr(b32encode(bytes(raw)).decode().rstrip("=")) != PROOF


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8) | st.none(), max_size=3))
def test_member_s_value__of_any_kind__comes_back_as_canonical(value: dict[str, Any]) -> None:
    member = replace(PROOF.members[0], value={k: v for k, v in value.items() if type(v) is not int or abs(v) < 1 << 53})
    try:
        canonicalise(member.value)
    except ChuzhengError:
        return
    proof = replace(PROOF, members=(member,))
    assert parse_qr(proof.to_text()) == proof


def test_ticket_and_address__told_apart() -> None:
    assert is_ticket("T" + "A" * 26)
    assert not is_ticket(PROOF.to_text())
    assert fragment_of(f" https://example.org/verify#{PROOF.to_text()}\n") == PROOF.to_text()
    assert fragment_of(PROOF.to_text()) == PROOF.to_text()


@pytest.mark.parametrize(
    "text", ["https://pay.example.com/x?y=1", "WIFI:T:WPA;S:a;;", "https://example.com/#/page?id=3"]
)
def test_code_of_another_system__said_so_and_not_to_scan_it_again(text: str) -> None:
    with pytest.raises(UnreadableError) as found:
        fragment_of(text)
    assert found.value.code == "qr.foreign"
