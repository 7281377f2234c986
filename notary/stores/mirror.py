"""A mirror on disk: another's log copied into a folder of the same layout, so that it serves wherever a log does.

Nothing good is ever replaced by something worse: what is written was verified against a checkpoint that the log's key
signed and that extends the one here, and the checkpoint here is replaced last. A crash leaves verified files beyond the
checkpoint; the next run goes on after them.

    checkpoint, tile/…    as in any log (C2SP tlog-tiles)
    work/incoming         the checkpoint that is being copied
    damaged/              files that weren't what they had been: kept to be looked at
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Protocol

from ledger.errors import IntegrityError, NotFoundError
from ledger.types import Origin
from notary.checkpoint import TILE_WIDTH, Checkpoint, VerifierKey, parse_checkpoint, parse_note
from notary.cosignature import with_cosignatures
from notary.equivocation import Equivocation, Prefix, SignedHead, find
from notary.log import TilePath, newly_full, tiles_at
from notary.mirrored import AuthenticTiles
from notary.stores.bundles import decode_bundle, encode_bundle
from notary.stores.disk import Disk, translated
from notary.stores.tile_files import TileWriter
from notary.stores.tiles import TileLog
from notary.stores.tree import leaf_hashes
from notary.witnessing import signed_by_any

AT_ONCE = 8
"""Files that are fetched side by side."""
FLUSH = 4_096
"""Bundles after which folders are made durable, so that a cut-off copy doesn't begin again."""


class Source(Protocol):
    """A log's files, wherever they are. Every call may raise UnavailableError, or DeniedError (a member's shard)."""

    def checkpoint(self) -> str | None:
        """The newest signed note."""
        ...

    def file(self, path: str) -> bytes | None:
        """One file of the layout; None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a run did. `state`: `grown`, `same`, or `behind` (the source has less than the mirror, and no other)."""

    origin: Origin
    state: str
    before: int
    size: int
    root: bytes
    copied: int
    """Entries that were fetched in this run."""
    healed: tuple[str, ...]
    """Files of the mirror that had been changed, and are good again."""


