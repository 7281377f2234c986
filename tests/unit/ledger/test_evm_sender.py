"""The outbox's state machine against a node that crashes its caller, forgets, loses blocks, and is used by others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError, ConflictError, UnavailableError
from ledger.evm.artifacts import artifact
from ledger.evm.lane import LEASE
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import ANVIL, EngineProfile
from ledger.evm.reverts import stored_error
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey
from ledger.store.engine import reading, writing
from ledger.store.tables import lanes
from ledger.types import Millis
from tests.databases import fresh_engine, of_kind
from tests.fakes.node import Crash, FakeNode, Log, Tx, reverted

KEY = EvmKey(b"\x17" * 32)
OTHER = EvmKey(b"\x18" * 32)
S = IntentState


class World:
    """A database, a node, a clock, and as many senders as a test wants to start."""

    def __init__(self, engine: Engine, profile: EngineProfile = ANVIL) -> None:
        self.engine = engine
        self.node = FakeNode()
        self.profile = profile
        self.time = 1_770_000_000_000
        self.deployment = self.node.deployment("AnchorLog")
        self.outbox = Outbox(self.engine, self.now)
        self.refused: set[bytes] = set()
        self.node.handler = self._handle

    def now(self) -> Millis:
        return Millis(self.time)

    def _handle(self, _node: FakeNode, tx: Tx) -> list[Log]:
        if tx.data in self.refused:
            raise reverted(_revert_data(tx.data))
        return []

    def sender(self, **options: Any) -> Sender:
        return Sender(
            self.engine,
            self.node,  # type: ignore[arg-type]  # speaks the two methods that are used
            self.profile,
            self.deployment,
            {KEY.address: KEY, OTHER.address: OTHER},
            now=self.now,
            **options,
        )

    def enqueue(self, n: int, key: EvmKey = KEY) -> str:
        name = f"{key.address[:6]}/{n}"
        with writing(self.engine) as connection:
            self.outbox.enqueue(
                connection,
                intent_key=name,
                sender=key.address,
                contract="AnchorLog",
                function="openLog",
                args=[name],
            )
        return name

    def refuse(self, name: str) -> None:
        row = self.outbox.status(name)
        assert row
        self.refused.add(row.calldata)

    def state(self, name: str) -> IntentState:
        row = self.outbox.status(name)
        assert row
        return row.state

    def settle(self, sender: Sender | None = None, rounds: int = 40) -> None:
        sender = sender or self.sender()
        for _ in range(rounds):
            self.time += 1_000
            sender.step()
            self.node.mine()
        sender.step()


def _revert_data(_data: bytes) -> bytes:
    found = next(e for e in artifact("AnchorLog").errors.values() if e.name == "AnchorLog_LogUnknown")
    return found.selector + b"\x07" * 32


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


def test_sender__many_intents__each_done_once_in_order(world: World) -> None:
    names = [world.enqueue(n) for n in range(300)]
    world.settle(rounds=8)
    assert {world.state(name) for name in names} == {S.FINAL}
    assert [t.nonce for t in world.node.done()] == list(range(300))
    assert len({t.data for t in world.node.done()}) == 300


def test_enqueue__same_key_twice__one_intent_and_other_call_refused(world: World) -> None:
    world.enqueue(1)
    world.enqueue(1)
    assert world.outbox.counts() == {S.QUEUED: 1}
    with writing(world.engine) as connection, pytest.raises(ConflictError, match="key_reused"):
        world.outbox.enqueue(
            connection,
            intent_key=f"{KEY.address[:6]}/1",
            sender=KEY.address,
            contract="AnchorLog",
            function="openLog",
            args=["x"],
        )


def test_enqueue__business_change_rolled_back__no_intent(world: World) -> None:
    def change(connection: sa.Connection) -> None:
        world.outbox.enqueue(
            connection, intent_key="k", sender=KEY.address, contract="AnchorLog", function="openLog", args=["x"]
        )
        raise RuntimeError

    with pytest.raises(RuntimeError), writing(world.engine) as connection:
        change(connection)
    assert world.outbox.status("k") is None


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


def test_sender__contract_would_refuse__failed_with_its_error_and_the_rest_goes_on(world: World) -> None:
    names = [world.enqueue(n) for n in range(5)]
    world.refuse(names[2])
    world.settle(rounds=10)
    row = world.outbox.status(names[2])
    assert row
    assert (row.state, row.error_code, row.nonce) == (S.FAILED, "anchor_log.log_unknown", None)
    assert stored_error(row.error_code or "", row.error_params).params == {"log_id": "07" * 32}
    assert [world.state(n) for n in names if n != names[2]] == [S.FINAL] * 4
    calls = world.node.calls.count("eth_call")
    world.settle(rounds=3)
    assert world.node.calls.count("eth_call") == calls


def test_sender__refused_only_on_the_chain__reverted_with_its_error(world: World) -> None:
    name = world.enqueue(1)
    sender = world.sender()
    sender.step()
    world.refuse(name)
    world.node.mine()
    sender.step()
    row = world.outbox.status(name)
    assert row
    assert (row.state, row.succeeded, row.error_code) == (S.REVERTED, False, "anchor_log.log_unknown")


def test_sender__finality_by_depth__final_only_then(engine: Engine) -> None:
    world = World(engine, replace(ANVIL, finality_depth=3))
    name = world.enqueue(1)
    sender = world.sender()
    sender.step()
    seen = []
    for _ in range(6):
        world.node.mine()
        sender.step()
        seen.append(world.state(name))
    assert seen == [S.MINED, S.MINED, S.MINED, S.FINAL, S.FINAL, S.FINAL]
    world.engine.dispose()


def test_sender__node_forgot_its_mempool__same_bytes_again(world: World) -> None:
    name = world.enqueue(1)
    sender = world.sender()
    sender.step()
    world.node.forget()
    world.settle(sender, rounds=8)
    assert world.state(name) is S.FINAL
    assert len(set(world.node.sent)) == 1
    assert len(world.node.sent) == 2


@pytest.mark.parametrize("lost", [2, 3, 100])
def test_sender__chain_lost_blocks__noticed_and_resent(world: World, lost: int) -> None:
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


def test_sender__two_at_once__one_writer_and_the_other_takes_over(world: World) -> None:
    first, second = world.sender(), world.sender()
    name = world.enqueue(1)
    first.step()
    assert not second.step()
    world.node.mine()
    world.time += LEASE + 1
    second.step()
    assert world.state(name) is S.FINAL
    again = world.enqueue(2)
    first.step()  # has lost its lane and notices at its fence
    assert world.state(again) is S.QUEUED
    world.settle(second, rounds=2)
    assert world.state(again) is S.FINAL


def test_sender__nothing_changes_for_long__its_lease_is_renewed_and_the_other_stays_out(world: World) -> None:
    first, second = world.sender(), world.sender()
    name = world.enqueue(1)
    first.step()
    for _ in range(8):  # sent and waiting for a block, for two leases' length
        world.time += LEASE // 4
        first.step()
        assert not second.step()
        with reading(world.engine) as connection:
            held = connection.execute(sa.select(lanes.c.token, lanes.c.lease_until)).one()
        assert held.token == 1
        assert held.lease_until > world.time
    world.node.mine()
    first.step()
    assert world.state(name) is S.FINAL


class Relay:
    """Another node: takes bytes, or doesn't answer."""

    def __init__(self, url: str, *, silent: bool = False) -> None:
        self.url, self.silent = url, silent
        self.asked = 0
        self.given: list[str] = []

    def batch(self, calls: list[tuple[str, tuple[str]]]) -> list[Any]:
        self.asked += 1
        if self.silent:
            raise UnavailableError("chain.unreachable", url=self.url)
        self.given += [raw for _, (raw,) in calls]
        return [None] * len(calls)


def test_sender__relays__given_the_same_bytes_and_a_silent_one_is_left_alone(world: World) -> None:
    good, silent = Relay("http://good"), Relay("http://silent", silent=True)
    sender = world.sender(relays=[silent, good])
    names = [world.enqueue(n) for n in range(3)]
    world.settle(sender, rounds=2)
    again = world.enqueue(3)
    world.settle(sender, rounds=2)
    assert {world.state(name) for name in (*names, again)} == {S.FINAL}
    rows = [world.outbox.status(name) for name in (*names, again)]
    assert good.given == ["0x" + (row.raw or b"").hex() for row in rows if row]
    assert silent.asked == 1


def test_sender__another_chain_behind_the_address__refuses_to_work(world: World) -> None:
    world.node.blocks[0].hash = "0x" + "13" * 32
    world.enqueue(1)
    with pytest.raises(ConfigurationError, match="other_genesis"):
        world.sender().step()


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
