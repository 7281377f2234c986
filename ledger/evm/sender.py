"""The sender: brings intents onto the chain, one writer a lane, and notices when the chain lost them again.

A step goes over all lanes with work; what a lane does in it, and why a crash anywhere is mended: `ledger.evm.lane`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from sqlalchemy.engine import Engine

from ledger.errors import ConflictError, UnavailableError
from ledger.evm.blocks import blocks_at, latest_block
from ledger.evm.deployment import Deployment, verify_deployment
from ledger.evm.lane import Lane, Shared
from ledger.evm.outbox import wall_clock
from ledger.evm.profiles import EngineProfile
from ledger.evm.relays import Relays
from ledger.evm.rpc import Rpc, RpcError
from ledger.evm.transactions import TransactionSigner
from ledger.store import outbox as rows
from ledger.store.engine import reading
from ledger.types import Address, Block, ChainHash, Millis

LONGEST_WAIT = 5.0
BREATH = 0.02
"""seconds between two steps while there is work"""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _LaneStep:
    """What a step of one lane came to."""

    did: bool
    complete: bool = True
    """whether the lane is ours and its step went through"""
    odd: RpcError | None = None


class Sender:
    """Sends for the accounts in `signers`; any number of senders may run, each lane has one at a time. `parallel` lanes
    take their steps at the same time. `relays`: other nodes that are given the same bytes, whatever they say to that.
    """

    def __init__(
        self,
        engine: Engine,
        rpc: Rpc,
        profile: EngineProfile,
        deployment: Deployment,
        signers: Mapping[Address, TransactionSigner],
        *,
        now: Callable[[], Millis] = wall_clock,
        parallel: int = 1,
        relays: Sequence[Rpc] = (),
    ) -> None:
        self._shared = Shared(engine, rpc, profile, deployment, now, Relays(relays, now))
        accounts = {Address(a.lower()): signer for a, signer in signers.items()}
        self._lanes = {account: Lane(account, signer, self._shared) for account, signer in accounts.items()}
        self._parallel = parallel
        self._pool: ThreadPoolExecutor | None = None
        self._followed: ChainHash | None = None
        self._verified_at: int | None = None

    def step(self) -> bool:
        """One round over all lanes; whether anything changed. UnavailableError while the chain can't be asked."""
        head = latest_block(self._shared.rpc)
        if self._verified_at is None or head.number < self._verified_at:
            # A chain that fell back may be another one altogether.
            verify_deployment(self._shared.rpc, self._shared.deployment)
        self._verified_at = head.number
        lost_above = None if head.hash == self._followed else self._lost_above()
        accounts = list(self._lanes) if lost_above is not None else self._open_lanes()
        done = self._each(accounts, head, lost_above)
        did, complete = any(lane.did for lane in done), all(lane.complete for lane in done)
        odd = next((lane.odd for lane in done if lane.odd is not None), None)
        if complete or lost_above is None:
            self._followed = head.hash
        if odd is not None and not did:
            raise odd
        return did

    def run(self, stop: threading.Event) -> None:
        """Step until `stop`; outages are waited out, a wrong configuration ends it."""
        pause = self._shared.profile.poll
        try:
            while not stop.is_set():
                try:
                    pause = BREATH if self.step() else self._shared.profile.poll
                except UnavailableError as error:
                    pause = min(LONGEST_WAIT, max(pause, self._shared.profile.poll) * 2)
                    log.warning("sender waits: %s", error)
                stop.wait(pause)
        finally:
            self.release()

    def release(self) -> None:
        """Give the lanes back, so that the next sender needn't wait for the lease to end."""
        for lane in self._lanes.values():
            lane.release()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _each(self, accounts: Sequence[Address], head: Block, lost_above: int | None) -> list[_LaneStep]:
        """A step of each lane. They share nothing but the node and the database, so several may wait for these at the
        same time; all have ended when this returns or raises."""
        if self._parallel == 1 or len(accounts) < 2:
            return [self._lane_step(account, head, lost_above) for account in accounts]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._parallel, "lane")
        waiting = [self._pool.submit(self._lane_step, account, head, lost_above) for account in accounts]
        wait(waiting)
        return [lane.result() for lane in waiting]

    def _lane_step(self, account: Address, head: Block, lost_above: int | None) -> _LaneStep:
        lane = self._lanes[account]
        did = False
        try:
            if not lane.take():
                return _LaneStep(did=False, complete=False)
            did = lost_above is not None and lane.lose(lost_above)
            return _LaneStep(did=lane.step(head) or did)
        except ConflictError as error:
            if error.code not in ("outbox.lease_lost", "outbox.moved"):
                raise
            lane.drop()
            return _LaneStep(did=did, complete=False)
        except RpcError as error:  # the node's trouble with one lane is none of the others'
            log.warning("the lane of %s waits: %s", account, error)
            return _LaneStep(did=did, complete=False, odd=error)

    def _open_lanes(self) -> list[Address]:
        with reading(self._shared.engine) as connection:
            busy = rows.open_lanes(connection)
        return [account for account in self._lanes if account in busy]

    def _lost_above(self) -> int | None:
        """The highest block still there of those that hold our transactions, if a higher one is gone; -1 if all are."""
        below: int | None = None
        while True:
            with reading(self._shared.engine) as connection:
                marks = rows.block_marks(connection, list(self._lanes), below=below, limit=1 if below is None else 50)
            if not marks:
                return None if below is None else -1
            found = blocks_at(self._shared.rpc, [number for number, _ in marks])
            for (number, known), block in zip(marks, found, strict=True):
                if block is not None and block.hash == known:
                    return None if below is None else number
                below = number
