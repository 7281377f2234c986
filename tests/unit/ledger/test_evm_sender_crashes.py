"""The outbox's state machine against a node that crashes its caller, forgets, loses blocks, and is used by others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy.engine import Engine

from ledger.errors import UnavailableError
from ledger.evm.lane import LEASE
from ledger.evm.transactions import EvmKey
from tests.databases import fresh_engine, of_kind
from tests.fakes.node import Crash
from tests.unit.ledger.sender_world import KEY, OTHER, S, World


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


CRASHES = [
    (method, after)
    for method in ("eth_call", "eth_getTransactionCount", "eth_sendRawTransaction", "eth_getTransactionReceipt")
    for after in (False, True)
]


@pytest.mark.parametrize(("method", "after"), CRASHES)
@pytest.mark.parametrize("kind", ["crash", "outage"])
def test_sender__dies_at_a_call__the_next_one_finishes_with_the_same_bytes(
    world: World, method: str, after: bool, kind: str
) -> None:
    names = [world.enqueue(n) for n in range(5)]
    (world.node.crash if kind == "crash" else world.node.fail)(method, after=after)
    with pytest.raises((Crash, UnavailableError)):
        world.settle()
    world.time += LEASE + 1
    world.settle()
    assert {world.state(name) for name in names} == {S.FINAL}
    assert [t.nonce for t in world.node.done()] == list(range(5))
    assert len(set(world.node.sent)) == 5


@pytest.mark.parametrize("nth", range(5))  # lease, signed, sent, mined, final
def test_sender__dies_before_a_commit__the_next_one_finishes_with_the_same_bytes(world: World, nth: int) -> None:
    names = [world.enqueue(n) for n in range(5)]
    left = [nth]

    def die(_connection: object) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise Crash("commit")

    sa.event.listen(world.engine, "commit", die)
    try:
        with pytest.raises(Crash):
            world.settle()
    finally:
        sa.event.remove(world.engine, "commit", die)
    world.time += LEASE + 1
    world.settle()
    assert {world.state(name) for name in names} == {S.FINAL}
    assert [t.nonce for t in world.node.done()] == list(range(5))
    assert len(set(world.node.sent)) == 5


def test_sender__node_forgot_its_mempool__same_bytes_again(world: World) -> None:
    name = world.enqueue(1)
    sender = world.sender()
    sender.step()
    world.node.forget()
    world.settle(sender, rounds=8)
    assert world.state(name) is S.FINAL
    assert len(set(world.node.sent)) == 1
    assert len(world.node.sent) == 2


@pytest.mark.parametrize("remembers", [False, True])
@pytest.mark.parametrize("lost", [2, 3, 100])
def test_sender__chain_lost_blocks__noticed_and_resent(world: World, lost: int, remembers: bool) -> None:
    """Also where the node goes on telling of the blocks that are lost."""
    world.node.remembers = remembers
    sender = world.sender()
    names = []
    for n in range(5):
        names.append(world.enqueue(n))
        world.settle(sender, rounds=1)
    world.settle(sender, rounds=1)
    assert {world.state(name) for name in names} == {S.FINAL}
    world.node.shorten(lost)
    world.node.mine(50)  # it has long grown past where it was
    assert sender.step()
    assert world.state(names[-1]) is not S.FINAL
    world.settle(sender)
    assert {world.state(name) for name in names} == {S.FINAL}
    assert [t.nonce for t in world.node.done()] == list(range(5))
    assert len(set(world.node.sent)) == 5


def test_sender__account_used_elsewhere_first__signed_anew_and_done_once(world: World) -> None:
    name = world.enqueue(1)
    world.node.fail("eth_sendRawTransaction")
    with pytest.raises(UnavailableError):
        world.settle()
    world.node.use_nonce(KEY.address)
    world.time += LEASE + 1
    world.settle()
    assert world.state(name) is S.FINAL
    assert [t.nonce for t in world.node.done()] == [1]


def test_sender__nonce_counted_before_the_receipt_is_told__the_same_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As anvil does for a moment, while it puts a block into its store."""
    name = world.enqueue(1)
    sender = world.sender()
    world.node.fail("eth_sendRawTransaction", after=True)
    with pytest.raises(UnavailableError):
        sender.step()
    head = world.node.eth_getBlockByNumber("latest", False)
    world.node.mine()
    with monkeypatch.context() as making:
        making.setattr(world.node, "eth_getTransactionReceipt", lambda _hash: None)
        making.setattr(world.node, "eth_getBlockByNumber", lambda _at, _full: head)
        for _ in range(3):
            world.time += LEASE + 1
            sender.step()
    world.settle(sender)
    assert world.state(name) is S.FINAL
    assert len(set(world.node.sent)) == len(world.node.done()) == 1


