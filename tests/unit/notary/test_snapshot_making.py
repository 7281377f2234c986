"""Snapshots made: what the index holds goes in, and a hall without a line gets the chain's own answers out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.departments import MemberFacts
from ledger.keys import NewKey, Purpose, Suite
from ledger.statuses import DecisionCode
from ledger.types import ChainHash, DepartmentCode, Digest, Millis, TypeCode
from notary.entry import status_key
from notary.evidence import Evidence, Presented
from notary.report import CheckName, Report, Verdict
from notary.snapshot import Snapshot, parse_snapshot, sign_snapshot
from notary.snapshot_facts import with_snapshot
from notary.snapshot_making import Erased, Heading, snapshot_body
from notary.verify import verify
from tests.fakes.chain import GENESIS_TIME
from tests.fakes.registry import DAY, ISSUER, OTHER, TYPE, World, certificate, signer
from tests.unit.notary.sealed_receipt import RECORD, Sealed, sealed

__all__ = ["sealed"]
KEY = signer("snapshot")
CODE = DepartmentCode(ISSUER)
OLDER = DepartmentCode(OTHER)


def snapshot_of(world: World, keys: list[Digest], *, sequence: int = 1, erased: tuple[Erased, ...] = ()) -> Snapshot:
    """The snapshot that a maker would make of this chain's newest block."""
    chain, head = world.chain, world.chain.head()
    heading = Heading(
        "test", chain.chain_id(), ChainHash(chain.genesis_hash()), sequence, Millis(head.time * 1000 + 30 * DAY), head
    )  # fmt: skip
    histories = [h for code in (CODE, OLDER) if (h := chain.department(code)) is not None]
    body = snapshot_body(
        heading,
        logs=[(world.log_id, world.origin)],
        anchors=chain.anchors(world.log_id, 0, 1000),
        decisions=[(key, decision) for key in keys for decision in chain.decisions(key)],
        members=[
            MemberFacts(h, tuple(chain.accreditations(h.code, TypeCode(TYPE))), tuple(chain.keys(h.code)))
            for h in histories
        ],
        erased=erased,
    )
    return parse_snapshot(sign_snapshot(body, KEY))


def in_a_hall(world: World, found: Snapshot, presented: Presented, at: int) -> Report:
    """Without the chain, by the snapshot; everything but 6 and 7, which the block's evidence answers elsewhere."""
    trust = world.make_trust(snapshot_key=KEY.public_key)
    evidence = with_snapshot(Evidence(), found, presented, trust, world.now)
    return verify(presented, evidence, trust, Millis(at), world.now)


def by_the_chain(world: World, presented: Presented, at: int) -> Report:
    from notary.collect import collect

    trust = world.make_trust(snapshot_key=KEY.public_key)
    return verify(presented, collect(presented, trust, world.chain, None, world.now), trust, Millis(at), world.now)


@pytest.fixture
def world() -> World:
    return World()


def act(world: World, name: str, key: Digest) -> None:
    chain = world.chain
    now = chain.head().time
    match name:
        case "suspend":
            chain.suspend(ISSUER)
        case "reinstate":
            chain.reinstate(ISSUER)
        case "withdraw":
            chain.withdraw_accreditation(ISSUER, TYPE, now)
        case "accredit":
            chain.accredit(ISSUER, TYPE, now)
        case "revoke":
            chain.decide(key, DecisionCode.REVOKED, department=ISSUER, effective_from=now - 5)
        case "annul":
            chain.annul(key, len(chain.decisions(key)))
        case _:
            chain.mine(3)


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(
    st.lists(st.sampled_from(["suspend", "reinstate", "withdraw", "accredit", "revoke", "annul", "wait"]), max_size=7),
    st.integers(-40, 0),
)
def test_hall__whatever_happened__issuer_and_status_as_the_chain_says(acts: list[str], earlier: int) -> None:
    world = World()
    receipt = world.anchored_record(certificate())
    key = status_key(receipt.entry.issuer, receipt.entry.sha256)
    suspended, decided = False, False
    for name in acts:
        if (name, suspended) in (("suspend", True), ("reinstate", False)):
            continue
        if (name == "revoke" and decided) or (name == "annul" and not decided):
            continue
        act(world, name, key)
        suspended = name == "suspend" or (suspended and name != "reinstate")
        decided = name == "revoke" or (decided and name != "annul")
    presented = Presented(receipt, certificate())
    at = world.now + earlier * 1000
    hall, chain = in_a_hall(world, snapshot_of(world, [key]), presented, at), by_the_chain(world, presented, at)
    for check in (CheckName.STATUS, CheckName.PERIOD):
        assert (hall.check(check).outcome, hall.check(check).case) == (
            chain.check(check).outcome,
            chain.check(check).case,
        )
    assert hall.as_of is not None
    assert chain.as_of is not None
    assert (hall.as_of.number, hall.as_of.time) == (chain.as_of.number, chain.as_of.time)
    assert hall.decision == chain.decision


