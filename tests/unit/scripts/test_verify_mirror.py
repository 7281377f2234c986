"""`verify --mirror`: a mirror beside the receipt instead of the log's server, and what it can and can't say."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.codes.certificate_ids import make_identifier
from ledger.types import Digest
from notary.checkpoint import Checkpoint, VerifierKey, promise_bytes, sign_checkpoint
from notary.entry import log_id
from notary.receipt import Receipt
from notary.stores.mirror import FolderSource, Mirror
from scripts.cli import run
from tests.fakes.house import ISSUER, TYPE, House, build_house


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    made = build_house(tmp_path / "home")
    monkeypatch.setenv("CHUZHENG_LANG", "en")
    monkeypatch.setattr("scripts.commands.judging.time.time_ns", lambda: made.clock.time * 1_000_000)
    return made


def registered(house: House, n: int) -> Receipt:
    return house.accept(house.certificate(identifier=make_identifier(TYPE, ISSUER, f"N{n}", 1)))


def mirror_of(house: House, folder: Path) -> Path:
    key = VerifierKey(house.origin, house.notary.signers[house.origin].public_key)
    Mirror(folder, house.origin, [key]).update(FolderSource(house.notary.logs[house.origin].directory))
    return folder


def mirrored(house: House, tmp_path: Path) -> tuple[Receipt, Path]:
    """A receipt from before its entry was anchored, and a mirror that has the entry."""
    receipt = registered(house, 1)
    house.anchor()
    return receipt, mirror_of(house, tmp_path / "mirror")


def asked(
    house: House, receipt: Receipt, mirror: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Outcomes of the checks by name, and what the mirror said; nobody is asked."""
    path = tmp_path / "one.receipt.json"
    path.write_bytes(receipt.to_json())
    trust = str(house.parts.settings.trust_path)
    capsys.readouterr()
    run(["verify", str(path), "--trust", trust, "--offline", "--mirror", str(mirror), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert "checks" in told, told
    return {check["code"]: check["outcome"] for check in told["checks"]}, told["mirrors"][0]


def test_receipt__promised_or_included__the_mirror_has_its_entry(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    promised = registered(house, 1)
    house.anchor()
    included = house.notary.receipt(house.origin, 0)
    registered(house, 2)
    house.anchor()
    mirror = mirror_of(house, tmp_path / "mirror")
    for receipt in (promised, included):
        outcomes, said = asked(house, receipt, mirror, tmp_path, capsys)
        assert (said["case"], said["size"], said["index"]) == ("one", 2, 0)
        assert outcomes["log.signature"] == "pass"
    run(["verify", str(tmp_path / "one.receipt.json"), "--trust", str(house.parts.settings.trust_path), "--offline",
         "--mirror", str(mirror)])  # fmt: skip
    assert "the mirror has 2 entries; the one at index 0 is this receipt's" in capsys.readouterr().out


def test_mirror__too_old__said_in_both_languages(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, mirror = mirrored(house, tmp_path)
    later = registered(house, 2)
    _, said = asked(house, later, mirror, tmp_path, capsys)
    assert (said["case"], said["size"], said["index"]) == ("old", 1, 1)
    assert "镜像太旧" in said["message_zh"]
    assert "too old" in said["message_en"]
    # An old entry under a newer checkpoint: the entry is there, that the checkpoint goes on from here isn't shown.
    house.anchor()
    upgraded = house.notary.receipt(house.origin, 0)
    log = house.notary.logs[house.origin]
    inclusion = replace(upgraded.inclusion, size=2, path=tuple(log.inclusion_path(0, 2)))  # type: ignore[type-var]
    newer = replace(upgraded, inclusion=inclusion, checkpoint=log.checkpoint_note(), anchor=None, evidence=None)
    assert asked(house, newer, mirror, tmp_path, capsys)[1]["case"] == "entry_only"


def test_mirror__another_history__receipt_fails_and_both_pieces_are_kept(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    promised, mirror = mirrored(house, tmp_path)
    signer = house.notary.signers[house.origin]
    other = replace(promised, entry=replace(promised.entry, sha256=Digest(bytes(32))), salt=None)
    other = replace(other, promise=signer.sign(promise_bytes(log_id(house.origin), 0, other.leaf)))
    outcomes, said = asked(house, other, mirror, tmp_path, capsys)
    assert said["case"] == "split"
    assert outcomes["log.signature"] == "fail"
    assert Path(said["proof"]).is_file()


def test_receipt__edited_by_its_holder__the_mirror_accuses_nobody(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    promised, mirror = mirrored(house, tmp_path)
    edited = replace(promised, entry=replace(promised.entry, sha256=Digest(bytes(32))), salt=None)
    outcomes, said = asked(house, edited, mirror, tmp_path, capsys)
    assert (said["case"], outcomes["log.signature"]) == ("receipt_unsigned", "fail")
    words = ["log", "judge", str(tmp_path / "one.receipt.json"), str(mirror), "--proofs", str(tmp_path / "proofs")]
    assert run([*words, "--trust", str(house.parts.settings.trust_path), "--json"]) == 19
    assert not list(tmp_path.rglob("*.equivocation.json"))


def test_mirror__unsigned_or_damaged__says_nothing(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt, mirror = mirrored(house, tmp_path)
    stranger = shutil.copytree(mirror, tmp_path / "stranger")
    head = Checkpoint(house.origin, 1, house.notary.logs[house.origin].root(1))
    from tests.fakes.house import Key

    (stranger / "checkpoint").write_text(sign_checkpoint(head, house.origin, Key(99)))
    assert asked(house, receipt, stranger, tmp_path, capsys)[1]["case"] == "unsigned"
    for path in (mirror / "tile").rglob("*"):
        if path.is_file():
            path.write_bytes(b"x" * path.stat().st_size)
    assert asked(house, receipt, mirror, tmp_path, capsys)[1]["case"] == "damaged"


def test_mirror__of_another_log_or_with_what_has_none__refused(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt, mirror = mirrored(house, tmp_path)
    (tmp_path / "one.receipt.json").write_bytes(replace(receipt, salt=None).to_json())
    note = (mirror / "checkpoint").read_text()
    (mirror / "checkpoint").write_text(note.replace(house.origin, f"{house.origin}/s1"))
    trust = str(house.parts.settings.trust_path)
    capsys.readouterr()
    words = [
        "verify",
        str(tmp_path / "one.receipt.json"),
        "--trust",
        trust,
        "--offline",
        "--mirror",
        str(mirror),
        "--json",
    ]
    assert run(words) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "cli.verify.mirror.other_log"
    assert run(["verify", "a.vc.jwt", "--mirror", str(mirror), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "cli.verify.mirror.alone"
