"""The sender's questions to the outbox pass nothing that is done: what they cost stays flat however much was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ledger.store import outbox as rows
from ledger.store.engine import reading, writing
from ledger.store.outbox import IntentState as S
from ledger.types import Address, Millis
from tests.databases import fresh_engine, of_kind
from tests.postgres import MissingPostgresError

LANE = Address("0x" + "1" * 40)
QUESTIONS: dict[str, Callable[[Connection], Any]] = {
    "receipts": lambda c: rows.in_state(c, LANE, (S.SENT,), 512, nonce_below=10),
    "final": lambda c: rows.in_state(c, LANE, (S.MINED,), 512, upto_block=10),
    "again": lambda c: rows.in_state(c, LANE, (S.SENT,), 512, sent_until=Millis(10)),
    "queued": lambda c: rows.in_state(c, LANE, (S.QUEUED,), 512),
    "gap": lambda c: rows.in_state(c, LANE, (S.SIGNED, S.SENT), 1),
    "unmined": lambda c: rows.unmined(c, LANE),
    "any": lambda c: rows.any_in_state(c, LANE, S.SENT),
    "lanes": rows.open_lanes,
    "stuck": rows.stuck,
}


DONE = 20_000


@pytest.fixture(scope="module")
def sqlite() -> Iterator[Engine]:
    with of_kind("sqlite") as databases, fresh_engine(databases) as engine:
        yield engine


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Engine]:
    """With many rows that are done, in this lane and in others: PostgreSQL chooses by what the tables hold."""
    try:
        with of_kind("postgresql") as databases, fresh_engine(databases) as engine:
            fill(engine)
            yield engine
    except MissingPostgresError as error:
        pytest.skip(str(error))


def fill(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO outbox (intent_key, sender, contract, function, calldata, state, nonce, raw, tx_hash, sent_at,"
            " succeeded, block_number, block_hash, created_at)"
            " SELECT 'k' || n, CASE n %% 3 WHEN 0 THEN %s ELSE 'other' || n %% 5 END, 'C', 'f', 'x', 'final', n,"
            " 'x', 'h', n, true, n / 50, 'b' || n / 50, n FROM generate_series(1, %s) n",
            (LANE, DONE),
        )
        waiting = "INSERT INTO outbox (intent_key, sender, contract, function, calldata, state, created_at)"
        connection.exec_driver_sql(
            f"{waiting} SELECT 'q' || n, %s, 'C', 'f', 'x', 'queued', n FROM generate_series(1, 200) n", (LANE,)
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE outbox")


def asked_by(engine: Engine, connection: Connection, question: Callable[[Connection], Any]) -> list[tuple[str, Any]]:
    asked: list[tuple[str, Any]] = []

    def noted(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", noted)
    question(connection)
    sa.event.remove(engine, "before_cursor_execute", noted)
    return asked


def plan_of(engine: Engine, question: Callable[[Connection], Any]) -> list[str]:
    with reading(engine) as connection:
        steps = []
        for statement, parameters in asked_by(engine, connection, question):
            found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps += [str(row[3]) for row in found]
    return steps


def rows_read(engine: Engine, question: Callable[[Connection], Any]) -> tuple[int, str]:
    """How many rows PostgreSQL looked at for the answers, those that it threw away included, and how."""
    with reading(engine) as connection:
        read, plans = 0, []
        for statement, parameters in asked_by(engine, connection, question):
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            [plan] = explained.scalar_one()
            plans.append(json.dumps(plan["Plan"]))
            read += sum(_looked_at(node) for node in _nodes(plan["Plan"]))
    return read, "\n".join(plans)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _looked_at(node: dict[str, Any]) -> int:
    if "Relation Name" not in node:
        return 0
    thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + thrown) * node["Actual Loops"])


@pytest.mark.parametrize("name", QUESTIONS)
def test_question_on_postgres__among_many_that_are_done__passes_none_of_them(postgresql: Engine, name: str) -> None:
    read, plan = rows_read(postgresql, QUESTIONS[name])
    assert read <= 200 + 10, plan


@pytest.mark.parametrize("name", ["marks", "highest", "mined"])
def test_order_on_postgres__of_many_that_are_done__read_from_its_end(postgresql: Engine, name: str) -> None:
    questions: dict[str, Callable[[Connection], Any]] = {
        "marks": lambda c: rows.block_marks(c, [LANE], below=None, limit=10),
        "highest": lambda c: rows.highest_nonce(c, LANE),
        "mined": lambda c: rows.highest_nonce(c, LANE, mined=True),
    }
    read, plan = rows_read(postgresql, questions[name])
    assert read <= 2_000, plan


@pytest.mark.parametrize("name", QUESTIONS)
def test_question__by_state__and_in_the_index_s_order(sqlite: Engine, name: str) -> None:
    steps = plan_of(sqlite, QUESTIONS[name])
    assert steps
    for step in steps:
        assert "SCAN" not in step
        if step.startswith("SEARCH"):
            assert "state=?" in step, steps
        if name not in ("lanes", "stuck"):
            assert "ORDER BY" not in step, steps


def test_marks__walked_from_the_top(sqlite: Engine) -> None:
    steps = plan_of(sqlite, lambda c: rows.block_marks(c, [LANE], below=None, limit=10))
    assert steps == ["SEARCH outbox USING COVERING INDEX outbox_block (block_number>?)"]


def test_highest_nonce__from_the_index(sqlite: Engine) -> None:
    [step] = plan_of(sqlite, lambda c: rows.highest_nonce(c, LANE))
    assert "COVERING INDEX" in step
