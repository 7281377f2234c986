"""Evidence of blocks, by their hash: captured once, told again for any event that the index has of them. SQL only."""

from __future__ import annotations

import zlib
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ledger.errors import InputError, IntegrityError, NotFoundError
from ledger.evidence import rlp
from ledger.evidence.sealed import EventProof, SealedBlock
from ledger.store.engine import reading, writing
from ledger.store.index.events import about
from ledger.store.tables import anchors, block_evidence, blocks, events
from ledger.types import Anchor, Block, BlockTime, ChainHash

REMEMBERED = 256
"""Proofs kept at hand: the receipts of one batch are asked for one after the other, and have one anchor."""


class _NotYetError(Exception):
    """No evidence yet; raised rather than returned, because it mustn't be remembered."""


class EvidenceStore:
    """The table `block_evidence`, and what the index says of where events stand."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._prove = lru_cache(maxsize=REMEMBERED)(self._proof)

    def put(self, block_hash: ChainHash, number: int, sealed: SealedBlock) -> None:
        """Keep a block's evidence; one that is there stays as it is."""
        packed = zlib.compress(rlp.encode(list(sealed.receipts)))
        with writing(self._engine) as connection:
            there = sa.select(block_evidence.c.block_hash).where(block_evidence.c.block_hash == block_hash)
            if connection.execute(there).first() is None:
                values = {"block_hash": block_hash, "block_number": number, "header": sealed.header, "receipts": packed}
                connection.execute(sa.insert(block_evidence).values(values))

    def missing(self, above: int, upto: int, limit: int) -> list[tuple[int, ChainHash]]:
        """(number, hash) of blocks above < number ≤ upto with events of ours and without evidence, oldest first."""
        same = block_evidence.c.block_hash == events.c.block_hash
        wanted = (
            sa.select(events.c.block_number, events.c.block_hash)
            .outerjoin(block_evidence, same)
            .where(events.c.block_number > above, events.c.block_number <= upto)
            .where(block_evidence.c.block_hash.is_(None))
            .distinct()
            .order_by(events.c.block_number)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [(number, ChainHash(found)) for number, found in connection.execute(wanted)]

    def of_event(self, block_hash: ChainHash, position: int) -> EventProof | None:
        """The proof of the event at `position` of a block (the node's logIndex); None while there is no evidence."""
        try:
            return self._prove(block_hash, position)
        except _NotYetError:
            return None

    def of_anchor(self, anchor: Anchor) -> EventProof | None:
        """The proof of an anchor that the index has; None while there is none."""
        wanted = sa.select(anchors.c.log_index).where(
            anchors.c.log_id == anchor.log_id,
            anchors.c.size == anchor.size,
            anchors.c.block_hash == anchor.block_hash,
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        return None if row is None else self.of_event(anchor.block_hash, row[0])

    def of_subject(self, contract: str, subject: bytes, upto: int) -> list[tuple[Block, ChainHash, EventProof | None]]:
        """Everything that a contract said of one object (its first indexed value) up to block `upto`, in the chain's
        order: block, transaction hash and proof; None for those whose block has no evidence yet."""
        wanted = (
            sa.select(events.c.block_hash, events.c.log_index, events.c.tx_hash, blocks)
            .join(blocks, blocks.c.hash == events.c.block_hash)
            .where(events.c.contract == contract, about(subject), events.c.block_number <= upto)
            .order_by(events.c.block_number, events.c.log_index)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).mappings().all()
        return [
            (
                Block(row["number"], ChainHash(row["hash"]), BlockTime(row["time"]), ChainHash(row["parent"])),
                ChainHash(row["tx_hash"]),
                self.of_event(ChainHash(row["hash"]), row["log_index"]),
            )
            for row in rows
        ]

    def _proof(self, block_hash: ChainHash, position: int) -> EventProof:
        wanted = sa.select(block_evidence).where(block_evidence.c.block_hash == block_hash)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            raise _NotYetError
        try:
            receipts = rlp.decode_list(zlib.decompress(bytes(row["receipts"])))
            sealed = SealedBlock(bytes(row["header"]), tuple(rlp.text(receipt, "receipt") for receipt in receipts))
            return sealed.prove(position)
        except (zlib.error, InputError, NotFoundError) as error:
            raise IntegrityError("store.damaged") from error
