"""Drills on networks of four nodes: validators die and return, the chain forks, senders are killed, backups restored.

Every drill ends with the same count: each intent is on the chain once, none is missing, and the index agrees. Clique
runs wherever go-ethereum is built; QBFT where a binary is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from ledger.evm.blocks import block_at
from ledger.evm.indexer import Indexer, IndexReader
from ledger.evm.outbox import IntentState
from ledger.evm.profiles import GETH_CLIQUE
from tests.integration.bursts import Site, killed
from tests.integration.networks import STARTERS, MissingError, Network, start_clique
from tests.integration.networks.beginnings import begin
from tests.integration.networks.clique import SETTLED, SETTLES_WITHIN

HALT = 8.0
"""Seconds without a block that count as a halt: blocks come every second."""
RESUMES_WITHIN = 180.0
STALL = 45.0
"""Seconds for which one dead validator may hold up QBFT: round changes wait 4, 8, 16 … seconds."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Network]]:
    """Start networks of one's own, to kill and to split; all are ended at the end."""
    started: list[Network] = []

    def begin(starter: Callable[..., Network], **options: Any) -> Network:
        try:
            started.append(starter(tmp_path / f"network{len(started)}", **options))
        except MissingError as error:
            pytest.skip(str(error))
        return started[-1]

    yield begin
    for network in started:
        network.stop()


@pytest.fixture(params=list(STARTERS))
def network(request: pytest.FixtureRequest, start: Callable[..., Network]) -> Network:
    return start(STARTERS[request.param])


def site_on(network: Network, engine: Engine, folder: Path, node: int = 0) -> Site:
    return Site(engine, network.nodes[node].url, network.profile, network.account(), folder)


def same_index(site: Site, engine: Engine) -> None:
    """The live index holds what one that is built from block 0 holds."""
    indexer = Indexer(engine, site.rpc, site.profile, site.deployment)
    indexer.catch_up()
    reader = IndexReader(engine)
    live = reader.events("Departments")
    indexer.rebuild()
    assert reader.events("Departments") == live
    at = reader.cursor()
    assert at
    assert block_at(site.rpc, at.number) == at


def test_validator__one_of_four_dead__work_goes_on(network: Network, engine: Engine, tmp_path: Path) -> None:
    site = site_on(network, engine, tmp_path)
    network.nodes[3].kill()
    names = site.admit_often(50, "dead")
    begun = time.monotonic()
    site.settle(site.sender(), names, STALL + 195)
    took = time.monotonic() - begun
    assert site.nonces() == list(range(site.first_nonce, site.first_nonce + 50))
    network.nodes[3].start(peers=1)
    network.await_height(network.height(), [network.nodes[3]])
    print(f"{network.engine}: 50 final {took:.1f} s after one of four died")


def test_validators__two_of_four_dead_and_back__halts_and_resumes(
    network: Network, engine: Engine, tmp_path: Path
) -> None:
    site = site_on(network, engine, tmp_path)
    first, second, third, fourth = network.nodes
    third.kill()
    fourth.kill()
    stood, since = first.height(), time.monotonic()
    while time.monotonic() - since < HALT:
        time.sleep(0.2)
        if stood != (stood := first.height()):
            since = time.monotonic()
    names = site.admit_often(50, "halted")
    sender = site.sender()
    sender.step()
    assert site.outbox.counts().get(IntentState.MINED, 0) == 0
    begun = time.monotonic()
    third.spawn()
    fourth.spawn()
    for node in (third, fourth):
        node.await_peers(1)
        if node.mines_when_told:  # signing before it has the others' blocks it makes a fork, and both may stand still
            network.await_height(stood, [node])
        node.sign()
    network.await_height(stood + 1, [first, second], timeout=RESUMES_WITHIN)
    took = time.monotonic() - begun
    assert took < RESUMES_WITHIN
    site.settle(sender, names)
    assert site.nonces() == list(range(site.first_nonce, site.first_nonce + 50))
    same_index(site, engine)
    print(f"{network.engine}: first block {took:.1f} s after two validators came back")


