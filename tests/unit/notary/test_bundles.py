"""Entry bundles and pending bundles: any entries come back, and only the one spelling is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import IntegrityError
from notary.stores.bundles import decode_bundle, decode_pending, encode_bundle, encode_pending
from tests.fakes.log import make_entries


@given(st.lists(st.binary(max_size=100), max_size=20) | st.lists(st.binary(min_size=92, max_size=92), max_size=20))
def test_bundle__any_entries__come_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries
    pending = decode_pending("o", encode_pending("o", 7, entries))
    assert pending is not None
    assert (pending.first, pending.entries) == (7, entries)


@given(st.binary(max_size=300))
def test_bundle__any_bytes__refused_or_the_one_spelling(data: bytes) -> None:
    try:
        entries = decode_bundle(data)
    except IntegrityError:
        return
    assert encode_bundle(entries) == data


@given(st.data())
def test_pending_bundle__one_bit_or_a_cut__not_believed(data: st.DataObject) -> None:
    whole = encode_pending("o", 3, make_entries(3))
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    flipped = bytearray(whole)
    flipped[at // 8] ^= 1 << at % 8
    assert decode_pending("o", bytes(flipped)) is None
    assert decode_pending("o", whole[: at // 8]) is None
    assert decode_pending("p", whole) is None
