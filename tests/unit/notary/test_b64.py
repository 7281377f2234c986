"""Canonical base64 and nothing else (formats.md, head)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.b64 import from_b64, from_b64_hashes, to_b64
from tests.unit.notary.json_values import hashes


@given(st.binary(max_size=200))
def test_b64__any_bytes__there_and_back(data: bytes) -> None:
    assert to_b64(data) == base64.b64encode(data).decode()
    assert from_b64(to_b64(data)) == data


@pytest.mark.parametrize(
    "text",
    ["A", "AA", "AAA", "AA=", "AB==", "AAB=", "AA==\n", " AA==", "AA==AA==", "AAAA=", "=", "====", "A-A=", "A_A=",
     "AA==é", "ＡＡ==", "AAAA\n", None, 1, True, b"AA==", ["AA=="]],
)  # fmt: skip
def test_from_b64__second_spelling_or_other_type__none(text: object) -> None:
    assert from_b64(text) is None


@given(st.text(alphabet="ABCDabcd0123+/=-_\n ", max_size=12))
def test_from_b64__any_text__none_or_canonical(text: str) -> None:
    data = from_b64(text)
    assert data is None or to_b64(data) == text


@given(st.lists(hashes, max_size=60))
def test_from_b64_hashes__any_hashes__as_one_by_one(path: list[bytes]) -> None:
    assert from_b64_hashes([to_b64(node) for node in path]) == tuple(path)


@given(st.lists(hashes, min_size=1, max_size=5), st.data())
def test_from_b64_hashes__one_character_changed__as_one_by_one(path: list[bytes], data: st.DataObject) -> None:
    texts = [to_b64(node) for node in path]
    k = data.draw(st.integers(0, len(texts) - 1))
    at = data.draw(st.integers(0, 43))
    texts[k] = texts[k][:at] + data.draw(st.sampled_from("AB=-/+ \né")) + texts[k][at + 1 :]
    alone = [from_b64(text) for text in texts]
    expected = None if any(a is None or len(a) != 32 for a in alone) else tuple(alone)
    assert from_b64_hashes(texts) == expected


@pytest.mark.parametrize(
    "texts",
    [[1], [None], ["A" * 44], ["A" * 42 + "=="], ["A" * 43 + "=", "A" * 40], ["A" * 42 + "B="], ["é" * 43 + "="]],
)
def test_from_b64_hashes__wrong_shape__none(texts: list[object]) -> None:
    assert from_b64_hashes(texts) is None
