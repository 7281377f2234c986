"""Databases of earlier revisions: what follows from the chain is brought again, everything else stays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import ledger.store
from ledger.store import object_tables
from ledger.store.engine import open_engine, reading, upgrade, writing
from ledger.store.tables import metadata, outbox
from notary.stores.record_tables import answers, idempotency, lookups, pack_positions, unpack_positions
from tests.databases import Databases

PLACE = {"block_number": 1, "log_index": 0, "block_hash": "0x01", "block_time": 1, "tx_hash": "0x02"}
ROWS: dict[str, dict[str, Any]] = {
    "chain_events": {
        "block_hash": "0x01", "log_index": 0, "block_number": 1, "tx_hash": "0x02", "contract": "Nodes",
        "event": "NodeApplied", "subject": b"\1" * 32, "args": "{}",
    },
    "chain_logs": {"log_id": b"\1" * 32, "department": "11420000011043080X", "origin": "chuzheng/t/x", **PLACE},
    "chain_decisions": {
        "status_key": b"\1" * 32, "number": 1, "code": 2, "cause": 1, "department": "11420000011043080X",
        "effective_from": 1, **PLACE,
    },
    "chain_annulments": {"status_key": b"\1" * 32, "number": 1, **PLACE},
    "chain_blocks": {"number": 1, "hash": "0x01", "parent": "0x00", "time": 1},
    "chain_cursor": {"id": 1, "chain_id": 1, "genesis_hash": "0x00", "number": 1, "hash": "0x01"},
    "outbox": {
        "intent_key": "k", "sender": "0x" + "aa" * 20, "contract": "C", "function": "f", "calldata": b"\1",
        "state": "queued", "created_at": 1,
    },
}  # fmt: skip


def move(engine: sa.Engine, how: Callable[[Config, str], None], revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(ledger.store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        how(config, revision)


@pytest.fixture
def engine(databases: Databases) -> sa.Engine:
    return open_engine(databases.empty())


def test_upgrade__from_0006_with_data__index_forgotten_outbox_kept(engine: sa.Engine) -> None:
    move(engine, command.upgrade, "0006")
    with writing(engine) as connection:
        for name, row in ROWS.items():
            connection.execute(sa.insert(sa.Table(name, sa.MetaData(), autoload_with=connection)), row)
    upgrade(engine)
    with reading(engine) as connection:
        counts = {
            t.name: connection.execute(sa.select(sa.func.count()).select_from(t)).scalar()
            for t in metadata.sorted_tables
            if t.name.startswith("chain_")
        }
        assert set(counts.values()) == {0}
        assert object_tables.grants.name in counts
        assert len(counts) > 30
        assert connection.execute(sa.select(outbox.c.intent_key)).scalar() == "k"
    engine.dispose()


def test_downgrade__below_0007__says_what_to_do_and_changes_nothing(engine: sa.Engine) -> None:
    upgrade(engine)
    with pytest.raises(NotImplementedError, match="restore a backup"):
        move(engine, command.downgrade, "0006")
    upgrade(engine)
    assert sa.inspect(engine).has_table("chain_grants")
    engine.dispose()


def test_upgrade__entries_of_before_0010__same_bytes_at_the_same_places_struck_ones_told(engine: sa.Engine) -> None:
    move(engine, command.upgrade, "0014")
    sizes, log = {1: 1500, 2: 3, 4: 1024}, 1 << 40
    rows = [(number * log + n, n.to_bytes(92)) for number, size in sizes.items() for n in range(size)]
    with writing(engine) as connection:
        found = {
            name: sa.Table(name, sa.MetaData(), autoload_with=connection) for name in ("entries", "logs", "issuers")
        }
        connection.execute(sa.insert(found["issuers"]), {"id": 7, "code": "11420000011043080X"})
        for number, size in {**sizes, 3: 0}.items():
            named = {"id": number, "origin": f"o{number}", "log_id": bytes([number]) * 32, "issuer": 7}
            connection.execute(sa.insert(found["logs"]), {**named, "next_index": size, "accepted_at": 1})
        struck = {1 * log + n for n in range(1100, 1500)}
        connection.execute(
            sa.insert(found["entries"]),
            [
                {"position": p, "issuer": -1 if p in struck else 7, "commitment": p.to_bytes(32), "entry": entry}
                for p, entry in rows
            ],
        )
    upgrade(engine)
    with reading(engine) as connection:
        groups = connection.execute(sa.text("SELECT position, entries FROM entry_groups ORDER BY position")).all()
        told = connection.execute(sa.text("SELECT id, struck_from FROM logs ORDER BY id")).all()
    assert [(p, len(data) // 92) for p, data in groups] == [
        (log, 1024), (log + 1024, 476), (2 * log, 3), (4 * log, 1024)
    ]  # fmt: skip
    assert [(p + n, data[92 * n : 92 * n + 92]) for p, data in groups for n in range(len(data) // 92)] == rows
    assert [tuple(row) for row in told] == [(1, 1100), (2, None), (3, None), (4, None)]
    assert not sa.inspect(engine).has_table("entries")
    engine.dispose()


def test_upgrade__look_ups_of_before_0019__by_position_with_what_they_said(engine: sa.Engine) -> None:
    move(engine, command.upgrade, "0018")
    log = 1 << 40
    rows = [
        {"issuer": 7, "identifier": (n * 7919 % 2003).to_bytes(32), "version": 1 + n % 2, "content": n.to_bytes(32),
         "position": (1 + n % 3) * log + n}
        for n in range(2_000)
    ]  # fmt: skip
    with writing(engine) as connection:
        connection.execute(sa.insert(sa.Table("lookups", sa.MetaData(), autoload_with=connection)), rows)
    upgrade(engine)
    with reading(engine) as connection:
        found = connection.execute(sa.select(lookups).order_by(lookups.c.position)).all()
    wanted = sorted((row["position"], row["identifier"], row["version"], row["content"]) for row in rows)
    assert [tuple(row) for row in found] == wanted
    assert not sa.inspect(engine).has_table("lookups_by_name")
    engine.dispose()


def test_upgrade__answers_of_before_0020__each_at_its_place_or_where_it_was(engine: sa.Engine) -> None:
    move(engine, command.upgrade, "0019")
    log = 1 << 40
    own = {f"k{n}": range(log + n * 10, log + n * 10 + 1 + n % 4) for n in range(700)}
    own |= {"other log": range(2 * log, 2 * log + 3), "own hash": range(2 * log + 3, 2 * log + 4)}
    apart = {
        "shorter": range(log + 30, log + 32), "inside": range(log + 31, log + 33), "nothing": range(0),
        "overlapping": range(log + 33, log + 36), "elsewhere": range(2 * log + 8, 2 * log + 9),
        "several": (log + 8, log + 5, log + 6), "own hash of several": range(log + 45, log + 47),
        "beyond": range(log + 9_999, log + 10_001),
    }  # fmt: skip

    def row(name: str, positions: Sequence[int]) -> dict[str, Any]:
        key = hashlib.sha256(name.encode()).digest()
        number = 2 if name in {"other log", "own hash"} else 1
        return {
            "log": number, "department": "11420000011043080X", "operation": "records", "key": key,
            "content": key if name.startswith("own hash") else key[::-1], "positions": pack_positions(positions),
        }  # fmt: skip

    sent = {name: row(name, positions) for name, positions in {**apart, **own}.items()}
    with writing(engine) as connection:
        found = {
            name: sa.Table(name, sa.MetaData(), autoload_with=connection) for name in ("idempotency", "logs", "issuers")
        }
        connection.execute(sa.insert(found["issuers"]), {"id": 7, "code": "11420000011043080X"})
        for number in (1, 2):
            named = {"id": number, "origin": f"o{number}", "log_id": bytes([number]) * 32, "issuer": 7}
            connection.execute(sa.insert(found["logs"]), {**named, "next_index": 10_000, "accepted_at": 1})
        connection.execute(sa.insert(found["idempotency"]), list(sent.values()))
    upgrade(engine)
    scope = ("department", "operation", "key", "content")
    with reading(engine) as connection:
        kept = connection.execute(sa.select(answers).order_by(answers.c.position)).mappings().all()
        rest = connection.execute(sa.select(idempotency)).mappings().all()
    told = {r["key"]: (*[r[c] for c in scope], range(r["position"], r["position"] + r["size"])) for r in kept}
    wanted = {r["key"]: (*[r[c] for c in scope], own[name]) for name, r in sent.items() if name in own}
    assert told == wanted
    left = {r["key"]: {**r, "positions": unpack_positions(r["positions"])} for r in rest}
    assert left == {sent[name]["key"]: {**sent[name], "positions": tuple(apart[name])} for name in apart}
    assert not sa.inspect(engine).has_table("idempotency_by_key")
    engine.dispose()
