"""One call by one account, sent and waited for: for what people do now and then by their own key.

What a service sends goes through the outbox, which survives crashes. Here a call that was lost is made again by hand;
the contracts make a second one a no-op.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledger.errors import ConflictError, UnavailableError
from ledger.evm.blocks import latest_block
from ledger.evm.deployment import Deployment
from ledger.evm.profiles import EngineProfile
from ledger.evm.receipts import standing_receipts
from ledger.evm.reverts import is_revert, revert_error
from ledger.evm.rpc import Rpc, RpcError
from ledger.evm.transactions import Transaction, TransactionSigner
from ledger.types import Address, ChainHash

FALSE = "0x" + "0" * 64


@dataclass(frozen=True, slots=True)
class Done:
    """Where the call stands; `tx_hash` None: it would change nothing, so nothing was sent."""

    tx_hash: ChainHash | None
    block: int


def send(
    rpc: Rpc,
    profile: EngineProfile,
    deployment: Deployment,
    signer: TransactionSigner,
    call: tuple[Address, bytes],
    *,
    returns_bool: bool = False,
    timeout: float = 120.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Done:
    """Try the call (contract, calldata), send it, wait until it is final. The contract's error if it refuses;
    UnavailableError while the chain can't be asked, or if it isn't mined in time. `returns_bool`: False means that
    nothing would change."""
    to, data = call
    message: dict[str, Any] = {"from": signer.address, "to": to, "data": "0x" + data.hex()}
    message["gas"] = hex(profile.transaction_gas)
    try:
        answer = rpc.call("eth_call", message, "latest")
    except RpcError as error:
        if is_revert(error):
            raise revert_error(error) from error
        raise
    if returns_bool and answer == FALSE:
        return Done(None, latest_block(rpc).number)
    nonce = int(rpc.call("eth_getTransactionCount", signer.address, "pending"), 16)
    signed = signer.sign_transaction(
        Transaction(nonce, profile.gas_price, profile.transaction_gas, to, data, deployment.chain_id)
    )
    rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        receipt = standing_receipts(rpc, [signed.tx_hash])[0]
        if receipt is not None:
            block = int(receipt["blockNumber"], 16)
            if int(receipt["status"], 16) != 1:
                raise _why(rpc, message, block)
            if latest_block(rpc).number >= block + profile.finality_depth:
                return Done(signed.tx_hash, block)
        sleep(profile.poll)
    raise UnavailableError("chain.not_mined", tx_hash=signed.tx_hash)


def _why(rpc: Rpc, message: dict[str, Any], block: int) -> Exception:
    """The contract's error for what reverted in its block: something came before it."""
    try:
        rpc.call("eth_call", message, hex(block))
    except RpcError as error:
        if is_revert(error):
            return revert_error(error)
    return ConflictError("chain.reverted", reason="")
