"""The log on disk: pending bundles, tiles and the checkpoint of one origin.

The commit order is written into `Appending.append` and `TileLog.seal`; a crash at any line of them leaves a state that
the next call continues from, and no state lives in memory that the files don't show. Appending holds append.lock,
sealing seal.lock, so any process may do either. Layout: formats.md §4; order: architecture.md.
Over 300 lines: appending, sealing and reading share files, locks and that order.

    checkpoint              the newest signed head, replaced by rename
    tile/…                  C2SP tlog-tiles; full tiles never change
    pending/<first index>   durable entries that aren't in tiles yet
    damaged/                what wasn't a whole pending bundle, kept to be looked at
    work/                   files without a name yet; emptied whenever a lock is taken
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ledger.errors import DeniedError, InputError, IntegrityError, NotFoundError, UnreadableError
from ledger.ports import Signer
from ledger.types import Digest, Origin
from notary.batch import Waiting
from notary.checkpoint import TILE_WIDTH, Checkpoint, parse_checkpoint, sign_checkpoint
from notary.log import (
    Head,
    Span,
    TilePath,
    check_append,
    check_extends,
    check_same,
    durable_end,
    newly_full,
    parse_tile_path,
)
from notary.merkle import consistency_proof_from, inclusion_path_from, root_from
from notary.stores.disk import Disk, translated
from notary.stores.pending import Pending
from notary.stores.tile_files import TileReader, TileWriter
from notary.stores.tree import TreeBuilder, joined_paths, leaf_hashes

Permit = Callable[[TilePath], bool]
"""Whether this caller may read this file (formats.md §3: shards of kinds 3–5 are for members and auditors)."""


class TileLog:
    """One log. Every method may raise UnavailableError `disk.full` or `disk.failed`: then nothing was taken."""

    def __init__(self, directory: Path, origin: Origin, *, disk: Disk | None = None) -> None:
        """`directory` is made by the first append, its parent must exist. Nothing is read or written here."""
        self.directory = Path(directory).absolute()
        self.origin = origin
        self.disk = disk or Disk()
        self.pending = Pending(self.directory, origin, self.disk)
        self._reader = TileReader(self.directory, self.disk)
        self._writer = TileWriter(self.directory, self.disk)
        self._prepared = False
        self._published: str | None = None

    # Reading: no lock. What is read is immutable, or replaced in one step.

    def checkpoint_note(self) -> str | None:
        """The signed note of the newest checkpoint; None before the first."""
        with translated():
            try:
                return self.disk.read(self.directory / "checkpoint").decode()
            except FileNotFoundError:
                return None
            except UnicodeDecodeError as error:
                raise IntegrityError("log.checkpoint_torn", origin=self.origin) from error

    def checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint, its signature unchecked. IntegrityError `log.origin` if it is another log's."""
        head = self.head()
        return head[0] if head else None

    def head(self) -> tuple[Checkpoint, str] | None:
        """The newest checkpoint and the note that it was read from: one read, so the two belong together."""
        note = self.checkpoint_note()
        if note is None:
            return None
        try:
            found = parse_checkpoint(note)
        except UnreadableError as error:  # its name was given when its bytes were durable: the disk lost them since
            raise IntegrityError("log.checkpoint_torn", origin=self.origin) from error
        if found.origin != self.origin:
            raise IntegrityError("log.origin", expected=self.origin, found=found.origin)
        return found, note

    def sealed_size(self) -> int:
        """Entries under the checkpoint."""
        head = self.head()
        return head[0].size if head else 0

    def durable_size(self) -> int:
        """Entries that no crash can lose: sealed ones and pending ones."""
        with translated():
            spans = self.pending.spans()  # before the checkpoint: what vanishes from here has moved there
        return durable_end(self.sealed_size(), spans)

    def waiting(self) -> Waiting:
        """Entries that wait to be sealed, and since when (batch.py)."""
        with translated():
            spans = self.pending.spans()
            sealed = self.sealed_size()
            count = durable_end(sealed, spans) - sealed
            ahead = [span.first for span in spans if span.end > sealed]
            return Waiting(count, self.pending.since(ahead[0]) if count and ahead else None)

    def entry(self, index: int) -> bytes:
        """The entry at a durable index; NotFoundError `log.index_unknown` beyond."""
        return self.entries(index, index + 1)[0]

    def entries(self, start: int, end: int) -> list[bytes]:
        """Entries `start … end-1`, sealed and pending ones; NotFoundError if one isn't durable."""
        if not 0 <= start <= end:
            raise InputError("log.index_range", first=start, count=end - start)
        with translated():
            for _ in range(3):  # sealing moves entries from pending to tiles; looking again finds them there
                sealed = self.sealed_size()
                split = max(start, min(end, sealed))
                try:
                    pending = [entry for chunk in self.pending.chunks(split, end) for entry in chunk]
                except FileNotFoundError:
                    if self.sealed_size() > sealed:
                        continue
                    break
                return [*self._reader.entries(start, split, sealed), *pending]
        raise NotFoundError("log.index_unknown", index=end - 1, size=self.durable_size())

    def inclusion_path(self, index: int, size: int) -> list[bytes]:
        """Path of entry `index` in the tree of `size`, which may be any sealed size (RFC 9162 §2.1.3.1)."""
        stored = self._check_size(size)
        with translated():
            return inclusion_path_from(size, index, self._reader.node(stored))

    def inclusion_paths(self, first: int, count: int, size: int) -> list[bytes]:
        """Paths of `count` entries from `first`, the nodes of each joined, as chuzheng-receipts/1 holds them."""
        stored = self._check_size(size)
        if first < 0 or count < 0 or first + count > size:
            raise InputError("log.index_range", first=first, count=count)
        with translated():
            return joined_paths(first, count, size, self._reader.at(stored))

    def consistency_proof(self, size1: int, size2: int) -> list[bytes]:
        """Proof that the tree of `size2` extends that of `size1` (RFC 9162 §2.1.4.1); 0 < size1 <= size2 <= sealed."""
        stored = self._check_size(size2)
        with translated():
            return consistency_proof_from(size1, size2, self._reader.node(stored))

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Leaf hashes of sealed entries `start … end-1`, as the tiles have them."""
        stored = self._check_size(end)
        with translated():
            node = self._reader.node(stored)
            return [node(0, index) for index in range(start, end)]

    def root(self, size: int) -> Digest:
        """The root that the tiles have at a sealed size."""
        stored = self._check_size(size)
        with translated():
            return root_from(size, self._reader.node(stored))

    def tile_bytes(self, path: str, *, permit: Permit | None = None) -> bytes:
        """A file of the layout for serving, `tile/…` only. InputError for any other spelling; NotFoundError where
        there's no such file under the checkpoint; DeniedError where `permit` says no, before looking."""
        wanted = parse_tile_path(path)
        if permit is not None and not permit(wanted):
            raise DeniedError("tiles.not_public")
        if wanted.needs_size <= self.sealed_size():  # what a crashed seal left beyond isn't part of the log yet
            with translated():
                try:
                    return self.disk.read(self.directory / path)
                except FileNotFoundError:
                    pass
        raise NotFoundError("tiles.unknown", path=path)

    # Writing.

    @contextmanager
    def appending(self) -> Iterator[Appending]:
        """Holds append.lock: while it is held, no index is given out elsewhere."""
        with ExitStack() as stack:
            with translated():
                self._prepare()
                stack.enter_context(self.disk.locked(self.directory / "append.lock"))
                spans = self.pending.settle()
            yield Appending(self, spans)

    def seal(
        self,
        signer: Signer,
        key_name: str,
        *,
        extends: Sequence[Head] = (),
        limit: int | None = None,
        may_sign: Callable[[], None] = lambda: None,
    ) -> Checkpoint | None:
        """Moves pending entries into tiles under a new checkpoint; None if nothing waits. At most `limit` entries.

        `extends` are heads that others hold (anchored, or in the record store): what is signed must extend each, so a
        log that was restored from an old copy refuses to sign until its entries are appended again.
        """
        with ExitStack() as stack:
            with translated():
                self._prepare()
                stack.enter_context(self.disk.locked(self.directory / "seal.lock"))
                self._writer.clear()
                builder = self._continue()
                before = Head(builder.size, builder.root())
                self._forget(before.size)
                end = durable_end(before.size, self.pending.spans())
                if limit is not None:
                    end = min(end, before.size + limit)
                if end == before.size:
                    return None
                # 1. Tiles and entry bundles: files, then their folders. A crash leaves files beyond the checkpoint,
                #    which nobody is served and which the next seal finds to be the same.
                for chunk in self.pending.chunks(before.size, end):
                    for path, data in builder.add(chunk):
                        self._writer.put(path, data)
                for path, data in builder.finish():
                    self._writer.put(path, data)
                self._writer.flush()
                after = Head(builder.size, builder.root())
                self._check_heads([before, *extends], after)
            # 2. Only now is a head signed: whatever it covers can be read back. `may_sign` raises if this process slept
            #    and another site took over meanwhile.
            may_sign()
            checkpoint = Checkpoint(self.origin, after.size, Digest(after.root))
            note = sign_checkpoint(checkpoint, key_name, signer)
            with translated():
                # 3. The checkpoint, by rename. Before this line the old one is in force, after it the new one.
                self._writer.publish(note.encode())
                self._published = note
                # 4. What it made superfluous. A crash here leaves it to the next seal.
                self._forget(after.size)
            return checkpoint

    def _continue(self) -> TreeBuilder:
        """The tree at the checkpoint, from its tiles; IntegrityError unless they have the checkpoint's root."""
        checkpoint = self.checkpoint()
        if checkpoint is None:
            return TreeBuilder()
        size = checkpoint.size
        bundle = self._reader.entries(size - size % TILE_WIDTH, size, size)
        builder = TreeBuilder(size, self._reader.at(size), bundle)
        check_extends(Head(size, checkpoint.root), Head(builder.size, builder.root()))
        if size % TILE_WIDTH and leaf_hashes(bundle) != builder.open_leaves:
            raise IntegrityError("tiles.differ", path=str(TilePath(None, size // TILE_WIDTH, size % TILE_WIDTH)))
        return builder

    def _check_heads(self, heads: Sequence[Head], after: Head) -> None:
        for head in heads:
            if 0 < head.size < after.size:
                found = root_from(head.size, self._reader.node(after.size))
                check_extends(head, Head(head.size, found))
            else:
                check_extends(head, after)

    def _forget(self, sealed: int) -> None:
        """Removes pending bundles that the checkpoint covers, after the partial tiles that became full with them: so
        a leftover bundle is the sign of an unfinished cleaning, and nothing else need be remembered."""
        covered = [span for span in self.pending.spans() if span.end <= sealed]
        if not covered:
            return
        if self.checkpoint_note() != self._published:
            # Another process published it, and may have died before its name was durable.
            self.disk.sync_folder(self.directory)
        for path in newly_full(covered[0].first, sealed):
            self._writer.remove_partials(path)
        self.pending.drop(covered)

    def _prepare(self) -> None:
        if not self._prepared:
            below = (self.directory / "tile", self.directory / "work", self.pending.work, self._writer.work)
            for folder in (self.directory, self.pending.folder, *below):
                self._writer.ensure_folder(folder)
            self._prepared = True

    def _check_size(self, size: int) -> int:
        stored = self.sealed_size()
        if not 0 <= size <= stored:
            raise NotFoundError("log.size_unknown", found=size, size=stored)
        return stored


class Appending:
    """The right to append, while append.lock is held."""

    def __init__(self, log: TileLog, spans: Sequence[Span]) -> None:
        self._log = log
        self.durable_size = durable_end(log.sealed_size(), spans)
        """The next index."""
        self._beyond = [span for span in spans if span.first > self.durable_size]
        """Bundles after a damaged one: what they hold stays taken, and joins when the gap is filled."""

    def append(self, first_index: int, entries: Sequence[bytes]) -> None:
        """Makes entries `first_index …` durable; when it returns, promises for them may be given.

        Indexes that are durable already must hold the same bytes: then this does nothing, so a caller may send again
        after any failure. IntegrityError `log.gap` or `log.index_taken` otherwise. One call is all or nothing.
        """
        log = self._log
        have = check_append(self.durable_size, first_index, len(entries))
        if have:
            check_same(first_index, log.entries(first_index, first_index + have), entries[:have])
        new = entries[have:]
        if not new:
            return
        start, end = self.durable_size, self.durable_size + len(new)
        with translated():
            for span in self._beyond:
                if start < span.end and span.first < end:
                    low, high = max(start, span.first), min(end, span.end)
                    stored = log.pending.read(span)[low - span.first : high - span.first]
                    check_same(low, stored, new[low - start : high - start])
            log.pending.write(start, new)
        self.durable_size = durable_end(end, self._beyond)
