"""What is refused on a real chain, in which words: a decision by the contract, a start by a wrong deployment record."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import Engine

from api.keyring import Keyring
from api.settings import Settings
from ledger.evm import council, departments
from ledger.evm.deployment import Deployment, load_deployment
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import ANVIL
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.store.engine import writing
from ledger.types import ChainHash, DepartmentCode, Digest, Role
from notary.canonical import canonicalise
from notary.receipt import parse_receipt
from scripts.cli import run
from tests.integration.test_api_chain import Service, service
from tests.ports import free_port
from tests.unit.scripts.conftest import IntoApp

__all__ = ["service"]
ZERO = ChainHash("0x" + "00" * 32)
PATIENT = """
from scripts import cli, serving
serving.FIRST_ANSWER = 120.0
cli.main()
"""
"""The command line, for which a slow node is no silent one."""


class Council:
    """The embedded network's one delegate, who acts at once; with an outbox of its own."""

    def __init__(self, service: Service, engine: Engine) -> None:
        self.deployment = service.back.deployment
        self.outbox = Outbox(engine)
        self._engine = engine
        settings: Settings = service.client.app.state.parts.settings  # type: ignore[attr-defined]
        self._key = Keyring(settings.keys_dir).owner()
        rpc = Rpc(settings.rpc_url)
        self.sender = Sender(engine, rpc, ANVIL, self.deployment, {self._key.address: self._key})

    def does(self, call: tuple[str, str, list[Any]]) -> None:
        made = Digest(secrets.token_bytes(32))
        contract, function, args = council.enact(made, [council.as_call(self.deployment, call)])
        with writing(self._engine) as connection:
            self.outbox.enqueue(
                connection, intent_key=made.hex(), sender=self._key.address, contract=contract, function=function,
                args=args,
            )  # fmt: skip
        end = time.monotonic() + 240
        while (row := self.outbox.status(made.hex())) is None or not row.done:
            assert time.monotonic() < end
            if not self.sender.step():
                time.sleep(0.05)
        assert row.state is IntentState.FINAL, row.error_code


@pytest.fixture
def chuzheng(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """The real command line, whose server is the real application."""
    real = httpx.Client
    transport = IntoApp(service.client)
    monkeypatch.setattr(
        "scripts.client.httpx.Client", lambda **arguments: real(**{**arguments, "transport": transport})
    )
    monkeypatch.setenv("CHUZHENG_TOKEN", service.tokens[Role.STATUS])
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = run([*arguments, "--json"])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    return call


def test_decision__refused_by_the_contract__in_plain_words_kept_as_failed_and_only_repeated_by_who_asks(
    service: Service, chuzheng: Any, engine: Engine, tmp_path: Path
) -> None:
    body = canonicalise(service.records[-1])
    answer = service.client.post("/api/v1/certificates", content=body, headers=service.headers())
    assert answer.status_code in (200, 201), answer.text
    receipt = service.anchored(parse_receipt(answer.content).index)
    (tmp_path / "one.receipt.json").write_bytes(receipt)
    issuer, authority = DepartmentCode(service.issuer), Council(service, engine)
    authority.does(departments.suspend(issuer, 1))

    code = "certificate_status.department_suspended"
    refused = service.decide(receipt, decision="deregister", effective_from=0)
    assert (refused["state"], refused["error"]["code"], refused["tx_hash"]) == ("failed", code, None)
    assert f"Department {issuer} is suspended" in refused["error"]["message_en"]
    assert issuer in refused["error"]["message_zh"]
    exit_code, told = chuzheng("status", "deregister", "one.receipt.json", "--from", "start")
    assert (exit_code, told["ok"], told["code"]) == (1, False, code)
    assert f"Department {issuer} is suspended" in told["message_en"]
    assert issuer in told["message_zh"]

    # Nobody repeats it by himself: the same rows, and none under way.
    outbox = Outbox(service.back.engine)
    before = outbox.counts()
    assert before[IntentState.FAILED] == 2
    time.sleep(2.5)
    assert outbox.counts() == before
    kept = outbox.status(refused["intent"])
    assert kept is not None
    assert (kept.state, kept.error_code) == (IntentState.FAILED, code)

    authority.does(departments.reinstate(issuer))
    exit_code, told = chuzheng("status", "deregister", "one.receipt.json", "--from", "start")
    assert (exit_code, told["ok"]) == (0, True), told
    assert outbox.counts()[IntentState.FAILED] == 2


def starts(arguments: list[str], home: Path, **settings: object) -> tuple[int, str]:
    """(exit code, what it says) of a start that must end by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHUZHENG_")}
    environment |= {"CHUZHENG_HOME": str(home), "CHUZHENG_LANG": "en"}
    environment |= {f"CHUZHENG_{name.upper()}": str(value) for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-c", PATIENT, *arguments], env=environment, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def wrong(record: Deployment) -> dict[str, tuple[Deployment, str]]:
    """code → (a record that isn't the chain's, what must be named)."""
    *others, last = record.contracts
    other_code = (*others, replace(last, code_hash=ZERO))
    return {
        "deployment.other_chain": (replace(record, chain_id=1), str(record.chain_id)),
        "deployment.other_genesis": (replace(record, genesis_hash=ZERO), record.genesis_hash),
        "deployment.other_code": (replace(record, contracts=other_code), last.name),
    }


@pytest.mark.parametrize("code", ["deployment.other_chain", "deployment.other_genesis", "deployment.other_code"])
def test_serve__record_of_another_chain_genesis_or_code__every_part_refuses_to_start(
    service: Service, tmp_path: Path, code: str
) -> None:
    record, named = wrong(service.back.deployment)[code]
    record.save(tmp_path / "deployment.json")
    part = {"deployment.other_chain": "notary", "deployment.other_genesis": "indexer"}.get(code, "api")
    exit_code, said = starts(["serve", part], tmp_path, rpc_url=service.chain.url, port=free_port())
    assert exit_code == 2, said
    assert f"[{code}]" in said
    assert named in said


def test_up__record_of_another_network__refused_before_anything_serves(service: Service, tmp_path: Path) -> None:
    """A fresh chain under an old record: the very mistake of who moves a data folder and leaves the chain behind."""
    service.back.deployment.save(tmp_path / "deployment.json")
    url = f"http://127.0.0.1:{free_port()}"
    exit_code, said = starts(["up"], tmp_path, rpc_url=url, port=free_port())
    assert exit_code == 2, said
    assert "[deployment.other_genesis]" in said
    assert load_deployment(tmp_path / "deployment.json") == service.back.deployment


def test_serve__node_away__is_waited_for(service: Service, tmp_path: Path) -> None:
    """An outage is no wrong chain: what fails then is the missing folder, and that is said."""
    from scripts.serving import require_own_chain

    service.back.deployment.save(tmp_path / "deployment.json")
    require_own_chain(Settings(home=tmp_path, rpc_url=f"http://127.0.0.1:{free_port()}"))
