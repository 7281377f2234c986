"""Items of the feed, many at once: entries and records read by position in stretches, decisions by key in bulk.

What is told depends on chain and entries alone, and on what is erased: never on when it is asked, nor on which of the
processes that share a database. So every log in the database is told, whoever writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ledger.errors import IntegrityError
from ledger.statuses import Decision, DecisionCode, status_at
from ledger.types import BlockTime, Digest, Kind, LogId
from notary.entry import ENTRY_BYTES, check_entries, parse_origin, status_key
from notary.packed import KEY_BYTES
from notary.service import Notary
from notary.stores.feeding import kept_at, kept_between
from notary.stores.records import LogRow, index_of, log_of, position_of

REVERSIBLE = frozenset({DecisionCode.RESUMED, DecisionCode.SUSPENDED})
"""After these a certificate lives on; after every other decision it has ended."""
IN_FORCE = "in_force"
STRUCK_OUT = "struck_out"
Item = dict[str, Any]
_Fields = tuple[Any, Any, Any]
"""Identifier, type and version: of a record nothing else is told, nothing of its holder."""
_NOTHING = (None, None, None)
_CERTIFICATE = int(Kind.CERTIFICATE)
_load = json.JSONDecoder().raw_decode


class Told(Protocol):
    """A change as the index tells it (ledger/store/index/changes.py)."""

    @property
    def block(self) -> int: ...
    @property
    def log_index(self) -> int: ...
    @property
    def time(self) -> BlockTime: ...
    @property
    def what(self) -> str: ...
    @property
    def log_id(self) -> LogId | None: ...
    @property
    def first(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def status_key(self) -> Digest | None: ...
    @property
    def number(self) -> int: ...


class Closed(Protocol):
    """A closing as the index tells it."""

    @property
    def log_id(self) -> LogId: ...
    @property
    def size(self) -> int: ...
    @property
    def place(self) -> tuple[int, int]: ...


class Recorded(Protocol):
    """A decision as the index tells it, with the (block, log index) of itself and of its annulment."""

    @property
    def decision(self) -> Decision: ...
    @property
    def place(self) -> tuple[int, int]: ...
    @property
    def annulled(self) -> tuple[int, int] | None: ...


class Changes(Protocol):
    """What is final, as ledger.store.index.changes answers."""

    def genesis(self) -> str: ...

    def since(self, block: int, log_index: int, limit: int) -> Sequence[Told]: ...

    def recorded_of(self, keys: Sequence[Digest]) -> Mapping[Digest, Sequence[Recorded]]: ...

    def closings(self) -> Sequence[Closed]: ...

    def anchored_by(self, log_id: LogId, place: tuple[int, int] | None = None) -> int: ...


class Telling:
    """What is told of changes that were read already. Logs and closings are looked up after them: nothing that a change
    speaks of can be missing then."""

    def __init__(self, notary: Notary, changes: Changes) -> None:
        self._notary, self._changes, self._store = notary, changes, notary.store
        self._closings = changes.closings()
        with self._store.reading() as connection:
            self._logs = {row.log_id: row for row in self._store.all_logs(connection)}

    def log_of(self, change: Told) -> LogRow | None:
        """The log that a change is about; None for another notary's."""
        return None if change.log_id is None else self._logs.get(change.log_id)

    def entries(self, change: Told, log: LogRow, first: int, count: int) -> list[Item | None]:
        """An item for each entry from index `first` on; None for what is no certificate.

        IntegrityError `notary.restored` where the chain has more entries than the database: passing over them would
        leave them out for ever. Where the log was closed below them since, they are lost and count for nothing: that
        they ended is told by their place alone.
        """
        low = position_of(log.id, first)
        with self._store.reading() as connection:
            joined = self._store.joined_from(connection, log.id, first, count)
            has = first + len(joined) // ENTRY_BYTES
            if has < min(first + count, self._counting(log)):
                raise self._restored(log, has, change.end)
            check_entries(joined)
            entries = {
                low + at: joined[at * ENTRY_BYTES : (at + 1) * ENTRY_BYTES]
                for at, kind in enumerate(joined[1::ENTRY_BYTES])
                if kind == _CERTIFICATE
            }
            fields = self._fields(entries, kept_between(connection, low, low + count))
        word, status = ("ended", STRUCK_OUT) if change.what == "closed" else ("new", IN_FORCE)
        items: list[Item | None] = [None] * count
        for position, raw in entries.items():
            item = _item(change, log, position, raw, fields)
            item["change"], item["status"] = word, status
            items[position - low] = item
        if change.what != "closed":
            self._decided_before(change, log, items)
        for index in range(has if change.what == "closed" else first + count, first + count):
            items[index - first] = _lost(change, log, index)
        return items

    def decided(self, changes: Sequence[Told]) -> list[Item | None]:
        """An item for each decision or annulment; None where the key is of no entry that counted then."""
        keys = list(dict.fromkeys(change.status_key for change in changes if change.status_key is not None))
        histories = self._changes.recorded_of(keys)
        with self._store.reading() as connection:
            logs = self._store.all_logs(connection)
            self._notary.standing.follow(connection, logs)
            found = self._notary.standing.index.find([key[:KEY_BYTES] for key in keys])
            positions = sorted({position for several in found.values() for position in several})
            entries = self._store.entries_at(connection, positions)
            check_entries(b"".join(entries.values()))
            by_id = {log.id: log for log in logs}
            fields = self._fields(entries, kept_at(connection, positions))
        places: dict[bytes, list[int]] = {}
        for position, raw in sorted(entries.items()):
            places.setdefault(_status_key(raw), []).append(position)
        if any(key not in places for key in keys):
            self._require_whole()
        items: list[Item | None] = []
        for change in changes:
            key = change.status_key or Digest(b"")
            place = self._place(change, places.get(key, []), by_id)
            if place is None:
                items.append(None)
            else:
                item = _item(change, by_id[log_of(place)], place, entries[place], fields)
                items.append(_decision(change, item, histories.get(key, [])))
        return items

    # -- inside -------------------------------------------------------------------------------------------------------

    def _fields(self, entries: Mapping[int, bytes], rows: Iterable[tuple[Any, ...]]) -> dict[int, _Fields]:
        """The record's fields by position, of those of `entries` that are kept; each row goes as soon as it is read."""
        vault = self._notary.vault
        found: dict[int, _Fields] = {}
        for position, sealed, body in rows:
            entry = entries.get(position)
            if entry is None:
                continue
            commitment = entry[28:60]
            # Sealed with its commitment by us, after every check: it needs no strict reading once more.
            record, _ = _load(vault.open_body(commitment, vault.open_keys(commitment, sealed)[0], body).decode())
            found[position] = record.get("identifier"), record.get("type"), record.get("version")
        return found

    def _counting(self, log: LogRow) -> int:
        """The size at which the log was closed, as of now; beyond every index while it is open."""
        return min((each.size for each in self._closings if each.log_id == log.log_id), default=1 << 40)

    def _decided_before(self, change: Told, log: LogRow, items: Sequence[Item | None]) -> None:
        """What was registered again after a closing keeps its key, and what was decided under it before."""
        place = change.block, change.log_index
        closed = {each.log_id for each in self._closings if each.place < place}
        if not any(row.log_id in closed for row in self._logs.values() if row.issuer == log.issuer):
            return
        by_key = {Digest(bytes.fromhex(item["key"])): item for item in items if item is not None}
        for key, history in self._changes.recorded_of(list(by_key)).items():
            by_key[key]["status"] = _word(_code(history, change))

    def _place(self, change: Told, candidates: Sequence[int], logs: Mapping[int, LogRow]) -> int | None:
        """The position of a key's entry by this change: not struck out before, and on the chain if there are two."""
        at = change.block, change.log_index
        struck = {each.log_id: each.size for each in sorted(self._closings, key=_by_place) if each.place < at}
        counted = [p for p in candidates if index_of(p) < struck.get(logs[log_of(p)].log_id, index_of(p) + 1)]
        if len(candidates) > 1:
            counted = [p for p in counted if index_of(p) < self._changes.anchored_by(logs[log_of(p)].log_id, at)]
        return counted[0] if counted else None

    def _require_whole(self) -> None:
        """A key that stands nowhere is another notary's, unless our own entries are missing: then it can't be told."""
        sizes = {log_id: self._changes.anchored_by(log_id) for log_id in self._logs}  # before the logs, which only grow
        with self._store.reading() as connection:
            for row in self._store.all_logs(connection):
                if min(sizes.get(row.log_id, 0), self._counting(row)) > row.next_index:
                    raise self._restored(row, row.next_index, sizes[row.log_id])

    @staticmethod
    def _restored(log: LogRow, has: int, chain: int) -> IntegrityError:
        return IntegrityError("notary.restored", origin=log.origin, log=has, chain=chain)


