"""A status key finds its entry: before its row is written, after it, in any log of this notary, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.types import Digest
from notary.entry import Entry, status_key
from notary.stores.status_keys import StatusKeys, keyed_logs, status_keys
from tests.databases import Databases
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, OTHER, SECOND, Rig, certificate, packed


@pytest.fixture
def rig(tmp_path: Path, database: str) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND, FOREIGN), database=database)
    yield made
    made.notary.close()


def keys_of(rig: Rig) -> dict[Digest, tuple[str, int]]:
    found: dict[Digest, tuple[str, int]] = {}
    for origin in rig.origins:
        for index, raw in enumerate(rig.entries(origin)):
            entry = Entry.from_bytes(raw)
            found[status_key(entry.issuer, entry.sha256)] = (origin, index)
    return found


def rows(rig: Rig, table: sa.Table) -> int:
    with rig.notary.store.reading() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


@pytest.mark.parametrize("written", [0, 1, 7, 1000])
def test_place_of__rows_written_up_to_anywhere__finds_every_entry(rig: Rig, written: int) -> None:
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(10), key="a")
    rig.notary.accept_records(ISSUER, SECOND, [certificate(n) for n in range(3)], key="b")
    rig.notary.accept_commitments(OTHER, FOREIGN, packed(10), key="c")  # the same commitments, another issuer's
    for origin in rig.origins:
        assert rig.notary.write_status_keys(origin, written) == min(written, len(rig.entries(origin)))
    known = keys_of(rig)
    assert len(known) == 23
    assert {key: rig.notary.place_of(key) for key in known} == known
    assert rig.notary.place_of(Digest(bytes(32))) is None


def test_place_of__another_key_with_the_same_beginning__is_told_apart(rig: Rig) -> None:
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(3), key="a")
    key = next(iter(keys_of(rig)))
    similar = Digest(key[:8] + bytes(24))
    assert rig.notary.place_of(similar) is None
    rig.notary.write_status_keys(ORIGIN, 3)
    assert rig.notary.place_of(similar) is None
    assert rig.notary.place_of(key) == (ORIGIN, 0)


def test_place_of__log_that_this_notary_no_longer_writes__not_found(rig: Rig) -> None:
    rig.notary.accept_commitments(OTHER, FOREIGN, packed(3), key="a")
    key = next(iter(keys_of(rig)))
    rig.notary.write_status_keys(FOREIGN, 3)
    rig.origins = (ORIGIN,)
    assert rig.again().place_of(key) is None


def test_write_status_keys__again_and_by_two__each_row_once(rig: Rig) -> None:
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(9), key="a")
    other, log = StatusKeys(rig.notary.store), rig.notary.log(ORIGIN)
    assert other.extend(log, ISSUER, 9, most=4) == 4
    assert rig.notary.write_status_keys(ORIGIN, 9) == 9
    assert other.extend(log, ISSUER, 9) == 9
    assert (rows(rig, status_keys), rows(rig, keyed_logs)) == (9, 1)


COURSE = given(
    st.lists(st.tuples(st.sampled_from([ORIGIN, SECOND]), st.integers(1, 6), st.integers(0, 20)), max_size=8)
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@COURSE
def test_place_of__any_course_of_submissions_and_writing__finds_every_entry(
    on_sqlite: Databases, tmp_path_factory: pytest.TempPathFactory, course: list[tuple[str, int, int]]
) -> None:
    finds_every_entry(on_sqlite, tmp_path_factory, course)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@COURSE
def test_place_of_on_postgres__any_course_of_submissions_and_writing__finds_every_entry(
    on_postgres: Databases, tmp_path_factory: pytest.TempPathFactory, course: list[tuple[str, int, int]]
) -> None:
    finds_every_entry(on_postgres, tmp_path_factory, course)


def finds_every_entry(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, course: list[tuple[str, int, int]]
) -> None:
    rig = Rig(tmp_path_factory.mktemp("keys"), origins=(ORIGIN, SECOND), database=databases.fresh())
    sent = 0
    for origin, count, upto in course:
        rig.notary.accept_commitments(ISSUER, origin, packed(count, start=sent), key=f"k{sent}")  # type: ignore[arg-type]
        sent += count
        rig.notary.write_status_keys(origin, upto)  # type: ignore[arg-type]
    known = keys_of(rig)
    assert len(known) == sent
    assert {key: rig.notary.place_of(key) for key in known} == known
    rig.notary.close()
