"""A node for tests of the contracts' wrappers: it answers each view with what it was told, encoded as the ABI says."""

from __future__ import annotations

from typing import Any

from ledger.evm.artifacts import artifact, encode
from ledger.types import Address


class Told:
    """`answers` by view; `block`: the only one that may be asked about, as nodes hear it. `asked`: (view, block)."""

    def __init__(self, contract: str, answers: dict[str, list[Any]], block: str | None = None) -> None:
        self.contract, self.block, self.answers = contract, block, answers
        self.asked: list[tuple[str, str]] = []

    def address(self, name: str) -> Address:
        assert name == self.contract
        return Address("0x" + "11" * 20)

    def contract_at(self, name: str, block: int) -> None:
        """One version only, in force at every block."""

    def call(self, method: str, message: dict[str, str], block: str) -> str:
        assert method == "eth_call"
        assert self.block in (None, block)
        found = artifact(self.contract).functions
        function = next(f for f in found.values() if message["data"].startswith("0x" + f.selector.hex()))
        self.asked.append((function.name, block))
        return "0x" + encode(function.outputs, self.answers[function.name], what=function.name).hex()
