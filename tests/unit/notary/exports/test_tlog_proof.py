"""`.tlog-proof` files: as the specification shows them, read strictly, and a copy of the receipt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ChuzhengError, InputError, UnreadableError
from notary.exports.tlog_proof import HEADER, TlogProof, parse_tlog_proof
from tests.golden.make import receipt

RECEIPT = receipt()
PROOF = TlogProof.of(RECEIPT)
DATA = PROOF.to_bytes()


def test_proof__of_a_receipt__in_the_specification_s_lines() -> None:
    lines = DATA.decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == f"index {RECEIPT.index}"
    gap = lines.index("")
    assert gap == 3 + len(PROOF.path)
    assert "\n".join(lines[gap + 1 :]) == RECEIPT.checkpoint


def test_proof__read_back__proves_the_entry_and_no_other() -> None:
    read = parse_tlog_proof(DATA)
    assert read == PROOF
    entry = RECEIPT.entry.to_bytes()
    assert read.proves(entry)
    assert not read.proves(entry[:-1] + bytes([entry[-1] ^ 1]))
    assert not replace(read, index=read.index ^ 1).proves(entry)


def test_proof__as_a_receipt__what_it_holds_of_it_without_the_salt() -> None:
    bare = replace(RECEIPT, salt=None, promise=None, issuer_signature=None, anchor=None, evidence=None)
    assert parse_tlog_proof(DATA).receipt() == bare
    assert RECEIPT.salt is not None
    assert RECEIPT.salt.hex() not in DATA.hex()


def test_proof__without_extra__proves_but_is_no_receipt() -> None:
    read = parse_tlog_proof(replace(PROOF, extra=None).to_bytes())
    assert read.proves(RECEIPT.entry.to_bytes())
    with pytest.raises(UnreadableError, match=r"tlog_proof\.no_entry"):
        read.receipt()


def test_of__promised_receipt__refused() -> None:
    with pytest.raises(InputError, match=r"receipt\.not_included"):
        TlogProof.of(replace(RECEIPT, inclusion=None, checkpoint=None, anchor=None, evidence=None))


LINES = DATA.decode().split("\n")
CHANGES = {
    "another header": DATA.replace(HEADER.encode(), b"c2sp.org/tlog-proof@v2"),
    "carriage returns": DATA.replace(b"\n", b"\r\n"),
    "no gap": DATA.replace(b"\n\n", b"\n"),
    "index with a zero before": DATA.replace(b"index ", b"index 0"),
    "index negative": DATA.replace(b"index ", b"index -"),
    "no index": "\n".join(LINES[:2] + LINES[3:]).encode(),
    "extra twice": "\n".join([*LINES[:2], LINES[1], *LINES[2:]]).encode(),
    "extra after index": "\n".join([LINES[0], LINES[2], LINES[1], *LINES[3:]]).encode(),
    "extra of another length": DATA.replace(LINES[1].encode(), b"extra AAAA"),
    "a node more": DATA.replace(b"\n\n", b"\n" + b"A" * 43 + b"=\n\n", 1),
    "a node less": "\n".join([*LINES[:3], *LINES[4:]]).encode(),
    "a node unpadded": "\n".join([*LINES[:3], LINES[3][:-1], *LINES[4:]]).encode(),
    "a space at a line's end": "\n".join([*LINES[:3], LINES[3] + " ", *LINES[4:]]).encode(),
    "no note": DATA.split(b"\n\n")[0] + b"\n\n",
    "not UTF-8": b"\xff" + DATA,
    "a mark before it": b"\xef\xbb\xbf" + DATA,
    "too long": DATA + b"x" * (128 << 10),
    "empty": b"",
}


@pytest.mark.parametrize("data", CHANGES.values(), ids=CHANGES.keys())
def test_parse__changed__refused(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse_tlog_proof(data)


@given(st.binary(max_size=300))
def test_parse__any_bytes_behind_the_header__error_of_ours(data: bytes) -> None:
    with pytest.raises(ChuzhengError):
        parse_tlog_proof(HEADER.encode() + b"\n" + data)


def test_parse__one_byte_changed_anywhere__refused_or_another_proof() -> None:
    entry = RECEIPT.entry.to_bytes()
    for at in range(len(DATA) - len((RECEIPT.checkpoint or "").split("\n\n")[1].encode())):
        changed = DATA[:at] + bytes([DATA[at] ^ 1]) + DATA[at + 1 :]
        try:
            read = parse_tlog_proof(changed)
        except UnreadableError:
            continue
        assert read.extra != entry or not read.proves(entry) or read.checkpoint != RECEIPT.checkpoint
