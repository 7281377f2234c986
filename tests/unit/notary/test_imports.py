"""Bulk import: the sample is taken over exactly, and a file with anything wrong is refused whole, row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.certificates import check_certificate
from ledger.codes.certificate_ids import make_identifier
from ledger.errors import RowsError
from ledger.texts import LANGUAGES, error_text
from notary import imports
from notary.imports import COLUMNS, MAX_LINE, Row, read_certificates_csv, read_rows, record_of, records_of

SAMPLE = Path(__file__).parents[3] / "scripts/samples/sample_certificates.csv"
TYPE, ISSUER = "11100000000013338W011", "11430000006122244L"
ROW = {
    "certificate_name": "营业执照", "type_code": TYPE, "issuer_code": "11420503087246977F",
    "issuer_name": "某市场监督管理局", "issuer_division": "420503", "certificate_number": "42000000140891",
    "identifier": make_identifier(TYPE, ISSUER, "A1", 1), "holder_name": "𠮷野𡈼", "holder_code_type": "111",
    "holder_code": "42108819790418904X", "holder_share": "", "issue_date": "2024-02-29",
    "valid_from": "2024-02-29", "valid_to": "", "previous_identifier": "", "business_fields": '{"KZ_A": "x"}',
}  # fmt: skip


def file_of(*rows: dict[str, str], header: tuple[str, ...] = COLUMNS) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([row[name] for name in header])
    return out.getvalue().encode()


def numbered(number: int, **cells: str) -> dict[str, str]:
    return {**ROW, "identifier": make_identifier(TYPE, ISSUER, f"N{number}", 1), **cells}


def errors_of(data: bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(RowsError) as caught:
        read_certificates_csv(data)
    assert caught.value.code == "import.refused"
    for _, _, error in caught.value.rows:
        for language in LANGUAGES:
            assert error_text(error, language)
    return [(row, column, error.code) for row, column, error in caught.value.rows]


def test_read__sample__every_row_taken_over() -> None:
    rows = list(csv.DictReader(SAMPLE.read_text(encoding="utf-8").splitlines()))
    records = read_certificates_csv(SAMPLE.read_bytes())
    assert len(records) == len(rows) == 2000
    for row, record in zip(rows, records, strict=True):
        assert check_certificate(record) == []
        assert record["identifier_form"] == "issued"
        assert record["capture"] == "data"
        assert record["issuer"] == row["issuer_code"]
        assert ";".join(h["name"] for h in record["holders"]) == row["holder_name"]
        assert ";".join(h["code"] for h in record["holders"]) == row["holder_code"]
        assert ";".join(h["code_type"] for h in record["holders"]) == row["holder_code_type"]
        assert ";".join(h.get("share", "") for h in record["holders"]).strip(";") == row["holder_share"]
        assert record["valid_to"] == (row["valid_to"] or None)
        assert record.get("previous_identifier", "") == row["previous_identifier"]
        assert record["extra"] == json.loads(row["business_fields"])


def test_read__row__exact_record() -> None:
    assert read_certificates_csv(file_of(ROW), capture="signed") == [
        {
            "schema": "certificate/1", "kind": "certificate", "issuer": "11420503087246977F", "type": TYPE,
            "identifier": ROW["identifier"], "version": 1, "identifier_form": "issued", "capture": "signed",
            "name": "营业执照", "number": "42000000140891", "issuer_name": "某市场监督管理局",
            "issue_date": "2024-02-29", "valid_from": "2024-02-29", "valid_to": None,
            "holders": [{"name": "𠮷野𡈼", "code_type": "111", "code": "42108819790418904X"}],
            "extra": {"KZ_A": "x"},
        }
    ]  # fmt: skip


ACCEPTED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("bom", lambda data: b"\xef\xbb\xbf" + data),
    ("crlf", lambda data: data.replace(b"\n", b"\r\n")),
    ("no newline at the end", lambda data: data.rstrip(b"\n")),
    ("blank lines at the end", lambda data: data + b"\n\r\n\n"),
]


@pytest.mark.parametrize(("_name", "change"), ACCEPTED, ids=[a[0] for a in ACCEPTED])
def test_read__harmless_differences__same_records(_name: str, change: Callable[[bytes], bytes]) -> None:
    data = file_of(ROW, numbered(2))
    assert read_certificates_csv(change(data)) == read_certificates_csv(data)


def test_read__other_order_of_columns__same_records() -> None:
    rows = [ROW, numbered(2)]
    assert read_certificates_csv(file_of(*rows, header=COLUMNS[::-1])) == read_certificates_csv(file_of(*rows))


def test_read__stream__same_records() -> None:
    data = SAMPLE.read_bytes()
    with SAMPLE.open("rb") as stream:
        assert read_certificates_csv(stream) == read_certificates_csv(data)


WRONG_CELLS = [
    ({"issue_date": "2026-02-30"}, "issue_date", "record.date"),
    ({"valid_from": "2024/02/29"}, "valid_from", "record.date"),
    ({"valid_to": "2024-02-28"}, "valid_to", "certificate.dates_reversed"),
    ({"issuer_code": "11420503087246977G"}, "issuer_code", "record.issuer"),
    ({"issuer_division": "429999"}, "issuer_division", "import.division"),
    ({"issuer_division": ""}, "issuer_division", "import.division"),
    ({"type_code": TYPE[:-1] + "2"}, "type_code", "certificate.type_differs"),
    ({"identifier": ROW["identifier"][:-1] + "?"}, "identifier", "certificate.identifier"),
    ({"identifier": ""}, "identifier", "certificate.identifier"),
    ({"certificate_name": ""}, "certificate_name", "record.empty"),
    ({"certificate_number": ""}, "certificate_number", "record.empty"),
    ({"issuer_name": " "}, "issuer_name", "record.empty"),
    ({"holder_name": ""}, "holder_name", "record.empty"),
    ({"holder_code_type": "112"}, "holder_code_type", "certificate.holder_type"),
    ({"holder_code": "421088197904189040"}, "holder_code", "certificate.holder_code"),
    ({"holder_code": "42108819790418904X;42108819790418904X"}, "holder_code", "certificate.holder_code"),
    ({"holder_name": "甲;乙", "holder_code_type": "111;414"}, "holder_code", "import.holder_count"),
    ({"holder_share": "50%"}, "holder_share", "certificate.shares_sum"),
    ({"holder_share": "50%;50%"}, "holder_share", "import.holder_count"),
    ({"previous_identifier": "JY1"}, "previous_identifier", "certificate.identifier"),
    ({"business_fields": "{"}, "business_fields", "json.syntax"),
    ({"business_fields": "[]"}, "business_fields", "record.not_object"),
    ({"business_fields": '{"KZ_A": 1, "KZ_A": 2}'}, "business_fields", "json.duplicate_member"),
    ({"business_fields": '{"A": 1}'}, "business_fields", "certificate.extra_name"),
    ({"business_fields": '{"KZ_A": ' + "[" * 15 + "]" * 15 + "}"}, "business_fields", "json.nesting"),
    ({"certificate_name": "营业\x00执照"}, "certificate_name", "import.control_character"),
]


@pytest.mark.parametrize(("cells", "column", "code"), WRONG_CELLS, ids=[f"{w[1]}-{w[2]}" for w in WRONG_CELLS])
def test_read__one_wrong_cell__that_row_and_column(cells: dict[str, str], column: str, code: str) -> None:
    rows = [numbered(2), {**ROW, **cells}, numbered(3)]
    assert errors_of(file_of(*rows)) == [(3, column, code)]
    if code != "import.control_character":
        return
    assert errors_of(file_of(*rows, header=COLUMNS[::-1])) == [(3, column, code)]


def test_read__several_wrong_rows__all_listed_in_order() -> None:
    data = file_of(numbered(1, issue_date="x"), numbered(2), numbered(3, issue_date="x", valid_from="y"))
    found = errors_of(data + b"a,b\n")
    assert found == [
        (2, "issue_date", "record.date"),
        (4, "issue_date", "record.date"),
        (4, "valid_from", "record.date"),
        (5, "", "import.cell_count"),
    ]


def test_read__same_identifier_twice__names_the_first_row() -> None:
    lower = {**ROW, "identifier": ROW["identifier"].lower()}
    assert errors_of(file_of(ROW, numbered(2), ROW)) == [(4, "identifier", "import.duplicate")]
    assert errors_of(file_of(ROW, lower)) == [(3, "identifier", "import.duplicate")]


def test_read__legacy_issuer_or_lower_case__as_received() -> None:
    serial = make_identifier(TYPE, ISSUER, "LOW", 2)
    (lower,) = read_certificates_csv(file_of({**ROW, "identifier": serial.lower()}))
    assert (lower["identifier"], lower["identifier_form"], lower["version"]) == (serial.lower(), "as_received", 2)


FILES = [
    (b"", [(1, "", "import.empty")]),
    (b"\n\n", None),
    (",".join(COLUMNS).encode(), [(1, "", "import.empty")]),
    (",".join(COLUMNS).encode() + b"\n\n", [(1, "", "import.empty")]),
    (file_of(ROW, header=COLUMNS[1:]), [(1, "certificate_name", "import.column_missing")]),
    (file_of(ROW).replace(b"holder_share", b"holder_shape"),
     [(1, "holder_shape", "import.column_unknown"), (1, "holder_share", "import.column_missing")]),
    (file_of(ROW, header=(*COLUMNS, "identifier")), [(1, "identifier", "import.column_twice")]),
    (file_of(ROW).decode().replace("𠮷野𡈼", "张三").encode("gbk"), [(2, "", "import.encoding_gbk")]),
    (file_of(ROW).decode().encode("utf-16"), [(1, "", "import.encoding_utf16")]),
    (file_of(ROW).replace("某".encode(), b"\xff\xff"), [(2, "", "import.encoding")]),
    (file_of(ROW) + b"\xff\xff\n", [(3, "", "import.encoding")]),
    (file_of(ROW) + b'"', [(3, "", "import.syntax")]),
    (file_of(ROW) + b'"a"b,', [(3, "", "import.syntax")]),
    (file_of(ROW)[:-30], [(2, "", "import.cell_count")]),
    (file_of(ROW) + b"\n" + file_of(numbered(2)).split(b"\n", 1)[1], [(3, "", "import.blank_row")]),
    (file_of(ROW) + b"a" * (MAX_LINE + 1), [(3, "", "import.line_too_long")]),
    (file_of(ROW) + b"a" * 140_000, [(3, "", "import.syntax")]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), FILES, ids=range(len(FILES)))
def test_read__wrong_file__refused_whole(data: bytes, expected: list[tuple[int, str, str]] | None) -> None:
    found = errors_of(data)
    assert found == expected if expected is not None else found


def test_read__wrong_names__no_personal_data_in_any_error() -> None:
    with pytest.raises(RowsError) as caught:
        read_certificates_csv(file_of({**ROW, "holder_code": "421088197904189040", "holder_share": "1%"}))
    for _, _, error in caught.value.rows:
        assert "421088197904189040" not in error_text(error, "zh") + error_text(error, "en") + str(error)
        assert ROW["holder_name"] not in error_text(error, "zh") + str(error)


def test_records_of__parts_of_a_file__as_the_whole() -> None:
    data, wrong = SAMPLE.read_bytes(), []  # type: ignore[var-annotated]
    rows = list(read_rows(data, wrong))
    parts = [records_of(rows[at : at + 300]) for at in range(0, len(rows), 300)]
    assert [r for records, _ in parts for r in records] == read_certificates_csv(data)
    assert not wrong
    assert not any(problems for _, problems in parts)


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=30), min_size=1))
def test_record_of__any_cells__only_known_columns_in_errors(cells: dict[str, str]) -> None:
    rows: list[Any] = list(read_rows(file_of({**ROW, **cells}), []))
    for row in rows:
        for number, column, _ in record_of(row)[1]:
            assert number == 2
            assert column in COLUMNS


@given(st.binary(max_size=400))
def test_read__any_bytes__records_or_rows_error(data: bytes) -> None:
    for content in (data, ",".join(COLUMNS).encode() + b"\n" + data):
        with pytest.raises(RowsError):
            read_certificates_csv(content)


IDENTIFIERS = [
    ROW["identifier"], make_identifier(TYPE, ISSUER, "A1", 2), ROW["identifier"].lower(), ROW["identifier"][:-1] + "?",
    make_identifier("11100000009985328F011", ISSUER, "A1", 1), "",
]  # fmt: skip
ODD: dict[str, list[str]] = {
    "certificate_name": ["", " ", "\u3000"], "certificate_number": ["", "\t"], "issuer_name": ["", " "],
    "type_code": ["11100000009985328F011", ""], "issuer_code": ["11430000006122244L", "11430000006122244X", ""],
    "issuer_division": ["", "429999x"], "identifier": IDENTIFIERS, "holder_name": ["", " ", "a;b"],
    "holder_code_type": ["001", "999", "", "111;111"], "holder_code": ["91420526MA9986781L", "42108819790418904Y", ""],
    "holder_share": ["100%", "50%"], "issue_date": ["2024-02-30", "1970-01-01", ""],
    "valid_from": ["2024-03-01", "x", ""], "valid_to": ["2024-02-29", "2024-02-28", "2030-01-01", " "],
    "previous_identifier": [IDENTIFIERS[1], ROW["identifier"], "x"],
    "business_fields": ["", '{"KZ_A": 1}', '{"A": 1}', "{"],
}  # fmt: skip
CHANGES = st.lists(st.sampled_from([(name, odd) for name, several in ODD.items() for odd in several]), max_size=3)


@settings(max_examples=300)
@given(CHANGES, st.sampled_from(["data", "scan", "x"]))
def test_record__right_at_sight_or_not__as_every_rule_says(changes: list[tuple[str, str]], capture: str) -> None:
    cells = {**ROW, "business_fields": "", **dict(changes)}
    row = Row(7, tuple(cells[name] for name in COLUMNS))
    found, wrong = record_of(row, capture)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "_right_at_sight", lambda record, holders: False)
        expected, problems = record_of(row, capture)
    told = [
        [(number, column, error.code, error.params) for number, column, error in each] for each in (wrong, problems)
    ]
    assert found == expected
    assert told[0] == told[1]
    if not wrong:
        assert check_certificate(found) == []


def test_record__ordinary_row__is_right_at_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = {**ROW, "business_fields": ""}
    monkeypatch.setattr(imports, "check_certificate", lambda record: pytest.fail("every rule was asked"))
    assert record_of(Row(2, tuple(cells[name] for name in COLUMNS)))[1] == []
