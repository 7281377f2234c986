"""Writing a network's heads into a log once a day, and finding a day's entry again.

Idempotent by (network, day, part): a second worker, a restart or a changed chain give no second entry, and the first
one stands. Kind 7 is written by the notary only, never by a client (notary/intake.py).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from ledger.errors import ConfigurationError, InputError, NotFoundError, UnavailableError
from ledger.ports import Clock
from ledger.types import DepartmentCode, Kind, Origin
from notary.canonical import parse_record
from notary.commitment import commit_and_canonicalise
from notary.details import Detail
from notary.entry import parse_origin
from notary.network_heads import NetworkHeads, day_of, heads_records, parse_heads
from notary.packed import pack_rows
from notary.receipt import Receipt
from notary.reception import Accepted, hash_key
from notary.service import Notary
from notary.stores.record_tables import index_of, log_of
from notary.submission import Row, Submission

OPERATION, TAKEN = "network-heads", "heads-taken"
"""Of our own network, written by ourselves; and of others, handed in by their operators."""
PAUSE = 60_000
"""Milliseconds until a day that couldn't be written is tried again."""
_log = structlog.get_logger("notary.heads")


@dataclass(frozen=True, slots=True)
class Kept:
    """A day's record with its receipt, salt and all: nothing in it is secret."""

    record: dict[str, Any]
    receipt: Receipt


def keep_heads(notary: Notary, target: Origin, found: NetworkHeads, day: str) -> list[int]:
    """Write the day's records; their indexes, the same ones if they stand already."""
    issuer = parse_origin(target).issuer
    indexes = []
    for record in heads_records(found, issuer, day):
        key = _key(found.network, day, record["part"])
        # The first record of a day stands, whatever the next one would say: its content counts as the same.
        positions, _ = _write(notary, target, record, OPERATION, key, content=key)
        indexes.append(index_of(positions[0]))
    return indexes


def _write(
    notary: Notary, target: Origin, record: dict[str, Any], operation: str, key: bytes, *, content: bytes | None = None
) -> tuple[Sequence[int], bool]:
    """Positions of the record's entry, and whether it stood there under this key before."""
    issuer, salt = parse_origin(target).issuer, os.urandom(32)
    commitment, canonical = commit_and_canonicalise(record, salt)
    mac = notary.vault.content_mac(issuer, canonical if content is None else content)
    detail = Detail(mac, None, 0, *notary.vault.seal(commitment.sha256, salt, canonical))
    made = Row(int(Kind.CHECKPOINT), commitment.sha256, commitment.sm3)
    answer = notary.submit(Submission(issuer, target, operation, key, mac, pack_rows([made]), [detail]))
    return answer.positions, bool(answer.repeated)


def take_heads(notary: Notary, target: Origin, department: DepartmentCode, body: bytes, key: str) -> Accepted:
    """Write another operator's record into a log of ours, and answer its receipt with the salt: the same one for the
    same key. The record is read strictly and is a day's heads, nothing else; whether they are true, the chain that they
    tell of says. InputError, ConflictError `idempotency_conflict`, `notary.log_closed`."""
    issuer = notary.writable(department, target)
    record = parse_record(body)
    parse_heads(record)
    if record["issuer"] != issuer:
        raise InputError("record.other_issuer", expected=issuer)
    [position], repeated = _write(notary, target, record, TAKEN, hash_key(key))
    return Accepted(notary.receipt(target, index_of(position), salted=True), repeated)


def kept_heads(notary: Notary, target: Origin, network: str, day: str) -> list[Kept]:
    """What was written of a network on a day; NotFoundError `heads.none` where nothing was."""
    found: list[Kept] = []
    log, issuer = notary.log(target), parse_origin(target).issuer
    parts = 1
    while len(found) < parts:
        key = _key(network, day, len(found) + 1)
        with notary.store.reading() as connection:
            known = notary.answers.answered(connection, log, issuer, OPERATION, [key]).get(key)
        if known is None or log_of(known.positions[0]) != log.id:
            raise NotFoundError("heads.none", network=network, day=day, origin=target)
        index = index_of(known.positions[0])
        record = notary.record(target, index)
        parts = record["parts"]
        found.append(Kept(record, notary.receipt(target, index, salted=True)))
    return found


class HeadKeeper:
    """Beside the worker: once a day, as soon as the day has begun. `source`: the heads at a final block; None while
    there is none."""

    def __init__(self, notary: Notary, target: Origin, source: Callable[[], NetworkHeads | None], clock: Clock) -> None:
        if target not in notary.logs:
            raise ConfigurationError("heads.no_log", origin=target)
        self._notary, self._target, self._source, self._clock = notary, target, source, clock
        self._done = ""
        self._not_before = 0

    def step(self) -> bool:
        """True if a day was written. An outage is tried again; nothing else of the worker waits for it."""
        now = self._clock.now()
        day = day_of(now)
        if day == self._done or now < self._not_before:
            return False
        self._not_before = now + PAUSE
        if not self._notary.is_open(self._target):
            raise UnavailableError("heads.closed", origin=self._target)
        found = self._source()
        if found is None or not any(head.size for head in found.heads):
            return False
        indexes = keep_heads(self._notary, self._target, found, day)
        self._done, self._not_before = day, 0
        _log.info("heads.kept", day=day, origin=self._target, indexes=indexes, logs=len(found.heads))
        return True


def _key(network: str, day: str, part: int) -> bytes:
    return hashlib.sha256(b"chuzheng/network-heads/v1\0" + f"{network}/{day}/{part}".encode()).digest()
