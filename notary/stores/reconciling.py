"""The ledger's look-ups in their own order, page by page: issuer by issuer, by the keyed hash of the identifier."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ledger.types import DepartmentCode
from notary.stores.record_tables import issuers, lookups
from notary.stores.records import RecordStore

PAGE = 5_000


def newest_versions(store: RecordStore, issuer: DepartmentCode, after: bytes = b"") -> Iterator[tuple[bytes, int]]:
    """(keyed hash of an identifier, position of its newest version) of an issuer's, in order, beyond `after`.

    A page is one consistent view; between two pages the ledger may go on.
    """
    with store.reading() as connection:
        number = connection.scalar(sa.select(issuers.c.id).where(issuers.c.code == issuer))
    while number is not None:
        query = sa.select(lookups.c.identifier, lookups.c.position).where(
            lookups.c.issuer == number, lookups.c.identifier > after
        )
        with store.reading() as connection:
            rows = connection.execute(query.order_by(lookups.c.identifier, lookups.c.version).limit(PAGE)).all()
        last = len(rows) < PAGE
        held: tuple[bytes, int] | None = None
        for row in rows:
            if held is not None and held[0] != row.identifier:
                yield held
            held = bytes(row.identifier), row.position
        if last:
            if held is not None:
                yield held
            return
        # The last identifier of a full page may have further versions behind it: it begins the next one.
        after = max(
            (bytes(row.identifier) for row in rows if bytes(row.identifier) != rows[-1].identifier), default=after
        )
