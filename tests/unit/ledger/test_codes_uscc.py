"""Unified social credit codes against every vector, and properties that a check character must have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.codes import uscc

CASES = json.loads((Path(__file__).parents[2] / "vectors/identifiers/uscc.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{c['reason'] or 'valid'}" for i, c in enumerate(CASES)])
def test_check_uscc__vector__gives_the_reason(case: dict[str, object]) -> None:
    code = str(case["code"])
    assert uscc.check_uscc(code) == case["reason"]
    assert uscc.is_uscc(code) is case["valid"]


@st.composite
def codes(draw: st.DrawFn) -> str:
    digits = st.text(alphabet="0123456789", min_size=6, max_size=6)
    head = draw(st.text(alphabet=uscc.ALPHABET, min_size=2, max_size=2)) + draw(digits)
    organisation = draw(st.text(alphabet=uscc.ALPHABET, min_size=8, max_size=8))
    first17 = head + organisation + uscc.inner_check_character(organisation)
    return first17 + uscc.check_character(first17)


@given(codes())
def test_check_uscc__made_by_the_rule__accepted(code: str) -> None:
    assert uscc.check_uscc(code) is None


@given(codes(), st.integers(0, 17), st.sampled_from(uscc.ALPHABET))
def test_check_uscc__one_character_changed__refused(code: str, place: int, other: str) -> None:
    changed = code[:place] + other + code[place + 1 :]
    assert (uscc.check_uscc(changed) is None) == (changed == code)


@given(st.text(max_size=24))
def test_check_uscc__any_text__never_raises(text: str) -> None:
    assert uscc.check_uscc(text) in {None, "length", "character", "division", "check", "inner-check"}
