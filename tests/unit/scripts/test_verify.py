"""`verify`: what somebody with a trust file gets to know from files, online and offline."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.statuses import DecisionCode
from ledger.types import Millis
from notary.entry import Entry, status_key
from notary.evidence import ErasedBy
from notary.qr import QrProof
from tests.fakes.registry import ISSUER, World, certificate, signer
from tests.unit.scripts.conftest import Chuzheng
from tests.unit.scripts.verifying import settle, trust_bytes

FORBIDDEN = ("pydantic", "httpx", "fastapi", "starlette", "eth_", "web3", "sqlalchemy", "alembic", "rich", "structlog")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return settle(World(), tmp_path, monkeypatch)


def test_verify__record_receipt_or_document__online_is_valid(chuzheng: Chuzheng, world: World) -> None:
    for what in ("a.record.json", "a.receipt.json", "d.txt", "d.txt.receipt.json", "d.txt.record.json"):
        done = chuzheng("verify", what, "--trust", "t.json")
        assert done.code == 0, (what, done.out)
        assert done.out.startswith("Valid\n")
        assert "Test chain" in done.out
        assert done.err == ""


def test_verify__network_off__cannot_check_and_shows_what_passed(chuzheng: Chuzheng, world: World) -> None:
    done = chuzheng("verify", "a.record.json", "--trust", "t.json", "--offline", "--json")
    assert done.code == 20
    assert done.json["verdict"] == "cannot_check"
    outcomes = {check["code"]: check["outcome"] for check in done.json["checks"]}
    assert [outcomes[c] for c in ("content.commitment", "log.inclusion", "log.signature")] == ["pass"] * 3
    assert [outcomes[c] for c in ("anchor.recorded", "issuer.recognised", "status.current")] == ["unknown"] * 3


def test_verify__chain_and_log_away__cannot_check(chuzheng: Chuzheng, world: World) -> None:
    world.chain.fail()
    world.log.fail()
    assert chuzheng("verify", "a.record.json", "--trust", "t.json").code == 20


def test_verify__json__has_what_every_object_has(chuzheng: Chuzheng, world: World) -> None:
    told = chuzheng("verify", "a.record.json", "--trust", "t.json", "--json").json
    assert {"schema", "ok", "verdict", "code", "message_zh", "message_en"} <= told.keys()


@pytest.mark.parametrize(
    ("day", "code"), [("2026-01-04", 18), ("2031-01-04", 0), ("2031-01-05", 13), ("2031-01-04T12:00:00+08:00", 0)]
)
def test_verify__at__asks_about_that_day(chuzheng: Chuzheng, world: World, day: str, code: int) -> None:
    assert chuzheng("verify", "a.record.json", "--trust", "t.json", "--at", day).code == code


@pytest.mark.parametrize(
    ("decision", "exit_code"),
    [(1, 0), (2, 17), (3, 12), (4, 12), (5, 12), (6, 12), (7, 12), (8, 16), (9, 12), (10, 12)],
)
def test_verify__decided__the_decisions_verdict(
    chuzheng: Chuzheng, world: World, decision: int, exit_code: int
) -> None:
    entry = Entry.from_bytes(world.entries[0])
    key = status_key(entry.issuer, entry.sha256)
    if decision == 1:
        world.chain.decide(key, DecisionCode(2), ISSUER)
    successor = status_key(entry.issuer, world.entries[1][28:60]) if decision == 8 else None
    ends = 1 if decision == 1 else None
    world.chain.decide(key, DecisionCode(decision), ISSUER, successor=successor, ends=ends)
    assert chuzheng("verify", "a.record.json", "--trust", "t.json").code == exit_code


def test_verify__each_verdict__its_exit_code(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    record = certificate("A1")

    def code(what: str, *more: str) -> int:
        return chuzheng("verify", what, "--trust", "t.json", *more).code

    (tmp_path / "b.record.json").write_text(json.dumps({**record, "name": "别的"}), encoding="utf-8")
    (tmp_path / "b.receipt.json").write_bytes(world.receipt(0).to_json())
    assert code("b.record.json") == 10
    assert code("a.receipt.json", "--record", "b.record.json") in (10, 19)  # the one beside it, or two of one
    (tmp_path / "p.receipt.json").write_bytes(world.receipt(0, stage="promised").to_json())
    (tmp_path / "p.record.json").write_text(json.dumps(record), encoding="utf-8")
    assert code("p.record.json") == 15
    (tmp_path / "alone.receipt.json").write_bytes(world.receipt(0).to_json())
    assert code("alone.receipt.json") == 20
    (tmp_path / "d.txt").write_bytes(b"changed")
    assert code("d.txt") == 10


@pytest.mark.parametrize(
    ("arguments", "exit_code", "error"),
    [
        (["nofile", "--trust", "t.json"], 19, "file.missing"),
        ([".", "--trust", "t.json"], 19, "file.folder"),
        (["/dev/zero", "--trust", "t.json"], 19, "file.not_ordinary"),
        (["a.record.json", "--trust", "nofile"], 19, "file.missing"),
        (["a.record.json", "--trust", "a.record.json"], 19, "trust.member"),
        (["a.record.json", "--trust", "d.txt"], 19, "json.syntax"),
        (["a.record.json", "--trust", "t.json", "--pin", "abc"], 2, "trust.pin_form"),
        (["a.record.json", "--trust", "t.json", "--pin", "0" * 64], 19, "trust.pin"),
        (["a.record.json", "--trust", "t.json", "--at", "tomorrow"], 2, "cli.day"),
        (["a.record.json", "--trust", "t.json", "--at", "2026-02-30"], 2, "cli.day"),
        (["t.json", "--trust", "t.json"], 19, "request.not_for_checking"),
        (["lonely.txt", "--trust", "t.json"], 19, "request.file_alone"),
        (["lone.record.json", "--trust", "t.json"], 19, "request.receipt_missing"),
        (["bad.receipt.json", "--trust", "t.json"], 19, "json.syntax"),
        (["empty.receipt.json", "--trust", "t.json"], 19, "file.empty"),
        (["1.2.156.3005.2.A.B.C.001.X", "--offline"], 2, "cli.identifier_offline"),
        (["1.2.156.3005.2.A.B.C.001.X", "--at", "x"], 2, "cli.day"),
    ],
)
def test_verify__what_cannot_be_judged__plain_words_and_no_verdict(
    chuzheng: Chuzheng, world: World, tmp_path: Path, arguments: list[str], exit_code: int, error: str
) -> None:
    (tmp_path / "lone.record.json").write_text(json.dumps(certificate("A1")), encoding="utf-8")
    (tmp_path / "bad.receipt.json").write_bytes(world.receipt(0).to_json()[:-20])
    (tmp_path / "empty.receipt.json").write_bytes(b"")
    (tmp_path / "lonely.txt").write_bytes(b"x")
    done = chuzheng("verify", *arguments)
    assert (done.code, done.out) == (exit_code, "")
    assert error in done.err
    as_json = chuzheng("verify", *arguments, "--json")
    assert (as_json.code, as_json.json["code"]) == (exit_code, error)
    assert "verdict" not in as_json.json


def test_verify__no_trust_file__hint_and_cannot_check(chuzheng: Chuzheng, world: World) -> None:
    done = chuzheng("verify", "a.record.json")
    assert done.code == 20
    assert "--trust" in done.err


def test_verify__trust_json_here__is_taken(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    (tmp_path / "t.json").rename(tmp_path / "trust.json")
    assert chuzheng("verify", "a.record.json").code == 0


def test_verify__receipt_of_another_network__names_it_and_cannot_check(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    other = trust_bytes(world, network="elsewhere", log_keys=[])
    (tmp_path / "other.json").write_bytes(other)
    done = chuzheng("verify", "a.record.json", "--trust", "other.json")
    assert done.code == 20
    assert "test" in done.out
    assert "elsewhere" in done.out


def test_verify__offline_with_a_snapshot__issuer_and_status_until_an_older_one_comes(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    from notary.snapshot import sign_snapshot
    from tests.fakes.chain import GENESIS_TIME
    from tests.fakes.registry import ISSUER, TYPE

    (tmp_path / "s.json").write_bytes(trust_bytes(world, snapshot_key=signer("snapshot").public_key))
    accredited = [{"type": TYPE, "since": GENESIS_TIME}]
    department = {"code": ISSUER, "kind": 1, "division": 1, "admitted_at": GENESIS_TIME, "suspensions": [],
                  "accreditations": accredited, "keys": []}  # fmt: skip
    chain = {"network": "test", "chain_id": world.chain.chain, "genesis_hash": world.chain.genesis_hash()}
    time = world.now // 1000 + 10
    for sequence in (2, 1):
        made = {**chain, "sequence": sequence, "expires": world.now + 10**9, "as_of": {"block": 9, "time": time},
                "complete_to": {world.origin: 99}, "checkpoints": [], "decisions": [], "erasures": [],
                "departments": [department]}  # fmt: skip
        (tmp_path / f"{sequence}.snapshot.json").write_bytes(sign_snapshot(made, signer("snapshot")))

    def outcomes(number: int) -> dict[str, str]:
        arguments = ("--trust", "s.json", "--offline", "--snapshot", f"{number}.snapshot.json", "--json")
        found = chuzheng("verify", "a.record.json", *arguments).json
        return {check["code"]: check["outcome"] for check in found["checks"]}

    for number, expected in ((1, "pass"), (2, "pass"), (1, "unknown")):
        found = outcomes(number)
        assert (found["issuer.recognised"], found["status.current"]) == (expected, expected)


def test_verify__offline__loads_nothing_heavy(world: World, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom scripts.cli import run\n"
        "code = run(['verify', 'a.record.json', '--trust', 't.json', '--offline'])\n"
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    code, *modules = done.stderr.split()
    assert code == "20"
    assert [m for m in modules if m.startswith(FORBIDDEN)] == []


def test_verify__issuer_not_accredited__its_verdict(
    chuzheng: Chuzheng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(World(accredited=False), tmp_path, monkeypatch)
    assert chuzheng("verify", "a.record.json", "--trust", "t.json").code == 14


def test_verify__outage_of_the_log_only__anchored_receipts_need_it_not(chuzheng: Chuzheng, world: World) -> None:
    world.log.fail()
    assert chuzheng("verify", "a.record.json", "--trust", "t.json").code == 0


def test_verify__erased_and_a_log_that_is_away__never_one_for_the_other(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    (tmp_path / "bare.receipt.json").write_bytes(world.receipt(0).without_salt().to_json())
    asked = ("verify", "bare.receipt.json", "--trust", "t.json")
    world.erased[0] = ErasedBy("鄂法令〔2026〕12号", Millis(1_795_190_400_000))
    erased = chuzheng(*asked)
    assert (erased.code, erased.out.splitlines()[0]) == (20, "Registered, content erased by order")
    assert "erased by the order 鄂法令〔2026〕12号" in erased.out.splitlines()[1]
    assert "entered in the log at 2026-11-21" in erased.out.splitlines()[1]
    told = chuzheng(*asked, "--json").json
    assert (told["verdict"], told["verdict_zh"]) == ("cannot_check", "已登记，内容已依令删除")
    world.log.fail()
    away = chuzheng(*asked)
    assert (away.code, away.out.splitlines()[0]) == (20, "Cannot be checked now")
    assert "Whether the content was erased by order couldn't be asked now" in away.out
    offline = chuzheng(*asked, "--offline")
    assert (offline.code, "erased" in offline.out) == (20, False)
    # What its holder kept is compared as ever, whoever is away.
    world.log.mend()
    assert chuzheng("verify", "a.record.json", "--trust", "t.json").code == 0


def test_verify__qr_code_as_text_or_picture__as_its_receipt(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    alone = chuzheng("verify", "d.txt.receipt.json", "--trust", "t.json", "--json")
    assert chuzheng("receipt", "export", "a.receipt.json", "--as", "qr", "--out", "code.png").code == 0
    text = QrProof.of(world.receipt(0)).to_text()
    for what in (text, f"https://x.example/verify#{text}", "code.png"):
        done = chuzheng("verify", what, "--trust", "t.json", "--json")
        assert done.code == 20, done.out
        assert {c["code"] for c in done.json["checks"] if c["outcome"] == "fail"} == set()
    assert alone.code == 0
    offline = chuzheng("verify", text, "--trust", "t.json", "--offline")
    assert offline.code == 4 or "log" in offline.err
    (tmp_path / "none.png").write_bytes(b"no picture")
    assert chuzheng("verify", "none.png", "--trust", "t.json").code not in (0, 1)
