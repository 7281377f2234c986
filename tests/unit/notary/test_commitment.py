"""Commitments: vectors, and the fast path against the definition written out (formats.md §2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given

from ledger.errors import InputError, UnreadableError
from notary.canonical import canonicalise, parse_record, sort_members
from notary.commitment import (
    commit,
    commit_and_canonicalise,
    commitment_from_root,
    field_digest,
    field_digests,
    field_salt,
    fields_root,
)
from notary.merkle import inclusion_path, leaf_hash
from tests.unit.notary.json_values import UNFIT, hashes, records

CASES = json.loads((Path(__file__).parents[2] / "vectors/formats/commitments.json").read_text())
b64 = base64.b64decode


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_commit__vector__every_digest(case: dict[str, Any]) -> None:
    record = parse_record(case["record_json"].encode())
    salt = b64(case["salt"])
    commitment, canonical = commit_and_canonicalise(record, salt)
    assert canonical == canonicalise(record) == b64(case["canonical_b64"])
    assert commitment.sha256.hex() == case["commitment_sha256"]
    assert commitment.sm3.hex() == case["commitment_sm3"]
    digests = field_digests(record, salt)
    given_digests = case["digests_sha256"]
    assert [d.hex() for d in digests[: len(given_digests)]] == given_digests
    leaves = [leaf_hash(d) for d in digests]
    for shown, (name, value) in zip(case["disclosure"]["members"], sort_members(record), strict=False):
        assert (shown["name"], shown["value"]) == (name, value)
        assert field_salt(salt, shown["i"]) == b64(shown["salt"])
        assert inclusion_path(leaves, shown["i"]) == [b64(node) for node in shown["path"]]


def by_the_book(record: dict[str, Any], salt: bytes) -> tuple[bytes, bytes]:
    """formats.md §2, slowly and with other libraries."""

    def head(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return hashlib.sha256(b"\0" + leaves[0]).digest()
        split = 1 << ((len(leaves) - 1).bit_length() - 1)
        return hashlib.sha256(b"\1" + head(leaves[:split]) + head(leaves[split:])).digest()

    digests = []
    for i, name in enumerate(sorted(record, key=lambda n: n.encode("utf-16-be"))):
        own = hmac.new(salt, b"chuzheng/field/v1\0" + i.to_bytes(4, "big"), "sha256").digest()
        digests.append(hashlib.sha256(b"chuzheng/field/v1\0" + own + rfc8785.dumps([name, record[name]])).digest())
    whole = b"chuzheng/record/v1\0" + len(record).to_bytes(2, "big") + head(digests)
    second = hashlib.new("sm3", b"chuzheng/record/v1\0" + salt + rfc8785.dumps(record)).digest()
    return hashlib.sha256(whole).digest(), second


@given(records, hashes)
def test_commit__any_record__as_the_definition(record: dict[str, Any], salt: bytes) -> None:
    commitment = commit(record, salt)
    assert (commitment.sha256, commitment.sm3) == by_the_book(record, salt)
    assert commit(record, salt, canonicalise(record)) == commitment
    assert commitment.sha256 == commitment_from_root(len(record), fields_root(field_digests(record, salt)))


def test_commit__256_members__as_the_definition() -> None:
    record = {f"m{i}": i for i in range(256)}
    assert commit(record, bytes(32)).sha256 == by_the_book(record, bytes(32))[0]


def test_commit__another_salt_or_value__another_commitment() -> None:
    base = commit({"a": 1, "b": "x"}, bytes(32))
    others = [
        commit({"a": 1, "b": "x"}, b"\1" * 32),
        commit({"a": 2, "b": "x"}, bytes(32)),
        commit({"a": 1}, bytes(32)),
    ]
    assert all(o.sha256 != base.sha256 and o.sm3 != base.sm3 for o in others)


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_commit__salt_of_other_length__refused(salt: bytes) -> None:
    with pytest.raises(InputError, match="salt_length"):
        commit({"a": 1}, salt)
    with pytest.raises(InputError, match="salt_length"):
        field_salt(salt, 0)


@pytest.mark.parametrize(("record", "code"), UNFIT)
def test_commit__unfit_record__unreadable(record: dict[str, Any], code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        commit(record, bytes(32))
    assert caught.value.code == code


def test_commit__canonical_bytes_of_another_record__refused() -> None:
    with pytest.raises(InputError, match=r"commitment\.canonical"):
        commit({"a": 1}, bytes(32), b'{"a":2}')


def test_field_digest__name_and_value__joined_as_json() -> None:
    assert field_digest(bytes(32), "a", b'"b"') != field_digest(bytes(32), 'a","b', b'""')


def test_commit__nesting__sixteen_and_no_more() -> None:
    """Whoever hands over a record that `parse_record` never saw gets no commitment that nobody could verify."""
    value: Any = "[[[[[[[[[[[[[[[[[[[["
    for _ in range(15):
        value = [value]
    assert commit({"a": value}, bytes(32))
    with pytest.raises(UnreadableError, match="nesting"):
        commit({"a": [value]}, bytes(32))
