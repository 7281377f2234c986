"""Strict reading and RFC 8785 writing (formats.md §1)."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import UnreadableError
from notary.canonical import (
    MAX_BYTES,
    canonicalise,
    check_record,
    depth_of,
    nests_deeper,
    normalise,
    parse_record,
    parse_strict,
    sort_members,
)
from tests.unit.notary.json_values import records, texts, values

VECTORS = Path(__file__).parents[2] / "vectors"
REFUSED = json.loads((VECTORS / "formats/refused_records.json").read_text())
ACCEPTED = json.loads((VECTORS / "formats/accepted_records.json").read_text())
CODES = {
    "duplicate member": "json.duplicate_member",
    "duplicate member after unescaping": "json.duplicate_member",
    "integer beyond 2^53-1": "json.integer_range",
    "integer beyond, spelled as a float": "json.integer_range",
    "canonical form is digits only and beyond": "json.integer_range",
    "overflow": "json.not_finite",
    "NaN": "json.not_finite",
    "Infinity": "json.not_finite",
    "lone surrogate": "json.lone_surrogate",
    "not an object": "record.not_object",
    "no member": "record.no_members",
    "empty": "json.syntax",
    "trailing bytes": "json.syntax",
    "BOM": "json.bom",
    "not UTF-8": "json.not_utf8",
    "nesting 17": "json.nesting",
    "257 members": "json.too_many_members",
    "not JSON": "json.syntax",
    "control character in a string": "json.syntax",
}


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableError) as caught:
        parse_record(data)
    return caught.value.code


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["why"])
def test_parse_record__refused_vector__its_own_code(case: dict[str, str]) -> None:
    assert refusal(base64.b64decode(case["bytes"])) == CODES[case["why"]]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case["why"])
def test_parse_record__accepted_vector__canonical_bytes_parse_to_the_same(case: dict[str, str]) -> None:
    record = parse_record(base64.b64decode(case["bytes"]))
    assert parse_record(canonicalise(record)) == record


@pytest.mark.parametrize("name", ["arrays", "french", "structures"])
def test_canonicalise__rfc_8785_pair__exact_bytes(name: str) -> None:
    value = parse_strict((VECTORS / f"jcs/input/{name}.json").read_bytes())
    assert canonicalise(value) == (VECTORS / f"jcs/output/{name}.json").read_bytes()
    assert canonicalise(value) == bytes.fromhex("".join((VECTORS / f"jcs/outhex/{name}.txt").read_text().split()))


@pytest.mark.parametrize(
    "literal",
    [
        "9007199254740992",
        "-9007199254740992",
        "9007199254740993.0",
        "9007199254740991.5",
        "1e16",
        "1E16",
        "10000000000000000e0",
        "0.9007199254740992e16",
        "123456789012345678901",
        "99999999999999999999",
        "-999999999999999868928",
    ],
)
def test_parse__digits_only_and_beyond__refused_however_spelled(literal: str) -> None:
    assert refusal(b'{"a":%s}' % literal.encode()) == "json.integer_range"


@pytest.mark.parametrize(
    ("literal", "canonical"),
    [
        ("9007199254740991", "9007199254740991"),
        ("-9007199254740991.0", "-9007199254740991"),
        ("9007199254740991.4", "9007199254740991"),
        ("1e15", "1000000000000000"),
        ("1e21", "1e+21"),
        ("1000000000000000000000", "1e+21"),
        ("999999999999999999999", "1e+21"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1.0", "1"),
        ("4.50", "4.5"),
        ("1e-7", "1e-7"),
        ("0.000001", "0.000001"),
        ("5e-324", "5e-324"),
        ("1e-400", "0"),
        ("0" + "." + "0" * 30 + "1", "1e-31"),
        ("9" * 5000, None),
        ("1" + "0" * 300, "1e+300"),
    ],
)
def test_parse__number__its_canonical_form(literal: str, canonical: str | None) -> None:
    data = b'{"a":%s}' % literal.encode()
    if canonical is None:
        assert refusal(data) == "json.not_finite"
    else:
        assert canonicalise(parse_record(data)) == b'{"a":%s}' % canonical.encode()


def test_parse_record__whole_float__an_integer_but_a_float_for_formats() -> None:
    assert type(parse_record(b'{"version":1.0}')["version"]) is int
    assert type(parse_strict(b'{"index":1.0}')["index"]) is float


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":' * 17 + b"1" + b"}" * 17, "json.nesting"),
        (b"[" * 100_000, "json.nesting"),
        (b'{"a":"' + b"x" * MAX_BYTES + b'"}', "json.too_large"),
        (b'{"\\udc00":1}', "json.lone_surrogate"),
        (b'{"a":{"b":["\\uD83D"]}}', "json.lone_surrogate"),
        (b'{"a":"\xed\xa0\x80"}', "json.not_utf8"),
        (b'{"a":"\xc0\xaf"}', "json.not_utf8"),
        (b'{"a":1}\x00', "json.syntax"),
        (b'{"a":1}\xc2\xa0', "json.syntax"),
        (b'{"a":1,}', "json.syntax"),
        (b'{"a":1 "b":2}', "json.syntax"),
        (b'{"a":+1}', "json.syntax"),
        (b'{"a":.5}', "json.syntax"),
        (b'{"a":1.}', "json.syntax"),
        (b'{"a":0x1}', "json.syntax"),
        (b'{"a":-}', "json.syntax"),
        (b'{"a":-Infinity}', "json.not_finite"),
        (b'{"a":"\\x41"}', "json.syntax"),
        (b'{"a":\xef\xbc\x91}', "json.syntax"),
        (b'{"a":True}', "json.syntax"),
        (b'{"a":{"b":1,"b":1}}', "json.duplicate_member"),
        (b'\xff\xfe{\x00"\x00', "json.not_utf8"),
        (b"null", "record.not_object"),
    ],
)
def test_parse__malformed__unreadable(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_parse_record__grows_beyond_a_mebibyte_when_canonical__refused() -> None:
    data = b'{"a":[' + b"1e15," * 90_000 + b"1]}"
    assert len(data) < MAX_BYTES
    assert refusal(data) == "json.too_large"


def test_parse_record__many_shallow_objects__accepted() -> None:
    assert len(parse_record(json.dumps({"a": [{} for _ in range(100)]}).encode())["a"]) == 100


def test_parse_strict__limits_of_the_caller__hold() -> None:
    with pytest.raises(UnreadableError, match="too_large"):
        parse_strict(b"[1,2]", limit=4)
    with pytest.raises(UnreadableError, match="too_many_members"):
        parse_strict(b'{"a":1,"b":2}', max_members=1)
    assert parse_strict(b'{"a":1,"b":2}', max_members=2) == {"a": 1, "b": 2}
    with pytest.raises(UnreadableError, match="nesting"):
        parse_strict(b"[[[1]]]", max_depth=2)
    assert parse_strict(b"[[[1]]]", max_depth=3) == [[[1]]]


def test_parse__duplicate_member__is_named_shortened_and_printable() -> None:
    with pytest.raises(UnreadableError) as caught:
        parse_strict(b'{"a":1,"\\ud800%b":2,"\\ud800%b":3}' % (b"x" * 99, b"x" * 99))
    assert caught.value.params == {"member": "\\ud800" + "x" * 59}


def test_sort_members__above_the_bmp__utf16_order_not_code_points() -> None:
    assert [name for name, _ in sort_members({"\ufb33": 1, "\U0001f600": 2, "a": 3})] == ["a", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 1 << 53, 1e16, "\ud800", {"\ud800": 1}, {1: 2}, b"x", {"a": {1}}, 1j]
)
def test_canonicalise__no_canonical_form__unreadable(value: Any) -> None:
    with pytest.raises(UnreadableError):
        canonicalise(value)


@pytest.mark.parametrize("record", [{}, {str(i): i for i in range(257)}, {"a": 1 << 53}, {"a": "x" * MAX_BYTES}])
def test_check_record__what_parse_refuses__refused(record: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        check_record(record)


def test_check_record__nesting__sixteen_and_no_more() -> None:
    deep: Any = 1
    for _ in range(16):
        deep = {"a": deep}
    assert depth_of(deep) == 16
    assert check_record(deep) == canonicalise(deep)
    with pytest.raises(UnreadableError, match="nesting"):
        check_record({"a": deep})


@given(values)
def test_canonicalise__any_value__equals_the_reference(value: Any) -> None:
    assert canonicalise(value) == rfc8785.dumps(value)


@given(records)
def test_parse_record__canonical_bytes__fixed_point(record: dict[str, Any]) -> None:
    canonical = canonicalise(record)
    assert parse_record(canonical) == normalise(record)
    assert canonicalise(parse_record(canonical)) == canonical
    assert canonicalise(parse_record(json.dumps(record).encode())) == canonical
    assert check_record(record) == canonical


@given(st.dictionaries(texts, st.integers(0, 9), max_size=20))
def test_sort_members__any_names__as_the_reference_writes_them(record: dict[str, int]) -> None:
    assert [n for n, _ in sort_members(record)] == list(json.loads(rfc8785.dumps(record)))


@given(st.binary(max_size=60))
def test_parse_strict__any_bytes__a_value_or_unreadable(data: bytes) -> None:
    try:
        value = parse_strict(data)
    except UnreadableError:
        return
    canonicalise(value)


@pytest.mark.parametrize(
    ("data", "limit", "deeper"),
    [
        (b"[" * 16 + b"]" * 16, 16, False),
        (b"[" * 17 + b"]" * 17, 16, True),
        (b"[" * 1_000_000, 16, True),
        (b'["' + b"[" * 1000 + b'"]', 16, False),
        (b'["\\"' + b"[" * 1000 + b'"]', 16, False),
        (b"{}" * 1000, 16, False),
        (b'"' + b"[" * 1000, 16, False),
    ],
)
def test_nests_deeper__brackets_anywhere__counts_containers_only(data: bytes, limit: int, deeper: bool) -> None:
    assert nests_deeper(data, limit) is deeper


def test_parse__a_megabyte_of_brackets_in_a_process_of_any_recursion_limit__refused() -> None:
    """A library that raises the process's recursion limit must not turn a refusal into a crash of the process."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(UnreadableError) as refused:
            parse_strict(b"[" * (1 << 20))
    finally:
        sys.setrecursionlimit(before)
    assert refused.value.code == "json.nesting"


@pytest.mark.parametrize("before", [0, 1, 63, 64, 65, 200])
@pytest.mark.parametrize(
    ("escape", "lone"), [(r"\ud800", True), (r"\uD800", True), (r"\\ud800", False), (r"\ud83d\ude00", False)]
)
def test_surrogates__after_many_other_escapes__found_all_the_same(before: int, escape: str, lone: bool) -> None:
    data = ('{"a":"' + r"\n" * before + escape + '"}').encode()
    if lone:
        with pytest.raises(UnreadableError, match=r"json\.lone_surrogate"):
            parse_strict(data)
    else:
        assert parse_strict(data)["a"].startswith("\n" * before)