def test_hall__with_block_evidence__valid_and_with_a_decision_not(sealed: Sealed) -> None:
    world = sealed.world
    receipt = sealed.with_evidence()
    key = status_key(receipt.entry.issuer, receipt.entry.sha256)
    trust = sealed.trust(snapshot_key=KEY.public_key)
    presented = Presented(receipt, RECORD)

    def verdict(keys: list[Digest]) -> Verdict | None:
        evidence = with_snapshot(Evidence(), snapshot_of(world, keys), presented, trust, world.now)
        return verify(presented, evidence, trust, world.now, world.now).verdict

    assert verdict([key]) is Verdict.VALID
    world.chain.decide(key, DecisionCode.REVOKED, department=ISSUER)
    assert verdict([key]) is Verdict.NOT_IN_FORCE


def test_body__same_facts_in_any_order__same_bytes(world: World) -> None:
    receipt = world.anchored_record(certificate())
    key = status_key(receipt.entry.issuer, receipt.entry.sha256)
    world.chain.decide(key, DecisionCode.SUSPENDED, cause=1, department=ISSUER)
    world.chain.decide(key, DecisionCode.RESUMED, department=ISSUER, ends=1)
    head = world.chain.head()
    heading = Heading("test", world.chain.chain_id(), ChainHash(world.chain.genesis_hash()), 4, Millis(10**13), head)
    decisions = [(key, each) for each in world.chain.decisions(key)]
    other = [(Digest(bytes(32)), decisions[0][1])]

    def body(told: list[Any]) -> bytes:
        made = snapshot_body(
            heading, logs=[(world.log_id, world.origin)], anchors=world.chain.anchors(world.log_id, 0, 9),
            decisions=told, members=[], erased=[],
        )  # fmt: skip
        return sign_snapshot(made, KEY)

    assert body(decisions + other) == body(other + decisions[::-1])
    found = parse_snapshot(body(decisions + other))
    assert [d.number for d in found.decisions[key]] == [1, 2]
    assert found.decisions[key] == tuple(d for _, d in decisions)


def test_body__keys__signing_ones_that_were_confirmed_and_what_was_claimed_about_them(world: World) -> None:
    chain = world.chain

    def new(seed: str, purpose: Purpose = Purpose.SIGN) -> NewKey:
        return NewKey(CODE, int(Suite.ED25519), int(purpose), signer(seed).public_key)

    chain.add_key(bytes([1]) * 32, new("a"))
    chain.add_key(bytes([2]) * 32, new("b"), proposed_only=True)
    chain.add_key(bytes([3]) * 32, new("c"))
    chain.compromise_key(bytes([3]) * 32, GENESIS_TIME)
    [member] = snapshot_of(world, []).departments.values()
    assert [(key.key_id[:2], key.public_key) for key in member.keys] == [
        ("01", signer("a").public_key),
        ("03", signer("c").public_key),
    ]
    assert member.keys[0].claimed_since is None
    assert member.keys[1].claimed_since == GENESIS_TIME


def test_body__log_without_an_anchor__is_complete_to_nothing(world: World) -> None:
    found = snapshot_of(world, [])
    assert found.complete_to == {}
    assert found.checkpoints == ()


def test_body__erasures__named(world: World) -> None:
    found = snapshot_of(world, [], erased=(Erased(world.origin, 3, "2026-17"),))
    assert found.erasures == {(world.origin, 3): "2026-17"}


def test_body__times_that_dont_apply__absent_and_read_as_none(world: World) -> None:
    world.chain.suspend(ISSUER)
    member = snapshot_of(world, []).departments[ISSUER]
    assert member.history == replace(member.history, succeeded_at=None, successor=None)
    assert member.history.suspensions[0].until is None
    assert member.history == world.chain.department(CODE)
    assert member.accreditations == tuple(world.chain.accreditations(CODE, TypeCode(TYPE)))
