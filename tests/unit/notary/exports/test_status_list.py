"""Bitstring Status List v1.0: the published and generated vectors, the order of the bits, what is refused."""

from __future__ import annotations

import gzip
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError, UnreadableError
from notary.exports.status_list import BITS, MAX_BITS, decode_status_list, encode_status_list, is_set

VECTORS = json.loads((Path(__file__).parents[3] / "vectors/status_list/lists.json").read_text(encoding="utf-8"))


def wrapped(packed: bytes) -> str:
    return "u" + urlsafe_b64encode(packed).decode().rstrip("=")


@pytest.mark.parametrize("case", VECTORS["lists"], ids=lambda case: case["name"])
def test_decode__vector__its_bits(case: dict[str, Any]) -> None:
    bits = decode_status_list(case["encodedList"], minimum=case["bits"])
    assert len(bits) * 8 == case["bits"]
    assert [index for index in range(case["bits"]) if is_set(bits, index)] == case["set_bits"]
    assert all(is_set(bits, index) is expected for index, expected in case["probe"])
    assert decode_status_list(encode_status_list(case["set_bits"], case["bits"]), case["bits"]) == bits


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_decode__vector_to_refuse__refused(case: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        decode_status_list(case["encodedList"])


def test_decode__upstream_list_below_the_recommendation_s_least__refused() -> None:
    short = next(case for case in VECTORS["lists"] if case["bits"] < BITS)
    with pytest.raises(UnreadableError, match=r"status_list\.short"):
        decode_status_list(short["encodedList"])


@settings(max_examples=30)
@given(st.sets(st.integers(0, BITS - 1), max_size=50))
def test_list__written_and_read__exactly_these_bits(indexes: set[int]) -> None:
    text = encode_status_list(indexes)
    bits = decode_status_list(text)
    assert len(bits) == BITS // 8
    assert sum(byte.bit_count() for byte in bits) == len(indexes)
    assert all(is_set(bits, index) for index in indexes)
    assert text == encode_status_list(sorted(indexes, reverse=True))


def test_first_bit__is_the_most_significant_of_the_first_byte() -> None:
    assert decode_status_list(encode_status_list([0]))[0] == 0x80


@pytest.mark.parametrize("index", [-1, BITS])
def test_index_outside__refused_when_written_and_when_read(index: int) -> None:
    with pytest.raises(InputError, match=r"status_list\.index"):
        encode_status_list([index])
    with pytest.raises(UnreadableError, match=r"status_list\.index"):
        is_set(bytes(BITS // 8), index)


@pytest.mark.parametrize("length", [0, -8, 131_073, MAX_BITS + 8])
def test_length__not_whole_bytes_or_too_long__refused(length: int) -> None:
    with pytest.raises(InputError, match=r"status_list\.length"):
        encode_status_list([], length)


PACKED = gzip.compress(bytes(BITS // 8))


@pytest.mark.parametrize(
    "text",
    [
        wrapped(PACKED[:-1]),
        wrapped(PACKED + b"x"),
        wrapped(PACKED + gzip.compress(b"x")),
        wrapped(b"x" + PACKED),
        wrapped(PACKED) + "=",
        wrapped(PACKED) + "\n",
        wrapped(PACKED).replace("u", "U", 1),
        wrapped(gzip.compress(bytes(MAX_BITS // 8 + 1))),
        "u",
        "u!",
        "uA",
    ],
    ids=["cut", "trailing", "two members", "before", "padded", "newline", "base", "bomb", "nothing", "sign", "one"],
)
def test_decode__damaged__refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        decode_status_list(text)
