"""A log's files over HTTP: what each answer means to a mirror. In memory: unit tests open no socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.errors import ChuzhengError, DeniedError, UnavailableError
from scripts.cli import run
from scripts.log_source import MOST_FILE, HttpSource
from scripts.problems import UsageError


class Server(httpx.MockTransport):
    """Answers with these statuses in turn, the last one for ever; remembers what was asked."""

    def __init__(self, *statuses: int, body: bytes = b"x") -> None:
        self.asked: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            status = statuses[min(len(self.asked), len(statuses)) - 1]
            return httpx.Response(status, content=body, headers={"retry-after": "0"})

        super().__init__(answer)


def source(server: Server, token: str | None = None) -> HttpSource:
    made = HttpSource("http://log.example/logs/a/", token)
    made._http = httpx.Client(transport=server, headers=made._http.headers)
    return made


def test_file__found__its_bytes_under_the_prefix_with_the_token() -> None:
    server = Server(200, body=b"tile")
    assert source(server, "secret").file("tile/0/000") == b"tile"
    assert str(server.asked[0].url) == "http://log.example/logs/a/tile/0/000"
    assert server.asked[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize("status", [404, 410])
def test_file__not_there__none(status: int) -> None:
    assert source(Server(status)).file("x") is None
    assert source(Server(status)).checkpoint() is None


@pytest.mark.parametrize("status", [401, 403])
def test_file__members_only__denied(status: int) -> None:
    """A shard of kinds 3–5 is mirrored where its tiles may be read, and nowhere else (formats.md §3)."""
    with pytest.raises(DeniedError, match=r"mirror\.denied"):
        source(Server(status)).file("x")


def test_file__busy_for_a_while__asked_again() -> None:
    server = Server(503, 429, 200)
    assert source(server).file("x") == b"x"
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [500, 418, 302])
def test_file__anything_else__an_outage_and_no_answer(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.log_source.ATTEMPTS", 2)
    with pytest.raises(UnavailableError):
        source(Server(status)).file("x")


def test_file__larger_than_any_bundle__refused() -> None:
    with pytest.raises(ChuzhengError):
        source(Server(200, body=bytes(MOST_FILE + 1))).file("x")


def test_file__source_that_never_ends__read_no_further_than_a_bundle() -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1 << 20
            yield bytes(1 << 20)

    made = source(Server(200))
    made._http = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, content=endless())))
    with pytest.raises(UnavailableError):
        made.file("x")
    assert sent <= MOST_FILE + (1 << 21)


def test_source__no_address__usage() -> None:
    with pytest.raises(UsageError):
        HttpSource("ftp://x")


def test_mirror__without_any_key__usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["log", "mirror", str(tmp_path / "nowhere"), str(tmp_path / "m")]) == 2
    assert "cli.mirror.no_source" in capsys.readouterr().err
