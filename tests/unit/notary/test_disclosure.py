"""Disclosures: what is shown, what stays hidden, strict reading (formats.md §2)."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError, UnreadableError
from ledger.types import Kind
from notary.b64 import to_b64
from notary.canonical import canonicalise, normalise
from notary.commitment import commit, field_salt
from notary.disclosure import (
    ALWAYS_SHOWN,
    DisclosedMember,
    Disclosure,
    make_disclosure,
    parse_disclosure,
    recompute,
)
from tests.golden.make import RECORD, SALT, receipt
from tests.unit.notary.json_values import hashes, records

CASES = json.loads((Path(__file__).parents[2] / "vectors/formats/commitments.json").read_text())
RECEIPT = receipt()
DATA = make_disclosure(RECORD, SALT, ["number"], RECEIPT)
VALUE = json.loads(DATA)
MEMBERS: list[dict[str, Any]] = VALUE["members"]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_recompute__vector__the_commitment(case: dict[str, Any]) -> None:
    shown = tuple(
        DisclosedMember(
            m["i"],
            m["name"],
            normalise(m["value"]),
            base64.b64decode(m["salt"]),
            tuple(base64.b64decode(node) for node in m["path"]),
        )
        for m in case["disclosure"]["members"]
    )
    disclosure = Disclosure(case["disclosure"]["n"], shown, RECEIPT)
    root = recompute(disclosure)
    assert root is not None
    assert root.hex() == case["commitment_sha256"]


def test_disclosure__of_a_certificate__always_shows_what_it_must_and_no_salt() -> None:
    disclosure = parse_disclosure(DATA)
    assert disclosure.shown.keys() == {*ALWAYS_SHOWN, "number"}
    assert disclosure.receipt == RECEIPT.without_salt()
    assert recompute(disclosure) == RECEIPT.entry.sha256
    assert to_b64(SALT).encode() not in DATA
    assert "示例市".encode() not in DATA
    own_salts = {to_b64(field_salt(SALT, i)) for i in range(len(RECORD))}
    assert {m["salt"] for m in MEMBERS} < own_salts


def of_kind(record: dict[str, Any], salt: bytes, kind: Kind) -> Any:
    made = commit(record, salt)
    entry = replace(RECEIPT.entry, kind=kind, sha256=made.sha256, sm3=made.sm3)
    return replace(receipt(stage="promised"), entry=entry)


@settings(max_examples=60)
@given(records, hashes, st.data())
def test_disclosure__any_record_and_choice__shows_just_that(
    record: dict[str, Any], salt: bytes, data: st.DataObject
) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted(record)), min_size=1))
    file = make_disclosure(record, salt, names, of_kind(record, salt, Kind.CHECKPOINT))
    disclosure = parse_disclosure(file)
    assert disclosure.count == len(record)
    assert canonicalise(disclosure.shown) == canonicalise({name: record[name] for name in names})
    assert recompute(disclosure) == commit(record, salt).sha256


def test_make__document__shows_the_file_s_member() -> None:
    record = {"schema": "document/1", "kind": "document", "issuer": "x", "document": {"size": 1}, "title": "t"}
    disclosure = parse_disclosure(make_disclosure(record, SALT, [], of_kind(record, SALT, Kind.DOCUMENT)))
    assert disclosure.shown.keys() == record.keys() - {"title"}


def test_make__record_or_salt_of_another_receipt__refused() -> None:
    for record, salt in ((RECORD | {"name": "x"}, SALT), (RECORD, bytes(32))):
        with pytest.raises(InputError, match="other_record"):
            make_disclosure(record, salt, ["name"], RECEIPT)


def test_make__name_that_is_not_there__refused() -> None:
    with pytest.raises(InputError, match="no_such_member"):
        make_disclosure(RECORD, SALT, ["nothing"], RECEIPT)


def changed(at: int | None = None, /, **members: Any) -> bytes:
    value = json.loads(DATA)
    (value if at is None else value["members"][at]).update(members)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (changed(more=1), "format.member_unknown"),
        (changed(0, more=1), "format.member_unknown"),
        (changed(format="chuzheng-disclosure/2"), "format.unknown"),
        (changed(n=True), "format.count"),
        (changed(n=257), "format.count"),
        (changed(n=3), "format.list"),
        (changed(n=15), "disclosure.path_length"),
        (changed(members=[]), "disclosure.nothing_shown"),
        (changed(members={}), "format.list"),
        (changed(members=[MEMBERS[1], MEMBERS[0], *MEMBERS[2:]]), "disclosure.order"),
        (changed(members=[MEMBERS[0], MEMBERS[0], *MEMBERS[1:]]), "disclosure.order"),
        (changed(0, name="zzz"), "disclosure.order"),
        (changed(1, i=0), "disclosure.order"),
        (changed(1, name="capture"), "disclosure.order"),
        (changed(members=MEMBERS[1:]), "disclosure.hidden"),
        (changed(0, i=-1), "format.count"),
        (changed(0, i=0.0), "format.count"),
        (changed(0, i=16), "disclosure.position"),
        (changed(0, name=1), "format.text"),
        (changed(0, name="\ud800"), "json.lone_surrogate"),
        (changed(0, salt=to_b64(bytes(31))), "format.length"),
        (changed(0, salt=None), "format.base64"),
        (changed(0, path=MEMBERS[0]["path"][:-1]), "disclosure.path_length"),
        (changed(0, path=[*MEMBERS[0]["path"], MEMBERS[0]["path"][0]]), "disclosure.path_length"),
        (changed(0, path=[MEMBERS[0]["path"][0]] * 9), "format.list"),
        (changed(0, path=[None] * 4), "format.base64"),
        (changed(0, value=1e16), "json.integer_range"),
        (changed(receipt=json.loads(RECEIPT.to_json())), "disclosure.salt_in_receipt"),
        (changed(receipt=1), "format.object"),
        (b"{}", "format.member_missing"),
    ],
)
def test_parse__refused_case__its_code(data: bytes, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse_disclosure(data)
    assert caught.value.code == code


def test_parse__receipt_longer_than_a_receipt_may_be__refused() -> None:
    value = json.loads(receipt(stage="evidenced", salted=False).to_json())
    value["evidence"]["receipt_proof"] = [to_b64(bytes(20_000))] * 16
    with pytest.raises(UnreadableError, match="too_large"):
        parse_disclosure(changed(receipt=value))


def test_parse__over_two_mebibytes__refused() -> None:
    with pytest.raises(UnreadableError, match="too_large"):
        parse_disclosure(DATA + b" " * (2 << 20))


def test_parse__value_nested_as_deep_as_a_record_may__accepted_and_no_deeper() -> None:
    deep: Any = 1
    for _ in range(15):
        deep = [deep]
    record = {"a": deep}
    file = make_disclosure(record, SALT, ["a"], of_kind(record, SALT, Kind.CHECKPOINT))
    assert recompute(parse_disclosure(file)) == commit(record, SALT).sha256
    value = json.loads(file)
    value["members"][0]["value"] = [deep]
    with pytest.raises(UnreadableError, match="nesting"):
        parse_disclosure(json.dumps(value).encode())


@pytest.mark.parametrize("at", range(len(MEMBERS)))
def test_recompute__anything_of_a_member_changed__not_the_commitment(at: int) -> None:
    disclosure = parse_disclosure(DATA)
    own = disclosure.members[at]
    for other in (
        replace(own, value="other"),
        replace(own, name=own.name + "x"),
        replace(own, salt=bytes(32)),
        replace(own, path=(bytes(32), *own.path[1:])),
        replace(own, position=own.position ^ 1),
    ):
        members = (*disclosure.members[:at], other, *disclosure.members[at + 1 :])
        assert recompute(replace(disclosure, members=members)) is None
        assert recompute(replace(disclosure, members=(other,))) != RECEIPT.entry.sha256


def test_recompute__another_number_of_members__not_the_commitment() -> None:
    disclosure = parse_disclosure(DATA)
    first = replace(disclosure, members=disclosure.members[:1])
    assert recompute(first) == RECEIPT.entry.sha256
    assert recompute(replace(first, count=15)) not in (None, RECEIPT.entry.sha256)


def test_parse__number_spelled_otherwise__the_same_commitment() -> None:
    at = next(i for i, member in enumerate(MEMBERS) if member["name"] == "version")
    disclosure = parse_disclosure(changed(at, value=1.0))
    assert type(disclosure.shown["version"]) is int
    assert recompute(disclosure) == RECEIPT.entry.sha256


def test_disclosed_member__printed__without_value_and_salt() -> None:
    assert "11420000011043201A" not in repr(parse_disclosure(DATA).members)
    assert "salt" not in repr(parse_disclosure(DATA).members)
