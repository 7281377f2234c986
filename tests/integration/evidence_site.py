"""A deployment on a QBFT network that captures evidence: notary, decisions, a grant from the catalogue on. Test helper.

`Site` has the accounts of an issuing department that also provides data, of a consumer and of the sharing authority,
each with the people that the contracts ask for; what it does goes through outbox and sender, as in production.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.event_files import EventFiles
from ledger.authorities import Domain
from ledger.calendar import day_of
from ledger.catalogue import SharingClass
from ledger.crypto.keys import create_signing_key
from ledger.evm import authorities, catalogue, council, share_authorisations, working_calendar
from ledger.evm.capture import Capture, validator_sets
from ledger.evm.deploy import deploy
from ledger.evm.indexer import Indexer
from ledger.evm.network import NetworkPlan, Operator, bootstrap
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey
from ledger.shares.grants import Terms
from ledger.store.engine import open_engine, upgrade, writing
from ledger.store.evidence import EvidenceStore
from ledger.store.index import IndexReader
from ledger.types import BlockTime, DepartmentCode, Digest, Millis, Role
from notary.decisions import Decisions
from notary.entry import log_id
from notary.event_proof import EventProof, evidence_of
from notary.service import Notary
from notary.trust import LogKey, TrustFile, ValidatorSet, make_trust, parse_trust
from notary.worker import Worker
from tests.fakes.notary import ISSUER, ORIGIN, OTHER, STORAGE_KEY
from tests.fakes.registry import signer
from tests.integration.networks import Network

AUTHORITY = DepartmentCode("11420000009991840C")
DIVISION = 420100
HANDLER, APPROVER = int(Role.SHARE_HANDLER), int(Role.SHARE_APPROVER)
PEOPLE: Mapping[str, tuple[DepartmentCode, int]] = {
    "notary": (ISSUER, Role.ANCHOR | Role.STATUS),
    "provider_handler": (ISSUER, HANDLER),
    "provider_approver": (ISSUER, APPROVER),
    "consumer_handler": (OTHER, HANDLER),
    "consumer_approver": (OTHER, APPROVER),
    "authority": (AUTHORITY, APPROVER),
}
DAY = 86_400
EVERY_DAY = (1 << 365) - 1
"""A year whose every day is a working day: the test may run in any year."""


class SystemClock:
    def now(self) -> Millis:
        return Millis(time.time_ns() // 1_000_000)


@dataclass
class Site:
    """Everything of a deployment but HTTP, on `network`, asking `node` of it."""

    network: Network
    home: Path
    node: int = 0
    keys: dict[str, EvmKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        profile, rpc = self.network.profile, self.network.nodes[self.node].rpc
        self.rpc, owner = rpc, self.network.account()
        self.owner = owner
        self.keys = {name: self.network.account() for name in PEOPLE}
        self.engine = open_engine(f"sqlite:///{self.home}/chuzheng.sqlite")
        upgrade(self.engine)
        self.deployment = deploy(rpc, profile, owner, "test", self.home / "deployment.json")
        signers = {key.address: key for key in (owner, *self.keys.values())}
        plan = NetworkPlan(
            departments=[(code, DIVISION) for code in (ISSUER, OTHER, AUTHORITY)],
            operators=[
                Operator(self.keys[name].address, code, int(roles), bytes([n + 1]) * 32)
                for n, (name, (code, roles)) in enumerate(PEOPLE.items())
            ],
            logs=[(ORIGIN, log_id(ORIGIN), self.keys["notary"].address)],
        )
        bootstrap(self.engine, rpc, profile, self.deployment, signers, plan=plan)
        self.index, self.outbox = IndexReader(self.engine), Outbox(self.engine)
        self.store = EvidenceStore(self.engine)
        self.notary = Notary(
            self.engine, self.home / "logs", {ORIGIN: create_signing_key(self.home / "log.pem")},
            storage_key=STORAGE_KEY, clock=SystemClock(), anchors=self.index,
            evidence=lambda anchor: evidence_of(self.store.of_anchor(anchor)),
        )  # fmt: skip
        lane = self.keys["notary"].address
        self.decisions = Decisions(self.notary, self.outbox, self.index, operators={ISSUER: (lane,)})
        self.sender = Sender(self.engine, rpc, profile, self.deployment, signers)
        beside = (
            self.sender,
            Indexer(self.engine, rpc, profile, self.deployment),
            Capture(self.store, self.index, rpc, profile),
        )
        self.worker = Worker(
            self.notary, self.outbox, self.index, lanes={ORIGIN: lane}, clock=SystemClock(), beside=beside
        )
        self._numbers = itertools.count()

    def close(self) -> None:
        self.sender.release()
        self.notary.close()
        self.engine.dispose()

    def until(self, done: Callable[[], bool], seconds: float = 180) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, self.outbox.counts()
            if not self.worker.step():
                time.sleep(0.05)

    def send(self, *calls: tuple[str, tuple[str, str, list[Any]]]) -> None:
        """One after the other, each final before the next: (who, call)."""
        for who, (contract, function, args) in calls:
            name = f"step {next(self._numbers)}"
            key = self.owner if who == "council" else self.keys[who]
            with writing(self.engine) as connection:
                self.outbox.enqueue(
                    connection, intent_key=name, sender=key.address, contract=contract, function=function, args=args
                )
            self.until(lambda name=name: bool((row := self.outbox.status(name)) and row.done))  # type: ignore[misc]
            row = self.outbox.status(name)
            assert row is not None
            assert row.state is IntentState.FINAL, (function, row.error_code)

    def as_council(self, *calls: tuple[str, str, list[Any]]) -> None:
        made = [council.as_call(self.deployment, call) for call in calls]
        self.send(("council", council.enact(Digest(secrets.token_bytes(32)), made)))

    def grant(self) -> Digest:
        """A resource from its draft to its publication, and a grant for it from the application on; the grant's id."""
        this_year = day_of(int(time.time())).year
        self.as_council(
            *(working_calendar.set_year(year, EVERY_DAY) for year in (this_year, this_year + 1)),
            authorities.set_authority(Domain.SHARING, DIVISION, AUTHORITY),
        )
        code, version, made = (Digest(secrets.token_bytes(32)) for _ in range(3))
        now = BlockTime(int(time.time()))
        terms = Terms(
            resource=code, body=Digest(secrets.token_bytes(32)), items=Digest(secrets.token_bytes(32)), not_before=now,
            not_after=BlockTime(now + 30 * DAY), max_uses=5, rate_per_day=2, purpose=1, basis_kind=1, scope=1,
            method=1, mode=1, article=10_021,
        )  # fmt: skip
        drawn = catalogue.NewVersion(version, SharingClass.UNCONDITIONAL, b"\x01")
        self.send(
            ("provider_handler", catalogue.draw_up(code, drawn)),
            ("provider_approver", catalogue.review(code, version)),
            ("provider_approver", catalogue.approve(code, version)),
            ("authority", catalogue.publish(code, version)),
            ("consumer_handler", share_authorisations.propose(made, terms)),
            ("consumer_approver", share_authorisations.submit(made)),
            ("provider_handler", share_authorisations.review(made)),
            ("provider_approver", share_authorisations.grant(made)),
        )
        return made

    def events(self, contract: str, subject: bytes) -> list[EventProof]:
        """Files for all that a contract said of an object, once all of their blocks are captured, as the API gives
        them."""
        files = EventFiles(self.store, self.index, self.deployment, self.network.profile.finality_depth)
        self.until(lambda: files.about(contract, subject)[1] == 0 and bool(files.about(contract, subject)[0]))
        return files.about(contract, subject)[0]

    def trust(self, **changes: Any) -> TrustFile:
        """A trust file of now: contracts of the deployment, validator sets as the chain's headers list them."""
        head = int(self.rpc.call("eth_blockNumber"), 16)
        now = SystemClock().now()
        sets = [ValidatorSet(s.from_block, s.validators, s.until_block) for s in validator_sets(self.rpc, 0, head)]
        return parse_trust(make_trust(**{
            "network": "test", "chain_id": self.deployment.chain_id, "genesis_hash": self.deployment.genesis_hash,
            "finality": "qbft", "council": [("owner", signer("owner"))], "issued_at": now, "as_of_block": head,
            "contracts": self.deployment.contracts,
            "log_keys": [LogKey(ORIGIN, ORIGIN, self.notary.signers[ORIGIN].public_key, Millis(0))],
            "validators": sets, **changes,
        }))  # fmt: skip


def vote(network: Network, about: int, into: bool, seconds: float = 180) -> None:
    """Have the other validators vote node `about` in or out, and wait until the set has changed."""
    address, call = network.nodes[about].key.address, network.profile.propose_call
    assert call is not None
    for node in network.nodes:
        if node.running and node.number != about:
            node.rpc.call(call, address, into)
    end = time.monotonic() + seconds
    while (address in current(network)) is not into:
        assert time.monotonic() < end, f"validator {about} isn't voted {'in' if into else 'out'}"
        time.sleep(0.2)


def current(network: Network) -> set[str]:
    """Who the engine says validates now."""
    call = network.profile.validators_call
    assert call is not None
    parameters = ("latest",) if call.startswith("qbft") else ()
    return {str(address).lower() for address in network.nodes[0].rpc.call(call, *parameters)}
