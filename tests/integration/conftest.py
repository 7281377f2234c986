"""Real parts for integration tests: an anvil, networks of four nodes, on free ports, each ended by its own pid."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError
from ledger.evm.launcher import EmbeddedChain, find_anvil, start_anvil
from ledger.evm.profiles import ANVIL, EngineProfile
from ledger.evm.rpc import Rpc
from ledger.evm.transactions import EvmKey
from ledger.store.engine import open_engine, upgrade
from scripts.cli import run
from tests.integration.networks import STARTERS, MissingError, Network
from tests.leftovers import lasting
from tests.ports import free_port

PATIENCE = 60.0
"""Seconds."""


@pytest.fixture(scope="module", autouse=True)
def patient() -> Iterator[None]:
    """Where the product gives up after seconds, so that nobody waits for a node that hangs, these tests wait for one
    that is merely slow, as all things are on a loaded machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.wiring.CHAIN_WITHIN", PATIENCE)
        patch.setattr("scripts.commands.status.SEALED_WITHIN", PATIENCE)
        patch.setattr("scripts.serving.FIRST_ANSWER", PATIENCE)
        patch.setattr("api.witness_client.TIMEOUT", httpx.Timeout(PATIENCE))
        patch.setattr(Rpc.__init__, "__kwdefaults__", {**(Rpc.__init__.__kwdefaults__ or {}), "timeout": PATIENCE})
        yield


@pytest.fixture(scope="module")
def own_pace() -> Iterator[None]:
    """Blocks come when the test asks for them, however long it thinks: our chains go to another pace by themselves
    when nothing has waited for a block for a while, and would make some beside a test's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.evm.launcher.IDLE_AFTER", math.inf)
        yield


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Runs a command that must end well; what it tells with --json."""

    def tell(*words: object) -> dict[str, Any]:
        capsys.readouterr()
        code = run([*map(str, words), "--json"])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert code == 0, found
        return found

    return tell


@pytest.fixture(scope="session")
def anvil_program() -> Path:
    """The program, or a skip that says what is missing."""
    try:
        return find_anvil()
    except ConfigurationError as error:
        pytest.skip(f"no anvil: {error}")


@pytest.fixture(scope="package")
def anvil(anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedChain]:
    """One chain for all tests here that only add to it; each uses its own accounts and its own network name. It ends
    with them: its threads copy a state of 40 MB every few seconds, which is nothing for unit tests to run beside."""
    with lasting():
        chain = start_anvil(tmp_path_factory.mktemp("chain"), free_port(), binary=anvil_program, timeout=PATIENCE)
    yield chain
    chain.stop(PATIENCE)


@pytest.fixture
def start_chain(anvil_program: Path) -> Iterator[Callable[[Path], EmbeddedChain]]:
    """Start chains of one's own, to kill and shorten; what still runs at the end is ended."""
    started: list[EmbeddedChain] = []

    def start(folder: Path) -> EmbeddedChain:
        started.append(start_anvil(folder, free_port(), binary=anvil_program, timeout=PATIENCE))
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


@dataclass
class Chain:
    """A chain of any engine, as the suite uses it: only adding to it, with accounts of its own."""

    url: str
    profile: EngineProfile
    account: Callable[[], EvmKey]
    """a new key that can pay for its transactions"""
    network: Network | None = field(default=None)
    """the nodes, where there are several"""

    @property
    def rpc(self) -> Rpc:
        return Rpc(self.url, batch_limit=self.profile.batch_limit)


@pytest.fixture(scope="package")
def started_networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Network]]:
    """One network an engine for all tests that only add to it; a skip where its program isn't there."""
    running: dict[str, Network] = {}

    def network(engine: str) -> Network:
        if engine not in running:
            try:
                running[engine] = STARTERS[engine](tmp_path_factory.mktemp(engine))
            except MissingError as error:
                pytest.skip(str(error))
        return running[engine]

    yield network
    for one in running.values():
        one.stop()


@pytest.fixture(params=["anvil", *STARTERS])
def chain(request: pytest.FixtureRequest) -> Chain:
    """The test runs once on every engine: anvil, and each network whose program is there."""
    if request.param == "anvil":
        anvil: EmbeddedChain = request.getfixturevalue("anvil")
        return Chain(anvil.url, ANVIL, lambda: EvmKey(secrets.token_bytes(32)))
    network: Network = request.getfixturevalue("started_networks")(request.param)
    return Chain(network.url, network.profile, network.account, network)
