"""`chuzheng serve` told to end in each phase of its start: it ends by itself, and closes what it opened."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from scripts.serving import serve_part

LOOPS = ("worker", "sender", "keeper", "cosigner", "courier", "indexer")
WITHIN = 30.0


@dataclass
class Loop:
    """Runs until it is told to stop, as they all do; tells its phase first."""

    name: str
    part: Part

    def run(self, stop: threading.Event) -> None:
        self.part.phase(self.name)
        assert stop.wait(WITHIN), self.name
        self.part.over.append(self.name)


@dataclass
class Part:
    """What a part opens; in the phase `at` it is told to end."""

    at: str
    number: int
    handlers: dict[int, Any] = field(default_factory=dict)
    over: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.worker, self.sender, self.keeper, cosigner, courier, self.indexer = (Loop(name, self) for name in LOOPS)
        self.cosigners, self.couriers = [cosigner], [courier]

    def phase(self, name: str) -> None:
        if name == self.at:
            self.handlers[self.number](self.number, None)

    def open(self, settings: Settings) -> Part:
        self.phase("open")
        return self

    def close(self) -> None:
        self.over.append("closed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("what", "at"),
    [("notary", at) for at in ("open", *LOOPS[:-1])] + [("indexer", "open"), ("indexer", "indexer")],
)
def test_serve__signal_in_a_phase__every_loop_ends_and_all_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, at: str, number: int
) -> None:
    part = Part(at, number)
    monkeypatch.setattr("signal.signal", part.handlers.__setitem__)
    monkeypatch.setattr("api.backstage.open_backstage", part.open)
    monkeypatch.setattr("api.observing.set_up_logs", lambda level: None)
    monkeypatch.setattr("logging.basicConfig", lambda level: None)
    assert serve_part(what, Settings(home=tmp_path)) == 0
    assert part.over[-1] == "closed"
    assert sorted(part.over[:-1]) == (sorted(LOOPS[:-1]) if what == "notary" else ["indexer"])
