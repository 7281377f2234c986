"""Rows judged one by one: what one of them is told never depends on what is wrong with another."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import ConflictError
from notary.entry import leaf_of
from notary.intake import Prepared, prepare
from notary.packed import pack_rows
from notary.stores.records import index_of
from notary.submission import Answer, Submission
from tests.fakes.notary import ISSUER, ORIGIN, Rig, certificate

pytestmark = pytest.mark.usefixtures("each_kind")

CONTENT = b"c" * 32


def submit(rig: Rig, records: list[dict[str, object]], key: bytes = b"k" * 32, content: bytes = CONTENT) -> Answer:
    prepared: list[Prepared] = [prepare(record, ISSUER, rig.notary.vault) for record in records]
    rows, details = pack_rows([p.row for p in prepared]), [p.detail for p in prepared]
    sent = Submission(ISSUER, ORIGIN, "backfill", key, content, rows, details, each=True)
    return rig.notary.acceptance.submit(sent).result(120)


def test_each__one_stands_one_contradicts_one_repeats__the_others_are_taken(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1)])
    records = [certificate(2), certificate(1), certificate(1, name="别的"), certificate(3), certificate(2)]
    answer = submit(rig, records)
    assert [index_of(p) for p in answer.positions] == [1, 0, 0, 2, 1]
    assert tuple(answer.taken) == (0, 3)
    assert {offset: error.code for offset, error in answer.refused.items()} == {2: "already_anchored"}
    assert rig.entries()[1:] == [answer.entries[0], answer.entries[3]]
    assert [answer.entries[n] for n in (1, 2, 4)] == [b""] * 3


def test_each__sent_again_under_its_key__the_same_rows_are_its_own(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1)])
    records = [certificate(1), certificate(2), certificate(3, name="x"), certificate(3), certificate(4)]
    first = submit(rig, records)
    rig.again()
    again = submit(rig, records)
    assert (again.positions, again.entries, again.taken) == (first.positions, first.entries, first.taken)
    assert again.refused.keys() == first.refused.keys() == {3}
    assert set(again.repeated) == set(first.taken)  # their salts are read back: fresh ones would be another record's
    assert len(rig.entries()) == 4
    assert len({leaf_of(e) for e in rig.entries()}) == 4


def test_each__other_content_under_its_key__is_refused(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    submit(rig, [certificate(1)])
    with pytest.raises(ConflictError, match="idempotency_conflict"):
        submit(rig, [certificate(2)], content=b"d" * 32)


def test_each__nothing_new__is_an_answer_too(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    submit(rig, [certificate(1)])
    answer = submit(rig, [certificate(1)], key=b"l" * 32)
    assert (list(answer.positions), list(answer.taken)) == ([answer.positions[0]], [])
    again = submit(rig, [certificate(1)], key=b"l" * 32)
    assert (again.positions, again.taken) == (answer.positions, ())
