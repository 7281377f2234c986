"""`anchor` of a table: all rows or none of a wrong one; sent again, grown, changed, or broken off."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.codes.certificate_ids import make_identifier
from notary.receipt import parse_receipt
from scripts.commands.files import read_file
from tests.fakes.house import ISSUER, OTHER, TYPE, House
from tests.unit.scripts.anchoring import names, rows
from tests.unit.scripts.conftest import Chuzheng, IntoApp


def test_anchor__csv__all_rows_then_again_and_grown_receipts_stay(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_bytes(rows(12))
    assert chuzheng("anchor", "r.csv", "--json").json["count"] == 12
    folder = tmp_path / "r.csv.receipts"
    assert len(names(folder)) == 24
    house.anchor()
    server.asked.clear()
    assert chuzheng("receipt", "upgrade", ".", "--json").json["stages"] == {"anchored": 12}
    assert len([asked for asked in server.asked if "/receipts" in asked]) == 1  # one bundle, not twelve calls
    grown = {p: read_file(p) for p in folder.iterdir()}
    assert chuzheng("anchor", "r.csv").code == 0
    assert {p: read_file(p) for p in folder.iterdir()} == grown


@pytest.mark.parametrize(
    ("changes", "row", "column"),
    [
        ({"issue_date": "2026-02-30"}, 4, "issue_date"),
        ({"issuer_code": OTHER, "identifier": make_identifier(TYPE, OTHER, "R9", 1)}, 4, "issuer_code"),
        ({"holder_code_type": "002"}, 4, "holder_code_type"),
    ],
)
def test_anchor__csv_with_a_wrong_row__refused_whole_and_nothing_written(
    chuzheng: Chuzheng, server: IntoApp, tmp_path: Path, changes: dict[str, str], row: int, column: str
) -> None:
    (tmp_path / "r.csv").write_bytes(rows(3, **changes))
    done = chuzheng("anchor", "r.csv", "--json")
    assert done.code == 19
    assert (row, column) in {(r["row"], r["column"]) for r in done.json["rows"]}
    assert names(tmp_path) == {"r.csv"}
    assert server.asked == []


def test_anchor__csv_of_another_department__rows_of_the_file_named(
    chuzheng: Chuzheng, server: IntoApp, tmp_path: Path
) -> None:
    changes = {"issuer_code": OTHER, "identifier": make_identifier(TYPE, OTHER, "R9", 1)}
    first, second = (rows(1, **{**changes, "certificate_number": number}) for number in ("1", "2"))
    second = second.splitlines(keepends=True)[1].replace(b".R9.", b".R8.")
    identifier = make_identifier(TYPE, OTHER, "R8", 1).encode()
    second = b",".join(identifier if b".R8." in cell else cell for cell in second.split(b","))
    (tmp_path / "r.csv").write_bytes(first + second)
    done = chuzheng("anchor", "r.csv", "--json")
    assert done.code == 19
    assert [r["row"] for r in done.json["rows"]] == [2, 3]
    assert names(tmp_path) == {"r.csv"}


def test_anchor__csv_changed_after_registration__conflict_and_nothing_lost(
    chuzheng: Chuzheng, server: IntoApp, tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_bytes(rows(2))
    assert chuzheng("anchor", "r.csv").code == 0
    kept = {p: read_file(p) for p in (tmp_path / "r.csv.receipts").iterdir()}
    (tmp_path / "r.csv").write_bytes(rows(2, certificate_number="JY-changed"))
    assert "cli.other_content" in chuzheng("anchor", "r.csv").err
    (tmp_path / "copy.csv").write_bytes(rows(2, certificate_number="JY-changed"))
    done = chuzheng("anchor", "copy.csv")
    assert (done.code, "already_anchored" in done.err) == (1, True)
    assert {p: read_file(p) for p in (tmp_path / "r.csv.receipts").iterdir()} == kept
    assert not (tmp_path / "copy.csv.receipts").exists()


def test_anchor__csv_stops_in_a_later_batch__says_how_far_it_came(
    chuzheng: Chuzheng, server: IntoApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.commands.csv_rows.BULK_ROWS", 2)
    (tmp_path / "taken.csv").write_bytes(rows(5, certificate_number="JY-other"))
    assert chuzheng("anchor", "taken.csv").code == 0
    (tmp_path / "r.csv").write_bytes(rows(5))
    done = chuzheng("anchor", "r.csv", "--json")
    assert (done.code, done.json["code"]) == (1, "cli.csv_stopped")
    assert "4" in done.json["message_en"]
    assert len(list((tmp_path / "r.csv.receipts").glob("*.receipt.json"))) == 4


@pytest.mark.parametrize("grown", [False, True])
def test_anchor__csv_with_a_row_that_was_erased__named_with_order_and_day_and_nothing_written(
    chuzheng: Chuzheng,
    house: House,
    server: IntoApp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    grown: bool,
) -> None:
    (tmp_path / "r.csv").write_bytes(rows(4))
    assert chuzheng("anchor", "r.csv").code == 0
    folder = tmp_path / "r.csv.receipts"
    name = f"{make_identifier(TYPE, ISSUER, 'R1', 1)}.receipt.json"
    index = parse_receipt(read_file(folder / name)).index
    house.notary.erasing.propose(ISSUER, house.origin, index, "order 1", b"\1" * 32)
    house.notary.erasing.confirm(ISSUER, house.origin, index, "order 1", b"\2" * 32)
    while house.notary.erasing.step():
        pass
    house.notary.seal(house.origin)
    if grown:
        (tmp_path / "r.csv").write_bytes(rows(5))
    before = {p: read_file(p) for p in folder.iterdir()}
    said = chuzheng("anchor", "r.csv", "--json")
    assert (said.code, said.json["code"]) == (19, "import.refused")
    [row] = said.json["rows"]
    assert (row["row"], row["column"], row["code"]) == (3, "identifier", "erased.copy")
    for words in (row["message_zh"], row["message_en"]):
        assert all(each in words for each in ("order 1", "2026-02-02", name))
    assert {p: read_file(p) for p in folder.iterdir()} == before
    monkeypatch.setattr("scripts.commands.csv_rows.BULK_ROWS", 1)  # the first row is taken before the second
    stopped = chuzheng("anchor", "r.csv")
    assert stopped.code == 1
    assert all(words in stopped.err for words in ("r.csv:3", "order 1", "2026-02-02"))
