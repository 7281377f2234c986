"""The sender: brings intents onto the chain, one writer a lane, and notices when the chain lost them again.

A step of a lane, in this order: take or renew the lease; look whether blocks that held our transactions are still
there; ask for receipts; finish what is final; send again what waited too long; sign what is next; send it. Bytes are
stored before they are sent and stay the same, so a crash anywhere is mended by the next step, whoever runs it.

Over 300 lines: the steps share one order, and a crash between any two is the point of the whole.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection, Engine

from ledger.errors import ChuzhengError, ConflictError, UnavailableError
from ledger.evm.blocks import blocks_at, latest_block
from ledger.evm.deployment import Deployment, verify_deployment
from ledger.evm.outbox import wall_clock
from ledger.evm.profiles import EngineProfile, Refusal
from ledger.evm.reverts import is_revert, revert_error
from ledger.evm.rpc import Call, Rpc, RpcError
from ledger.evm.transactions import Transaction, TransactionSigner
from ledger.store import outbox as rows
from ledger.store.engine import reading, writing
from ledger.store.outbox import IntentState as S
from ledger.store.outbox import OutboxRow
from ledger.types import Address, Block, ChainHash, Millis

LEASE = 5_000
"""milliseconds; a sender that was killed is replaced after them"""
RENEW = LEASE // 2
"""milliseconds without a change after which a lane's lease is renewed; every change renews it too"""
RELAY_RESTS = 30_000
"""milliseconds for which a relay that didn't answer is left alone"""
WAVE = 500
"""intents that are simulated and signed together at most"""
LONGEST_WAIT = 5.0
BREATH = 0.02
"""seconds between two steps while there is work"""
FILLER_GAS = 21_000
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
    take their steps at the same time. `relays`: other nodes that are given the same bytes, whatever they say
    to that: nodes pass large transactions on by and by, and who makes the next block can only take what it has.
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
        self._relays = relays
        self._resting: dict[str, Millis] = {}
        self._parallel = parallel
        self._pool: ThreadPoolExecutor | None = None
        self._writes = threading.Lock()
        self._engine = engine
        self._rpc = rpc
        self._profile = profile
        self._deployment = deployment
        self._signers = {Address(a.lower()): s for a, s in signers.items()}
        self._now = now
        self._holder = os.urandom(8).hex()
        self._tokens: dict[Address, int] = {}
        self._renewed: dict[Address, Millis] = {}
        self._looked: dict[Address, ChainHash] = {}
        self._refused: dict[Address, ChainHash] = {}
        """the head at which a lane's next intent would be refused, while others of it wait for a block"""
        self._followed: ChainHash | None = None
        self._verified_at: int | None = None

    def step(self) -> bool:
        """One round over all lanes; whether anything changed. UnavailableError while the chain can't be asked."""
        head = latest_block(self._rpc)
        if self._verified_at is None or head.number < self._verified_at:
            verify_deployment(self._rpc, self._deployment)  # a chain that fell back may be another one altogether
        self._verified_at = head.number
        lost_above = None if head.hash == self._followed else self._lost_above()
        senders = list(self._signers) if lost_above is not None else self._open_lanes()
        done = self._each(senders, head, lost_above)
        did, complete = any(lane.did for lane in done), all(lane.complete for lane in done)
        odd = next((lane.odd for lane in done if lane.odd is not None), None)
        if complete or lost_above is None:
            self._followed = head.hash
        if odd is not None and not did:
            raise odd
        return did

    def run(self, stop: threading.Event) -> None:
        """Step until `stop`; outages are waited out, a wrong configuration ends it."""
        pause = self._profile.poll
        try:
            while not stop.is_set():
                try:
                    pause = BREATH if self.step() else self._profile.poll
                except UnavailableError as error:
                    pause = min(LONGEST_WAIT, max(pause, self._profile.poll) * 2)
                    log.warning("sender waits: %s", error)
                stop.wait(pause)
        finally:
            self.release()

    def release(self) -> None:
        """Give the lanes back, so that the next sender needn't wait for the lease to end."""
        if self._tokens:
            with self._writing() as connection:
                for sender, token in self._tokens.items():
                    rows.release(connection, sender, token)
            self._tokens.clear()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    # -- a lane ------------------------------------------------------------------------------------------------

    def _each(self, senders: Sequence[Address], head: Block, lost_above: int | None) -> list[_LaneStep]:
        """A step of each lane. They share nothing but the node and the database, so several may wait for these at the
        same time; all have ended when this returns or raises."""
        if self._parallel == 1 or len(senders) < 2:
            return [self._lane_step(sender, head, lost_above) for sender in senders]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._parallel, "lane")
        waiting = [self._pool.submit(self._lane_step, sender, head, lost_above) for sender in senders]
        wait(waiting)
        return [lane.result() for lane in waiting]

    def _lane_step(self, sender: Address, head: Block, lost_above: int | None) -> _LaneStep:
        did = False
        try:
            if not self._leased(sender):
                return _LaneStep(did=False, complete=False)
            did = lost_above is not None and self._lose(sender, lost_above)
            return _LaneStep(did=self._lane(sender, head) or did)
        except ConflictError as error:
            if error.code not in ("outbox.lease_lost", "outbox.moved"):
                raise
            self._tokens.pop(sender, None)  # another sender has the lane: it goes on with the same bytes
            return _LaneStep(did=did, complete=False)
        except RpcError as error:  # the node's trouble with one lane is none of the others'
            log.warning("the lane of %s waits: %s", sender, error)
            return _LaneStep(did=did, complete=False, odd=error)

    def _open_lanes(self) -> list[Address]:
        with reading(self._engine) as connection:
            busy = rows.open_lanes(connection)
        return [sender for sender in self._signers if sender in busy]

    def _lane(self, sender: Address, head: Block) -> bool:
        did = False
        if self._looked.get(sender) != head.hash:
            did = self._collect(sender)
            did = self._finish(sender, head) or did
            self._looked[sender] = head.hash
        did = self._send_again(sender) or did
        did = self._sign(sender, head) or did
        return self._send(sender) or did

    def _leased(self, sender: Address) -> bool:
        """Whether the lane is ours. What follows may only read and send stored bytes again without asking anew: every
        change is fenced by itself."""
        now = self._now()
        token = self._tokens.get(sender)
        if token is not None and 0 <= now - self._renewed[sender] < RENEW:
            return True
        with self._writing() as connection:
            if token is not None:
                rows.fence(connection, sender, token, Millis(now + LEASE))
                self._renewed[sender] = now
                return True
            token = rows.acquire(connection, sender, self._holder, now, Millis(now + LEASE))
        if token is None:
            return False
        self._tokens[sender] = token
        self._renewed[sender] = now
        self._looked.pop(sender, None)
        return True

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction; our lanes queue for it here, since SQLite's own waiting is a sleep of up to 100 ms."""
        with self._writes, writing(self._engine, None) as connection:  # each change is fenced by its lane
            yield connection

    def _change(self, sender: Address, connection: Connection) -> None:
        """First statement of every change: renew the lease or fail."""
        now = self._now()
        rows.fence(connection, sender, self._tokens[sender], Millis(now + LEASE))
        self._renewed[sender] = now

    def _lost_above(self) -> int | None:
        """The highest block still there of those that hold our transactions, if a higher one is gone; -1 if all are."""
        below: int | None = None
        while True:
            with reading(self._engine) as connection:
                marks = rows.block_marks(connection, list(self._signers), below=below, limit=1 if below is None else 50)
            if not marks:
                return None if below is None else -1
            found = blocks_at(self._rpc, [number for number, _ in marks])
            for (number, known), block in zip(marks, found, strict=True):
                if block is not None and block.hash == known:
                    return None if below is None else number
                below = number

    def _lose(self, sender: Address, above: int) -> bool:
        with self._writing() as connection:
            self._change(sender, connection)
            count = rows.lose_blocks(connection, sender, above)
        self._looked.pop(sender, None)
        if count:
            log.warning("the chain lost blocks above %d: %d transactions of %s are sent again", above, count, sender)
        return count > 0

    def _collect(self, sender: Address) -> bool:
        """Receipts of what was sent. A block takes an account's transactions in the order of their nonces, so those
        from the account's own count on are in none."""
        with reading(self._engine) as connection:
            if not rows.any_in_state(connection, sender, S.SENT):
                return False
        count = self._transaction_count(sender)
        with reading(self._engine) as connection:
            sent = rows.in_state(connection, sender, (S.SENT,), self._profile.in_flight, nonce_below=count)
        if not sent:
            return False
        answers = self._rpc.batch([("eth_getTransactionReceipt", (row.tx_hash,)) for row in sent])
        mined = [(r, a) for r, a in zip(sent, answers, strict=True) if isinstance(a, dict) and a.get("blockHash")]
        if mined:
            with self._writing() as connection:
                self._change(sender, connection)
                rows.move_all(connection, [(row, S.MINED, _place(receipt)) for row, receipt in mined])
        return bool(mined)

    def _finish(self, sender: Address, head: Block) -> bool:
        """What stands deep enough is final; what the contract refused there says why."""
        with reading(self._engine) as connection:
            upto = head.number - self._profile.finality_depth
            deep = rows.in_state(connection, sender, (S.MINED,), 10 * self._profile.in_flight, upto_block=upto)
        if not deep:
            return False
        errors = {row.id: self._why(row) for row in deep if not row.succeeded}
        with self._writing() as connection:
            self._change(sender, connection)
            rows.move_all(connection, [(row, S.FINAL, {}) for row in deep if row.id not in errors])
            for row in deep:
                if (error := errors.get(row.id)) is not None:
                    rows.move(connection, row, S.REVERTED, error_code=error.code, error_params=error.params)
        return True

    def _why(self, row: OutboxRow) -> ChuzhengError:
        """The contract's error for a transaction that reverted, asked again on the state before and after its block."""
        for number in ((row.block_number or 1) - 1, row.block_number or 0):
            try:
                self._rpc.call("eth_call", self._message(row), hex(number))
            except RpcError as error:
                if is_revert(error):
                    return revert_error(error)
        return ConflictError("chain.reverted", reason="")

    def _send_again(self, sender: Address) -> bool:
        """Sent and not mined for long: a node that restarted has forgotten it. The same bytes go again."""
        oldest = Millis(self._now() - int(self._profile.resend_after * 1000))
        with reading(self._engine) as connection:
            late = rows.in_state(connection, sender, (S.SENT,), self._profile.in_flight, sent_until=oldest)
        if not late:
            return False
        self._fill_gap(sender)
        return self._hand_over(sender, late)

    # -- signing -------------------------------------------------------------------------------------------------

    def _sign(self, sender: Address, head: Block) -> bool:
        """Simulate the next intents, give nonces to those that the contracts take, store their bytes."""
        if self._refused.get(sender) == head.hash:
            return False  # it would be refused again, and all behind it simulated for nothing
        with reading(self._engine) as connection:
            waiting = rows.unmined(connection, sender)
            room = min(WAVE, self._profile.in_flight - waiting)
            queued = rows.in_state(connection, sender, (S.QUEUED,), room) if room > 0 else []
        if not queued:
            return False
        good, refused = self._simulated(queued)
        if refused is not None and (good or waiting):
            self._refused[sender] = head.hash
        if not good:
            return refused is not None and waiting == 0 and self._fail(sender, queued[0], refused)
        self._give_nonces(sender, good)
        return True

    def _simulated(self, queued: Sequence[OutboxRow]) -> tuple[list[OutboxRow], ChuzhengError | None]:
        """Those that the contracts would take, up to the first that they would not: what comes after may build on it,
        as it may build on what isn't mined yet."""
        good: list[OutboxRow] = []
        for start in range(0, len(queued), self._profile.batch_limit):
            part = queued[start : start + self._profile.batch_limit]
            answers = self._rpc.batch([("eth_call", (self._message(row), "latest")) for row in part])
            for row, answer in zip(part, answers, strict=True):
                if isinstance(answer, RpcError):
                    if not is_revert(answer):
                        raise answer
                    return good, revert_error(answer)
                good.append(row)
        return good, None

    def _fail(self, sender: Address, row: OutboxRow, error: ChuzhengError) -> bool:
        with self._writing() as connection:
            self._change(sender, connection)
            rows.move(connection, row, S.FAILED, error_code=error.code, error_params=error.params)
        return True

    def _give_nonces(self, sender: Address, good: Sequence[OutboxRow]) -> None:
        count = self._transaction_count(sender)
        with self._writing() as connection:
            self._change(sender, connection)
            first = max(count, rows.highest_nonce(connection, sender) + 1)  # the account may be used elsewhere too
            rows.move_all(connection, [(row, S.SIGNED, self._signed(row, n)) for n, row in enumerate(good, first)])

    def _signed(self, row: OutboxRow, nonce: int) -> dict[str, Any]:
        """What the outbox keeps of a signature."""
        signed = self._signers[row.sender].sign_transaction(
            Transaction(
                nonce,
                self._profile.gas_price,
                self._profile.transaction_gas,
                self._deployment.address(row.contract),
                row.calldata,
                self._deployment.chain_id,
            )
        )
        return {"nonce": nonce, "raw": signed.raw, "tx_hash": signed.tx_hash, "sent_at": None}

    def _sign_anew(self, sender: Address, row: OutboxRow) -> None:
        """Another nonce for `row`: its own belongs to a transaction that isn't ours. Should its old bytes be mined
        after all, the contracts make the second call a no-op or refuse it: doing it twice does it once."""
        count = self._transaction_count(sender)
        with self._writing() as connection:
            self._change(sender, connection)
            rows.keep_attempt(connection, row, self._now())
            nonce = max(count, rows.highest_nonce(connection, sender) + 1)
            rows.move(connection, row, S.SIGNED, **self._signed(row, nonce))
        log.warning("intent %s is signed anew: its nonce was used elsewhere", row.intent_key)

    def _fill_gap(self, sender: Address) -> None:
        """After a loss the chain may wait for nonces that none of our rows has, used elsewhere before. Empty calls to
        the account itself take them, so that our bytes stay as they are: signed anew they might be done twice."""
        count = self._transaction_count(sender)
        with reading(self._engine) as connection:
            waiting = rows.in_state(connection, sender, (S.SIGNED, S.SENT), 1)
            mined = rows.highest_nonce(connection, sender, mined=True)
        lowest = waiting[0].nonce if waiting else None
        if lowest is None or lowest <= count or mined >= count:
            return
        sign = self._signers[sender].sign_transaction
        price, chain_id = self._profile.gas_price, self._deployment.chain_id
        upto = min(lowest, count + self._profile.in_flight)
        fillers = [sign(Transaction(n, price, FILLER_GAS, sender, b"", chain_id)).raw for n in range(count, upto)]
        log.warning("nonces %d to %d of %s are filled: what had them is gone", count, upto - 1, sender)
        self._rpc.batch([("eth_sendRawTransaction", ("0x" + raw.hex(),)) for raw in fillers])

    # -- sending -------------------------------------------------------------------------------------------------

    def _send(self, sender: Address) -> bool:
        with reading(self._engine) as connection:
            signed = rows.in_state(connection, sender, (S.SIGNED,), self._profile.in_flight)
        # What a node refused waits before it is offered again, and what comes behind it waits with it.
        if not signed or (signed[0].sent_at or 0) > self._now() - int(self._profile.resend_after * 1000):
            return False
        return self._hand_over(sender, signed)

    def _hand_over(self, sender: Address, batch: Sequence[OutboxRow]) -> bool:
        """Send stored bytes; whether a node took any. What it says about each is what happens to each."""
        calls = [("eth_sendRawTransaction", ("0x" + (r.raw or b"").hex(),)) for r in batch]
        answers = self._rpc.batch(calls)
        self._relay(calls)
        taken: list[OutboxRow] = []
        used: list[OutboxRow] = []
        refused: list[tuple[OutboxRow, S, dict[str, Any]]] = []
        now = self._now()
        for row, answer in zip(batch, answers, strict=True):
            kind = self._profile.refusal(answer.message) if isinstance(answer, RpcError) else Refusal.KNOWN
            match kind:
                case Refusal.KNOWN:
                    taken.append(row)
                case Refusal.NONCE_USED:
                    used.append(row)
                case Refusal.LATER:
                    log.info("intent %s waits: %s", row.intent_key, answer)
                case Refusal.REFUSED:
                    log.error("the node refuses intent %s: %s", row.intent_key, answer)
                    if row.state is S.SIGNED:
                        why = json.dumps({"reason": answer.message[:200]}, ensure_ascii=False)
                        noted = {"sent_at": now, "error_code": "outbox.node_refuses", "error_params": why}
                        refused.append((row, S.SIGNED, noted))
        if taken or refused:
            sent = {"sent_at": now, "error_code": None, "error_params": None}
            with self._writing() as connection:
                self._change(sender, connection)
                rows.move_all(connection, [*((row, S.SENT, sent) for row in taken), *refused])
        for row in used:
            self._find_own(sender, row)
        return bool(taken or used)

    def _relay(self, calls: Sequence[Call]) -> None:
        """Our own node has them, so the network will have them anyway: a relay that fails is left alone a while."""
        for relay in self._relays:
            if self._resting.get(relay.url, 0) > self._now():
                continue
            try:
                relay.batch(calls)
            except UnavailableError as error:
                self._resting[relay.url] = Millis(self._now() + RELAY_RESTS)
                log.warning("%s isn't given transactions for a while: %s", relay.url, error)

    def _find_own(self, sender: Address, row: OutboxRow) -> None:
        """The account is past this nonce: by our own bytes, as a rule. Only if surely not, it is signed anew."""
        with reading(self._engine) as connection:
            earlier = rows.attempts(connection, row)
        hashes = [row.tx_hash, *(tx_hash for tx_hash, _, _ in earlier)]
        receipts = self._rpc.batch([("eth_getTransactionReceipt", (h,)) for h in hashes])
        for tx_hash, receipt in zip(hashes, receipts, strict=True):
            if isinstance(receipt, RpcError):
                raise receipt
            if receipt is not None and receipt.get("blockHash"):
                with self._writing() as connection:
                    self._change(sender, connection)
                    clear = {"error_code": None, "error_params": None}
                    rows.move(connection, row, S.MINED, tx_hash=tx_hash, **_place(receipt), **clear)
                self._looked.pop(sender, None)
                return
        final = self._transaction_count(sender, final=True)
        if row.nonce is not None and final > row.nonce:  # someone else's transaction has it, for good
            self._sign_anew(sender, row)

    def _transaction_count(self, sender: Address, *, final: bool = False) -> int:
        at = "latest"
        if final and self._profile.finality_depth:
            head = latest_block(self._rpc)
            at = hex(max(0, head.number - self._profile.finality_depth))
        return int(self._rpc.call("eth_getTransactionCount", sender, at), 16)

    def _message(self, row: OutboxRow) -> dict[str, Any]:
        return {
            "from": row.sender,
            "to": self._deployment.address(row.contract),
            "data": "0x" + row.calldata.hex(),
            "gas": hex(self._profile.transaction_gas),
        }  # no price: whether the account can pay is what the node says of the transaction itself


def _place(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """Where a receipt says that its transaction stands, and whether it succeeded."""
    return {
        "block_number": int(receipt["blockNumber"], 16),
        "block_hash": receipt["blockHash"].lower(),
        "succeeded": int(receipt["status"], 16) == 1,
    }
