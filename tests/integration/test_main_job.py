"""The main job as people do it: `chuzheng up` on free ports, everything else by command line, parts killed meanwhile.

One network for the whole file; tests run in order and each leaves it whole. Processes are ended by their own ids.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ChuzhengError
from ledger.types import DepartmentCode
from notary.receipt import Receipt, parse_receipt
from scripts.client import Client
from scripts.samples import sample_certificates_of
from tests.integration.running import (
    ISSUER,
    OTHER,
    PERSON,
    TYPE,
    Network,
    record,
    whole_network,
)
from tests.ports import free_port


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, anvil_program: Path) -> Iterator[Network]:
    with whole_network(tmp_path_factory.mktemp("main") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of somebody at the issuing department."""
    return tmp_path_factory.mktemp("desk")


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
            deadline = time.monotonic() + 120
            while network.parts().get(part, before[part]) == before[part]:
                assert time.monotonic() < deadline, part
                time.sleep(0.1)
        time.sleep(1.5)
        deadline = time.monotonic() + 120
        while len(acknowledged) <= 20:
            assert time.monotonic() < deadline, (len(acknowledged), refused)
            time.sleep(0.1)
        # Of logs that grow while it reads; a chain that is only just up again may leave its part unknown (exit 20).
        live = network.run("log", "fsck", "--home", network.home, where=desk, expect=None)
        assert all(log["findings"] == [] for log in live["logs"])
    finally:
        stop.set()
        submitter.join(300)
    assert not submitter.is_alive()
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
    deadline = time.monotonic() + 120
    while left := set(parts.values()) & set(network.left()):  # they end by themselves, each as fast as it can
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    network.verdict("own.record.json", where=desk, expect=0)
    network.verdict("old.record.json", where=desk, expect=16)
    network.doctored(where=desk)


def test_up__twice_or_on_a_taken_port__refused_in_words(network: Network, tmp_path: Path) -> None:
    other = tmp_path / "other"
    twice = network.run("up", "--home", network.home, "--port", free_port(), where=tmp_path, apart=True, expect=2)
    assert twice["code"] == "cli.up.twice"
    taken = network.run("up", "--home", other, "--port", network.port, where=tmp_path, apart=True, expect=2)
    assert taken["code"] == "cli.up.port_taken"
    chain = network.run("up", "--home", other, "--port", free_port(), where=tmp_path, apart=True, expect=2)
    assert chain["code"] == "cli.up.rpc_port_taken"
