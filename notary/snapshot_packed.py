"""The packed snapshot, `chuzheng-snapshot/2`: the same facts for a province, looked up without being loaded (ADR 0033).

Pure, over streams. Checkpoints and decisions are rows of one width in hashed pages (notary.paged_rows); the head at
the end of the file is JSON as before, with both tables' hashes, and is what the snapshot key signs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import Any, BinaryIO

from ledger.errors import UnreadableError
from ledger.ports import Signer
from ledger.statuses import Decision, DecisionCode
from ledger.types import Address, Anchor, BlockTime, ChainHash, DepartmentCode, Digest, Origin
from notary import members
from notary.canonical import MAX_INTEGER, canonicalise, parse_strict
from notary.entry import log_id
from notary.paged_rows import Layout, PagedRows, Paging
from notary.snapshot import AnchoredCheckpoint, SnapshotHead, read_head

FORMAT = "chuzheng-snapshot/2"
TAG = b"chuzheng/snapshot/v2\x00"
MAGIC = FORMAT.encode() + b"\n"
SUFFIX = ".packed"
MAX_HEAD = 64 << 20
_CHECKPOINT = struct.Struct(">32sQ32s20sQ32sQ")
_DECISION = struct.Struct(">32sIBHB18sQQ32s32sQIQ")
CHECKPOINTS, DECISIONS = Layout(_CHECKPOINT.size, 40), Layout(_DECISION.size, 36)
_BASIS, _SUCCESSOR, _UNTIL, _ENDS, _ANNULLED = 1, 2, 4, 8, 16
_NONE = bytes(32)
_END = struct.Struct(">64sI")
_MEMBERS = "format network chain_id genesis_hash sequence expires as_of complete_to checkpoints decisions departments"
_NAMES = frozenset([*_MEMBERS.split(), "erasures"])
_TABLE = frozenset({"rows", "table"})


@dataclass(frozen=True, slots=True)
class PackedSnapshot(SnapshotHead):
    """The head as read, and both kinds of rows, still in the file: it stays open as long as this is used."""

    checkpoints: PagedRows
    decisions: PagedRows

    @property
    def signed_bytes(self) -> bytes:
        """ "chuzheng/snapshot/v2"0 || JCS(head)"""
        return TAG + self.body

    @property
    def counted(self) -> tuple[int, int]:
        """How many (checkpoints, decisions) it has."""
        return len(self.checkpoints), len(self.decisions)

    def checkpoint_at(self, origin: str, size: int) -> AnchoredCheckpoint | None:
        """The anchored checkpoint of exactly that size."""
        key = log_id(origin) + size.to_bytes(8, "big")
        return next((_checkpoint(origin, row) for row in self.checkpoints.starting(key)), None)

    def first_above(self, origin: str, index: int) -> AnchoredCheckpoint | None:
        """The smallest anchored checkpoint that covers `index`."""
        own = log_id(origin)
        row = next(self.checkpoints.at_least(own + (index + 1).to_bytes(8, "big")), None)
        return _checkpoint(origin, row) if row is not None and row.startswith(own) else None

    def decisions_about(self, key: bytes) -> tuple[Decision, ...]:
        """The decisions about a status key, in their order."""
        return tuple(_decision(row) for row in self.decisions.starting(key))

    def check_all(self) -> None:
        """Read every row once; UnreadableError for the first page or row that isn't as it should be."""
        logs = {bytes(log_id(origin)): origin for origin in self.complete_to}
        for row in self.checkpoints:
            if (origin := logs.get(row[:32])) is None:
                raise UnreadableError("format.count", where=FORMAT, member="checkpoints", limit=len(logs))
            _checkpoint(origin, row)
        for row in self.decisions:
            _decision(row)


def pack_snapshot(
    body: Mapping[str, Any], anchors: Iterable[tuple[Origin, Anchor]], decisions: Iterable[tuple[Digest, Decision]],
    signer: Signer,
) -> Iterator[bytes]:  # fmt: skip
    """The file in pieces. `body`: the members of a snapshot of version 1 without checkpoints and decisions; `decisions`
    by key and number; `anchors` in any order. InputError where decisions don't rise."""
    yield MAGIC
    own, told = Paging(CHECKPOINTS), Paging(DECISIONS)
    yield from own.through(sorted(_checkpoint_row(origin, anchor) for origin, anchor in anchors))
    yield from told.through(_rows(decisions))
    yield bytes(own.table)
    yield bytes(told.table)
    head = canonicalise({
        **body,
        "format": FORMAT,
        "checkpoints": {"rows": own.rows, "table": own.digest().hex()},
        "decisions": {"rows": told.rows, "table": told.digest().hex()},
    })  # fmt: skip
    yield head
    yield _END.pack(signer.sign(TAG + head), len(head))


def is_packed(file: BinaryIO) -> bool:
    """Whether a stream begins as a packed snapshot does."""
    file.seek(0)
    return file.read(len(MAGIC)) == MAGIC


