"""What an earlier run handed out and was lost since, made again as it was: entries from the log, promises that are the
same bytes, each by the key of its index, and salts from the notary's own store.

A record that was erased meanwhile has its receipt again, never its salt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import IntegrityError, UnreadableError
from ledger.types import Origin
from notary.bulk.manifest import Handed, Manifest, SaltFile
from notary.bulk.salts import file_of, has_salts, read_salts, write_salts
from notary.commitment import SALT_BYTES
from notary.entry import Entry
from notary.packed import Packed, join
from notary.receipts import Bundle
from notary.service import Notary
from notary.stores.records import position_of

_NOTED = 500
"""Files of salts in one line of the journal."""


@dataclass
class MadeAgain:
    """How many files were written anew."""

    bundles: int = 0
    salts: int = 0
    salts_erased: int = 0
    """Files of salts that were not, because a record among theirs is erased."""


def make_again(notary: Notary, manifest: Manifest, salts: Path | None, *, read: bool) -> MadeAgain:
    """Bundles, and files in the folder `salts`, that are gone or have another length (`read`: or other bytes).
    IntegrityError `backfill.lost_differs` if the log's entries aren't those."""
    made, known = MadeAgain(), manifest.salt_digests() if salts is not None else {}
    noted: list[SaltFile] = []
    for handed in manifest.handed():
        if manifest.is_lost(handed, read=read):
            entries = _entries(notary, handed)
            promises = b"".join(notary.prover.promises(Origin(handed.origin), handed.first, entries))
            manifest.hand_out(Bundle(Origin(handed.origin), handed.first, join(entries), promises))
            made.bundles += 1
        if salts is not None and (note := _salts_again(notary, handed, salts, known, made, read=read)) is not None:
            noted.append(note)
            if len(noted) == _NOTED:
                manifest.note_salts(noted)
                noted.clear()
    manifest.note_salts(noted)
    return made


def _salts_again(
    notary: Notary,
    handed: Handed,
    folder: Path,
    known: Mapping[tuple[str, int], str],
    made: MadeAgain,
    *,
    read: bool,
) -> SaltFile | None:
    """One bundle's file of salts, made again where it was lost. What is to be written down of it: a file that was
    written before its digest was asked for is held against the notary's own salts, once."""
    origin, first = handed.origin, handed.first
    digest, found = known.get((origin, first)), None
    if has_salts(folder, origin, first, handed.entries):
        if not read:
            return None
        found = file_of(folder, origin, first)
        if digest == (here := hashlib.sha256(found).hexdigest()):
            return None
    entries = _entries(notary, handed)
    kept = _salts(notary, handed, entries)
    whole = [salt for salt in kept if salt is not None]
    if found is not None and digest is None and _agrees(found, origin, first, kept):
        return SaltFile(origin, first, here) if len(whole) == len(kept) else None
    if len(whole) < len(kept):
        made.salts_erased += 1
        return None
    written = write_salts(folder, Bundle(Origin(origin), first, join(entries)), b"".join(whole))
    made.salts += 1
    return None if written == digest else SaltFile(origin, first, written)


def _agrees(found: bytes, origin: str, first: int, kept: Sequence[bytes | None]) -> bool:
    """Whether a file of salts says what is kept; of what was erased nothing is known any more."""
    try:
        told = read_salts(found)
    except UnreadableError:
        return False
    salts = [told.salts[at : at + SALT_BYTES] for at in range(0, len(told.salts), SALT_BYTES)]
    return (told.origin, told.first, len(salts)) == (origin, first, len(kept)) and all(
        salt == own for salt, own in zip(salts, kept, strict=True) if own is not None
    )


def _entries(notary: Notary, handed: Handed) -> Packed:
    """The entries of a bundle, if they are those that were checked when it was handed out."""
    store, log = notary.store, notary.log(Origin(handed.origin))
    with store.reading() as connection:
        joined = store.joined_from(connection, log.id, handed.first, handed.entries)
    if hashlib.sha256(joined).hexdigest() != handed.digest:
        raise IntegrityError("backfill.lost_differs", index=handed.first, origin=handed.origin)
    return Packed(joined)


def _salts(notary: Notary, handed: Handed, entries: Packed) -> list[bytes | None]:
    """The salt of each; None where it isn't kept any more."""
    store, log = notary.store, notary.log(Origin(handed.origin))
    positions = [position_of(log.id, handed.first + offset) for offset in range(handed.entries)]
    with store.reading() as connection:
        sealed = store.salted(connection, positions)
    opened = notary.vault.open_keys
    return [
        opened(Entry.from_bytes(entry).sha256, sealed[position])[1] if position in sealed else None
        for entry, position in zip(entries.to_list(), positions, strict=True)
    ]
