"""Filing: a file becomes ciphertext in the content store and a record about it in the log.

The order matters: what was answered before is found first, so that a retry doesn't encrypt again; the ciphertext is
durable before the record that names it, so a crash leaves at most ciphertext that nothing names. Of two who send the
same file at once the slower one takes its own ciphertext away again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from ledger.errors import ConflictError, InputError, UnavailableError
from ledger.ports import ContentStore
from ledger.types import DepartmentCode, Origin
from notary.documents import FileFacts, describe, same_file, store_file
from notary.intake import Prepared, prepare
from notary.vault import Vault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    from notary.reception import Accepted, Reception


_NEVER_PLACED = frozenset({"already_anchored", "erased.answer", "erased.name", "idempotency_conflict"})
"""Refusals of a record that isn't in any log."""


@dataclass(frozen=True, slots=True)
class Filing:
    """A content store, and how a file gets into it with its record."""

    content: ContentStore

    def prepare(
        self,
        source: BinaryIO,
        facts: FileFacts,
        record: Mapping[str, Any],
        *,
        issuer: DepartmentCode,
        readers: Mapping[DepartmentCode, X25519PublicKey],
        vault: Vault,
    ) -> tuple[Prepared, str]:
        """Encrypt and store what `source` has from its beginning, and prepare `record` with it; its name in the store,
        which no other record has: the key is new each time."""
        source.seek(0)
        stored = store_file(source, facts.media_type, readers, content=self.content)
        if not same_file(facts, stored.document):
            raise InputError("notary.file_changed")
        prepared = prepare({**record, "document": stored.document}, issuer, vault, without="cid")
        commitment = prepared.row.sha256
        record_key, _ = vault.open_keys(commitment, prepared.detail.sealed_keys)
        found = stored.wraps.items()
        wraps = [(reader, vault.seal_wrap(commitment, record_key, reader, wrap)) for reader, wrap in found]
        detail = prepared.detail._replace(wraps=tuple(wraps))
        return prepared._replace(detail=detail), stored.document["cid"]

    def take_back(self, cid: str | None) -> None:
        """Nothing names this file, and nothing will; where the store is away it is one of `content check`'s."""
        if cid is not None:
            with suppress(UnavailableError):
                self.content.remove(cid)


def accept_document(
    notary: Reception,
    filing: Filing,
    department: DepartmentCode,
    origin: Origin,
    source: BinaryIO,
    *,
    media_type: str,
    readers: Mapping[DepartmentCode, X25519PublicKey],
    record: Mapping[str, Any] | None = None,
    key: str | None = None,
    operation: str = "document",
) -> Accepted:
    """Anchor a file (seekable) of any size, in flat memory; the receipt with its salt.

    `record` is what is said about it, without `document`: a certificate, or by default a bare `document/1`; `readers`
    are the wrap keys of whoever may open it. The same file with the same record is answered again, whatever its
    ciphertext's name would have been.
    """
    issuer = notary.writable(department, origin)
    base = {"schema": "document/1", "kind": "document", "issuer": issuer} if record is None else dict(record)
    if "document" in base:
        raise InputError("notary.document_given")
    source.seek(0)
    facts = describe(source, media_type)
    # Prepared without a name for the ciphertext: enough to find out whether it stands already, and to refuse it before
    # anything is encrypted.
    prepared = prepare({**base, "document": facts.member()}, issuer, notary.vault)
    cid: str | None = None
    if not notary.stands(department, origin, prepared, operation=operation, key=key):
        prepared, cid = filing.prepare(source, facts, base, issuer=issuer, readers=readers, vault=notary.vault)
    try:
        [accepted] = notary.accept_prepared(department, origin, [prepared], operation=operation, key=key)
    except ConflictError as error:
        if error.code in _NEVER_PLACED:  # after any other error it may have been
            filing.take_back(cid)
        raise
    if accepted.receipt.entry.sha256 != prepared.row.sha256:  # another's, which names another file
        filing.take_back(cid)
    return accepted
