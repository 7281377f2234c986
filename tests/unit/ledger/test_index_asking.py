"""Decisions of one key straight from the driver: the same answers as through SQLAlchemy, and the same errors."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from ledger.errors import IntegrityError
from ledger.store.engine import open_engine, reading, upgrade, writing
from ledger.store.index.asking import DecisionsAsked, decision_of, told_decisions
from ledger.store.tables import annulments, cursor, decisions
from ledger.types import Digest

KEYS = [Digest(bytes([n]) * 32) for n in range(3)]
CONTRACTS = ["0x" + "11" * 20, "0x" + "22" * 20]
HASH = "0x" + "ab" * 32
PLACES = st.tuples(st.sampled_from(KEYS), st.sampled_from(CONTRACTS), st.integers(1, 3))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    made = open_engine(f"sqlite:///{tmp_path_factory.mktemp('asked')}/index.db")
    upgrade(made)
    return made


def told(table: sa.Table, place: tuple[Digest, str, int], block: int, at: int) -> dict[str, object]:
    key, contract, number = place
    row: dict[str, object] = {"status_key": key, "contract": contract, "number": number, "block_number": block}
    row |= {"log_index": at, "block_hash": HASH, "tx_hash": HASH, "block_time": 1000 + block}
    if table is decisions:
        row |= {"code": 2 + number, "cause": 0, "department": "11420000MB9543829Q", "effective_from": 900}
        row |= {"basis": bytes(32) if number > 1 else None, "ends": None, "until": None, "successor": None}
    return {name: value for name, value in row.items() if name in table.c}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(PLACES, st.integers(1, 9), max_size=8),
    st.dictionaries(PLACES, st.integers(1, 9), max_size=4),
    st.none() | st.integers(0, 9),
    st.integers(0, 3),
)
def test_decisions__any_index__as_through_sqlalchemy(
    engine: Engine,
    made: dict[tuple[Digest, str, int], int],
    annulled: dict[tuple[Digest, str, int], int],
    head: int | None,
    depth: int,
) -> None:
    with writing(engine) as connection:
        for table, rows in ((decisions, made), (annulments, annulled)):
            connection.execute(sa.delete(table))
            for at, (place, block) in enumerate(rows.items()):
                connection.execute(sa.insert(table), told(table, place, block, at))
        connection.execute(sa.delete(cursor))
        if head is not None:
            row = {"id": 1, "chain_id": 1, "genesis_hash": HASH, "number": head, "hash": HASH}
            connection.execute(sa.insert(cursor), row)
    asked = DecisionsAsked(engine, depth)
    for key in KEYS:
        final = -1 if head is None else head - depth
        wanted = told_decisions(final).where(decisions.c.status_key == key)
        wanted = wanted.order_by(decisions.c.block_number, decisions.c.log_index)
        with reading(engine) as connection:
            expected = [decision_of(row) for row in connection.execute(wanted).mappings()]
        assert asked.of(key) == expected


def test_decisions__file_damaged__is_our_error_and_another_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    asked = DecisionsAsked(engine, 0)
    assert asked.of(KEYS[0]) == []
    engine.dispose()
    for part in tmp_path.iterdir():
        part.unlink()
    path.write_bytes(b"no database at all, " * 400)
    with pytest.raises(IntegrityError, match=r"store\.damaged"):
        asked.of(KEYS[0])
    path.unlink()
    upgrade(engine)
    assert asked.of(KEYS[0]) == []
