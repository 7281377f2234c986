"""Whether the storage key is the one that this database's records were written under. Asked before anything is taken:
under another key nothing that was registered would be known again, and what is new could be read by neither."""

from __future__ import annotations

import sqlalchemy as sa

from ledger.errors import ConfigurationError, IntegrityError
from notary.entry import Entry
from notary.stores.record_tables import record_keys
from notary.stores.records import RecordStore
from notary.vault import Vault

_ASKED = 4
"""Oldest and newest rows that are tried, so many of each: a single damaged row says nothing of the key."""


def require_storage_key(store: RecordStore, vault: Vault) -> None:
    """ConfigurationError `vault.other_key` if there are records and the key opens none of those that are tried."""
    position = record_keys.c.position
    sealed: dict[int, bytes] = {}
    with store.reading() as connection:
        for order in (position.asc(), position.desc()):
            query = sa.select(position, record_keys.c.sealed).order_by(order).limit(_ASKED)
            sealed.update((row[0], row[1]) for row in connection.execute(query))
        entries = store.entries_at(connection, sorted(sealed))
    tried = [(Entry.from_bytes(entries[at]).sha256, keys) for at, keys in sealed.items() if at in entries]
    if tried and not any(_opens(vault, commitment, keys) for commitment, keys in tried):
        raise ConfigurationError("vault.other_key")


def _opens(vault: Vault, commitment: bytes, keys: bytes) -> bool:
    try:
        vault.open_keys(commitment, keys)
    except IntegrityError:
        return False
    return True
