"""Real parts for integration tests: an anvil on a free loopback port, ended by its own pid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError
from ledger.evm.launcher import EmbeddedChain, find_anvil, start_anvil
from ledger.store.engine import open_engine, upgrade


@pytest.fixture(scope="session")
def anvil_program() -> Path:
    """The program, or a skip that says what is missing."""
    try:
        return find_anvil()
    except ConfigurationError as error:
        pytest.skip(f"no anvil: {error}")


@pytest.fixture(scope="session")
def anvil(anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedChain]:
    """One chain for all tests that only add to it; each uses its own accounts and its own network name."""
    chain = start_anvil(tmp_path_factory.mktemp("chain"), binary=anvil_program)
    yield chain
    chain.stop()


@pytest.fixture
def start_chain(anvil_program: Path) -> Iterator[Callable[[Path], EmbeddedChain]]:
    """Start chains of one's own, to kill and shorten; what still runs at the end is ended."""
    started: list[EmbeddedChain] = []

    def start(folder: Path) -> EmbeddedChain:
        started.append(start_anvil(folder, binary=anvil_program))
        return started[-1]

    yield start
    for chain in started:
        if chain.running:
            chain.kill()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An upgraded SQLite database."""
    made = open_engine(f"sqlite:///{tmp_path}/chuzheng.sqlite")
    upgrade(made)
    yield made
    made.dispose()
