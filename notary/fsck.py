"""Rebuild a log from its entries alone and compare all else with that: tiles, checkpoint, anchors, records.

Trusts nothing that is stored but the entries, writes nothing, takes no lock: what a checkpoint covers never changes.
Findings are errors that are not raised, because one wrong file must not hide the next. Memory doesn't grow with size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain

from ledger.errors import ChuzhengError, IntegrityError, UnreadableError
from ledger.types import Digest
from notary.checkpoint import TILE_WIDTH, Checkpoint, parse_checkpoint
from notary.entry import Entry, parse_origin
from notary.log import Head, TilePath, durable_end, parse_tile_path
from notary.rotation import LogKeys
from notary.stores.bundles import decode_bundle, encode_bundle
from notary.stores.tiles import TileLog
from notary.stores.tree import TreeBuilder

Row = tuple[int, bytes]
"""Log index and the 92 bytes that the record store has for it."""
Kept = tuple[int, bytes, str]
"""Size, root and signed note of a checkpoint that was handed to the chain."""
_CHAIN, _STORE = "fsck.anchor_differs", "fsck.kept_differs"
MAX_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class LogReport:
    """What fsck found in one log; sizes in entries."""

    origin: str
    sealed: int
    durable: int
    root: bytes
    """Rebuilt from the entries, at `checked`."""
    checked: int
    """Sealed entries that could be read; less than `sealed` where a bundle is missing or broken."""
    rows_ahead: int
    """Rows that aren't in the log yet: the service appends them when it starts, so they are no finding."""
    findings: tuple[ChuzhengError, ...]

    @property
    def sound(self) -> bool:
        return not self.findings


