"""`anchor`, `receipt upgrade`, `record`, `status show` against the real application, without sockets."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.codes.certificate_ids import make_identifier
from ledger.types import Role
from notary.imports import COLUMNS
from notary.receipt import parse_receipt
from scripts.commands.files import read_file
from tests.fakes.house import ISSUER, OTHER, TYPE, House
from tests.unit.scripts.conftest import Chuzheng, IntoApp


def put(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def rows(count: int, **changes: str) -> bytes:
    """A CSV of good rows; `changes` are cells of the last one."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for number in range(count):
        row = {
            "certificate_name": "食品经营许可证", "type_code": TYPE, "issuer_code": ISSUER, "issuer_division": "420000",
            "issuer_name": "湖北省市场监督管理局", "certificate_number": f"JY{number}",
            "holder_code": "91420526MA9986781L",
            "identifier": make_identifier(TYPE, ISSUER, f"R{number}", 1), "holder_name": "某某餐饮（样例）",
            "holder_code_type": "001", "issue_date": "2026-01-05", "valid_from": "2026-01-05",
        }  # fmt: skip
        writer.writerow(row | (changes if number == count - 1 else {}))
    return out.getvalue().encode()


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.name != "home"}


def test_anchor__record__receipt_beside_it_and_the_same_again(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    put(tmp_path / "a.record.json", house.certificate())
    first = chuzheng("anchor", "a.record.json", "--json")
    assert (first.code, first.json["count"], first.json["receipts"]) == (0, 1, ["a.receipt.json"])
    assert "receipt upgrade" in first.err
    before = read_file(tmp_path / "a.receipt.json")
    house.anchor()
    assert chuzheng("receipt", "upgrade", "a.receipt.json").code == 0
    grown = parse_receipt(read_file(tmp_path / "a.receipt.json"))
    old = parse_receipt(before)
    assert (grown.entry, grown.index, grown.salt) == (old.entry, old.index, old.salt)
    assert grown.anchor is not None
    again = chuzheng("anchor", "a.record.json")
    assert again.code == 0
    assert again.err == ""  # nothing to wait for
    assert parse_receipt(read_file(tmp_path / "a.receipt.json")) == grown
    assert names(tmp_path) == {"a.record.json", "a.receipt.json"}


def test_anchor__document__record_and_receipt_and_never_twice(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    assert chuzheng("anchor", "x.pdf", "--title", "标题", "--number", "鄂1号").code == 0
    record = json.loads(read_file(tmp_path / "x.pdf.record.json"))
    assert (record["title"], record["number"], record["document"]["media_type"]) == ("标题", "鄂1号", "application/pdf")
    receipt = read_file(tmp_path / "x.pdf.receipt.json")
    server.asked.clear()
    assert chuzheng("anchor", "x.pdf").code == 0
    assert [asked for asked in server.asked if asked.startswith("POST")] == []
    (tmp_path / "x.pdf.receipt.json").unlink()
    assert chuzheng("anchor", "x.pdf", "--title", "标题", "--number", "鄂1号").code == 0
    assert read_file(tmp_path / "x.pdf.receipt.json") == receipt  # the same key: the same answer


@pytest.mark.parametrize(
    ("name", "content", "code", "exit_code"),
    [
        ("half.record.json", b'{"schema":"certificate/1","kind"', "json.syntax", 19),
        ("empty.record.json", b"", "json.syntax", 19),
        ("list.record.json", b"[]", "record.not_object", 19),
        (
            "twice.record.json",
            b'{"schema":"certificate/1","kind":"certificate","kind":"x"}',
            "json.duplicate_member",
            19,
        ),
        ("other.record.json", b'{"schema":"nope","kind":"certificate"}', "record.wrong", 19),
        ("plain.json", b'{"schema":"certificate/1","kind":"certificate"}', "record.wrong", 19),
        ("x.receipt.json", b"{}", "cli.companion", 2),
        ("x.disclosure.json", b"{}", "cli.companion", 2),
    ],
)
def test_anchor__what_is_no_record__refused_and_nothing_written(
    chuzheng: Chuzheng, server: IntoApp, tmp_path: Path, name: str, content: bytes, code: str, exit_code: int
) -> None:
    (tmp_path / name).write_bytes(content)
    done = chuzheng("anchor", name)
    assert done.code == exit_code
    assert code in done.err
    assert names(tmp_path) == {name}


def test_anchor__receipt_of_other_content_is_there__refused_and_kept(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    put(tmp_path / "a.record.json", house.certificate())
    (tmp_path / "x.txt").write_bytes(b"one")
    for name in ("a.record.json", "x.txt"):
        assert chuzheng("anchor", name).code == 0
    kept = {p.name: read_file(p) for p in tmp_path.glob("*.receipt.json")}
    renewed = house.certificate(version=2, identifier=make_identifier(TYPE, ISSUER, "OOCUWY9H5T0RIQXCIZNZ", 2))
    put(tmp_path / "a.record.json", renewed)
    (tmp_path / "x.txt").write_bytes(b"two")
    for name in ("a.record.json", "x.txt"):
        done = chuzheng("anchor", name)
        assert done.code == 1
        assert "cli.other_content" in done.err
    (tmp_path / "y.txt").write_bytes(b"y")
    (tmp_path / "y.txt.receipt.json").write_bytes(b"not a receipt")
    assert "cli.receipt_unreadable" in chuzheng("anchor", "y.txt").err
    assert {name: read_file(tmp_path / name) for name in kept} == kept


def test_anchor__receipt_of_another_network__refused(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    put(tmp_path / "a.record.json", house.certificate())
    assert chuzheng("anchor", "a.record.json").code == 0
    receipt = parse_receipt(read_file(tmp_path / "a.receipt.json"))
    from ledger.types import Origin

    other = replace(receipt, origin=Origin(f"chuzheng/elsewhere/{ISSUER}"))
    (tmp_path / "a.receipt.json").write_bytes(other.to_json())
    done = chuzheng("anchor", "a.record.json")
    assert (done.code, "cli.other_network" in done.err) == (1, True)


def test_anchor__token__none_wrong_or_without_the_right(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "a.record.json", house.certificate())
    for token in ("", "令牌", "czt_000000000000_x", house.tokens[Role.STATUS]):
        monkeypatch.setenv("CHUZHENG_TOKEN", token)
        assert chuzheng("anchor", "a.record.json").code == 4
    (tmp_path / "token").write_text(house.tokens[Role.ANCHOR], encoding="ascii")
    assert chuzheng("anchor", "a.record.json", "--token-file", "token").code == 0


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


def test_anchor__folder__one_wrong_file_stops_no_other(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    put(folder / "a.record.json", house.certificate())
    (folder / "bad.record.json").write_bytes(b"{")
    (folder / "x.txt").write_bytes(b"x")
    (folder / ".hidden").write_bytes(b"x")
    (folder / "below").mkdir()
    (folder / "below" / "y.txt").write_bytes(b"y")
    (folder / "r.csv").write_bytes(rows(2))
    done = chuzheng("anchor", "d", "--json")
    assert (done.code, [Path(f["path"]).name for f in done.json["files"]]) == (19, ["bad.record.json"])
    (folder / "bad.record.json").unlink()
    assert chuzheng("anchor", "d", "--json").json["count"] == 4
    assert chuzheng("anchor", "d/below/none").code == 19
    assert names(folder / "below") == {"y.txt"}
    (tmp_path / "empty").mkdir()
    assert chuzheng("anchor", "empty", "--json").json["count"] == 0


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


NEW = (
    "record", "new", "--type", TYPE, "--issuer", ISSUER, "--issuer-name", "湖北省市场监督管理局", "--name", "许可证",
    "--number", "1", "--holder", "某某|001|91420526MA9986781L", "--issue-date", "2026-01-05",
)  # fmt: skip


def test_record__new__is_accepted_by_check_and_by_the_server(
    chuzheng: Chuzheng, server: IntoApp, tmp_path: Path
) -> None:
    made = chuzheng(*NEW, "--extra", "KZ_A=1", "--json")
    assert made.code == 0
    path = made.json["path"]
    assert path == f"{made.json['identifier']}.record.json"
    assert chuzheng("record", "check", path).code == 0
    assert chuzheng("anchor", path).code == 0
    assert json.loads(read_file(tmp_path / path))["extra"] == {"KZ_A": "1"}
    several = ("--holder", "乙|001|91420526MA9986781L|50%", "--serial", "S1", "--out", "s.record.json")
    assert chuzheng(*NEW, *several).code in (0, 19)


@pytest.mark.parametrize(
    ("more", "exit_code", "member"),
    [
        (["--type", "111"], 19, "type"),
        (["--issuer", "xx"], 19, "issuer"),
        (["--serial", "小"], 19, "identifier"),
        (["--issue-date", "2026-13-01"], 19, "issue_date"),
        (["--valid-to", "2020-01-01"], 19, "valid_to"),
        (["--capture", "guess"], 19, "capture"),
        (["--holder", "甲|001"], 2, ""),
        (["--extra", "A=1"], 2, ""),
        (["--extra", "KZ_A"], 2, ""),
        (["--version", "0"], 2, ""),
    ],
)
def test_record__new_with_wrong_values__each_named_and_nothing_written(
    chuzheng: Chuzheng, tmp_path: Path, more: list[str], exit_code: int, member: str
) -> None:
    done = chuzheng(*NEW, *more, "--json")
    assert done.code == exit_code
    if member:
        assert member in {row["column"] for row in done.json["rows"]}
    assert list(tmp_path.iterdir()) == []
