"""The pending folder: entries that are durable and promised, and not yet in tiles.

One file per append, named by its first index (16 digits). A file gets its name only when its bytes are durable, so a
crash leaves either nothing or a whole bundle. What doesn't prove itself whole counts as not there; the record store
holds the same bytes and the service appends them again (architecture.md, Commit order).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ledger.types import Millis
from notary.log import Span
from notary.stores.bundles import PendingBundle, decode_pending, encode_pending
from notary.stores.disk import Disk

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a file was found to hold; valid while the name leads to the same file."""

    identity: int
    span: Span | None
    ours: bool


class Pending:
    """Bundles of one log. Writing and `settle` need append.lock; everything else may run beside them."""

    def __init__(self, directory: Path, origin: str, disk: Disk) -> None:
        self.folder = directory / "pending"
        self.damaged_folder = directory / "damaged"
        self.work = directory / "work" / "append"
        self._origin = origin
        self._disk = disk
        self._seen: dict[str, _Seen] = {}

    def spans(self) -> list[Span]:
        """Of all whole bundles, smallest first. A bundle that vanishes meanwhile is covered by a newer checkpoint:
        so read the checkpoint after this, never before."""
        return [seen.span for seen in self._scan().values() if seen.span is not None]

    def damaged(self) -> list[str]:
        """Names that aren't whole bundles of this log."""
        return [name for name, seen in self._scan().items() if seen.span is None]

    def read(self, span: Span) -> list[bytes]:
        """The entries of a span; FileNotFoundError if it was sealed meanwhile."""
        bundle = self._load(_name(span.first))
        if bundle is None or bundle.end != span.end:
            raise FileNotFoundError(_name(span.first))
        return bundle.entries

    def since(self, first: int) -> Millis | None:
        """When the bundle that starts at `first` was written; None if there's none."""
        try:
            return Millis(self._disk.modified(self.folder / _name(first)))
        except FileNotFoundError:
            return None

    def settle(self) -> list[Span]:
        """At the start of every append: what a crash left is removed, made durable or put aside. Answers `spans`."""
        disk = self._disk
        for name in disk.names(self.work):
            disk.remove(self.work / name)
        seen = self._scan()
        if any(s.span is not None and not s.ours for s in seen.values()):
            # Another process wrote it, and may have died between the rename and the folder's fsync.
            disk.sync_folder(self.folder)
            self._seen = {name: _Seen(s.identity, s.span, True) for name, s in seen.items()}
        broken = [name for name, s in seen.items() if s.span is None]
        if broken:
            disk.make_folder(self.damaged_folder)
            disk.sync_folder(self.damaged_folder.parent)
            taken = disk.names(self.damaged_folder)
            for name in broken:
                kept = next(f"{name}.{i}" for i in count() if f"{name}.{i}" not in taken)
                disk.rename(self.folder / name, self.damaged_folder / kept)
            disk.sync_folder(self.damaged_folder)
            disk.sync_folder(self.folder)
        return [s.span for s in seen.values() if s.span is not None]

    def write(self, first: int, entries: Sequence[bytes]) -> None:
        """Durable when it returns; after an OSError there's no bundle, unless the disk refuses the removal as well."""
        name = _name(first)
        temporary, target = self.work / f"{name}.{os.getpid()}", self.folder / name
        disk = self._disk
        try:
            disk.create([(temporary, encode_pending(self._origin, first, entries))])
            disk.rename(temporary, target)
            disk.sync_folder(self.folder)
        except OSError:
            for path in (temporary, target):
                try:
                    disk.remove(path)
                except OSError:  # the first error is the one to tell; `settle` cleans again
                    continue
            raise
        try:
            self._seen[name] = _Seen(disk.identity(target), Span(first, first + len(entries)), True)
        except FileNotFoundError:
            return  # sealed already

    def drop(self, spans: Iterable[Span]) -> None:
        """Forgets bundles whose entries a durable checkpoint covers."""
        for span in spans:
            self._disk.remove(self.folder / _name(span.first))
        self._disk.sync_folder(self.folder)

    def chunks(self, start: int, end: int) -> Iterator[list[bytes]]:
        """Entries `start … end-1` in order, a bundle at a time; FileNotFoundError if they aren't all there."""
        at = start
        for span in self.spans():
            if at >= end:
                return
            if span.end <= at:
                continue
            if span.first > at:
                break
            entries = self.read(span)[at - span.first : end - span.first]
            at += len(entries)
            yield entries
        if at < end:
            raise FileNotFoundError(_name(at))

    def _scan(self) -> dict[str, _Seen]:
        found: dict[str, _Seen] = {}
        for name, identity in sorted(self._disk.names(self.folder).items()):
            seen = self._seen.get(name)
            if seen is not None and seen.identity == identity:
                found[name] = seen
                continue
            try:
                bundle = self._load(name)
            except FileNotFoundError:
                continue
            span = None if bundle is None else Span(bundle.first, bundle.end)
            found[name] = _Seen(identity, span, False)
        self._seen = dict(found)
        return found

    def _load(self, name: str) -> PendingBundle | None:
        bundle = decode_pending(self._origin, self._disk.read(self.folder / name))
        return bundle if bundle is not None and bundle.entries and name == _name(bundle.first) else None


def _name(first: int) -> str:
    return f"{first:0{_DIGITS}}"
