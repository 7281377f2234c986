"""One log of one of our contracts, as the indexer brings it and as the database tells it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ledger.store.tables import blocks, events
from ledger.types import Address, Block, BlockTime, ChainHash

SUBJECTS_AT_ONCE = 500
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


def event_values(event: IndexedEvent) -> dict[str, Any]:
    """The row of `chain_events`."""
    return {
        "block_hash": event.block.hash,
        "log_index": event.log_index,
        "block_number": event.block.number,
        "tx_hash": event.tx_hash,
        "contract": event.contract,
        "address": event.address,
        "event": event.event,
        "subject": event.subject,
        "args": json.dumps(event.args, default=_hex),
    }


def told(
    connection: Connection, contract: str, subjects: Sequence[bytes], *, upto: int | None = None
) -> dict[tuple[bytes, Address], list[ToldEvent]]:
    """What each version of `contract` said of each of `subjects`, in the chain's order: (subject, address) → events."""
    found: dict[tuple[bytes, Address], list[ToldEvent]] = {}
    for start in range(0, len(subjects), SUBJECTS_AT_ONCE):
        wanted = (
            sa.select(events, blocks.c.time)
            .join(blocks, blocks.c.number == events.c.block_number)
            .where(events.c.contract == contract)
            .where(events.c.subject.in_(subjects[start : start + SUBJECTS_AT_ONCE]))
            .order_by(events.c.block_number, events.c.log_index)
        )
        if upto is not None:
            wanted = wanted.where(events.c.block_number <= upto)
        for row in connection.execute(wanted).mappings():
            place = (row["block_number"], BlockTime(row["time"]), row["log_index"])
            event = ToldEvent(*place, row["event"], told_args(row["args"]))
            found.setdefault((bytes(row["subject"]), Address(row["address"])), []).append(event)
    return found


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
