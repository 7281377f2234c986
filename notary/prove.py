"""Proofs out: receipts at the newest stage that can be shown, one or many.

promised → included → anchored (formats.md §6). An anchor that vanished from the chain vanishes here too, because every
answer is made anew from the log's files, the kept checkpoints and what the index of the chain says now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ledger.crypto.log_keys import LogKeyFiles
from ledger.errors import InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.ports import Signer
from ledger.types import Anchor, Digest, LogId, Origin
from notary.checkpoint import parse_checkpoint, parse_note
from notary.cosignature import cosigners, with_cosignatures
from notary.entry import Entry
from notary.entry import log_id as log_id_of
from notary.packed import Packed, join
from notary.processes import Processes, sign_promises
from notary.receipt import Evidence, Inclusion, NoEvidence, Receipt, ReceiptAnchor
from notary.receipts import Bundle
from notary.stores.cosignatures import lines_of, sizes_from
from notary.stores.erasures import ErasureStore
from notary.stores.records import LogRow, RecordStore, position_of
from notary.stores.tiles import TileLog
from notary.trust_file import WitnessKey
from notary.vault import Vault

MAX_BUNDLE = 10_000
"""Receipts of one bundle; with paths that stays under its 16 MiB at any size of log."""
MANY_PROMISES = 500
LATER_HEADS = 8
"""Later cosigned checkpoints that are looked at where the earliest anchored one lacks witnesses."""
Witnesses = Callable[[], tuple[int, Sequence[WitnessKey]]]
"""How many witnesses are needed, and the known ones, as the trust file has them now."""


class AnchorIndex(Protocol):
    """What the index of the chain tells: only anchors that are final by the network's rule."""

    def anchor_for(self, log_id: LogId, index: int) -> Anchor | None:
        """The earliest anchor whose size is greater than `index`."""
        ...

    def log_head(self, log_id: LogId) -> tuple[int, Digest] | None:
        """(size, root) of the newest anchor; size 0 before the first, None while the log isn't opened."""
        ...

    def closed_at(self, log_id: LogId) -> int | None:
        """The last good size of a log that the Council closed; None while it is open."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint that receipts can rest on, and its anchor if the chain holds it."""

    note: str
    size: int
    anchor: Anchor | None


