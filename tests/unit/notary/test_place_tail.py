"""The tail of an index: what it gives to be written is what stands in it, by column as in pairs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notary.stores.place_tail import Pair, Tail

keys = st.integers(0, 5).map(lambda n: n.to_bytes(8))
added = st.lists(st.lists(st.tuples(keys, st.integers(0, 9)), max_size=6), max_size=4)


@given(added)
def test_columns__any_pairs__are_those_of_pairs(several: list[list[Pair]]) -> None:
    tail = Tail()
    for pairs in several:
        tail.add(pairs)
    found, positions = tail.columns()
    assert list(zip(found, positions, strict=True)) == list(tail.pairs())
    assert len(found) == len(tail)
