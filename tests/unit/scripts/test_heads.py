"""`log heads` and `log check-heads` at the command line: kept in one log, compared with the chain and with mirrors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api import wiring
from api.parts import Parts
from api.settings import Settings
from ledger.codes.certificate_ids import make_identifier
from ledger.types import ChainHash, Digest
from notary.checkpoint import VerifierKey
from notary.entry import log_id
from notary.head_keeping import keep_heads
from notary.network_heads import LogHead, NetworkHeads
from notary.stores.mirror import FolderSource, Mirror
from scripts import remote
from scripts.cli import run
from tests.fakes.house import ISSUER, NETWORK, TYPE, House, build_house

DAY = "2026-02-03"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    made = build_house(tmp_path / "home")
    for n in range(3):
        made.anchored(made.certificate(identifier=make_identifier(TYPE, ISSUER, f"N{n}", 1)))
    size, root = made.chain.log_head(log_id(made.origin)) or (0, Digest(b""))
    found = NetworkHeads(
        NETWORK,
        made.chain.chain_id(),
        ChainHash(made.chain.genesis_hash()),
        made.chain.head(),
        (LogHead(made.origin, size, root),),
    )
    keep_heads(made.notary, made.origin, found, DAY)
    made.anchor()

    @contextmanager
    def parts(settings: Settings, *, processes: int = 0) -> Iterator[Parts]:
        yield made.parts

    monkeypatch.setattr(wiring, "open_parts", parts)
    monkeypatch.setattr(wiring, "deployment_of", lambda settings: SimpleNamespace(network=NETWORK))
    monkeypatch.setattr(remote, "chain_of", lambda url, trust: made.chain)
    monkeypatch.setenv("CHUZHENG_HOME", str(made.parts.settings.home))
    monkeypatch.setenv("CHUZHENG_HEAD_LOG", made.origin)
    monkeypatch.setenv("CHUZHENG_TRUST_FILE", str(made.parts.settings.trust_path))
    return made


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run([*arguments, "--json"])
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, value


@pytest.fixture
def record(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    code, value = told(capsys, "log", "heads", DAY, "--out", str(tmp_path / "heads"))
    assert code == 0, value
    return Path(value["files"][0])


def test_check__chain_and_mirror_agree__one_history(
    house: House, record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, value = told(capsys, "log", "check-heads", str(record))
    assert (code, value["code"]) == (0, "cli.heads.one"), value
    assert [h["outcome"] for h in value["heads"]] == ["pass"]
    folder = house.notary.logs[house.origin].directory
    key = VerifierKey(house.origin, house.notary.signers[house.origin].public_key)
    Mirror(tmp_path / "mirror", house.origin, [key]).update(FolderSource(folder))
    code, value = told(capsys, "log", "check-heads", str(record), "--offline", "--mirror", str(tmp_path / "mirror"))
    assert (code, value["code"]) == (0, "cli.heads.one")
    assert told(capsys, "log", "check-heads", str(record), "--offline")[0] == 20


def test_check__chain_was_rewritten__said(
    house: House, record: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.chain, "anchored_root", lambda *_: Digest(b"\x01" * 32))
    code, value = told(capsys, "log", "check-heads", str(record))
    assert (code, value["code"]) == (21, "cli.heads.differ")
    assert value["heads"][0]["found"] == "01" * 32


def test_check__record_or_receipt_changed__refused(
    house: House, record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "changed.record.json"
    changed.write_bytes(record.read_bytes().replace(b'"size":3', b'"size":2'))
    shutil.copy(record.with_name(record.name.replace(".record", ".receipt")), tmp_path / "changed.receipt.json")
    code, value = told(capsys, "log", "check-heads", str(changed))
    assert (code, value["code"]) == (19, "heads.not_kept")


def test_heads__day_without_any__said(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, value = told(capsys, "log", "heads", "2026-02-04", "--out", str(tmp_path / "x"))
    assert value["code"] == "heads.none", code
