"""`chuzheng council …` and `chuzheng chain …` on anvil: members propose, read what they approve, and execute; a
department rotates a key by two people; what is refused says why."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from ledger.errors import UnavailableError
from ledger.evm import direct
from ledger.evm.launcher import EmbeddedChain
from ledger.evm.transactions import EvmKey
from scripts import output
from scripts.cli import run
from tests.integration.test_deploy_command import Site

CODE = "11420503087246977F"
KEY, PUBLIC, NEXT = "aa" * 32, "bb" * 32, "cc" * 32


class Office:
    """A deployed network of three council members, and the command line on it."""

    def __init__(self, folder: Path, url: str, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
        self.site = Site(folder, url, engine, capsys)
        code, told, _ = self.site.run()
        assert code == 0
        self.names = {c["name"]: c["account"] for c in told["to_name"]}
        self.folder, self._capsys = folder, capsys
        self.members = [self.kept(f"member {n}", key) for n, key in enumerate(self.site.delegates)]

    def kept(self, name: str, key: EvmKey) -> Path:
        path = self.folder / f"{name}.key"
        path.write_text(key._key.secret.hex() + "\n", encoding="ascii")
        os.chmod(path, 0o600)
        return path

    def run(self, *words: str | Path, key: Path | None = None, rpc: bool = True) -> tuple[int, dict[str, Any], str]:
        self._capsys.readouterr()
        more = ["--record", str(self.site.record), "--rpc-url", self.site.rpc.url, "--home", str(self.folder), "--json"]
        code = run([*map(str, words), *(["--key", str(key)] if key else []), *more])
        told = self._capsys.readouterr()
        return code, json.loads(told.out), told.err

    def decided(self, name: str, *calls: str) -> dict[str, Any]:
        """Proposed by the first member, approved by the second, executed by the third."""
        file = self.folder / f"{name}.json"
        lines = [word for call in calls for word in ("--call", call)]
        code, told, _ = self.run("council", "propose", file, *lines, key=self.members[0])
        assert (code, len(told["approvals"]), told["executable_from"]) == (0, 1, None), told
        code, told, err = self.run("council", "approve", file, key=self.members[1])
        assert (code, len(told["approvals"])) == (0, 2), told
        assert all(call.split()[0] in err for call in calls)
        code, told, _ = self.run("council", "execute", file, key=self.members[2])
        assert code == 0, told
        assert told["executed_at"]
        return told


@pytest.fixture
def office(anvil: EmbeddedChain, engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(tmp_path, anvil.url, engine, capsys)


def test_council_and_departments__from_the_command_line__named_admitted_keys_rotated(office: Office) -> None:
    office.decided("names", *(f"Council.nameContract {name} {account}" for name, account in office.names.items()))
    people = [EvmKey(os.urandom(32)) for _ in range(2)]
    first, second = (office.kept(f"person {n}", key) for n, key in enumerate(people))
    appoint = "Departments.appointOperator {} " + CODE + " 3 none {}"
    told = office.decided(
        "department",
        f"Departments.admit {CODE} 420000 none",
        *(appoint.format(key.address, bytes([n + 1] * 32).hex()) for n, key in enumerate(people)),
    )
    assert told["calls"][0] == f"Departments.admit code={CODE} division=420000 basis=none"

    # A key of the department: one person proposes, the other confirms; it is followed by another, then stolen.
    given = {"suite": 1, "purpose": 1, "publicKey": PUBLIC, "certificate": "none", "certificateUntil": "none",
             "since": "none", "until": "none", "replaces": "none"}  # fmt: skip
    propose = ("chain", "call", "DepartmentKeys.proposeKey")
    assert office.run(*propose, KEY, CODE, json.dumps(given), "none", key=first)[0] == 0
    code, told, _ = office.run("chain", "call", "DepartmentKeys.confirmKey", KEY, key=first)
    assert (code, told["ok"]) == (output.EXIT_NOT_LOGGED_IN, False)
    assert told["message_zh"]
    assert office.run("chain", "call", "DepartmentKeys.confirmKey", KEY, key=second)[0] == 0
    code, told, _ = office.run("chain", "call", "DepartmentKeys.confirmKey", KEY, key=second)
    assert (code, told["code"], told["tx_hash"]) == (0, "cli.call.nothing", None)
    rotated = given | {"publicKey": "dd" * 32, "replaces": KEY}
    assert office.run(*propose, NEXT, CODE, json.dumps(rotated), "none", key=second)[0] == 0
    assert office.run("chain", "call", "DepartmentKeys.confirmKey", NEXT, key=first)[0] == 0
    assert office.run("chain", "call", "DepartmentKeys.compromiseKey", KEY, "now", "1", "none", key=first)[0] == 0
    code, told, _ = office.run("chain", "read", "DepartmentKeys.keysOf", CODE)
    assert code == 0
    assert all(word in told["values"][0] for word in (KEY, NEXT, PUBLIC, CODE))


@pytest.mark.parametrize("arrived", [False, True])
def test_council__sent_again_after_a_lost_answer__one_proposal_and_answered_as_the_first_time(
    office: Office, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    def lost(*given: Any, **more: Any) -> None:
        if arrived:
            sent(*given, **more)
        raise UnavailableError("chain.not_mined", tx_hash="0x")

    sent = direct.send
    file = office.folder / "again.json"
    calls = ["--call", f"Council.nameContract Departments {office.names['Departments']}"]

    def twice(*words: str | Path, key: Path) -> dict[str, Any]:
        with monkeypatch.context() as away:
            away.setattr(direct, "send", lost)
            assert office.run("council", *words, key=key)[1]["code"] == "chain.not_mined"
        code, told, _ = office.run("council", *words, key=key)
        assert code == 0, told
        return told

    proposed = twice("propose", file, *calls, key=office.members[0])
    assert proposed["id"] == json.loads(file.read_bytes())["id"]
    assert len(proposed["approvals"]) == 1
    other = ("council", "propose", file, "--call", "Council.endPause")
    assert office.run(*other, key=office.members[0])[1]["code"] == "file.exists"
    another = office.run("council", "propose", file, *calls, key=office.members[1])
    assert another[1]["code"] == "file.exists"  # theirs to approve, not to propose
    assert len(twice("approve", file, key=office.members[1])["approvals"]) == 2
    executed = twice("execute", file, key=office.members[2])
    assert executed["executed_at"]
    # What is executed is over: the same calls are another proposal, in another file.
    over = office.run("council", "propose", file, *calls, key=office.members[0])
    assert over[1]["code"] == "file.exists"


def test_council__what_is_not_what_it_seems__refused(office: Office) -> None:
    file = office.folder / "p.json"
    assert office.run("council", "propose", file, "--call", "Council.endPause", key=office.members[0])[0] == 0
    whole = json.loads(file.read_bytes())
    other = office.folder / "other.json"
    for changed, expected in (
        ({"calls": [{**whole["calls"][0], "data": "0x12345678"}]}, "cli.proposal_differs"),
        ({"id": "77" * 32}, "cli.proposal_differs"),
        ({"network": "elsewhere"}, "cli.proposal_network"),
        ({"calls": [{}]}, "cli.proposal_unreadable"),
    ):
        other.write_text(json.dumps(whole | changed), encoding="utf-8")
        assert office.run("council", "approve", other, key=office.members[1])[1]["code"] == expected
    code, told, _ = office.run("council", "execute", file, key=office.members[0])
    assert (code, told["code"]) == (output.EXIT_UNEXPECTED, "council.approvals_missing")
    stranger = office.kept("stranger", EvmKey(os.urandom(32)))
    assert office.run("council", "approve", file, key=stranger)[0] == output.EXIT_NOT_LOGGED_IN
    assert office.run("council", "withdraw", file, key=office.members[0])[1]["approvals"] == []
    assert office.run("council", "show", file)[1]["approvals"] == []
    for words, expected in (
        (["Departments.suspendd"], "call.target"),
        (["Departments.suspend", CODE], "call.count"),
        (["Departments.suspend", CODE, "x", "none"], "call.value"),
        (["Departments.succeed", CODE, CODE, "none", "[[1]]", "none"], "call.value"),
        (["Departments.appointOperator", "0x12", CODE, "1", "none", "none"], "call.value"),
        (["Departments.admit", "zu 长", "1", "none"], "call.value"),
    ):
        assert office.run("chain", "call", *words, key=stranger)[1]["code"] == expected
