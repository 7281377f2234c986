"""Erasures as others see them: the list reads strictly and proves itself; an order code names no person."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ConflictError, InputError, UnreadableError
from ledger.types import DepartmentCode, Kind, Millis, Origin
from notary.commitment import commit
from notary.entry import Entry, make_origin
from notary.erasures import (
    ERASED,
    MOVES,
    Erased,
    Proof,
    State,
    check_order,
    check_state_move,
    erasure_record,
    parse_erasures,
    proves,
    write_erasures,
)

ISSUER = DepartmentCode("11420000MB9543829Q")
ORIGIN = make_origin("test", ISSUER)
OTHER = make_origin("test", DepartmentCode("11429021009997812P"))
SALT = bytes(range(32))
ORDER = "鄂法令〔2026〕12号"
ITEM = Erased(7, ORDER, Proof(ORIGIN, 9, SALT))


def raw(kind: Kind = Kind.ERASURE, record: dict[str, Any] | None = None) -> bytes:
    found = commit(record or erasure_record(ORIGIN, 7, ORDER), SALT)
    return Entry(kind, ISSUER, Millis(1_770_000_000_000), found.sha256, found.sm3).to_bytes()


def test_proves__its_own_entry__and_no_other() -> None:
    assert proves(ITEM, ORIGIN, raw())
    assert not proves(replace(ITEM, index=8), ORIGIN, raw())
    assert not proves(replace(ITEM, order="另一份"), ORIGIN, raw())
    assert not proves(replace(ITEM, proof=None), ORIGIN, raw())
    assert not proves(replace(ITEM, proof=Proof(ORIGIN, 9, bytes(32))), ORIGIN, raw())
    assert not proves(replace(ITEM, proof=Proof(OTHER, 9, SALT)), ORIGIN, raw())
    assert not proves(ITEM, OTHER, raw())
    assert not proves(ITEM, ORIGIN, raw(Kind.DOCUMENT))


items = st.builds(
    Erased,
    st.integers(0, 2**53 - 1),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=64),
    st.none() | st.builds(Proof, st.just(ORIGIN), st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32)),
)


@given(st.lists(items, max_size=5, unique_by=lambda item: item.index))
def test_list__written_and_read__the_same(erased: list[Erased]) -> None:
    data = write_erasures(ORIGIN, erased)
    origin, found = parse_erasures(data)
    assert (origin, list(found)) == (ORIGIN, sorted(erased, key=lambda e: e.index))
    assert write_erasures(origin, found) == data


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(format="chuzheng-erasures/2"),
        lambda v: v.update(more=1),
        lambda v: v.pop("origin"),
        lambda v: v.update(origin="elsewhere"),
        lambda v: v.update(erasures={}),
        lambda v: v["erasures"].append(v["erasures"][0]),
        lambda v: v["erasures"].append({"index": 3, "order": "x"}),
        lambda v: v["erasures"][0].update(index=True),
        lambda v: v["erasures"][0].update(order=7),
        lambda v: v["erasures"][0].update(order="x" * 65),
        lambda v: v["erasures"][0].update(entry=None),
        lambda v: v["erasures"][0]["entry"].update(salt="AA=="),
        lambda v: v["erasures"][0]["entry"].pop("index"),
    ],
)
def test_list__anything_else__unreadable(change: Any) -> None:
    value = json.loads(write_erasures(ORIGIN, [ITEM]))
    change(value)
    with pytest.raises(UnreadableError):
        parse_erasures(json.dumps(value).encode())


@pytest.mark.parametrize("order", [ORDER, "X", "Order 12/2026, art. 3", "x" * 64])
def test_order__a_code__as_it_is(order: str) -> None:
    assert check_order(order) == order


@pytest.mark.parametrize(
    "order",
    ["", " ", " x", "x ", "a\nb", "x" * 65, "42010119900101123X", "删除 420101199001011234", "13800000000 来电"],
)
def test_order__empty_long_broken_or_somebodys_number__refused(order: str) -> None:
    with pytest.raises(InputError, match=r"erasure\.order"):
        check_order(order)


def test_moves__what_is_destroyed__never_comes_back() -> None:
    reached, todo = set[State](), {State.DESTROYED}
    while todo:
        reached |= todo
        todo = {after for state in todo for after in MOVES[state]} - reached
    assert reached == ERASED
    for before in State:
        for after in State:
            if after in MOVES[before]:
                check_state_move(before, after)
            else:
                with pytest.raises(ConflictError):
                    check_state_move(before, after)


def test_record__of_another_log__its_issuer() -> None:
    assert erasure_record(Origin(OTHER), 1, "x")["issuer"] == "11429021009997812P"
