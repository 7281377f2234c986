"""The deployment record: which chain, which contracts with which code. A chain that differs isn't accepted.

The file says what was deployed once; `verify` asks the chain whether it still is that one (nodes.md, Engines).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ledger.crypto.chain import keccak
from ledger.errors import ConfigurationError
from ledger.evm.rpc import Rpc, RpcError
from ledger.types import Address, ChainHash

FORMAT = "chuzheng-deployment/1"


@dataclass(frozen=True, slots=True)
class DeployedContract:
    """`code_hash`: keccak256 of the code at the address; `from_block`: nothing of it is in an earlier block."""

    name: str
    address: Address
    code_hash: ChainHash
    from_block: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """One network's contracts on one chain; `owner` stands in for the Council."""

    network: str
    chain_id: int
    genesis_hash: ChainHash
    contracts: tuple[DeployedContract, ...]
    owner: Address

    def contract(self, name: str) -> DeployedContract:
        """ConfigurationError if the record has no contract of that name."""
        for contract in self.contracts:
            if contract.name == name:
                return contract
        raise ConfigurationError("deployment.contract_missing", contract=name)

    def address(self, name: str) -> Address:
        return self.contract(name).address

    @property
    def from_block(self) -> int:
        """The first block in which any of the contracts can have said something."""
        return min(contract.from_block for contract in self.contracts)

    def save(self, path: Path) -> None:
        """Write the record whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".new")
        with open(draft, "w", encoding="utf-8") as file:
            file.write(json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)


def load_deployment(path: Path) -> Deployment:
    """The record in `path`; ConfigurationError if there is none or it doesn't read."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if raw.pop("format") != FORMAT:
            raise ValueError("format")
        contracts = tuple(DeployedContract(**c) for c in raw.pop("contracts"))
        return Deployment(contracts=contracts, **raw)
    except FileNotFoundError as error:
        raise ConfigurationError("deployment.missing", path=str(path)) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("deployment.unreadable", path=str(path)) from error


def chain_identity(rpc: Rpc) -> tuple[int, ChainHash]:
    """(chain id, genesis hash) as the node says."""
    chain_id, genesis = rpc.batch([("eth_chainId", ()), ("eth_getBlockByNumber", ("0x0", False))])
    for answer in (chain_id, genesis):
        if isinstance(answer, RpcError):
            raise answer
    return int(chain_id, 16), ChainHash(genesis["hash"].lower())


def code_hash(rpc: Rpc, address: Address) -> ChainHash | None:
    """keccak256 of the code at `address`; None where there is none."""
    code = bytes.fromhex(rpc.call("eth_getCode", address, "latest").removeprefix("0x"))
    return ChainHash("0x" + keccak(code).hex()) if code else None


def verify_deployment(rpc: Rpc, deployment: Deployment) -> None:
    """ConfigurationError that names what differs: another chain, another genesis, code missing or other code."""
    chain_id, genesis = chain_identity(rpc)
    if chain_id != deployment.chain_id:
        raise ConfigurationError("deployment.other_chain", expected=deployment.chain_id, found=chain_id)
    if genesis != deployment.genesis_hash:
        raise ConfigurationError("deployment.other_genesis", expected=deployment.genesis_hash, found=genesis)
    for contract in deployment.contracts:
        found = code_hash(rpc, contract.address)
        if found is None:
            raise ConfigurationError("deployment.no_code", contract=contract.name, address=contract.address)
        if found != contract.code_hash:
            raise ConfigurationError("deployment.other_code", contract=contract.name, address=contract.address)
