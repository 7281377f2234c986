"""After a closing (contracts.md, AnchorLog): a new shard that begins with the last good checkpoint of the closed log.

A stolen key: the Council closed the log at a size, and what stood above it counts as not recorded. The department says
which of those entries were its own; they are registered again in a new shard, under new times, with their records,
salts and status keys as they were. The others count for nothing: their commitments and identifiers are free again.

The old log keeps every entry and every row, for auditors: receipts of entries below the size stay as good as they were.
Before the checkpoint at most entries of kind 6 stand: an erasure goes on meanwhile, and its entry into the open shard.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.errors import ConflictError, InputError, IntegrityError, NotFoundError
from ledger.ports import Clock
from ledger.types import Kind, Millis, Origin
from notary.accept import catch_up
from notary.checkpoint import parse_checkpoint
from notary.commitment import commit_and_canonicalise
from notary.entry import Entry, parse_origin
from notary.packed import Packed, keys_of_entries
from notary.placing import accepted_at, entry_prefix
from notary.service import Notary
from notary.stores import records as sql
from notary.stores.erasures import ErasureStore
from notary.stores.records import LogRow, RecordStore, position_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCHEMA = "checkpoint/1"
_PART = 1024
"""Entries that are read at once."""


@dataclass(frozen=True, slots=True)
class Struck:
    """An entry that the closing struck out; `identifier` where the notary keeps the record and it has one."""

    index: int
    entry: Entry
    identifier: str | None


@dataclass(frozen=True, slots=True)
class Reopened:
    """`moved`: old index → new index of what was registered again."""

    origin: Origin
    record: dict[str, Any]
    moved: dict[int, int]


def struck_out(notary: Notary, closed: Origin, last_good: int) -> list[Struck]:
    """What the closing at size `last_good` struck out of this notary's log, in order."""
    notary.catch_up(closed)
    row = notary.log(closed)
    with notary.store.reading() as connection:
        count = row.next_index - last_good
        raws = notary.store.entries_from(connection, row.id, last_good, count) if count > 0 else []
        kept = set(notary.store.salted(connection, [position_of(row.id, last_good + n) for n in range(len(raws))]))
    found = []
    for index, raw in enumerate(raws, last_good):
        record = {}
        if position_of(row.id, index) in kept:
            with suppress(NotFoundError):  # erased since
                record = notary.record(closed, index)
        found.append(Struck(index, Entry.from_bytes(raw), record.get("identifier")))
    return found


def checkpoint_record(notary: Notary, closed: Origin, last_good: int) -> dict[str, Any]:
    """What the first entry of the new shard commits to: the last good checkpoint, signed as it was anchored."""
    record = {"schema": SCHEMA, "kind": Kind.CHECKPOINT.word, "issuer": parse_origin(closed).issuer, "origin": closed}
    if last_good == 0:
        return {**record, "size": 0, "root": None, "note": None}
    row = notary.log(closed)
    with notary.store.reading() as connection:
        kept = notary.store.checkpoint(connection, row.id, last_good)
    if kept is None:
        raise IntegrityError("reopen.no_checkpoint", origin=closed, size=last_good)
    return {**record, "size": last_good, "root": parse_checkpoint(kept.note).root.hex(), "note": kept.note}


def reopen(
    notary: Notary, clock: Clock, closed: Origin, new: Origin, *, last_good: int, good: Collection[int]
) -> Reopened:
    """Begin `new` with the checkpoint of `closed` at `last_good`, and register the entries at the indexes `good` again.

    Durable when it returns; called again with the same entries it finds what it did. InputError for an index that
    wasn't struck out, ConflictError if the new shard was begun otherwise.
    """
    issuer = parse_origin(closed).issuer
    if closed == new or parse_origin(new).issuer != issuer:
        raise InputError("reopen.other_log", origin=new)
    order = sorted(set(good))
    end = notary.log(closed).next_index
    if wrong := [index for index in order if not last_good <= index < end]:
        raise InputError("reopen.index", index=wrong[0], first=last_good, end=end)
    record = checkpoint_record(notary, closed, last_good)
    store = notary.store
    with notary.logs[new].appending() as files:
        # Nobody registers under the issuer meanwhile, and nobody erases what is copied here (notary/erasing.py).
        with store.transaction("", f"issuer/{issuer}") as connection:
            row, old = store.log(connection, new, lock=True), store.log(connection, closed, lock=True)
            if row is None or old is None:
                raise IntegrityError("notary.log_unknown", origin=new)
            for each in (row, old):
                notary.leases.hold(connection, each)
            catch_up(store, connection, row, files)
            at = erasures_before(store, connection, row)
            work = _Work(notary, connection, row, old, record, order, at)
            done = Reopened(new, record, {index: number for number, index in enumerate(order, at + 1)})
            if at < row.next_index:
                work.require_same()
                return done
            entries = work.write(accepted_at(clock.now(), row.accepted_at))
        files.append(at, entries)
    return done


