"""Submissions by log: each is handed out once and in order, one thread a log, several logs at once."""

from __future__ import annotations

import threading
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import UnavailableError
from ledger.types import Origin
from notary.log_queues import LogQueues
from notary.submission import Submission
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, OTHER, SECOND, Rig, packed


def submission(origin: str, number: int, rows: int = 1) -> Submission:
    return Submission(ISSUER, Origin(origin), "o", None, number.to_bytes(4), bytes(65 * rows))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), max_size=40), st.integers(1, 20))
def test_take__any_arrivals__each_once_in_the_order_of_its_log(arrivals: list[tuple[str, int]], most: int) -> None:
    queues = LogQueues(100)
    for number, (origin, rows) in enumerate(arrivals):
        queues.put(submission(origin, number, rows))
    queues.close()
    got: dict[str, list[int]] = defaultdict(list)
    while (taken := queues.take(most)) is not None:
        origin, group = taken
        assert sum(s.count for s in group[:-1]) < most
        got[origin] += [int.from_bytes(s.content) for s in group]
        queues.done(origin)
    assert got == {o: [n for n, (p, _) in enumerate(arrivals) if p == o] for o in {o for o, _ in arrivals}}
    assert queues.qsize() == 0


def test_take__a_log_that_is_worked_on__is_left_alone_others_arent() -> None:
    queues = LogQueues(10)
    for number, origin in enumerate("aab"):
        queues.put(submission(origin, number))
    first = queues.take(1)
    second = queues.take(1)
    assert first is not None
    assert second is not None
    assert [first[0], second[0]] == ["a", "b"]
    third: list[object] = []
    waiting = threading.Thread(target=lambda: third.append(queues.take(1)))
    waiting.start()
    waiting.join(0.05)
    assert third == []
    queues.done(Origin("a"))
    waiting.join(60)
    assert len(third) == 1


def test_put__too_many_or_closed__told_to_come_again() -> None:
    queues = LogQueues(1)
    queues.put(submission("a", 1))
    with pytest.raises(UnavailableError, match=r"notary\.busy"):
        queues.put(submission("b", 2))
    queues.close()
    with pytest.raises(UnavailableError, match=r"notary\.stopping"):
        queues.put(submission("a", 3))


def test_several_logs__two_of_one_issuer_sent_the_same__it_stands_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home", origins=(ORIGIN, SECOND, FOREIGN))
    rows = packed(40)
    places: list[tuple[str, int]] = []

    def send(origin: Origin, department: object, start: int) -> None:
        for n in range(start, 40, 2):
            place = rig.notary.accept_durably(department, origin, rows[65 * n : 65 * n + 65], key=None)  # type: ignore[arg-type]
            places.append((place.origin, place.first))

    lanes = [(ORIGIN, ISSUER, 0), (ORIGIN, ISSUER, 1), (SECOND, ISSUER, 0), (SECOND, ISSUER, 1), (FOREIGN, OTHER, 0)]
    threads = [threading.Thread(target=send, args=lane) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own = rig.entries(ORIGIN) + rig.entries(SECOND)
    assert len(own) == len({entry[28:60] for entry in own}) == 40
    assert len(rig.entries(FOREIGN)) == 20
    assert len(set(places)) == 60
    rig.notary.close()
