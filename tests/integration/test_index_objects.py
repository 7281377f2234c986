"""The index of a whole chain: its records are the contracts' own, and made again from nothing they are the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ledger.evm.blocks import block_at
from ledger.evm.indexer import Indexer
from ledger.evm.launcher import start_anvil
from ledger.evm.profiles import ANVIL
from ledger.evm.share_authorisations import ShareAuthorisationsView
from ledger.store import index, object_tables
from ledger.store.engine import open_engine, reading, upgrade, writing
from ledger.store.index import ObjectFinder
from ledger.store.tables import FROM_EVENTS, blocks, events, metadata
from tests.integration.conftest import PATIENCE
from tests.integration.indexing.compared import Compared, seen
from tests.integration.indexing.further import Further
from tests.integration.linking.affairs import HEALTH, KEEPER, POLICE, Affairs
from tests.integration.linking.years import live
from tests.ports import free_port
from tests.unit.ledger.event_logs import all_events

NOT_HERE = frozenset(
    {
        ("CertificateStatus", "TypeProven"),  # takes a whole record: tests/integration/test_chain_closing.py
    }
)
TABLES = (*FROM_EVENTS, events, blocks, *(t for t in metadata.sorted_tables if t in vars(object_tables).values()))


@pytest.fixture(scope="module")
def affairs(own_pace: None, anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Affairs]:
    folder = tmp_path_factory.mktemp("whole")
    chain = start_anvil(folder / "chain", free_port(), binary=anvil_program, timeout=PATIENCE)
    engine = open_engine(f"sqlite:///{folder}/outbox.sqlite")
    upgrade(engine)
    try:
        affairs = Affairs(chain.url, engine, folder)
        Further(live(affairs)).live()
        yield affairs
    finally:
        engine.dispose()
        chain.kill()


def dump(engine: Engine) -> dict[str, list[Any]]:
    with reading(engine) as connection:
        return {
            t.name: [tuple(r) for r in connection.execute(sa.select(t).order_by(*t.primary_key.columns))]
            for t in TABLES
        }


def test_index__whole_chain__records_are_the_contracts_own_at_every_stage(affairs: Affairs, engine: Engine) -> None:
    indexer = Indexer(engine, affairs.rpc, ANVIL, affairs.deployment)
    indexer.catch_up()
    assert seen(engine) == {(contract, event.name) for contract, event in all_events()} - NOT_HERE
    empty = [t.name for t in TABLES if not dump(engine)[t.name]]
    assert empty == ["chain_type_proofs"]
    live = dump(engine)
    head = max(number for number, *_ in live["chain_blocks"])
    assert Compared(engine, affairs.rpc, affairs.deployment, head).differences() == []
    finder, view = ObjectFinder(engine), ShareAuthorisationsView(affairs.rpc, affairs.deployment)
    grants = finder.grants_of(KEEPER)
    assert len(grants) > 10
    assert grants == {id_: view.grant(id_, head) for id_ in grants}
    assert all(finder.resources_of(provider) for provider in (HEALTH, POLICE))
    assert {item.owner for item in finder.items_of(POLICE).values()} == {POLICE}
    assert len(finder.nodes()) == 2

    for at in (head - head // 5, head - head // 2):
        block = block_at(affairs.rpc, at)
        assert block is not None
        with writing(engine) as connection:
            index.take_back(connection, at)
            record = affairs.deployment
            index.set_cursor(connection, record.chain_id, record.genesis_hash, at, block.hash)
        assert Compared(engine, affairs.rpc, affairs.deployment, at).differences() == []
    indexer.catch_up()
    assert dump(engine) == live
    indexer.rebuild()
    assert dump(engine) == live
