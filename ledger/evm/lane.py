"""A lane: what one account sends, in order, written by one sender at a time.

A step, in this order: take or renew the lease; look whether blocks that held our transactions are still there; ask for
receipts; finish what is final; send again what waited too long; sign what is next; send it. Bytes are stored before
they are sent and stay the same, so a crash anywhere is mended by the next step, whoever runs it.

Over 300 lines: the steps share one order, and a crash between any two is the point of the whole.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection, Engine

from ledger.errors import ChuzhengError, ConflictError
from ledger.evm.blocks import latest_block
from ledger.evm.deployment import Deployment
from ledger.evm.profiles import EngineProfile, Refusal
from ledger.evm.receipts import Receipt, standing_receipts
from ledger.evm.relays import Relays
from ledger.evm.reverts import is_revert, revert_error
from ledger.evm.rpc import Rpc, RpcError
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
WAVE = 500
"""intents that are simulated and signed together at most"""
FILLER_GAS = 21_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all lanes of a sender work with."""

    engine: Engine
    rpc: Rpc
    profile: EngineProfile
    deployment: Deployment
    now: Callable[[], Millis]
    relays: Relays
    holder: str = field(default_factory=lambda: os.urandom(8).hex())
    """who has the leases: another one with each start"""
    writes: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; our lanes queue for it here, since SQLite's own waiting is a sleep of up to 100 ms."""
        with self.writes, writing(self.engine, None) as connection:  # each change is fenced by its lane
            yield connection


