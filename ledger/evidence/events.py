"""Transaction receipts as a block's trie holds them, and the events in them (Yellow Paper 4.3.1, EIP-2718).

Pure. A legacy receipt is a list, a typed one `type || list`; status and logs are what we read, all of it strictly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import InputError, UnreadableError
from ledger.evidence import rlp
from ledger.evidence.trie import proven_value
from ledger.types import Address

BLOOM_BYTES = 256


@dataclass(frozen=True, slots=True)
class Event:
    """What a contract emitted: 20 bytes of address as text, topics of 32 bytes each, and the data."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes


def parse_receipt(data: bytes) -> tuple[int, tuple[Event, ...]]:
    """(status, events) of a consensus receipt; one from before EIP-658, with a state root, has no status."""
    body = data[1:] if data and 0 < data[0] < 0x80 else data
    status, gas, bloom, logs = rlp.listed(rlp.decode(body), "receipt", 4)
    rlp.integer(gas, "receipt")
    rlp.text(bloom, "receipt", BLOOM_BYTES)
    found = rlp.integer(status, "receipt")
    if found > 1:
        raise UnreadableError("evidence.shape", where="receipt")
    return found, tuple(_event(log) for log in rlp.listed(logs, "receipt"))


def proven_event(receipts_root: bytes, tx_index: int, log_index: int, proof: Sequence[bytes]) -> Event:
    """The event at `log_index`, from 0 within the receipt of transaction `tx_index`, of a block with this root.

    InputError `evidence.proof`, `evidence.reverted` or `evidence.log_index`; UnreadableError `evidence.*`.
    """
    status, events = parse_receipt(proven_value(receipts_root, rlp.encode(tx_index), proof))
    if status != 1:
        raise InputError("evidence.reverted")
    if not 0 <= log_index < len(events):
        raise InputError("evidence.log_index", found=log_index, limit=len(events))
    return events[log_index]


def _event(item: rlp.Item) -> Event:
    address, topics, data = rlp.listed(item, "log", 3)
    listed = rlp.listed(topics, "log")
    if len(listed) > 4:
        raise UnreadableError("evidence.shape", where="log")
    return Event(
        Address("0x" + rlp.text(address, "log", 20).hex()),
        tuple(rlp.text(topic, "log", 32) for topic in listed),
        rlp.text(data, "log"),
    )
