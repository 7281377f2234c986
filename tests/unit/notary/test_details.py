"""Details by column: they read as a list of them, and what is placed from them is the same, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from notary.details import Columns, Detail, identifiers_of, names_of
from notary.intake import prepare
from notary.packed import pack_rows
from notary.stores import records as sql
from notary.submission import Answer, Submission
from tests.fakes.notary import ISSUER, ORIGIN, Rig, certificate


def columns_of(details: list[Detail]) -> Columns:
    return Columns(*[list(column) for column in zip(*[detail[:5] for detail in details], strict=True)])


def test_columns__as_a_list_of_details() -> None:
    details = [Detail(b"c%d" % n, b"i%d" % n, n, b"k%d" % n, b"b%d" % n) for n in range(5)]
    columns = columns_of(details)
    assert list(columns) == details
    assert list(columns[1:4]) == details[1:4]
    assert columns[-1] == details[-1]
    assert list(identifiers_of(columns)) == list(identifiers_of(details))
    assert list(names_of(columns)) == list(names_of(details))
    assert (len(Columns()), list(Columns())) == (0, [])


@pytest.mark.parametrize("numbers", [(1, 2, 3), (1, 2, 1, 3), (5, 6), (2, 2)])
def test_columns__placed__the_same_rows_as_one_by_one(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    both = [Rig(tmp_path / "a"), Rig(tmp_path / "b")]
    stood, new = prepare(certificate(5), ISSUER, both[0].notary.vault), b"k" * 32
    prepared = [prepare(certificate(n), ISSUER, both[0].notary.vault) for n in numbers]
    told: list[Answer] = []
    for rig, by_column in zip(both, (False, True), strict=True):
        for rows, key in (([stood], b"s" * 32), (prepared, new)):
            details = [row.detail for row in rows]
            given = columns_of(details) if by_column else details
            packed = pack_rows([row.row for row in rows])
            sent = Submission(ISSUER, ORIGIN, "backfill", key, b"c" * 32, packed, given, each=True)
            answer = rig.notary.acceptance.submit(sent).result(120)
        told.append(answer)
    first, second = told
    assert list(first.positions) == list(second.positions)
    assert (list(first.taken), first.refused.keys()) == (list(second.taken), second.refused.keys())
    for table in (sql.records, sql.record_keys, sql.lookups):
        kept = []
        for rig in both:
            with rig.notary.store.reading() as connection:
                kept.append([tuple(row) for row in connection.execute(sa.select(table))])
        assert kept[0] == kept[1]
