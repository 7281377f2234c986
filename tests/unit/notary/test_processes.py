"""The pool of processes as several callers have it at once; with real processes: tests/integration."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from ledger.errors import UnavailableError
from notary import processes
from notary.processes import Processes


class Pool:
    """A ProcessPoolExecutor without processes: what it is given waits until the test says how it ends."""

    made: list[Pool]

    def __init__(self, *_: Any, **__: Any) -> None:
        self.given: list[Future[Any]] = []
        self.open = True
        self.made.append(self)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        if not self.open:
            raise RuntimeError("cannot schedule new futures after shutdown")
        self.given.append(Future())
        return self.given[-1]

    def shutdown(self) -> None:
        self.open = False


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[Pool]:
    monkeypatch.setattr(processes, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(Pool, "made", [], raising=False)
    return Pool.made


def test_result__two_callers_hear_of_one_death__the_pool_begun_since_is_kept_and_closed(pools: list[Pool]) -> None:
    made = Processes(1, bytes(32), {})
    calls = [made.submit(len, "") for _ in range(2)]
    for each in pools[0].given:
        each.set_exception(BrokenProcessPool())
    with pytest.raises(UnavailableError, match="process_died"):
        made.result(calls[0])
    again = made.submit(len, "")  # the first caller came again, before the second one heard of it
    with pytest.raises(UnavailableError, match="process_died"):
        made.result(calls[1])
    assert made.start() is pools[1]  # type: ignore[comparison-overlap]
    pools[1].given[0].set_result(0)
    assert made.result(again) == 0
    made.close()
    assert len(pools) == 2
    assert not pools[1].open


def test_submit__closed_by_another_thread_meanwhile__stopping_as_for_whoever_comes_later(pools: list[Pool]) -> None:
    class Closing(Processes):
        def start(self) -> Any:
            found = super().start()
            self.close()
            return found

    for _ in range(2):
        with pytest.raises(UnavailableError, match=r"notary\.stopping"):
            Closing(1, bytes(32), {}).submit(len, "")
