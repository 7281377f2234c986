"""The command line in this process: its own folder, its own environment, and a server without sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from api.app import assemble
from ledger.codes.certificate_ids import make_identifier
from ledger.types import Role
from scripts.cli import run
from tests.fakes.house import ISSUER, TYPE, House, build_house


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left: exit code, result, hints."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        [line] = self.out.splitlines()
        value = json.loads(line)
        assert isinstance(value, dict)
        return value


Chuzheng = Callable[..., Outcome]


@pytest.fixture
def chuzheng(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Chuzheng:
    """`chuzheng("verify", path)`: one command line, in an empty folder and in English."""
    import os

    for name in [name for name in os.environ if name.startswith("CHUZHENG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CHUZHENG_LANG", "en")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(a) for a in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        # The application's log lines come from the same process here; they aren't the command's.
        err = "".join(line for line in said.err.splitlines(keepends=True) if not line.startswith('{"'))
        return Outcome(code, said.out, err)

    return call


class IntoApp(httpx.BaseTransport):
    """Requests of the command line's client answered by the application itself."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = b"".join(request.stream)  # type: ignore[arg-type]
        self.asked.append(f"{request.method} {request.url.path}")
        headers = {k: v for k, v in request.headers.items() if k not in ("host", "content-length", "accept-encoding")}
        answer = self._client.request(request.method, str(request.url), content=body, headers=headers)
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build_house(tmp_path / "home")
    yield made
    made.notary.close()


@pytest.fixture
def erased(house: House, tmp_path: Path) -> Path:
    """A folder with two records and their receipts; one of them was erased since."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for serial in ("A", "B"):
        index = house.accept(record := house.certificate(identifier=make_identifier(TYPE, ISSUER, serial, 1))).index
        receipt = house.notary.receipt(house.origin, index, salted=True)
        (folder / f"{serial}.receipt.json").write_bytes(receipt.to_json())
        (folder / f"{serial}.record.json").write_text(json.dumps(record), encoding="utf-8")
    house.notary.erasing.propose(ISSUER, house.origin, index, "order 1", b"\1" * 32)
    house.notary.erasing.confirm(ISSUER, house.origin, index, "order 1", b"\2" * 32)
    return folder


@pytest.fixture
def server(house: House, chuzheng: Chuzheng, monkeypatch: pytest.MonkeyPatch) -> Iterator[IntoApp]:
    """The house's application where the command line looks for its server; `CHUZHENG_TOKEN` may anchor."""
    real = httpx.Client
    with TestClient(assemble(house.parts), base_url="http://127.0.0.1:8420") as client:
        transport = IntoApp(client)
        monkeypatch.setattr(
            "scripts.client.httpx.Client", lambda **arguments: real(**{**arguments, "transport": transport})
        )
        monkeypatch.setenv("CHUZHENG_TOKEN", house.tokens[Role.ANCHOR])
        yield transport


@pytest.fixture
def unreachable(chuzheng: Chuzheng, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server answers the command line."""

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away", request=request)

    real = httpx.Client
    monkeypatch.setattr(
        "scripts.client.httpx.Client", lambda **told: real(**{**told, "transport": httpx.MockTransport(away)})
    )
