"""The sender's questions to the outbox pass nothing that is done: what they cost stays flat however much was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ledger.store import outbox as rows
from ledger.store.engine import open_engine, reading, upgrade
from ledger.store.outbox import IntentState as S
from ledger.types import Address, Millis

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


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path}/x.sqlite")
    upgrade(made)
    yield made
    made.dispose()


def plan_of(engine: Engine, question: Callable[[Connection], Any]) -> list[str]:
    asked: list[tuple[str, Any]] = []

    def noted(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", noted)
    with reading(engine) as connection:
        question(connection)
        sa.event.remove(engine, "before_cursor_execute", noted)
        steps = []
        for statement, parameters in asked:
            found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps += [str(row[3]) for row in found]
    return steps


@pytest.mark.parametrize("name", QUESTIONS)
def test_question__by_state__and_in_the_index_s_order(engine: Engine, name: str) -> None:
    steps = plan_of(engine, QUESTIONS[name])
    assert steps
    for step in steps:
        assert "SCAN" not in step
        if step.startswith("SEARCH"):
            assert "state=?" in step, steps
        if name not in ("lanes", "stuck"):
            assert "ORDER BY" not in step, steps


def test_marks__walked_from_the_top(engine: Engine) -> None:
    steps = plan_of(engine, lambda c: rows.block_marks(c, [LANE], below=None, limit=10))
    assert steps == ["SEARCH outbox USING COVERING INDEX outbox_block (block_number>?)"]


def test_highest_nonce__from_the_index(engine: Engine) -> None:
    [step] = plan_of(engine, lambda c: rows.highest_nonce(c, LANE))
    assert "COVERING INDEX" in step
