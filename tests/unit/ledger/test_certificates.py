"""The schemas of records: every rule broken once, and nothing that a reader sends makes the check raise."""

from __future__ import annotations

import copy
import datetime as dt
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.certificates import (
    check_certificate,
    check_document,
    check_record,
    first_second,
    last_second,
    parse_day,
    parse_share,
)
from ledger.texts import LANGUAGES, error_text

FILE = {"media_type": "application/pdf", "sha256": "0" * 64, "size": 0, "sm3": "f" * 64}
CID = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
IDENTIFIER = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
CERTIFICATE: dict[str, Any] = {
    "schema": "certificate/1", "kind": "certificate", "issuer": "11420503087246977F",
    "type": "11100000000013338W011", "identifier": IDENTIFIER, "version": 1, "identifier_form": "issued",
    "capture": "data", "name": "营业执照", "number": "42000000140891", "issuer_name": "某市场监督管理局",
    "issue_date": "2024-02-29", "valid_from": "2024-02-29", "valid_to": None,
    "holders": [{"name": "𠮷野𡈼", "code_type": "001", "code": "91350100M000100Y43"}],
}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "schema": "document/1", "kind": "document", "issuer": "11420503087246977F", "document": FILE,
}  # fmt: skip
RESIDENT = {"name": "某", "code_type": "111", "code": "42108819790418904X"}


def changed(record: dict[str, Any], **members: Any) -> dict[str, Any]:
    new = {**copy.deepcopy(record), **members}
    return {name: value for name, value in new.items() if value is not ...}


def codes(problems: list[Any]) -> list[tuple[str, str]]:
    return [(p.code, p.params["member"]) for p in problems]


def shared(*shares: str | None) -> list[dict[str, Any]]:
    return [{**RESIDENT, "share": s} if s is not None else dict(RESIDENT) for s in shares]


GOOD = [
    {},
    {"valid_to": "2024-02-29"},
    {"extra": {"KZ_JYFW": "零售", "KZ_X": {"a": [1]}}},
    {"document": {**FILE, "cid": CID}},
    {"previous_identifier": "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0"},
    {"holders": [RESIDENT, {"name": "巴特尔·敖其尔", "code_type": "114", "code": "军字第9729815号"}]},
    {"holders": shared("50%", "50.0%")},
    {"holders": shared("1/3", "1/3", "1/3")},
    {"holders": shared("100%")},
    {"identifier": IDENTIFIER.replace("w", "W").lower(), "identifier_form": "as_received"},
    {"identifier_form": "as_received"},
]


@pytest.mark.parametrize("members", GOOD, ids=str)
def test_check_certificate__good__no_problem(members: dict[str, Any]) -> None:
    record = changed(CERTIFICATE, **members)
    assert codes(check_certificate(record)) == []
    assert check_record(record) == []


