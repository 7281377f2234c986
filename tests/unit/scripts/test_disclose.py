"""`disclose` and `receipt export`: a part that proves itself, and codes and proofs made of a receipt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from notary.exports.tlog_proof import parse_tlog_proof
from tests.fakes.house import House
from tests.fakes.registry import World
from tests.unit.scripts.conftest import Chuzheng, IntoApp
from tests.unit.scripts.verifying import settle


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return settle(World(), tmp_path, monkeypatch)


def test_disclose__part__proves_it_alone_and_again_is_the_same_file(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    assert chuzheng("disclose", "a.receipt.json", "--fields", "name，number", "--offline").code == 0
    before = (tmp_path / "a.disclosure.json").read_bytes()
    assert chuzheng("disclose", "a.record.json", "--fields", "number, name", "--offline").code == 0
    assert (tmp_path / "a.disclosure.json").read_bytes() == before
    assert "某某餐饮" not in before.decode()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "got.disclosure.json").write_bytes(before)
    done = chuzheng("verify", "elsewhere/got.disclosure.json", "--trust", "t.json")
    assert done.code == 0, done.out
    assert chuzheng("verify", "elsewhere/got.disclosure.json", "--trust", "t.json", "--offline").code == 20
    other = chuzheng("disclose", "a.receipt.json", "--fields", "name", "--offline")
    assert (other.code, (tmp_path / "a.disclosure.json").read_bytes()) == (2, before)
    assert "--out" in other.err


@pytest.mark.parametrize("fields", ["nothing_of_that_name", "", "name,nothing"])
def test_disclose__member_that_is_not_there__refused_and_nothing_written(
    chuzheng: Chuzheng, world: World, tmp_path: Path, fields: str
) -> None:
    done = chuzheng("disclose", "a.receipt.json", "--fields", fields, "--offline", "--out", "x.json")
    written = (tmp_path / "x.json").exists()
    assert (done.code == 0) == written
    if fields:
        assert done.code == 19


def test_disclose__receipt_without_salt_or_of_another_record__refused(
    chuzheng: Chuzheng, world: World, tmp_path: Path
) -> None:
    (tmp_path / "a.receipt.json").write_bytes(world.receipt(0).without_salt().to_json())
    assert chuzheng("disclose", "a.receipt.json", "--fields", "name", "--offline").code == 19
    (tmp_path / "a.receipt.json").write_bytes(world.receipt(1).to_json())
    assert chuzheng("disclose", "a.receipt.json", "--fields", "name", "--offline").code == 19
    assert not (tmp_path / "a.disclosure.json").exists()


def test_disclose__receipt_not_anchored__written_with_a_hint(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    (tmp_path / "a.receipt.json").write_bytes(world.receipt(0, stage="promised").to_json())
    done = chuzheng("disclose", "a.receipt.json", "--fields", "name", "--offline", "--json")
    assert done.code == 0
    assert "receipt upgrade" in done.err
    assert done.json["path"] == "a.disclosure.json"


def test_export__tlog_proof_and_codes__without_the_salt(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    assert chuzheng("receipt", "export", "a.receipt.json", "--as", "tlog-proof").code == 0
    proof = parse_tlog_proof((tmp_path / "a.tlog-proof").read_bytes())
    assert proof.proves(world.receipt(0).entry.to_bytes())
    assert chuzheng("disclose", "a.receipt.json", "--fields", "number", "--offline").code == 0
    done = chuzheng("receipt", "export", "a.disclosure.json", "--show", "number,valid_to", "--offline", "--json")
    assert done.code == 0, done.err
    assert done.json["format"] == "qr"
    assert (tmp_path / "a.qr.png").read_bytes().startswith(b"\x89PNG")


def test_export__wrong_use__says_what_to_do(chuzheng: Chuzheng, world: World, tmp_path: Path) -> None:
    assert chuzheng("receipt", "export", "a.receipt.json", "--show", "number").code == 2
    assert chuzheng("receipt", "export", "a.receipt.json", "--out", "code.pdf").code == 2
    assert chuzheng("receipt", "export", "nothing.receipt.json").code == 19
    early = replace(world.receipt(0), inclusion=None, checkpoint=None, anchor=None, evidence=None, promise=bytes(64))
    (tmp_path / "e.receipt.json").write_bytes(early.to_json())
    done = chuzheng("receipt", "export", "e.receipt.json")
    assert done.code not in (0, 1)
    assert "receipt upgrade" in done.err


def test_disclose__record_that_was_erased__refused_with_order_and_day_by_whatever_list_is_at_hand(
    chuzheng: Chuzheng, house: House, erased: Path, server: IntoApp
) -> None:
    make = ("disclose", "mine/B.receipt.json", "--fields", "name", "--json")
    while house.notary.erasing.step():
        pass
    house.notary.seal(house.origin)
    list_ = next(house.parts.settings.logs_dir.glob("*/erasures"))
    for hand in ((), ("--offline", "--home", house.parts.settings.home)):
        refused = chuzheng(*make, *hand)
        assert (refused.code, refused.json["code"]) == (1, "erased.copy")
        assert "文书 order 1，删除日期 2026-02-02" in refused.json["message_zh"]
        assert "order 1, erased on 2026-02-02" in refused.json["message_en"]
    assert chuzheng(*make, "--offline", "--erasures", list_).json["code"] == "erased.copy"
    assert not (erased / "B.disclosure.json").exists()
    done = chuzheng("disclose", "mine/A.receipt.json", "--fields", "name", "--json")
    assert done.json["erasures"] == [{"origin": house.origin, "asked": ["server"]}]
    assert "No list of erasures" not in done.err


def test_disclose__no_list_at_hand__made_and_said(
    chuzheng: Chuzheng, house: House, erased: Path, unreachable: None
) -> None:
    done = chuzheng("disclose", "mine/B.receipt.json", "--fields", "name", "--json")
    assert (done.code, done.json["erasures"]) == (0, [{"origin": house.origin, "asked": []}])
    assert f"No list of erasures was asked about {house.origin}" in done.err
    named = chuzheng("disclose", "mine/A.receipt.json", "--fields", "name", "--url", "http://127.0.0.1:8420", "--json")
    assert (named.code, named.json["code"]) == (20, "cli.server_unreachable")


@pytest.mark.parametrize("shown", [("--show", "name"), ("--as", "vc")])
def test_export__disclosure_of_an_erased_record__refused_with_order_and_day(
    chuzheng: Chuzheng, house: House, erased: Path, server: IntoApp, shown: tuple[str, ...]
) -> None:
    while house.notary.erasing.step():
        pass
    house.anchor()
    assert chuzheng("receipt", "upgrade", "mine").code == 0
    assert (
        chuzheng("disclose", "mine/B.receipt.json", "--fields", "name", "--offline", "--out", "b.disclosure.json").code
        == 0
    )
    export = ("receipt", "export", "b.disclosure.json", *shown, "--json")
    refused = chuzheng(*export)
    assert (refused.code, refused.json["code"]) == (1, "erased.copy")
    assert "order 1, erased on 2026-02-02" in refused.json["message_en"]
    code = chuzheng("receipt", "export", "b.disclosure.json", "--json")  # nothing of the record is in it
    assert (code.code, code.json["erasures"]) == (0, [])