def _item(change: Told, log: LogRow, position: int, raw: bytes, fields: Mapping[int, _Fields]) -> Item:
    """What every item has."""
    identifier, type_, version = fields.get(position, _NOTHING)  # kept by who committed it, or erased
    return {
        "at": change.time, "block": change.block, "origin": log.origin, "index": index_of(position),
        "issuer": raw[2:20].decode("ascii"), "key": _status_key(raw).hex(), "commitment": raw[28:60].hex(),
        "identifier": identifier, "type": type_, "version": version,
    }  # fmt: skip


def _lost(change: Told, log: LogRow, index: int) -> Item:
    """An entry that a restored database hasn't, and that was struck out: nothing but its place is known."""
    known = {"at": change.time, "block": change.block, "origin": log.origin, "index": index}
    unknown = dict.fromkeys(("key", "commitment", "identifier", "type", "version"))
    return {**known, "issuer": parse_origin(log.origin).issuer, **unknown, "change": "ended", "status": STRUCK_OUT}


def _decision(change: Told, item: Item, history: Sequence[Recorded]) -> Item:
    # As it stood then, not as it stands now: who reads the feed later reads the same.
    code = _code(history, change)
    ended = code is not None and code not in REVERSIBLE
    own = next((each.decision for each in history if each.decision.number == change.number), None)
    return {
        **item, "change": "ended" if ended else "changed",
        "status": _word(code),
        "decision": {"number": change.number, "annulled": change.what == "annulled",
                     "effective_from": own.effective_from if own else None,
                     "until": own.until if own else None},
    }  # fmt: skip


def _code(history: Sequence[Recorded], change: Told) -> DecisionCode | None:
    """What stood right behind this change: others may follow in the same block, at the same time."""
    place = change.block, change.log_index
    known = [
        replace(each.decision, annulled_at=None)
        if each.annulled is not None and each.annulled > place
        else each.decision
        for each in history
        if each.place <= place
    ]
    standing = status_at(known, change.time, change.time)
    return None if standing is None else standing.code


def _word(code: DecisionCode | None) -> str:
    return IN_FORCE if code is None or code is DecisionCode.RESUMED else code.name.lower()


def _by_place(closing: Closed) -> tuple[int, int]:
    return closing.place


def _status_key(entry: bytes) -> Digest:
    return status_key(entry[2:20].decode("ascii"), entry[28:60])
