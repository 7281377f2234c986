"""Collecting: all of the chain's facts at one named block; an outage becomes Unavailable, a fault of ours goes up."""

from __future__ import annotations

import pytest

from ledger.errors import IntegrityError
from notary.collect import Collector, collect
from notary.evidence import ABSENT, NOT_COLLECTED, OFFLINE, LogSeen, Presented, Unavailable
from tests.fakes.registry import ISSUER, World, certificate

RECORD = certificate()


def presented(world: World, stage: str = "anchored") -> Presented:
    return Presented(world.receipt(0, stage=stage), record=RECORD)


@pytest.fixture
def world() -> World:
    made = World()
    made.anchored_record(RECORD)
    return made


def test_collect__online__everything_at_one_block(world: World) -> None:
    evidence = collect(presented(world), world.trust, world.chain, world.log, world.now)
    assert evidence.as_of is not None
    assert evidence.as_of.number == world.chain.head().number
    assert evidence.root == world.root()
    assert evidence.earliest == world.anchored == evidence.anchor
    assert evidence.decisions == ()
    assert not isinstance(evidence.accreditations, Unavailable)
    assert len(evidence.accreditations) == 1
    assert evidence.log == NOT_COLLECTED  # an included receipt needs nothing of the log


def test_collect__finality_by_depth__facts_are_of_the_final_block_and_the_head_is_asked_too(world: World) -> None:
    trust = world.make_trust(finality="depth:2")
    world.chain.suspend(ISSUER)
    evidence = collect(presented(world), trust, world.chain, world.log, world.now)
    assert evidence.as_of is not None
    assert evidence.as_of.number == world.chain.head().number - 2
    assert evidence.root is ABSENT
    assert evidence.newest_root == world.root()
    assert not isinstance(evidence.department, Unavailable)
    assert evidence.department is not ABSENT
    assert evidence.department.suspensions == ()


def test_collect__deeper_than_the_chain_is_long__the_first_block(world: World) -> None:
    evidence = collect(presented(world), world.make_trust(finality="depth:999"), world.chain, None, world.now)
    assert evidence.as_of is not None
    assert evidence.as_of.number == 0


def test_collect__chain_unreachable__everything_of_it_unavailable_with_the_reason(world: World) -> None:
    world.chain.fail()
    evidence = collect(presented(world), world.trust, world.chain, world.log, world.now)
    why = Unavailable("chain.unreachable")
    assert {evidence.chain, evidence.root, evidence.earliest, evidence.department, evidence.decisions} == {why}
    assert world.chain.calls.count("decisions") == 0  # after the first refusals nobody waits for more timeouts


def test_collect__one_question_unanswered__the_others_stand(world: World) -> None:
    world.chain.fail("decisions")
    evidence = collect(presented(world), world.trust, world.chain, world.log, world.now)
    assert evidence.decisions == Unavailable("chain.unreachable")
    assert evidence.root == world.root()


def test_collect__a_fault_of_ours__goes_up(world: World) -> None:
    world.chain.fail("department", error=IntegrityError("index.torn"))
    with pytest.raises(IntegrityError):
        collect(presented(world), world.trust, world.chain, world.log, world.now)


def test_collect__promised__what_the_log_made_of_it(world: World) -> None:
    evidence = collect(presented(world, "promised"), world.trust, world.chain, world.log, world.now)
    assert isinstance(evidence.log, LogSeen)
    assert evidence.log.entry == world.entries[0]
    world.register(certificate("A2"))
    waiting = Presented(world.receipt(1, stage="promised"))
    evidence = collect(waiting, world.trust, world.chain, world.log, world.now)
    assert isinstance(evidence.log, LogSeen)
    assert evidence.log.entry is None
    world.note = None
    assert collect(waiting, world.trust, world.chain, world.log, world.now).log is ABSENT
    world.log.fail()
    assert collect(waiting, world.trust, world.chain, world.log, world.now).log == Unavailable("log.unreachable")
    assert collect(waiting, world.trust, world.chain, None, world.now).log == OFFLINE


def test_collect__nothing_could_be_believed__nothing_is_asked(world: World) -> None:
    asked = len(world.chain.calls)
    collector = Collector(world.chain, world.log, contact="027")
    foreign = world.make_trust(network="elsewhere", log_keys=[])
    for trust in (None, world.make_trust(expires=world.now), foreign):
        evidence = collector.collect(presented(world), trust, world.now)
        assert evidence.chain == OFFLINE
        assert evidence.contact == "027"
    # making the two trust files asked for the genesis hash and the clock, no more
    assert not set(world.chain.calls[asked:]) - {"genesis_hash", "head"}


def test_collect__type_not_shown__accreditations_arent_asked_for(world: World) -> None:
    evidence = collect(Presented(world.receipt(0)), world.trust, world.chain, world.log, world.now)
    assert evidence.accreditations == NOT_COLLECTED
