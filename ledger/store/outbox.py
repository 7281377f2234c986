"""Outbox rows and lanes in the database: who may write a lane, which state follows which, which nonce is next.

SQL only; what a state means and what is done about it is in ledger.evm.outbox and sender. Every change by a sender
goes through `fence` first, in the same transaction: who lost the lease changes nothing any more.
Over 300 lines: whatever is written to these tables is written here, so that nothing goes round the fence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from ledger.errors import ConflictError, IntegrityError
from ledger.store.tables import lanes, outbox, outbox_attempts
from ledger.types import Address, ChainHash, Millis


class IntentState(StrEnum):
    """How far an intent has come (nodes.md, Sending)."""

    QUEUED = "queued"
    """waits for its turn; has no nonce"""
    SIGNED = "signed"
    """nonce and bytes are fixed and stored; perhaps sent, perhaps not"""
    SENT = "sent"
    """a node took the bytes"""
    MINED = "mined"
    """stands in a block that may still go"""
    FINAL = "final"
    """done: receipt status 1 and final"""
    REVERTED = "reverted"
    """the contract refused it on the chain, finally; make a new intent if it is still wanted"""
    FAILED = "failed"
    """the contract refuses it, so it was never signed; make a new intent if it is still wanted"""


S = IntentState
MOVES: Mapping[IntentState, frozenset[IntentState]] = {
    S.QUEUED: frozenset({S.SIGNED, S.FAILED}),
    S.SIGNED: frozenset({S.SENT, S.MINED, S.SIGNED}),
    S.SENT: frozenset({S.SENT, S.MINED, S.SIGNED}),
    S.MINED: frozenset({S.FINAL, S.REVERTED, S.SIGNED}),
    S.FINAL: frozenset({S.SIGNED}),  # only because its block left the chain
    S.REVERTED: frozenset({S.SIGNED}),  # likewise
    S.FAILED: frozenset(),
}
BELIEVED = 60_000
"""Milliseconds that the clocks of a lane's holders may differ by."""
DONE = frozenset({S.FINAL, S.REVERTED, S.FAILED})
UNMINED = (S.SIGNED.value, S.SENT.value)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One intent. `nonce`, `raw`, `tx_hash` from signed on; `succeeded` and block from mined on; error when refused."""

    id: int
    intent_key: str
    sender: Address
    contract: str
    function: str
    calldata: bytes
    state: IntentState
    nonce: int | None
    raw: bytes | None
    tx_hash: ChainHash | None
    sent_at: Millis | None
    succeeded: bool | None
    block_number: int | None
    block_hash: ChainHash | None
    error_code: str | None
    error_params: Mapping[str, Any]

    @property
    def done(self) -> bool:
        """Whether nothing will happen to it by itself any more, unless the chain loses blocks."""
        return self.state in DONE


def insert(
    connection: Connection,
    *,
    intent_key: str,
    sender: Address,
    contract: str,
    function: str,
    calldata: bytes,
    now: Millis,
) -> int:
    """The id of the intent; one that is there already stays as it is. ConflictError if the key means something else."""
    values = {
        "intent_key": intent_key,
        "sender": sender,
        "contract": contract,
        "function": function,
        "calldata": calldata,
        "state": S.QUEUED.value,
        "created_at": now,
    }
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(dialect.insert(outbox).values(values).on_conflict_do_nothing(index_elements=["intent_key"]))
    held = by_key(connection, intent_key)
    if held is None:
        raise IntegrityError("outbox.row_vanished", key=intent_key)
    if (held.sender, held.contract, held.calldata) != (sender, contract, calldata):
        raise ConflictError("outbox.key_reused", key=intent_key)
    return held.id


def by_key(connection: Connection, intent_key: str) -> OutboxRow | None:
    row = connection.execute(sa.select(outbox).where(outbox.c.intent_key == intent_key)).mappings().first()
    return None if row is None else _row(row)


def in_state(
    connection: Connection,
    sender: Address,
    states: Iterable[IntentState],
    limit: int,
    *,
    nonce_below: int | None = None,
    upto_block: int | None = None,
    sent_until: Millis | None = None,
) -> list[OutboxRow]:
    """Rows of a lane: those with a nonce in its order, the others as they came. Only those with a lower nonce, in
    blocks up to one, sent at a time or earlier: a row holds its bytes twice, so nobody reads what they don't need."""
    found: list[OutboxRow] = []
    for state in states:  # one after the other: only then does the index give the order, and what is done isn't passed
        wanted = sa.select(outbox).where(outbox.c.sender == sender, outbox.c.state == state.value)
        if nonce_below is not None:
            wanted = wanted.where(outbox.c.nonce < nonce_below)
        if upto_block is not None:
            wanted = wanted.where(outbox.c.block_number <= upto_block)
        if sent_until is not None:
            wanted = wanted.where(outbox.c.sent_at <= sent_until)
        rows = connection.execute(wanted.order_by(outbox.c.nonce, outbox.c.id).limit(limit)).mappings()
        found += [_row(row) for row in rows]
    return sorted(found, key=lambda row: (-1 if row.nonce is None else row.nonce, row.id))[:limit]