def test_sender__transactions_of_others_lost_with_the_blocks__gap_filled_and_same_bytes(world: World) -> None:
    world.node.use_nonce(KEY.address)
    world.node.use_nonce(KEY.address)
    names = [world.enqueue(n) for n in range(3)]
    sender = world.sender()
    world.settle(sender, rounds=2)
    assert [t.nonce for t in world.node.done()] == [2, 3, 4]
    world.node.shorten(100)
    world.node.mine()
    world.settle(sender, rounds=20)
    assert {world.state(name) for name in names} == {S.FINAL}
    assert [t.nonce for t in world.node.done()] == [2, 3, 4]


class SenderMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order: nothing is lost, nothing is done twice, refused ones say so."""

    kind = "sqlite"

    @initialize()
    def start(self) -> None:
        self.held = ExitStack()
        databases = self.held.enter_context(of_kind(self.kind))
        self.world = World(self.held.enter_context(fresh_engine(databases)))
        self.running = self.world.sender()
        self.names: list[str] = []

    @rule(key=st.sampled_from([KEY, OTHER]))
    def enqueue(self, key: EvmKey) -> None:
        self.names.append(self.world.enqueue(len(self.names), key))

    @rule()
    def step(self) -> None:
        self.world.time += 1_000
        self.running.step()

    @rule()
    def mine(self) -> None:
        self.world.node.mine()

    @rule(method=st.sampled_from(CRASHES), skip=st.integers(0, 2))
    def crash(self, method: tuple[str, bool], skip: int) -> None:
        self.world.node.crash(method[0], after=method[1], skip=skip)
        try:
            self.settle()
        except Crash:
            self.world.time += LEASE + 1
            self.running = self.world.sender()
        self.world.node._faults.clear()

    @rule(count=st.integers(1, 5))
    def shorten(self, count: int) -> None:
        self.world.node.shorten(count)

    @rule()
    def forget(self) -> None:
        self.world.node.forget()

    @rule(key=st.sampled_from([KEY, OTHER]))
    def elsewhere(self, key: EvmKey) -> None:
        if not any(s == key.address for s, _ in self.world.node.pool):
            self.world.node.use_nonce(key.address)

    @rule(n=st.integers(0, 50))
    def refuse(self, n: int) -> None:
        if n < len(self.names) and self.world.state(self.names[n]) is S.QUEUED:
            self.world.refuse(self.names[n])

    @invariant()
    def once(self) -> None:
        done = [t.data for t in self.world.node.done()]
        assert len(done) == len(set(done))

    def settle(self) -> None:
        self.world.settle(self.running, rounds=2)

    def teardown(self) -> None:
        self.world.settle(self.running, rounds=40)
        states = [self.world.state(name) for name in self.names]
        assert set(states) <= {S.FINAL, S.FAILED, S.REVERTED}
        assert len(self.world.node.done()) == states.count(S.FINAL)
        assert len(states) - states.count(S.FINAL) == len(self.world.refused)
        self.held.close()


class SenderMachineOnPostgres(SenderMachine):
    kind = "postgresql"


for machine, examples in ((SenderMachine, 25), (SenderMachineOnPostgres, 8)):
    machine.TestCase.settings = settings(
        max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
    )
TestSenderMachine: Callable[..., object] = SenderMachine.TestCase


@pytest.mark.usefixtures("on_postgres")  # a skip where there is none
class TestSenderMachineOnPostgres(SenderMachineOnPostgres.TestCase):  # type: ignore[misc,valid-type]
    pass
