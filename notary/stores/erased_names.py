"""What was erased isn't registered again by itself: one hash of each erased record's name, and nothing else of it.

The name is a certificate's identifier and version, or another record's whole content. Kept is a hash of its HMAC
under the issuer's lookup key: whoever has only the database learns nothing, and no row says which entry it belongs to.
Whoever has the storage key and already knows a record can ask whether it was erased; without that, an old file sent a
second time would undo the order (docs/adr/0032).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ledger.errors import ConflictError
from notary.stores.records import metadata

if TYPE_CHECKING:
    from notary.details import Detail

_MANY = 900

erased_names = sa.Table(
    "erased_names",
    metadata,
    sa.Column("issuer", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.LargeBinary(32), primary_key=True),
)
_ANY = sa.select(erased_names.c.issuer).where(erased_names.c.issuer == sa.bindparam("issuer")).limit(1)


def erased_name(identifier: bytes | None, version: int, content: bytes) -> bytes:
    """32 bytes for one record: by its identifier's HMAC and version, or, where it has none, by its content's HMAC."""
    if identifier is None:
        return sha256(b"chuzheng/erased-content/v1\0" + content).digest()
    return sha256(b"chuzheng/erased-identifier/v1\0" + identifier + version.to_bytes(8)).digest()


def name_of(detail: Detail) -> bytes:
    """The name of a record that is submitted."""
    return erased_name(detail.identifier, detail.version, detail.content)


def erased_among(connection: sa.Connection, issuer: int, names: Callable[[], Iterable[bytes]]) -> frozenset[bytes]:
    """Those of `names` that were erased; the names are made only where the issuer erased anything."""
    if connection.scalar(_ANY, {"issuer": issuer}) is None:
        return frozenset()
    wanted, found = list(names()), set[bytes]()
    for start in range(0, len(wanted), _MANY):
        found.update(connection.scalars(_among(issuer, wanted[start : start + _MANY])))
    return frozenset(found)


def require_kept(details: Iterable[Detail], erased: frozenset[bytes]) -> None:
    """ConflictError `erased.name` for the first that was erased."""
    for row, detail in enumerate(details if erased else (), 1):
        if name_of(detail) in erased:
            raise ConflictError("erased.name", row=row)


def keep_names(connection: sa.Connection, names: Iterable[tuple[int, bytes]]) -> None:
    """Refuse these (issuer's row, name) from now on."""
    for issuer, name in sorted(set(names)):
        if connection.scalar(_among(issuer, [name])) is None:
            connection.execute(sa.insert(erased_names).values(issuer=issuer, name=name))


def release_names(connection: sa.Connection, issuer: int, names: Sequence[bytes]) -> int:
    """Take them again; how many of them were refused."""
    table = erased_names.c
    found = connection.execute(sa.delete(erased_names).where(table.issuer == issuer, table.name.in_(names)))
    return found.rowcount


def _among(issuer: int, names: Sequence[bytes]) -> sa.Select[tuple[bytes]]:
    table = erased_names.c
    return sa.select(table.name).where(table.issuer == issuer, table.name.in_(names))