def open_lanes(connection: Connection) -> set[Address]:
    """The lanes that have anything to do, of all lanes at once."""
    states = [s.value for s in IntentState if s not in DONE]
    query = sa.select(outbox.c.sender).where(outbox.c.state.in_(states)).distinct()
    return {Address(sender) for sender in connection.scalars(query)}


def stuck(connection: Connection) -> OutboxRow | None:
    """The oldest signed row that a node said it will never take."""
    query = sa.select(outbox).where(outbox.c.state == S.SIGNED.value, outbox.c.error_code.is_not(None))
    row = connection.execute(query.order_by(outbox.c.id).limit(1)).mappings().first()
    return None if row is None else _row(row)


def counts(connection: Connection, sender: Address | None = None) -> dict[IntentState, int]:
    """How many intents are in each state."""
    query = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
    if sender is not None:
        query = query.where(outbox.c.sender == sender)
    return {IntentState(state): count for state, count in connection.execute(query)}


def block_marks(
    connection: Connection, senders: Sequence[Address], *, below: int | None, limit: int
) -> list[tuple[int, str]]:
    """(number, hash) of the blocks that these lanes' transactions stand in, the highest first."""
    query = sa.select(outbox.c.block_number, outbox.c.block_hash).distinct()
    # The sender as an expression: the blocks are walked from the top until there are enough, no lane is read through.
    query = query.where((outbox.c.sender + "").in_(senders), outbox.c.block_number.is_not(None))
    if below is not None:
        query = query.where(outbox.c.block_number < below)
    # By both, as the index has them: by the number alone PostgreSQL would sort all that there are.
    query = query.order_by(outbox.c.block_number.desc(), outbox.c.block_hash.desc())
    return [(n, h) for n, h in connection.execute(query.limit(limit))]


def lose_blocks(connection: Connection, sender: Address, above: int) -> int:
    """Rows in blocks above `above` are signed and no more: their bytes will be sent again. How many there were."""
    lost = sa.update(outbox).where(outbox.c.sender == sender, outbox.c.block_number > above)
    cleared = {"block_number": None, "block_hash": None, "succeeded": None, "sent_at": None}
    errors = {"error_code": None, "error_params": None}
    return connection.execute(lost.values(state=S.SIGNED.value, **cleared, **errors)).rowcount


def move(connection: Connection, row: OutboxRow, state: IntentState, **changes: Any) -> None:
    """Bring `row` to `state`. IntegrityError for a move that isn't legal, ConflictError if another moved it first."""
    if state not in MOVES[row.state]:
        raise IntegrityError("outbox.move", key=row.intent_key, found=row.state.value, wanted=state.value)
    if changes.get("error_params") is not None:
        changes["error_params"] = json.dumps(changes["error_params"], ensure_ascii=False)
    same = sa.update(outbox).where(outbox.c.id == row.id, outbox.c.state == row.state.value)
    if connection.execute(same.values(state=state.value, **changes)).rowcount != 1:
        raise ConflictError("outbox.moved", key=row.intent_key)


def move_all(connection: Connection, moves: Sequence[tuple[OutboxRow, IntentState, Mapping[str, Any]]]) -> None:
    """`move` for many rows, in one statement for each kind of change: what a burst's speed hangs on."""
    kinds: dict[tuple[IntentState, IntentState, tuple[str, ...]], list[dict[str, Any]]] = {}
    for row, state, changes in moves:
        if state not in MOVES[row.state]:
            raise IntegrityError("outbox.move", key=row.intent_key, found=row.state.value, wanted=state.value)
        values = {f"new_{name}": value for name, value in changes.items()}
        kinds.setdefault((row.state, state, tuple(changes)), []).append({"row_id": row.id, **values})
    for (old, new, names), wanted in kinds.items():
        same = sa.update(outbox).where(outbox.c.id == sa.bindparam("row_id"), outbox.c.state == old.value)
        to: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        if connection.execute(same.values(state=new.value, **to), wanted).rowcount != len(wanted):
            raise ConflictError("outbox.moved", key=f"{old.value} → {new.value}")


