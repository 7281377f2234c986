"""`archive make`, `check`, `extract`: records in, the four properties told, every item out again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fakes.house import House
from tests.fakes.registry import World
from tests.unit.scripts.conftest import Chuzheng, IntoApp
from tests.unit.scripts.verifying import settle

ABOUT = ("--fonds", "J012", "--year", "2026", "--retention", "30")
ALONE = (*ABOUT, "--offline")


@pytest.fixture
def place(tmp_path: Path, vectors: Path) -> Path:
    for path in (vectors / "quorum").glob("*.json"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_archive__made_checked_and_taken_out__each_item_verifies(
    chuzheng: Chuzheng, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHUZHENG_LANG", "zh")
    done = chuzheng("archive", "make", "a.archive.zip", ".", *ALONE, "--json")
    assert (done.code, done.json["items"]) == (0, 4)
    told = chuzheng("archive", "check", "a.archive.zip", "--trust", "trust.json", "--json")
    assert (told.code, told.json["ok"]) == (0, True)
    outcomes = {each["code"]: each["outcome"] for each in told.json["checks"]}
    assert (outcomes["log_signature"], outcomes["virus"]) == ("pass", "unknown")
    assert all("DA/T 70-2018" in each["standard_zh"] for each in told.json["checks"])
    words = chuzheng("archive", "check", "a.archive.zip", "--trust", "trust.json")
    assert [word in words.out for word in ("真实性", "完整性", "可用性", "安全性")] == [True] * 4
    assert words.out.encode("gbk")
    assert chuzheng("archive", "extract", "a.archive.zip", "--to", "out").code == 0
    assert len(list((place / "out").iterdir())) == 9
    verified = chuzheng("verify", "out/00001.disclosure.json", "--trust", "trust.json", "--offline", "--json")
    assert {c["number"]: c["outcome"] for c in verified.json["checks"]}[2] == "pass"


def test_archive__of_a_file__the_file_goes_in_and_comes_out_again(
    chuzheng: Chuzheng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(World(), tmp_path, monkeypatch)
    assert chuzheng("archive", "make", "a.archive.zip", "d.txt.receipt.json", *ALONE).code == 0
    told = chuzheng("archive", "check", "a.archive.zip", "--trust", "t.json", "--json")
    assert (told.code, told.json["ok"]) == (0, True)
    assert chuzheng("archive", "extract", "a.archive.zip", "--to", "out").code == 0
    assert (tmp_path / "out" / "00001.txt").read_bytes() == (tmp_path / "d.txt").read_bytes()


def test_archive__copy_of_an_erased_record__refused_by_whatever_list_is_at_hand(
    house: House, erased: Path, server: IntoApp, chuzheng: Chuzheng, tmp_path: Path
) -> None:
    make = ("archive", "make", "a.archive.zip", "mine", *ABOUT, "--json")
    refused = chuzheng(*make)
    assert (refused.code, refused.json["code"]) == (1, "erased.copies")
    assert "B.receipt.json" in refused.json["message_zh"]
    assert "order 1, erased on -" in refused.json["message_en"]  # the entry of kind 6 isn't sealed yet
    list_ = next((house.parts.settings.logs_dir).glob("*/erasures"))
    for hand in (("--erasures", list_), ("--home", house.parts.settings.home)):
        assert chuzheng(*make, "--offline", *hand).json["code"] == "erased.copies"
    assert not (tmp_path / "a.archive.zip").exists()
    (erased / "B.receipt.json").unlink()
    done = chuzheng(*make)
    assert (done.code, done.json["items"]) == (0, 1)
    assert done.json["erasures"] == [{"origin": house.origin, "asked": ["server"]}]
    assert "No list of erasures" not in done.err


def test_archive__no_list_at_hand__made_and_said(
    house: House, erased: Path, chuzheng: Chuzheng, unreachable: None
) -> None:
    done = chuzheng("archive", "make", "a.archive.zip", "mine", *ABOUT, "--offline", "--json")
    assert (done.code, done.json["items"]) == (0, 2)
    assert done.json["erasures"] == [{"origin": house.origin, "asked": []}]
    assert f"No list of erasures was asked about {house.origin}" in done.err
    make = ("archive", "make", "b.archive.zip", "mine", *ABOUT, "--json")
    named = chuzheng(*make, "--url", "http://127.0.0.1:8420")  # who names a server wants it asked
    assert (named.code, named.json["code"]) == (20, "cli.server_unreachable")
    assert chuzheng(*make).json["erasures"] == done.json["erasures"]


def test_archive__wrong_use__says_what_to_do(chuzheng: Chuzheng, place: Path) -> None:
    assert (
        chuzheng("archive", "make", "a.zip", ".", "--fonds", "j", *ALONE[2:], "--json").json["code"] == "archive.fonds"
    )
    (place / "x.archive.zip").write_bytes(b"PK" + bytes(40))
    assert chuzheng("archive", "check", "x.archive.zip", "--json").code == 19
    (place / "empty").mkdir()
    assert chuzheng("archive", "make", "a.zip", "empty", *ALONE, "--json").json["code"] == "cli.no_receipts"
