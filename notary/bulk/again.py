"""What an earlier run handed out and was lost since, made again as it was: entries from the log, promises that are the
same bytes, each by the key of its index, and salts from the notary's own store.

A record that was erased meanwhile has its receipt again, never its salt.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import IntegrityError
from ledger.types import Origin
from notary.bulk.manifest import Handed, Manifest
from notary.bulk.salts import has_salts, write_salts
from notary.entry import Entry
from notary.packed import Packed, join
from notary.receipts import Bundle
from notary.service import Notary
from notary.stores.records import position_of


@dataclass
class MadeAgain:
    """How many files were written anew."""

    bundles: int = 0
    salts: int = 0
    salts_erased: int = 0
    """Files of salts that were not, because a record among theirs is erased."""


def make_again(notary: Notary, manifest: Manifest, salts: Path | None, *, read: bool) -> MadeAgain:
    """Bundles that are gone or have another length (`read`: or other bytes), and files in the folder `salts` that are
    gone or have another length. IntegrityError `backfill.lost_differs` if the log's entries aren't those."""
    made = MadeAgain()
    for handed in manifest.handed():
        if manifest.is_lost(handed, read=read):
            entries = _entries(notary, handed)
            promises = b"".join(notary.prover.promises(Origin(handed.origin), handed.first, entries))
            manifest.hand_out(Bundle(Origin(handed.origin), handed.first, join(entries), promises))
            made.bundles += 1
        if salts is not None and not has_salts(salts, handed.origin, handed.first, handed.entries):
            entries = _entries(notary, handed)
            found = _salts(notary, handed, entries)
            if found is None:
                made.salts_erased += 1
            else:
                write_salts(salts, Bundle(Origin(handed.origin), handed.first, join(entries)), found)
                made.salts += 1
    return made


def _entries(notary: Notary, handed: Handed) -> Packed:
    """The entries of a bundle, if they are those that were checked when it was handed out."""
    store, log = notary.store, notary.log(Origin(handed.origin))
    with store.reading() as connection:
        joined = store.joined_from(connection, log.id, handed.first, handed.entries)
    if hashlib.sha256(joined).hexdigest() != handed.digest:
        raise IntegrityError("backfill.lost_differs", index=handed.first, origin=handed.origin)
    return Packed(joined)


def _salts(notary: Notary, handed: Handed, entries: Packed) -> bytes | None:
    """Their salts, joined; None where one isn't kept any more."""
    store, log = notary.store, notary.log(Origin(handed.origin))
    positions = [position_of(log.id, handed.first + offset) for offset in range(handed.entries)]
    with store.reading() as connection:
        sealed = store.salted(connection, positions)
    if len(sealed) < len(positions):
        return None
    opened = notary.vault.open_keys
    return b"".join(
        opened(Entry.from_bytes(entry).sha256, sealed[position])[1]
        for entry, position in zip(entries.to_list(), positions, strict=True)
    )
