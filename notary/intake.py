"""Intake: a record as received becomes the row that is committed and the ciphertext that is kept.

No database, no log: this is the costly part of acceptance (parse, check, commit, encrypt), and may run in other
processes (notary/workers.py). Bytes and salt in, tuples of bytes out.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ledger.certificates import check_record as check_rules
from ledger.errors import ChuzhengError, InputError, RowsError, UnreadableError
from ledger.types import DepartmentCode, Kind
from notary.canonical import canonicalise, check_record, parse_record
from notary.commitment import commit_and_canonicalise
from notary.details import Detail
from notary.packed import ROW_BYTES
from notary.submission import Row
from notary.vault import Vault

_KINDS = {kind.word: kind for kind in Kind}
_BY_NOTARY = frozenset({Kind.ERASURE, Kind.CHECKPOINT})


class Prepared(NamedTuple):
    """A record ready to be placed: what is committed, what is kept, and the salt for the receipt."""

    row: Row
    detail: Detail
    salt: bytes


class Wrong(NamedTuple):
    """One thing that is wrong with record `number` (from 1) of a call; plain values, so that it can cross processes."""

    number: int
    member: str
    unreadable: bool
    code: str
    params: dict[str, Any]

    def error(self) -> ChuzhengError:
        """The error as it was raised."""
        return (UnreadableError if self.unreadable else InputError)(self.code, **self.params)


def prepare(
    record: bytes | Mapping[str, Any],
    issuer: DepartmentCode,
    vault: Vault,
    *,
    without: str = "",
    checked: bool = False,
) -> Prepared:
    """Check one record and commit to it under a fresh salt; RowsError `notary.records_wrong` says all that is wrong.

    `issuer` is the log's; a record of another one is refused (InputError `record.other_issuer`). `without` names a
    member of `document` that two submissions of the same file don't share (`cid`): it is left out of the content
    that idempotency compares, never out of what is committed. `checked` records come from a reader that has applied
    the rules of their schema and made plain values only (notary/imports.py).
    """
    if checked and not isinstance(record, bytes):
        members: Mapping[str, Any] = record
    else:
        members = parse_record(record if isinstance(record, bytes) else check_record(record))
    kind = kind_of(members, issuer)
    if not checked and (problems := check_rules(members)):
        raise RowsError("notary.records_wrong", [(1, str(p.params.get("member", "")), p) for p in problems])
    salt = os.urandom(32)
    commitment, canonical = commit_and_canonicalise(members, salt)
    content = canonical
    if without:
        document = {name: value for name, value in members["document"].items() if name != without}
        content = canonicalise({**members, "document": document})
    identifier = members.get("identifier") if kind == Kind.CERTIFICATE else None
    sealed_keys, sealed_body = vault.seal(commitment.sha256, salt, canonical)
    return Prepared(
        Row(int(kind), commitment.sha256, commitment.sm3),
        Detail(
            vault.content_mac(issuer, content),
            vault.identifier_mac(issuer, identifier) if identifier is not None else None,
            members["version"] if identifier is not None else 0,
            sealed_keys,
            sealed_body,
        ),
        salt,
    )


def prepare_many(
    records: Sequence[bytes | Mapping[str, Any]], first: int, issuer: DepartmentCode, vault: Vault
) -> tuple[list[Prepared], list[Wrong]]:
    """Prepare what can be, and say what is wrong with the others; `first` is the number of the first record."""
    prepared: list[Prepared] = []
    wrong: list[Wrong] = []
    for number, record in enumerate(records, first):
        try:
            prepared.append(prepare(record, issuer, vault))
        except RowsError as error:
            wrong += [wrong_of(number, member, problem) for _, member, problem in error.rows]
        except InputError as error:
            wrong.append(wrong_of(number, str(error.params.get("member", "")), error))
    return prepared, wrong


def wrong_of(number: int, member: str, error: ChuzhengError) -> Wrong:
    """The plain values of an error."""
    return Wrong(number, member, isinstance(error, UnreadableError), error.code, error.params)


def kind_of(members: Mapping[str, Any], issuer: DepartmentCode) -> Kind:
    """The record's kind; refused where the word or the issuer isn't one that a client may write into this log."""
    kind = _KINDS.get(members["kind"]) if isinstance(members.get("kind"), str) else None
    if kind is None or kind in _BY_NOTARY:
        raise InputError("record.kind", expected=", ".join(k.word for k in Kind if k not in _BY_NOTARY))
    if members.get("issuer") != issuer:
        raise InputError("record.other_issuer", expected=issuer)
    return kind


def check_kind(kind: int, *, members_only: bool) -> None:
    """Which kinds a log takes: 3–5 only in a shard that only members read, 1 and 2 only in the public ones."""
    if kind not in (1, 2, 3, 4, 5):
        raise InputError("notary.kind_by_client", found=kind)
    if (kind > Kind.DOCUMENT) is not members_only:
        raise InputError("notary.kind_of_log", found=Kind(kind).word)


def pack(prepared: Sequence[Prepared]) -> bytes:
    """Prepared records as plain tuples, marshalled: only between processes of one start."""
    return marshal.dumps([(*p.row, *p.detail, p.salt) for p in prepared])


def unpack(data: bytes) -> list[Prepared]:
    """The inverse of pack."""
    return [Prepared(Row(*flat[:3]), Detail(*flat[3:9]), flat[9]) for flat in marshal.loads(data)]  # noqa: S302 ours


def parse_packed(body: bytes) -> list[Row]:
    """Finished commitments, 65 bytes each: kind u8 || sha256 || sm3 (formats.md §6)."""
    check_packed(body)
    return [Row(body[at], body[at + 1 : at + 33], body[at + 33 : at + 65]) for at in range(0, len(body), ROW_BYTES)]


def check_packed(body: bytes) -> int:
    """How many finished commitments these are; InputError `notary.packed_length` if they aren't whole ones, or none."""
    count, rest = divmod(len(body), ROW_BYTES)
    if rest or not count:
        raise InputError("notary.packed_length", found=len(body))
    return count
