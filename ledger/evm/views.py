"""One view call at a named block, its answer decoded and its refusal translated. What the contract wrappers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.errors import UnavailableError
from ledger.evm.artifacts import decode_result, encode_call
from ledger.evm.deployment import Deployment
from ledger.evm.reverts import is_revert, revert_error
from ledger.evm.rpc import Rpc, RpcError
from ledger.types import Address


class ContractView:
    """Reads of one contract; `block` is always given, so that several answers belong together."""

    contract: str

    def __init__(self, rpc: Rpc, deployment: Deployment) -> None:
        self._rpc = rpc
        self._deployment = deployment
        self.address = deployment.address(self.contract)
        """of the version in force"""

    def _address_at(self, block: int) -> Address:
        """The version that was in force at `block`: a newer one wasn't there, or had nothing to tell yet."""
        found = self._deployment.contract_at(self.contract, block)
        return self.address if found is None else found.address

    def read(self, function: str, args: Sequence[Any], block: int) -> tuple[Any, ...]:
        """The outputs of a view. The contract's own error if it refuses, UnavailableError if the node can't say."""
        message = {"to": self._address_at(block), "data": "0x" + encode_call(self.contract, function, args).hex()}
        try:
            answer = self._rpc.call("eth_call", message, hex(block))
        except RpcError as error:
            if is_revert(error):
                raise revert_error(error) from error
            raise UnavailableError("chain.state_gone", block=block, reason=error.message[:100]) from error
        return decode_result(self.contract, function, answer)

    def read_many(self, function: str, questions: Sequence[tuple[Sequence[Any], int]]) -> list[tuple[Any, ...] | None]:
        """The view for several (arguments, block) in one round trip: its outputs, () where the contract wasn't there
        yet, None where the node can't say any more."""
        calls = []
        for args, block in questions:
            message = {"to": self._address_at(block), "data": "0x" + encode_call(self.contract, function, args).hex()}
            calls.append(("eth_call", (message, hex(block))))
        found: list[tuple[Any, ...] | None] = []
        for answer in self._rpc.batch(calls):
            if isinstance(answer, RpcError):
                found.append(None)
            else:
                found.append(() if answer == "0x" else decode_result(self.contract, function, answer))
        return found