def highest_nonce(connection: Connection, sender: Address, *, mined: bool = False) -> int:
    """The highest nonce given out in a lane, or of those that stand in a block; -1 if there is none."""
    query = sa.select(sa.func.max(outbox.c.nonce)).where(outbox.c.sender == sender)
    if mined:
        query = query.where(outbox.c.block_number.is_not(None))
    highest: int | None = connection.execute(query).scalar()
    return -1 if highest is None else highest


def any_in_state(connection: Connection, sender: Address, state: IntentState) -> bool:
    """Whether a lane has a row in this state."""
    query = sa.select(outbox.c.id).where(outbox.c.sender == sender, outbox.c.state == state.value).limit(1)
    return connection.scalar(query) is not None


def unmined(connection: Connection, sender: Address) -> int:
    """How many are signed or sent and in no block."""
    query = sa.select(sa.func.count()).where(outbox.c.sender == sender, outbox.c.state.in_(UNMINED))
    return int(connection.execute(query).scalar_one())


# -- replaced signatures ----------------------------------------------------------------------------------------


def keep_attempt(connection: Connection, row: OutboxRow, now: Millis) -> None:
    """Remember the bytes that `row` had before it is signed anew: should they be mined after all, they are known."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = {"tx_hash": row.tx_hash, "outbox_id": row.id, "nonce": row.nonce, "raw": row.raw, "replaced_at": now}
    connection.execute(dialect.insert(outbox_attempts).values(values).on_conflict_do_nothing())
    connection.execute(sa.update(outbox).where(outbox.c.id == row.id).values(nonce=None))


def attempts(connection: Connection, row: OutboxRow) -> Sequence[tuple[ChainHash, int, bytes]]:
    """(hash, nonce, bytes) of earlier signatures, the newest first."""
    query = sa.select(outbox_attempts.c.tx_hash, outbox_attempts.c.nonce, outbox_attempts.c.raw)
    query = query.where(outbox_attempts.c.outbox_id == row.id).order_by(outbox_attempts.c.replaced_at.desc())
    return [(ChainHash(h), n, r) for h, n, r in connection.execute(query)]


# -- lanes -----------------------------------------------------------------------------------------------------


def acquire(connection: Connection, sender: Address, holder: str, now: Millis, until: Millis) -> int | None:
    """The fencing token if `holder` has the lane until `until`; None while another one has it.

    A lease that ends more than a minute after `until` was written by a clock that was ahead: waiting for it could
    hold a lane for days, and the token keeps out whoever had it.
    """
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    fresh = {"sender": sender, "token": 0, "lease_until": 0}
    connection.execute(dialect.insert(lanes).values(fresh).on_conflict_do_nothing())
    over = sa.or_(lanes.c.lease_until < now, lanes.c.lease_until > until + BELIEVED)
    free = sa.update(lanes).where(lanes.c.sender == sender, over)
    if connection.execute(free.values(holder=holder, token=lanes.c.token + 1, lease_until=until)).rowcount == 0:
        return None
    return int(connection.execute(sa.select(lanes.c.token).where(lanes.c.sender == sender)).scalar_one())


def fence(connection: Connection, sender: Address, token: int, until: Millis) -> None:
    """Renew the lease inside this transaction. ConflictError if another holder came since: then nothing is changed."""
    mine = sa.update(lanes).where(lanes.c.sender == sender, lanes.c.token == token)
    if connection.execute(mine.values(lease_until=until)).rowcount != 1:
        raise ConflictError("outbox.lease_lost", sender=sender)


def release(connection: Connection, sender: Address, token: int) -> None:
    """Give the lane back at once."""
    connection.execute(
        sa.update(lanes).where(lanes.c.sender == sender, lanes.c.token == token).values(lease_until=0, holder=None)
    )


def _row(row: RowMapping) -> OutboxRow:
    return OutboxRow(
        id=row["id"],
        intent_key=row["intent_key"],
        sender=Address(row["sender"]),
        contract=row["contract"],
        function=row["function"],
        calldata=bytes(row["calldata"]),
        state=IntentState(row["state"]),
        nonce=row["nonce"],
        raw=None if row["raw"] is None else bytes(row["raw"]),
        tx_hash=row["tx_hash"],
        sent_at=row["sent_at"],
        succeeded=row["succeeded"],
        block_number=row["block_number"],
        block_hash=row["block_hash"],
        error_code=row["error_code"],
        error_params=json.loads(row["error_params"]) if row["error_params"] else {},
    )