def fsck(
    log: TileLog,
    *,
    keys: LogKeys | None = None,
    anchors: Iterable[Head] = (),
    rows: Iterable[Row] | None = None,
    kept: Iterable[Kept] = (),
    check_entries: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> LogReport:
    """Check one log. `keys` are the log's verifier keys, `anchors` the heads that the chain holds,
    `rows` all rows of the record store by rising index (None: not compared), `kept` its checkpoints by rising size;
    `check_entries` also reads each entry (formats.md §3); `progress(done, of)` is called after each bundle. Raises only
    what makes looking impossible (UnavailableError).
    """
    fresh = TileLog(log.directory, log.origin, disk=log.disk)  # remembers nothing of what it read before
    held = sorted(((head.size, head.root, _CHAIN, "") for head in anchors if head.size), key=lambda head: head[0])
    stored = ((size, root, _STORE, note) for size, root, note in kept)
    return _Check(fresh, keys, merge(held, stored, key=lambda head: head[0]), rows, check_entries).run(progress)


class _Check:
    def __init__(
        self,
        log: TileLog,
        keys: LogKeys | None,
        heads: Iterator[tuple[int, bytes, str, str]],
        rows: Iterable[Row] | None,
        check_entries: bool,
    ) -> None:
        self.log = log
        self.keys = keys
        self.heads = heads
        self.next_head = next(heads, None)
        self.rows = None if rows is None else iter(rows)
        self.next_row: Row | None = None
        self.issuer = parse_origin(log.origin).issuer if check_entries else None
        self.findings: list[ChuzhengError] = []
        self.builder = TreeBuilder()

    def found(self, error: ChuzhengError) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(error)

    def run(self, progress: Callable[[int, int], None] | None) -> LogReport:
        spans = self.log.pending.spans()
        checkpoint = self.checkpoint()
        sealed = checkpoint.size if checkpoint else 0
        durable = durable_end(sealed, spans)
        self.advance_rows()
        for n in range(-(-sealed // TILE_WIDTH)):
            entries = self.bundle(n, min(TILE_WIDTH, sealed - n * TILE_WIDTH))
            if entries is None:
                break
            self.entries(n * TILE_WIDTH, entries)
            self.grow(entries)
            if progress is not None:
                progress(self.builder.size, sealed)
        for path, data in self.builder.finish():
            self.tile(path, data)
        root = self.builder.root()
        if self.builder.size == sealed:
            if checkpoint and checkpoint.root != root:
                self.found(
                    IntegrityError("log.root_differs", size=sealed, expected=root.hex(), found=checkpoint.root.hex())
                )
            while self.next_head is not None:
                size, _, what, _ = self.next_head
                if size > sealed:
                    code = "fsck.behind_anchor" if what == _CHAIN else "fsck.behind_kept"
                    self.found(IntegrityError(code, anchored=size, sealed=sealed))
                self.advance_heads()
        self.pending(sealed, durable)
        self.strays()
        ahead = sum(1 for _ in self.rest_of_rows(durable if self.builder.size == sealed else self.builder.size))
        return LogReport(self.log.origin, sealed, durable, root, self.builder.size, ahead, tuple(self.findings))

    def checkpoint(self) -> Checkpoint | None:
        try:
            checkpoint = self.log.checkpoint()
            note = self.log.checkpoint_note()
            signed = checkpoint is None or note is None or self.keys is None or self.keys.signed(note, checkpoint.size)
            if self.keys is not None and not signed:
                self.found(IntegrityError("fsck.checkpoint_signature", key=self.keys.now.name))
            return checkpoint
        except (UnreadableError, IntegrityError, UnicodeDecodeError) as error:
            own = error if isinstance(error, ChuzhengError) else UnreadableError("checkpoint.form")
            self.found(own)
            return None

    def bundle(self, n: int, width: int) -> list[bytes] | None:
        path = TilePath(None, n, width)
        for name in dict.fromkeys((str(path), path.full)):  # the full one may have come meanwhile
            data = self.read(name)
            if data is None:
                continue
            try:
                entries = decode_bundle(data)
            except IntegrityError:
                self.found(IntegrityError("fsck.bundle", path=name, expected=width))
                return None
            if len(entries) < width:
                self.found(IntegrityError("fsck.bundle", path=name, expected=width))
                return None
            return entries[:width]
        self.found(IntegrityError("tiles.missing", path=str(path)))
        return None

    def entries(self, first: int, entries: list[bytes]) -> None:
        """Each entry against the format and against its row."""
        for index, entry in enumerate(entries, first):
            if self.issuer is not None:
                try:
                    issuer = Entry.from_bytes(entry).issuer
                except ChuzhengError:
                    self.found(IntegrityError("fsck.entry_unreadable", index=index))
                else:
                    if issuer != self.issuer:
                        self.found(IntegrityError("fsck.entry_issuer", index=index, expected=self.issuer, found=issuer))
            if self.rows is not None:
                while self.next_row is not None and self.next_row[0] < index:
                    self.found(IntegrityError("fsck.row_order", index=self.next_row[0]))
                    self.advance_rows()
                if self.next_row is None or self.next_row[0] != index:
                    self.found(IntegrityError("fsck.row_missing", index=index))
                    continue
                if self.next_row[1] != entry:
                    self.found(IntegrityError("fsck.row_differs", index=index))
                self.advance_rows()

    def grow(self, entries: list[bytes]) -> None:
        """Adds entries, stopping at every anchored size on the way to compare its root."""
        at = 0
        while at < len(entries):
            stop = len(entries)
            if self.next_head is not None:
                stop = min(stop, at + self.next_head[0] - self.builder.size)
            for path, data in self.builder.add(entries[at:stop]):
                self.tile(path, data)
            at = stop
            while self.next_head is not None and self.next_head[0] == self.builder.size:
                self.head(*self.next_head, self.builder.root())
                self.advance_heads()

    def head(self, size: int, expected: bytes, what: str, note: str, root: bytes) -> None:
        """A head that somebody else holds against the rebuilt root of its size."""
        if expected != root:
            self.found(IntegrityError(what, size=size, expected=expected.hex(), found=root.hex()))
        if what == _STORE and not good_note(self.log.origin, size, expected, note, self.keys):
            self.found(IntegrityError("fsck.kept_note", size=size))

    def advance_heads(self) -> None:
        self.next_head = next(self.heads, None)

    def tile(self, path: TilePath, data: bytes) -> None:
        """A rebuilt tile against the stored one, and against every narrower one of its place."""
        stored = self.read(str(path))
        if stored is None and path.width < TILE_WIDTH:
            full = self.read(path.full)
            stored = None if full is None else full[: len(data)]
        if stored is None:
            self.found(IntegrityError("tiles.missing", path=str(path)))
        elif stored != data:
            self.found(IntegrityError("tiles.differ", path=str(path)))
        for name in self.log.disk.names(self.log.directory / path.partials):
            if not name.isdigit() or int(name) >= path.width:
                continue
            narrow = TilePath(path.level, path.n, int(name))
            prefix = (
                encode_bundle(decode_bundle(data)[: narrow.width]) if path.level is None else data[: 32 * int(name)]
            )
            if self.read(str(narrow)) not in (prefix, None):
                self.found(IntegrityError("tiles.differ", path=str(narrow)))

    def pending(self, sealed: int, durable: int) -> None:
        """Pending bundles: whole, without a gap, the same bytes as what is sealed, and with rows."""
        for name in self.log.pending.damaged():
            self.found(IntegrityError("fsck.pending_damaged", name=name))
        at = sealed
        for span in self.log.pending.spans():
            if span.first > durable:
                self.found(IntegrityError("fsck.pending_gap", expected=durable, found=span.first))
                return
            try:
                entries = self.log.pending.read(span)
            except FileNotFoundError:
                continue  # sealed meanwhile
            overlap = min(span.end, at) - span.first
            if overlap > 0 and at <= self.log.sealed_size():
                try:
                    stored = self.log.entries(span.first, span.first + overlap)
                except IntegrityError as error:  # the checkpoint's size may be what is wrong
                    self.found(error)
                    return
                if stored != entries[:overlap]:
                    self.found(IntegrityError("log.index_taken", index=span.first))
            if span.end > at and self.builder.size >= sealed:
                self.entries(at, entries[at - span.first :])
                at = span.end

    def strays(self) -> None:
        """Files under tile/ that the layout doesn't know."""
        for name in self._files("tile"):
            try:
                parse_tile_path(name)
            except ChuzhengError:
                if self.read(name) is not None:  # an empty folder is what a crash left of making or cleaning it
                    self.found(IntegrityError("fsck.stray", path=name))

    def _files(self, folder: str) -> Iterator[str]:
        for name in sorted(self.log.disk.names(self.log.directory / folder)):
            path = f"{folder}/{name}"
            if self.log.disk.names(self.log.directory / path):
                yield from self._files(path)
            else:
                yield path

    def advance_rows(self) -> None:
        self.next_row = next(self.rows, None) if self.rows is not None else None

    def rest_of_rows(self, durable: int) -> Iterator[Row]:
        if self.rows is None or self.next_row is None:
            return
        for row in chain([self.next_row], self.rows):
            if row[0] >= durable:
                yield row
            else:
                self.found(IntegrityError("fsck.row_order", index=row[0]))

    def read(self, path: str) -> bytes | None:
        try:
            return self.log.disk.read(self.log.directory / path)
        except FileNotFoundError:
            return None


def good_note(origin: str, size: int, root: bytes, note: str, keys: LogKeys | None) -> bool:
    """Whether a kept checkpoint is of this head, and the log's (None: its signature isn't looked at)."""
    try:
        same = parse_checkpoint(note) == Checkpoint(origin, size, Digest(root))
        return same and (keys is None or keys.signed(note, size))
    except UnreadableError:
        return False
