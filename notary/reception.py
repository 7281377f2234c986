"""Reception: what comes in, from a caller's records to their promised receipts. The half of the notary that writes.

Who may write where, what may stand in which log, under which key an answer is kept: decided here, for every way in
(one record, many, a file's rows, finished commitments, a document). How it becomes durable: notary/accept.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError, RowsError, UnavailableError
from ledger.types import DepartmentCode, Digest, Kind, Millis, Origin
from notary.accept import Acceptance
from notary.entry import Entry, log_id, parse_origin
from notary.intake import Prepared, Wrong, check_kind, check_packed, prepare_many
from notary.packed import ROW_BYTES, pack_rows
from notary.processes import MIN_RECORDS, Processes
from notary.prove import AnchorIndex, Prover
from notary.receipt import Receipt
from notary.stores.answers import Answers
from notary.stores.erased_names import erased_among, name_of
from notary.stores.names import Names
from notary.stores.records import LogRow, RecordStore, index_of, log_of
from notary.submission import Answer, Row, Submission
from notary.vault import Vault

MAX_BULK = 10_000
"""Rows of one bulk call (formats.md §6)."""
MAX_KEY = 255
PATIENCE = 60.0
"""Seconds that a caller waits for its commit; the submission itself isn't lost then, a retry finds it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A promised receipt, with its salt where the notary made one; `repeated`: it stood in the log before this call."""

    receipt: Receipt
    repeated: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the rows of one call stand: consecutive, the first at index `first` of `origin`."""

    origin: Origin
    first: int
    entries: Sequence[bytes]


class Reception:
    """Takes submissions to the logs of one process. `origins` are its logs by row number, `issuers` whose they are,
    `members` those for kinds 3–5."""

    def __init__(
        self,
        store: RecordStore,
        vault: Vault,
        *,
        origins: Mapping[int, Origin],
        issuers: Mapping[Origin, DepartmentCode],
        members: Collection[Origin],
        anchors: AnchorIndex,
        acceptance: Acceptance,
        prover: Prover,
        names: Names,
        answers: Answers,
        processes: Processes | None,
    ) -> None:
        self.store, self.vault, self.acceptance, self.prover = store, vault, acceptance, prover
        self.names, self.answers = names, answers
        self._origins, self._issuers, self._members = origins, issuers, members
        self._anchors, self._processes = anchors, processes
        self._public = self._public_logs()

    def accept_records(
        self,
        department: DepartmentCode,
        origin: Origin,
        records: Sequence[bytes | Mapping[str, Any]],
        *,
        operation: str = "records",
        key: str | None = None,
        limit: int = MAX_BULK,
    ) -> list[Accepted]:
        """Anchor records, all or none: durable when this returns, receipts in the order sent (formats.md §5, §6).

        More than one need a `key`. RowsError lists every wrong record of several; ConflictError `idempotency_conflict`,
        `already_anchored`; UnavailableError: try again, with the same key nothing is taken twice.
        """
        issuer = self.writable(department, origin)
        if not 1 <= len(records) <= limit:
            raise InputError("notary.bulk_count", limit=limit, found=len(records))
        if key is None and len(records) > 1:
            raise InputError("notary.key_needed")
        return self.accept_prepared(department, origin, self.prepare(records, issuer), operation=operation, key=key)

    def accept_prepared(
        self,
        department: DepartmentCode,
        origin: Origin,
        prepared: Sequence[Prepared],
        *,
        operation: str,
        key: str | None,
    ) -> list[Accepted]:
        """The second half of accept_records, for records that were prepared elsewhere."""
        issuer = self.writable(department, origin)
        packed = pack_rows([p.row for p in prepared])
        self.check_kinds(origin, packed)
        content = prepared[0].detail.content
        if len(prepared) > 1:
            content = self.vault.content_mac(issuer, b"".join([p.detail.content for p in prepared]))
        if len(prepared) == 1:
            kept = self.kept_under(key, prepared[0])
        else:
            kept = hash_key(key) if key is not None else content
        details = [p.detail for p in prepared]
        answer = self.submit(Submission(department, origin, operation, kept, content, packed, details))
        return self.promised(answer, [p.salt for p in prepared])

    def accept_durably(
        self,
        department: DepartmentCode,
        origin: Origin,
        rows: bytes | Sequence[Row],
        *,
        key: str | None,
        operation: str = "commitments",
    ) -> Placed:
        """The first half of accept_commitments: durable when this returns, under one checkpoint or another soon. No
        promise is signed and no seal waited for; `receipts` has the receipts whenever they are asked for."""
        self.writable(department, origin)
        packed = rows if isinstance(rows, bytes) else pack_rows(rows)
        count = check_packed(packed)
        if count > MAX_BULK:
            raise InputError("notary.bulk_count", limit=MAX_BULK, found=count)
        if key is None and count > 1:
            raise InputError("notary.key_needed")
        self.check_kinds(origin, packed)
        content = hashlib.sha256(packed).digest()
        kept = None if key is None else hash_key(key)
        answer = self.submit(Submission(department, origin, operation, kept, content, packed))
        first = answer.positions[0]
        return Placed(self.standing_in(first), index_of(first), answer.entries)

    def stands(
        self, department: DepartmentCode, origin: Origin, prepared: Prepared, *, operation: str, key: str | None
    ) -> bool:
        """Whether this record, or something under this key, was answered before: asked before costly work is begun.
        ConflictError `erased.name` where it would be refused."""
        log, detail = self.log(origin), prepared.detail
        kept = detail.content if key is None else hash_key(key)
        with self.store.reading() as connection:
            if self.answers.answered(connection, log, department, operation, [kept]):
                return True
            if detail.identifier is not None:
                logs = self.store.logs_of(connection, log.issuer)
                known = self.names.identified(connection, logs, [detail.identifier])
                if (detail.identifier, detail.version) in known:
                    return True
            if erased_among(connection, log.issuer, lambda: [name_of(detail)]):
                raise ConflictError("erased.name", row=1)
            return False

    def log(self, origin: Origin) -> LogRow:
        """A log's row; NotFoundError if this notary doesn't write it."""
        with self.store.reading() as connection:
            row = self.store.log(connection, origin) if origin in self._issuers else None
        if row is None:
            raise NotFoundError("notary.no_log", origin=origin)
        return row

    def is_open(self, origin: Origin) -> bool:
        """Whether the log takes entries: the Council hasn't closed it."""
        return self._anchors.closed_at(log_id(origin)) is None

    def current_log(self, department: DepartmentCode) -> Origin | None:
        """Where the department's records go: its log without a shard, or after a closing its newest public shard."""
        return next((o for o in self._public.get(department, ()) if self.is_open(o)), None)

    def writable(self, department: DepartmentCode, origin: Origin) -> DepartmentCode:
        """The log's issuer; a department writes its own logs only, whoever asks, and none that the Council closed."""
        issuer = self._issuers.get(origin)
        if issuer is None:
            raise NotFoundError("notary.no_log", origin=origin)
        if issuer != department:
            raise DeniedError("notary.other_log", origin=origin)
        if (last := self._anchors.closed_at(log_id(origin))) is not None:
            raise ConflictError("notary.log_closed", origin=origin, size=last)
        return issuer

    def check_kinds(self, origin: Origin, rows: bytes) -> None:
        """InputError for packed rows of a kind that doesn't belong in this log."""
        for kind in set(rows[::ROW_BYTES]):
            check_kind(kind, members_only=origin in self._members)

    def prepare(self, records: Sequence[bytes | Mapping[str, Any]], issuer: DepartmentCode) -> list[Prepared]:
        """Records checked, committed to and encrypted, or what is wrong with them: the error itself where there is one
        record and one thing is wrong with it, else RowsError."""
        wrong: list[Wrong]
        if self._processes is not None and len(records) >= MIN_RECORDS:
            prepared, wrong = self._processes.prepare(records, issuer)
        else:
            prepared, wrong = prepare_many(records, 1, issuer, self.vault)
        if len(records) == 1 and len(wrong) == 1:
            raise wrong[0].error()
        if wrong:
            raise RowsError("notary.records_wrong", [(w.number, w.member, w.error()) for w in wrong])
        return prepared

    def submit(self, submission: Submission) -> Answer:
        """Durable when this returns. What may be submitted is the callers' to check."""
        answer = self.acceptance.submit(submission)
        try:
            return answer.result(PATIENCE)
        except TimeoutError:
            raise UnavailableError("notary.slow", retry_after=5.0) from None

    def promised(self, answer: Answer, salts: Sequence[bytes]) -> list[Accepted]:
        """Promised receipts; each run of consecutive indexes is signed at once."""
        accepted: list[Accepted] = []
        positions, entries = answer.positions, answer.entries
        for start, end in _runs(positions):
            first = index_of(positions[start])
            where = self.standing_in(positions[start])
            promises = self.prover.sign(where, first, entries[start:end])
            for offset, promise in enumerate(promises, start):
                entry = _own_entry(entries[offset])
                repeated = offset in answer.repeated
                salt: bytes | None = salts[offset]
                if repeated:
                    sealed = answer.repeated[offset]
                    salt = None if sealed is None else self.vault.open_keys(entry.sha256, sealed)[1]
                receipt = Receipt(entry, where, first + offset - start, salt, promise)
                accepted.append(Accepted(receipt, repeated))
        return accepted

    def standing_in(self, position: int) -> Origin:
        """The log of an answered position. UnavailableError `log.not_here` where this process doesn't write it, because
        it was begun since our start: what stands there is promised in no other log's name."""
        origin = self._origins.get(log_of(position))
        if origin is None:
            with self.store.reading() as connection:
                there = self.store.log_by_id(connection, log_of(position))
            raise UnavailableError("log.not_here", origin=there.origin)
        return origin

    @staticmethod
    def kept_under(key: str | None, prepared: Prepared) -> bytes | None:
        """What a single record's answer is kept under: its sender's key, else its own content. None where nothing need
        be kept for that: who has an identifier is found by it, with the content that stands there."""
        if key is not None:
            return hash_key(key)
        return prepared.detail.content if prepared.detail.identifier is None else None

    def _public_logs(self) -> dict[DepartmentCode, list[Origin]]:
        """Each department's logs of kinds 1 and 2: the one without a shard, then its shards, newest first."""
        found: dict[DepartmentCode, list[Origin]] = {}
        for origin in reversed(list(self._origins.values())):
            if origin in self._issuers and origin not in self._members:
                found.setdefault(self._issuers[origin], []).append(origin)
        return {issuer: sorted(own, key=lambda o: parse_origin(o).shard is not None) for issuer, own in found.items()}


def hash_key(key: str) -> bytes:
    """An idempotency key as it is stored: 32 bytes, whatever the client chose."""
    if not 1 <= len(key) <= MAX_KEY:
        raise InputError("notary.key_length", limit=MAX_KEY)
    return hashlib.sha256(b"chuzheng/idempotency/v1\0" + key.encode("utf-8", "surrogatepass")).digest()


_KINDS = {int(kind): kind for kind in Kind}
"""A look-up costs a tenth of calling the enumeration, and every record of an import needs one."""


def _own_entry(raw: bytes) -> Entry:
    """An entry that this process has just written or read from its own table: from_bytes without its checks."""
    at = Millis(int.from_bytes(raw[20:28]))
    return Entry(_KINDS[raw[1]], DepartmentCode(raw[2:20].decode("ascii")), at, Digest(raw[28:60]), Digest(raw[60:]))


def _runs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(start, end) of the stretches of `positions` that rise by one."""
    start = 0
    for at in range(1, len(positions) + 1):
        if at == len(positions) or positions[at] != positions[at - 1] + 1:
            yield start, at
            start = at
