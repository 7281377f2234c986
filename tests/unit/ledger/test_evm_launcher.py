"""The embedded chain's state file: what a start makes of it. Starting anvil itself is tests/integration's work."""

from __future__ import annotations

import json
from itertools import permutations

from ledger.evm.launcher import with_one_genesis


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