WRONG = [
    ({"name": ...}, "record.missing_member", "name"),
    ({"colour": "red"}, "record.unknown_member", "colour"),
    ({"schema": "certificate/2"}, "record.choice", "schema"),
    ({"kind": "document"}, "record.choice", "kind"),
    ({"issuer": 7}, "record.member_type", "issuer"),
    ({"issuer": "11420503087246977G"}, "record.issuer", "issuer"),
    ({"name": ""}, "record.empty", "name"),
    ({"number": " \t"}, "record.empty", "number"),
    ({"issuer_name": None}, "record.member_type", "issuer_name"),
    ({"capture": "photo"}, "record.choice", "capture"),
    ({"capture": ["data"]}, "record.choice", "capture"),
    ({"identifier_form": "guessed"}, "record.choice", "identifier_form"),
    ({"identifier": IDENTIFIER[:-1] + "V"}, "certificate.identifier", "identifier"),
    ({"identifier": IDENTIFIER[:-1] + "V", "identifier_form": "as_received"}, "certificate.identifier", "identifier"),
    ({"identifier": IDENTIFIER.lower()}, "certificate.identifier", "identifier"),
    ({"identifier": 5}, "record.member_type", "identifier"),
    ({"version": 2}, "certificate.version_differs", "version"),
    ({"version": "1"}, "record.member_type", "version"),
    ({"version": True}, "record.member_type", "version"),
    ({"type": "11100000000013338W012"}, "certificate.type_differs", "type"),
    ({"issue_date": "2026-02-30"}, "record.date", "issue_date"),
    ({"issue_date": "20260228"}, "record.date", "issue_date"),
    ({"issue_date": []}, "record.date", "issue_date"),
    ({"valid_from": "２024-01-01"}, "record.date", "valid_from"),
    ({"valid_from": None}, "record.date", "valid_from"),
    ({"valid_to": ""}, "record.date", "valid_to"),
    ({"valid_to": "2024-02-28"}, "certificate.dates_reversed", "valid_to"),
    ({"holders": []}, "certificate.no_holders", "holders"),
    ({"holders": {"name": "某"}}, "certificate.no_holders", "holders"),
    ({"holders": ["某"]}, "record.member_type", "holders[1]"),
    ({"holders": [RESIDENT, {"name": "某", "code_type": "111"}]}, "record.missing_member", "holders[2].code"),
    ({"holders": [{**RESIDENT, "age": 1}]}, "record.unknown_member", "holders[1].age"),
    ({"holders": [{**RESIDENT, "name": ""}]}, "record.empty", "holders[1].name"),
    ({"holders": [{**RESIDENT, "code_type": "112"}]}, "certificate.holder_type", "holders[1].code_type"),
    ({"holders": [{**RESIDENT, "code_type": ["111"]}]}, "certificate.holder_type", "holders[1].code_type"),
    ({"holders": [{**RESIDENT, "code": "421088197904189040"}]}, "certificate.holder_code", "holders[1].code"),
    ({"holders": [{**RESIDENT, "code": 4}]}, "record.member_type", "holders[1].code"),
    ({"issue_date": "1979-04-17", "holders": [RESIDENT]}, "certificate.holder_code", "holders[1].code"),
    ({"holders": shared("50%", "49%")}, "certificate.shares_sum", "holders"),
    ({"holders": shared("33.33%", "33.33%", "33.33%")}, "certificate.shares_sum", "holders"),
    ({"holders": shared("100%", None)}, "certificate.shares_missing", "holders"),
    ({"holders": shared("half", "50%")}, "certificate.share", "holders[1].share"),
    ({"holders": shared("0%", "100%")}, "certificate.share", "holders[1].share"),
    ({"previous_identifier": IDENTIFIER}, "certificate.own_predecessor", "previous_identifier"),
    ({"previous_identifier": "1.2.3"}, "certificate.identifier", "previous_identifier"),
    ({"previous_identifier": None}, "record.member_type", "previous_identifier"),
    ({"extra": []}, "record.member_type", "extra"),
    ({"extra": {"JYFW": 1}}, "certificate.extra_name", "extra.JYFW"),
    ({"document": None}, "record.member_type", "document"),
    ({"document": {**FILE, "sha256": "F" * 64}}, "record.digest", "document.sha256"),
    ({"document": {**FILE, "sm3": "0" * 63}}, "record.digest", "document.sm3"),
    ({"document": {**FILE, "media_type": "pdf"}}, "record.media_type", "document.media_type"),
    ({"document": {**FILE, "size": -1}}, "record.size", "document.size"),
    ({"document": {**FILE, "size": True}}, "record.size", "document.size"),
    ({"document": {**FILE, "cid": CID.upper()}}, "record.cid", "document.cid"),
    ({"document": {**FILE, "path": "/a"}}, "record.unknown_member", "document.path"),
]


