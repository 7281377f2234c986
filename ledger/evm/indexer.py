"""The indexer: brings what the contracts said into the database, range by range, and takes back what the chain lost.

A range is one transaction: blocks, events, cursor. It is written only if it hangs together: each block names the one
before it as its parent, the first names the cursor's, each log stands in one of these blocks. Otherwise the chain
moved under us, and the next step looks for the common ancestor.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from sqlalchemy.engine import Connection, Engine

from ledger.errors import IntegrityError, UnavailableError
from ledger.evm.artifacts import decode_event
from ledger.evm.blocks import block_at, blocks_at, latest_block
from ledger.evm.deployment import Deployment, verify_deployment
from ledger.evm.profiles import EngineProfile
from ledger.evm.rpc import Rpc, RpcError
from ledger.store import index
from ledger.store.engine import reading, writing
from ledger.store.index import IndexedEvent, IndexReader, Memory
from ledger.types import Address, Block, ChainHash

__all__ = ["IndexReader", "Indexer"]

HEADERS = 500
"""blocks of one range at most: their headers are all looked at"""
KEPT_HEADERS = 10_000
LONGEST_WAIT = 5.0
ODD_ANSWERS = 5
"""ranges in a row that didn't hang together"""
Position = tuple[ChainHash, int, ChainHash]
"""Genesis hash, number and hash of the block where the index ends."""
log = logging.getLogger(__name__)