class Prover:
    """Receipts from log, kept checkpoints and index."""

    def __init__(
        self,
        store: RecordStore,
        logs: Mapping[Origin, TileLog],
        signers: Mapping[Origin, Signer],
        vault: Vault,
        anchors: AnchorIndex,
        *,
        processes: Processes | None = None,
        evidence: Callable[[Anchor], Evidence] = lambda anchor: NoEvidence(),
        witnesses: Witnesses = lambda: (0, ()),
    ) -> None:
        self._witnesses = witnesses
        self._store, self._logs, self._signers, self._vault = store, logs, signers, vault
        self._anchors, self._processes, self._evidence = anchors, processes, evidence
        self._at_start = {origin: signer.public_key for origin, signer in signers.items()}

    def receipt(self, origin: Origin, index: int, *, salted: bool) -> Receipt:
        """The newest receipt of one entry; with its salt for the owner only. NotFoundError beyond the log's end."""
        log, position = self._place(origin, index)
        raw = self.entry(origin, index)
        with self._store.reading() as connection:
            sealed = self._store.salted(connection, [position]).get(position) if salted else None
            gone = ErasureStore(self._store).erased(connection, position) if salted and sealed is None else None
        if gone is not None:
            raise gone.refusal(origin, index)
        entry = Entry.from_bytes(raw)
        salt = None if sealed is None else self._vault.open_keys(entry.sha256, sealed)[1]
        receipt = Receipt(entry, origin, index, salt)
        head = self.head(log, index)
        if head is None:
            return replace(receipt, promise=self.promises(origin, index, [raw])[0])
        path = self._logs[origin].inclusion_path(index, head.size)
        receipt = replace(receipt, inclusion=Inclusion(head.size, tuple(path)), checkpoint=head.note)
        if head.anchor is None:
            return receipt
        return replace(receipt, anchor=ReceiptAnchor.of(head.anchor), evidence=self._evidence(head.anchor))

    def receipts(self, origin: Origin, first: int, count: int) -> Bundle:
        """`count` consecutive receipts in one file, without salts, at the stage that all of them have reached."""
        if not 1 <= count <= MAX_BUNDLE:
            raise InputError("notary.bundle_count", limit=MAX_BUNDLE, found=count)
        log, _ = self._place(origin, first)
        with self._store.reading() as connection:
            entries = Packed(self._store.joined_from(connection, log.id, first, count))
        if len(entries) < count:
            raise NotFoundError("notary.no_entry", origin=origin, index=first + count - 1)
        return self.bundle(log, first, entries)

    def bundle(self, log: LogRow, first: int, entries: Sequence[bytes]) -> Bundle:
        """The bundle of entries that are known already."""
        origin = log.origin
        head = self.head(log, first + len(entries) - 1)
        if head is None:
            return Bundle(origin, first, join(entries), b"".join(self.promises(origin, first, entries)))
        paths = tuple(self._logs[origin].inclusion_paths(first, len(entries), head.size))
        bundle = Bundle(origin, first, join(entries), None, head.note, head.size, paths)
        if head.anchor is None:
            return bundle
        return replace(bundle, anchor=ReceiptAnchor.of(head.anchor), evidence=self._evidence(head.anchor))

    def promises(self, origin: Origin, first: int, entries: Sequence[bytes]) -> list[bytes]:
        """Promises for consecutive entries; UnavailableError while they aren't durable in the log's own files.

        Ed25519 signatures are deterministic, so a promise asked for again is the same bytes.
        """
        if self._logs[origin].durable_size() < first + len(entries):
            raise UnavailableError("notary.not_durable", retry_after=1.0)
        return self.sign(origin, first, entries)

    def sign(self, origin: Origin, first: int, entries: Sequence[bytes]) -> list[bytes]:
        """Promises for entries that the caller knows to be durable."""
        log_id, signer = log_id_of(origin), self._signer_at(origin, first)
        if signer.public_key != self._signer_at(origin, first + len(entries) - 1).public_key:
            return [self.sign(origin, first + at, [entry])[0] for at, entry in enumerate(entries)]
        many = len(entries) >= MANY_PROMISES and signer.public_key == self._at_start.get(origin)
        if self._processes is not None and many:  # its processes have the keys that there were at the start
            return self._processes.sign(origin, log_id, first, entries)
        return sign_promises(signer, log_id, first, entries)

    def _signer_at(self, origin: Origin, index: int) -> Signer:
        """The key that promises this index: after a rotation earlier ones stay with theirs."""
        signer = self._signers[origin]
        return signer.at(index) if isinstance(signer, LogKeyFiles) else signer

    def head(self, log: LogRow, last: int) -> Head | None:
        """The best checkpoint over all entries up to `last`: the earliest anchored, else the log's newest, else None.

        Where witnesses are needed: the earliest anchored one that has them, if there is one; one that isn't anchored
        counts only with them, and until then there is the promise (verification.md, check 5). IntegrityError
        `log.equivocation` where the chain holds another root than the one that this log signed.
        """
        anchored = self._anchored(log, last)
        if anchored is not None:
            if self._enough(anchored.note):
                return anchored
            with self._store.reading() as connection:
                sizes = sizes_from(connection, log.id, anchored.size, LATER_HEADS)
            later = (self._anchored(log, size - 1) for size in sizes)
            return next((one for one in later if one is not None and self._enough(one.note)), anchored)
        note = self.newest_note(log.origin)
        if note is None:
            return None
        size = parse_checkpoint(note).size
        return Head(note, size, None) if size > last and self._enough(note) else None

    def newest_note(self, origin: Origin) -> str | None:
        """The log's newest checkpoint with what witnesses signed under it; None before the first."""
        note = self._logs[origin].checkpoint_note()
        return None if note is None else self._cosigned(origin, note)

    def _anchored(self, log: LogRow, last: int) -> Head | None:
        anchor = self._anchors.anchor_for(log.log_id, last)
        if anchor is None:
            return None
        with self._store.reading() as connection:
            kept = self._store.checkpoint(connection, log.id, anchor.size)
        if kept is None:
            return None
        if kept.root != anchor.root:
            raise IntegrityError("log.equivocation", origin=log.origin, size=anchor.size)
        return Head(self._cosigned(log.origin, kept.note), kept.size, anchor)

    def _cosigned(self, origin: Origin, note: str) -> str:
        """The note with its witnesses' lines; as it is where there are no witnesses to ask for."""
        if not self._witnesses()[1]:
            return note
        with self._store.reading() as connection:
            log = self._store.log(connection, origin)
            lines = [] if log is None else lines_of(connection, log.id, parse_checkpoint(note).size)
        return with_cosignatures(note, lines) if lines else note

    def _enough(self, note: str) -> bool:
        needed, known = self._witnesses()
        return needed == 0 or len(cosigners(parse_note(note), known)) >= needed

    def checkpoint_at(self, origin: Origin, size: int) -> str | None:
        """The signed note of exactly this size: every one that was anchored is kept, and the newest is there."""
        with self._store.reading() as connection:
            log = self._store.log(connection, origin)
            kept = None if log is None else self._store.checkpoint(connection, log.id, size)
        if kept is not None:
            return self._cosigned(origin, kept.note)
        note = self.newest_note(origin)
        return note if note is not None and parse_checkpoint(note).size == size else None

    def entry(self, origin: Origin, index: int) -> bytes:
        """The 92 bytes at a place; NotFoundError beyond the log's end."""
        _, position = self._place(origin, index)
        with self._store.reading() as connection:
            raw = self._store.entry(connection, position)
        if raw is None:
            raise NotFoundError("notary.no_entry", origin=origin, index=index)
        return raw

    def position(self, origin: Origin, index: int) -> int:
        """The database's key of an entry; NotFoundError beyond the log's end."""
        return self._place(origin, index)[1]

    def _place(self, origin: Origin, index: int) -> tuple[LogRow, int]:
        if origin not in self._logs:
            raise NotFoundError("notary.no_log", origin=origin)
        with self._store.reading() as connection:
            log = self._store.log(connection, origin)
        if log is None or not 0 <= index < log.next_index:
            raise NotFoundError("notary.no_entry", origin=origin, index=index)
        return log, position_of(log.id, index)
