"""Lanes: the same subject, the same lane; subjects are spread; another lane moves only what it takes over."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ConfigurationError
from ledger.lanes import lane_of
from ledger.types import Address

ADDRESSES = st.lists(st.binary(min_size=20, max_size=20).map(lambda b: Address("0x" + b.hex())), min_size=1, max_size=8,
                     unique=True)  # fmt: skip
SUBJECTS = st.binary(min_size=32, max_size=32)


@given(ADDRESSES, SUBJECTS, st.randoms(use_true_random=False))
def test_lane__any_order_of_the_lanes__the_same(lanes: list[Address], subject: bytes, random: object) -> None:
    mixed = list(lanes)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert lane_of(lanes, subject) == lane_of(mixed, subject)
    assert lane_of(lanes, subject) in lanes


@given(ADDRESSES.filter(lambda found: len(found) > 1), SUBJECTS)
def test_lane__one_more__takes_over_or_changes_nothing(lanes: list[Address], subject: bytes) -> None:
    *before, added = lanes
    assert lane_of(lanes, subject) in (lane_of(before, subject), added)


def test_lane__many_subjects__spread_evenly() -> None:
    lanes = [Address("0x" + bytes([n] * 20).hex()) for n in range(1, 5)]
    found = Counter(lane_of(lanes, n.to_bytes(32, "big")) for n in range(4000))
    assert set(found) == set(lanes)
    assert all(800 < count < 1200 for count in found.values())


def test_lane__none__operator_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"lanes\.none"):
        lane_of([], bytes(32))
