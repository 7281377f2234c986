"""Erasure by order and a log's new key as people do them: `chuzheng up` with a real chain, two persons, command, HTTP.

One network for the file; tests run in order. What was stored of the erased records is looked for in every file of the
data folder, byte by byte, before (it is there) and after.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from notary.erasures import parse_erasures
from notary.receipt import parse_receipt
from notary.snapshot import parse_snapshot
from notary.stores.record_tables import index_of
from tests.integration.folders import looked_at
from tests.integration.running import ISSUER, Network, record, whole_network

ORDER = "鄂法令〔2026〕12号"
PLANTED = "植入的散装食品 7c1f0d"
FILE = b"planted in a file: 91aa03 " * 2000
DONE_WITHIN = 180.0


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, anvil_program: Path) -> Iterator[Network]:
    with whole_network(tmp_path_factory.mktemp("erasure") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


def person(network: Network, desk: Path, number: str) -> Path:
    """A token file of an officer with the right to erase."""
    made = network.run(
        "config", "token", ISSUER, "--role", "ERASURE", "--person", number, "--home", network.home, where=desk
    )
    path = desk / f"{number}.token"
    path.write_text(made["token"])
    path.chmod(0o600)
    return path


def stored_of(network: Network, index: int) -> dict[str, bytes]:
    """What the database keeps of the record at an index of the only public log that has one there: by what it would be
    read, found or recognised."""
    connection = sqlite3.connect(network.home / "chuzheng.sqlite")
    held: dict[str, bytes] = {}
    for table, column in (
        ("records", "body"), ("record_keys", "sealed"), ("record_wraps", "sealed"), ("lookups", "identifier"),
        ("lookups", "content"),
    ):  # fmt: skip
        for number, (position, value) in enumerate(connection.execute(f"SELECT position, {column} FROM {table}")):
            if index_of(position) == index:
                held[f"{table}.{column} {number}"] = value[: len(value) // 2][:40]
    connection.close()
    return held


def found(network: Network, wanted: dict[str, bytes]) -> set[str]:
    """Which of them stand in a file of the data folder, write-ahead files and free pages included."""

    def look() -> set[str]:
        places = set()
        for path in network.home.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                places |= {f"{what} in {path.name}" for what, value in wanted.items() if value in data}
        return places

    return looked_at(look)


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {check["code"]: check["outcome"] for check in report["checks"]}


def test_erasure__two_persons_a_record_and_a_file__gone_named_and_told(network: Network, desk: Path) -> None:
    anchor = network.tokens[ISSUER, "ANCHOR"]
    record(network, desk, "gone", "--valid-to", "2096-01-04", "--extra", f"KZ_JYXM={PLANTED}")
    (desk / "plan.txt").write_bytes(FILE)
    for name in ("gone.record.json", "plan.txt"):
        network.run("anchor", name, where=desk, token=anchor)
    receipts = {name: desk / f"{name}.receipt.json" for name in ("gone", "plan.txt")}
    network.upgraded(*receipts.values(), where=desk)
    one, two = person(network, desk, "A-001"), person(network, desk, "B-002")
    held: dict[str, bytes] = {}
    for path in receipts.values():
        held |= {
            f"{path.name} {what}": value
            for what, value in stored_of(network, parse_receipt(path.read_bytes()).index).items()
        }
    assert {place.partition(" in ")[0] for place in found(network, held)} == set(held)
    assert any("record_wraps" in what for what in held)
    blocks = [path for path in (network.home / "content").rglob("*") if path.is_file()]
    held |= {
        f"ciphertext {n}": path.read_bytes()[5000:5040] for n, path in enumerate(blocks) if path.stat().st_size > 6000
    }
    assert any(what.startswith("ciphertext") for what in held)

    for name, path in receipts.items():
        shown = network.run("erase", "show", path, "--token-file", one, where=desk)
        assert [each["code"] for each in shown["not_recalled"]] == [
            "receipts", "disclosures", "copies", "chain", "name", "backups",
        ]  # fmt: skip
        proposed = network.run("erase", "propose", path, "--order", ORDER, "--yes", "--token-file", one, where=desk)
        assert proposed["state"] == "proposed"
        same = network.run(
            "erase", "confirm", path, "--order", ORDER, "--yes", "--token-file", one, where=desk, expect=4
        )
        assert same["code"] == "erasure.same_person"
        network.run("erase", "confirm", path, "--order", ORDER, "--yes", "--token-file", two, where=desk)
        done = _done(network, path, two, desk, desk / f"notices-{name}")
        assert done["backups"]["purge_by"] > done["backups"]["last"]
        if name == "plan.txt":  # its file had readers: each is told
            assert [each["department"] for each in done["notices"]] == done["readers"] != []
            assert all(ORDER in Path(notice).read_text(encoding="utf-8") for notice in done["files"])
    assert found(network, held) == set()
    assert found(network, {"planted": PLANTED.encode(), "file": FILE[:40]}) == set()


def _done(network: Network, receipt: Path, token: Path, desk: Path, notices: Path) -> dict[str, Any]:
    """`erase show` until nothing is left to do."""
    end = time.monotonic() + DONE_WITHIN
    while True:
        shown = network.run("erase", "show", receipt, "--token-file", token, where=desk)
        if shown["state"] == "done":
            return network.run("erase", "show", receipt, "--token-file", token, "--notices", notices, where=desk)
        assert time.monotonic() < end, shown["state"]
        time.sleep(0.3)


def test_erased__over_http_list_and_snapshot__410_and_proved(network: Network, desk: Path) -> None:
    receipt = parse_receipt((desk / "gone.receipt.json").read_bytes())
    base = f"{network.url}/api/v1/logs/{quote(receipt.origin, safe='')}"
    headers = {"Authorization": f"Bearer {network.tokens[ISSUER, 'ANCHOR']}"}
    gone = httpx.get(f"{base}/receipts/{receipt.index}?salted=true", headers=headers, timeout=DONE_WITHIN)
    assert (gone.status_code, gone.json()["code"]) == (410, "erased")
    assert ORDER in gone.json()["message_zh"]
    origin, listed = parse_erasures(httpx.get(f"{base}/erasures", timeout=DONE_WITHIN).content)
    assert origin == receipt.origin
    assert receipt.index in {item.index for item in listed}
    assert all(item.order == ORDER and item.proof is not None for item in listed)
    made = network.run("snapshot", "make", "--home", network.home, "--out", "snapshot.json", where=desk)
    assert made["ok"]
    snapshot = parse_snapshot((desk / "snapshot.json").read_bytes())
    assert {(origin, item.index): item.order for item in listed} == dict(snapshot.erasures)


def test_erased__old_receipts__prove_what_can_be_proved(network: Network, desk: Path, tmp_path: Path) -> None:
    held = json.loads((desk / "gone.receipt.json").read_text(encoding="utf-8"))
    del held["salt"]
    (tmp_path / "copy.receipt.json").write_text(json.dumps(held), encoding="utf-8")
    online = network.verdict("copy.receipt.json", where=tmp_path, expect=None)
    assert {"registered_erased", "erased_at"} <= {note["code"] for note in online["notes"]}
    assert [outcomes(online)[code] for code in ("log.signature", "log.inclusion", "anchor.recorded")] == ["pass"] * 3
    # Who was given record and receipt before still holds both: nobody can recall that, and it is said so beforehand.
    network.verdict(desk / "gone.record.json", where=desk, expect=0)


def test_erased__sent_again__refused(network: Network, desk: Path, tmp_path: Path) -> None:
    (tmp_path / "gone.record.json").write_bytes((desk / "gone.record.json").read_bytes())
    again = network.run(
        "anchor", "gone.record.json", where=tmp_path, token=network.tokens[ISSUER, "ANCHOR"], expect=None
    )
    assert (again["exit"] != 0, again["code"]) == (True, "erased.name")


def test_rotation__old_and_new_receipts__valid_by_the_new_trust_file_and_the_old_ones_by_the_old(
    network: Network, desk: Path, tmp_path: Path
) -> None:
    anchor = network.tokens[ISSUER, "ANCHOR"]
    record(network, desk, "before", "--valid-to", "2096-01-04")
    network.run("anchor", "before.record.json", where=desk, token=anchor)
    (desk / "promised.receipt.json").write_bytes((desk / "before.receipt.json").read_bytes())
    (desk / "promised.record.json").write_bytes((desk / "before.record.json").read_bytes())
    network.upgraded("before.receipt.json", where=desk)
    origin = parse_receipt((desk / "before.receipt.json").read_bytes()).origin
    old_trust = tmp_path / "old.trust.json"
    old_trust.write_bytes(network.trust.read_bytes())
    prepared = network.run("log", "rotate-key", origin, "--home", network.home, where=desk)
    assert not prepared["switched"]
    assert network.stop() == 0
    network.start()  # an embedded network issues the next trust file itself
    switched = network.run("log", "rotate-key", origin, "--home", network.home, where=desk)
    assert (switched["switched"], switched["public"]) == (True, prepared["public"])
    anchor = network.tokens[ISSUER, "ANCHOR"]
    record(network, desk, "after", "--valid-to", "2096-01-04")
    network.run("anchor", "after.record.json", where=desk, token=anchor)
    network.upgraded("after.receipt.json", where=desk)
    for name in ("promised", "before", "after"):
        network.verdict(f"{name}.record.json", where=desk, expect=0 if name != "promised" else None)
        for trust, known in ((network.trust, True), (old_trust, name != "after")):
            offline = network.run(
                "verify", f"{name}.record.json", "--offline", "--trust", trust, where=desk, expect=None, online=False
            )
            assert (outcomes(offline)["log.signature"] == "pass") is known, (name, trust, offline)
    again = network.run("receipt", "upgrade", "before.receipt.json", where=desk)
    assert set(again["stages"]) == {"anchored"}
    for option in ([], ["--quick"]):  # checkpoints of both keys are on the chain and in the record store
        looked = network.run("log", "fsck", *option, "--home", network.home, where=desk)
        assert (looked["ok"], [log["findings"] for log in looked["logs"] if log["findings"]]) == (True, [])
