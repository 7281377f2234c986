"""`receipt upgrade` and `status show` against the real application, without sockets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ledger.codes.certificate_ids import make_identifier
from notary.receipt import parse_receipt
from scripts.commands.files import read_file
from tests.fakes.house import ISSUER, TYPE, House
from tests.unit.scripts.anchoring import put
from tests.unit.scripts.conftest import Chuzheng, IntoApp


def test_upgrade__unreadable_among_others__the_others_grow(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    put(tmp_path / "a.record.json", house.certificate())
    assert chuzheng("anchor", "a.record.json").code == 0
    (tmp_path / "b.receipt.json").write_bytes(b"{}")
    house.anchor()
    done = chuzheng("receipt", "upgrade", ".", "--json")
    assert (done.code, [f["path"] for f in done.json["files"]]) == (19, ["b.receipt.json"])
    assert parse_receipt(read_file(tmp_path / "a.receipt.json")).anchor is not None
    assert chuzheng("receipt", "upgrade", "a.record.json").code == 0  # the one beside it
    assert chuzheng("receipt", "upgrade", "nofile").code == 19
    assert chuzheng("receipt", "upgrade", "home").code == 19  # a folder without any


def test_upgrade__server_gives_another_entry__both_kept(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    put(tmp_path / "a.record.json", house.certificate())
    second = house.certificate(version=2, identifier=make_identifier(TYPE, ISSUER, "OOCUWY9H5T0RIQXCIZNZ", 2))
    put(tmp_path / "b.record.json", second)
    for name in ("a", "b"):
        assert chuzheng("anchor", f"{name}.record.json").code == 0
    receipt = parse_receipt(read_file(tmp_path / "a.receipt.json"))
    (tmp_path / "a.receipt.json").write_bytes(replace(receipt, index=1).to_json())
    before = read_file(tmp_path / "a.receipt.json")
    done = chuzheng("receipt", "upgrade", "a.receipt.json")
    assert (done.code, "cli.other_entry" in done.err) == (1, True)
    assert read_file(tmp_path / "a.receipt.json") == before


def test_status_show__receipt_key_and_identifier(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    put(tmp_path / "a.record.json", house.certificate())
    assert chuzheng("anchor", "a.record.json").code == 0
    house.anchor()
    shown = chuzheng("status", "show", "a.receipt.json", "--json")
    assert (shown.code, shown.json["code"]) == (0, "cli.status.no_decisions")
    identifier = house.certificate()["identifier"]
    by_identifier = chuzheng("status", "show", identifier, "--json").json
    assert (by_identifier["code"], by_identifier["key"]) == ("cli.status.in_force", shown.json["key"])
    assert "on the chain since" in chuzheng("status", "show", identifier).out
    assert chuzheng("status", "show", "0" * 64, "--json").json["code"] == "cli.status.no_decisions"
    assert chuzheng("status", "show", identifier.replace("OOCU", "AAAA")).code == 11
    assert chuzheng("status", "show", "nothing").code == 19
    house.chain.fail()
    away = chuzheng("status", "show", identifier, "--json")
    assert (away.code, away.json["ok"], away.json["status"]) == (20, False, "unknown")
