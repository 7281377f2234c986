"""The embedded chain's state file: what a start makes of it. Starting anvil itself is tests/integration's work."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evm.launcher import parses, whole, with_one_genesis


def _state(*blocks: tuple[int, int]) -> bytes:
    made = [{"header": {"number": hex(number), "timestamp": hex(time)}} for number, time in blocks]
    return json.dumps({"accounts": {}, "blocks": made}).encode()


def test_genesis__made_anew_at_every_start__oldest_stays_whatever_their_order() -> None:
    for blocks in permutations([(0, 100), (0, 250), (0, 175), (1, 101)]):
        mended = with_one_genesis(_state(*blocks))
        assert mended is not None
        left = {(b["header"]["number"], b["header"]["timestamp"]) for b in json.loads(mended)["blocks"]}
        assert left == {("0x0", hex(100)), ("0x1", hex(101))}
        assert with_one_genesis(mended) is None


def test_genesis__only_one_or_no_blocks__left_alone() -> None:
    assert with_one_genesis(_state((0, 100), (1, 101))) is None
    assert with_one_genesis(b'{"accounts": {}}') is None


ACCOUNT = st.fixed_dictionaries(
    {"nonce": st.integers(0, 9), "code": st.binary(max_size=9).map(lambda b: "0x" + b.hex())}
)
STATES = st.fixed_dictionaries(
    {
        "accounts": st.dictionaries(st.binary(min_size=2, max_size=2).map(bytes.hex), ACCOUNT, max_size=3),
        "blocks": st.lists(
            st.fixed_dictionaries({"header": st.fixed_dictionaries({"number": st.just("0x0")})}), max_size=3
        ),
    }
)


@given(STATES, st.sampled_from(["", "\n"]))
def test_whole__state_and_every_beginning_of_it__only_the_state(state: object, end: str) -> None:
    data = (json.dumps(state) + end).encode()
    assert whole(data)
    assert parses(data)
    for length in range(len(data.rstrip())):
        assert not whole(data[:length])


@pytest.mark.parametrize("data", [b"", b"{", b"}", b'{"a": "{"}', b"[1, 2}"])
def test_whole__anything_else__not(data: bytes) -> None:
    assert not whole(data)
