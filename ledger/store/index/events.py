"""One log of one of our contracts, as the indexer brings it and as the database tells it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ledger.store.tables import MOST_KEY, blocks, events
from ledger.types import Address, Block, BlockTime, ChainHash

KEYS_AT_ONCE = 500
"""SQLite takes some tens of thousands of parameters; a few hundred are as fast."""


@dataclass(frozen=True, slots=True)
class IndexedEvent:
    """One log of one of our contracts. Key: (block hash, log index)."""

    block: Block
    log_index: int
    tx_hash: ChainHash
    contract: str
    address: Address
    event: str
    subject: bytes
    """the first indexed value, 32 bytes: the object that it is about; zeros where nothing is indexed"""
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An event as it is told again; `args` by the names of the ABI, bytes as bytes."""

    block_number: int
    block_time: BlockTime
    log_index: int
    event: str
    args: Mapping[str, Any]


Histories = Mapping[bytes, Sequence[ToldEvent]]
"""what was told of each object, by its key"""


def as_told(event: IndexedEvent) -> ToldEvent:
    """As it will be told again."""
    return ToldEvent(event.block.number, event.block.time, event.log_index, event.event, event.args)


def event_values(event: IndexedEvent, object_key: bytes) -> dict[str, Any]:
    """The row of `chain_events`."""
    return {
        "block_hash": event.block.hash,
        "log_index": event.log_index,
        "block_number": event.block.number,
        "tx_hash": event.tx_hash,
        "contract": event.contract,
        "address": event.address,
        "event": event.event,
        "object_key": object_key,
        "args": json.dumps(event.args, default=_hex),
    }


def about(subject: bytes) -> sa.ColumnElement[bool]:
    """Whether an event is about `subject`, whichever of its objects it tells of."""
    return events.c.object_key.between(subject, subject + b"\xff" * (MOST_KEY - len(subject)))


def told(
    connection: Connection, contract: str, address: Address, keys: Sequence[bytes], *, upto: int | None = None
) -> Histories:
    """What the version of `contract` at `address` said of each of the objects `keys`, in the chain's order."""
    found: dict[bytes, list[ToldEvent]] = {}
    for start in range(0, len(keys), KEYS_AT_ONCE):
        wanted = events.c.object_key.in_(keys[start : start + KEYS_AT_ONCE]) & (events.c.address == address)
        if upto is not None:
            wanted &= events.c.block_number <= upto
        for key, _, event in _told(connection, contract, wanted):
            found.setdefault(key, []).append(event)
    return found


def told_of(connection: Connection, contract: str, subject: bytes, upto: int) -> dict[Address, list[ToldEvent]]:
    """What each version of `contract` said of `subject` and all its objects, up to block `upto`."""
    found: dict[Address, list[ToldEvent]] = {}
    for _, address, event in _told(connection, contract, about(subject) & (events.c.block_number <= upto)):
        found.setdefault(address, []).append(event)
    return found


def _told(
    connection: Connection, contract: str, wanted: sa.ColumnElement[bool]
) -> Iterator[tuple[bytes, Address, ToldEvent]]:
    rows = (
        sa.select(
            events.c.object_key,
            events.c.address,
            events.c.block_number,
            blocks.c.time,
            events.c.log_index,
            events.c.event,
            events.c.args,
        )
        .join(blocks, blocks.c.number == events.c.block_number)
        .where(events.c.contract == contract, wanted)
        .order_by(events.c.block_number, events.c.log_index)
    )
    for key, address, number, time, log_index, event, args in connection.execute(rows):
        yield bytes(key), Address(address), ToldEvent(number, BlockTime(time), log_index, event, told_args(args))


def told_args(text: str) -> dict[str, Any]:
    """An event's arguments from the JSON of its row."""
    args: dict[str, Any] = json.loads(text, object_hook=_bytes)
    return args


def _hex(value: object) -> dict[str, str]:
    """Bytes in the JSON of an event's arguments: told apart from text, so that they come back as bytes."""
    if not isinstance(value, bytes):
        raise TypeError(type(value).__name__)
    return {"hex": value.hex()}


def _bytes(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["hex"]) if value.keys() == {"hex"} else value
