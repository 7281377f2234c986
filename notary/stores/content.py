"""Encrypted files by CID, on our own disk (formats.md §7, profile unixfs-v1-2025).

`CheckedStore` does all that makes a content store trustworthy: it names blocks itself, hashes again whatever comes
back, and gives a file out only whole. A subclass speaks the wire: this disk here, Kubo elsewhere.

On disk: `blocks/<last two characters>/<cid>`, one file a block. Children are durable before their parent, so a root
that is there has everything below it; a crash leaves blocks that nothing names, never a name without its blocks.
"""

from __future__ import annotations

import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from ledger.errors import IntegrityError, NotFoundError, UnreadableError
from notary.cid import DAG_PB, LEAF_BYTES, Link, block_matches, cid_of_stream, cid_text, decode_node, parse_cid
from notary.stores.disk import Disk, translated

MAX_DEPTH = 6
"""Levels of nodes: 1,024 to the fifth leaves of 1 MiB is more than any file."""
_LEFTOVER_MS = 24 * 3600 * 1000


class CheckedStore(ABC):
    """ledger.ports.ContentStore over blocks that a subclass moves."""

    def put(self, path: str) -> str:
        """Store the file at `path`; its CID, once it is durable. The same file again costs no space."""
        with translated(), open(path, "rb") as source:
            return self.put_stream(source)

    def put_stream(self, source: BinaryIO) -> str:
        """Store what `source` has left, in flat memory."""
        cid = cid_of_stream(source, self._put_block)
        self._keep(cid)
        return cid

    def get_to(self, cid: str, path: str) -> None:
        """Write the file named `cid` to a new file at `path`: whole and right, or not at all.

        NotFoundError `content.not_found`; IntegrityError `content.damaged` if a block isn't what its CID names,
        `content.incomplete` if one below the root is missing.
        """
        with translated():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with translated(), os.fdopen(descriptor, "wb") as target:
                for block in self.leaves(cid):
                    target.write(block)
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise

    def leaves(self, cid: str) -> Iterator[bytes]:
        """The file's bytes, leaf by leaf, each checked."""
        root = parse_cid(cid)
        block = self._checked(cid, root)
        if root[1] != DAG_PB:
            yield block
            return
        stack: list[Iterator[Link]] = [iter(_links(cid, block))]
        while stack:
            link = next(stack[-1], None)
            if link is None:
                stack.pop()
                continue
            name = cid_text(link.cid)
            try:
                block = self._checked(name, link.cid)
            except NotFoundError:
                raise IntegrityError("content.incomplete", cid=cid, block=name) from None
            if link.cid[1] != DAG_PB:
                _require_size(name, link.content, len(block))
                yield block
                continue
            links = _links(name, block)
            _require_size(name, link.content, sum(below.content for below in links))
            if len(stack) >= MAX_DEPTH:
                raise IntegrityError("content.damaged", cid=cid)
            stack.append(iter(links))

    def has(self, cid: str) -> bool:
        """Whether the file named `cid` is there: by its root, which is stored last."""
        parse_cid(cid)
        return self._has_block(cid)

    def _checked(self, name: str, cid: bytes) -> bytes:
        block = self._get_block(name)
        if len(block) > LEAF_BYTES or not block_matches(cid, block):
            raise IntegrityError("content.damaged", cid=name)
        return block

    @abstractmethod
    def _put_block(self, cid: str, block: bytes) -> None:
        """Make one block durable."""

    @abstractmethod
    def _get_block(self, cid: str) -> bytes:
        """One block as it is kept; NotFoundError `content.not_found`. `cid` is well formed."""

    @abstractmethod
    def _has_block(self, cid: str) -> bool:
        """Whether the block is kept."""

    @abstractmethod
    def _keep(self, cid: str) -> None:
        """All blocks of the file were put: keep it for good."""


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
                raise NotFoundError("content.not_found", cid=cid) from None

    def _has_block(self, cid: str) -> bool:
        return self._disk.exists(self._path(cid))

    def _keep(self, cid: str) -> None:
        """Nothing left to do: each block was durable when the next was begun, and nothing here is collected."""


def _links(name: str, block: bytes) -> list[Link]:
    try:
        return decode_node(block)
    except UnreadableError:
        raise IntegrityError("content.damaged", cid=name) from None


def _require_size(name: str, expected: int, found: int) -> None:
    if expected != found:
        raise IntegrityError("content.damaged", cid=name)
