"""Closings kept for half a second: what a submission asks costs no statement, and a closing is seen soon."""

from __future__ import annotations

from api.closings import KEPT, RecentClosings
from notary.entry import log_id
from tests.fakes.chain import FakeChain
from tests.fakes.notary import ORIGIN, ChainIndex


def test_closed_at__asked_often__looks_again_when_half_a_second_is_over() -> None:
    chain, time = FakeChain(), [100.0]
    chain.open_log(ORIGIN)
    index = RecentClosings(ChainIndex(chain), lambda: time[0])
    log = log_id(ORIGIN)
    assert index.closed_at(log) is None
    chain.anchor(log, 5, bytes(32))
    chain.close_log(log, 5)
    assert index.closed_at(log) is None
    time[0] += KEPT
    assert index.closed_at(log) == 5
    assert index.log_head(log) == chain.log_head(log)
    assert index.anchor_for(log, 0) == ChainIndex(chain).anchor_for(log, 0)
