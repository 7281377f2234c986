"""Putting the contracts onto a chain, and writing down what was put there.

May be called at every start: what stands already with the right code is left alone, and after a chain that lost its
first blocks the same account makes the same contracts at the same addresses again, as long as its nonces are free.
Who deploys gets no right from it: everything belongs to the Council, which is the first contract.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.council import NOBODY
from ledger.errors import ConfigurationError, UnavailableError
from ledger.evm.artifacts import artifact, encode
from ledger.evm.blocks import latest_block
from ledger.evm.council import CouncilView
from ledger.evm.deployment import (
    Deployment,
    chain_identity,
    code_hash,
    load_deployment,
    verify_deployment,
)
from ledger.evm.founding import SAMPLE_MEMBER, Founding, alone
from ledger.evm.profiles import EngineProfile
from ledger.evm.receipts import standing_receipts
from ledger.evm.rpc import Rpc, RpcError
from ledger.evm.transactions import SignedTransaction, Transaction, TransactionSigner, contract_address
from ledger.types import Address, Contract

CONTRACTS = (
    "Council",
    "Departments",
    "DepartmentKeys",
    "Authorities",
    "AnchorLog",
    "CertificateStatus",
    "WorkingCalendar",
    "Catalogue",
    "ShareAuthorisations",
    "EmergencyShares",
    "AuthorisedQueries",
    "CreditRecords",
    "Nodes",
)
"""in this order: the n-th is the deployer's n-th transaction, and is told where the others are"""
SHORT = {"council": "Council", "log_": "AnchorLog", "status_": "CertificateStatus", "calendar_": "WorkingCalendar"}
"""Constructor parameters that aren't called like their contract; `departments_` and the like are."""
GAS = 10_000_000
Say = Callable[[str, Address], None]
"""told each contract that is there, with its address"""


