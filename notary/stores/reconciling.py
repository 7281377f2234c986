"""The ledger's look-ups in the order of their positions, page by page, and what a reopening would have moved.

In that order the table lies on the disk, so a page is read without searching; what comes after the end that the caller
noted isn't looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from ledger.types import Origin
from notary.entry import parse_origin
from notary.stores.record_tables import lookups
from notary.stores.records import LogRow, RecordStore

PAGE = 20_000


def lookup_pages(store: RecordStore, first: int, end: int) -> Iterator[Sequence[tuple[bytes, int, int]]]:
    """(keyed hash of an identifier, 32 bytes; version; position) at positions `first … end-1`, rising.

    A page is one consistent view; between two pages the ledger may go on. A row that an erasure takes away before its
    page is read isn't there, and one that a reopening moves is only where it stands then (notary/reconcile/ledger.py).
    """
    while True:
        query = sa.select(lookups.c.identifier, lookups.c.version, lookups.c.position).where(
            lookups.c.position >= first, lookups.c.position < end
        )
        with store.reading() as connection:
            found: Sequence[Any] = connection.execute(query.order_by(lookups.c.position).limit(PAGE)).all()
        if found:
            yield found
        if len(found) < PAGE:
            return
        first = found[-1][2] + 1


def logs_of_issuers(store: RecordStore, origins: Collection[Origin]) -> list[LogRow]:
    """Every log in the database, of this notary or not, whose issuer has one among `origins`."""
    issuers = {parse_origin(origin).issuer for origin in origins}
    with store.reading() as connection:
        return [row for row in store.all_logs(connection) if parse_origin(row.origin).issuer in issuers]
