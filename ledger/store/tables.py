"""The ledger's own tables: what is to be sent to the chain, and what the chain said.

Times are Unix milliseconds of our clock unless a name says `block_time` (seconds). Hashes of chain things are text as
formats.md writes them; digests are bytes. The revisions create exactly these (a test compares the two).
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
MOST_KEY = 72
"""Bytes: the first indexed value of an event, and what tells its objects apart."""
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

lanes = sa.Table(
    "lanes",
    metadata,
    sa.Column("sender", sa.String(42), primary_key=True),
    sa.Column("holder", sa.String(64)),
    sa.Column("token", sa.BigInteger, nullable=False),  # rises with every change of holder: the fence
    sa.Column("lease_until", sa.BigInteger, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("intent_key", sa.String(200), nullable=False, unique=True),
    sa.Column("sender", sa.String(42), nullable=False),
    sa.Column("contract", sa.String(64), nullable=False),
    sa.Column("function", sa.String(64), nullable=False),
    sa.Column("calldata", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("nonce", sa.BigInteger),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("tx_hash", sa.String(66)),
    sa.Column("sent_at", sa.BigInteger),
    sa.Column("succeeded", sa.Boolean),  # the receipt's status, once there is one
    sa.Column("block_number", sa.BigInteger),
    sa.Column("block_hash", sa.String(66)),
    sa.Column("error_code", sa.String(64)),
    sa.Column("error_params", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("sender", "nonce", name="outbox_nonce"),
    # Both in the order that they are read in: a look at what is to be done must not pass what is done already.
    sa.Index("outbox_work", "sender", "state", "nonce", "id"),
    sa.Index("outbox_block", "block_number", "block_hash", "sender"),
    sa.Index("outbox_open", "state", "sender"),
)

outbox_attempts = sa.Table(  # signed once and then replaced, because the nonce could never be theirs again
    "outbox_attempts",
    metadata,
    sa.Column("tx_hash", sa.String(66), primary_key=True),
    sa.Column("outbox_id", sa.ForeignKey("outbox.id"), nullable=False, index=True),
    sa.Column("nonce", sa.BigInteger, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    sa.Column("replaced_at", sa.BigInteger, nullable=False),
)

cursor = sa.Table(
    "chain_cursor",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),  # one row, 1
    sa.Column("chain_id", sa.BigInteger, nullable=False),
    sa.Column("genesis_hash", sa.String(66), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(66), nullable=False),
)

blocks = sa.Table(
    "chain_blocks",
    metadata,
    sa.Column("number", ROW_ID, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(66), nullable=False, unique=True),
    sa.Column("parent", sa.String(66), nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
)

events = sa.Table(
    "chain_events",
    metadata,
    sa.Column("block_hash", sa.String(66), primary_key=True),
    sa.Column("log_index", sa.Integer, primary_key=True),
    sa.Column("block_number", sa.BigInteger, nullable=False, index=True),
    sa.Column("tx_hash", sa.String(66), nullable=False),
    sa.Column("contract", sa.String(64), nullable=False),
    sa.Column("address", sa.String(42), nullable=False),  # tells the versions of a contract apart
    sa.Column("event", sa.String(64), nullable=False),
    sa.Column("object_key", sa.LargeBinary(MOST_KEY), nullable=False),  # ledger/store/index/objects.py
    sa.Column("args", sa.Text, nullable=False),  # JSON, bytes as {"hex": …}
    sa.Index("events_object", "contract", "object_key", "block_number", "log_index"),
)


def _from_event(*columns: sa.Column[object]) -> tuple[sa.Column[object], ...]:
    """A row that an event made: its own columns and where the event stands; it goes when its block goes."""
    return (
        *columns,
        sa.Column("block_number", sa.BigInteger, nullable=False, index=True),
        sa.Column("log_index", sa.Integer, nullable=False),
        sa.Column("block_hash", sa.String(66), nullable=False),
        sa.Column("block_time", sa.BigInteger, nullable=False),
        sa.Column("tx_hash", sa.String(66), nullable=False),
    )


logs = sa.Table(
    "chain_logs",
    metadata,
    *_from_event(
        sa.Column("log_id", sa.LargeBinary(32), primary_key=True),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("origin", sa.String(128), nullable=False),
    ),
)

anchors = sa.Table(
    "chain_anchors",
    metadata,
    *_from_event(
        sa.Column("log_id", sa.LargeBinary(32), primary_key=True),
        sa.Column("size", ROW_ID, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("contract", sa.String(42), nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
    ),
)

closings = sa.Table(  # several of one log: each at a smaller size, so the smallest is in force
    "chain_closings",
    metadata,
    *_from_event(
        sa.Column("log_id", sa.LargeBinary(32), primary_key=True),
        sa.Column("size", ROW_ID, primary_key=True, autoincrement=False),
    ),
)

decisions = sa.Table(
    "chain_decisions",
    metadata,
    *_from_event(
        sa.Column("status_key", sa.LargeBinary(32), primary_key=True),
        sa.Column("contract", sa.String(42), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("code", sa.Integer, nullable=False),
        sa.Column("cause", sa.Integer, nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("effective_from", sa.BigInteger, nullable=False),
        sa.Column("basis", sa.LargeBinary(32)),
        sa.Column("successor", sa.LargeBinary(32)),
        sa.Column("until", sa.BigInteger),
        sa.Column("ends", sa.Integer),
    ),
)

annulments = sa.Table(
    "chain_annulments",
    metadata,
    *_from_event(
        sa.Column("status_key", sa.LargeBinary(32), primary_key=True),
        sa.Column("contract", sa.String(42), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("basis", sa.LargeBinary(32)),
    ),
)

type_proofs = sa.Table(
    "chain_type_proofs",
    metadata,
    *_from_event(
        sa.Column("status_key", sa.LargeBinary(32), primary_key=True),
        sa.Column("contract", sa.String(42), primary_key=True),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
    ),
)

FROM_EVENTS = (logs, anchors, closings, decisions, annulments, type_proofs)

block_evidence = sa.Table(  # what proves every event of a block; kept by its hash, so a rollback needs no mending
    "block_evidence",
    metadata,
    sa.Column("block_hash", sa.String(66), primary_key=True),
    sa.Column("block_number", sa.BigInteger, nullable=False, index=True),
    sa.Column("header", sa.LargeBinary, nullable=False),  # RLP, with its seals
    sa.Column("receipts", sa.LargeBinary, nullable=False),  # zlib over RLP of the list of all receipts in order
)
