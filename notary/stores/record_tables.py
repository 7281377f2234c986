"""The notary's tables, and the key that they share.

`position` is the log's row number times 2^40 plus the log index, so that rows of one log lie together and an index
needs no second tree. Statements: notary/stores/records.py, entry_rows.py.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

_SHIFT = 40

metadata = sa.MetaData()
_Position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # INTEGER PRIMARY KEY is SQLite's own row id

issuers = sa.Table(
    "issuers", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("code", sa.String(18), unique=True)
)
logs = sa.Table(
    "logs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("origin", sa.String(128), unique=True, nullable=False),
    sa.Column("log_id", sa.LargeBinary(32), unique=True, nullable=False),
    sa.Column("issuer", sa.Integer, sa.ForeignKey("issuers.id"), nullable=False),
    sa.Column("next_index", sa.BigInteger, nullable=False),
    sa.Column("accepted_at", sa.BigInteger, nullable=False),
    sa.Column("struck_from", sa.BigInteger),  # entries from this index on count for nothing (notary/reopening.py)
)
entry_groups = sa.Table(  # the write-ahead of the logs: consecutive finished entries, 92 bytes each, from `position` on
    "entry_groups",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("entries", sa.LargeBinary, nullable=False),
)
records = sa.Table(
    "records",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
record_keys = sa.Table(
    "record_keys",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
record_wraps = sa.Table(
    "record_wraps",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("reader", sa.String(18), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
lookups = sa.Table(  # what a record is found by; from the identifier to here: notary/stores/names.py
    "lookups",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("identifier", sa.LargeBinary(32), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary(32), nullable=False),
)
answers = sa.Table(  # `size` entries from `position` on, given to what was sent under a key (notary/stores/answers.py)
    "answers",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("department", sa.String(18), nullable=False),
    sa.Column("operation", sa.String(32), nullable=False),
    sa.Column("key", sa.LargeBinary(32), nullable=False),
    sa.Column("content", sa.LargeBinary(32), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
)
idempotency = sa.Table(  # the other answers: they named entries that stood before, or got none
    "idempotency",
    metadata,
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("department", sa.String(18), primary_key=True),
    sa.Column("operation", sa.String(32), primary_key=True),
    sa.Column("key", sa.LargeBinary(32), primary_key=True),
    sa.Column("content", sa.LargeBinary(32), nullable=False),
    sa.Column("positions", sa.LargeBinary, nullable=False),
)
checkpoints = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("intent_key", sa.String(128), nullable=False),
)


def position_of(log: int, index: int) -> int:
    """The key of (log row, index)."""
    return log << _SHIFT | index


def index_of(position: int) -> int:
    """The log index in a position."""
    return position & ((1 << _SHIFT) - 1)


def log_of(position: int) -> int:
    """The log's row number in a position."""
    return position >> _SHIFT


def pack_positions(positions: Iterable[int]) -> bytes:
    """Positions as runs of (first u64, count u32): a bulk of consecutive entries takes 12 bytes."""
    packed = bytearray()
    first = count = 0
    for position in positions:
        if count and position == first + count:
            count += 1
            continue
        if count:
            packed += first.to_bytes(8) + count.to_bytes(4)
        first, count = position, 1
    if count:
        packed += first.to_bytes(8) + count.to_bytes(4)
    return bytes(packed)


def unpack_positions(packed: bytes) -> tuple[int, ...]:
    """The inverse of pack_positions."""
    found: list[int] = []
    for at in range(0, len(packed), 12):
        first = int.from_bytes(packed[at : at + 8])
        found.extend(range(first, first + int.from_bytes(packed[at + 8 : at + 12])))
    return tuple(found)
