"""The outbox's door: an intent is written in the same database transaction as the business change that wants it.

queued → signed → sent → mined → final | reverted, or queued → failed where the contract would refuse it. The sender
(ledger.evm.sender) does the rest; callers ask `status` and believe only `final`.

After the chain lost blocks an intent can come back from `final` to `signed`; its bytes are sent again. What then ends
as `reverted` (an anchor whose head is another one now) is for its owner to make anew, under a new key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection, Engine

from ledger.errors import InputError
from ledger.evm.artifacts import encode_call
from ledger.store import outbox as rows
from ledger.store.engine import reading
from ledger.store.outbox import DONE, MOVES, IntentState, OutboxRow
from ledger.types import Address, Millis

__all__ = ["DONE", "MOVES", "IntentState", "Outbox", "OutboxRow"]

MAX_KEY = 200


def wall_clock() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


@dataclass(frozen=True, slots=True)
class Stuck:
    """An intent that a node won't take, and what the node says."""

    intent_key: str
    reason: str


class Outbox:
    """Intents to call a contract, each known by its caller's key."""

    def __init__(self, engine: Engine, now: Callable[[], Millis] = wall_clock) -> None:
        self._engine = engine
        self._now = now

    def enqueue(
        self,
        connection: Connection,
        *,
        intent_key: str,
        sender: Address,
        contract: str,
        function: str,
        args: Sequence[Any],
    ) -> int:
        """Write the intent in the caller's transaction; its id. A key that is there already changes nothing.

        Structs in `args` are tuples in the ABI's order, bytes32 are 32 bytes. InputError if they don't fit the
        function, ConflictError if the key stands for another call.
        """
        if not 0 < len(intent_key) <= MAX_KEY:
            raise InputError("outbox.key", limit=MAX_KEY, found=len(intent_key))
        return rows.insert(
            connection,
            intent_key=intent_key,
            sender=Address(sender.lower()),
            contract=contract,
            function=function,
            calldata=encode_call(contract, function, args),
            now=self._now(),
        )

    def status(self, intent_key: str) -> OutboxRow | None:
        """Where the intent is now; None if there is none of that key."""
        with reading(self._engine) as connection:
            return rows.by_key(connection, intent_key)

    def stuck(self) -> Stuck | None:
        """The oldest intent that a node refuses to take as things stand; a person must look."""
        with reading(self._engine) as connection:
            row = rows.stuck(connection)
        return None if row is None else Stuck(row.intent_key, str(row.error_params.get("reason", "")))

    def counts(self) -> dict[IntentState, int]:
        """How many intents are in each state, for status pages."""
        with reading(self._engine) as connection:
            return rows.counts(connection)
