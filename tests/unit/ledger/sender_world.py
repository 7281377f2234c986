"""What the tests of the sender share: a database, a node that can fail, a clock, and keys to send with."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Engine

from ledger.evm.artifacts import artifact
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import ANVIL, EngineProfile
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey
from ledger.store.engine import writing
from ledger.types import Millis
from tests.fakes.node import FakeNode, Log, Tx, reverted

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
