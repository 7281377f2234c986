"""The notary: records and files in, proofs out. The one door to this room for API, command line and gateways.

    accept_records      records; the notary salts, keeps them encrypted, answers with promised receipts
    accept_commitments  finished commitments; nothing to keep but the entry, answered under a checkpoint
    accept_document     a file: encrypted into the content store, then a record about it
    receipt, receipts   the newest stage that can be shown
    locate, record      find again, read again

Who may call is decided before (api); what may stand in which log is decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from ledger.errors import (
    ChuzhengError,
    ConfigurationError,
    ConflictError,
    DeniedError,
    InputError,
    NotFoundError,
    RowsError,
    UnavailableError,
)
from ledger.ports import Clock, Signer
from ledger.types import Anchor, DepartmentCode, Digest, Kind, LogId, Millis, Origin
from notary.accept import Acceptance, catch_up
from notary.checkpoint import Checkpoint
from notary.csv_intake import prepare_csv
from notary.entry import Entry, log_id, parse_origin
from notary.erasing import Erasing
from notary.filing import Filing, accept_document
from notary.heads import Ask, Heads
from notary.intake import Prepared, Wrong, check_kind, check_packed, prepare_many
from notary.log import Head
from notary.lookup import Located, Lookup
from notary.packed import ROW_BYTES, pack_rows
from notary.placing import Answer, Row, Submission
from notary.processes import MIN_RECORDS, Processes
from notary.prove import AnchorIndex, Prover, Witnesses
from notary.receipt import Evidence, NoEvidence, Receipt
from notary.receipts import Bundle
from notary.singles import Single, accept_singles
from notary.stores.disk import Disk
from notary.stores.erased_names import erased_among, name_of
from notary.stores.leases import Leases, site_of
from notary.stores.marks import Marks
from notary.stores.places import PlaceIndex
from notary.stores.records import LogRow, RecordStore, index_of, log_of
from notary.stores.standing import FOLDER as INDEX_FOLDER
from notary.stores.standing import Standing
from notary.stores.tiles import TileLog
from notary.vault import Vault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from sqlalchemy import Engine

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


class Notary:
    """Logs of the departments that this process writes for. Several processes may share database and folder."""

    def __init__(
        self,
        engine: Engine,
        logs_dir: Path,
        log_keys: Mapping[Origin, Signer],
        *,
        storage_key: bytes,
        clock: Clock,
        anchors: AnchorIndex,
        member_logs: Collection[Origin] = (),
        filing: Filing | None = None,
        processes: Processes | None = None,
        evidence: Callable[[Anchor], Evidence] = lambda anchor: NoEvidence(),
        witnesses: Witnesses = lambda: (0, ()),
        hook: Callable[[str], None] = lambda step: None,
        disk: Disk | None = None,
        ask: Ask | None = None,
        marks: Marks | None = None,
    ) -> None:
        """`member_logs` are the shards for kinds 3–5; `hook` is called at each step of the commit order (tests);
        `ask` and `marks` say what others hold of a log (notary/heads.py)."""
        self.store = RecordStore(engine)
        self.vault = Vault(storage_key)
        self.signers = dict(log_keys)
        self._members = frozenset(member_logs)
        for origin in self._members:
            if parse_origin(origin).shard is None:
                raise ConfigurationError("notary.member_log", origin=origin)
        self._issuers = {origin: parse_origin(origin).issuer for origin in log_keys}
        logs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs = {origin: TileLog(logs_dir / quote(origin, safe=""), origin, disk=disk) for origin in log_keys}
        with self.store.transaction() as connection:
            rows = [
                self.store.ensure_log(connection, origin, LogId(log_id(origin)), self._issuers[origin])
                for origin in sorted(log_keys)
            ]
        self._origins = {row.id: row.origin for row in rows}
        self._public = self._public_logs()
        self._processes, self._anchors, self.filing = processes, anchors, filing
        self.leases = Leases(site_of(logs_dir), clock)
        self.standing = Standing(self.store, PlaceIndex(logs_dir.absolute() / INDEX_FOLDER, disk))
        self.heads = Heads(anchors, ask, marks)
        self.acceptance = Acceptance(
            self.standing, self.logs, self._issuers, clock, hook=hook, leases=self.leases, heads=self.heads
        )
        self.prover = Prover(
            self.store, self.logs, self.signers, self.vault, anchors, processes=processes, evidence=evidence,
            witnesses=witnesses,
        )  # fmt: skip
        self._lookup = Lookup(self.store, self.standing, self.vault, self.prover, self._origins)
        self.erasing = Erasing(self, clock, hook=hook)
        self.erasing.reapply()  # the database may come from a backup: nothing that was erased is served again

    def close(self) -> None:
        """Commit what waits, then stop; submissions after this are refused."""
        self.acceptance.close()
        self.standing.index.close()

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

    def accept_singles(
        self, department: DepartmentCode, origin: Origin, singles: Sequence[Single], *, operation: str = "records"
    ) -> list[Accepted | Exception]:
        """accept_records for each of many callers who brought one record (notary/singles.py)."""
        return accept_singles(self, department, origin, singles, operation=operation, wait=PATIENCE)

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
        return self.promised(origin, answer, [p.salt for p in prepared])

    def accept_csv(
        self,
        department: DepartmentCode,
        origin: Origin,
        source: bytes | BinaryIO,
        *,
        key: str,
        capture: str = "data",
        operation: str = "csv",
    ) -> list[Accepted]:
        """Anchor every row of a CSV file of certificates, all or none (notary/csv_intake.py); up to 100,000 rows.

        RowsError `import.refused` lists everything that is wrong; a row whose certificate is anchored already with
        other content refuses the file (ConflictError `already_anchored`).
        """
        issuer = self.writable(department, origin)
        prepared = prepare_csv(source, issuer, self.vault, capture=capture, processes=self._processes)
        return self.accept_prepared(department, origin, prepared, operation=operation, key=key)

    def accept_commitments(
        self,
        department: DepartmentCode,
        origin: Origin,
        rows: bytes | Sequence[Row],
        *,
        key: str | None,
        operation: str = "commitments",
    ) -> Bundle:
        """Anchor finished commitments, all or none, consecutive and in the order sent; answered under a checkpoint.

        `rows` packed (65 bytes each) or parsed. One that stands in the issuer's logs already is answered again if it
        came alone, else the call is refused (ConflictError `commitment_known`).
        """
        place = self.accept_durably(department, origin, rows, key=key, operation=operation)
        self.seal(place.origin)
        return self.prover.bundle(self.log(place.origin), place.first, place.entries)

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
        standing = self._origins.get(log_of(first), origin)
        return Placed(standing, index_of(first), answer.entries)

    def accept_document(
        self,
        department: DepartmentCode,
        origin: Origin,
        source: BinaryIO,
        *,
        media_type: str,
        readers: Mapping[DepartmentCode, X25519PublicKey],
        record: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Accepted:
        """Encrypt a file for its `readers`, store it, and anchor a record about it (notary/filing.py)."""
        return accept_document(
            self, department, origin, source, media_type=media_type, readers=readers, record=record, key=key
        )

    def receipt(self, origin: Origin, index: int, *, salted: bool = False) -> Receipt:
        """The newest receipt; `salted` for the owner's eyes only."""
        return self.prover.receipt(origin, index, salted=salted)

    def receipts(self, origin: Origin, first: int, count: int) -> Bundle:
        """Many, consecutive, without salts."""
        return self.prover.receipts(origin, first, count)

    def locate(self, *, identifier: str | None = None, commitment: bytes | None = None) -> list[Located]:
        """Where an identifier's versions (lowest first), or a commitment_sha256, stand in this notary's logs."""
        return self._lookup.locate(identifier, commitment)

    def place_of(self, status_key: Digest) -> tuple[Origin, int] | None:
        """Where the entry of a status key (formats.md §3) stands in this notary's logs; None if in none of them."""
        return self._lookup.place_of(status_key)

    def record(self, origin: Origin, index: int) -> dict[str, Any]:
        """The record itself, decrypted; NotFoundError where the client committed and kept it."""
        return self._lookup.record(origin, index)

    def wraps(self, origin: Origin, index: int) -> dict[DepartmentCode, bytes]:
        """The wraps of the record's file, by reader (formats.md §7)."""
        return self._lookup.wraps(origin, index)

    def stands(
        self, department: DepartmentCode, origin: Origin, prepared: Prepared, *, operation: str, key: str | None
    ) -> bool:
        """Whether this record, or something under this key, was answered before: asked before costly work is begun.
        ConflictError `erased.name` where it would be refused."""
        log, detail = self.log(origin), prepared.detail
        kept = detail.content if key is None else hash_key(key)
        with self.store.reading() as connection:
            if self.store.answered(connection, log.id, department, operation, [kept]):
                return True
            if detail.identifier is not None:
                known = self.store.identified(connection, log.issuer, [detail.identifier])
                if (detail.identifier, detail.version) in known:
                    return True
            if erased_among(connection, log.issuer, lambda: [name_of(detail)]):
                raise ConflictError("erased.name", row=1)
            return False

    def log(self, origin: Origin) -> LogRow:
        """A log's row; NotFoundError if this notary doesn't write it."""
        with self.store.reading() as connection:
            row = self.store.log(connection, origin) if origin in self.logs else None
        if row is None:
            raise NotFoundError("notary.no_log", origin=origin)
        return row

    def origin_of(self, position: int) -> Origin | None:
        """The log of a position; None if another process writes it."""
        return self._origins.get(log_of(position))

    def is_open(self, origin: Origin) -> bool:
        """Whether the log takes entries: the Council hasn't closed it."""
        return self._anchors.closed_at(log_id(origin)) is None

    def current_log(self, department: DepartmentCode) -> Origin | None:
        """Where the department's records go: its log without a shard, or after a closing its newest public shard."""
        return next((o for o in self._public.get(department, ()) if self.is_open(o)), None)

    def seal(self, origin: Origin) -> Checkpoint | None:
        """Bring everything durable of a log under a signed checkpoint; None if nothing waited.

        It must extend what the chain holds and what was handed to it, so that a log restored from an old copy doesn't
        sign a second history.
        """
        row = self.log(origin)
        token = self._lead(row)
        with self.store.reading() as connection:
            kept = self.store.newest_checkpoint(connection, row.id)
        held = self._anchors.log_head(row.log_id)
        extends = [Head(kept.size, kept.root)] if kept else []
        if held is not None and held[0]:
            extends.append(Head(*held))

        def may_sign() -> None:
            with self.store.reading() as connection:
                self.leases.fence(connection, row, token)

        return self.logs[origin].seal(self.signers[origin], origin, extends=extends, may_sign=may_sign)

    def held_back(self) -> Iterator[ChuzhengError]:
        """Why submissions to a log are refused, for each log where they are (notary/heads.py)."""
        with self.store.reading() as connection:
            rows = [row for row in self.store.all_logs(connection) if row.origin in self.logs]
        yield from filter(None, map(self.heads.held_back, rows))

    def catch_up(self, origin: Origin) -> int:
        """Append rows that a crash left out of the log's files; how many (notary/accept.py, step 1)."""
        if self.log(origin).next_index == self.logs[origin].durable_size():
            return 0
        self._lead(self.log(origin))
        with self.logs[origin].appending() as files, self.store.reading() as connection:
            row = self.store.log(connection, origin)
            return 0 if row is None else catch_up(self.store, connection, row, files)

    @staticmethod
    def kept_under(key: str | None, prepared: Prepared) -> bytes | None:
        """What a single record's answer is kept under: its sender's key, else its own content. None where nothing need
        be kept for that: who has an identifier is found by it, with the content that stands there."""
        if key is not None:
            return hash_key(key)
        return prepared.detail.content if prepared.detail.identifier is None else None

    # -- inside -------------------------------------------------------------------------------------------------------

    def _public_logs(self) -> dict[DepartmentCode, list[Origin]]:
        """Each department's logs of kinds 1 and 2: the one without a shard, then its shards, newest first."""
        found: dict[DepartmentCode, list[Origin]] = {}
        for origin in reversed(list(self._origins.values())):
            if origin in self._issuers and origin not in self._members:
                found.setdefault(self._issuers[origin], []).append(origin)
        return {issuer: sorted(own, key=lambda o: parse_origin(o).shard is not None) for issuer, own in found.items()}

    def _lead(self, row: LogRow) -> int:
        """The token under which this site writes the log (notary/stores/leases.py)."""
        with self.store.transaction() as connection:
            return self.leases.hold(connection, row)

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

    def promised(self, origin: Origin, answer: Answer, salts: Sequence[bytes]) -> list[Accepted]:
        """Promised receipts; each run of consecutive indexes is signed at once."""
        accepted: list[Accepted] = []
        positions, entries = answer.positions, answer.entries
        for start, end in _runs(positions):
            first = index_of(positions[start])
            where = self._origins.get(log_of(positions[start]), origin)
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
