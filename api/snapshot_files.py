"""The snapshots of one machine, in the data folder's `snapshots/`: made one after another, and handed out.

snapshot.json           the newest, whole or not at all
snapshot.packed         the newest in the packed form, if one was made; both forms count on from one number
sequence                the highest number ever given to one, and that file's hash; written first: a crash between the
                        two leaves a number unused, never one number on two files
making.lock             a kernel lock: two makers wait for each other

What a hall would refuse isn't published: the file is judged by the trust file in force before it is put there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import ConfigurationError, NotFoundError
from ledger.types import Millis
from notary.snapshot import Snapshot, parse_snapshot
from notary.snapshot_facts import why_not
from notary.snapshot_packed import PackedSnapshot, open_snapshot
from notary.stores.disk import Disk, translated
from notary.trust_chain import Seen, parse_seen
from notary.trust_file import TrustFile

NAME, PACKED = "snapshot.json", "snapshot.packed"
_DRAFT = ".snapshot.new"
_SEQUENCE = "sequence"
_SEQUENCE_DRAFT = ".sequence.new"


@dataclass(frozen=True, slots=True)
class Published:
    """The newest snapshot's file as it was when it was looked at."""

    path: Path
    stat: os.stat_result

    @property
    def etag(self) -> str:
        """Of this very file: `sequence` is written before it and counts for both forms, so it may name another one."""
        return f'"{self.stat.st_ino:x}-{self.stat.st_mtime_ns:x}-{self.stat.st_size:x}"'


class SnapshotFiles:
    """`folder` is made at the first snapshot."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk()

    def make(self, build: Callable[[int], bytes], trust: TrustFile, now: Millis) -> Snapshot:
        """Publish what `build(sequence)` gives. ConfigurationError `snapshot.not_believed` where halls wouldn't
        believe it: another chain, a key that the trust file doesn't name, past its end."""
        with translated():
            self._disk.make_folder(self._folder)
            with self._disk.locked(self._folder / "making.lock"):
                before = self._seen()
                data = build(1 if before is None else before.sequence + 1)
                found = parse_snapshot(data)
                refused = why_not(found, trust, now, None if before is None else before.sequence + 1)
                if refused is not None:
                    raise ConfigurationError("snapshot.not_believed", reason=refused)
                self._put(_SEQUENCE_DRAFT, _SEQUENCE, Seen(found.sequence, found.hash).to_json())
                self._put(_DRAFT, NAME, data)
        return found

    def make_packed(self, build: Callable[[int], Iterator[bytes]], trust: TrustFile, now: Millis) -> PackedSnapshot:
        """The same from `build(sequence)`'s pieces, in the packed form; none of it is held."""
        with translated():
            self._disk.make_folder(self._folder)
            with self._disk.locked(self._folder / "making.lock"):
                before, draft = self._seen(), self._folder / _DRAFT
                self._disk.remove(draft)
                self._disk.create_at(draft, _placed(build(1 if before is None else before.sequence + 1)))
                with draft.open("rb") as file:
                    found = open_snapshot(file)
                    refused = why_not(found, trust, now, None if before is None else before.sequence + 1)
                    if refused is not None:
                        raise ConfigurationError("snapshot.not_believed", reason=refused)
                self._put(_SEQUENCE_DRAFT, _SEQUENCE, Seen(found.sequence, found.hash).to_json())
                self._disk.rename(draft, self._folder / PACKED)
                self._disk.sync_folder(self._folder)
        return found

    def packed(self) -> Path:
        """The newest packed one; NotFoundError `snapshot.none` before the first."""
        path = self._folder / PACKED
        if not self._disk.exists(path):
            raise NotFoundError("snapshot.none")
        return path

    def newest(self) -> Published:
        """NotFoundError `snapshot.none` before the first."""
        path = self._folder / NAME
        try:
            return Published(path, os.stat(path))
        except FileNotFoundError:
            raise NotFoundError("snapshot.none") from None

    def _seen(self) -> Seen | None:
        try:
            return parse_seen(self._disk.read(self._folder / _SEQUENCE))
        except FileNotFoundError:
            return None

    def _put(self, draft: str, name: str, data: bytes) -> None:
        """Durable under its name, in one step."""
        self._disk.remove(self._folder / draft)
        self._disk.create([(self._folder / draft, data)])
        self._disk.rename(self._folder / draft, self._folder / name)
        self._disk.sync_folder(self._folder)


def _placed(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    at = 0
    for piece in pieces:
        yield at, piece
        at += len(piece)
