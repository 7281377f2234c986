"""New versions of AnchorLog and CertificateStatus on anvil: what stood before verifies as before, online and offline;
what comes after goes to the new ones; index and reader tell both; who doesn't know of them says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ledger.evm import anchor_log, certificate_status, council
from ledger.evm.artifacts import encode_call
from ledger.evm.certificate_status import CertificateStatusView
from ledger.evm.deploy import deploy, deploy_version
from ledger.evm.deployment import Deployment
from ledger.evm.indexed import IndexedChainReader
from ledger.evm.launcher import EmbeddedChain
from ledger.evm.network import NetworkPlan, bootstrap
from ledger.evm.profiles import ANVIL
from ledger.evm.reader import EvmChainReader
from ledger.evm.rpc import Rpc
from ledger.ports import ChainReader
from ledger.statuses import DecisionCode
from ledger.types import BlockTime, Digest, Millis, Stage, TypeCode
from notary.collect import collect
from notary.entry import log_id
from notary.evidence import Presented
from notary.receipt import Receipt
from notary.report import CheckName, Outcome, Report, Verdict
from notary.trust import LogKey, TrustFile, make_trust, parse_trust
from notary.verify import verify
from tests.fakes.notary import ISSUER, ORIGIN, certificate
from tests.integration.test_chain_closing import COMPETENT, sent
from tests.integration.test_notary_anchoring import Site, site

__all__ = ["site"]

LOG = log_id(ORIGIN)


def trusted(site: Site, deployment: Deployment, after: TrustFile | None = None) -> TrustFile:
    now = Millis(time.time_ns() // 1_000_000)
    data = make_trust(
        network=deployment.network,
        chain_id=deployment.chain_id,
        genesis_hash=deployment.genesis_hash,
        finality="none",
        council=[(ISSUER, site.signer)],
        contracts=deployment.contracts,
        log_keys=[LogKey(ORIGIN, ORIGIN, site.signer.public_key, Millis(now - 10**7))],
        issued_at=now,
        as_of_block=max(c.from_block for c in deployment.contracts),
        after=after,
    )
    return parse_trust(data)


def judged(site: Site, receipt: Receipt, trust: TrustFile, chain: ChainReader | None) -> Report:
    asked = Presented(receipt, site.notary.record(receipt.origin, receipt.index))
    now = Millis(time.time_ns() // 1_000_000)
    return verify(asked, collect(asked, trust, chain, None, now), trust, now, now)


def outcomes(report: Report) -> dict[CheckName, Outcome]:
    return {check.name: check.outcome for check in report.checks}


def test_new_versions__named_by_the_council__old_and_new_verify_and_the_index_tells_both(
    site: Site, start_chain: Callable[[Path], EmbeddedChain], tmp_path: Path
) -> None:
    chain = start_chain(tmp_path / "chain")
    old = site.connect(chain.url, None)
    rpc, notary = Rpc(chain.url), site.notary
    kind = TypeCode(certificate(0)["type"])
    plan = NetworkPlan(
        departments=[(COMPETENT, 110000)],
        types=[(kind, COMPETENT)],
        accreditations=[(ISSUER, kind, BlockTime(1_577_808_000), None)],
    )
    bootstrap(site.engine, rpc, ANVIL, old, {site.owner.address: site.owner}, plan=plan)
    notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(3)], key="before")
    site.until(lambda: site.stages(3) == {Stage.ANCHORED})
    suspended = site.decisions.key_of((ORIGIN, 1))
    site.decisions.decide(ISSUER, (ORIGIN, 1), DecisionCode.SUSPENDED, cause=1)
    site.until(lambda: len(site.index.decisions(suspended)) == 1)
    receipts = [notary.receipt(ORIGIN, n, salted=True) for n in range(2)]
    first = trusted(site, old)
    before = [judged(site, r, first, EvmChainReader(rpc, ANVIL, old)) for r in receipts]
    offline = [judged(site, r, first, None) for r in receipts]
    assert before[1].verdict is Verdict.SUSPENDED
    block = EvmChainReader(rpc, ANVIL, old).head().number

    # One proposal: both are named, the old ones retired, and the new statuses follow the new log.
    site.sender.release()
    record = site.home / "deployment.json"
    logs = deploy_version(rpc, ANVIL, site.owner, anchor_log.NAME, record)
    statuses = deploy_version(rpc, ANVIL, site.owner, certificate_status.NAME, record)
    site.connect(chain.url, old)
    calls = [
        council.name_contract(logs.name, logs.address),
        council.name_contract(statuses.name, statuses.address),
        anchor_log.retire(logs.address),
        certificate_status.retire(statuses.address),
    ]
    contract, function, args = certificate_status.follow_log(logs.address)
    follows = (statuses.address, encode_call(contract, function, args))
    made = council.enact(Digest(b"\x07" * 32), [*(council.as_call(old, call) for call in calls), follows])
    sent(site, site.owner.address, made)
    site.sender.release()
    new = deploy(rpc, ANVIL, site.owner, "test", record)
    for name, version in ((anchor_log.NAME, logs), (certificate_status.NAME, statuses)):
        assert [c.address for c in new.versions(name)] == [old.address(name), version.address]
    second = trusted(site, new, first)
    readers = EvmChainReader(rpc, ANVIL, new), IndexedChainReader(rpc, ANVIL, new, site.index)

    # What stood before: the same verdicts and checks, online and offline.
    for reader in readers:
        again = [judged(site, r, second, reader) for r in receipts]
        assert [(r.verdict, outcomes(r)) for r in again] == [(r.verdict, outcomes(r)) for r in before]
    again = [judged(site, r, second, None) for r in receipts]
    assert [(r.verdict, outcomes(r)) for r in again] == [(r.verdict, outcomes(r)) for r in offline]

    # What comes after goes to the new ones: an anchor, a later decision and a first one.
    site.connect(chain.url, new)
    sent(site, site.operator.address, anchor_log.carry([LOG]))
    notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(3, 5)], key="after")
    site.until(lambda: site.stages(5) == {Stage.ANCHORED})
    resumed = site.decisions.decide(ISSUER, (ORIGIN, 1), DecisionCode.RESUMED, ends=1)
    rescinded = site.decisions.decide(ISSUER, (ORIGIN, 4), DecisionCode.RESCINDED)
    late = site.decisions.key_of((ORIGIN, 4))
    site.until(lambda: len(site.index.decisions(suspended)) == 2 and len(site.index.decisions(late)) == 1)
    # The index may know of a block that the sender has still to look at.
    site.until(lambda: all(site.outbox.status(k).done for k in (resumed, rescinded)))  # type: ignore[union-attr]
    assert {site.outbox.status(k).state for k in (resumed, rescinded)} == {"final"}  # type: ignore[union-attr]
    for reader in readers:
        told = reader.anchors(LOG, 0, 10)
        assert {a.size: a.contract for a in told}[5] == logs.address
        assert told[0].contract == old.address(anchor_log.NAME)
        assert reader.log_head(LOG) == site.index.log_head(LOG)
        assert reader.decisions(suspended) == tuple(site.index.decisions(suspended))
        assert [d.number for d in reader.decisions(suspended)] == [1, 2]
        assert [d.number for d in reader.decisions(suspended, block)] == [1]
        assert [d.code for d in reader.decisions(late)] == [DecisionCode.RESCINDED]
        now_in_force = judged(site, receipts[1], second, reader)
        assert now_in_force.verdict is before[0].verdict
        rejected = judged(site, notary.receipt(ORIGIN, 4, salted=True), second, reader)
        assert outcomes(rejected)[CheckName.ANCHORED] is Outcome.PASS
        assert rejected.verdict is not now_in_force.verdict
    assert CertificateStatusView(rpc, new).log(readers[0].head().number) == logs.address
    anchors, decided = site.index.anchors_above(LOG, 0, 10), site.index.decisions(suspended)
    site.indexer.rebuild()
    assert (site.index.anchors_above(LOG, 0, 10)[0], site.index.decisions(suspended)) == (anchors[0], decided)

    # Who still has the old trust file neither believes the old contracts nor accuses anybody.
    stale = EvmChainReader(rpc, ANVIL, old)
    for receipt in (receipts[1], notary.receipt(ORIGIN, 4, salted=True)):
        report = judged(site, receipt, first, stale)
        assert report.verdict is Verdict.CANNOT_CHECK
        assert Outcome.FAIL not in outcomes(report).values()
