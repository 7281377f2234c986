"""Packed snapshots: the same answers as the other form, from a file that is never loaded, and nothing changed in it."""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ChuzhengError, InputError, UnreadableError
from ledger.statuses import Decision, DecisionCode
from ledger.types import BlockTime, Digest, Millis
from notary.paged_rows import PAGE_ROWS, Layout, PagedRows, Paging
from notary.snapshot import Snapshot, parse_snapshot, sign_snapshot
from notary.snapshot_facts import why_not
from notary.snapshot_making import snapshot_body
from notary.snapshot_packed import MAGIC, PackedSnapshot, open_snapshot, pack_snapshot
from notary.trust import parse_trust
from tests.apart import traced_peak
from tests.golden import make

LAYOUT = Layout(6, 4)
FACTS = make._facts()
BODY = snapshot_body(**{**FACTS, "decisions": ()})
ANCHORS = [(make.ORIGIN, each) for each in FACTS["anchors"]]
KEY = make.SIGNER.public_key


def paged(rows: list[bytes]) -> PagedRows:
    paging = Paging(LAYOUT)
    data = b"".join(paging.through(rows))
    return PagedRows(io.BytesIO(b"--" + data), LAYOUT, offset=2, count=len(rows), table=bytes(paging.table))


@pytest.mark.parametrize("count", [0, 1, 5, PAGE_ROWS, PAGE_ROWS + 1, 3 * PAGE_ROWS, 3 * PAGE_ROWS + 7])
def test_rows__any_number__found_by_key_and_prefix(count: int) -> None:
    rows = [(3 * n).to_bytes(4, "big") + b"xy" for n in range(count)]
    found = paged(rows)
    assert list(found) == rows
    for n in {0, 1, 3, 3 * PAGE_ROWS - 1, 3 * PAGE_ROWS, 3 * count, 3 * count - 3} - {-3}:
        key = n.to_bytes(4, "big")
        expected = rows[bisect_left(rows, key) :]
        assert next(found.at_least(key), None) == next(iter(expected), None)
        assert list(found.starting(key)) == [row for row in expected[:1] if row.startswith(key)]
    assert list(found.starting(b"\0\0\0")) == [row for row in rows if row.startswith(b"\0\0\0")]


@given(st.sets(st.integers(0, 2**16), max_size=60), st.binary(min_size=1, max_size=2))
def test_rows__any_keys_any_prefix__all_that_begin_with_it(keys: set[int], prefix: bytes) -> None:
    rows = [key.to_bytes(4, "little") + b".." for key in keys]
    rows.sort()
    assert list(paged(rows).starting(prefix)) == [row for row in rows if row.startswith(prefix)]


def test_rows__out_of_order_or_of_another_width__refused() -> None:
    for rows in ([b"b...xx", b"a...xx"], [b"a...xx", b"a...yy"], [b"short"]):
        with pytest.raises(InputError):
            list(Paging(LAYOUT).through(rows))


def decisions(count: int) -> Iterator[tuple[Digest, Decision]]:
    """By key; every third certificate has two."""
    for n in range(count):
        key = Digest(n.to_bytes(4, "big") + hashlib.sha256(b"%d" % n).digest()[:28])
        first = Decision(1, DecisionCode.SUSPENDED, 3, make.ISSUER, BlockTime(n), BlockTime(n + 5),
                         basis=Digest(key[::-1]), until=BlockTime(n + 9) if n % 2 else None)  # fmt: skip
        yield key, first
        if n % 3 == 0:
            yield key, Decision(2, DecisionCode.RESUMED, 0, make.ISSUER, BlockTime(n), BlockTime(n + 6), ends=1,
                                annulled_at=BlockTime(n + 8) if n % 5 == 0 else None)  # fmt: skip


