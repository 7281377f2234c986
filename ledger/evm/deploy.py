"""Putting the contracts onto a chain, and writing down what was put there.

May be called at every start: what stands already with the right code is left alone, and after a chain that lost its
first blocks the same account makes the same contracts at the same addresses again, as long as its nonces are free.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ledger.errors import ConfigurationError, UnavailableError
from ledger.evm.artifacts import artifact, encode
from ledger.evm.deployment import (
    DeployedContract,
    Deployment,
    chain_identity,
    code_hash,
    load_deployment,
    verify_deployment,
)
from ledger.evm.profiles import EngineProfile
from ledger.evm.rpc import Rpc, RpcError
from ledger.evm.transactions import SignedTransaction, Transaction, TransactionSigner, contract_address

CONTRACTS = ("Departments", "AnchorLog", "CertificateStatus")
"""in this order: the later ones are told where the earlier ones are"""
GAS = 10_000_000


def deploy(
    rpc: Rpc,
    profile: EngineProfile,
    owner: TransactionSigner,
    network: str,
    record: Path | None = None,
    *,
    timeout: float = 60.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Deployment:
    """The deployment of `network`, owned by `owner`; its record is written to `record` before this returns.

    With a record that the chain confirms nothing is done. ConfigurationError if the record is of another chain, or if
    the chain fell back and the owner's first nonces were used for something else since.
    """
    if record is not None and record.exists():
        known = load_deployment(record)
        if known.network != network:
            raise ConfigurationError("deployment.other_network", expected=known.network, found=network)
        try:
            verify_deployment(rpc, known)
        except ConfigurationError as error:
            if error.code != "deployment.no_code":
                raise
        else:
            return known
        if chain_identity(rpc)[1] != known.genesis_hash:
            raise ConfigurationError(
                "deployment.other_genesis", expected=known.genesis_hash, found=chain_identity(rpc)[1]
            )
    chain_id, genesis = chain_identity(rpc)
    site = _Site(rpc, profile, owner, network, chain_id, timeout, sleep)
    for name in CONTRACTS:
        site.send(name)
    for name in CONTRACTS:
        site.place(name)
    deployment = Deployment(network, chain_id, genesis, tuple(site.placed), owner.address)
    if record is not None:
        deployment.save(record)
    return deployment


@dataclass
class _Site:
    """One deployment under way: the contract that is placed n-th is the owner's n-th transaction."""

    rpc: Rpc
    profile: EngineProfile
    owner: TransactionSigner
    network: str
    chain_id: int
    timeout: float
    sleep: Callable[[float], None]
    placed: list[DeployedContract] = field(default_factory=list)

    def send(self, name: str) -> None:
        """Send the contract's creation unless it stands there already; all are sent before the first is mined."""
        nonce = CONTRACTS.index(name)
        if code_hash(self.rpc, contract_address(self.owner.address, nonce)) is not None:
            return
        if int(self.rpc.call("eth_getTransactionCount", self.owner.address, "latest"), 16) > nonce:
            raise ConfigurationError("deployment.nonce_used", contract=name, address=self.owner.address)
        signed = self._creation(name)
        try:
            self.rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
        except RpcError:
            if self.rpc.call("eth_getTransactionByHash", signed.tx_hash) is None:
                raise

    def place(self, name: str) -> None:
        """Wait until the contract is there, and note what was placed."""
        address = contract_address(self.owner.address, CONTRACTS.index(name))
        block = self._mined(name, self._creation(name))
        found = code_hash(self.rpc, address)
        if found is None:
            raise ConfigurationError("deployment.no_code", contract=name, address=address)
        self.placed.append(DeployedContract(name, address, found, block))

    def _creation(self, name: str) -> SignedTransaction:
        """The same bytes at each call: nonce, addresses and signature follow from owner and network."""
        made = artifact(name)
        nonce = CONTRACTS.index(name)
        where = {n: contract_address(self.owner.address, i) for i, n in enumerate(CONTRACTS)}
        values = {
            "council": self.owner.address,
            "departments_": where["Departments"],
            "log_": where["AnchorLog"],
            "network_": self.network,
        }
        kinds = [kind for _, kind in made.constructor]
        arguments = encode(kinds, [values[n] for n, _ in made.constructor], what=f"{name}.constructor")
        transaction = Transaction(nonce, self.profile.gas_price, GAS, None, made.bytecode + arguments, self.chain_id)
        return self.owner.sign_transaction(transaction)

    def _mined(self, name: str, signed: SignedTransaction) -> int:
        """The number of the block that the creation stands in."""
        waited = 0.0
        while waited <= self.timeout:
            receipt = self.rpc.call("eth_getTransactionReceipt", signed.tx_hash)
            if receipt is not None and receipt.get("blockNumber"):
                if int(receipt["status"], 16) != 1:
                    raise ConfigurationError("deployment.reverted", contract=name)
                return int(receipt["blockNumber"], 16)
            self.sleep(0.1)
            waited += 0.1
        raise UnavailableError("chain.not_mined", tx_hash=signed.tx_hash)
