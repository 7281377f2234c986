"""`chuzheng up` cut off in each phase: every process that it began is ended, and new tokens are told by the next start.

Only the processes are fakes here; real ones are ended at the same phases in tests/integration/test_up_cut_off.py.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from api.auth import TokenStore, ensure_tokens
from api.settings import Settings
from ledger.errors import DeniedError, UnavailableError
from scripts.embedded import Network, Say
from scripts.output import EXIT_INTERRUPTED, EXIT_OK, emit
from tests.fakes.house import ISSUER
from tests.unit.scripts.conftest import Chuzheng, Outcome

PHASES = (
    "port", "chain", "chain answers", "deploying", "departments", "tokens", "indexer", "notary", "api", "ready",
    "emitted", "told",
)  # fmt: skip
AT_ITS_END = PHASES[-2:]
BEFORE_TOLD = PHASES[5:-2]


@dataclass
class Process:
    name: str
    ended: bool = False

    def poll(self) -> int | None:
        return 0 if self.ended else None

    def end(self) -> None:
        self.ended = True


@dataclass
class Machine:
    """Where `up` begins processes and waits. `at` and `what`: in which phase that happens."""

    at: str = ""
    what: Callable[[], object] = lambda: None
    handlers: dict[int, Any] = field(default_factory=dict)
    begun: list[Process] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def phase(self, name: str) -> None:
        self.seen.append(name)
        if name == self.at:
            self.what()

    def signal(self, number: int) -> None:
        """As the interpreter calls the handler, wherever it is."""
        handler = self.handlers[number]
        if handler is not signal.SIG_IGN:
            handler(number, None)

    def start(self, name: str) -> Process:
        self.begun.append(Process(name))
        self.phase(name)  # it runs, and nobody was told of it yet
        return self.begun[-1]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()

    def chain(settings: Settings) -> Process:
        started = made.start("chain")
        made.phase("chain answers")
        return started

    def end_chain(settings: Settings) -> None:
        for process in made.begun:
            process.ended |= process.name == "chain"

    def prepare(settings: Settings, say: Say) -> Network:
        for step in ("deploying", "departments"):
            say(step)
            made.phase(step)
        tokens = ensure_tokens(TokenStore(settings.tokens_path), [ISSUER])
        made.phase("tokens")
        return Network(SimpleNamespace(network="unit"), SimpleNamespace(), tokens)  # type: ignore[arg-type]

    def free(*given: object) -> bool:
        made.phase("port")
        return True

    def told(*given: object) -> None:
        made.phase("told")
        made.signal(signal.SIGTERM)  # the ordinary end

    def emitted(value: Any) -> None:
        emit(value)
        made.phase("emitted")

    for name, value in {
        "scripts.embedded.ChainProcess": chain,
        "scripts.embedded.end_chain": end_chain,
        "scripts.embedded.prepare": prepare,
        "scripts.ports.await_free": free,
        "scripts.supervisor.Served": lambda part, *given: made.start(part),
        "scripts.supervisor.Supervisor.watch": told,
        "scripts.commands.network._await_ready": lambda *given: made.phase("ready"),
        "scripts.output.emit": emitted,
        "notary.trust.trust_hash": lambda trust: bytes(32),
        "signal.signal": made.handlers.__setitem__,
        "signal.getsignal": lambda number: made.handlers.get(number, signal.SIG_DFL),
    }.items():
        monkeypatch.setattr(name, value)
    return made


@contextmanager
def happening(machine: Machine, at: str, what: Callable[[], object]) -> Iterator[None]:
    machine.at, machine.what = at, what
    machine.begun.clear()
    machine.seen.clear()
    yield
    machine.at = ""


def up(chuzheng: Chuzheng, *more: str) -> Outcome:
    return chuzheng("up", "--home", "data", *more)


def assert_nothing_left(machine: Machine) -> None:
    assert [process.name for process in machine.begun if not process.ended] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("phase", PHASES)
def test_up__signal_in_a_phase__nothing_is_begun_after_it_and_nothing_left(
    machine: Machine, chuzheng: Chuzheng, phase: str, number: int
) -> None:
    with happening(machine, phase, lambda: machine.signal(number)):
        ended = up(chuzheng, "--json")
    assert ended.code == (EXIT_OK if phase in AT_ITS_END else EXIT_INTERRUPTED)
    assert machine.seen[-1] == phase
    assert_nothing_left(machine)
    with happening(machine, "", lambda: None):
        after = up(chuzheng, "--json")
    assert (after.code, after.json["ok"]) == (EXIT_OK, True)
    assert len(after.json["tokens"]) == (0 if phase in AT_ITS_END else 2)  # who has read them may end it at once
    assert_nothing_left(machine)


@pytest.mark.parametrize("phase", PHASES[1:])
def test_up__signalled_twice__what_ends_the_processes_is_not_interrupted(
    machine: Machine, chuzheng: Chuzheng, phase: str
) -> None:
    def twice() -> None:
        try:
            machine.signal(signal.SIGINT)
        finally:
            machine.signal(signal.SIGTERM)

    with happening(machine, phase, twice):
        up(chuzheng, "--json")
    assert_nothing_left(machine)


@pytest.mark.parametrize("phase", BEFORE_TOLD)
def test_up_json__ended_before_it_was_ready__new_tokens_are_told_by_the_next_start(
    machine: Machine, chuzheng: Chuzheng, phase: str, tmp_path: Any
) -> None:
    def fail() -> None:
        machine.begun[:] = [process for process in machine.begun if process.name != phase]  # it couldn't be started
        raise UnavailableError("cli.up.not_ready", log="log")

    store = TokenStore(tmp_path / "data" / "keys" / "tokens.json")
    with happening(machine, phase, fail):
        failed = up(chuzheng, "--json")
    assert (failed.code, failed.json["code"]) == (20, "cli.up.not_ready")
    assert "czt_" not in failed.out + failed.err
    assert_nothing_left(machine)
    lost = {token.id for token in store.all()}
    assert len(lost) == 2
    ready = up(chuzheng, "--json")
    tokens = [item["token"] for item in ready.json["tokens"]]
    assert [(store.caller(token).department, store.caller(token).roles) for token in tokens] == [
        (ISSUER, 1),
        (ISSUER, 2),
    ]
    assert len(store.all()) == 2
    assert lost.isdisjoint(token.id for token in store.all())
    assert "czt_" not in ready.err
    again = up(chuzheng, "--json")
    assert again.json["tokens"] == []
    assert [store.caller(token).roles for token in tokens] == [1, 2]


def test_up__for_a_person__tokens_shown_at_once_stay_though_the_start_fails_later(
    machine: Machine, chuzheng: Chuzheng, tmp_path: Any
) -> None:
    def fail() -> None:
        raise UnavailableError("cli.up.not_ready", log="log")

    with happening(machine, "api", fail):
        failed = up(chuzheng)
    shown = [word for word in failed.err.split() if word.startswith("czt_")]
    assert len(shown) == 2
    after = up(chuzheng)
    assert "czt_" not in after.out + after.err
    store = TokenStore(tmp_path / "data" / "keys" / "tokens.json")
    assert [store.caller(token).roles for token in shown] == [1, 2]
    with pytest.raises(DeniedError):
        store.caller(shown[0] + "x")
