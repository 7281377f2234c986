"""The fast decoder of one-word types says exactly what the general one says, also where it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode as abi_decode
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import UnavailableError
from ledger.evm.artifacts import decode
from ledger.evm.words import decode_words

TYPES = ("uint8", "uint16", "uint32", "uint64", "uint96", "uint256", "bytes1", "bytes16", "bytes32", "bool", "address")
WORDS = st.one_of(
    st.integers(0, 300).map(lambda n: n.to_bytes(32, "big")),
    st.integers(0, 255).map(lambda n: bytes([n]) + bytes(31)),
    st.binary(min_size=20, max_size=20).map(lambda b: bytes(12) + b),
    st.binary(min_size=32, max_size=32),
)


def general(types: list[str], data: bytes) -> Any:
    try:
        return tuple(abi_decode(types, data))
    except Exception:
        return None


@given(st.lists(st.tuples(st.sampled_from(TYPES), WORDS), max_size=6), st.integers(0, 40), st.binary(max_size=40))
def test_decode_words__any_words__as_the_general_decoder(parts: list[tuple[str, bytes]], cut: int, more: bytes) -> None:
    types = [kind for kind, _ in parts]
    whole = b"".join(word for _, word in parts)
    for data in (whole, whole + more, whole[: max(0, len(whole) - cut)]):
        try:
            found = decode_words(types, data)
        except ValueError:
            found = None
        assert found == general(types, data)


@pytest.mark.parametrize("kind", ["string", "bytes", "uint8[]", "(uint8,uint8)", "int8", "bytes33", "uint512"])
def test_decode_words__other_types__left_to_the_general_decoder(kind: str) -> None:
    assert decode_words([kind], bytes(96)) is None


def test_decode__too_short__not_an_answer() -> None:
    with pytest.raises(UnavailableError, match="undecodable"):
        decode(["uint8", "bytes32"], bytes(63), what="x")
