"""Parquet by row groups: texts and days only; marks count rows, and another file is another source."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.errors import ConflictError, InputError, RowsError, UnreadableError
from notary.bulk.parquet import ParquetSource
from notary.imports import COLUMNS
from tests.fakes.backfilling import SECRET, all_rows, cells_of


def written(path: Path, count: int, group: int = 5, **columns: pa.Array) -> Path:
    rows = [cells_of(n) for n in range(count)]
    made = {name: pa.array([row[name] or None for row in rows], pa.string()) for name in COLUMNS} | columns
    pq.write_table(pa.table(made), path, row_group_size=group)
    return path


def test_rows__several_groups__in_order_as_cells(tmp_path: Path) -> None:
    days = pa.array([dt.date(2024, 2, 28)] * 12, pa.date32())
    names = pa.array(["食品经营许可证"] * 12).dictionary_encode()
    source = ParquetSource(written(tmp_path / "x.parquet", 12, issue_date=days, certificate_name=names), None, SECRET)
    chunks = list(source.chunks(7, None, 0))
    assert all_rows(chunks) == [(n, "") for n in range(1, 13)]
    assert [tuple(cells) for chunk in chunks for cells in chunk.cells] == [
        tuple(cells_of(n)[name] for name in COLUMNS) for n in range(12)
    ]
    source.close()


@pytest.mark.parametrize("done", [0, 1, 4, 5, 9, 11, 12])
def test_mark__anywhere__the_rows_behind_it(tmp_path: Path, done: int) -> None:
    path = written(tmp_path / "x.parquet", 12, key=pa.array(range(100, 112)))
    source = ParquetSource(path, "key", SECRET)
    mark = None
    if done:
        mark = next(source.chunks(done, None, 0)).mark
    rest = list(source.chunks(100, mark, 1))
    assert [key for chunk in rest for key in chunk.keys] == [str(100 + n) for n in range(done, 12)]
    source.close()


def test_types__numbers_and_times__refused_with_their_columns(tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.parquet", 2, valid_to=pa.array([dt.datetime(2024, 1, 1)] * 2), certificate_number=pa.array([1, 2])
    )
    with pytest.raises(RowsError) as told:
        ParquetSource(path, None, SECRET)
    assert {(column, error.code) for _, column, error in told.value.rows} == {
        ("certificate_number", "backfill.column_type"), ("valid_to", "backfill.column_type"),
    }  # fmt: skip


def test_columns__one_missing__refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({name: pa.array(["x"]) for name in COLUMNS[:-1]}), path)
    with pytest.raises(RowsError, match=r"backfill\.columns"):
        ParquetSource(path, None, SECRET)


def test_file__no_parquet_or_empty__refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(UnreadableError, match=r"backfill\.parquet"):
        ParquetSource(path, None, SECRET)
    with pytest.raises(InputError, match=r"import\.empty"):
        ParquetSource(written(path, 0), None, SECRET)


def test_file__another_one__refused_at_the_mark(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", 8)
    source = ParquetSource(path, None, SECRET)
    mark = next(source.chunks(3, None, 0)).mark
    source.close()
    other = ParquetSource(written(path, 9), None, SECRET)
    with pytest.raises(ConflictError, match=r"backfill\.changed"):
        next(other.chunks(3, mark, 1))
    other.close()


def test_group__cut_in_the_middle__is_an_error_of_ours(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", 50, group=50)
    data = bytearray(path.read_bytes())
    data[40:400] = bytes(360)
    path.write_bytes(bytes(data))
    source = ParquetSource(path, None, SECRET)
    with pytest.raises(UnreadableError, match=r"backfill\.parquet"):
        list(source.chunks(10, None, 0))
    source.close()
