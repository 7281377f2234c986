"""The runs that an index of places is made of: merged in pieces, few at any time, their list read strictly."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import IntegrityError
from notary.stores import runs
from notary.stores.run_list import EMPTY, Cover, RunList, RunName, merge_due, parse_run_list
from notary.stores.runs import digest_of, merged, open_run, rises, run_of, size_of
from tests.unit.notary.place_index import key


@given(st.lists(st.lists(st.integers(0, 50), max_size=40), max_size=5), st.integers(1, 7))
def test_merged__any_runs_in_any_pieces__one_run_of_all(parts: list[list[int]], piece: int) -> None:
    made = [run_of("", [key(n) for n in numbers], range(len(numbers)), len(numbers)) for numbers in parts]
    total, before = sum(map(len, parts)), runs.PIECE
    data = bytearray(size_of(total))
    runs.PIECE = piece
    try:
        for offset, written in merged(made):
            data[offset : offset + len(written)] = written
        found = open_run("x", bytes(data), total)
        assert rises(found)
    finally:
        runs.PIECE = before
    pairs = sorted(zip(found.keys.tolist(), found.positions.tolist(), strict=True))
    assert pairs == sorted((n, at) for numbers in parts for at, n in enumerate(numbers))
    assert list(np.diff(found.keys.astype(np.int64)) >= 0) == [True] * max(0, total - 1)
    assert digest_of(found) == digest_of(open_run("x", memoryview(bytes(data)), total))


@given(st.integers(1, 400), st.integers(2, 5))
def test_merge_due__runs_of_one_size_one_after_the_other__few_stay(count: int, fan: int) -> None:
    sizes: list[int] = []
    written = 0
    for _ in range(count):
        sizes.append(8)
        while due := merge_due(sizes, base=8, fan=fan):
            total = sum(sizes[n] for n in due)
            written += total
            sizes = [*(size for n, size in enumerate(sizes) if n not in due), total]
    assert sum(sizes) == 8 * count
    tiers = 1
    while fan**tiers <= count:
        tiers += 1
    assert len(sizes) <= (fan - 1) * tiers
    assert written <= 8 * count * (tiers - 1)


def test_run_list__any_bit_changed__never_read() -> None:
    whole = RunList(3, (RunName("0000000003.run", 8, "ab" * 32),), {1: Cover(8, "00" * 8)}).to_bytes()
    assert parse_run_list(whole).to_bytes() == whole
    assert parse_run_list(EMPTY.to_bytes()) == EMPTY
    for at in range(len(whole)):
        for bit in (1, 16):
            changed = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
            with suppress(IntegrityError):
                assert parse_run_list(changed).to_bytes() == whole  # white space only