def deploy(
    rpc: Rpc,
    profile: EngineProfile,
    deployer: TransactionSigner,
    network: str,
    record: Path | None = None,
    *,
    founding: Founding | None = None,
    say: Say = lambda name, address: None,
    timeout: float = 60.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Deployment:
    """The deployment of `network` under the council of `founding`; its record is written before this returns.

    Without `founding`: the record's, or one member whose account is the deployer's (a test network). With a record that
    the chain confirms nothing is created; versions that the Council named since are added to it. ConfigurationError
    that says what differs if the record is of another chain, another council, or other code is at its addresses, or if
    the deployer's first nonces were used for something else.
    """
    if record is not None and record.exists():
        known = load_deployment(record)
        if known.network != network:
            raise ConfigurationError("deployment.other_network", expected=known.network, found=network)
        if founding is not None and founding != known.council:
            raise ConfigurationError("deployment.council_differs", path=str(record))
        founding = known.council
        try:
            verify_deployment(rpc, known)
        except ConfigurationError as error:
            if error.code != "deployment.no_code":
                raise
            if deployer.address != known.deployer:
                raise ConfigurationError(
                    "deployment.other_deployer", expected=known.deployer, found=deployer.address
                ) from None
        else:
            followed = follow_registry(rpc, known)
            if followed != known:
                followed.save(record)
            return followed
    chain_id, genesis = chain_identity(rpc)
    founding = founding or alone(SAMPLE_MEMBER, deployer.address)
    where = {name: contract_address(deployer.address, nonce) for nonce, name in enumerate(CONTRACTS)}
    values = {**founding.constructor, "network_": network, "previous_": NOBODY}
    site = _Site(rpc, profile, deployer, chain_id, where, values, timeout, sleep, say)
    for nonce, name in enumerate(CONTRACTS):
        site.send(name, nonce)
    placed = tuple(site.place(name, nonce) for nonce, name in enumerate(CONTRACTS))
    deployment = follow_registry(rpc, Deployment(network, chain_id, genesis, placed, deployer.address, founding))
    if record is not None:
        deployment.save(record)
    return deployment


def deploy_version(
    rpc: Rpc,
    profile: EngineProfile,
    deployer: TransactionSigner,
    name: str,
    record: Path,
    *,
    founding: Founding | None = None,
    say: Say = lambda name, address: None,
    timeout: float = 60.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Contract:
    """A new version of contract `name` beside the one in force; any account may create it, the Council names it.
    A new Council is founded with `founding`; then it takes over from the old one (`transferOwnership` by the old one's
    proposal, `acceptOwnership` by the new one's).

    Until then the record stays as it is; afterwards `deploy` adds the version to it. What was begun is kept in a file
    beside the record, so that a call after a crash goes on with the same creation.
    """
    known = load_deployment(record)
    verify_deployment(rpc, known)
    begun = record.with_name(f"{record.name}.{name}.begun")
    nonce = _begun(begun, deployer.address)
    if nonce is None:
        nonce = int(rpc.call("eth_getTransactionCount", deployer.address, "pending"), 16)
        begun.write_text(json.dumps({"deployer": deployer.address, "nonce": nonce}), encoding="ascii")
    where = {c.name: c.address for c in known.contracts if c.until_block is None}
    values: dict[str, Any] = {"network_": known.network, "previous_": where.get(name, NOBODY)}
    founding = founding or known.council
    if founding is not None:
        values |= founding.constructor
    site = _Site(rpc, profile, deployer, known.chain_id, where, values, timeout, sleep, say)
    site.send(name, nonce)
    placed = site.place(name, nonce)
    begun.unlink()
    return placed


def follow_registry(rpc: Rpc, deployment: Deployment) -> Deployment:
    """The record with every version that the Council named since; ConfigurationError if it named other contracts."""
    if not deployment.versions("Council"):
        return deployment
    at = latest_block(rpc).number
    view = CouncilView(rpc, deployment)
    for name in dict.fromkeys((*(c.name for c in deployment.contracts), *CONTRACTS)):
        known = [c.address for c in deployment.versions(name)]
        for named in view.versions(name, at):
            if named.account in known:
                continue
            if known and named.from_block <= deployment.contract(name).from_block:
                raise ConfigurationError(
                    "deployment.registry_differs",
                    contract=name,
                    expected=deployment.address(name),
                    found=named.account,
                )
            new = Contract(name, named.account, named.code_hash, named.from_block)
            deployment = deployment.with_version(new)
    return deployment


def unnamed(rpc: Rpc, deployment: Deployment) -> tuple[Contract, ...]:
    """The contracts in force that the Council hasn't named yet."""
    at, view = latest_block(rpc).number, CouncilView(rpc, deployment)
    return tuple(c for c in deployment.contracts if c.until_block is None and not view.versions(c.name, at))


def _begun(path: Path, deployer: Address) -> int | None:
    """The nonce of a creation that was begun; None if none was. ConfigurationError if another account began it."""
    try:
        found = json.loads(path.read_text(encoding="ascii"))
        begun_by, nonce = found["deployer"], int(found["nonce"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("deployment.unreadable", path=str(path)) from error
    if begun_by != deployer:
        raise ConfigurationError("deployment.other_deployer", expected=begun_by, found=deployer)
    return nonce


@dataclass(frozen=True)
class _Site:
    """One deployment under way. `where`: addresses by contract; `values`: the other constructor arguments by name."""

    rpc: Rpc
    profile: EngineProfile
    deployer: TransactionSigner
    chain_id: int
    where: Mapping[str, Address]
    values: Mapping[str, Any]
    timeout: float
    sleep: Callable[[float], None]
    say: Say

    def send(self, name: str, nonce: int) -> None:
        """Send the contract's creation unless it stands there already; all are sent before the first is mined."""
        address = contract_address(self.deployer.address, nonce)
        signed = self._creation(name, nonce)
        if code_hash(self.rpc, address) is not None:
            if self.rpc.call("eth_getTransactionByHash", signed.tx_hash) is None:
                raise ConfigurationError("deployment.made_otherwise", contract=name, address=address)
            return
        if int(self.rpc.call("eth_getTransactionCount", self.deployer.address, "latest"), 16) > nonce:
            raise ConfigurationError("deployment.nonce_used", contract=name, address=self.deployer.address)
        try:
            self.rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
        except RpcError:
            if self.rpc.call("eth_getTransactionByHash", signed.tx_hash) is None:
                raise

    def place(self, name: str, nonce: int) -> Contract:
        """What was placed, once it is there."""
        address = contract_address(self.deployer.address, nonce)
        block = self._mined(name, self._creation(name, nonce))
        found = code_hash(self.rpc, address)
        if found is None:
            raise ConfigurationError("deployment.no_code", contract=name, address=address)
        self.say(name, address)
        return Contract(name, address, found, block)

    def _creation(self, name: str, nonce: int) -> SignedTransaction:
        """The same bytes at each call: nonce, addresses and signature follow from deployer, network and council."""
        made = artifact(name)
        kinds = [kind for _, kind in made.constructor]
        arguments = encode(kinds, [self._value(name, n) for n, _ in made.constructor], what=f"{name}.constructor")
        transaction = Transaction(nonce, self.profile.gas_price, GAS, None, made.bytecode + arguments, self.chain_id)
        return self.deployer.sign_transaction(transaction)

    def _value(self, contract: str, parameter: str) -> Any:
        """A constructor argument by its name: one of `values`, or another contract's address (`anchorLog_`)."""
        if parameter in self.values:
            return self.values[parameter]
        name = SHORT.get(parameter) or parameter[:1].upper() + parameter[1:].removesuffix("_")
        if name not in self.where:
            raise ConfigurationError("deployment.parameter", contract=contract, parameter=parameter)
        return self.where[name]

    def _mined(self, name: str, signed: SignedTransaction) -> int:
        """The number of the block that the creation stands in."""
        waited = 0.0
        while waited <= self.timeout:
            receipt = standing_receipts(self.rpc, [signed.tx_hash])[0]
            if receipt is not None:
                if int(receipt["status"], 16) != 1:
                    raise ConfigurationError("deployment.reverted", contract=name)
                return int(receipt["blockNumber"], 16)
            self.sleep(0.1)
            waited += 0.1
        raise UnavailableError("chain.not_mined", tx_hash=signed.tx_hash)