class Indexer:
    """One writer of the index. `second`: another node, whose block hash is compared every `compare_every` blocks."""

    def __init__(
        self,
        engine: Engine,
        rpc: Rpc,
        profile: EngineProfile,
        deployment: Deployment,
        *,
        second: Rpc | None = None,
        compare_every: int = 100,
    ) -> None:
        self._engine = engine
        self._rpc = rpc
        self._profile = profile
        self._deployment = deployment
        self._names = {c.address: c.name for c in deployment.contracts}
        self._second = second
        self._compare_every = compare_every
        self._range = min(profile.log_range, HEADERS)
        self._verified_at: int | None = None
        self._odd = 0
        self._memory = Memory()

    def step(self) -> bool:
        """Index one range, or take back what is gone; whether anything changed. UnavailableError while it can't ask."""
        head = latest_block(self._rpc)
        if self._verified_at is None or head.number < self._verified_at:
            verify_deployment(self._rpc, self._deployment)
        self._verified_at = head.number
        with reading(self._engine) as connection:
            at = index.position(connection)
        if at is not None and at[0] != self._deployment.genesis_hash:
            raise IntegrityError("index.other_chain", found=at[0], expected=self._deployment.genesis_hash)
        if at is not None and not self._still_there(at[1], at[2], head):
            self._take_back(at)
            return True
        start = self._start() if at is None else at[1] + 1
        if start > head.number:
            return False
        return self._add(start, min(head.number, start + self._range - 1), None if at is None else at[2])

    def catch_up(self) -> None:
        """Step until the index is at the chain's head."""
        while self.step():
            pass

    def rebuild(self) -> None:
        """Forget everything and index again from the first block; equals what was there (a test holds it to that)."""
        with writing(self._engine) as connection:
            index.take_back(connection, -1)
            index.clear_cursor(connection)
        self.catch_up()

    def run(self, stop: threading.Event) -> None:
        """Step until `stop`; outages are waited out, contradictions end it."""
        wait = self._profile.poll
        while not stop.is_set():
            try:
                while not stop.is_set() and self.step():
                    wait = self._profile.poll
            except UnavailableError as error:
                wait = min(LONGEST_WAIT, wait * 2)
                log.warning("indexer waits: %s", error)
            stop.wait(wait)

    def _start(self) -> int:
        return self._deployment.from_block

    def _still_there(self, number: int, known: ChainHash, head: Block) -> bool:
        if head.number == number:
            return head.hash == known
        block = block_at(self._rpc, number) if head.number > number else None
        return block is not None and block.hash == known

    def _take_back(self, at: Position) -> None:
        """Go down to the newest block that the chain still has; to nothing if there is none."""
        upto = at[1]
        while True:
            with reading(self._engine) as connection:
                known = index.known_blocks(connection, upto, 50)
            found = blocks_at(self._rpc, [n for n, _ in known])
            for (n, known_hash), block in zip(known, found, strict=True):
                if block is not None and block.hash == known_hash:
                    self._go_back_to(at, n, known_hash)
                    return
            if not known:
                self._go_back_to(at, -1, None)
                return
            upto = known[-1][0] - 1

    def _go_back_to(self, at: Position, number: int, block_hash: ChainHash | None) -> None:
        with writing(self._engine) as connection:
            if index.position(connection) != at:
                return  # another indexer has gone elsewhere: the cursor would stand above blocks that nobody has
            count = index.take_back(connection, number)
            if block_hash is None:
                index.clear_cursor(connection)
            else:
                self._set_cursor(connection, number, block_hash)
        log.warning("the chain lost blocks: %d taken back, to %d", count, number)

    def _add(self, start: int, end: int, parent: ChainHash | None) -> bool:
        try:
            logs = self._rpc.call("eth_getLogs", self._query(start, end))
        except RpcError:
            if self._range == 1:
                raise
            self._range = max(1, self._range // 2)  # too many for this node: half of it next time
            return True
        blocks = blocks_at(self._rpc, list(range(start, end + 1)))
        chained = self._chained(blocks, parent)
        if chained is None:
            return self._moved()
        self._compare(chained)
        by_hash = {block.hash: block for block in chained}
        events = []
        for entry in logs:
            block = by_hash.get(ChainHash(entry["blockHash"].lower()))
            if block is None:
                return self._moved()
            event = self._event(entry, block)
            if event is not None:
                events.append(event)
        events.sort(key=lambda e: (e.block.number, e.log_index))
        self._memory.begin(parent)
        with writing(self._engine) as connection:
            if not self._stands(connection, parent):
                return True  # another indexer of this database was faster: the next step goes on from there
            index.add_blocks(connection, chained)
            index.add_events(connection, events, self._memory)
            self._set_cursor(connection, chained[-1].number, chained[-1].hash)
            if end // 1000 != (start - 1) // 1000:
                index.prune(connection, end - KEPT_HEADERS)
        self._memory.keep(chained[-1].hash)
        self._range = min(self._range * 2, self._profile.log_range, HEADERS)
        self._odd = 0
        return True

    def _moved(self) -> bool:
        """The chain moved while we asked; the next step finds the ancestor. A node whose answers never hang together
        is an outage: asking it without pause would not mend it."""
        self._odd += 1
        if self._odd >= ODD_ANSWERS:
            raise UnavailableError("chain.moved", retry_after=1.0)
        return True

    @staticmethod
    def _stands(connection: Connection, parent: ChainHash | None) -> bool:
        """Whether the index still ends where this range begins."""
        at = index.position(connection)
        return parent == (None if at is None else at[2])

    @staticmethod
    def _chained(blocks: list[Block | None], parent: ChainHash | None) -> list[Block] | None:
        """The blocks, if each follows the one before."""
        found: list[Block] = []
        for block in blocks:
            if block is None or (parent is not None and block.parent != parent):
                return None
            found.append(block)
            parent = block.hash
        return found

    def _event(self, entry: dict[str, Any], block: Block) -> IndexedEvent | None:
        address = Address(entry["address"].lower())
        decoded = decode_event(self._names[address], entry["topics"], entry["data"])
        if decoded is None:
            return None
        name, args = decoded
        return IndexedEvent(
            block=block,
            log_index=int(entry["logIndex"], 16),
            tx_hash=ChainHash(entry["transactionHash"].lower()),
            contract=self._names[address],
            address=address,
            event=name,
            subject=bytes.fromhex(entry["topics"][1][2:]) if len(entry["topics"]) > 1 else bytes(32),
            args=args,
        )

    def _compare(self, blocks: list[Block]) -> None:
        """Ask the second node for the same block: two that differ are an auditor's matter, not ours to decide."""
        if self._second is None:
            return
        for block in blocks:
            if block.number % self._compare_every:
                continue
            other = block_at(self._second, block.number)
            deep = block.number + self._profile.finality_depth <= (self._verified_at or 0)
            if other is not None and deep and other.hash != block.hash:
                raise IntegrityError("index.nodes_disagree", number=block.number, first=block.hash, second=other.hash)

    def _set_cursor(self, connection: Connection, number: int, block_hash: ChainHash) -> None:
        record = self._deployment
        index.set_cursor(connection, record.chain_id, record.genesis_hash, number, block_hash)

    def _query(self, start: int, end: int) -> dict[str, Any]:
        return {"address": list(self._names), "fromBlock": hex(start), "toBlock": hex(end)}