def open_snapshot(file: BinaryIO) -> PackedSnapshot:
    """Read head and tables strictly; rows are read when they are asked for. The signature is read, not verified."""
    length = file.seek(0, 2)
    if not is_packed(file) or length < len(MAGIC) + _END.size:
        raise UnreadableError("format.unknown", expected=FORMAT)
    file.seek(length - _END.size)
    signature, size = _END.unpack(file.read(_END.size))
    at = length - _END.size - size
    if size > MAX_HEAD or at < len(MAGIC):
        raise UnreadableError("snapshot.cut")
    file.seek(at)
    body = file.read(size)
    value = parse_strict(body, limit=MAX_HEAD)
    if canonicalise(value) != body:
        raise UnreadableError("snapshot.cut")
    top = members.check_names(FORMAT, value, _NAMES, _NAMES)
    if top["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    own, counted = _part(top, "checkpoints", CHECKPOINTS)
    told, decided = _part(top, "decisions", DECISIONS)
    rows = len(MAGIC) + CHECKPOINTS.width * counted
    tables = rows + DECISIONS.width * decided
    if tables + CHECKPOINTS.table_bytes(counted) + DECISIONS.table_bytes(decided) != at:
        raise UnreadableError("snapshot.cut")
    file.seek(tables)
    own_table = file.read(CHECKPOINTS.table_bytes(counted))
    told_table = file.read(DECISIONS.table_bytes(decided))
    if (sha256(own_table).hexdigest(), sha256(told_table).hexdigest()) != (own, told):
        raise UnreadableError("snapshot.cut")
    checkpoints = PagedRows(file, CHECKPOINTS, offset=len(MAGIC), count=counted, table=own_table)
    decisions = PagedRows(file, DECISIONS, offset=rows, count=decided, table=told_table)
    return PackedSnapshot(*read_head(top), signature, body, checkpoints, decisions)


def _part(top: Mapping[str, Any], name: str, layout: Layout) -> tuple[str, int]:
    """(hash of the table in hex, rows) as the head says."""
    told = members.check_names(FORMAT, top[name], _TABLE, _TABLE)
    rows = members.read_count(FORMAT, "rows", told["rows"], MAX_INTEGER // layout.width)
    return members.read_text(FORMAT, "table", told["table"], 64), rows


def _rows(decisions: Iterable[tuple[Digest, Decision]]) -> Iterator[bytes]:
    """By key, and within a key by number: whoever brings them knows the order of blocks only."""
    for _, told in groupby(decisions, key=lambda each: each[0]):
        yield from sorted(_decision_row(key, decision) for key, decision in told)


def _checkpoint_row(origin: Origin, anchor: Anchor) -> bytes:
    return _CHECKPOINT.pack(
        log_id(origin), anchor.size, anchor.root, bytes.fromhex(anchor.contract[2:]), anchor.block_number,
        bytes.fromhex(anchor.block_hash[2:]), anchor.block_time,
    )  # fmt: skip


def _checkpoint(origin: str, row: bytes) -> AnchoredCheckpoint:
    _, size, root, contract, number, block_hash, time = _CHECKPOINT.unpack(row)
    return AnchoredCheckpoint(
        Origin(origin), size, Digest(root), Address("0x" + contract.hex()), number,
        ChainHash("0x" + block_hash.hex()), BlockTime(time),
    )  # fmt: skip


def _decision_row(key: Digest, d: Decision) -> bytes:
    flags = (
        (_BASIS if d.basis is not None else 0) | (_SUCCESSOR if d.successor is not None else 0)
        | (_UNTIL if d.until is not None else 0) | (_ENDS if d.ends is not None else 0)
        | (_ANNULLED if d.annulled_at is not None else 0)
    )  # fmt: skip
    return _DECISION.pack(
        key, d.number, d.code, d.cause, flags, d.department.encode("ascii"), d.effective_from, d.recorded_at,
        d.basis or _NONE, d.successor or _NONE, d.until or 0, d.ends or 0, d.annulled_at or 0,
    )  # fmt: skip


def _decision(row: bytes) -> Decision:
    """UnreadableError for a code that isn't one, or something where the flags say that there is nothing."""
    _, number, code, cause, flags, department, since, recorded, basis, successor, until, ends, annulled = (
        _DECISION.unpack(row)
    )
    given = ((_BASIS, basis, _NONE), (_SUCCESSOR, successor, _NONE), (_UNTIL, until, 0), (_ENDS, ends, 0))
    if flags > 31 or any(
        not flags & flag and value != none for flag, value, none in (*given, (_ANNULLED, annulled, 0))
    ):
        raise UnreadableError("format.count", where=FORMAT, member="flags", limit=31)
    try:
        return Decision(
            number=number,
            code=DecisionCode(code),
            cause=cause,
            department=DepartmentCode(department.decode("ascii")),
            effective_from=BlockTime(since),
            recorded_at=BlockTime(recorded),
            basis=Digest(basis) if flags & _BASIS else None,
            successor=Digest(successor) if flags & _SUCCESSOR else None,
            until=BlockTime(until) if flags & _UNTIL else None,
            ends=ends if flags & _ENDS else None,
            annulled_at=BlockTime(annulled) if flags & _ANNULLED else None,
        )
    except ValueError:
        raise UnreadableError("format.count", where=FORMAT, member="code", limit=max(DecisionCode)) from None
