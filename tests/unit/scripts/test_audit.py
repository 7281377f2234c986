"""`log fsck` as a whole: one machine's logs, with a chain that answers, one that doesn't, and what is said of both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api import wiring
from api.parts import Directory, Parts
from api.settings import Settings
from api.trusted import TrustSource
from ledger.codes.certificate_ids import make_identifier
from ledger.errors import UnavailableError
from ledger.types import Digest
from notary.checkpoint import parse_checkpoint
from notary.entry import log_id
from scripts.audit import STEP, Choice, audit_logs
from scripts.cli import run
from tests.fakes.house import ISSUER, TYPE, House, Key, build_house


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three certificates on the chain."""
    made = build_house(tmp_path / "home")
    for n in range(3):
        made.anchored(made.certificate(identifier=make_identifier(TYPE, ISSUER, f"N{n}", 1)))

    @contextmanager
    def parts(settings: Settings, *, damaged: wiring.Damaged) -> Iterator[Parts]:
        made.parts.trusted = wiring._unless_damaged(settings.trust_path, TrustSource, damaged)
        wiring._unless_damaged(settings.directory_path, Directory.read, damaged)
        yield made.parts

    monkeypatch.setattr(wiring, "open_parts", parts)
    monkeypatch.setenv("CHUZHENG_HOME", str(made.parts.settings.home))
    return made


def told(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    code = run(["log", "fsck", *options, "--json"])
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, value


def break_record(house: House) -> None:
    with house.notary.store.transaction() as connection:
        connection.execute(sa.text("UPDATE records SET body = x'00' WHERE position & 1023 = 1"))


@pytest.mark.parametrize("options", [[], ["--quick"], ["--since", "1"], ["--resume"], ["--no-files"]])
def test_fsck__sound__exit_0_with_block_and_counts(
    house: House, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    code, value = told(capsys, *options)
    assert (code, value["code"], value["chain_asked"]) == (0, "cli.fsck.sound", True)
    [log] = value["logs"]
    assert log["findings"] == []
    assert log["chain"] == {"asked": True, "block": house.chain.final_head().number, "heads": 3, "why": None}
    assert log["records"]["records"] == (2 if "--since" in options else 3)


@pytest.mark.parametrize("options", [[], ["--quick"], ["--since", "0"]])
def test_fsck__record_changed__exit_1_and_named(
    house: House, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    break_record(house)
    code, value = told(capsys, *options)
    assert (code, value["ok"]) == (1, False)
    assert [(f["code"], f["index"]) for f in value["logs"][0]["findings"]] == [("fsck.record_sealed", 1)]
    assert run(["log", "fsck", *options]) == 1
    assert "[fsck.record_sealed]" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--quick"]])
@pytest.mark.parametrize(
    ("name", "code", "data"),
    [
        ("departments.json", "settings.directory_form", b"{"),
        ("departments.json", "settings.directory_form", b"[]"),
        ("trust/trust.json", "fsck.trust_file", b"{"),
        ("trust/trust.json", "fsck.trust_file", b""),
    ],
)
def test_fsck__file_beside_damaged__named_and_the_logs_are_checked(
    house: House, capsys: pytest.CaptureFixture[str], name: str, code: str, data: bytes, options: list[str]
) -> None:
    path = house.parts.settings.home / name
    path.write_bytes(data)
    found, value = told(capsys, *options)
    assert (found, value["ok"], [each["code"] for each in value["files"]]) == (1, False, [code])
    assert str(path) in value["files"][0]["message_en"]
    assert "TOML" not in value["files"][0]["message_en"]
    assert value["logs"][0]["findings"] == []
    assert value["logs"][0]["records"]["records"] == 3
    run(["log", "fsck", *options])
    assert f"[{code}]" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--quick"]])
def test_fsck__key_replaced_since__checkpoints_judged_by_the_key_of_their_time(
    house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str]
) -> None:
    trust = house.parts.settings.trust_path
    house.notary.signers[house.origin] = Key(77)

    assert told(capsys, *options)[0] == 0, "the trust file lists the one before"
    trust.unlink()
    code, value = told(capsys, *options)
    assert (code, {f["code"] for f in value["logs"][0]["findings"]}) == (
        1, {"fsck.checkpoint_signature", "fsck.kept_note"},
    )  # fmt: skip


def test_fsck__chain_that_does_not_answer__unknown_never_fine(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise UnavailableError("chain.unreachable")

    monkeypatch.setattr(house.chain, "final_head", down)
    code, value = told(capsys)
    assert (code, value["chain_asked"], value["code"]) == (20, False, "cli.fsck.without_chain")
    assert value["logs"][0]["chain"]["why"] == "chain.unreachable"


def test_fsck__chain_holds_another_root__named_and_both_pieces_kept(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.accept(house.certificate(identifier=make_identifier(TYPE, ISSUER, "N9", 1)))
    house.notary.seal(house.origin)
    size = parse_checkpoint(house.notary.logs[house.origin].checkpoint_note() or "").size
    house.chain.anchor(log_id(house.origin), size, Digest(b"\x01" * 32))
    code, value = told(capsys)
    assert code == 1
    [log] = value["logs"]
    assert [f["code"] for f in log["findings"]] == ["fsck.anchor_differs"]
    [proof] = log["proofs"]
    assert json.loads(Path(proof).read_bytes())["what"] == "anchor_differs"
    assert told(capsys)[1]["logs"][0]["proofs"] == [proof]


def test_fsck__more_findings_than_anybody_reads__counted_and_not_listed(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notary.fsck.MAX_FINDINGS", 1)
    with house.notary.store.transaction() as connection:
        connection.execute(sa.text("UPDATE records SET body = x'00'"))
    code, value = told(capsys)
    [log] = value["logs"]
    assert (code, len(log["findings"]), log["untold"]) == (1, 1, 2)
    assert value["message_en"].startswith("3 ")
    run(["log", "fsck"])
    assert "2 " in next(line for line in capsys.readouterr().out.splitlines() if "未逐一列出" in line or "more" in line)


def test_resume__cut_off__goes_on_with_what_was_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long audit writes down how far it is: the second run opens only the rest, and forgets no finding."""
    assert STEP > 3
    monkeypatch.setattr("scripts.audit.STEP", 2)
    break_record(house)
    settings, seen = house.parts.settings, list[int]()

    def cut(name: str, done: int, of: int) -> None:
        seen.append(done)
        if len(seen) == 2:  # one after the tree, one after the first two records
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit_logs(settings, None, Choice(), progress=cut)
    [audit] = audit_logs(settings, None, Choice(resume=True))
    assert (audit.first, audit.end) == (2, 3)
    assert audit.counts is not None
    assert audit.counts.records == 1
    assert [f.code for f in audit.findings] == ["fsck.record_sealed"]
    [again] = audit_logs(settings, None, Choice(resume=True))
    assert again.first == 0  # the one before came to its end


def test_fsck__quick_and_since__usage(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    code, value = told(capsys, "--quick", "--since", "3")
    assert (code, value["code"]) == (2, "cli.usage.value")
