"""`bundle make`, `verify --bundle`: what goes in, what comes of it, and wrong uses."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pypdf
import pytest

from notary.exports.evidence_bundle import read_bundle
from tests.fakes.house import House
from tests.unit.scripts.conftest import Chuzheng, IntoApp


@pytest.fixture
def place(tmp_path: Path, vectors: Path) -> Path:
    for path in (vectors / "quorum").glob("*.json"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_bundle__made_offline_and_judged__each_part_told(chuzheng: Chuzheng, place: Path) -> None:
    assert chuzheng("disclose", "0.receipt.json", "--fields", "name", "--offline").code == 0
    arguments = ("0.disclosure.json", "0.receipt.json", "1.receipt.json", "grant.event.json", "--offline")
    done = chuzheng("bundle", "make", "a.bundle.zip", *arguments, "--json")
    assert (done.code, done.json["receipts"], done.json["lacking"]) == (0, 2, ["events_unasked"])
    assert read_bundle(io.BytesIO((place / "a.bundle.zip").read_bytes())).sha256.hex() == done.json["sha256"]
    again = chuzheng("bundle", "make", "b.bundle.zip", *reversed(arguments[:4]), "--offline")
    assert again.code == 0
    assert (place / "a.bundle.zip").read_bytes() == (place / "b.bundle.zip").read_bytes()
    judged = chuzheng("verify", "--bundle", "a.bundle.zip", "--trust", "trust.json", "--offline", "--json")
    assert (judged.code, judged.json["exit_code"]) == (20, 20)  # without a snapshot nobody knows issuer and status
    assert [each["outcome"] for each in judged.json["events"]] == ["pass"]
    reports = {each["name"].partition("/")[0]: each["report"] for each in judged.json["reports"]}
    outcomes = {check["number"]: check["outcome"] for check in reports["disclosures"]["checks"]}
    assert [outcomes[number] for number in (2, 4, 5, 6, 7)] == ["pass"] * 5
    told = chuzheng("verify", "--bundle", "a.bundle.zip", "--trust", "trust.json", "--offline")
    assert "receipts/" in told.out
    assert told.out.encode("gbk")


def test_bundle__tampered__says_what(chuzheng: Chuzheng, place: Path) -> None:
    assert chuzheng("bundle", "make", "a.bundle.zip", "0.receipt.json", "--offline").code == 0
    data = bytearray((place / "a.bundle.zip").read_bytes())
    data[60] ^= 1
    (place / "a.bundle.zip").write_bytes(data)
    done = chuzheng("verify", "--bundle", "a.bundle.zip", "--trust", "trust.json", "--offline", "--json")
    assert (done.code, done.json["code"]) == (19, "zip.damaged")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("bundle", "make", "a.zip", "--offline"), "bundle.empty"),
        (("bundle", "make", "a.zip", "0.record.json", "--offline"), "cli.bundle.kind"),
        (("bundle", "make", "a.zip", "--grant", "xx"), "audit.form"),
        (("bundle", "make", "a.zip", "--grant", "ab" * 32, "--offline"), "cli.bundle.grant_offline"),
        (("verify",), "cli.usage.missing"),
        (("verify", "x", "--bundle", "a.zip"), "cli.bundle.alone"),
        (("verify", "--bundle", "grant.event.json"), "zip.none"),
    ],
)
def test_bundle__wrong_use__says_what_to_do(
    chuzheng: Chuzheng, place: Path, arguments: tuple[str, ...], code: str
) -> None:
    done = chuzheng(*arguments, "--json")
    assert done.code in (2, 19)
    assert done.json["code"] == code
    assert json.dumps(done.json)


def test_certificate__of_a_bundle__one_pdf_with_its_hash_and_wrong_uses(chuzheng: Chuzheng, place: Path) -> None:
    assert chuzheng("disclose", "0.receipt.json", "--fields", "name", "--offline").code == 0
    made = chuzheng(
        "bundle", "make", "a.bundle.zip", "0.disclosure.json", "0.receipt.json", "1.receipt.json", "--offline", "--json"
    )
    asked = ("bundle", "certificate", "a.bundle.zip", "--trust", "trust.json", "--offline")
    done = chuzheng(*asked, "--json")
    assert (done.code, done.json["exit_code"]) == (0, 20)
    assert done.json["part"].startswith("disclosures/")
    told = pypdf.PdfReader(place / "a.certificate.pdf").pages[0].extract_text().replace("\0", "")
    assert made.json["sha256"] in told.replace("\n", "")
    assert done.json["number"] in told
    assert "names no operator" in done.err
    named = chuzheng(*asked, "--operator", "某局", "--out", "named.pdf", "--json")
    assert (named.code, "names no operator" in named.err) == (0, False)
    assert chuzheng(*asked, "--show", "number", "--json").json["code"] == "cli.certificate.show"
    assert chuzheng(*asked, "--part", "x", "--json").json["code"] == "cli.certificate.which"


def test_bundle__disclosure_of_an_erased_record__refused_and_its_bare_receipt_taken(
    chuzheng: Chuzheng, house: House, erased: Path, server: IntoApp, tmp_path: Path
) -> None:
    for serial in ("A", "B"):
        assert chuzheng("disclose", f"mine/{serial}.receipt.json", "--fields", "name", "--offline").code == 0
    while house.notary.erasing.step():
        pass
    house.anchor()
    make = ("bundle", "make", "a.bundle.zip", "mine/A.disclosure.json", "mine/B.disclosure.json", "--json")
    list_ = next(house.parts.settings.logs_dir.glob("*/erasures"))
    for hand in ((), ("--offline", "--erasures", list_), ("--offline", "--home", house.parts.settings.home)):
        refused = chuzheng(*make, *hand)
        assert (refused.code, refused.json["code"]) == (1, "erased.copies")
        assert "mine/B.disclosure.json" in refused.json["message_zh"]
        day = "-" if "--erasures" in hand else "2026-02-02"
        assert f"文书 order 1，删除日期 {day}" in refused.json["message_zh"]
        assert f"order 1, erased on {day}" in refused.json["message_en"]
    assert not (tmp_path / "a.bundle.zip").exists()
    done = chuzheng(*make[:4], "mine/B.receipt.json", "--json")
    assert (done.code, done.json["disclosures"], done.json["receipts"]) == (0, 1, 1)
    assert done.json["erasures"] == [{"origin": house.origin, "asked": ["server"]}]
    assert "No list of erasures" not in done.err


def test_bundle__no_list_at_hand__made_and_said(chuzheng: Chuzheng, house: House, erased: Path, tmp_path: Path) -> None:
    assert chuzheng("disclose", "mine/B.receipt.json", "--fields", "name", "--offline").code == 0
    make = ("bundle", "make", "a.bundle.zip", "mine/B.disclosure.json", "--offline", "--json")
    done = chuzheng(*make)
    assert (done.code, done.json["erasures"]) == (0, [{"origin": house.origin, "asked": []}])
    assert f"No list of erasures was asked about {house.origin}" in done.err
