"""Unit tests can't open a socket: what needs one is an integration test."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import settings

VECTORS = Path(__file__).parent / "vectors"

# A loaded machine is no reason for a property to fail: time is measured in tests/bench.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def no_sockets_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """AF_UNIX stays (event loops use a socket pair); anything that could leave the process is refused."""
    if "unit" not in Path(request.node.path).relative_to(Path(__file__).parent).parts:
        return
    real = socket.socket.connect

    def refuse(self: socket.socket, address: object) -> None:
        if self.family == socket.AF_UNIX:
            return real(self, address)  # type: ignore[arg-type]
        raise AssertionError("a unit test tried to open a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def vectors() -> Path:
    """tests/vectors, each folder with the README of its origin and licence."""
    return VECTORS
