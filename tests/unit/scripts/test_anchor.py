"""`anchor` of records, documents and folders against the real application, without sockets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.codes.certificate_ids import make_identifier
from ledger.types import Role
from notary.receipt import parse_receipt
from scripts.commands.files import read_file
from tests.fakes.house import ISSUER, TYPE, House
from tests.unit.scripts.anchoring import names, put, rows
from tests.unit.scripts.conftest import Chuzheng, IntoApp


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


def test_anchor__receipt_of_a_record_that_was_erased__said_with_order_and_day_and_never_sent_again(
    chuzheng: Chuzheng, house: House, server: IntoApp, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for serial in ("A", "B"):
        put(folder / f"{serial}.record.json", house.certificate(identifier=make_identifier(TYPE, ISSUER, serial, 1)))
    assert chuzheng("anchor", "mine", "--json").json["count"] == 2
    index = parse_receipt(read_file(folder / "A.receipt.json")).index
    house.notary.erasing.propose(ISSUER, house.origin, index, "order 1", b"\1" * 32)
    house.notary.erasing.confirm(ISSUER, house.origin, index, "order 1", b"\2" * 32)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    server.asked.clear()
    said = chuzheng("anchor", "mine/A.record.json", "--json")
    assert (said.code, said.json["code"]) == (1, "erased")
    for words in (said.json["message_zh"], said.json["message_en"]):
        assert all(each in words for each in ("order 1", "2026-02-02", "mine/A.receipt.json"))
    several = chuzheng("anchor", "mine")
    assert several.code == 1
    assert "order 1" in several.err
    assert [asked for asked in server.asked if asked.startswith("POST")] == []
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