def both(count: int) -> tuple[Snapshot, PackedSnapshot, bytes]:
    plain = parse_snapshot(sign_snapshot(snapshot_body(**{**FACTS, "decisions": list(decisions(count))}), make.SIGNER))
    data = b"".join(pack_snapshot(BODY, ANCHORS, decisions(count), make.SIGNER))
    return plain, open_snapshot(io.BytesIO(data)), data


@pytest.mark.parametrize("count", [0, 1, 2_500])
def test_packed__same_facts__same_answers_as_the_other_form(count: int) -> None:
    plain, packed, _ = both(count)
    packed.check_all()
    assert packed.counted == plain.counted
    for key in [*plain.decisions, bytes(32), b"\xff" * 32]:
        assert packed.decisions_about(key) == plain.decisions_about(key)
    for size in (0, make.SIZE - 1, make.SIZE, make.SIZE + 1):
        assert packed.checkpoint_at(make.ORIGIN, size) == plain.checkpoint_at(make.ORIGIN, size)
        assert packed.first_above(make.ORIGIN, size) == plain.first_above(make.ORIGIN, size)
    assert packed.first_above("chuzheng/golden/11420000011043201A/other", 0) is None
    assert (packed.departments, packed.erasures, packed.complete_to) == (
        plain.departments, plain.erasures, plain.complete_to,
    )  # fmt: skip


def test_packed__numbers_of_a_key_in_any_order__written_by_number() -> None:
    told = list(decisions(1))
    assert both(1)[2] == b"".join(pack_snapshot(BODY, ANCHORS, told[::-1], make.SIGNER))


def sound(data: bytes) -> bool:
    """Whether somebody who believes the key would believe all of the file."""
    try:
        found = open_snapshot(io.BytesIO(data))
        found.check_all()
    except ChuzhengError:
        return False
    trust = replace(parse_trust(make.trust()), snapshot_key=KEY)
    return why_not(found, trust, Millis(found.time * 1000)) is None


SMALL = both(3)[2]


def test_sound__as_it_was_written() -> None:
    assert sound(SMALL)


@settings(max_examples=150)
@given(st.integers(0, len(SMALL) * 8 - 1))
def test_packed__any_bit_changed__not_believed(at: int) -> None:
    data = bytearray(SMALL)
    data[at // 8] ^= 1 << at % 8
    assert not sound(bytes(data))


@given(st.integers(0, len(SMALL) - 1), st.binary(min_size=0, max_size=5))
def test_packed__cut_or_lengthened__unreadable(keep: int, more: bytes) -> None:
    for data in (SMALL[:keep], SMALL + b"\0" + more, SMALL[:keep] + b"\0" + more + SMALL[keep:]):
        assert not sound(data)


def test_lookup__page_changed_meanwhile__refused_and_others_still_answer() -> None:
    _, _, data = both(3 * PAGE_ROWS)
    told = list(decisions(3 * PAGE_ROWS))
    changed = bytearray(data)
    changed[len(MAGIC) + 140 + 10 * 158 + 100] ^= 1  # in the first page of decisions
    found = open_snapshot(io.BytesIO(bytes(changed)))
    with pytest.raises(UnreadableError) as refused:
        found.decisions_about(told[0][0])
    assert refused.value.code == "rows.damaged"
    assert found.decisions_about(told[-1][0]) == (told[-1][1],)


def test_packed__many__neither_written_nor_asked_in_memory(tmp_path: Path) -> None:
    path, count = tmp_path / "snapshot.packed", 30_000
    assert traced_peak(_write_and_ask, path, count) < 3_000_000
    assert path.stat().st_size > 6_000_000


def _write_and_ask(path: Path, count: int) -> None:
    with path.open("wb") as out:
        for piece in pack_snapshot(BODY, ANCHORS, decisions(count), make.SIGNER):
            out.write(piece)
    with path.open("rb") as file:
        _ask(file, count)


def _ask(file: BinaryIO, count: int) -> None:
    found = open_snapshot(file)
    key, _ = next(pair for pair in decisions(count) if pair[0][:4] == (count // 2).to_bytes(4, "big"))
    assert found.decisions_about(key)
