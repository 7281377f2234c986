"""What makes a content store trustworthy, whoever keeps its blocks (formats.md §7, profile unixfs-v1-2025).

`CheckedStore` names blocks itself, hashes again whatever comes back, and gives a file out only whole. A subclass
speaks the wire: our own disk (content.py), Kubo (kubo.py). An outage is UnavailableError and never "not found".
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ledger.errors import IntegrityError, NotFoundError, UnreadableError
from notary.cid import DAG_PB, LEAF_BYTES, Link, block_matches, cid_of_stream, cid_text, decode_node, parse_cid
from notary.stores.disk import translated

MAX_DEPTH = 6
"""Levels of nodes: 1,024 to the fifth leaves of 1 MiB is more than any file."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A block that no file needs: what a crash left of an upload or a removal. `drop` takes it away, unless somebody
    has put it meanwhile: True if it is gone."""

    name: str
    size: int
    drop: Callable[[], bool]


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
        for link, size in self._tree(cid):
            if link[1] == DAG_PB:
                continue
            name = cid_text(link)
            block = self._below(cid, name)
            if size is not None:
                _require_size(name, size, len(block))
            yield block

    def blocks(self, cid: str) -> Iterator[str]:
        """Names of all the file's blocks, children before parents; leaves aren't read for it."""
        return (cid_text(link) for link, _ in self._tree(cid))

    def block(self, name: str) -> bytes:
        """One block, checked. NotFoundError `content.not_found`, IntegrityError `content.damaged`."""
        cid = parse_cid(name)
        block = self._get_block(name)
        if len(block) > LEAF_BYTES or not block_matches(cid, block):
            raise IntegrityError("content.damaged", cid=name)
        return block

    def has(self, cid: str) -> bool:
        """Whether the file named `cid` is there: by its root, which is stored last."""
        parse_cid(cid)
        return self._has_block(cid)

    def holds(self, cid: str) -> bool:
        """Whether every block of the file is there and kept for good; what is in its leaves isn't looked at."""
        try:
            return all(self._has_block(name) for name in self.blocks(cid)) and self.keeps(cid)
        except (NotFoundError, IntegrityError):
            return False

    def verify(self, cid: str) -> int:
        """Hash the whole file again, as it is kept; its bytes. Errors as `get_to`."""
        return sum(len(block) for block in self.leaves(cid))

    def keeps(self, cid: str) -> bool:
        """Whether the file is kept for good; where nothing is ever collected, whatever is there is."""
        parse_cid(cid)
        return self._has_block(cid)

    def pins(self) -> Iterator[str] | None:
        """What is kept for good, by anyone, in no order; None where everything is."""
        return None

    def keep(self, cid: str) -> None:
        """Keep for good a file that is there."""
        self._keep(cid)

    def take(self, name: str, block: bytes) -> None:
        """One block of a file, durable; the file isn't kept before `keep`."""
        if not block_matches(parse_cid(name), block):
            raise IntegrityError("content.damaged", cid=name)
        self._put_block(name, block)

    def leftovers(self, named: Iterable[str], now_ms: int) -> Iterator[Leftover] | None:
        """Blocks that belong to none of the files `named` and that nobody is putting now; None where the store can't
        say. NotFoundError, IntegrityError if a named file isn't whole: what is its own couldn't be told then."""
        return None

    def remove(self, cid: str) -> None:
        """Take the file away, its root last: what a crash leaves is found by its root and taken away again."""
        parse_cid(cid)
        self.drop(cid, self._left(cid))

    def _left(self, name: str, depth: int = 0) -> Iterator[str]:
        """What may be left of a file, children before parents. Below a node that is missing everything is gone: its
        children went before it. Below one that is damaged nobody knows the names; `leftovers` finds them."""
        if parse_cid(name)[1] == DAG_PB and depth < MAX_DEPTH:
            links: list[Link] = []
            with suppress(NotFoundError, IntegrityError):
                links = _links(name, self.block(name))
            for link in links:
                yield from self._left(cid_text(link.cid), depth + 1)
        yield name

    def drop(self, cid: str, names: Iterable[str]) -> None:
        """Stop keeping the file `cid`, and take these blocks of it away; no error for what isn't there."""
        self._let_go(cid)
        for name in names:
            self._drop_block(name)

    def _tree(self, cid: str) -> Iterator[tuple[bytes, int | None]]:
        """(binary CID, bytes of content as the parent says) of all blocks, children before parents."""
        root = parse_cid(cid)
        if root[1] != DAG_PB:
            yield root, None
            return
        path: list[tuple[Link, Iterator[Link]]] = []
        here: Link | None = Link(root, 0, sum(link.content for link in _links(cid, self.block(cid))))
        while here is not None or path:
            if here is not None and here.cid[1] == DAG_PB:
                name = cid_text(here.cid)
                links = _links(name, self._below(cid, name))
                _require_size(name, here.content, sum(link.content for link in links))
                if len(path) >= MAX_DEPTH:
                    raise IntegrityError("content.damaged", cid=cid)
                path.append((here, iter(links)))
            elif here is not None:
                yield here.cid, here.content
            here = next(path[-1][1], None)
            while here is None and path:
                done, _ = path.pop()
                yield done.cid, done.content
                here = next(path[-1][1], None) if path else None

    def _below(self, cid: str, name: str) -> bytes:
        """A block of the file: one that is missing below the root makes the file incomplete."""
        try:
            return self.block(name)
        except NotFoundError:
            if name == cid:
                raise
            raise IntegrityError("content.incomplete", cid=cid, block=name) from None

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

    @abstractmethod
    def _drop_block(self, cid: str) -> None:
        """Take one block away; no error if it isn't there."""

    def _let_go(self, cid: str) -> None:  # noqa: B027 (most stores have nothing to let go of)
        """Stop keeping the file for good, before its blocks go."""


def _links(name: str, block: bytes) -> list[Link]:
    try:
        return decode_node(block)
    except UnreadableError:
        raise IntegrityError("content.damaged", cid=name) from None


def _require_size(name: str, expected: int, found: int) -> None:
    if expected != found:
        raise IntegrityError("content.damaged", cid=name)
