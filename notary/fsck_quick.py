"""The daily look at a log: its newest part rebuilt, the newest heads held against its tiles; seconds, not hours.

Trusts the tiles below the part that it rebuilds, which the whole fsck doesn't (notary/fsck.py): whoever changed an old
entry together with every tile above it is found by the signed root, an old entry alone only by the whole one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.errors import ChuzhengError, IntegrityError, UnreadableError
from notary.checkpoint import TILE_WIDTH, Checkpoint
from notary.entry import Entry, parse_origin
from notary.fsck import Kept, LogReport, Row, good_note
from notary.log import Head, TilePath, durable_end
from notary.rotation import LogKeys
from notary.stores.tiles import TileLog
from notary.stores.tree import TreeBuilder, leaf_hashes


def fsck_since(
    log: TileLog,
    since: int,
    *,
    keys: LogKeys | None = None,
    anchors: Iterable[Head] = (),
    kept: Iterable[Kept] = (),
    rows: Iterable[Row] = (),
) -> LogReport:
    """Check a log from index `since` on (cut to a whole bundle); `rows` are the record store's from there."""
    fresh = TileLog(log.directory, log.origin, disk=log.disk)
    found: list[ChuzhengError] = []
    spans = fresh.pending.spans()
    head = _checkpoint(fresh, keys, found)
    sealed = head.size if head else 0
    durable = durable_end(sealed, spans)
    root = b""
    first = min(since, sealed) // TILE_WIDTH * TILE_WIDTH
    try:
        root = fresh.root(sealed) if head else TreeBuilder().root()
        if head and root != head.root:
            found.append(IntegrityError("log.root_differs", size=sealed, expected=root.hex(), found=head.root.hex()))
        _heads(fresh, sealed, found, keys=keys, anchors=anchors, kept=kept)
        ahead = _entries(fresh, first, found, sealed=sealed, durable=durable, rows=rows)
    except IntegrityError as error:  # a tile that is missing or has another length: the rest can't be told
        found.append(error)
        ahead = 0
    return LogReport(log.origin, sealed, durable, root, sealed - first, ahead, tuple(found))


def _checkpoint(log: TileLog, keys: LogKeys | None, found: list[ChuzhengError]) -> Checkpoint | None:
    try:
        head = log.head()
    except (UnreadableError, IntegrityError) as error:
        found.append(error)
        return None
    if head is None:
        return None
    if keys is not None and not keys.signed(head[1], head[0].size):
        found.append(IntegrityError("fsck.checkpoint_signature", key=keys.now.name))
    return head[0]


def _heads(
    log: TileLog,
    sealed: int,
    found: list[ChuzhengError],
    *,
    keys: LogKeys | None,
    anchors: Iterable[Head],
    kept: Iterable[Kept],
) -> None:
    for head in anchors:
        if head.size > sealed:
            found.append(IntegrityError("fsck.behind_anchor", anchored=head.size, sealed=sealed))
        elif head.size and (root := log.root(head.size)) != head.root:
            expected = head.root.hex()
            found.append(IntegrityError("fsck.anchor_differs", size=head.size, expected=expected, found=root.hex()))
    for size, expected_root, note in kept:
        if size > sealed:
            found.append(IntegrityError("fsck.behind_kept", anchored=size, sealed=sealed))
            continue
        if (root := log.root(size)) != expected_root:
            found.append(IntegrityError("fsck.kept_differs", size=size, expected=expected_root.hex(), found=root.hex()))
        if not good_note(log.origin, size, expected_root, note, keys):
            found.append(IntegrityError("fsck.kept_note", size=size))


def _entries(
    log: TileLog, first: int, found: list[ChuzhengError], *, sealed: int, durable: int, rows: Iterable[Row]
) -> int:
    """Bundles against tiles and rows, from `first` on; how many rows aren't in the log yet."""
    issuer = parse_origin(log.origin).issuer
    stored = iter(rows)
    for start in range(first, durable, TILE_WIDTH):
        end = min(durable, start + TILE_WIDTH)
        try:
            entries = log.entries(start, end)
        except IntegrityError as error:
            raise _named(error, log, start, sealed) from error
        if start < sealed:
            _tile(log, start, min(end, sealed), entries, found)
        for index, entry in enumerate(entries, start):
            try:
                if Entry.from_bytes(entry).issuer != issuer:
                    found.append(IntegrityError("fsck.entry_issuer", index=index, expected=issuer, found="-"))
            except ChuzhengError:
                found.append(IntegrityError("fsck.entry_unreadable", index=index))
            row = next(stored, None)
            if row is None or row[0] != index:
                found.append(IntegrityError("fsck.row_missing", index=index))
                return 0
            if row[1] != entry:
                found.append(IntegrityError("fsck.row_differs", index=index))
    return sum(1 for _ in stored)


def _named(error: IntegrityError, log: TileLog, start: int, sealed: int) -> IntegrityError:
    """A damaged file of entries by its name, as the whole fsck tells it; any other error as it is."""
    width = min(TILE_WIDTH, sealed - start)
    if error.code != "tiles.bundle" or width <= 0:
        return error
    path = TilePath(None, start // TILE_WIDTH, width)
    name = str(path) if log.disk.exists(log.directory / str(path)) else path.full
    return IntegrityError("fsck.bundle", path=name, expected=width)


def _tile(log: TileLog, start: int, end: int, entries: Sequence[bytes], found: list[ChuzhengError]) -> None:
    leaves = leaf_hashes(entries[: end - start])
    tile = log.leaves(start, end)
    if leaves != tile:
        offset = next(i for i, (a, b) in enumerate(zip(leaves, tile, strict=True)) if a != b)
        found.append(IntegrityError("fsck.entry_differs", index=start + offset))
