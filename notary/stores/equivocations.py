"""Kept proofs of equivocation: one file each in a folder, named by its own hash, never overwritten, never removed.

Whoever meets a contradiction writes it here first and then says so: verification, mirror, fsck, witness.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from ledger.errors import UnreadableError
from notary.equivocation import SUFFIX, Equivocation, parse_equivocation
from notary.stores.disk import Disk, translated

FOLDER = "equivocations"


class Equivocations:
    """The folder; made at the first proof. Any number of processes may write at once."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.folder = folder.absolute()
        self._disk = disk or Disk()

    def keep(self, found: Equivocation) -> Path:
        """Where the proof is, durable. The same two pieces are kept once."""
        data = found.to_json()
        name = f"{quote(found.origin, safe='')}.{sha256(data).hexdigest()[:16]}{SUFFIX}"
        path, disk = self.folder / name, self._disk
        with translated():
            if disk.exists(path):
                return path
            disk.make_folder(self.folder)
            disk.sync_folder(self.folder.parent)
            disk.replace(path, data)  # the name is the hash of the bytes: whoever was first wrote the same
        return path

    def all(self, origin: str | None = None) -> Iterator[Equivocation]:
        """Every proof that can be read, of one log or of all; what can't be read is passed over (fsck names it)."""
        for name in sorted(self._disk.names(self.folder)):
            if name.startswith(".") or not name.endswith(SUFFIX):
                continue
            if origin is not None and not name.startswith(f"{quote(origin, safe='')}."):
                continue
            try:
                yield parse_equivocation(self._disk.read(self.folder / name))
            except (UnreadableError, FileNotFoundError):
                continue
