"""A database moved to another kind: the same rows, broken off anywhere, never two that can be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError, ConflictError, IntegrityError
from ledger.store import moving
from ledger.store.engine import open_engine, reading, upgrade, writing
from ledger.store.moving import move
from ledger.store.tables import outbox
from notary.stores import records as sql
from tests.databases import Databases, of_kind
from tests.drills.life import SCRIPT, check, open_rig
from tests.postgres import MissingPostgresError


@pytest.fixture(params=["sqlite-postgresql", "postgresql-sqlite"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[Databases, Databases]]:
    """Makers of the source's kind and of the target's."""
    with ExitStack() as stack:
        try:
            first, second = (stack.enter_context(of_kind(kind)) for kind in request.param.split("-"))
        except MissingPostgresError as error:
            pytest.skip(str(error))
        yield first, second


@pytest.fixture
def pair(
    ends: tuple[Databases, Databases], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Engine, Engine]]:
    """A database that a notary has lived with, and an empty one."""
    monkeypatch.setattr(moving, "ROWS_AT_ONCE", 50)
    home = tmp_path / "home"
    home.mkdir()
    (home / "database").write_text(ends[0].fresh())
    rig, worker = open_rig(home)
    for _, act in SCRIPT:
        act(rig, worker)
    rig.notary.close()
    rig.notary.store.engine.dispose()
    source, target = open_engine((home / "database").read_text()), open_engine(ends[1].empty())
    (home / "database").write_text(target.url.render_as_string(hide_password=False))
    yield source, target
    source.dispose()
    target.dispose()


def test_move__the_same_command_ends_between_two_acts_of_this_one__told_so_and_the_target_stays(
    pair: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    claim, through = moving._claim, list[int]()

    def meanwhile(engine: Engine, name: str) -> None:
        claim(engine, name)
        if not through:
            through.append(0)
            through.append(sum(found.rows for found in move(source, target)))
            upgrade(target)  # it may be opened, and whoever does goes on there
            with writing(target) as connection:
                connection.execute(sql.checkpoints.delete())

    monkeypatch.setattr(moving, "_claim", meanwhile)
    with pytest.raises(ConflictError, match=r"store\.moved_away"):
        move(source, target)
    with reading(target) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(sql.entry_groups))
    assert through[1] > 0


def test_move__all_of_it__the_notary_goes_on_with_the_same_answers(pair: tuple[Engine, Engine], tmp_path: Path) -> None:
    source, target = pair
    with reading(source) as connection:
        groups = connection.scalar(sa.select(sa.func.count()).select_from(sql.entry_groups))
    moved = {found.table: found.rows for found in move(source, target)}
    assert moved["entry_groups"] == groups
    assert moved["outbox"] > 0
    with pytest.raises(ConfigurationError, match=r"store\.moved_away"):
        upgrade(source)
    with pytest.raises(sa.exc.DBAPIError), reading(source) as connection:  # a process that still runs there
        connection.execute(sa.select(sql.logs))
    check(tmp_path / "home", {})
    with writing(target) as connection:  # numbers that the database gives out go on
        values = {
            "intent_key": "new",
            "sender": "s",
            "contract": "c",
            "function": "f",
            "calldata": b"",
            "state": "queued",
        }
        connection.execute(sa.insert(outbox).values(**values, created_at=1))


def test_move__broken_off_at_any_batch__ends_the_same(pair: tuple[Engine, Engine]) -> None:
    source, target = pair

    class BrokenOffError(Exception):
        pass

    for stop in (1, 2, 4):
        passed = 0

        def told(table: str, done: int, total: int, stop: int = stop) -> None:
            nonlocal passed
            passed += 1
            if passed == stop:
                raise BrokenOffError

        with pytest.raises(BrokenOffError):
            move(source, target, told)
        with pytest.raises(ConfigurationError, match=r"store\.move_unfinished"):
            upgrade(target)
        upgrade(source)  # still usable
    move(source, target)
    upgrade(target)


def test_move__broken_off_when_the_source_is_given_up__finished_by_the_next_run(
    pair: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(moving, "_number", broken)
        with pytest.raises(KeyboardInterrupt):
            move(source, target)
    for engine in pair:
        with pytest.raises(ConfigurationError):
            upgrade(engine)
    move(source, target)
    upgrade(target)


def test_move__copy_that_isn_t_the_same__found_and_begun_anew(pair: tuple[Engine, Engine]) -> None:
    source, target = pair

    def told(table: str, done: int, total: int) -> None:
        if table == "logs" and done == total:
            with writing(target) as connection:
                connection.execute(sa.update(sql.logs).values(accepted_at=7))

    with pytest.raises(IntegrityError, match=r"store\.move_differs"):
        move(source, target, told)
    upgrade(source)
    move(source, target)
    upgrade(target)


def test_move__target_in_use__refused(pair: tuple[Engine, Engine], ends: tuple[Databases, Databases]) -> None:
    used = open_engine(ends[1].fresh())
    with writing(used) as connection:
        connection.execute(sa.insert(sql.issuers).values(code="x"))
    with pytest.raises(ConflictError, match=r"store\.move_target"):
        move(pair[0], used)
    upgrade(pair[0])
    upgrade(used)
    used.dispose()
