"""A log closed after a stolen key, the move to a second AnchorLog, a competent department's first decision, on anvil:
the contract, the reader, the index and the notary's receipts say the same."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ledger.evm import anchor_log, certificate_status, council
from ledger.evm.certificate_status import CertificateStatusView
from ledger.evm.departments import CallIntent
from ledger.evm.deploy import deploy, deploy_version
from ledger.evm.deployment import Deployment
from ledger.evm.indexed import IndexedChainReader
from ledger.evm.launcher import EmbeddedChain
from ledger.evm.network import NetworkPlan, Operator, bootstrap
from ledger.evm.outbox import IntentState
from ledger.evm.profiles import ANVIL
from ledger.evm.reader import EvmChainReader
from ledger.evm.rpc import Rpc
from ledger.evm.transactions import EvmKey
from ledger.statuses import DecisionCode
from ledger.store.engine import writing
from ledger.types import Address, DepartmentCode, Digest, Role, Stage, TypeCode
from notary.decisions import Decisions
from notary.disclosure import make_disclosure, parse_disclosure
from notary.entry import log_id
from tests.fakes.notary import ISSUER, ORIGIN, certificate
from tests.integration.test_notary_anchoring import Site, site

__all__ = ["site"]

COMPETENT = DepartmentCode("11100000000013338W")
LOG = log_id(ORIGIN)


def sent(site: Site, sender: Address, call: CallIntent) -> None:
    """Hand a call to the outbox, and wait until it is final and indexed."""
    key = f"test/{secrets.token_hex(8)}"
    with writing(site.engine) as connection:
        site.outbox.enqueue(
            connection, intent_key=key, sender=sender, contract=call[0], function=call[1], args=tuple(call[2])
        )
    site.until(lambda: bool((row := site.outbox.status(key)) and row.done))
    row = site.outbox.status(key)
    assert row is not None
    assert row.state is IntentState.FINAL, (row.error_code, row.error_params)
    block = row.block_number
    assert block is not None
    site.until(lambda: site.index.tells(block))


def enacted(site: Site, deployment: Deployment, *calls: CallIntent) -> None:
    """The council of one member decides, and does it at once."""
    made = Digest(secrets.token_bytes(32))
    sent(site, site.owner.address, council.enact(made, [council.as_call(deployment, call) for call in calls]))


def test_closed_and_moved__real_chain__reader_index_and_receipts_agree(
    site: Site, start_chain: Callable[[Path], EmbeddedChain], tmp_path: Path
) -> None:
    chain = start_chain(tmp_path / "chain")
    deployment = site.connect(chain.url, None)
    rpc, notary = Rpc(chain.url), site.notary
    notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(3)], key="good")
    site.until(lambda: site.stages(3) == {Stage.ANCHORED})
    good = site.index.log_head(LOG)
    assert good is not None
    notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(3, 5)], key="forged")
    site.until(lambda: site.stages(5) == {Stage.ANCHORED})
    late = site.index.log_head(LOG)
    assert late is not None
    assert late[0] == 5 > good[0]

    # Stolen key: the council closes the log at what was good.
    enacted(site, deployment, anchor_log.close_log(LOG, good[0]))
    plain = EvmChainReader(rpc, ANVIL, deployment)
    for reader in (plain, IndexedChainReader(rpc, ANVIL, deployment, site.index)):
        assert reader.closed_at(LOG) == good[0]
        assert reader.log_head(LOG) == good
        assert reader.anchored_root(LOG, late[0]) is None
        assert reader.anchors(LOG, good[0], 5) == ()
        assert reader.anchors(LOG, 0, 5)[-1].size == good[0]
    assert site.index.closed_at(LOG) == good[0]
    assert site.index.log_head(LOG) == good
    assert site.index.log_heads()[LOG] == good
    assert {notary.receipt(ORIGIN, n).stage for n in range(good[0])} == {Stage.ANCHORED}
    assert notary.receipt(ORIGIN, 4).stage is Stage.INCLUDED

    # A second AnchorLog takes over; the statuses follow it.
    before = plain.head().number
    site.sender.release()
    record = site.home / "deployment.json"
    new = deploy_version(rpc, ANVIL, site.owner, anchor_log.NAME, record)
    site.connect(chain.url, deployment)
    enacted(
        site,
        deployment,
        council.name_contract(anchor_log.NAME, new.address),
        anchor_log.retire(new.address),
        certificate_status.follow_log(new.address),
    )
    site.sender.release()
    moved = deploy(rpc, ANVIL, site.owner, "test", record)
    assert [c.address for c in moved.versions(anchor_log.NAME)] == [
        deployment.address(anchor_log.NAME),
        new.address,
    ]
    site.connect(chain.url, moved)
    sent(site, site.operator.address, anchor_log.carry([LOG]))
    for reader in (EvmChainReader(rpc, ANVIL, moved), IndexedChainReader(rpc, ANVIL, moved, site.index)):
        assert reader.closed_at(LOG) == good[0]
        assert reader.anchored_root(LOG, good[0]) == good[1]
        assert reader.anchored_root(LOG, good[0], before) == good[1]
        (found,) = reader.anchors(LOG, good[0] - 1, 5)
        assert (found.size, found.contract) == (good[0], deployment.address(anchor_log.NAME))

    # The competent department begins, with nothing but the disclosure, on a proof that the first contract anchored.
    key = EvmKey(secrets.token_bytes(32))
    record_1 = certificate(1)
    plan = NetworkPlan(
        departments=[(COMPETENT, 110000)],
        types=[(TypeCode(record_1["type"]), COMPETENT)],
        operators=[Operator(key.address, COMPETENT, Role.STATUS, b"\x02" * 32)],
    )
    site.sender.release()
    signers = {k.address: k for k in (site.owner, site.operator, key)}
    bootstrap(site.engine, rpc, ANVIL, moved, signers, plan=plan)
    site.connect(chain.url, moved, key)
    receipt = notary.receipt(ORIGIN, 1, salted=True)
    assert receipt.salt is not None
    shown = parse_disclosure(make_disclosure(record_1, receipt.salt, (), replace(receipt, salt=None)))
    made = Decisions(notary, site.outbox, site.index, operators={COMPETENT: (key.address,)})
    intent = made.decide(COMPETENT, shown, DecisionCode.SUSPENDED, cause=1)
    subject = site.decisions.key_of((ORIGIN, 1))
    site.until(lambda: bool((row := site.outbox.status(intent)) and row.done) and bool(site.index.decisions(subject)))
    assert [d.department for d in site.index.decisions(subject)] == [COMPETENT]
    proven = CertificateStatusView(rpc, moved).type_of(subject, plain.head().number)
    assert proven == record_1["type"]
