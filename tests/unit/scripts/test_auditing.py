"""`log mirror` and `log judge` at the command line: folders in, words and exit codes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.crypto.keys import Ed25519Signer
from notary.checkpoint import VerifierKey, promise_bytes
from notary.entry import Entry, leaf_of, log_id
from notary.receipt import Inclusion, Receipt
from notary.stores.tiles import TileLog
from scripts.cli import run
from tests.fakes.log import ORIGIN, make_entries

LOG = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
VKEY = VerifierKey(str(ORIGIN), LOG.public_key).text()
HONEST = make_entries(700)
OTHER = [*HONEST[:300], *make_entries(400, 9_000)]


def log_at(folder: Path, size: int, entries: list[bytes] = HONEST) -> TileLog:
    log = TileLog(folder, ORIGIN)
    with log.appending() as appending:
        appending.append(appending.durable_size, entries[appending.durable_size : size])
    log.seal(LOG, str(ORIGIN))
    return log


def receipt_file(path: Path, entries: list[bytes], index: int, log: TileLog | None = None) -> Path:
    entry = Entry.from_bytes(entries[index])
    receipt = Receipt(entry, ORIGIN, index)
    if log is None:
        message = promise_bytes(log_id(ORIGIN), index, leaf_of(entries[index]))
        receipt = Receipt(entry, ORIGIN, index, promise=LOG.sign(message))
    else:
        size = log.sealed_size()
        inclusion = Inclusion(size, tuple(log.inclusion_path(index, size)))
        receipt = Receipt(entry, ORIGIN, index, inclusion=inclusion, checkpoint=log.checkpoint_note())
    path.write_bytes(receipt.to_json())
    return path


def called(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = run([*arguments, "--json"])
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, value


def test_mirror__folder__copied_grown_and_rechecked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "log", tmp_path / "mirror"
    log_at(source, 300)
    mirror = ["log", "mirror", str(source), str(target), "--vkey", VKEY]
    code, told = called(mirror, capsys)
    assert (code, told["state"], told["size"], told["copied"]) == (0, "grown", 300, 300)
    log_at(source, 700)
    assert called(mirror, capsys)[1]["copied"] == 444  # the bundle that was partial comes again, whole
    (target / "tile" / "0" / "001").write_bytes(b"x" * 8192)
    assert called([*mirror, "--recheck"], capsys)[1]["healed"] == ["tile/0/001"]
    assert called(mirror, capsys)[1]["state"] == "same"


def test_mirror__second_history__proof_kept_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_at(tmp_path / "one", 500)
    log_at(tmp_path / "two", 600, OTHER)
    target = str(tmp_path / "mirror")
    assert run(["log", "mirror", str(tmp_path / "one"), target, "--vkey", VKEY]) == 0
    capsys.readouterr()
    code, told = called(["log", "mirror", str(tmp_path / "two"), target, "--vkey", VKEY], capsys)
    assert (code, told["code"]) == (1, "mirror.equivocation")
    [proof] = (tmp_path / "equivocations").iterdir()
    assert str(proof) in told["message_en"]
    # Kept for anybody: judged again by the file alone, which needs a trust file to say whose signatures they are.
    code, told = called(["log", "judge", str(proof)], capsys)
    assert (code, told["what"], told["code"]) == (20, "not_extended", "cli.judge.proof.no_trust")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nowhere"], "cli.mirror.no_source"),
        (["ftp://x"], "cli.mirror.no_source"),
    ],
)
def test_mirror__no_such_source__exit_2(
    arguments: list[str], code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, told = called(["log", "mirror", *arguments, str(tmp_path / "m"), "--vkey", VKEY], capsys)
    assert (found, told["code"]) == (2, code)


def test_judge__receipts_checkpoints_and_mirrors__one_history_two_or_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = log_at(tmp_path / "one", 500), log_at(tmp_path / "two", 600, OTHER)
    early = receipt_file(tmp_path / "early.receipt.json", HONEST, 100, log_at(tmp_path / "early", 200))
    promised = receipt_file(tmp_path / "promised.receipt.json", HONEST, 400)
    broken = receipt_file(tmp_path / "broken.receipt.json", OTHER, 400, two)
    small, large = tmp_path / "500.checkpoint", tmp_path / "600.checkpoint"
    small.write_text(one.checkpoint_note() or "")
    large.write_text(two.checkpoint_note() or "")
    cases: list[tuple[Path, Path, int, str | None]] = [
        (early, tmp_path / "one", 0, None),
        (early, tmp_path / "two", 0, None),  # the histories part at 300: what is before is in both
        (promised, tmp_path / "one", 0, None),
        (promised, tmp_path / "two", 20, "other_leaf"),
        (promised, broken, 20, "other_leaf"),
        (tmp_path / "one", tmp_path / "two", 20, "not_extended"),
        (small, tmp_path / "two", 20, "not_extended"),
        (small, large, 20, None),
        (early, small, 20, None),
        (tmp_path / "one", small, 0, None),
    ]
    for first, second, expected, what in cases:
        for pair in ((first, second), (second, first)):
            code, told = called(["log", "judge", *map(str, pair), "--proofs", str(tmp_path / "proofs")], capsys)
            assert (code, told.get("what")) == (expected, what), pair
    assert len(list((tmp_path / "proofs").iterdir())) == 2  # the same two pieces give one file, whoever comes first
