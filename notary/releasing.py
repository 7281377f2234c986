"""Releasing an erased record by two persons (ADR 0037): the first one proposes, the second one carries it out.

Nothing is stored between them: the proposal is a code that the first person hands to the second, under a key of this
notary's, for one record, order and department. It holds nobody's name and nothing of the record, counts for seven days
and only until the department's next erasure, so that it can't release a second time what was erased meanwhile. Asked
for again on the same day it is the same; and what was carried out is answered as that to whoever sends it again.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import structlog

from ledger.errors import ConflictError, DeniedError
from ledger.ports import Clock
from ledger.types import DepartmentCode, Kind, Origin
from notary.b64 import from_b64, to_b64
from notary.canonical import canonicalise
from notary.documents import file_of
from notary.entry import parse_origin
from notary.erasures import ERASED
from notary.stores.erased_names import erased_among, erased_name, release_names
from notary.stores.erasures import ErasureStore
from notary.stores.records import LogRow, idempotency

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from notary.service import Notary
    from notary.vault import Vault

PURPOSE = b"chuzheng/release/v1\0"
OPERATION = "release"
DAYS = 7
_DAY = 24 * 3_600_000
_HEAD = 8 + 16 + 32
"""The day on which it was made (its first millisecond, u64), 16 bytes of chance, the proposer under them."""
_TAG = 32
_log = structlog.get_logger("notary.releasing")


def names_of(vault: Vault, issuer: DepartmentCode, record: dict[str, Any]) -> list[bytes]:
    """By what this very record is recognised when it is sent again (notary/stores/erased_names.py)."""
    if record["kind"] == Kind.CERTIFICATE.word:
        return [erased_name(vault.identifier_mac(issuer, record["identifier"]), record["version"], b"")]
    contents = [record]
    if file_of(record) is not None:  # the file sent again gets another name
        contents.append({**record, "document": {k: v for k, v in record["document"].items() if k != "cid"}})
    return [erased_name(None, 0, vault.content_mac(issuer, canonicalise(content))) for content in contents]


class Releasing:
    """Both persons' words about records of one notary's departments."""

    def __init__(self, notary: Notary, clock: Clock) -> None:
        self._notary, self._clock = notary, clock
        self._key = notary.vault.bound_to(PURPOSE)
        self._rows = ErasureStore(notary.store)

    def propose(
        self, department: DepartmentCode, origin: Origin, record: dict[str, Any], order: str, person: bytes
    ) -> str:
        """The first person's word, base64; nothing changes by it. `person` is a keyed hash."""
        self._notary.erasing.check_release(department, origin, record, order)
        now = self._clock.now()
        made = (now - now % _DAY).to_bytes(8)
        with self._notary.store.reading() as connection:
            about = self._about(connection, department, record, order)
            nonce = hmac.digest(self._key, b"nonce\0" + made + person + about, "sha256")[:16]
            head = made + nonce + self._masked(nonce, person)
            return to_b64(head + self._tag(head, about))

    def confirm(
        self, department: DepartmentCode, origin: Origin, record: dict[str, Any], order: str, person: bytes,
        *, proposal: str,
    ) -> bool:  # fmt: skip
        """The second person's: from now on this very record is taken again; False: it wasn't refused.

        ConflictError `erasure.release_stale` for anything but a proposal of this record, order and department that
        still counts; DeniedError `erasure.same_person`. Sent again by the same person it is answered as the first
        time, as long as the record wasn't erased anew. Nothing is erased between the look and the release.
        """
        notary = self._notary
        notary.erasing.check_release(department, origin, record, order)
        names, log = names_of(notary.vault, department, record), notary.log(origin)
        word = canonicalise({"order": order, "person": person.hex(), "proposal": proposal, "record": record})
        key = hmac.digest(self._key, b"done\0" + word, "sha256")
        with notary.store.transaction() as connection:
            if self._was_done(connection, log, department, key) and not erased_among(
                connection, log.issuer, lambda: names
            ):
                return True
            self._require_counts(proposal, self._about(connection, department, record, order), person)
            released = release_names(connection, log.issuer, names) > 0
            if released:
                notary.store.insert(connection, idempotency, [(log.id, department, OPERATION, key, key, b"")])
        _log.warning("erasure.released", origin=origin, order=order, released=released)
        return released

    def _was_done(self, connection: Connection, log: LogRow, department: DepartmentCode, key: bytes) -> bool:
        """Whether this very word released the record, whichever log of the department took it."""
        logs = self._notary.store.logs_of(connection, log.issuer)
        known = (self._notary.answers.answered(connection, each, department, OPERATION, [key]) for each in logs)
        return any(known)

    def _require_counts(self, proposal: str, about: bytes, person: bytes) -> None:
        given = from_b64(proposal) or b""
        head, tag = given[:_HEAD], given[_HEAD:]
        age = self._clock.now() - int.from_bytes(head[:8])
        counts = len(given) == _HEAD + _TAG and 0 <= age < (DAYS + 1) * _DAY  # at least the days, and the first's rest
        if not counts or not hmac.compare_digest(tag, self._tag(head, about)):
            raise ConflictError("erasure.release_stale", days=DAYS)
        if hmac.compare_digest(head[24:], self._masked(head[8:24], person)):
            raise DeniedError("erasure.same_person")

    def _masked(self, nonce: bytes, person: bytes) -> bytes:
        """Whose word it is: to be recognised by this notary, and by nobody."""
        return hmac.digest(self._key, b"person\0" + nonce + person, "sha256")

    def _tag(self, head: bytes, about: bytes) -> bytes:
        return hmac.digest(self._key, b"tag\0" + head + about, "sha256")

    def _about(self, connection: Connection, department: DepartmentCode, record: dict[str, Any], order: str) -> bytes:
        """What a proposal is for, and after which erasure it was made."""
        erased = self._erasures(connection, department)
        about = canonicalise({"department": department, "order": order, "erasures": erased})
        return sha256(about).digest() + canonicalise(record)

    def _erasures(self, connection: Connection, department: DepartmentCode) -> int:
        """How many of the department's entries were erased up to now; it only grows."""
        rows = self._rows.in_states(connection, tuple(ERASED))
        origins = (self._notary.origin_of(row.position) for row in rows)
        return sum(origin is not None and parse_origin(origin).issuer == department for origin in origins)
