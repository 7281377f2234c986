"""The worker: what is missing is done, once; a chain that loses blocks or refuses is caught up with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.errors import IntegrityError
from ledger.types import Stage
from notary.entry import make_origin
from notary.receipt import inclusion_error
from notary.receipts import first_not_included
from notary.worker import Worker
from tests.fakes.disk import HookedDisk
from tests.fakes.notary import ISSUER, LANE, ORIGIN, FakeOutbox, Rig, certificate, document, packed
from tests.unit.notary.worker_rig import later, worker_of


@pytest.fixture
def rig(tmp_path: Path, database: str) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", database=database)
    yield made
    made.notary.close()


def test_step__entries_waiting__anchored_within_a_second_and_once(rig: Rig) -> None:
    worker = worker_of(rig)
    assert worker.step() is False
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1)])
    since = rig.log.waiting().since
    assert since is not None
    rig.clock.at = since + 10
    assert worker.step() is False
    later(rig)
    assert worker.step() is True
    assert worker.step() is False
    assert rig.outbox.deliver(rig.chain) == 1
    assert worker.step() is False
    receipt = rig.notary.receipt(ORIGIN, 0)
    assert receipt.stage == Stage.ANCHORED
    assert inclusion_error(receipt) is None
    bundle = rig.notary.receipts(ORIGIN, 0, 1)
    assert bundle.anchor == receipt.anchor
    assert first_not_included(bundle) is None


def test_step__anchor_under_way__the_next_waits_and_builds_on_it(rig: Rig) -> None:
    worker = worker_of(rig)
    for n in range(3):
        rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=5 * n), key=f"k{n}")
        worker.step()
    assert [intent.args[1] for intent in rig.outbox.intents.values()] == [5]
    for state in ("signed", "sent", "mined"):
        next(iter(rig.outbox.intents.values())).state = state
        assert worker.step() is False
    next(iter(rig.outbox.intents.values())).state = "queued"
    rig.outbox.deliver(rig.chain)
    assert worker.step() is True
    rig.outbox.deliver(rig.chain)
    assert [intent.args[1] for intent in rig.outbox.intents.values()] == [5, 15]
    assert {rig.notary.receipt(ORIGIN, n).stage for n in range(15)} == {Stage.ANCHORED}
    first, last = rig.notary.receipt(ORIGIN, 0), rig.notary.receipt(ORIGIN, 14)
    assert first.inclusion is not None
    assert last.inclusion is not None
    assert (first.inclusion.size, last.inclusion.size) == (5, 15)


def test_step__final_but_not_indexed__waits_for_the_index(rig: Rig) -> None:
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5), key="a")
    worker.step()
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=5), key="b")
    next(iter(rig.outbox.intents.values())).state = "final"
    assert worker.step() is False


def test_step__chain_lost_blocks__receipts_fall_back_and_are_anchored_again(rig: Rig) -> None:
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5), key="a")
    worker.step()
    rig.outbox.deliver(rig.chain)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=5), key="b")
    worker.step()
    rig.outbox.deliver(rig.chain)
    before = rig.notary.receipt(ORIGIN, 7)
    rig.chain.shorten(1)
    fallen = rig.notary.receipt(ORIGIN, 7)
    assert (before.stage, fallen.stage) == (Stage.ANCHORED, Stage.INCLUDED)
    assert rig.notary.receipt(ORIGIN, 2).stage == Stage.ANCHORED
    assert worker.step() is False  # the outbox sends the same bytes again
    list(rig.outbox.intents.values())[1].state = "queued"
    rig.outbox.deliver(rig.chain)
    again = rig.notary.receipt(ORIGIN, 7)
    assert again.stage == Stage.ANCHORED
    assert (again.inclusion, again.checkpoint) == (before.inclusion, before.checkpoint)
    assert again.anchor != before.anchor


def test_step__chain_lost_and_refuses_the_old_anchor__made_anew_from_its_head(rig: Rig) -> None:
    worker = worker_of(rig)
    for n in range(2):
        rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=5 * n), key=f"k{n}")
        worker.step()
        rig.outbox.deliver(rig.chain)
    rig.chain.shorten(2)
    intents = list(rig.outbox.intents.values())
    intents[1].state = "reverted"  # its proof began at 5, where the chain no longer is
    assert worker.step() is True
    retried = list(rig.outbox.intents)[-1]
    assert retried.endswith("/10/1")
    assert rig.outbox.deliver(rig.chain) == 1
    assert {rig.notary.receipt(ORIGIN, n).stage for n in range(10)} == {Stage.ANCHORED}


def test_step__chain_keeps_refusing__tries_again_with_growing_pauses(rig: Rig) -> None:
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5), key="a")
    worker.step()
    attempts = 0
    for _ in range(300):
        list(rig.outbox.intents.values())[-1].state = "failed"
        attempts += worker.step()
        rig.clock.at += 100
    assert 4 <= attempts <= 7  # 30 s: at once, then after 1, 2, 4, 8, 16 s


def test_step__clock_put_back_a_day__sealed_and_tried_again_at_once(rig: Rig) -> None:
    later(rig)
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5), key="a")
    worker.step()
    for _ in range(5):  # refused five times: the next attempt is some seconds away
        list(rig.outbox.intents.values())[-1].state = "failed"
        rig.clock.at += 60_000
        worker.step()
    list(rig.outbox.intents.values())[-1].state = "failed"
    rig.clock.at -= 24 * 3600 * 1000
    tried = len(rig.outbox.intents)
    worker.step()
    assert len(rig.outbox.intents) == tried + 1


def test_step__log_not_opened_on_the_chain__sealed_and_kept_waiting(tmp_path: Path, database: str) -> None:
    rig = Rig(tmp_path / "home", database=database)
    rig.chain.shorten(1000)
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5), key="a")
    assert worker.step() is False
    rig.chain.open_log(ORIGIN)
    assert worker.step() is True
    rig.notary.close()


def test_step__chain_has_another_root__stops_and_signs_no_second_history(rig: Rig) -> None:
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5), key="a")
    rig.chain.anchor(rig.notary.log(ORIGIN).log_id, 3, bytes(32))
    assert worker.step() is False
    assert worker.stopped == {ORIGIN}
    assert rig.outbox.intents == {}
    with pytest.raises(IntegrityError):
        rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5, start=9), key="b")


def test_receipt__chain_has_another_root_for_a_handed_over_size__equivocation(rig: Rig) -> None:
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5), key="a")
    worker.step()
    rig.chain.anchor(rig.notary.log(ORIGIN).log_id, 5, bytes(32))
    with pytest.raises(IntegrityError, match=r"log\.equivocation"):
        rig.notary.receipt(ORIGIN, 0)


def statements(rig: Rig) -> list[str]:
    """What goes to the database from here on."""
    seen: list[str] = []
    sa.event.listen(rig.notary.store.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    return seen


@pytest.mark.parametrize("logs", [1, 40])
def test_step__nothing_to_do__the_same_cost_with_one_log_and_with_many(
    tmp_path: Path, database: str, logs: int
) -> None:
    origins = (ORIGIN, *(make_origin("test", ISSUER, f"s{n}") for n in range(logs - 1)))
    files: list[str] = []
    rig = Rig(
        tmp_path / "home", origins=origins, disk=HookedDisk(lambda call, path: files.append(call)), database=database
    )
    worker = Worker(rig.notary, rig.outbox, rig.index, lanes=dict.fromkeys(origins, LANE), clock=rig.clock)
    for n, origin in enumerate(origins[::7]):
        rig.notary.accept_commitments(ISSUER, origin, packed(3, start=3 * n), key="k")
    for _ in range(4):
        worker.step()
        rig.outbox.deliver(rig.chain)
    seen = statements(rig)
    files.clear()
    for _ in range(5):
        assert worker.step() is False
        assert worker.pause() == 200
    assert len([s for s in seen if not s.startswith("BEGIN")]) == 5
    assert files == []
    rig.notary.accept_commitments(ISSUER, origins[-1], packed(3, start=1000), key="later")
    assert worker.step() is True  # and yet what comes is seen at once
    rig.notary.close()


def test_step__chain_is_away_for_long__still_notices_what_it_says_then(rig: Rig) -> None:
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5), key="a")
    for _ in range(200):
        worker.step()
        rig.clock.at += 200
    seen = statements(rig)
    for _ in range(25):
        worker.step()
        rig.clock.at += 200
    assert len([s for s in seen if not s.startswith("BEGIN")]) < 25 + 20  # looks at its intent every 5 s
    next(iter(rig.outbox.intents.values())).state = "failed"
    for _ in range(30):
        worker.step()
        rig.clock.at += 200
    assert list(rig.outbox.intents)[-1].endswith("/5/1")


def test_step__clock_put_back__a_resting_log_isnt_forgotten(rig: Rig) -> None:
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(5), key="a")
    for _ in range(20):
        worker.step()
        rig.clock.at += 200
    rig.clock.at -= 3_600_000
    next(iter(rig.outbox.intents.values())).state = "failed"
    worker.step()
    assert list(rig.outbox.intents)[-1].endswith("/5/1")


def test_run__until_stopped__anchors_by_itself(rig: Rig) -> None:
    worker, stop = worker_of(rig), threading.Event()
    rig.clock.tick = 400
    rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])
    later(rig)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    for _ in range(6000):
        if rig.outbox.intents:
            break
        stop.wait(0.01)
    stop.set()
    thread.join(60)
    assert len(rig.outbox.intents) == 1
    assert not thread.is_alive()


def test_fake_outbox__is_one_the_worker_accepts() -> None:
    assert FakeOutbox().status("nothing") is None


def test_step__log_that_the_council_closed__stops_and_sends_nothing_more(rig: Rig) -> None:
    worker = worker_of(rig)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(3), key="a")
    rig.notary.seal(ORIGIN)
    worker.step()
    rig.outbox.deliver(rig.chain)
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(1, start=3), key="b")
    rig.chain.close_log(rig.notary.log(ORIGIN).log_id, 3)
    rig.notary.seal(ORIGIN)
    before = dict(rig.outbox.intents)
    for _ in range(3):
        worker.step()
    assert worker.stopped == {ORIGIN}
    assert rig.outbox.intents == before