@pytest.mark.parametrize(("members", "code", "member"), WRONG, ids=[f"{i}-{w[1]}" for i, w in enumerate(WRONG)])
def test_check_certificate__one_rule_broken__one_problem(members: dict[str, Any], code: str, member: str) -> None:
    problems = check_certificate(changed(CERTIFICATE, **members))
    assert codes(problems) == [(code, member)]
    for language in LANGUAGES:
        assert error_text(problems[0], language)


def test_check_certificate__wrong_holder__no_personal_data_in_the_error() -> None:
    holder = {"name": "张三丰", "code_type": "111", "code": "421088197904189040", "share": "30%"}
    problems = check_certificate(changed(CERTIFICATE, holders=[holder]))
    assert len(problems) == 2
    for problem in problems:
        for shown in (str(problem), error_text(problem, "zh"), error_text(problem, "en")):
            assert holder["name"] not in shown
            assert holder["code"] not in shown


def test_check_certificate__names__kept_and_accepted_as_received() -> None:
    # U+FA0E and U+F900 are what NFC would change or what fonts lack; supplementary planes and dots are ordinary.
    for name in ("𬭎𰻞", "豈", "欧阳　修", "A·B", "e\u0301"):
        assert check_certificate(changed(CERTIFICATE, holders=[{**RESIDENT, "name": name}])) == []


DOCUMENTS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, []),
    ({"title": "办法", "number": "鄂政发〔2020〕12号"}, []),
    ({"title": ""}, [("record.empty", "title")]),
    ({"document": ...}, [("record.missing_member", "document")]),
    ({"name": "x"}, [("record.unknown_member", "name")]),
    ({"kind": "certificate"}, [("record.choice", "kind")]),
]


@pytest.mark.parametrize(("members", "expected"), DOCUMENTS)
def test_check_document__cases__exact_problems(members: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert codes(check_document(changed(DOCUMENT, **members))) == expected


@pytest.mark.parametrize("schema", [None, 1, "certificate/9", ["certificate/1"], {}])
def test_check_record__other_schema__one_problem(schema: Any) -> None:
    assert codes(check_record(changed(CERTIFICATE, schema=schema))) == [("record.schema", "schema")]
    assert codes(check_record({})) == [("record.schema", "schema")]


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([*CERTIFICATE, "previous_identifier", "document", "extra", "other"]), values)
def test_check_certificate__any_json_in_any_member__never_raises(name: str, value: Any) -> None:
    check_record(changed(CERTIFICATE, **{name: value}))


@given(st.sampled_from(["name", "code_type", "code", "share"]), values)
def test_check_certificate__any_json_in_a_holder__never_raises(name: str, value: Any) -> None:
    check_certificate(changed(CERTIFICATE, holders=[{**RESIDENT, name: value}]))


@given(st.sampled_from([*FILE, "cid"]), values)
def test_check_document__any_json_in_the_file__never_raises(name: str, value: Any) -> None:
    check_document(changed(DOCUMENT, document={**FILE, name: value}))


@given(st.dates())
def test_parse_day__own_spelling__round_trip(day: dt.date) -> None:
    assert parse_day(day.isoformat()) == day


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)))
def test_days__seconds__join_without_gap(day: dt.date) -> None:
    assert last_second(day) + 1 == first_second(day + dt.timedelta(days=1))


def test_first_second__a_known_day__is_utc_plus_8() -> None:
    assert first_second(dt.date(2026, 11, 21)) == 1795190400
    assert last_second(dt.date(1970, 1, 1)) == 57599


@given(st.integers(1, 50))
def test_parse_share__equal_parts__make_the_whole(parts: int) -> None:
    share = parse_share(f"1/{parts}")
    assert share is not None
    assert share * parts == 1


@pytest.mark.parametrize("text", ["", "50", "0%", "101%", "-1%", "1/0", "0/1", "3/2", "50％", "5e1%", "1/3 "])
def test_parse_share__wrong__none(text: str) -> None:
    assert parse_share(text) is None


def test_parse_share__exact() -> None:
    assert parse_share("33.3%") == Fraction(333, 1000)
