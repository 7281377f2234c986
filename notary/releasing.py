"""Releasing an erased record by two persons (ADR 0037): the first one proposes, the second one carries it out.

Nothing is stored between them: the proposal is a code that the first person hands to the second, under a key of this
notary's, for one record, order and department. It holds nobody's name and nothing of the record, counts for seven days
and only until the department's next erasure, so that it can't release a second time what was erased meanwhile.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ledger.errors import ConflictError, DeniedError
from ledger.ports import Clock
from ledger.types import DepartmentCode, Origin
from notary.b64 import from_b64, to_b64
from notary.canonical import canonicalise
from notary.entry import parse_origin
from notary.erasures import ERASED
from notary.stores.erasures import ErasureStore

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from notary.service import Notary

PURPOSE = b"chuzheng/release/v1\0"
DAYS = 7
_DAY = 24 * 3_600_000
_HEAD = 8 + 16 + 32
"""When it was made (u64, milliseconds), 16 random bytes, the proposer under them."""
_TAG = 32


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
        nonce = os.urandom(16)
        head = self._clock.now().to_bytes(8) + nonce + self._masked(nonce, person)
        with self._notary.store.reading() as connection:
            return to_b64(head + self._tag(connection, head, department, record, order))

    def confirm(
        self, department: DepartmentCode, origin: Origin, record: dict[str, Any], order: str, person: bytes,
        *, proposal: str,
    ) -> bool:  # fmt: skip
        """The second person's: from now on this very record is taken again; False: it wasn't refused.

        ConflictError `erasure.release_stale` for anything but a proposal of this record, order and department that
        still counts; DeniedError `erasure.same_person`. Sent again after a crash it does what is left, or nothing.
        """
        given = from_b64(proposal) or b""
        head, tag = given[:_HEAD], given[_HEAD:]

        def still(connection: Connection) -> None:
            age = self._clock.now() - int.from_bytes(head[:8])
            counts = len(given) == _HEAD + _TAG and 0 <= age < DAYS * _DAY
            if not counts or not hmac.compare_digest(tag, self._tag(connection, head, department, record, order)):
                raise ConflictError("erasure.release_stale", days=DAYS)
            if hmac.compare_digest(head[24:], self._masked(head[8:24], person)):
                raise DeniedError("erasure.same_person")

        return self._notary.erasing.release(department, origin, record, order, still)

    def _masked(self, nonce: bytes, person: bytes) -> bytes:
        """Whose word it is: to be recognised by this notary, and by nobody."""
        return hmac.digest(self._key, b"person\0" + nonce + person, "sha256")

    def _tag(
        self, connection: Connection, head: bytes, department: DepartmentCode, record: dict[str, Any], order: str
    ) -> bytes:
        erased = self._erasures(connection, department)
        about = canonicalise({"department": department, "order": order, "erasures": erased})
        return hmac.digest(self._key, b"tag\0" + head + sha256(about).digest() + canonicalise(record), "sha256")

    def _erasures(self, connection: Connection, department: DepartmentCode) -> int:
        """How many of the department's entries were erased up to now; it only grows."""
        rows = self._rows.in_states(connection, tuple(ERASED))
        origins = (self._notary.origin_of(row.position) for row in rows)
        return sum(origin is not None and parse_origin(origin).issuer == department for origin in origins)
