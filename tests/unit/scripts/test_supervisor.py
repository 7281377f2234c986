"""The supervisor with fake processes: order, restarts ever more slowly, ends in reverse, none forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ledger.errors import UnavailableError
from scripts import supervisor as room
from scripts.supervisor import FIRST_DELAY, LONGEST_DELAY, STEADY_AFTER, Supervisor


@dataclass
class Clock:
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Process:
    name: str
    ended: list[str]
    code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def end(self) -> None:
        self.ended.append(self.name)
        self.code = 0


@dataclass
class Yard:
    """Starts processes and remembers them; `refuse` makes the next starts fail."""

    clock: Clock
    started: list[Process] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    deaths: list[tuple[str, int | str]] = field(default_factory=list)
    refuse: list[Exception] = field(default_factory=list)

    def start(self, name: str) -> Process:
        if self.refuse:
            raise self.refuse.pop(0)
        self.started.append(Process(name, self.ended))
        return self.started[-1]


@pytest.fixture
def yard(monkeypatch: pytest.MonkeyPatch) -> Yard:
    clock = Clock()
    monkeypatch.setattr(room, "time", clock)
    return Yard(clock)


@pytest.fixture
def made(yard: Yard) -> Supervisor:
    return Supervisor(on_death=lambda name, code: yard.deaths.append((name, code)))


def test_stop__several__last_started_ends_first(yard: Yard, made: Supervisor) -> None:
    for name in ("chain", "notary", "api"):
        made.add(name, lambda name=name: yard.start(name))  # type: ignore[misc]
    yard.started[1].code = 1  # dead already: nothing to end
    made.stop()
    assert yard.ended == ["api", "chain"]


def test_revive__dead_child__starts_again_after_its_delay_and_tells(yard: Yard, made: Supervisor) -> None:
    made.add("api", lambda: yard.start("api"))
    yard.started[0].code = -9
    made.revive()
    assert yard.deaths == [("api", -9)]
    made.revive()
    assert len(yard.started) == 1
    yard.clock.now += 2 * FIRST_DELAY
    made.revive()
    assert len(yard.started) == 2


def test_revive__dies_at_once_every_time__delays_grow_to_a_limit_and_fall_back_when_steady(
    yard: Yard, made: Supervisor
) -> None:
    made.add("api", lambda: yard.start("api"))
    delays = []
    for _ in range(10):
        yard.started[-1].code = 1
        made.revive()
        delays.append(made.children[0].delay)
        yard.clock.now = made.children[0].not_before
        made.revive()
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY
    yard.clock.now += STEADY_AFTER + 1
    yard.started[-1].code = 1
    made.revive()
    assert made.children[0].delay == FIRST_DELAY


@pytest.mark.parametrize("error", [UnavailableError("chain.not_started", log="x"), OSError(28, "full")])
def test_revive__cannot_be_started_now__tried_again_and_the_others_live_on(
    yard: Yard, made: Supervisor, error: Exception
) -> None:
    made.add("chain", lambda: yard.start("chain"))
    made.add("api", lambda: yard.start("api"))
    yard.started[0].code = 1
    made.revive()
    yard.refuse = [error]
    yard.clock.now += 1
    made.revive()
    assert [name for name, _ in yard.deaths] == ["chain", "chain"]
    assert made.children[1].process is yard.started[1]
    yard.clock.now += LONGEST_DELAY
    made.revive()
    assert made.children[0].process is yard.started[2]


def test_add__first_start_fails__is_told_to_the_caller(yard: Yard, made: Supervisor) -> None:
    yard.refuse = [UnavailableError("chain.not_started", log="x")]
    with pytest.raises(UnavailableError):
        made.add("chain", lambda: yard.start("chain"))
    made.stop()


def test_watch__until__returns_and_keeps_reviving(yard: Yard, made: Supervisor) -> None:
    made.add("api", lambda: yard.start("api"))
    yard.started[0].code = 1
    made.watch(until=lambda: len(yard.started) == 2)
    assert yard.deaths == [("api", 1)]
    made.stopping = True
    made.watch()