class Lane:
    """One account's queue. `step` raises ConflictError("outbox.lease_lost" or "outbox.moved") where another sender has
    the lane, RpcError where the node refuses to answer about it; `drop` and begin again is right for the first."""

    def __init__(self, account: Address, signer: TransactionSigner, shared: Shared) -> None:
        self._account = account
        self._signer = signer
        self._shared = shared
        self._engine, self._rpc, self._profile = shared.engine, shared.rpc, shared.profile
        self._token: int | None = None
        self._renewed = Millis(0)
        self._looked: ChainHash | None = None
        """the head at which receipts were last asked for"""
        self._refused: ChainHash | None = None
        """the head at which the next intent would be refused, while others wait for a block"""
        self._passed: dict[str, int] = {}
        """by hash: the number of the head at which the account was past a transaction without a receipt"""

    def take(self) -> bool:
        """Whether the lane is ours. What follows may only read and send stored bytes again without asking anew: every
        change is fenced by itself."""
        now = self._shared.now()
        if self._token is not None and 0 <= now - self._renewed < RENEW:
            return True
        with self._shared.writing() as connection:
            if self._token is not None:
                rows.fence(connection, self._account, self._token, Millis(now + LEASE))
                self._renewed = now
                return True
            token = rows.acquire(connection, self._account, self._shared.holder, now, Millis(now + LEASE))
        if token is None:
            return False
        self._token = token
        self._renewed = now
        self._looked = None
        return True

    def drop(self) -> None:
        """Another sender has the lane: it goes on with the same bytes."""
        self._token = None

    def release(self) -> None:
        """Give the lane back, so that the next sender needn't wait for the lease to end."""
        if self._token is not None:
            with self._shared.writing() as connection:
                rows.release(connection, self._account, self._token)
            self._token = None

    def step(self, head: Block) -> bool:
        """One round for a lane that is ours; whether anything changed."""
        did = False
        if self._looked != head.hash:
            did = self._collect()
            did = self._finish(head) or did
            self._looked = head.hash
        did = self._send_again() or did
        did = self._sign(head) or did
        return self._send() or did

    def lose(self, above: int) -> bool:
        """Blocks above `above` are gone: what stood in them is to be sent again."""
        with self._shared.writing() as connection:
            self._change(connection)
            count = rows.lose_blocks(connection, self._account, above)
        self._looked = None
        if count:
            log.warning(
                "the chain lost blocks above %d: %d transactions of %s are sent again", above, count, self._account
            )
        return count > 0

    def _change(self, connection: Connection) -> None:
        """First statement of every change: renew the lease or fail."""
        if self._token is None:
            raise ConflictError("outbox.lease_lost", sender=self._account)
        now = self._shared.now()
        rows.fence(connection, self._account, self._token, Millis(now + LEASE))
        self._renewed = now

    def _collect(self) -> bool:
        """Receipts of what was sent. A block takes an account's transactions in the order of their nonces, so those
        from the account's own count on are in none."""
        with reading(self._engine) as connection:
            if not rows.any_in_state(connection, self._account, S.SENT):
                return False
        count = self._transaction_count()
        with reading(self._engine) as connection:
            sent = rows.in_state(connection, self._account, (S.SENT,), self._profile.in_flight, nonce_below=count)
        if not sent:
            return False
        receipts = standing_receipts(self._rpc, [row.tx_hash or "" for row in sent])
        mined = [(row, receipt) for row, receipt in zip(sent, receipts, strict=True) if receipt is not None]
        if mined:
            with self._shared.writing() as connection:
                self._change(connection)
                rows.move_all(connection, [(row, S.MINED, _place(receipt)) for row, receipt in mined])
        return bool(mined)

    def _finish(self, head: Block) -> bool:
        """What stands deep enough is final; what the contract refused there says why."""
        with reading(self._engine) as connection:
            upto = head.number - self._profile.finality_depth
            deep = rows.in_state(connection, self._account, (S.MINED,), 10 * self._profile.in_flight, upto_block=upto)
        if not deep:
            return False
        errors = {row.id: self._why(row) for row in deep if not row.succeeded}
        with self._shared.writing() as connection:
            self._change(connection)
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

    def _send_again(self) -> bool:
        """Sent and not mined for long: a node that restarted has forgotten it. The same bytes go again."""
        oldest = Millis(self._shared.now() - int(self._profile.resend_after * 1000))
        with reading(self._engine) as connection:
            late = rows.in_state(connection, self._account, (S.SENT,), self._profile.in_flight, sent_until=oldest)
        if not late:
            return False
        self._fill_gap()
        return self._hand_over(late)

    # -- signing -------------------------------------------------------------------------------------------------

    def _sign(self, head: Block) -> bool:
        """Simulate the next intents, give nonces to those that the contracts take, store their bytes."""
        if self._refused == head.hash:
            return False  # it would be refused again, and all behind it simulated for nothing
        with reading(self._engine) as connection:
            waiting = rows.unmined(connection, self._account)
            room = min(WAVE, self._profile.in_flight - waiting)
            queued = rows.in_state(connection, self._account, (S.QUEUED,), room) if room > 0 else []
        if not queued:
            return False
        good, refused = self._simulated(queued)
        if refused is not None and (good or waiting):
            self._refused = head.hash
        if not good:
            return refused is not None and waiting == 0 and self._fail(queued[0], refused)
        self._give_nonces(good)
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

    def _fail(self, row: OutboxRow, error: ChuzhengError) -> bool:
        with self._shared.writing() as connection:
            self._change(connection)
            rows.move(connection, row, S.FAILED, error_code=error.code, error_params=error.params)
        return True

    def _give_nonces(self, good: Sequence[OutboxRow]) -> None:
        count = self._transaction_count()
        with self._shared.writing() as connection:
            self._change(connection)
            # The account may be used elsewhere too.
            first = max(count, rows.highest_nonce(connection, self._account) + 1)
            rows.move_all(connection, [(row, S.SIGNED, self._signed(row, n)) for n, row in enumerate(good, first)])

    def _signed(self, row: OutboxRow, nonce: int) -> dict[str, Any]:
        """What the outbox keeps of a signature."""
        signed = self._signer.sign_transaction(
            Transaction(
                nonce,
                self._profile.gas_price,
                self._profile.transaction_gas,
                self._shared.deployment.address(row.contract),
                row.calldata,
                self._shared.deployment.chain_id,
            )
        )
        return {"nonce": nonce, "raw": signed.raw, "tx_hash": signed.tx_hash, "sent_at": None}

    def _sign_anew(self, row: OutboxRow) -> None:
        """Another nonce for `row`: its own belongs to a transaction that isn't ours. Should its old bytes be mined
        after all, the contracts make the second call a no-op or refuse it: doing it twice does it once."""
        count = self._transaction_count()
        with self._shared.writing() as connection:
            self._change(connection)
            rows.keep_attempt(connection, row, self._shared.now())
            nonce = max(count, rows.highest_nonce(connection, self._account) + 1)
            rows.move(connection, row, S.SIGNED, **self._signed(row, nonce))
        log.warning("intent %s is signed anew: its nonce was used elsewhere", row.intent_key)

    def _fill_gap(self) -> None:
        """After a loss the chain may wait for nonces that none of our rows has, used elsewhere before. Empty calls to
        the account itself take them, so that our bytes stay as they are: signed anew they might be done twice."""
        count = self._transaction_count()
        with reading(self._engine) as connection:
            waiting = rows.in_state(connection, self._account, (S.SIGNED, S.SENT), 1)
            mined = rows.highest_nonce(connection, self._account, mined=True)
        lowest = waiting[0].nonce if waiting else None
        if lowest is None or lowest <= count or mined >= count:
            return
        sign = self._signer.sign_transaction
        price, chain_id = self._profile.gas_price, self._shared.deployment.chain_id
        upto = min(lowest, count + self._profile.in_flight)
        fillers = [
            sign(Transaction(n, price, FILLER_GAS, self._account, b"", chain_id)).raw for n in range(count, upto)
        ]
        log.warning("nonces %d to %d of %s are filled: what had them is gone", count, upto - 1, self._account)
        self._rpc.batch([("eth_sendRawTransaction", ("0x" + raw.hex(),)) for raw in fillers])

    # -- sending -------------------------------------------------------------------------------------------------

    def _send(self) -> bool:
        with reading(self._engine) as connection:
            signed = rows.in_state(connection, self._account, (S.SIGNED,), self._profile.in_flight)
        # What a node refused waits before it is offered again, and what comes behind it waits with it.
        if not signed or (signed[0].sent_at or 0) > self._shared.now() - int(self._profile.resend_after * 1000):
            return False
        return self._hand_over(signed)

    def _hand_over(self, batch: Sequence[OutboxRow]) -> bool:
        """Send stored bytes; whether a node took any. What it says about each is what happens to each."""
        calls = [("eth_sendRawTransaction", ("0x" + (r.raw or b"").hex(),)) for r in batch]
        answers = self._rpc.batch(calls)
        self._shared.relays.give(calls)
        taken: list[OutboxRow] = []
        used: list[OutboxRow] = []
        refused: list[tuple[OutboxRow, S, dict[str, Any]]] = []
        now = self._shared.now()
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
            with self._shared.writing() as connection:
                self._change(connection)
                rows.move_all(connection, [*((row, S.SENT, sent) for row in taken), *refused])
        for row in used:
            self._find_own(row)
        return bool(taken or used)

    def _find_own(self, row: OutboxRow) -> None:
        """The account is past this nonce: by our own bytes, as a rule. Only if surely not, it is signed anew."""
        head = latest_block(self._rpc).number
        with reading(self._engine) as connection:
            earlier = rows.attempts(connection, row)
        hashes = [row.tx_hash or "", *(tx_hash for tx_hash, _, _ in earlier)]
        for tx_hash, receipt in zip(hashes, standing_receipts(self._rpc, hashes), strict=True):
            if receipt is not None:
                self._passed.pop(row.tx_hash or "", None)
                with self._shared.writing() as connection:
                    self._change(connection)
                    clear = {"error_code": None, "error_params": None}
                    rows.move(connection, row, S.MINED, tx_hash=tx_hash, **_place(receipt), **clear)
                self._looked = None
                return
        depth = self._profile.finality_depth
        final = self._transaction_count(hex(max(0, head - depth)) if depth else "latest")
        if row.nonce is None or final <= row.nonce:
            return
        # Someone else's transaction has it, for good; or ours, in a block that the node is still making: anvil counts a
        # nonce up before it can tell the receipt.
        if self._passed.setdefault(row.tx_hash or "", head) < head:
            del self._passed[row.tx_hash or ""]
            self._sign_anew(row)

    def _transaction_count(self, at: str = "latest") -> int:
        return int(self._rpc.call("eth_getTransactionCount", self._account, at), 16)

    def _message(self, row: OutboxRow) -> dict[str, Any]:
        return {
            "from": row.sender,
            "to": self._shared.deployment.address(row.contract),
            "data": "0x" + row.calldata.hex(),
            "gas": hex(self._profile.transaction_gas),
        }  # no price: whether the account can pay is what the node says of the transaction itself


def _place(receipt: Receipt) -> dict[str, Any]:
    """Where a receipt says that its transaction stands, and whether it succeeded."""
    return {
        "block_number": int(receipt["blockNumber"], 16),
        "block_hash": receipt["blockHash"].lower(),
        "succeeded": int(receipt["status"], 16) == 1,
    }
