"""The notary: records and files in, proofs out. The one door to this room for API, command line and gateways.

    accept_records      records; the notary salts, keeps them encrypted, answers with promised receipts
    accept_commitments  finished commitments; nothing to keep but the entry, answered under a checkpoint
    accept_document     a file: encrypted into the content store, then a record about it
    receipt, receipts   the newest stage that can be shown
    locate, record      find again, read again

Who may call is decided before (api). What comes in: notary/reception.py; here the parts are put together, and what
goes out is handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from ledger.errors import (
    ChuzhengError,
    ConfigurationError,
)
from ledger.ports import Clock, Signer
from ledger.types import Anchor, DepartmentCode, Digest, LogId, Origin
from notary.accept import Acceptance, catch_up
from notary.checkpoint import Checkpoint
from notary.csv_intake import prepare_csv
from notary.entry import log_id, parse_origin
from notary.erasing import Erasing
from notary.filing import Filing, accept_document
from notary.heads import Ask, Heads
from notary.log import Head
from notary.lookup import Located, Lookup
from notary.processes import Processes
from notary.prove import AnchorIndex, Prover, Witnesses
from notary.receipt import Evidence, NoEvidence, Receipt
from notary.receipts import Bundle
from notary.reception import PATIENCE, Accepted, Reception
from notary.releasing import Releasing
from notary.singles import Single, accept_singles
from notary.stores.answers import FOLDER as ANSWERS_FOLDER
from notary.stores.answers import Answers, answers_index
from notary.stores.disk import Disk
from notary.stores.leases import Leases, site_of
from notary.stores.marks import Marks
from notary.stores.names import FOLDER as NAMES_FOLDER
from notary.stores.names import Names, names_index
from notary.stores.places import PlaceIndex
from notary.stores.records import LogRow, RecordStore, log_of
from notary.stores.standing import FOLDER as INDEX_FOLDER
from notary.stores.standing import Standing
from notary.stores.tiles import TileLog
from notary.submission import Row
from notary.vault import Vault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from sqlalchemy import Engine


class Notary(Reception):
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
        store, vault = RecordStore(engine), Vault(storage_key)
        self.signers, self.filing = dict(log_keys), filing
        members = frozenset(member_logs)
        for origin in members:
            if parse_origin(origin).shard is None:
                raise ConfigurationError("notary.member_log", origin=origin)
        issuers = {origin: parse_origin(origin).issuer for origin in log_keys}
        logs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs = {origin: TileLog(logs_dir / quote(origin, safe=""), origin, disk=disk) for origin in log_keys}
        with store.transaction() as connection:
            rows = [
                store.ensure_log(connection, origin, LogId(log_id(origin)), issuers[origin])
                for origin in sorted(log_keys)
            ]
        self.leases = Leases(site_of(logs_dir), clock)
        self.standing = Standing(store, PlaceIndex(logs_dir.absolute() / INDEX_FOLDER, disk))
        names = Names(store, names_index(store, logs_dir.absolute() / NAMES_FOLDER, disk))
        answers = Answers(store, answers_index(store, logs_dir.absolute() / ANSWERS_FOLDER, disk))
        self.heads = Heads(anchors, ask, marks)
        super().__init__(
            store,
            vault,
            origins={row.id: row.origin for row in rows},
            issuers=issuers,
            members=members,
            anchors=anchors,
            acceptance=Acceptance(
                self.standing, names, self.logs, issuers, clock, hook=hook, answers=answers, leases=self.leases,
                heads=self.heads,
            ),
            prover=Prover(
                store, self.logs, self.signers, vault, anchors, processes=processes, evidence=evidence,
                witnesses=witnesses,
            ),
            names=names,
            answers=answers,
            processes=processes,
        )  # fmt: skip
        self._lookup = Lookup(self.standing, self.names, self.vault, self.prover, self._origins)
        self.erasing = Erasing(self, clock, hook=hook)
        self.releasing = Releasing(self, clock)
        self.erasing.reapply()  # the database may come from a backup: nothing that was erased is served again

    def close(self) -> None:
        """Commit what waits, then stop; submissions after this are refused."""
        self.acceptance.close()
        self.heads.close()
        self.standing.index.close()
        self.names.index.close()
        self.answers.index.close()

    def accept_singles(
        self, department: DepartmentCode, origin: Origin, singles: Sequence[Single], *, operation: str = "records"
    ) -> list[Accepted | Exception]:
        """accept_records for each of many callers who brought one record (notary/singles.py)."""
        return accept_singles(self, department, origin, singles, operation=operation, wait=PATIENCE)

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
        if self.filing is None:
            raise ConfigurationError("notary.no_content_store")
        return accept_document(
            self,
            self.filing,
            department,
            origin,
            source,
            media_type=media_type,
            readers=readers,
            record=record,
            key=key,
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

    def origin_of(self, position: int) -> Origin | None:
        """The log of a position; None if another process writes it."""
        return self._origins.get(log_of(position))

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
        found = (self.heads.held_back(row, partial(self.log, row.origin)) for row in rows)
        yield from filter(None, found)

    def catch_up(self, origin: Origin) -> int:
        """Append rows that a crash left out of the log's files; how many (notary/accept.py, step 1)."""
        if self.log(origin).next_index == self.logs[origin].durable_size():
            return 0
        self._lead(self.log(origin))
        with self.logs[origin].appending() as files, self.store.reading() as connection:
            row = self.store.log(connection, origin)
            return 0 if row is None else catch_up(self.store, connection, row, files)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _lead(self, row: LogRow) -> int:
        """The token under which this site writes the log (notary/stores/leases.py)."""
        with self.store.transaction() as connection:
            return self.leases.hold(connection, row)