def erasures_before(store: RecordStore, connection: Connection, row: LogRow) -> int:
    """How many entries of kind 6 the shard begins with: only the notary writes them (notary/erasing.py), and each says
    no more than what was erased elsewhere."""
    at = 0
    while found := store.entries_from(connection, row.id, at, _PART):
        for raw in found:
            if raw[1] != Kind.ERASURE:
                return at
            at += 1
    return at


@dataclass(frozen=True, slots=True)
class _Work:
    """One reopening within its transaction; `row` is the new shard, `order` the old indexes of what is good."""

    notary: Notary
    connection: Any
    row: LogRow
    old: LogRow
    record: dict[str, Any]
    order: Sequence[int]
    at: int
    """Index of the checkpoint in the new shard."""

    def write(self, now: Millis) -> list[bytes]:
        """The rows of the new shard, and the old ones out of the way; the new entries in order."""
        notary, store, connection, row = self.notary, self.notary.store, self.connection, self.row
        issuer, salt = parse_origin(row.origin).issuer, os.urandom(32)
        commitment, canonical = commit_and_canonicalise(self.record, salt)
        sealed_keys, sealed_body = notary.vault.seal(commitment.sha256, salt, canonical)
        first = position_of(row.id, self.at)
        places = {position_of(self.old.id, index): first + number for number, index in enumerate(self.order, 1)}
        raws = store.entries_at(connection, list(places))
        entries = [entry_prefix(Kind.CHECKPOINT, issuer, now) + commitment.sha256 + commitment.sm3]
        entries += [entry_prefix(raws[place][1], issuer, now) + raws[place][28:] for place in places]
        start = position_of(self.old.id, self.record["size"])
        store.strike(connection, self.old.id, self.record["size"])
        store.carry(connection, places, struck=(start, position_of(self.old.id + 1, 0)))
        ErasureStore(store).carry(connection, places)
        self.require_new(b"".join(entries))
        store.put_entries(connection, first, b"".join(entries))
        store.insert(connection, sql.records, [(first, sealed_body)])
        store.insert(connection, sql.record_keys, [(first, sealed_keys)])
        store.advance(connection, row.id, self.at + len(entries), now)
        return entries

    def require_new(self, joined: bytes) -> None:
        """IntegrityError `records.constraint` if one of the commitments stands in a log of the issuer again by now."""
        standing = self.notary.standing
        logs = self.notary.store.logs_of(self.connection, self.row.issuer, lock=True)
        standing.follow(self.connection, logs)
        known = standing.committed(self.connection, standing.find(keys_of_entries(joined), logs))
        if any(entry[28:60] in known for entry in Packed(joined)):
            raise IntegrityError("records.constraint")

    def require_same(self) -> None:
        """ConflictError unless this checkpoint and these entries stand in the shard, after erasures at most."""
        store, origin = self.notary.store, self.row.origin
        found = store.entries_from(self.connection, self.row.id, self.at, len(self.order) + 2)
        start = self.record["size"]
        struck = store.entries_from(self.connection, self.old.id, start, self.old.next_index - start)
        wanted = [struck[index - start][28:] for index in self.order]
        after = {raw[28:] for raw in found[len(wanted) + 1 :]}  # the first of what was registered later, or of more
        same = [raw[28:] for raw in found[1 : len(wanted) + 1]] == wanted and not after & {raw[28:] for raw in struck}
        if not same or found[0][1] != Kind.CHECKPOINT or self.notary.record(origin, self.at) != self.record:
            raise ConflictError("reopen.begun_otherwise", origin=origin)
