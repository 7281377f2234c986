"""Every stored record again: opened, committed to with its salt, compared with its entry; look-ups, wraps, files too.

Reads only, trusts only the entries (notary/fsck.py has held those against the signed roots). A finding names the index
and what of it is wrong; one wrong row never hides the next. What the storage key can't open is a finding, not an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.errors import ChuzhengError, IntegrityError, NotFoundError, UnavailableError
from ledger.types import DepartmentCode, Kind, Origin
from notary.canonical import canonicalise, parse_record
from notary.commitment import commit_and_canonicalise
from notary.documents import check_stored
from notary.entry import Entry, parse_origin
from notary.stores import audit_rows
from notary.stores.audit_rows import PAGE, Stored
from notary.stores.records import index_of, position_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from notary.service import Notary

WrapKeys = Callable[[DepartmentCode], "X25519PrivateKey | None"]
"""The private wrap key of a reader, where this machine has it."""


@dataclass(slots=True)
class Counts:
    """What was looked at."""

    records: int = 0
    """Records that were opened and committed to again."""
    files: int = 0
    """Files whose every block was hashed again."""
    opened: int = 0
    """Files that a key of this machine could also decrypt and compare with their record."""


class RecordAudit:
    """The records of one log. `found` takes the findings as they come."""

    def __init__(
        self,
        notary: Notary,
        origin: Origin,
        found: Callable[[ChuzhengError], None],
        *,
        files: bool = True,
        wrap_keys: WrapKeys = lambda reader: None,
    ) -> None:
        self._notary, self.origin, self._found = notary, origin, found
        self._content = notary.filing.content if files and notary.filing is not None else None
        self._wrap_keys = wrap_keys
        self._issuer = parse_origin(origin).issuer
        self.log = notary.log(origin)
        self.counts = Counts()

    def span(self, first: int, end: int) -> None:
        """Everything of indexes `first … end-1`."""
        for start in range(first, end, PAGE):
            with self._notary.store.reading() as connection:
                rows = audit_rows.page(self._notary.store, connection, self.log, start, min(end, start + PAGE))
            self._rows(rows)

    def some(self, indexes: Iterable[int]) -> None:
        """Single records, as a sample."""
        for index in sorted(set(indexes)):
            self.span(index, index + 1)

    def rest(self) -> None:
        """What no record leads to: rows above the last entry, and answers that point nowhere."""
        store = self._notary.store
        with store.reading() as connection:
            above = audit_rows.beyond(connection, self.log.id, self.log.next_index)
        # A row and the log's new end are one transaction: what is above the end that is read afterwards is nobody's.
        end = self._notary.log(self.origin).next_index
        for table, index in above:
            if index >= end:
                self._find("fsck.row_beyond", index, table=table)
        with store.reading() as connection:
            known = audit_rows.ends(connection)
        lost = [
            (operation, wrong[0])
            for operation, positions in audit_rows.answers(store, self.log.id)
            if (wrong := [p for p in positions if not audit_rows.stands(p, known)])
        ]
        with store.reading() as connection:
            known = audit_rows.ends(connection)
        for operation, position in lost:
            if not audit_rows.stands(position, known):
                self._find("fsck.answer_nowhere", index_of(position), operation=operation)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _find(self, code: str, index: int, /, **params: Any) -> None:
        self._found(IntegrityError(code, origin=self.origin, index=index, **params))

    def _rows(self, rows: Sequence[Stored]) -> None:
        opened: list[tuple[Stored, Mapping[str, Any], bytes]] = []
        for row in rows:
            try:
                record = self._record(row)
            except ChuzhengError as error:
                if isinstance(error, UnavailableError):
                    raise
                self._find("fsck.record_sealed", row.index)
                continue
            if record is not None:
                opened.append((row, *record))
            elif row.lookup is not None:
                self._find("fsck.lookup_nowhere", row.index)
        self._lookups(opened)
        for row, members, _ in opened:
            self._file(row, members)

    def _record(self, row: Stored) -> tuple[Mapping[str, Any], bytes] | None:
        """Members and canonical bytes of a record that is its entry's."""
        if row.entry is None:
            if row.sealed is not None or row.body is not None or row.wraps:
                self._find("fsck.record_without_entry", row.index)
            return None
        if row.sealed is None or row.body is None:
            if row.erased and row.sealed is None and row.body is None and not row.wraps:
                return None
            if row.sealed is not None or row.body is not None or row.wraps:
                self._find("fsck.record_half", row.index)
            return None  # the client committed and kept it
        if row.erased:
            self._find("fsck.record_erased", row.index)
            return None
        entry = Entry.from_bytes(row.entry)
        key, salt = self._notary.vault.open_keys(entry.sha256, row.sealed)
        body = self._notary.vault.open_body(entry.sha256, key, row.body)
        members = parse_record(body)
        commitment, canonical = commit_and_canonicalise(members, salt)
        self.counts.records += 1
        if (commitment.sha256, commitment.sm3) != (entry.sha256, entry.sm3) or canonical != body:
            self._find("fsck.record_differs", row.index)
            return None
        if members.get("kind") != entry.kind.word or members.get("issuer") != entry.issuer:
            self._find("fsck.record_other", row.index)
        for reader, wrap in row.wraps.items():
            try:
                row.wraps[reader] = self._notary.vault.open_wrap(entry.sha256, key, DepartmentCode(reader), wrap)
            except IntegrityError:
                self._find("fsck.wrap_differs", row.index, reader=reader)
                row.wraps[reader] = b""
        return members, canonical

    def _lookups(self, opened: Sequence[tuple[Stored, Mapping[str, Any], bytes]]) -> None:
        """Each certificate is found by its identifier, with its own content, at its own place, and nothing else is."""
        names: dict[int, tuple[bytes, int]] = {}
        for row, members, canonical in opened:
            if not row.counts or members.get("kind") != Kind.CERTIFICATE.word or "identifier" not in members:
                if row.lookup is not None:
                    self._find("fsck.lookup_nowhere", row.index)
                continue
            name = self._notary.vault.identifier_mac(self._issuer, members["identifier"]), members["version"]
            if row.lookup is None:
                self._find("fsck.lookup_missing", row.index)
            elif row.lookup[:2] != name:
                self._find("fsck.lookup_missing", row.index)
                self._find("fsck.lookup_nowhere", row.index)
            elif row.lookup[2] not in self._contents(members, canonical):
                self._find("fsck.lookup_differs", row.index)
            else:
                names[row.index] = name
        if not names:
            return
        with self._notary.store.reading() as connection:
            logs = self._notary.store.all_logs(connection)
            known = self._notary.names.identified(connection, logs, {name for name, _ in names.values()})
        for index, name in names.items():  # one that isn't found at all is the index's own matter (index_check.py)
            place = known[name].positions[0] if name in known else position_of(self.log.id, index)
            if place != position_of(self.log.id, index):
                self._find("fsck.lookup_elsewhere", index, found=index_of(place))

    def _contents(self, members: Mapping[str, Any], canonical: bytes) -> list[bytes]:
        """The record's content MAC, with and without the name of the ciphertext (notary/intake.py)."""
        vault, issuer = self._notary.vault, self._issuer
        found = [vault.content_mac(issuer, canonical)]
        if isinstance(document := members.get("document"), dict) and "cid" in document:
            bare = {name: value for name, value in document.items() if name != "cid"}
            found.append(vault.content_mac(issuer, canonicalise({**members, "document": bare})))
        return found

    def _file(self, row: Stored, members: Mapping[str, Any]) -> None:
        document = members.get("document")
        if self._content is None or not isinstance(document, dict) or "cid" not in document:
            return
        openers = ((DepartmentCode(r), self._wrap_keys(DepartmentCode(r)), w) for r, w in row.wraps.items() if w)
        known = [(reader, key, wrap) for reader, key, wrap in openers if key is not None]
        cid = document["cid"]
        try:
            decrypted = check_stored(document, known, content=self._content)
        except NotFoundError:
            self._find("fsck.file_missing", row.index, cid=cid)
        except IntegrityError as error:
            code = "fsck.file_other" if error.code == "document.differs" else "fsck.file_damaged"
            self._find(code, row.index, cid=cid)
        except UnavailableError:
            raise
        except ChuzhengError:  # neither wrap nor ciphertext is what it was
            self._find("fsck.wrap_opens_nothing", row.index, cid=cid)
        else:
            self.counts.files += 1
            self.counts.opened += decrypted


def spans(first: int, end: int, step: int) -> Iterator[tuple[int, int]]:
    """`first … end` in steps, for progress that can be written down."""
    for start in range(first, end, step):
        yield start, min(end, start + step)
