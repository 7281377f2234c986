"""A table page by page: one view a run, and what changed behind the mark is noticed at the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ChuzhengError, ConflictError
from notary.bulk.table import TableSource
from notary.imports import COLUMNS
from tests.fakes.backfilling import SECRET, all_rows, cells_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "source.sqlite"
    with closing(sqlite3.connect(path)) as db:
        columns = ", ".join(f"{name} TEXT" for name in COLUMNS)
        db.execute(f"CREATE TABLE certificates (id INTEGER, note TEXT, {columns})")
        for n in range(10):
            put(db, n * 10, n)
        db.commit()
    return path


def put(db: sqlite3.Connection, key: Any, n: int) -> None:
    cells = cells_of(n)
    marks = ", ".join("?" * (len(COLUMNS) + 2))
    db.execute(f"INSERT INTO certificates VALUES ({marks})", (key, "x", *[cells[name] or None for name in COLUMNS]))


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()


@pytest.fixture
def source(path: Path) -> Iterator[TableSource]:
    opened = table(path)
    yield opened
    opened.close()


def table(path: Path, key: str | None = "id", name: str = "certificates") -> TableSource:
    return TableSource(f"sqlite:///{path}", name, key, SECRET)


def test_pages__whole_table__every_row_once_in_the_order_of_the_key(source: TableSource) -> None:
    chunks = list(source.chunks(4, None, 0))
    assert [chunk.keys for chunk in chunks] == [["0", "10", "20", "30"], ["40", "50", "60", "70"], ["80", "90"]]
    assert all_rows(chunks) == [(n, "") for n in range(1, 11)]
    assert chunks[0].cells[1] == [cells_of(1)[name] for name in COLUMNS]


def test_pages__rows_change_between_them__the_run_sees_one_state(path: Path) -> None:
    change(path, "PRAGMA journal_mode = WAL")
    source = table(path)
    pages = source.chunks(4, None, 0)
    next(pages)
    change(path, "DELETE FROM certificates WHERE id = 50")
    change(path, "UPDATE certificates SET certificate_name = 'other' WHERE id = 60")
    with closing(sqlite3.connect(path)) as db:
        put(db, 45, 99)
        db.commit()
    seen = [(key, cells) for chunk in pages for key, cells in zip(chunk.keys, chunk.cells, strict=True)]
    source.close()
    assert [key for key, _ in seen] == ["40", "50", "60", "70", "80", "90"]
    assert seen[2][1] == [cells_of(6)[name] for name in COLUMNS]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM certificates WHERE id = 10",
        "DELETE FROM certificates WHERE id = 30",
        "UPDATE certificates SET certificate_name = 'other' WHERE id = 30",
        "INSERT INTO certificates (id) VALUES (15)",
        "UPDATE certificates SET id = 5 WHERE id = 90",
    ],
)
def test_mark__done_rows_changed_since__refused(path: Path, statement: str) -> None:
    source = table(path)
    mark = next(source.chunks(4, None, 0)).mark
    source.close()
    change(path, statement)
    again = table(path)
    with pytest.raises(ConflictError, match=r"backfill\.changed"):
        next(again.chunks(4, mark, 1))
    again.close()


def test_mark__rows_added_behind_it__are_read(path: Path) -> None:
    source = table(path)
    mark = list(source.chunks(6, None, 0))[-1].mark
    source.close()
    with closing(sqlite3.connect(path)) as db:
        put(db, 200, 50)
        db.commit()
    again = table(path)
    assert [chunk.keys for chunk in again.chunks(4, mark, 2)] == [["200"]]
    again.close()


@pytest.mark.parametrize(
    ("statement", "key", "name", "code"),
    [
        ("SELECT 1", None, "certificates", "backfill.key_needed"),
        ("SELECT 1", "serial", "certificates", "backfill.key_missing"),
        ("SELECT 1", "identifier", "certificates", "backfill.key_personal"),
        ("SELECT 1", "id", "nothing", "backfill.table"),
        ("SELECT 1", "id", "certificates; DROP TABLE certificates", "backfill.table"),
        ("UPDATE certificates SET id = NULL WHERE id = 20", "id", "certificates", "backfill.key_null"),
        ("DELETE FROM certificates", "id", "certificates", "import.empty"),
        ("ALTER TABLE certificates DROP COLUMN holder_name", "id", "certificates", "backfill.columns"),
    ],
)
def test_table__wrong__refused_before_any_row(
    path: Path, statement: str, key: str | None, name: str, code: str
) -> None:
    change(path, statement)
    with pytest.raises(ChuzhengError) as told:
        table(path, key, name)
    assert told.value.code == code


@pytest.mark.parametrize("repeated", [20, 30])
def test_key__repeats__noticed_within_and_between_pages(path: Path, repeated: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        put(db, repeated, 77)
        db.commit()
    source = table(path)
    with pytest.raises(ChuzhengError) as told:
        list(source.chunks(4, None, 0))
    assert told.value.code in ("backfill.key_repeats", "backfill.changed")
    source.close()


def test_cells__numbers_with_a_point__the_row_is_refused_the_others_follow(path: Path) -> None:
    change(path, "UPDATE certificates SET certificate_number = x'00' WHERE id = 20")
    source = table(path)
    assert all_rows(list(source.chunks(20, None, 0)))[2] == (3, "backfill.column_type")
    source.close()


@pytest.mark.parametrize(
    ("url", "code"),
    [("nonsense", "backfill.url"), ("mysql://u:secret@h/d", "backfill.backend"), ("sqlite://", "backfill.backend"),
     ("sqlite:////nowhere/at/all.sqlite", "backfill.database")],
)  # fmt: skip
def test_url__wrong__refused_without_repeating_it(url: str, code: str) -> None:
    with pytest.raises(ChuzhengError) as told:
        TableSource(url, "t", "id", SECRET)
    assert told.value.code == code
    assert "secret" not in str(told.value)


def test_source__is_only_read(path: Path, source: TableSource) -> None:
    before = path.read_bytes()
    list(source.chunks(3, None, 0))
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name]
