"""`.tlog-proof`: an entry's inclusion as other transparency logs' tools read it (c2sp.org/tlog-proof@v1).

Pure. The proof is index, path and the signed checkpoint as text; the leaf data are the entry's 92 bytes, which travel
as `extra`, so that the file stands alone. `extra` is not covered by the proof until the leaf is recomputed from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.errors import InputError, UnreadableError
from ledger.types import Origin
from notary.b64 import from_b64, to_b64
from notary.checkpoint import MAX_NOTE_BYTES, MAX_SIZE, parse_checkpoint
from notary.entry import ENTRY_BYTES, Entry, leaf_of, parse_origin
from notary.merkle import path_length, verify_inclusion
from notary.receipt import Receipt
from notary.receipt_parts import MAX_PATH, Inclusion

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
MEDIA_TYPE = "text/plain; charset=utf-8"
MAX_BYTES = 128 << 10
_INDEX = re.compile(r"0|[1-9][0-9]{0,15}")
_HASH = 32


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Index, path (32 bytes each), signed note; `extra` is opaque to the format, in ours the entry's bytes."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    @staticmethod
    def of(receipt: Receipt) -> TlogProof:
        """Of an included receipt; InputError before. Salt, anchor and evidence have no place in this format."""
        if receipt.inclusion is None or receipt.checkpoint is None:
            raise InputError("receipt.not_included")
        path = tuple(receipt.inclusion.path)
        return TlogProof(receipt.index, path, receipt.checkpoint, receipt.entry.to_bytes())

    def to_bytes(self) -> bytes:
        """The file, UTF-8."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {to_b64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [to_b64(node) for node in self.path]
        return ("\n".join(lines) + "\n\n" + self.checkpoint).encode()

    def proves(self, leaf_data: bytes) -> bool:
        """Whether the entry's bytes lie at `index` under the checkpoint's root; signatures are the caller's matter."""
        head = parse_checkpoint(self.checkpoint)
        return verify_inclusion(self.index, head.size, leaf_of(leaf_data), list(self.path), head.root)

    def receipt(self) -> Receipt:
        """The receipt that the file is a copy of, as far as it holds it. UnreadableError where `extra` is no entry of
        ours."""
        if self.extra is None:
            raise UnreadableError("tlog_proof.no_entry")
        entry = Entry.from_bytes(self.extra)
        head = parse_checkpoint(self.checkpoint)
        inclusion = Inclusion(head.size, self.path)
        parse_origin(head.origin)
        return Receipt(entry, Origin(head.origin), self.index, inclusion=inclusion, checkpoint=self.checkpoint)


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Read a file strictly; UnreadableError names the line that isn't as the format says."""
    if len(data) > MAX_BYTES:
        raise UnreadableError("format.too_long", where=SUFFIX, member="file", limit=MAX_BYTES)
    try:
        head, gap, note = data.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise UnreadableError("tlog_proof.line", line=1) from None
    if not gap or len(note) > MAX_NOTE_BYTES:
        raise UnreadableError("tlog_proof.line", line=head.count("\n") + 1)
    lines = head.split("\n")
    if lines[0] != HEADER:
        raise UnreadableError("format.unknown", expected=HEADER)
    extra, at = None, 1
    if len(lines) > at and lines[at].startswith("extra "):
        extra = _base64(lines[at][6:], at)
        if len(extra) != ENTRY_BYTES:
            raise UnreadableError("tlog_proof.no_entry")
        at += 1
    if len(lines) <= at or not lines[at].startswith("index ") or not _INDEX.fullmatch(lines[at][6:]):
        raise UnreadableError("tlog_proof.line", line=at + 1)
    index = int(lines[at][6:])
    rest = lines[at + 1 :]
    checkpoint = parse_checkpoint(note)
    if index >= checkpoint.size or checkpoint.size >= MAX_SIZE:
        raise UnreadableError("receipt.index", where=SUFFIX, index=index, size=checkpoint.size)
    expected = path_length(index, checkpoint.size)
    if len(rest) > MAX_PATH or len(rest) != expected:
        raise UnreadableError("receipt.path_length", where=SUFFIX, expected=expected, found=len(rest))
    path = tuple(_base64(line, number, _HASH) for number, line in enumerate(rest, at + 1))
    return TlogProof(index, path, note, extra)


def _base64(text: str, number: int, length: int | None = None) -> bytes:
    data = from_b64(text)
    if data is None or (length is not None and len(data) != length):
        raise UnreadableError("tlog_proof.line", line=number + 1)
    return data
