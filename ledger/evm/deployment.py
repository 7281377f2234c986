"""The deployment record: which chain, which contracts with which code, which council; no other chain is accepted.

The file says what was deployed once; `verify` asks the chain whether it still is that one (nodes.md, Engines). A name
may have several versions, oldest first: the Council names them, and old ones stay readable.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ledger.crypto.chain import keccak
from ledger.errors import ConfigurationError
from ledger.evm.founding import Founding, from_json
from ledger.evm.rpc import Rpc, results_of
from ledger.types import Address, ChainHash, Contract

FORMAT = "chuzheng-deployment/2"
OLDER = "chuzheng-deployment/1"
"""Contracts without a Council."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One network's contracts on one chain; `council`: as it was founded (the chain says who it is now)."""

    network: str
    chain_id: int
    genesis_hash: ChainHash
    contracts: tuple[Contract, ...]
    deployer: Address
    """who created the contracts; no right comes from that"""
    council: Founding | None = None

    def contract(self, name: str) -> Contract:
        """The version in force; ConfigurationError if the record has no contract of that name."""
        for contract in self.contracts:
            if contract.name == name and contract.until_block is None:
                return contract
        raise ConfigurationError("deployment.contract_missing", contract=name)

    def versions(self, name: str) -> tuple[Contract, ...]:
        """All versions of that name, oldest first; empty if there is none."""
        return tuple(c for c in self.contracts if c.name == name)

    def contract_at(self, name: str, block: int) -> Contract | None:
        """The version in force at `block`; None before the first."""
        return next((c for c in self.versions(name) if c.in_force_at(block)), None)

    def with_version(self, new: Contract) -> Deployment:
        """The record with `new` in force from its `from_block` on, and the version before it until then."""
        kept = [
            replace(c, until_block=new.from_block) if c.name == new.name and c.until_block is None else c
            for c in self.contracts
        ]
        return replace(self, contracts=(*kept, new))

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
            file.write(json.dumps(self._as_json(), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)

    def _as_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "network": self.network,
            "chain_id": self.chain_id,
            "genesis_hash": self.genesis_hash,
            "contracts": [{k: v for k, v in asdict(c).items() if v is not None} for c in self.contracts],
            "deployer": self.deployer,
            "council": None if self.council is None else self.council.as_json(),
        }


def load_deployment(path: Path) -> Deployment:
    """The record in `path`; ConfigurationError if there is none, it doesn't read or is of an older program."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        form = raw.pop("format")
        if form == OLDER:
            raise ConfigurationError("deployment.older", path=str(path), found=form, expected=FORMAT)
        if form != FORMAT:
            raise ValueError("format")
        contracts = tuple(Contract(**c) for c in raw.pop("contracts"))
        council = raw.pop("council")
        return Deployment(contracts=contracts, council=None if council is None else from_json(council), **raw)
    except FileNotFoundError as error:
        raise ConfigurationError("deployment.missing", path=str(path)) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("deployment.unreadable", path=str(path)) from error


def chain_identity(rpc: Rpc) -> tuple[int, ChainHash]:
    """(chain id, genesis hash) as the node says."""
    chain_id, genesis = results_of(rpc, [("eth_chainId", ()), ("eth_getBlockByNumber", ("0x0", False))])
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
            raise ConfigurationError(
                "deployment.other_code",
                contract=contract.name,
                address=contract.address,
                expected=contract.code_hash,
                found=found,
            )
