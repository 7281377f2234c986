"""Placing: which rows of a submission are new, which stand in the log already, and which contradict what stands there.

Inside one database transaction, under the log's append lock (notary/accept.py). Rules: formats.md §5. Over 300 lines:
whole calls and rows judged one by one share what one group has placed so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ledger.errors import ChuzhengError, ConflictError, IntegrityError
from ledger.types import DepartmentCode, Kind, Millis
from notary.details import Columns, Detail, identifiers_of, names_of
from notary.entry import HOUR, HOURLY, parse_origin
from notary.packed import ROW_BYTES, Packed, entries_of
from notary.stores import records as sql
from notary.stores.answers import key_of as key_of_answer
from notary.stores.erased_names import erased_among, name_of, require_kept
from notary.stores.erasures import ANSWER_ERASED
from notary.stores.names import key_of
from notary.stores.records import Known, LogRow
from notary.stores.run_list import Cover
from notary.submission import GONE, Answer, Submission

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy import Connection

    from notary.stores.answers import Answers
    from notary.stores.names import Names
    from notary.stores.standing import Standing

HOLD = 120_000
"""Milliseconds that a clock may step back before we believe it rather than the log's last entry."""
_SHA256, _SM3 = slice(28, 60), slice(60, 92)


def accepted_at(now: Millis, last: Millis) -> Millis:
    """The log's time for an entry: never before `last`, unless the clock stepped back by more than HOLD.

    Small steps (time servers do them) mustn't make a log look reordered. After a great one the earlier time was wrong:
    to go on with it would break every new receipt (accepted_at ≤ T + 300 s, verification.md), and to refuse would
    stop a department for as long as its clock had been wrong. Positions are ordered by the index in any case.
    """
    return last if now < last <= now + HOLD else now


def entry_prefix(kind: int, issuer: DepartmentCode, at: Millis) -> bytes:
    """The first 28 bytes of an entry (formats.md §3); kinds 3–5 show the hour only."""
    shown = at - at % HOUR if kind in HOURLY else at
    return bytes((1, kind)) + issuer.encode("ascii") + shown.to_bytes(8)


