"""Encrypted files by CID, on our own disk (formats.md §7, profile unixfs-v1-2025).

On disk: `blocks/<last two characters>/<cid>`, one file a block. Children are durable before their parent, so a root
that is there has everything below it; a crash leaves blocks that nothing names, never a name without its blocks.
What checks and walks files is in blocks.py.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from ledger.errors import NotFoundError, UnavailableError, UnreadableError
from notary.cid import DAG_PB, LEAF_BYTES, block_matches, cid_text, decode_node, parse_cid
from notary.reconcile.runs import merge_down, merged, run_name, write_run
from notary.stores.blocks import CheckedStore, Leftover
from notary.stores.disk import Disk, translated

_LEFTOVER_MS = 24 * 3600 * 1000
_AT_ONCE = 200_000
"""Names that are sorted in memory."""


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

    def leftovers(self, named: Iterable[str], now_ms: int) -> Iterator[Leftover]:
        """As in the base class: a day old or older. Memory for one shard's names; the files' names are sorted on the
        disk, under `incoming/`."""
        with translated(), TemporaryDirectory(prefix="names-", dir=self._incoming) as made:
            needed = sorted_names((name for cid in named for name in self.blocks(cid)), Path(made))
            wanted = next(needed, None)
            for shard in sorted(self._disk.names(self._blocks)):
                for name in sorted(self._disk.names(self._blocks / shard)):
                    here = f"{shard}{name}".encode()
                    while wanted is not None and wanted < here:
                        wanted = next(needed, None)
                    if wanted != here and (found := self._leftover(shard, name, now_ms)) is not None:
                        yield found

    def _leftover(self, shard: str, name: str, now_ms: int) -> Leftover | None:
        path = self._blocks / shard / name
        try:
            parse_cid(name)
            age = now_ms - self._disk.modified(path)
            size = len(self._disk.read(path)) if age >= _LEFTOVER_MS else 0
        except (UnreadableError, FileNotFoundError):
            return None  # somebody else's file, which fsck names; or gone by now
        return Leftover(name, size, lambda: self._drop_leftover(path, now_ms)) if age >= _LEFTOVER_MS else None

    def _drop_leftover(self, path: Path, now_ms: int) -> bool:
        """Aside first, then looked at again: whoever puts the same block now either touched it before, and it goes
        back, or doesn't find it any more, and writes it."""
        aside = self._incoming / f"{os.getpid()}-{secrets.token_hex(8)}"
        with translated():
            try:
                self._disk.rename(path, aside)
            except FileNotFoundError:
                return True
            if now_ms - self._disk.modified(aside) < _LEFTOVER_MS and not self._disk.exists(path):
                self._disk.rename(aside, path)
                self._disk.sync_folder(path.parent)
                return False
            self._disk.remove(aside)
            self._disk.sync_folder(path.parent)
        return True

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
            if not self._is_there(path, block):
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

    def _is_there(self, path: Path, block: bytes) -> bool:
        """The block, counting as put now: whoever takes leftovers away leaves it (`_drop_leftover`)."""
        try:
            self._disk.touch(path)
            return self._disk.read(path) == block
        except FileNotFoundError:
            return False

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


def sorted_names(names: Iterable[str], folder: Path) -> Iterator[bytes]:
    """Names of blocks as `shard || name`, in that order, each once or more; sorted on the disk in `folder`."""
    rest, number = iter(names), 0
    while some := sorted(f"{name[-2:]}{name}".encode() for name in islice(rest, _AT_ONCE)):
        write_run(folder / f"{run_name(number)}.run", some)
        number += 1
    return merged(merge_down(folder, "*.run"))
