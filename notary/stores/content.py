"""Encrypted files by CID, on our own disk (formats.md §7, profile unixfs-v1-2025).

On disk: `blocks/<last two characters>/<cid>`, one file a block. Children are durable before their parent, so a root
that is there has everything below it; a crash leaves blocks that nothing names, never a name without its blocks.
What checks and walks files is in blocks.py.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ledger.errors import NotFoundError, UnavailableError, UnreadableError
from notary.cid import DAG_PB, LEAF_BYTES, block_matches, cid_text, decode_node, parse_cid
from notary.stores.blocks import CheckedStore
from notary.stores.disk import Disk, translated

_LEFTOVER_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in a store: which block, and what."""

    cid: str
    what: Literal["name", "damaged", "child_missing"]
    child: str | None = None


class EmbeddedStore(CheckedStore):
    """Blocks in a folder. Any number of processes may read and write it at once."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._blocks = folder / "blocks"
        self._incoming = folder / "incoming"
        self._disk = disk or Disk()
        with translated():
            for path in (folder, self._blocks, self._incoming):
                self._disk.make_folder(path)
            self._disk.sync_folder(folder)
            self._disk.sync_folder(folder.parent)
        self._durable_shards: set[Path] = set()

    def fsck(self) -> Iterator[Finding]:
        """Hash every block and look for every child; trusts no name. Nothing is changed."""
        for shard in sorted(self._disk.names(self._blocks)):
            for name in sorted(self._disk.names(self._blocks / shard)):
                yield from self._check(shard, name)

    def clean(self, now_ms: int) -> int:
        """Remove what crashed writers left, a day old or older; how many files."""
        removed = 0
        with translated():
            for name in self._disk.names(self._incoming):
                path = self._incoming / name
                try:
                    if now_ms - self._disk.modified(path) < _LEFTOVER_MS:
                        continue
                except FileNotFoundError:
                    continue
                self._disk.remove(path)
                removed += 1
        return removed

    def _check(self, shard: str, name: str) -> Iterator[Finding]:
        try:
            cid = parse_cid(name)
        except UnreadableError:
            yield Finding(name, "name")
            return
        if shard != name[-2:]:
            yield Finding(name, "name")
            return
        block = self._disk.read(self._path(name))
        if len(block) > LEAF_BYTES or not block_matches(cid, block):
            yield Finding(name, "damaged")
            return
        if cid[1] != DAG_PB:
            return
        try:
            links = decode_node(block)
        except UnreadableError:
            yield Finding(name, "damaged")
            return
        for link in links:
            child = cid_text(link.cid)
            if not self._has_block(child):
                yield Finding(name, "child_missing", child)

    def _path(self, cid: str) -> Path:
        return self._blocks / cid[-2:] / cid

    def _put_block(self, cid: str, block: bytes) -> None:
        disk, path = self._disk, self._path(cid)
        with translated():
            # What is there is compared, not trusted: putting a file again heals a damaged block.
            if not disk.exists(path) or disk.read(path) != block:
                disk.make_folder(path.parent)
                incoming = self._incoming / f"{os.getpid()}-{secrets.token_hex(8)}"
                try:
                    disk.create([(incoming, block)])
                    disk.rename(incoming, path)
                except OSError:
                    disk.remove(incoming)
                    raise
            # Also for what was there: whoever made or renamed it may have died before its name was durable.
            disk.sync_folder(path.parent)
            if path.parent not in self._durable_shards:
                disk.sync_folder(self._blocks)
                self._durable_shards.add(path.parent)

    def _get_block(self, cid: str) -> bytes:
        with translated():
            try:
                return self._disk.read(self._path(cid))
            except FileNotFoundError:
                self._require_folder()
                raise NotFoundError("content.not_found", cid=cid) from None

    def _has_block(self, cid: str) -> bool:
        with translated():
            try:
                self._disk.identity(self._path(cid))
            except FileNotFoundError:
                self._require_folder()
                return False
        return True

    def _require_folder(self) -> None:
        """A disk that isn't mounted any more has nothing, and that is no answer about the file."""
        if not self._disk.exists(self._blocks):
            raise UnavailableError("content.no_folder", retry_after=60, path=str(self._folder))

    def _keep(self, cid: str) -> None:
        """Nothing left to do: each block was durable when the next was begun, and nothing here is collected."""

    def _drop_block(self, cid: str) -> None:
        with translated():
            path = self._path(cid)
            self._disk.remove(path)
            if self._disk.exists(path.parent):
                self._disk.sync_folder(path.parent)
