"""Cosignatures as C2SP writes them: bytes, key ids, who counts, how lines get under a note."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.crypto.keys import Ed25519Signer
from ledger.errors import UnreadableError
from ledger.types import Digest
from notary.checkpoint import MAX_SIGNATURES, Checkpoint, VerifierKey, parse_note, sign_checkpoint, verify_signature
from notary.cosignature import (
    cosign,
    cosigners,
    format_line,
    parse_lines,
    parse_witness_vkey,
    with_cosignatures,
    witness_vkey,
)
from notary.trust_file import WitnessKey

LOG = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
WITNESSES = [Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in range(2, 30)]
HEAD = Checkpoint("example.com/behind-the-sofa", 20852163, Digest(hashlib.sha256(b"root").digest()))
NOTE = sign_checkpoint(HEAD, HEAD.origin, LOG)


def test_cosignature__bytes__are_those_of_the_specification() -> None:
    """C2SP tlog-cosignature, Format and Ed25519 signed message, written out by hand."""
    line = cosign(HEAD.text(), "witness.example.com/w1", WITNESSES[0], 1679315147)
    public = WITNESSES[0].public_key
    assert line.key_id == hashlib.sha256(b"witness.example.com/w1\n\x04" + public).digest()[:4]
    assert line.signature[:8] == (1679315147).to_bytes(8, "big")
    message = (
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        + base64.b64encode(HEAD.root).decode() + "\n"
    )  # fmt: skip
    Ed25519PrivateKey.from_private_bytes(b"\x02" * 32).public_key().verify(line.signature[8:], message.encode())
    assert format_line(line).startswith("— witness.example.com/w1 ")
    assert parse_lines(format_line(line)) == (line,)


def test_example_of_the_specification__its_lines__are_read() -> None:
    """The checkpoint that tlog-cosignature.md prints (its keys aren't given): a cosignature has 72 bytes and a time."""
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE"
        "+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5n"
        "No0xUe+mbIUBkBIfZ+qnA==\n"
    )
    lines = parse_note(note).signatures
    assert len(lines[1].signature) == 72
    assert int.from_bytes(lines[1].signature[:8]) == 1679315147


@pytest.mark.parametrize("spoil", ["time", "signature", "name", "short", "zero"])
def test_cosigners__spoilt_line__does_not_count(spoil: str) -> None:
    line = cosign(HEAD.text(), "w1", WITNESSES[0], 1_700_000_000)
    changed = {
        "time": line.signature[:7] + b"\x01" + line.signature[8:],
        "signature": line.signature[:-1] + bytes([line.signature[-1] ^ 1]),
        "short": line.signature[:-1],
        "zero": bytes(8) + line.signature[8:],
    }.get(spoil, line.signature)
    known = WitnessKey("w2" if spoil == "name" else "w1", WITNESSES[0].public_key)
    note = with_cosignatures(NOTE, [type(line)(line.name, line.key_id, changed)])
    assert cosigners(parse_note(note), [known]) == []


def test_cosigners__one_key_under_two_names__counts_once() -> None:
    lines = [cosign(HEAD.text(), name, WITNESSES[0], 1_700_000_000) for name in ("w1", "w2")]
    trusted = [WitnessKey(name, WITNESSES[0].public_key) for name in ("w1", "w2")]
    note = with_cosignatures(NOTE, lines)
    assert len(cosigners(parse_note(note), trusted)) == 1
    assert verify_signature(note, VerifierKey(HEAD.origin, LOG.public_key))


def test_with_cosignatures__more_than_a_reader_takes__stops_there() -> None:
    lines = [cosign(HEAD.text(), f"w{n}", key, 1_700_000_000) for n, key in enumerate(WITNESSES)]
    note = with_cosignatures(with_cosignatures(NOTE, lines[:3]), lines)
    assert len(parse_note(note).signatures) == MAX_SIGNATURES
    assert len({line.name for line in parse_note(note).signatures}) == MAX_SIGNATURES


@given(st.binary(min_size=32, max_size=32))
def test_vkey__any_key__is_read_back(public: bytes) -> None:
    witness = WitnessKey("witness.example/w1", public)
    assert parse_witness_vkey(witness_vkey(witness)) == witness


@pytest.mark.parametrize(
    "text", ["", "w1", "w1+00000000+BAAA", VerifierKey("w1", LOG.public_key).text(), "+00000000+" + "A" * 44]
)
def test_vkey__something_else__refused(text: str) -> None:
    with pytest.raises(UnreadableError, match=r"note\.vkey"):
        parse_witness_vkey(text)
