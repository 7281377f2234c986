"""A QBFT block header: its hash, what its seals sign, and who sealed it (formats.md §6, Evidence `qbft`).

Pure. `extraData` is item 12, counted from 0, of 15 or more, = RLP([vanity, validators, vote, round, seals]); the others
are kept byte for byte. The block hash covers neither round nor seals, the seals' digest covers the round.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.crypto.chain import SEAL_BYTES, keccak, recover
from ledger.errors import UnreadableError
from ledger.evidence import rlp
from ledger.types import Address, BlockTime, ChainHash

LEAST_ITEMS = 15
RECEIPTS_ROOT, NUMBER, TIMESTAMP, EXTRA_DATA = 5, 8, 11, 12
VOTE_TYPES = (b"\xff", b"")
"""To add, to remove."""


@dataclass(frozen=True, slots=True)
class QbftHeader:
    """A header as read; `items` are its byte strings, `vote` is kept as it was."""

    items: tuple[bytes, ...]
    vanity: bytes
    validators: tuple[Address, ...]
    vote: tuple[bytes, ...]
    round: int
    seals: tuple[bytes, ...]
    number: int
    time: BlockTime
    receipts_root: bytes

    @property
    def hash(self) -> ChainHash:
        """Of the header with the round cleared and the seals emptied."""
        return ChainHash("0x" + keccak(self._with_round(0)).hex())

    @property
    def seal_digest(self) -> bytes:
        """What validators sign: the same with the round kept."""
        return keccak(self._with_round(self.round))

    def sealers(self) -> frozenset[Address]:
        """Whose seals these are, each once; a seal of nobody counts for nothing."""
        digest = self.seal_digest
        return frozenset(who for seal in self.seals if (who := recover(digest, seal)) is not None)

    def _with_round(self, number: int) -> bytes:
        validators = [bytes.fromhex(address[2:]) for address in self.validators]
        extra = rlp.encode([self.vanity, validators, list(self.vote), number, []])
        return rlp.encode([*self.items[:EXTRA_DATA], extra, *self.items[EXTRA_DATA + 1 :]])


def parse_header(data: bytes) -> QbftHeader:
    """Read a header strictly; UnreadableError `evidence.*` where RLP or shape isn't a QBFT header's."""
    found = rlp.decode_list(data)
    if len(found) < LEAST_ITEMS:
        raise UnreadableError("evidence.shape", where="header")
    items = tuple(rlp.text(item, "header") for item in found)
    vanity, validators, vote, number, seals = rlp.listed(rlp.decode(items[EXTRA_DATA]), "extraData", 5)
    addresses = tuple(_address(item) for item in rlp.listed(validators, "validators"))
    if len(set(addresses)) != len(addresses):
        raise UnreadableError("evidence.shape", where="validators")
    return QbftHeader(
        items,
        rlp.text(vanity, "vanity", 32),
        addresses,
        _vote(rlp.listed(vote, "vote")),
        rlp.integer(number, "round"),
        tuple(rlp.text(seal, "seals", SEAL_BYTES) for seal in rlp.listed(seals, "seals")),
        rlp.integer(items[NUMBER], "number"),
        BlockTime(rlp.integer(items[TIMESTAMP], "timestamp")),
        rlp.text(items[RECEIPTS_ROOT], "receiptsRoot", 32),
    )


def quorum(validators: int) -> int:
    """How many distinct validators must have sealed: ceil(2n/3); of an empty set no number is enough."""
    return max(1, (2 * validators + 2) // 3)


def _address(item: rlp.Item) -> Address:
    return Address("0x" + rlp.text(item, "validators", 20).hex())


def _vote(items: list[rlp.Item]) -> tuple[bytes, ...]:
    """[] or [address, 0xff to add | empty to remove]."""
    if not items:
        return ()
    address, kind = rlp.listed(items, "vote", 2)
    if rlp.text(kind, "vote") not in VOTE_TYPES:
        raise UnreadableError("evidence.shape", where="vote")
    return rlp.text(address, "vote", 20), rlp.text(kind, "vote")
