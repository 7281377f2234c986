"""The main job as people do it: `chuzheng up` on free ports, everything else by command line, parts killed meanwhile.

One network for the whole file; tests run in order and each leaves it whole. Processes are ended by their own ids.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ledger.errors import ChuzhengError
from ledger.evm.launcher import free_port
from ledger.types import DepartmentCode
from notary.receipt import Receipt, parse_receipt
from scripts.cli import run
from scripts.client import Client
from scripts.samples import sample_certificates_of

ISSUER = "11420000MB9543829Q"
OTHER = "11420600009998671Q"
TYPE = "11100000009985328F011"
COMPANY = "某某餐饮𠮷|001|91420526MA9986781L"
PERSON = "张三|111|110101199003070011"
START_WITHIN = 90.0
ANCHORED_WITHIN = 30.0


@dataclass
class Network:
    """A running `chuzheng up`, and the commands of somebody beside it."""

    home: Path
    port: int
    rpc_port: int
    process: subprocess.Popen[str] | None = None
    told: dict[str, Any] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def trust(self) -> Path:
        return self.home / "trust" / "trust.json"

    def start(self) -> None:
        command = [sys.executable, "-m", "scripts.cli", "up", "--json", "--home", self.home, "--port", str(self.port)]
        environment = _bare() | {"CHUZHENG_RPC_URL": f"http://127.0.0.1:{self.rpc_port}"}
        log = self.home.with_suffix(".err").open("a", encoding="utf-8")
        self.process = subprocess.Popen(
            [str(c) for c in command], env=environment, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip
        log.close()
        assert self.process.stdout is not None
        watch = threading.Timer(START_WITHIN, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        assert line, self.home.with_suffix(".err").read_text(encoding="utf-8")
        self.told = json.loads(line)
        assert self.told["ok"], self.told
        self.tokens |= {(t["department"], t["role"]): t["token"] for t in self.told["tokens"]}

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def parts(self) -> dict[str, int]:
        """Process ids of the supervisor's children, by part."""
        assert self.process is not None
        found = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                words = (status.parent / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            # One that was just forked still has its parent's words, one that has ended none.
            if parent == self.process.pid and ("serve" in words or "anvil" in words[0]):
                found["chain" if "anvil" in words[0] else words[-2]] = int(status.parent.name)
        return found

    def left(self) -> list[int]:
        """Processes that work on this network's folder, whoever their parent is."""
        mine = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(self.home) in words:
                mine.append(int(path.name))
        return mine

    def run(
        self,
        *arguments: object,
        where: Path,
        token: str = "",
        expect: int | None = 0,
        online: bool = True,
        apart: bool = False,
    ) -> dict[str, Any]:
        """One command with --json; its object. Of the network it knows the address, and no more than it is given.

        `apart`: in a process of its own, as people start it; without, in this one, which saves most of the time.
        """
        environment = _bare() | {"CHUZHENG_LANG": "en"}
        if online:
            environment |= {
                "CHUZHENG_RPC_URL": f"http://127.0.0.1:{self.rpc_port}", "CHUZHENG_PUBLIC_URL": self.url,
            }  # fmt: skip
        if token:
            environment["CHUZHENG_TOKEN"] = token
        words = [*map(str, arguments), "--json"]
        code, out, err = (_apart if apart else _here)(words, where, environment)
        assert "Traceback" not in err, err
        [line] = out.splitlines()
        told: dict[str, Any] = json.loads(line)
        assert {"schema", "ok", "code", "message_zh", "message_en"} <= told.keys()
        assert expect is None or code == expect, (code, told, err)
        return {**told, "exit": code}

    def verdict(self, what: object, *more: object, where: Path, expect: int | None) -> dict[str, Any]:
        return self.run("verify", what, "--trust", self.trust, *more, where=where, expect=expect)

    def upgraded(self, *what: object, where: Path) -> None:
        """Waits until every receipt proves itself."""
        deadline = time.monotonic() + ANCHORED_WITHIN
        while set(self.run("receipt", "upgrade", *what, where=where)["stages"]) != {"anchored"}:
            assert time.monotonic() < deadline
            time.sleep(0.5)


def _apart(words: list[str], where: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.cli", *words],
        cwd=where, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def _here(words: list[str], where: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment, clear=True), chdir(where), redirect_stdout(out), redirect_stderr(err)
    ):  # fmt: skip
        code = run(words)
    return code, out.getvalue(), err.getvalue()


def _bare() -> dict[str, str]:
    """This environment without settings of ours; the source tree is where the program is."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHUZHENG_") or k == "CHUZHENG_ANVIL_BIN"}
    return {**kept, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, anvil_program: Path) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("main") / "home", free_port(), free_port())
    made.start()
    yield made
    assert made.stop() == 0
    assert made.left() == []


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of somebody at the issuing department."""
    return tmp_path_factory.mktemp("desk")


def record(network: Network, desk: Path, name: str, *more: str, holder: str = COMPANY) -> str:
    """A certificate made with `record new`; its identifier."""
    made = network.run(
        "record", "new", "--type", TYPE, "--issuer", ISSUER, "--issuer-name", "湖北省市场监督管理局",
        "--name", "食品经营许可证", "--number", f"JY-{name}", "--holder", holder, "--issue-date", "2026-01-05",
        "--out", f"{name}.record.json", *more, where=desk,
    )  # fmt: skip
    return str(made["identifier"])


def test_story__own_certificate__judged_elsewhere_with_only_the_trust_file(
    network: Network, desk: Path, tmp_path: Path
) -> None:
    token = network.tokens[ISSUER, "ANCHOR"]
    record(network, desk, "own", "--valid-to", "2096-01-04", "--extra", "KZ_JYXM=散装食品")
    network.run("record", "check", "own.record.json", apart=True, where=desk)
    network.run("anchor", "own.record.json", where=desk, expect=4)
    first = network.run("anchor", "own.record.json", apart=True, where=desk, token=token)
    assert first["receipts"] == ["own.receipt.json"]
    assert network.run("anchor", "own.record.json", where=desk, token=token)["count"] == 1
    assert network.verdict("own.record.json", where=desk, expect=None)["exit"] in (0, 15)
    network.upgraded("own.receipt.json", where=desk)
    network.verdict("own.record.json", where=desk, expect=0)
    network.run("disclose", "own.receipt.json", "--fields", "name,holders", where=desk)

    # Somebody else: an empty folder, the file that was sent, the trust file, no token.
    (tmp_path / "sent.json").write_bytes((desk / "own.disclosure.json").read_bytes())
    (tmp_path / "trust.json").write_bytes(network.trust.read_bytes())
    offline = network.run("verify", "sent.json", "--offline", apart=True, where=tmp_path, expect=20, online=False)
    outcomes = {c["code"]: c["outcome"] for c in offline["checks"]}
    assert [outcomes[c] for c in ("content.commitment", "identifier.form", "log.inclusion", "log.signature")] == [
        "pass"
    ] * 4
    assert outcomes["validity.period"] == "pass"
    assert outcomes["status.current"] == "unknown"
    full = network.run("verify", "sent.json", apart=True, where=tmp_path)
    assert full["verdict"] == "valid"
    assert "散装食品" not in (tmp_path / "sent.json").read_text(encoding="utf-8")
    at_once = network.run("verify", "sent.json", "--pin", network.told["trust_hash"], where=tmp_path)
    assert at_once["verdict"] == "valid"


def test_folder__records_documents_and_csv__registered_once_however_often(network: Network, tmp_path: Path) -> None:
    token = network.tokens[ISSUER, "ANCHOR"]
    (tmp_path / "note.txt").write_text("决定书", encoding="utf-8")
    (tmp_path / "scan.tif").write_bytes(os.urandom(3 << 20))
    rows = sample_certificates_of(DepartmentCode(ISSUER)).splitlines(keepends=True)
    (tmp_path / "rows.csv").write_bytes(b"".join(rows[:41]))
    done = network.run("anchor", ".", where=tmp_path, token=token)
    assert done["count"] == 42
    network.upgraded(".", where=tmp_path)
    receipts = {p: p.read_bytes() for p in tmp_path.rglob("*.receipt.json")}
    assert len(receipts) == 42
    again = network.run("anchor", ".", where=tmp_path, token=token)
    assert again["count"] == 42
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.receipt.json")} == receipts
    network.verdict("scan.tif", where=tmp_path, expect=0)
    network.verdict(
        next(iter(sorted((tmp_path / "rows.csv.receipts").glob("*.record.json")))), where=tmp_path, expect=0
    )
    (tmp_path / "scan.tif").write_bytes(b"changed")
    network.verdict("scan.tif", where=tmp_path, expect=10)
    refused = network.run("anchor", "scan.tif", where=tmp_path, token=token, expect=1)
    assert refused["code"] == "cli.other_content"


def test_bad_input__csv_conflict_and_strangers__refused_whole(network: Network, desk: Path, tmp_path: Path) -> None:
    token, other = network.tokens[ISSUER, "ANCHOR"], network.tokens[OTHER, "ANCHOR"]
    rows = sample_certificates_of(DepartmentCode(ISSUER)).decode("utf-8").splitlines(keepends=True)
    wrong = [rows[0], rows[50], rows[51].replace(",2", ",3", 1), rows[52].rstrip("\n") + ",more\n"]
    (tmp_path / "wrong.csv").write_text("".join(wrong), encoding="utf-8")
    (tmp_path / "gbk.csv").write_bytes("".join(rows[:3]).encode("gbk", "replace"))
    for name in ("wrong.csv", "gbk.csv"):
        refused = network.run("anchor", name, where=tmp_path, token=token, expect=19)
        assert refused["rows"]
        assert all(row["row"] > 1 for row in refused["rows"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gbk.csv", "wrong.csv"]
    mine = json.loads((desk / "own.record.json").read_text(encoding="utf-8"))
    (tmp_path / "copy.record.json").write_text(json.dumps({**mine, "name": "别的名称"}), encoding="utf-8")
    conflict = network.run("anchor", "copy.record.json", where=tmp_path, token=token, expect=1)
    assert conflict["code"] == "already_anchored"
    stranger = network.run("anchor", "copy.record.json", where=tmp_path, token=other, expect=19)
    assert stranger["code"] == "record.other_issuer"
    assert not (tmp_path / "copy.receipt.json").exists()


def test_decisions__each__its_verdict_and_a_renewal_alone_decides_nothing(network: Network, desk: Path) -> None:
    anchor, status = network.tokens[ISSUER, "ANCHOR"], network.tokens[ISSUER, "STATUS"]
    old = record(network, desk, "old")
    record(network, desk, "renewed", "--previous", old)
    for name in ("old.record.json", "renewed.record.json"):
        network.run("anchor", name, where=desk, token=anchor)
    # At once, while the entry may not even be sealed: the command waits for that.
    network.run("status", "suspend", "old.receipt.json", "--until", "2096-01-01", where=desk, token=status)
    network.upgraded("old.receipt.json", "renewed.receipt.json", where=desk)
    network.verdict("old.record.json", where=desk, expect=17)
    again = network.run("status", "suspend", "old.receipt.json", where=desk, token=status, expect=1)
    assert again["code"] == "status.move_not_allowed"
    network.run("status", "resume", "old.receipt.json", where=desk, token=status)
    network.run("status", "rescind", "old.receipt.json", "--from", "start", where=desk, token=status)
    network.verdict("old.record.json", where=desk, expect=12)
    network.run("status", "annul", "old.receipt.json", "3", where=desk, token=status)
    network.verdict("old.record.json", where=desk, expect=0)
    network.run("status", "supersede", "old.receipt.json", "renewed.receipt.json", where=desk, token=status)
    network.verdict("old.record.json", where=desk, expect=16)
    network.verdict("renewed.record.json", where=desk, expect=0)
    shown = network.run("status", "show", old, where=desk)
    assert [d["word"] for d in shown["decisions"]] == ["suspended", "resumed", "rescinded", "superseded"]
    assert shown["anchored"] is True
    network.run("status", "resume", "old.receipt.json", where=desk, token=anchor, expect=4)


def test_identifier__alone__answered_and_a_persons_only_to_who_knows_a_value(network: Network, desk: Path) -> None:
    company = json.loads((desk / "own.record.json").read_text(encoding="utf-8"))["identifier"]
    person = record(network, desk, "person", holder=PERSON)
    network.run("anchor", "person.record.json", where=desk, token=network.tokens[ISSUER, "ANCHOR"])
    network.upgraded("person.receipt.json", where=desk)
    assert network.run("verify", company, where=desk)["verdict"] is None
    unknown = network.run("verify", company.replace(".001.", ".002."), where=desk, expect=11)
    hidden = network.run("verify", person, where=desk, expect=11)
    assert unknown["message_zh"] == hidden["message_zh"]
    network.run("verify", person, "--shown", "9999", where=desk, expect=11)
    network.run("verify", person, "--shown", "0011", where=desk)
    network.run("status", "show", person, where=desk, expect=11)
    network.run("status", "show", person, "--shown", "2026-01-05", where=desk)


def test_killed_parts__while_submitting__nothing_acknowledged_is_lost(network: Network, desk: Path) -> None:
    """kill -9 of every part in turn; what was answered with a receipt stands in the log with the same bytes."""
    acknowledged: list[tuple[dict[str, Any], Receipt]] = []
    refused: list[str] = []
    stop = threading.Event()
    template = json.loads((desk / "own.record.json").read_text(encoding="utf-8"))
    submitter = threading.Thread(target=_submit, args=(network, template, acknowledged, refused, stop))
    submitter.start()
    try:
        for part in ("api", "notary", "indexer", "chain"):
            before = network.parts()
            time.sleep(1.0)
            os.kill(before[part], signal.SIGKILL)
            deadline = time.monotonic() + 30
            while network.parts().get(part, before[part]) == before[part]:
                assert time.monotonic() < deadline, part
                time.sleep(0.1)
        time.sleep(1.5)
        # Of logs that grow while it reads; a chain that is only just up again may leave its part unknown (exit 20).
        live = network.run("log", "fsck", "--home", network.home, where=desk, expect=None)
        assert all(log["findings"] == [] for log in live["logs"])
    finally:
        stop.set()
        submitter.join(60)
    assert len(acknowledged) > 20
    assert len({receipt.index for _, receipt in acknowledged}) == len(acknowledged)
    folder = desk / "killed"
    folder.mkdir()
    for made, receipt in acknowledged:
        (folder / f"{made['number']}.record.json").write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
        (folder / f"{made['number']}.receipt.json").write_bytes(receipt.to_json())
    network.upgraded("killed", where=desk)
    for made, receipt in acknowledged:
        now = parse_receipt((folder / f"{made['number']}.receipt.json").read_bytes())
        assert (now.entry, now.index, now.salt) == (receipt.entry, receipt.index, receipt.salt)
    network.verdict(f"killed/{acknowledged[0][0]['number']}.record.json", where=desk, expect=0)
    network.verdict(f"killed/{acknowledged[-1][0]['number']}.record.json", where=desk, expect=0)
    sound = network.run("log", "fsck", "--home", network.home, where=desk)
    assert all(log["findings"] == [] for log in sound["logs"])
    assert sound["chain_asked"] is True
    network.run("doctor", "--home", network.home, where=desk, expect=None)


def _submit(
    network: Network,
    template: dict[str, Any],
    acknowledged: list[tuple[dict[str, Any], Receipt]],
    refused: list[str],
    stop: threading.Event,
) -> None:
    """One record after the other, each sent until it is answered; what is given up is remembered too."""
    from ledger.codes.certificate_ids import make_identifier

    with Client(network.url, network.tokens[ISSUER, "ANCHOR"]) as server:
        for number in range(10_000):
            if stop.is_set():
                return
            made = {**template, "number": f"K{number}", "identifier": make_identifier(TYPE, ISSUER, f"K{number}", 1)}
            try:
                answer = server.send("POST", "certificates", content=json.dumps(made).encode())
            except ChuzhengError as error:
                refused.append(error.code)
                continue
            acknowledged.append((made, parse_receipt(answer.content)))


def test_supervisor_killed__started_again__same_network_and_no_process_left_behind(
    network: Network, desk: Path
) -> None:
    before, parts = network.told, network.parts()
    assert network.process is not None
    network.process.kill()
    network.process.wait()
    network.verdict("own.record.json", "--offline", where=desk, expect=20)
    network.start()
    assert (network.told["network"], network.told["trust_hash"]) == (before["network"], before["trust_hash"])
    assert network.told["tokens"] == []
    assert not set(parts.values()) & set(network.left())
    network.verdict("own.record.json", where=desk, expect=0)
    network.verdict("old.record.json", where=desk, expect=16)
    well = network.run("doctor", "--home", network.home, where=desk)
    assert all(check["ok"] for check in well["checks"] if check["needed"])


def test_up__twice_or_on_a_taken_port__refused_in_words(network: Network, tmp_path: Path) -> None:
    other = tmp_path / "other"
    twice = network.run("up", "--home", network.home, "--port", free_port(), where=tmp_path, apart=True, expect=2)
    assert twice["code"] == "cli.up.twice"
    taken = network.run("up", "--home", other, "--port", network.port, where=tmp_path, apart=True, expect=2)
    assert taken["code"] == "cli.up.port_taken"
    chain = network.run("up", "--home", other, "--port", free_port(), where=tmp_path, apart=True, expect=2)
    assert chain["code"] == "cli.up.rpc_port_taken"
