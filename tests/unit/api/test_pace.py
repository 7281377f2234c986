"""Pace and gate: what is allowed, what is refused, and when to come back."""

from __future__ import annotations

import pytest

from api.language import preferred
from api.pace import Gate, Pace
from ledger.errors import UnavailableError


def test_pace__burst_then_average__says_how_long_to_wait() -> None:
    now = [0.0]
    pace = Pace(30, clock=lambda: now[0])
    for _ in range(30):
        pace.take("a")
    with pytest.raises(UnavailableError) as caught:
        pace.take("a")
    assert caught.value.retry_after == 2
    pace.take("b")
    now[0] += 2
    pace.take("a")
    with pytest.raises(UnavailableError):
        pace.take("a")


def test_gate__full__refuses_and_frees_after_an_error() -> None:
    gate = Gate(1)
    with gate.pass_through(), pytest.raises(UnavailableError) as caught, gate.pass_through():
        pass
    assert caught.value.code == "server.busy"
    with pytest.raises(ValueError, match="inside"), gate.pass_through():
        raise ValueError("inside")
    with gate.pass_through():
        assert gate.inside == 1


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "zh"), ("en", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,zh;q=0.9", "en"), ("de,fr", "zh"),
     ("zh;q=0.1,en;q=0.2", "en"), ("en;q=0", "zh"), ("en;q=x,zh;q=0.1", "zh"), (",,;;=,", "zh")],
)  # fmt: skip
def test_language__accept_language__chooses(header: str, language: str) -> None:
    assert preferred(header) == language