class Placing:
    """Gives out the next indexes of one log to a group of submissions, and collects what is to be written."""

    def __init__(
        self, standing: Standing, names: Names, connection: Connection, log: LogRow, now: Millis, *, answers: Answers
    ) -> None:
        self._store, self._standing, self._names, self._answers = standing.store, standing, names, answers
        self._connection, self._log, self._now = connection, log, now
        issuer = parse_origin(log.origin).issuer
        self._prefixes = {int(kind): entry_prefix(kind, issuer, now) for kind in Kind}
        self._first = self._next = sql.position_of(log.id, log.next_index)
        self._blocks: list[bytes] = []
        self.keys: list[bytes] = []
        """The index's keys of the new entries."""
        self.named: list[tuple[bytes, int]] = []
        """Keys of their identifiers, and where."""
        self.asked: list[tuple[bytes, int]] = []
        """Keys of what was sent under an idempotency key, and where the entries begin that it was given."""
        self._rows: dict[sa.Table, list[tuple[Any, ...]]] = {
            table: []
            for table in (sql.records, sql.record_keys, sql.record_wraps, sql.lookups, sql.answers, sql.idempotency)
        }
        self._found: dict[bytes, list[int]] = {}
        self._committed: dict[bytes, tuple[int, bytes]] = {}
        self._followed = False
        """Another submission of the group comes after this one, and has to be told apart from it."""
        self._given: dict[bytes, int] = {}
        """Key → position of what this group was just given."""
        self._identified: dict[tuple[bytes, int], Known] = {}
        self._answered: dict[tuple[str, str, bytes], Known] = {}
        self._erased: frozenset[bytes] = frozenset()  # those of the group (notary/stores/erased_names.py)

    def place_all(self, group: Sequence[Submission]) -> list[Answer | ChuzhengError]:
        """An answer or a refusal for each; look-ups are made for the whole group at once."""
        connection, log = self._connection, self._log
        keys: dict[tuple[DepartmentCode, str], list[bytes]] = {}
        for s in group:
            if s.key is not None:
                keys.setdefault((s.department, s.operation), []).append(s.key)
        for (department, operation), wanted in keys.items():
            found = self._answers.answered(connection, log, department, operation, wanted)
            self._answered.update({(department, operation, key): known for key, known in found.items()})
        logs = self._store.logs_of(connection, log.issuer, lock=True)
        self._standing.follow(connection, logs)
        self._found = self._standing.find([key for s in group for key in s.keys], logs)
        self._committed = self._standing.committed(connection, self._found)
        named = {identifier for s in group for identifier in identifiers_of(s.details)}
        self._identified = self._names.identified(connection, logs, named)
        # After the look-ups: an erasure that comes between leaves a record in one of both.
        self._erased = erased_among(connection, log.issuer, lambda: [name_of(d) for s in group for d in s.details])
        answers: list[Answer | ChuzhengError] = []
        for number, s in enumerate(group, 1):
            self._followed = number < len(group)
            try:
                answers.append(self._place(s))
            except ConflictError as error:
                answers.append(error)
        return answers

    @property
    def entries(self) -> Packed:
        """The new entries, in the order of their indexes."""
        if len(self._blocks) > 1:
            self._blocks = [b"".join(self._blocks)]
        return Packed(self._blocks[0] if self._blocks else b"")

    @property
    def cover(self) -> Cover:
        """Up to where the log's entries are known, once these are committed."""
        return Cover(sql.index_of(self._next), self.keys[-1].hex())

    def write(self) -> None:
        """Write everything new; durable when the transaction ends."""
        for table, rows in self._rows.items():
            self._store.insert(self._connection, table, rows)
        if self._blocks:
            self._store.put_entries(self._connection, self._first, self.entries.joined)
            self._store.advance(self._connection, self._log.id, sql.index_of(self._next), self._now)

    def _place(self, s: Submission) -> Answer:
        if s.each:
            return self._place_each(s)
        scope = (s.department, s.operation, s.key or b"")
        if s.key is not None and (known := self._answered.get(scope)) is not None:
            if known.content == ANSWER_ERASED:
                raise ConflictError("erased.answer")
            if known.content != s.content:
                raise ConflictError("idempotency_conflict")
            require_kept(s.details, self._erased)  # destroyed a moment ago, and the answer isn't cleaned yet
            return self._again(known.positions, range(len(known.positions)), [], s)
        standing = self._standing_details(s) if s.details else self._standing_rows(s)
        require_kept(s.details, self._erased)
        answer = self._new(s, standing)
        if s.key is not None:
            self._remember(s, s.key, answer.positions, given=not standing)
        return answer

    def _place_each(self, s: Submission) -> Answer:
        """Every row that can be taken. The key keeps the run of indexes that they got, so that whoever comes again
        after a crash learns which rows were taken then and which stood there before."""
        scope = (s.department, s.operation, s.key or b"")
        known = self._answered.get(scope)
        if known is not None and known.content not in (s.content, ANSWER_ERASED):
            raise ConflictError("idempotency_conflict")
        names = set(names_of(s.details))
        unseen = known is None and not self._erased and self._identified.keys().isdisjoint(names)
        if unseen and len(names) == s.count:
            answer = self._new(s, {})  # nothing to judge: the ordinary case of a back-fill
            self._remember(s, scope[2], answer.positions, given=True)
            return Answer(answer.positions, answer.entries, {}, {}, range(s.count))
        first = self._next
        # Of a run of which something was erased since, no bundle can be made: what is left of it stands, as a repeat.
        cut = known is not None and known.content == ANSWER_ERASED
        own = frozenset(known.positions) if known is not None and not cut else frozenset()
        positions: list[int] = []
        entries = [b""] * s.count
        taken: dict[int, int] = {}
        refused: dict[int, ConflictError] = {}
        for offset, detail in enumerate(s.details):
            found = self._identified.get((detail.identifier or b"", detail.version))
            if found is None and (cut or name_of(detail) in self._erased):
                position = GONE
                refused[offset] = ConflictError("erased.name", row=offset + 1)
            elif found is None:
                position = self._next
                taken[position] = offset
                row = s.rows[offset * ROW_BYTES : (offset + 1) * ROW_BYTES]
                entries[offset] = self._take(row, s.keys[offset], detail)
            else:
                [position] = found.positions
                if found.content != detail.content:
                    refused[offset] = ConflictError("already_anchored", row=offset + 1, index=sql.index_of(position))
                elif position in own:
                    taken.setdefault(position, offset)
            positions.append(position)
        if known is None:
            self._remember(s, scope[2], range(first, self._next), given=True)
            return Answer(positions, entries, {}, refused, tuple(taken.values()))
        if taken.keys() < own and GONE in positions:
            taken.clear()  # erased, and its stored answer isn't cleaned yet
        elif self._next > first or taken.keys() != own:
            raise IntegrityError("records.gap", index=sql.index_of(first))  # they were kept in one transaction
        offsets = [taken[position] for position in sorted(taken)]
        told = self._again([positions[offset] for offset in offsets], range(len(offsets)), [], s)
        for offset, entry in zip(offsets, told.entries, strict=True):
            entries[offset] = entry
        sealed = {offset: told.repeated[n] for n, offset in enumerate(offsets)}
        return Answer(positions, entries, sealed, refused, tuple(offsets))

    def _remember(self, s: Submission, key: bytes, positions: Sequence[int], *, given: bool) -> None:
        """What was answered under the key; `given`: no entry that stood before (notary/stores/answers.py)."""
        self._answered[s.department, s.operation, key] = Known(s.content, positions)
        if given and positions and (len(positions) == 1 or key != s.content):
            row = (positions[0], s.department, s.operation, key, s.content, len(positions))
            self._rows[sql.answers].append(row)
            self.asked.append((key_of_answer(s.department, s.operation, key), positions[0]))
        else:
            packed = sql.pack_positions(positions)
            self._rows[sql.idempotency].append((self._log.id, s.department, s.operation, key, s.content, packed))

    def _take(self, row: bytes, key: bytes, detail: Detail) -> bytes:
        """The next index for a row that is new: its entry."""
        self._require_new([key], row)
        position, entry = self._next, entries_of(row, self._prefixes)
        self._next = position + 1
        self._blocks.append(entry)
        self.keys.append(key)
        self._given[key] = position
        self._keep(position, detail)
        return entry

    def _standing_details(self, s: Submission) -> dict[int, int]:
        """Offset → position of the rows whose (identifier, version) is anchored with the same content."""
        standing: dict[int, int] = {}
        own: dict[tuple[bytes, int], int] = {}
        for offset, detail in enumerate(s.details):
            if detail.identifier is None:
                continue
            name = (detail.identifier, detail.version)
            known = self._identified.get(name)
            if known is not None:
                if known.content != detail.content:
                    position = known.positions[0]
                    raise ConflictError("already_anchored", row=offset + 1, index=sql.index_of(position))
                standing[offset] = known.positions[0]
            elif own.setdefault(name, offset) != offset:
                # Twice in one call: nothing says which one was meant.
                raise ConflictError("notary.twice_in_call", row=offset + 1, first=own[name] + 1)
        return standing

    def _standing_rows(self, s: Submission) -> dict[int, int]:
        """The same for finished commitments: a single one is answered again, a bulk with a known one is refused."""
        keys = s.keys
        if self._given.keys().isdisjoint(keys) and self._found.keys().isdisjoint(keys) and len(set(keys)) == len(keys):
            return {}
        standing: dict[int, int] = {}
        own: dict[bytes, int] = {}
        for offset in range(s.count):
            at = offset * ROW_BYTES
            sha256, sm3 = s.rows[at + 1 : at + 33], s.rows[at + 33 : at + 65]
            if own.setdefault(sha256, offset) != offset:
                raise ConflictError("notary.twice_in_call", row=offset + 1, first=own[sha256] + 1)
            known = self._known(keys[offset], sha256)
            if known is None:
                continue
            position, entry = known
            if entry[_SM3] != sm3 or entry[1] != s.rows[at] or s.count > 1:
                raise ConflictError("commitment_known", row=offset + 1, index=sql.index_of(position))
            standing[offset] = position
        return standing

    def _known(self, key: bytes, sha256: bytes) -> tuple[int, bytes] | None:
        """(position, entry) of a commitment that stands, in the database or in this group."""
        if key in self._found and (known := self._committed.get(sha256)) is not None:
            return known
        position = self._given.get(key)
        if position is None:
            return None
        entry = self.entries[position - self._first]
        if entry[_SHA256] == sha256:
            return position, entry
        # Two commitments under one key in one group: look at each of the group's entries.
        for offset, other in enumerate(self.entries):
            if other[_SHA256] == sha256:
                return self._first + offset, other
        return None

    def _new(self, s: Submission, standing: Mapping[int, int]) -> Answer:
        first = self._next
        fresh: Sequence[int]
        keys: Sequence[bytes]
        positions: Sequence[int]
        if standing:
            fresh = [offset for offset in range(s.count) if offset not in standing]
            rows = b"".join([s.rows[offset * ROW_BYTES : (offset + 1) * ROW_BYTES] for offset in fresh])
            keys = [s.keys[offset] for offset in fresh]
            given = {offset: first + number for number, offset in enumerate(fresh)}
            positions = [standing[n] if n in standing else given[n] for n in range(s.count)]
        else:
            fresh, rows, keys = range(s.count), s.rows, s.keys
            positions = range(first, first + s.count)
        if s.details:
            self._require_new(keys, rows)
            if isinstance(s.details, Columns) and not standing:
                self._keep_columns(range(first, first + s.count), s.details)
            else:
                for number, offset in enumerate(fresh):
                    self._keep(first + number, s.details[offset])
        added = Packed(entries_of(rows, self._prefixes) if rows else b"")
        self._next = first + len(added)
        if rows:
            self._blocks.append(added.joined)
        self.keys += keys
        if self._followed:
            self._given.update(zip(keys, range(first, self._next), strict=True))
        if not standing:
            return Answer(positions, added, {})
        return self._again(positions, sorted(standing), added, s)

    def _require_new(self, keys: Sequence[bytes], rows: bytes) -> None:
        """Commitments that we salted are new by construction; a repeat would be a broken source of chance."""
        if self._given.keys().isdisjoint(keys) and self._found.keys().isdisjoint(keys):
            return
        for number, key in enumerate(keys):
            if self._known(key, rows[number * ROW_BYTES + 1 : number * ROW_BYTES + 33]) is not None:
                raise IntegrityError("records.constraint")

    def _keep(self, position: int, detail: Detail) -> None:
        rows = self._rows
        rows[sql.records].append((position, detail.sealed_body))
        rows[sql.record_keys].append((position, detail.sealed_keys))
        for reader, wrap in detail.wraps:
            rows[sql.record_wraps].append((position, reader, wrap))
        if detail.identifier is not None:
            name = (detail.identifier, detail.version)
            self._identified[name] = Known(detail.content, (position,))
            rows[sql.lookups].append((position, *name, detail.content))
            self.named.append((key_of(detail.identifier), position))

    def _keep_columns(self, positions: range, details: Columns) -> None:
        """`_keep` for each, a column at a time."""
        rows, versions = self._rows, details.versions
        rows[sql.records] += zip(positions, details.sealed_bodies, strict=True)
        rows[sql.record_keys] += zip(positions, details.sealed_keys, strict=True)
        if self._followed:
            known = map(Known, details.contents, zip(positions, strict=True))
            self._identified.update(zip(zip(details.identifiers, versions, strict=True), known, strict=True))
        rows[sql.lookups] += zip(positions, details.identifiers, versions, details.contents, strict=True)
        self.named += zip(map(key_of, details.identifiers), positions, strict=True)

    def _again(
        self, positions: Sequence[int], standing: Sequence[int], added: Sequence[bytes], s: Submission
    ) -> Answer:
        """The answer with the rows at `standing` offsets read back; `added` are the others' entries, in order.

        Rows that another submission of this group has just been given are still in memory only.
        """
        wanted = [positions[offset] for offset in standing]
        stored = [p for p in wanted if not (self._first <= p < self._next)]
        entries = self._store.entries_at(self._connection, stored)
        sealed = self._store.salted(self._connection, stored) if s.details else {}
        if s.details and len(stored) < len(wanted):
            sealed |= dict(self._rows[sql.record_keys])
        again = set(standing)
        rest = iter(added)
        found: list[bytes] = []
        for offset, position in enumerate(positions):
            if offset not in again:
                found.append(next(rest))
            elif position in entries:
                found.append(entries[position])
            elif self._first <= position < self._next:
                found.append(self.entries[position - self._first])
            else:
                raise IntegrityError("records.gap", index=sql.index_of(position))
        return Answer(positions, found, {offset: sealed.get(positions[offset]) for offset in standing})