class FolderSource:
    """A log's folder, or a copy of one."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder, self._disk = folder, disk or Disk()

    def checkpoint(self) -> str | None:
        data = self.file("checkpoint")
        return None if data is None else data.decode("utf-8", "replace")

    def file(self, path: str) -> bytes | None:
        with translated():
            try:
                return self._disk.read(self._folder / path)
            except FileNotFoundError:
                return None


class Mirror:
    """A mirror of one log. `keys` are the log's (any of them may have signed); `keep` is told of contradictions."""

    def __init__(
        self,
        folder: Path,
        origin: Origin,
        keys: Sequence[VerifierKey],
        *,
        keep: Callable[[Equivocation], object] = lambda found: None,
        disk: Disk | None = None,
    ) -> None:
        self.log = TileLog(folder, origin, disk=disk)
        self.origin, self._keys, self._keep = origin, tuple(keys), keep
        self._disk = self.log.disk
        self._folder = self.log.directory
        self._writer = TileWriter(self._folder, self._disk)
        self._healed: list[str] = []

    def update(
        self, source: Source, *, recheck: bool = False, progress: Callable[[int, int], None] = lambda done, of: None
    ) -> Mirrored:
        """Copy what is new; `recheck` also verifies and mends what is here already.

        IntegrityError: `log.equivocation` (both pieces are kept), `mirror.*` (the source is damaged); then the mirror
        is as it was. NotFoundError `mirror.no_checkpoint`.
        """
        with ExitStack() as stack:
            with translated():
                for folder in (self._folder, self._folder / "tile", self._folder / "work", self._writer.work):
                    self._writer.ensure_folder(folder)
                stack.enter_context(self._disk.locked(self._folder / "seal.lock"))  # as a seal: one writer of tiles
                self._writer.clear()
            self._healed = []
            note, head = self._offered(source)
            mine = self._own()
            before = 0 if mine is None else parse_checkpoint(mine).size
            if mine is not None and head.size < before:
                self._require_begins(mine, note, head)
                own = parse_checkpoint(mine)
                return Mirrored(self.origin, "behind", before, before, own.root, 0, ())
            tiles = AuthenticTiles(head, lambda path: self._fetch(source, path))
            for earlier in (mine, self._incoming()):
                if earlier is not None:
                    self._require_extends(earlier, note, tiles)
            if mine is not None and head.size == before and not recheck:
                return self._same(mine, note, head)
            with translated():
                self._disk.replace(self._folder / "work" / "incoming", note.encode())
            copied = self._copy(source, tiles, recheck, progress)
            with translated():
                self._writer.flush()
                self._publish(note if mine is None or head.size > before else _joined(mine, note))
                for path in newly_full(before, head.size):
                    self._writer.remove_partials(path)
                self._disk.remove(self._folder / "work" / "incoming")
            state = "grown" if head.size > before else "same"
            return Mirrored(self.origin, state, before, head.size, head.root, copied, tuple(self._healed))

    # -- what is offered, and whether it may be believed --------------------------------------------------------------

    def _offered(self, source: Source) -> tuple[str, Checkpoint]:
        note = source.checkpoint()
        if note is None:
            raise NotFoundError("mirror.no_checkpoint", origin=self.origin)
        return note, self._believed(note, "source")

    def _own(self) -> str | None:
        note = self.log.checkpoint_note()
        if note is not None:
            self._believed(note, "mirror")
        return note

    def _believed(self, note: str, where: str) -> Checkpoint:
        head = parse_checkpoint(note)
        if head.origin != self.origin:
            raise IntegrityError("log.origin", expected=self.origin, found=head.origin)
        if not signed_by_any(note, self._keys):
            raise IntegrityError("mirror.signature", origin=self.origin, where=where)
        return head

    def _incoming(self) -> str | None:
        """The checkpoint of a copy that was cut off: its files are here beyond our own."""
        with translated():
            try:
                note = self._disk.read(self._folder / "work" / "incoming").decode("utf-8", "replace")
            except FileNotFoundError:
                return None
        self._believed(note, "mirror")
        return note

    def _require_begins(self, mine: str, note: str, head: Checkpoint) -> None:
        """The smaller tree of the source is the beginning of ours."""
        if head.size == 0:
            return
        own = parse_checkpoint(mine)
        root = self.log.root(head.size)
        if root != head.root:
            proof = tuple(self.log.consistency_proof(head.size, own.size))
            self._split(mine, note, Prefix(root, proof), head.size)

    def _require_extends(self, earlier: str, note: str, tiles: AuthenticTiles) -> None:
        before = parse_checkpoint(earlier)
        if before.size > tiles.head.size:
            return  # what was cut off lies beyond; it is looked at when the source has it again
        if before.size == tiles.head.size:
            if before.root != tiles.head.root:
                self._split(earlier, note, None, before.size)
            return
        other = tiles.extends(before)
        if other is not None:
            self._split(earlier, note, Prefix(*other), before.size)

    def _split(self, one: str, other: str, prefix: Prefix | None, size: int) -> None:
        found = find(self.origin, SignedHead(one), SignedHead(other), prefix)
        if found is not None:
            self._keep(found)
        raise IntegrityError("log.equivocation", origin=self.origin, size=size)

    # -- copying ------------------------------------------------------------------------------------------------------

    def _copy(self, source: Source, tiles: AuthenticTiles, recheck: bool, progress: Callable[[int, int], None]) -> int:
        size = tiles.head.size
        copied = 0
        for n, bundle, tile in self._bundles(source, tiles, recheck):
            width = min(TILE_WIDTH, size - n * TILE_WIDTH)
            place, hashes = TilePath(None, n, width), TilePath(0, n, width)
            if bundle is not None and tile is not None:
                good = tiles.check(hashes, tile) if width == TILE_WIDTH else tiles.tile(0, n)
                entries = decode_bundle(bundle)
                if len(entries) < width or b"".join(leaf_hashes(entries[:width])) != good:
                    raise IntegrityError("mirror.tile", path=str(place))
                with translated():
                    self._put(place, encode_bundle(entries[:width]))
                    self._put(hashes, good)
                copied += width
            if n % FLUSH == FLUSH - 1:
                with translated():
                    self._writer.flush()
            progress(min(size, (n + 1) * TILE_WIDTH), size)
        for level, full, width in tiles_at(size):
            if level is None or level == 0:
                continue
            for n in range(full + (1 if width else 0)):
                path = TilePath(level, n, width if n == full else TILE_WIDTH)
                if recheck or not self._disk.exists(self._folder / str(path)):
                    with translated():
                        self._put(path, tiles.tile(level, n))
        return copied

    def _bundles(
        self, source: Source, tiles: AuthenticTiles, recheck: bool
    ) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """(number, bundle, level-0 tile) in order, fetched ahead; None where both are here and needn't be looked at."""
        size = tiles.head.size

        def get(n: int) -> tuple[int, bytes | None, bytes | None]:
            width = min(TILE_WIDTH, size - n * TILE_WIDTH)
            place, hashes = TilePath(None, n, width), TilePath(0, n, width)
            if not recheck and all(self._disk.exists(self._folder / str(path)) for path in (place, hashes)):
                return n, None, None
            tile = b"" if width < TILE_WIDTH else self._fetch(source, hashes)
            return n, self._fetch(source, place), tile

        numbers = iter(range(-(-size // TILE_WIDTH)))
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mirror") as pool:
            ahead: list[Future[tuple[int, bytes | None, bytes | None]]] = []
            try:
                ahead += [pool.submit(get, n) for n in islice(numbers, AT_ONCE * 4)]
                while ahead:
                    found = ahead.pop(0).result()
                    ahead += [pool.submit(get, n) for n in islice(numbers, 1)]
                    yield found
            finally:
                for waiting in ahead:
                    waiting.cancel()

    def _fetch(self, source: Source, path: TilePath) -> bytes:
        for name in dict.fromkeys((str(path), path.full)):  # a source that has grown has only the full one
            data = source.file(name)
            if data is not None:
                return data
        raise IntegrityError("mirror.missing", path=str(path))

    def _put(self, path: TilePath, data: bytes) -> None:
        """A verified file; one of that name with other bytes was damaged here, and is put aside."""
        target = self._folder / str(path)
        if self._disk.exists(target) and self._disk.read(target) != data:
            aside = self._folder / "damaged"
            self._writer.ensure_folder(aside)
            name = str(path).replace("/", "-")
            taken = self._disk.names(aside)
            free = next(f"{name}.{i}" for i in count() if f"{name}.{i}" not in taken)
            self._disk.rename(target, aside / free)
            self._healed.append(str(path))
        self._writer.put(path, data)

    def _same(self, mine: str, note: str, head: Checkpoint) -> Mirrored:
        joined = _joined(mine, note)
        if joined != mine:
            with translated():
                self._publish(joined)
        return Mirrored(self.origin, "same", head.size, head.size, head.root, 0, ())

    def _publish(self, note: str) -> None:
        self._writer.publish(note.encode())


def _joined(mine: str, note: str) -> str:
    """Our note with the lines that witnesses have added since."""
    return with_cosignatures(mine, parse_note(note).signatures)
