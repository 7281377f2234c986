"""Drills on a real anvil: a sender killed in the middle of a burst, a chain that came back shorter, a torn state."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError
from ledger.evm import launcher
from ledger.evm.deploy import CONTRACTS, deploy
from ledger.evm.indexer import Indexer, IndexReader
from ledger.evm.launcher import GOOD, STATE, EmbeddedChain, start_anvil
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import ANVIL
from ledger.evm.reader import EvmChainReader
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey
from tests.integration.bursts import SENDER, admit_often, killed, nonces, settle
from tests.integration.conftest import PATIENCE
from tests.ports import free_port

BURST = 5000
FIRST = len(CONTRACTS)
"""the owner's nonces below are the deployment's"""


def test_burst__sender_killed_again_and_again__each_done_once(
    anvil: EmbeddedChain, engine: Engine, tmp_path: Path
) -> None:
    rpc = Rpc(anvil.url)
    secret = tmp_path / "owner.key"
    secret.write_text(secrets.token_hex(32))
    secret.chmod(0o600)
    key = EvmKey(bytes.fromhex(secret.read_text()))
    record = tmp_path / "deployment.json"
    deployment = deploy(rpc, ANVIL, key, "burst", record)
    outbox = Outbox(engine)
    names = admit_often(engine, outbox, deployment, key, BURST, "burst")
    command = [sys.executable, "-c", SENDER, anvil.url, str(engine.url), str(record), "anvil", str(secret)]
    for pause in (0.15, 0.4):
        killed(command, pause)
    before = outbox.counts()
    assert before.get(IntentState.FINAL, 0) < BURST
    settle(Sender(engine, rpc, ANVIL, deployment, {key.address: key}), outbox, names, 400)
    assert nonces(rpc, deployment, key.address) == list(range(FIRST, BURST + FIRST))


def test_chain__came_back_shorter__noticed_resent_and_index_follows(
    start_chain: Callable[[Path], EmbeddedChain], engine: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "chain"
    chain = start_chain(folder)
    key = EvmKey(secrets.token_bytes(32))
    deployment = deploy(Rpc(chain.url), ANVIL, key, "short")
    outbox = Outbox(engine)
    first = admit_often(engine, outbox, deployment, key, 5, "first")
    settle(Sender(engine, Rpc(chain.url), ANVIL, deployment, {key.address: key}), outbox, first)
    chain.stop(60)
    older = (folder / STATE).read_bytes()

    chain = start_chain(folder)
    second = admit_often(engine, outbox, deployment, key, 20, "second")
    sender = Sender(engine, Rpc(chain.url), ANVIL, deployment, {key.address: key})
    settle(sender, outbox, first + second)
    sender.release()
    Indexer(engine, Rpc(chain.url), ANVIL, deployment).catch_up()
    indexed = IndexReader(engine).cursor()
    assert indexed
    chain.kill()
    (folder / STATE).write_bytes(older)
    (folder / GOOD).write_bytes(older)

    chain = start_chain(folder)
    rpc = Rpc(chain.url)
    assert nonces(rpc, deployment, key.address) == list(range(FIRST, FIRST + 5))
    sender = Sender(engine, rpc, ANVIL, deployment, {key.address: key})
    assert sender.step()
    assert outbox.counts()[IntentState.FINAL] == len(first)
    settle(sender, outbox, first + second)
    assert nonces(rpc, deployment, key.address) == list(range(FIRST, FIRST + 25))
    Indexer(engine, rpc, ANVIL, deployment).catch_up()
    now = IndexReader(engine).cursor()
    reader = EvmChainReader(rpc, ANVIL, deployment)
    assert now
    assert reader.block(now.number) == now
    live = IndexReader(engine).events("Departments")
    Indexer(engine, rpc, ANVIL, deployment).rebuild()  # also from blocks that were made before the restart
    assert IndexReader(engine).events("Departments") == live
    assert [event for _, event, _ in live] == ["OwnershipTransferred", "DepartmentAdmitted"]


def test_launcher__folder_has_a_chain__a_second_one_is_refused(
    start_chain: Callable[[Path], EmbeddedChain], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "chain"
    monkeypatch.setattr(launcher, "LOCK_PATIENCE", 0.2)
    chain = start_chain(folder)
    before = Rpc(chain.url).call("eth_blockNumber")
    with pytest.raises(ConfigurationError) as caught:
        start_chain(folder)
    assert (caught.value.code, caught.value.params["pid"]) == ("chain.folder_in_use", str(chain.pid))
    assert int(Rpc(chain.url).call("eth_blockNumber"), 16) >= int(before, 16)
    chain.kill()
    monkeypatch.setattr(launcher, "LOCK_PATIENCE", 60.0)
    again = start_chain(folder)
    assert again.running


STARTER = """
import sys
from pathlib import Path
from ledger.evm.launcher import start_anvil
print(start_anvil(Path(sys.argv[1]), int(sys.argv[2]), timeout=60).pid, flush=True)
sys.stdin.read()
"""


def test_launcher__starter_killed_and_its_chain_alive__the_folder_stays_taken(
    anvil_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "chain"
    monkeypatch.setattr(launcher, "LOCK_PATIENCE", 0.2)
    environment = {**os.environ, "CHUZHENG_ANVIL_BIN": str(anvil_program)}
    command = [sys.executable, "-c", STARTER, str(folder), str(free_port())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as starter:
        assert starter.stdout
        left = int(starter.stdout.readline())
        starter.kill()
    try:
        with pytest.raises(ConfigurationError, match="folder_in_use"):
            start_anvil(folder, free_port(), binary=anvil_program, timeout=PATIENCE)
    finally:
        os.kill(left, signal.SIGKILL)
    monkeypatch.setattr(launcher, "LOCK_PATIENCE", 60.0)
    start_anvil(folder, free_port(), binary=anvil_program, timeout=PATIENCE).kill()


def test_launcher__killed_with_a_long_history__all_of_it_lay_in_the_folder_and_goes_with_the_next_start(
    anvil_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, home = tmp_path / "chain", tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    chain = start_anvil(folder, free_port(), binary=anvil_program, timeout=PATIENCE)
    Rpc(chain.url, timeout=120).call("anvil_mine", hex(2_000))
    chain.kill()  # by now a thousand and more states are out of its memory
    assert any((folder / launcher.HISTORY).rglob("*.json"))
    assert not list(home.iterdir())
    start_anvil(folder, free_port(), binary=anvil_program, timeout=PATIENCE).kill()
    assert not list((folder / launcher.HISTORY).rglob("*.json"))


def test_launcher__any_umask__nothing_in_the_folder_is_readable_by_others(
    start_chain: Callable[[Path], EmbeddedChain], tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        start_chain(tmp_path / "chain").stop()
    finally:
        os.umask(before)
    found = [tmp_path / "chain", *(tmp_path / "chain").iterdir()]
    assert {path.name for path in found} >= {STATE, GOOD, "anvil.log"}
    assert [path.name for path in found if path.stat().st_mode & 0o077] == []


def test_launcher__killed_and_state_torn__starts_from_the_last_whole_copy(
    start_chain: Callable[[Path], EmbeddedChain], tmp_path: Path
) -> None:
    folder = tmp_path / "chain"
    chain = start_chain(folder)
    genesis = Rpc(chain.url).call("eth_getBlockByNumber", "0x0", False)["hash"]
    chain.kill()
    whole = (folder / STATE).read_bytes()
    (folder / STATE).write_bytes(whole[: len(whole) // 2])
    chain = start_chain(folder)
    assert Rpc(chain.url).call("eth_getBlockByNumber", "0x0", False)["hash"] == genesis
    chain.stop()
    assert not chain.running
    shutil.rmtree(folder)
    again = start_anvil(folder, free_port(), timeout=PATIENCE)
    try:
        assert Rpc(again.url).call("eth_getBlockByNumber", "0x0", False)["hash"] != genesis
    finally:
        again.stop()
