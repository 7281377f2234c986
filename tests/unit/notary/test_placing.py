"""The log's time, and the bytes that placing writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.types import Digest, Kind, Millis
from notary.details import Detail
from notary.entry import HOUR, HOURLY, Entry
from notary.intake import Prepared, pack, parse_packed, unpack
from notary.placing import HOLD, accepted_at, entry_prefix
from notary.submission import Row
from tests.fakes.notary import ISSUER, packed

TIMES = st.integers(0, 2**45)


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        (100, 0, 100),
        (100, 100, 100),
        (1_000_000, 1_000_000 + HOLD, 1_000_000 + HOLD),
        (1_000_000, 1_000_000 + HOLD + 1, 1_000_000),
        (1_000_000, 1_000_000 + HOUR, 1_000_000),
    ],
)
def test_accepted_at__clock_steps_back__held_for_small_steps_only(now: int, last: int, expected: int) -> None:
    assert accepted_at(Millis(now), Millis(last)) == expected


@given(TIMES, TIMES)
def test_accepted_at__any_times__never_more_than_hold_ahead_of_the_clock(now: int, last: int) -> None:
    """accepted_at ≤ T + 300 s is what check 4 asks: a held time stays well inside."""
    assert now <= accepted_at(Millis(now), Millis(last)) <= now + HOLD


@given(st.sampled_from(list(Kind)), TIMES, st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_entry_prefix__any_entry__the_bytes_of_the_format(kind: Kind, at: int, sha256: bytes, sm3: bytes) -> None:
    shown = at - at % HOUR if kind in HOURLY else at
    entry = Entry(kind, ISSUER, Millis(shown), Digest(sha256), Digest(sm3))
    assert entry_prefix(kind, ISSUER, Millis(at)) + sha256 + sm3 == entry.to_bytes()


def test_parse_packed__rows__as_laid_out() -> None:
    body = packed(3, kind=2)
    rows = parse_packed(body)
    assert b"".join(bytes((r.kind,)) + r.sha256 + r.sm3 for r in rows) == body


BYTES = st.binary(max_size=40)
WRAPS = st.lists(st.tuples(st.text(), BYTES)).map(tuple)
DETAILS = st.builds(Detail, BYTES, st.none() | BYTES, st.integers(0, 999), BYTES, BYTES, WRAPS)


@given(st.lists(st.builds(Prepared, st.builds(Row, st.integers(1, 7), BYTES, BYTES), DETAILS, BYTES)))
def test_pack__any_prepared_records__come_back(prepared: list[Prepared]) -> None:
    assert unpack(pack(prepared)) == prepared
