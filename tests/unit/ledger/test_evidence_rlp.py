"""Strict RLP against the library `rlp`: what one writes the other reads, and nothing has two encodings."""

from __future__ import annotations

from typing import Any

import pytest
import rlp as oracle  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import UnreadableError
from ledger.evidence import rlp

ITEMS = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=6), max_leaves=30)


@given(ITEMS)
def test_rlp__round_trip__as_the_library_writes_it(item: Any) -> None:
    data = rlp.encode(item)
    assert data == oracle.encode(item)
    assert rlp.decode(data) == item


@given(st.integers(0, 2**64 - 1))
def test_rlp__integer__as_the_library_writes_it(number: int) -> None:
    assert rlp.encode(number) == oracle.encode(number)
    assert rlp.integer(rlp.decode(rlp.encode(number)), "n") == number


@given(st.binary(max_size=40))
def test_rlp__any_bytes__refused_or_canonical(data: bytes) -> None:
    try:
        item = rlp.decode(data)
    except UnreadableError:
        return
    assert rlp.encode(item) == data


@given(ITEMS, st.data())
def test_rlp__one_bit_flipped__refused_or_another_item(item: Any, data: st.DataObject) -> None:
    encoded = bytearray(rlp.encode(item))
    bit = data.draw(st.integers(0, len(encoded) * 8 - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    try:
        found = rlp.decode(bytes(encoded))
    except UnreadableError:
        return
    assert found != item


@pytest.mark.parametrize(
    ("case", "data"),
    [
        ("nothing", ""),
        ("byte as string of one", "8105"),
        ("long form of a short string", "b801ff"),
        ("length with a leading zero", "b90038" + "00" * 56),
        ("long form of a short list", "f801c0"),
        ("list length with a leading zero", "f90038" + "80" * 56),
        ("trailing byte", "c000"),
        ("string cut short", "83aabb"),
        ("list cut short", "c3aabb"),
        ("item over its list's end", "c2820000"),
        ("length cut short", "b9"),
        ("length of 2^64", "bf" + "ff" * 8),
        ("second item", "8080"),
        ("too deep", "d1d0cfcecdcccbcac9c8c7c6c5c4c3c2c1c0"),
    ],
)
def test_rlp__sloppy__refused(case: str, data: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        rlp.decode(bytes.fromhex(data))
    assert caught.value.code == "evidence.rlp"


@pytest.mark.parametrize("raw", [b"\0", b"\0\1", bytes([1]) * 9])
def test_integer__leading_zero_or_over_64_bits__refused(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        rlp.integer(raw, "n")