@pytest.mark.parametrize("depth", [4, 12])
def test_chain__reorganised_deeper_than_one_block__resent_and_index_follows(
    start: Callable[..., Network], engine: Engine, tmp_path: Path, depth: int
) -> None:
    """Two nodes with one signer's key, which is what an operator mustn't do, go on alone: then one side loses all.
    Four blocks are above finality, twelve below it: what was told as final comes back to signed and is sent again."""
    network = start(start_clique, nodes=2, one_key=True)
    ours, other = network.nodes
    site = site_on(network, engine, tmp_path)
    before = site.admit_often(5, "before")
    sender = site.sender()
    site.settle(sender, before)
    indexer = Indexer(engine, site.rpc, GETH_CLIQUE, site.deployment)
    network.split([ours], [other])
    forked = ours.height()
    names = site.admit_often(40, "fork")
    while ours.height() < forked + depth:
        sender.step()
        time.sleep(0.1)
    ours.rpc.call("miner_stop")
    height = -1
    while height != (height := ours.height()):  # one that was being sealed may still come
        sender.step()
    indexer.catch_up()
    # Exactly what is deep enough: five and nothing of the fork for a depth of four, unless the machine stood still.
    rows = [row for name in names if (row := site.outbox.status(name)) is not None]
    blocks = [row.block_number for row in rows if row.block_number is not None]
    deep = sum(block + GETH_CLIQUE.finality_depth <= height for block in blocks)
    assert site.outbox.counts().get(IntentState.FINAL, 0) == 5 + deep
    assert deep == 40 or depth <= GETH_CLIQUE.finality_depth + 3
    lost = block_at(ours.rpc, height)
    assert lost
    network.await_height(lost.number + 3, [other])
    network.heal([ours], [other])
    network.await_height(lost.number + 3, [ours])
    ours.rpc.call("miner_start")
    now = block_at(ours.rpc, lost.number)
    assert now
    assert now.hash != lost.hash
    sender.step()
    if deep:
        assert site.outbox.counts().get(IntentState.FINAL, 0) < 45, "noticed"
    site.settle(sender, before + names)
    assert site.nonces() == list(range(site.first_nonce, site.first_nonce + 45))
    same_index(site, engine)


@pytest.mark.parametrize("count", [5000])
def test_burst__sender_killed_again_and_again__none_lost_none_twice(
    network: Network, engine: Engine, tmp_path: Path, count: int
) -> None:
    site = site_on(network, engine, tmp_path)
    names = site.admit_often(count, "burst")
    for pause in (0.2, 0.7, 1.3):  # each goes on when the last one's lease has run out
        killed(site.command(), pause)
    counts = site.outbox.counts()
    assert 0 < counts.get(IntentState.QUEUED, 0) < count, counts
    site.settle(site.sender(), names, 400)
    assert site.nonces() == list(range(site.first_nonce, site.first_nonce + count))


def test_chain__restored_from_a_backup__shorter_chain_gets_everything_again(
    network: Network, engine: Engine, tmp_path: Path
) -> None:
    site = site_on(network, engine, tmp_path)
    first = site.admit_often(5, "first")
    site.settle(site.sender(), first)
    network.stop()
    network.keep("backup")
    height = restarted(network, "backup")
    second = site.admit_often(30, "second")
    sender = site.sender()
    site.settle(sender, first + second)
    sender.release()
    Indexer(engine, site.rpc, site.profile, site.deployment).catch_up()
    assert network.height() > height
    network.stop()
    restarted(network, "backup")
    assert site.nonces() == list(range(site.first_nonce, site.first_nonce + 5))
    sender = site.sender()
    sender.step()
    assert site.outbox.counts()[IntentState.FINAL] == len(first), "noticed"
    site.settle(sender, first + second)
    assert site.nonces() == list(range(site.first_nonce, site.first_nonce + 35))
    same_index(site, engine)


def restarted(network: Network, backup: str) -> int:
    """All nodes run again on what the backup holds and make blocks; the height that they came back with."""
    for attempt in range(4):
        network.restore(backup)
        network.nodes[0].spawn()
        network.nodes[0].await_peers(0)
        height = network.nodes[0].height()
        begin(network)
        try:
            network.await_height(height + SETTLED, timeout=SETTLES_WITHIN * (attempt + 1))
        except AssertionError:  # signers that come back together may each make a block of their own and then wait
            network.stop()
        else:
            return height
    raise AssertionError("the nodes stood still at each of four beginnings")
