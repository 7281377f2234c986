"""Records to anchored receipts and decisions on a real chain, and again after the chain lost its last blocks."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.crypto.keys import create_signing_key
from ledger.evm.deploy import deploy
from ledger.evm.deployment import Deployment
from ledger.evm.indexer import Indexer
from ledger.evm.launcher import GOOD, STATE, EmbeddedChain
from ledger.evm.network import NetworkPlan, Operator, bootstrap
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import ANVIL
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey
from ledger.ports import Signer
from ledger.statuses import DecisionCode
from ledger.store.engine import open_engine, upgrade
from ledger.store.index import IndexReader
from ledger.types import Millis, Role, Stage
from notary.decisions import Decisions
from notary.entry import log_id
from notary.receipt import inclusion_error
from notary.service import Notary
from notary.worker import Worker
from tests.fakes.notary import ISSUER, ORIGIN, STORAGE_KEY, certificate, packed


class SystemClock:
    def now(self) -> Millis:
        return Millis(time.time_ns() // 1_000_000)


@dataclass
class Site:
    """Everything of a deployment but HTTP; `connect` after each start of the chain."""

    home: Path
    owner: EvmKey
    operator: EvmKey
    signer: Signer

    def __post_init__(self) -> None:
        self.engine = open_engine(f"sqlite:///{self.home}/chuzheng.sqlite")
        upgrade(self.engine)
        self.index, self.outbox = IndexReader(self.engine), Outbox(self.engine)
        self.notary = Notary(
            self.engine,
            self.home / "logs",
            {ORIGIN: self.signer},
            storage_key=STORAGE_KEY,
            clock=SystemClock(),
            anchors=self.index,
        )
        operators = {ISSUER: (self.operator.address,)}
        self.decisions = Decisions(self.notary, self.outbox, self.index, operators=operators)

    def connect(self, url: str, deployment: Deployment | None, *others: EvmKey) -> Deployment:
        rpc = Rpc(url)
        signers = {key.address: key for key in (self.owner, self.operator, *others)}
        if deployment is None:
            deployment = deploy(rpc, ANVIL, self.owner, "test", self.home / "deployment.json")
            roles = Role.ANCHOR | Role.STATUS
            plan = NetworkPlan(
                departments=[(ISSUER, 420000)],
                operators=[Operator(self.operator.address, ISSUER, roles, b"\x01" * 32)],
                logs=[(ORIGIN, log_id(ORIGIN), self.operator.address)],
            )
            bootstrap(self.engine, rpc, ANVIL, deployment, signers, plan=plan)
        self.sender = Sender(self.engine, rpc, ANVIL, deployment, signers)
        lanes = {ORIGIN: self.operator.address}
        self.indexer = Indexer(self.engine, rpc, ANVIL, deployment)
        beside = (self.sender, self.indexer)
        self.worker = Worker(self.notary, self.outbox, self.index, lanes=lanes, clock=SystemClock(), beside=beside)
        return deployment

    def until(self, done: Callable[[], bool], seconds: float = 180) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, self.outbox.counts()
            if not self.worker.step():
                time.sleep(0.05)

    def stages(self, count: int) -> set[Stage]:
        return {self.notary.receipt(ORIGIN, n).stage for n in range(count)}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    home = tmp_path / "home"
    home.mkdir()
    signer = create_signing_key(home / "log.pem")
    made = Site(home, EvmKey(secrets.token_bytes(32)), EvmKey(secrets.token_bytes(32)), signer)
    yield made
    made.notary.close()


def test_notary__real_chain__anchored_decided_and_again_after_it_lost_blocks(
    site: Site, start_chain: Callable[[Path], EmbeddedChain], tmp_path: Path
) -> None:
    folder, notary = tmp_path / "chain", site.notary
    chain = start_chain(folder)
    deployment = site.connect(chain.url, None)
    accepted = notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(3)], key="k")
    site.until(lambda: site.stages(3) == {Stage.ANCHORED})
    first = notary.receipt(ORIGIN, 1, salted=True)
    assert (first.entry, first.salt) == (accepted[1].receipt.entry, accepted[1].receipt.salt)
    assert inclusion_error(first) is None
    site.sender.release()
    chain.stop(60)
    older = (folder / STATE).read_bytes()

    chain = start_chain(folder)
    site.connect(chain.url, deployment)
    for n in range(3):
        notary.accept_commitments(ISSUER, ORIGIN, packed(4, start=4 * n), key=f"k{n}")
        site.worker.step()
    suspended = site.decisions.decide(ISSUER, (ORIGIN, 1), DecisionCode.SUSPENDED, cause=1)
    replaced = site.decisions.decide(ISSUER, (ORIGIN, 0), DecisionCode.SUPERSEDED, successor=(ORIGIN, 2))
    key = site.decisions.key_of((ORIGIN, 1))
    site.until(lambda: site.stages(15) == {Stage.ANCHORED} and len(site.index.decisions(key)) == 1)
    resumed = site.decisions.decide(ISSUER, (ORIGIN, 1), DecisionCode.RESUMED, ends=1)
    site.until(lambda: len(site.index.decisions(key)) == 2)
    annulled = site.decisions.annul(ISSUER, (ORIGIN, 0), 1)
    site.until(lambda: all(site.outbox.status(k).done for k in (suspended, replaced, resumed, annulled)))  # type: ignore[union-attr]
    made = {k: site.outbox.status(k) for k in (suspended, replaced, resumed, annulled)}
    assert {row.state for row in made.values() if row} == {IntentState.FINAL}
    anchored = notary.receipt(ORIGIN, 14)
    site.sender.release()
    chain.kill()
    for name in (STATE, GOOD):
        (folder / name).write_bytes(older)

    chain = start_chain(folder)
    site.connect(chain.url, deployment)
    seen: set[frozenset[Stage]] = set()

    def back() -> bool:
        seen.add(frozenset(site.stages(15)))
        return site.stages(15) == {Stage.ANCHORED} and len(site.index.decisions(key)) == 2

    site.indexer.step()
    assert Stage.INCLUDED in site.stages(15)
    site.until(back)
    again = notary.receipt(ORIGIN, 14)
    assert again.anchor != anchored.anchor
    assert (again.entry, again.inclusion, again.checkpoint) == (anchored.entry, anchored.inclusion, anchored.checkpoint)
    assert inclusion_error(again) is None
