"""A back-fill where PostgreSQL is the source, or keeps our records: the same rows, the same outcomes."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.errors import ConflictError
from ledger.store.engine import open_engine
from notary.bulk.table import TableSource
from notary.imports import COLUMNS
from tests.databases import Databases
from tests.fakes.backfilling import SECRET, cells_of, csv_file, fill, outcomes
from tests.fakes.notary import Rig


def made(databases: Databases, count: int) -> tuple[str, sa.Engine]:
    """A database with a table of certificates, a day as a date among its columns."""
    url = databases.empty()
    engine = open_engine(url)
    columns = ", ".join(f"{name} {'DATE' if name == 'issue_date' else 'TEXT'}" for name in COLUMNS)
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE certificates (id BIGINT PRIMARY KEY, {columns})"))
        names = ", ".join(f":{name}" for name in COLUMNS)
        for n in range(count):
            values = {name: cell or None for name, cell in cells_of(n).items()}
            connection.execute(sa.text(f"INSERT INTO certificates VALUES (:id, {names})"), {"id": n * 10, **values})
    return url, engine


def test_table__on_postgresql__one_view_read_only_and_changes_noticed_later(on_postgres: Databases) -> None:
    url, engine = made(on_postgres, 10)
    source = TableSource(url, "certificates", "id", SECRET)
    pages = source.chunks(4, None, 0)
    first = next(pages)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE certificates SET certificate_name = 'other' WHERE id IN (30, 60)"))
        connection.execute(sa.text("DELETE FROM certificates WHERE id = 50"))
    rest = [cells for chunk in pages for cells in chunk.cells]
    assert [list(cells) for cells in [*first.cells, *rest]] == [
        [cells_of(n)[name] for name in COLUMNS] for n in range(10)
    ]
    with pytest.raises(sa.exc.DBAPIError, match="read-only"):
        source._table._connection.execute(sa.text("DELETE FROM certificates"))
    source.close()
    again = TableSource(url, "certificates", "id", SECRET)
    with pytest.raises(ConflictError, match=r"backfill\.changed"):
        next(again.chunks(4, first.mark, 1))
    again.close()
    engine.dispose()


@pytest.mark.usefixtures("each_kind")
def test_run__records_kept_in_either_database__the_same_outcomes(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    rows = [cells_of(1), cells_of(2, issue_date="x"), cells_of(1), cells_of(1, holder_name="别"), cells_of(3)]
    fill(rig, csv_file(tmp_path / "x.csv", rows), tmp_path / "m", chunk=2)
    assert [(row["outcome"], row["index"]) for row in outcomes(tmp_path / "m")] == [
        ("accepted", "0"), ("refused", ""), ("duplicate", "0"), ("refused", "0"), ("accepted", "1"),
    ]  # fmt: skip
    rig.notary.close()
