"""The tables, and what lies encrypted in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError, IntegrityError
from ledger.types import Origin
from notary.entry import log_id
from notary.stores import records as sql
from notary.stores.records import CheckpointRow, RecordStore, pack_positions, unpack_positions
from notary.vault import Vault
from tests.fakes.notary import ISSUER, MEMBERS, ORIGIN, OTHER, SECOND, STORAGE_KEY

SALT, BODY, COMMITMENT = bytes(range(32)), b'{"a":1}', bytes(32)


@pytest.fixture
def store(engine: Engine) -> RecordStore:
    return RecordStore(engine)


def test_migration__newest_revision__has_exactly_the_tables_of_the_code(store: RecordStore) -> None:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in sql.metadata.tables

    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": ours})
        assert compare_metadata(context, sql.metadata) == []


@given(st.lists(st.integers(0, 2**62), max_size=50), st.integers(0, 2**62 - 1000), st.integers(0, 300))
def test_pack_positions__any_order__comes_back(scattered: list[int], first: int, count: int) -> None:
    positions = [*scattered, *range(first, first + count), *scattered[:3]]
    assert list(unpack_positions(pack_positions(positions))) == positions
    assert len(pack_positions(range(first, first + count))) == (12 if count else 0)


@given(st.integers(1, 2**22), st.integers(0, 2**40 - 1))
def test_position__log_and_index__both_can_be_read_from_it(log: int, index: int) -> None:
    position = sql.position_of(log, index)
    assert (sql.log_of(position), sql.index_of(position)) == (log, index)
    assert position < 2**63


def test_logs__of_one_issuer__share_it_and_keep_their_rows_apart(store: RecordStore) -> None:
    with store.transaction() as connection:
        rows = [store.ensure_log(connection, o, log_id(o), ISSUER) for o in (ORIGIN, SECOND, MEMBERS)]
        again = store.ensure_log(connection, ORIGIN, log_id(ORIGIN), ISSUER)
    assert again == rows[0]
    assert len({row.issuer for row in rows}) == 1
    entries = [bytes([n]) * 92 for n in range(5)]
    first = sql.position_of(rows[0].id, 0)
    with store.transaction() as connection:
        store.put_entries(connection, first, b"".join(entries))
    with store.reading() as connection:
        assert store.entries_from(connection, rows[0].id, 0, 10) == entries
        assert store.entries_from(connection, rows[0].id, 3, 1) == entries[3:4]
        assert store.entries_from(connection, rows[1].id, 0, 10) == []
        assert [store.entry(connection, first + n) for n in range(6)] == [*entries, None]
        assert store.entry(connection, sql.position_of(rows[1].id, 0)) is None
        assert store.logs_of(connection, rows[0].issuer) == rows


@given(st.lists(st.integers(1, 2500), max_size=5), st.integers(0, 6000), st.integers(0, 6000), st.integers(1, 3))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_entries__any_groups__each_found_singly_in_stretches_and_scattered(
    store: RecordStore, groups: list[int], first: int, count: int, log: int
) -> None:
    entries = [n.to_bytes(92) for n in range(sum(groups))]
    at = 0
    with store.transaction() as connection:
        connection.execute(sa.delete(sql.entry_groups))
        for size in groups:
            store.put_entries(connection, sql.position_of(log, at), b"".join(entries[at : at + size]))
            at += size
    with store.reading() as connection:
        assert store.entries_from(connection, log, first, count) == entries[first : first + count]
        for n in (0, first, count, at - 1, at):
            expected = entries[n] if 0 <= n < at else None
            assert n < 0 or store.entry(connection, sql.position_of(log, n)) == expected
        wanted = {first, count, first + count, 0, at}
        found = store.entries_at(connection, [sql.position_of(log, n) for n in wanted])
        assert found == {sql.position_of(log, n): entries[n] for n in wanted if n < at}


@pytest.mark.parametrize("count", [0, 1, 24, 25, 26, 50, 111])
def test_insert__any_count__every_row_is_there_in_its_columns(store: RecordStore, count: int) -> None:
    rows = [(n, bytes([n]) * 32, n + 1, bytes([n + 1]) * 32) for n in range(count)]
    with store.transaction() as connection:
        store.insert(connection, sql.lookups, rows)
        assert [tuple(row) for row in connection.execute(sa.select(sql.lookups))] == rows


def test_entries_from__a_group_is_missing__integrity_error(store: RecordStore) -> None:
    with store.transaction() as connection:
        for n in (0, 2):
            store.put_entries(connection, sql.position_of(1, n), b"e" * 92)
    with pytest.raises(IntegrityError, match=r"records\.gap"), store.reading() as connection:
        store.entries_from(connection, 1, 0, 10)


def test_strike__twice__the_smallest_counts(store: RecordStore) -> None:
    with store.transaction() as connection:
        row = store.ensure_log(connection, ORIGIN, log_id(ORIGIN), ISSUER)
        assert row.counts(2**40 - 1)
        for first in (7, 3, 5):
            store.strike(connection, row.id, first)
        struck = store.log(connection, ORIGIN)
    assert struck is not None
    assert [struck.counts(n) for n in (2, 3, 9)] == [True, False, False]


def test_checkpoint__next_attempt__keeps_the_note(store: RecordStore) -> None:
    row = CheckpointRow(1, 5, b"r" * 32, "note", 0, "a")
    with store.transaction() as connection:
        store.put_checkpoint(connection, row)
        store.put_checkpoint(connection, CheckpointRow(1, 5, b"r" * 32, "note", 1, "b"))
        store.put_checkpoint(connection, CheckpointRow(1, 3, b"r" * 32, "older", 0, "c"))
    with store.reading() as connection:
        newest = store.newest_checkpoint(connection, 1)
        assert newest is not None
        assert (newest.size, newest.attempt, newest.intent_key, newest.note) == (5, 1, "b", "note")
        assert store.newest_checkpoint(connection, 2) is None


def test_vault__right_key_and_row__opens_anything_else_is_refused() -> None:
    vault = Vault(STORAGE_KEY)
    keys, body = vault.seal(COMMITMENT, SALT, BODY)
    record_key, salt = vault.open_keys(COMMITMENT, keys)
    assert salt == SALT
    assert vault.open_body(COMMITMENT, record_key, body) == BODY
    wrap = vault.seal_wrap(COMMITMENT, record_key, ISSUER, b"wrap")
    assert vault.open_wrap(COMMITMENT, record_key, ISSUER, wrap) == b"wrap"
    other = b"\x01" * 32
    wrong: list[Callable[[], object]] = [
        lambda: Vault(other).open_keys(COMMITMENT, keys),
        lambda: vault.open_keys(other, keys),
        lambda: vault.open_keys(COMMITMENT, keys[:-1] + bytes([keys[-1] ^ 1])),
        lambda: vault.open_keys(COMMITMENT, b""),
        lambda: vault.open_body(other, record_key, body),
        lambda: vault.open_body(COMMITMENT, other, body),
        lambda: vault.open_wrap(COMMITMENT, record_key, OTHER, wrap),
        lambda: vault.open_body(COMMITMENT, record_key, wrap),
    ]
    for attempt in wrong:
        with pytest.raises(IntegrityError, match=r"vault\.unreadable"):
            attempt()
    with pytest.raises(ConfigurationError, match="storage_key"):
        Vault(b"short")


def test_vault__same_record_twice__nothing_alike_on_disk() -> None:
    vault = Vault(STORAGE_KEY)
    assert not set(vault.seal(COMMITMENT, SALT, BODY)) & set(vault.seal(COMMITMENT, SALT, BODY))
    assert vault.identifier_mac(ISSUER, "1.2.3") != vault.identifier_mac(OTHER, "1.2.3")
    assert vault.identifier_mac(ISSUER, "1.2.3") != vault.content_mac(ISSUER, b"1.2.3")


def test_log_row__unknown_origin__none(store: RecordStore) -> None:
    with store.reading() as connection:
        assert store.log(connection, Origin("chuzheng/x/y")) is None
        assert store.all_logs(connection) == []
