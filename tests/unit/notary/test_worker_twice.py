"""Two workers on one folder, as while one is replaced: neither mistakes what the other just did for damage, or repeats
it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.types import Digest, LogId, Stage
from notary.worker import Worker
from tests.fakes.notary import ISSUER, LANE, ORIGIN, ChainIndex, Rig, packed
from tests.unit.notary.worker_rig import later, worker_of

Pair = tuple[Rig, Rig]


@pytest.fixture
def pair(tmp_path: Path, database: str) -> Iterator[Pair]:
    """Two processes with everything in common but their memory."""
    one = Rig(tmp_path / "home", database=database)
    other = Rig(one.home, clock=one.clock, chain=one.chain, outbox=one.outbox, database=database)
    yield one, other
    for rig in (one, other):
        rig.notary.close()


class Meanwhile(ChainIndex):
    """An index before whose next answer something happens elsewhere."""

    act: Callable[[], object] | None = None

    def log_head(self, log_id: LogId) -> tuple[int, Digest] | None:
        if (act := self.act) is not None:
            self.act = None
            act()
        return super().log_head(log_id)


def anchored_by(rig: Rig, first: int) -> None:
    """Five more entries from `first` on, sealed, handed over and taken by the chain."""
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=first), key=f"from {first}")
    later(rig)
    assert worker_of(rig).step()
    assert rig.outbox.deliver(rig.chain) == 1


def test_step__the_other_seals_and_anchors_more_meanwhile__no_log_is_stopped(pair: Pair) -> None:
    one, other = pair
    index = Meanwhile(one.chain)
    worker = Worker(one.notary, one.outbox, index, lanes={ORIGIN: LANE}, clock=one.clock)
    anchored_by(other, 0)
    one.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=5), key="b")
    index.act = lambda: anchored_by(other, 10)
    worker.step()
    assert worker.stopped == frozenset()
    one.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=20), key="c")
    later(one)
    assert worker.step()
    assert one.outbox.deliver(one.chain) == 1
    assert one.notary.receipt(ORIGIN, 19).stage == Stage.ANCHORED


@pytest.mark.parametrize("more", [0, 5])
def test_step__the_other_hands_over_meanwhile__one_head_on_its_way_and_none_refused(
    pair: Pair, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    anchored_by(one, 0)
    one.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=5), key="b")
    prove = one.log.consistency_proof

    def meanwhile(size1: int, size2: int) -> list[bytes]:
        monkeypatch.undo()
        if more:
            other.notary.accept_commitments(ISSUER, ORIGIN, packed(more, start=10), key="c")
        later(other)
        assert worker_of(other).step()
        return prove(size1, size2)

    monkeypatch.setattr(one.log, "consistency_proof", meanwhile)
    later(one)
    worker_of(one).step()
    assert [intent.args[1] for intent in one.outbox.intents.values()] == [5, 10 + more]
    assert one.outbox.deliver(one.chain) == 1
    assert {intent.state for intent in one.outbox.intents.values()} == {"final"}
