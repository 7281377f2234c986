"""The ledger's look-ups in the order of the identifiers' keyed hashes, page by page, issuer by issuer."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ledger.types import DepartmentCode
from notary.stores.record_tables import issuers, logs, lookups, position_of
from notary.stores.records import RecordStore

PAGE = 5_000


def newest_versions(store: RecordStore, issuer: DepartmentCode, after: bytes = b"") -> Iterator[tuple[bytes, int]]:
    """(keyed hash of an identifier, position of its newest version) of an issuer's, in order, beyond `after`."""
    of_issuer = sa.select(logs.c.id).join(issuers, issuers.c.id == logs.c.issuer).where(issuers.c.code == issuer)
    with store.reading() as connection:
        numbers = list(connection.scalars(of_issuer))
    spans = [
        sa.and_(lookups.c.position >= position_of(n, 0), lookups.c.position < position_of(n + 1, 0)) for n in numbers
    ]
    while numbers:
        query = sa.select(lookups.c.identifier, lookups.c.position).where(sa.or_(*spans), lookups.c.identifier > after)
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
