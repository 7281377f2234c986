"""The 92 bytes, leaves, status keys, names of logs (formats.md §3, §4)."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InputError, UnreadableError
from ledger.types import DepartmentCode, Digest, Kind, Millis
from notary.entry import (
    HOUR,
    HOURLY,
    Entry,
    ParsedOrigin,
    check_entries,
    leaf_of,
    log_id,
    make_origin,
    parse_origin,
    status_key,
)
from tests.unit.notary.json_values import hashes

FORMATS = Path(__file__).parents[2] / "vectors/formats"
CASES = json.loads((FORMATS / "commitments.json").read_text())
LOGS = json.loads((FORMATS / "logs.json").read_text())
PROMISE = json.loads((FORMATS / "promise.json").read_text())
USCC = "11420000011043201A"
ENTRY = Entry(Kind.CERTIFICATE, DepartmentCode(USCC), Millis(HOUR), Digest(b"a" * 32), Digest(b"b" * 32))
b64 = base64.b64decode


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_entry__vector__fields_leaf_and_status_key(case: dict[str, Any]) -> None:
    entry = Entry.from_bytes(b64(case["entry"]))
    assert entry.to_bytes() == b64(case["entry"])
    assert (entry.sha256.hex(), entry.sm3.hex()) == (case["commitment_sha256"], case["commitment_sm3"])
    assert leaf_of(entry.to_bytes()).hex() == case["leaf"]
    assert status_key(entry.issuer, entry.sha256).hex() == case["status_key"]


@pytest.mark.parametrize("case", LOGS, ids=range(len(LOGS)))
def test_entry__log_vector__kind_issuer_and_time(case: dict[str, Any]) -> None:
    entry = Entry.from_bytes(b64(case["entry"]))
    assert (entry.kind, entry.issuer, entry.accepted_at) == (1, USCC, 1_780_000_000_000 + case["index"])


@given(st.sampled_from(Kind), st.integers(0, (1 << 53) // HOUR - 1), st.integers(0, HOUR - 1), hashes, hashes)
def test_entry__any_fields__there_and_back(kind: Kind, hours: int, rest: int, a: bytes, b: bytes) -> None:
    time = Millis(hours * HOUR + (0 if kind in HOURLY else rest))
    entry = Entry(kind, DepartmentCode(USCC), time, Digest(a), Digest(b))
    data = entry.to_bytes()
    assert len(data) == 92
    assert Entry.from_bytes(data) == entry


@given(st.integers(0, 92 * 8 - 1))
def test_entry__one_bit_flipped__unreadable_or_another_entry(bit: int) -> None:
    data = bytearray(ENTRY.to_bytes())
    data[bit // 8] ^= 1 << bit % 8
    try:
        other = Entry.from_bytes(bytes(data))
    except UnreadableError:
        return
    assert other != ENTRY
    assert other.to_bytes() == bytes(data)


@pytest.mark.parametrize(
    ("at", "new", "code"),
    [
        (0, b"\x00", "entry.version"),
        (0, b"\x02", "entry.version"),
        (1, b"\x00", "entry.kind"),
        (1, b"\x08", "entry.kind"),
        (2, b"a", "entry.issuer"),
        (2, b"\x00", "entry.issuer"),
        (19, b"\n", "entry.issuer"),
        (20, b"\x00\x20\x00\x00\x00\x00\x00\x00", "entry.time"),
    ],
)
def test_entry__field_out_of_range__unreadable(at: int, new: bytes, code: str) -> None:
    data = ENTRY.to_bytes()
    with pytest.raises(UnreadableError) as caught:
        Entry.from_bytes(data[:at] + new + data[at + len(new) :])
    assert caught.value.code == code


@pytest.mark.parametrize("data", [b"", bytes(91), bytes(93), ENTRY.to_bytes() + b"\n"])
def test_entry__other_length__unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"entry\.length"):
        Entry.from_bytes(data)


@pytest.mark.parametrize("kind", sorted(HOURLY))
def test_entry__minutes_where_only_hours_are_kept__refused_both_ways(kind: Kind) -> None:
    data = bytearray(replace(ENTRY, kind=kind).to_bytes())
    data[27] ^= 1
    with pytest.raises(UnreadableError, match=r"entry\.time"):
        Entry.from_bytes(bytes(data))
    with pytest.raises(InputError, match="full_hour"):
        replace(ENTRY, kind=kind, accepted_at=Millis(HOUR + 1)).to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": b"x" * 31},
        {"sm3": b""},
        {"issuer": "short"},
        {"issuer": "１１４２０００００１１０４３２０１Ａ"},
        {"accepted_at": -1},
        {"accepted_at": 1 << 53},
    ],
)
def test_to_bytes__field_that_does_not_fit__refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        replace(ENTRY, **change).to_bytes()


def test_origin__promise_vector__its_log_id() -> None:
    assert parse_origin(PROMISE["origin"]) == ParsedOrigin("test1", DepartmentCode(USCC), None)
    assert log_id(PROMISE["origin"]).hex() == PROMISE["log_id"]


def test_origin__with_shard__taken_apart_and_made() -> None:
    origin = make_origin("hubei-1", USCC, "share")
    assert origin == f"chuzheng/hubei-1/{USCC}/share"
    assert parse_origin(origin) == ParsedOrigin("hubei-1", DepartmentCode(USCC), "share")


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("", "origin.form"),
        (f"chuzheng/{USCC}", "origin.form"),
        (f"Chuzheng/n/{USCC}", "origin.form"),
        (f"chuzheng/n/{USCC}/a/b", "origin.form"),
        (f"chuzheng/n/{USCC}/", "origin.segment"),
        (f"chuzheng//{USCC}", "origin.segment"),
        (f"chuzheng/-n/{USCC}", "origin.segment"),
        (f"chuzheng/N/{USCC}", "origin.segment"),
        (f"chuzheng/{'n' * 33}/{USCC}", "origin.segment"),
        (f"chuzheng/n/{USCC}/s\n", "origin.segment"),
        (f"chuzheng/n١/{USCC}", "origin.segment"),
        ("chuzheng/n/11420000011043201B", "origin.issuer"),
        (f"chuzheng/n/{USCC.lower()}", "origin.issuer"),
        ("chuzheng/n/1142", "origin.issuer"),
        (f"chuzheng/n/{USCC}\n", "origin.issuer"),
    ],
)
def test_origin__not_written_exactly__unreadable(origin: str, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse_origin(origin)
    assert caught.value.code == code


_entries = st.builds(
    lambda version, kind, issuer, at, rest: bytes((version, kind)) + issuer + at.to_bytes(8) + rest,
    st.sampled_from([1, 1, 1, 0, 2]),
    st.sampled_from([1, 1, 2, 3, 6, 7, 0, 8]),
    st.sampled_from([b"11420000MB9543829Q"] * 3 + [b"11429021009997812P", b"11420000mb9543829q"]),
    st.sampled_from([1_770_000_000_000, 3_600_000, 0, 1 << 53, (1 << 53) - 1, (1 << 64) - 1]),
    st.binary(min_size=64, max_size=64),
)


@given(st.lists(_entries, max_size=5), st.sampled_from([b"", b"", b"\1", b"x" * 91]))
def test_check_entries__any_bytes__as_one_by_one(entries: list[bytes], more: bytes) -> None:
    joined = b"".join(entries) + more
    expected = None
    try:
        for at in range(0, len(joined), 92):
            Entry.from_bytes(joined[at : at + 92])
    except UnreadableError as error:
        expected = error.code
    if expected is None:
        check_entries(joined)
    else:
        with pytest.raises(UnreadableError) as caught:
            check_entries(joined)
        assert more or caught.value.code == expected
