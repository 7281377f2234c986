"""Deployment, a network by plan, anchors and decisions on every engine: what is written is what is read and indexed."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError, UnavailableError
from ledger.evm import anchor_log, certificate_status
from ledger.evm.certificate_status import DecisionInput, EntryProof
from ledger.evm.deploy import deploy
from ledger.evm.deployment import verify_deployment
from ledger.evm.indexer import Indexer, IndexReader
from ledger.evm.launcher import EmbeddedChain
from ledger.evm.network import NetworkPlan, Operator, bootstrap
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import ANVIL
from ledger.evm.reader import EvmChainReader
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey
from ledger.statuses import DecisionCode
from ledger.store.engine import writing
from ledger.types import Address, BlockTime, ChainHash, DepartmentCode, Digest, LogId, Origin, Role, TypeCode
from tests.integration.conftest import Chain

CODE = DepartmentCode("114200000110430817")
TYPE = TypeCode(CODE + "001")
SINCE = BlockTime(1_700_000_000)


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def settle(sender: Sender, outbox: Outbox, key: str) -> IntentState:
    for _ in range(4000):
        did = sender.step()
        row = outbox.status(key)
        assert row
        if row.done:
            return row.state
        if not did:
            time.sleep(0.05)
    raise AssertionError(f"{key} isn't done")


def test_network__planned_anchored_decided__reader_and_index_agree(
    chain: Chain, engine: Engine, tmp_path: Path
) -> None:
    rpc = chain.rpc
    owner, operator = chain.account(), chain.account()
    signers = {owner.address: owner, operator.address: operator}
    record = tmp_path / "deployment.json"
    deployment = deploy(rpc, chain.profile, owner, "test", record)
    assert deploy(rpc, chain.profile, owner, "test", record) == deployment

    origin = Origin(f"chuzheng/test/{CODE}")
    log_id = LogId(hashlib.sha256(b"chuzheng/log/v1\0" + origin.encode()).digest())
    plan = NetworkPlan(
        departments=[(CODE, 420000)],
        types=[(TYPE, CODE)],
        operators=[Operator(operator.address, CODE, Role.ANCHOR | Role.STATUS, b"\x01" * 32)],
        accreditations=[(CODE, TYPE, SINCE, None)],
        logs=[(origin, log_id, operator.address)],
    )
    seen: list[tuple[int, int]] = []
    bring = {"plan": plan, "progress": lambda done, of: seen.append((done, of))}
    assert bootstrap(engine, rpc, chain.profile, deployment, signers, **bring) == 5  # type: ignore[arg-type]
    assert bootstrap(engine, rpc, chain.profile, deployment, signers, plan=plan) == 0
    assert seen[-1] == (1, 1)

    reader = EvmChainReader(rpc, chain.profile, deployment)
    history = reader.department(CODE)
    assert history
    assert (history.division, history.suspensions) == (420000, ())
    assert [a.since for a in reader.accreditations(CODE, TYPE)] == [SINCE]
    assert reader.log_head(log_id) == (0, bytes(32))
    assert reader.log_head(LogId(bytes(32))) is None

    entry = b"\x01\x01" + CODE.encode() + bytes(8) + b"\x0c" * 32 + b"\x0d" * 32
    root = Digest(leaf_hash(entry))
    key = Digest(hashlib.sha256(b"chuzheng/status/v1\0" + CODE.encode() + b"\x0c" * 32).digest())
    outbox = Outbox(engine)
    sender = Sender(engine, rpc, chain.profile, deployment, signers)
    proof = EntryProof(log_id, entry, 0, 1, ())
    suspended = DecisionInput(DecisionCode.SUSPENDED, SINCE, cause=1)
    intents = {
        "anchor": anchor_log.anchor(log_id, 1, root, []),
        "wrong": anchor_log.anchor(log_id, 3, root, []),
        "decide": certificate_status.decide_first(key, suspended, proof),
        "annul": certificate_status.annul(key, 1, None),
    }
    states = {}
    for name, (contract, function, args) in intents.items():
        with writing(engine) as connection:
            outbox.enqueue(
                connection,
                intent_key=name,
                sender=operator.address,
                contract=contract,
                function=function,
                args=args,
            )
        states[name] = settle(sender, outbox, name)
    final, failed = IntentState.FINAL, IntentState.FAILED
    assert states == {"anchor": final, "wrong": failed, "decide": final, "annul": final}
    wrong = outbox.status("wrong")
    assert wrong
    assert wrong.error_code == "anchor_log.proof_invalid"

    Indexer(engine, rpc, chain.profile, deployment).catch_up()
    index = IndexReader(engine)
    assert reader.log_head(log_id) == index.log_head(log_id) == (1, root)
    assert reader.anchored_root(log_id, 1) == root
    assert reader.anchored_root(log_id, 2) is None
    assert list(reader.anchors(log_id)) == [index.anchor_for(log_id, 0)]
    assert list(reader.anchors(log_id, above_size=1)) == []
    assert list(reader.decisions(key)) == index.decisions(key)
    assert index.decisions(key)[0].annulled_at is not None
    assert index.opened_logs() == [(log_id, CODE, origin)]
    with pytest.raises(UnavailableError):
        reader.anchored_root(log_id, 1, block=10**9)


def test_deployment__anything_differs__refused_and_named(chain: Chain) -> None:
    rpc = chain.rpc
    deployment = deploy(rpc, chain.profile, chain.account(), "test")
    verify_deployment(rpc, deployment)
    first = deployment.contracts[0]
    wrong = {
        "other_chain": replace(deployment, chain_id=1),
        "other_genesis": replace(deployment, genesis_hash=ChainHash("0x" + "00" * 32)),
        "other_code": replace(deployment, contracts=(replace(first, code_hash=ChainHash("0x" + "00" * 32)),)),
        "no_code": replace(deployment, contracts=(replace(first, address=Address("0x" + "00" * 19 + "77")),)),
    }
    for code, record in wrong.items():
        with pytest.raises(ConfigurationError, match=code):
            verify_deployment(rpc, record)


def test_reader__no_node_there__unavailable(anvil: EmbeddedChain) -> None:
    deployment = deploy(Rpc(anvil.url), ANVIL, EvmKey(secrets.token_bytes(32)), "test")
    gone = EvmChainReader(Rpc("http://127.0.0.1:9", timeout=1), ANVIL, deployment)
    with pytest.raises(UnavailableError, match=r"chain\.unreachable"):
        gone.log_head(LogId(bytes(32)))
