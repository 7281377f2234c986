"""The outbox's state machine in the ordinary way: queued, sent, mined, final or refused; one writer, other nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError, ConflictError, UnavailableError
from ledger.evm.lane import LEASE
from ledger.evm.profiles import ANVIL
from ledger.evm.reverts import stored_error
from ledger.store.engine import reading, writing
from ledger.store.tables import lanes
from tests.unit.ledger.sender_world import KEY, S, World


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
