"""A node, and several of one chain: start, stop, kill, split, heal, keep and restore."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coincurve import PrivateKey

from ledger.errors import UnavailableError
from ledger.evm.profiles import EngineProfile
from ledger.evm.rpc import Rpc
from ledger.evm.transactions import EvmKey, Transaction
from ledger.types import Address

POCKET = 10**24
"""wei that a new account is given: more than any test spends"""
PATIENCE = 120.0


@dataclass
class Node:
    """One node: its keys, ports, folder, and its process while that runs."""

    number: int
    folder: Path
    key: EvmKey
    """the validator's account; with QBFT also the node's own key"""
    node_secret: bytes
    p2p: int
    http: int
    command: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    mines_when_told: bool = False
    """Clique: a signer that makes a block before it knows the others' makes a fork, and four forks of the same height
    may stand still for ever (each signer has just signed, none is better). So they sign when all peers are there."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def rpc(self) -> Rpc:
        return Rpc(self.url, timeout=60)

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def enode(self) -> str:
        public = PrivateKey(self.node_secret).public_key.format(compressed=False)[1:].hex()
        return f"enode://{public}@127.0.0.1:{self.p2p}"

    def start(self, peers: int = 0) -> None:
        """Start the process, wait until it answers and has `peers`, and let it sign."""
        self.spawn()
        self.await_peers(peers)
        self.sign()

    def await_peers(self, count: int, timeout: float = PATIENCE) -> None:
        end = time.monotonic() + timeout
        while True:
            with contextlib.suppress(UnavailableError):
                if self.peers() >= count:
                    return
            if not self.running or time.monotonic() > end:
                tail = (self.folder / "node.log").read_text(encoding="utf-8", errors="replace")[-3000:]
                raise AssertionError(f"node {self.number} didn't come up with {count} peers:\n{tail}")
            time.sleep(0.1)

    def sign(self) -> None:
        if self.mines_when_told:
            self.rpc.call("miner_start")

    def spawn(self) -> None:
        """The process alone."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PRIVATE_CONFIG": "ignore"}
        if "JAVA_HOME" in os.environ:
            environment["JAVA_HOME"] = os.environ["JAVA_HOME"]
        with open(self.folder / "node.log", "ab") as output:
            self.process = subprocess.Popen(
                self.command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def stop(self, timeout: float = 60.0) -> None:
        """Ask it to end and let it write its state; after `timeout` seconds it is killed."""
        if self.process is not None and self.running:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """kill -9, by its own pid."""
        if self.process is not None and self.running:
            self.process.kill()
            self.process.wait()

    def height(self) -> int:
        return int(self.rpc.call("eth_blockNumber"), 16)

    def peers(self) -> int:
        return int(self.rpc.call("net_peerCount"), 16)


@dataclass
class Network:
    """Nodes of one chain. `profile` is what our own code is told about it."""

    engine: str
    profile: EngineProfile
    chain_id: int
    nodes: list[Node]
    period: int
    genesis: dict[str, Any]
    faucet: EvmKey
    folder: Path
    _nonce: int = 0

    @property
    def url(self) -> str:
        return next(node for node in self.nodes if node.running).url

    @property
    def rpc(self) -> Rpc:
        return Rpc(self.url, batch_limit=self.profile.batch_limit)

    def account(self, secret: bytes | None = None) -> EvmKey:
        """A new account that can pay for what it sends; at a gas price of 0 it needs nothing."""
        key = EvmKey(secret or secrets.token_bytes(32))
        if self.profile.gas_price:
            self.pay(key.address)
        return key

    def pay(self, *addresses: Address) -> None:
        """Send each a pocketful, and wait until it is there."""
        rpc = self.rpc
        first = int(rpc.call("eth_getTransactionCount", self.faucet.address, "pending"), 16)
        for nonce, address in enumerate(addresses, first):
            body = Transaction(nonce, self.profile.gas_price, 21_000, address, b"", self.chain_id)
            # The value is the one thing that our own transactions never carry.
            rpc.call("eth_sendRawTransaction", "0x" + _with_value(self.faucet, body, POCKET).hex())
        end = time.monotonic() + PATIENCE
        while any(int(rpc.call("eth_getBalance", a, "latest"), 16) == 0 for a in addresses):
            assert time.monotonic() < end, "the faucet's transactions aren't mined"
            time.sleep(0.1)

    def await_height(self, height: int, nodes: Sequence[Node] | None = None, timeout: float = PATIENCE) -> float:
        """Seconds until each of `nodes` (all that run) is at `height`."""
        begun = time.monotonic()
        waiting = list(nodes or [n for n in self.nodes if n.running])
        while waiting:
            node = waiting[0]
            if not node.running:
                tail = (node.folder / "node.log").read_text(encoding="utf-8", errors="replace")[-3000:]
                raise AssertionError(f"node {node.number} ended:\n{tail}")
            with contextlib.suppress(UnavailableError):
                if node.height() >= height:
                    waiting.pop(0)
                    continue
            if time.monotonic() - begun > timeout:
                raise AssertionError(f"node {node.number} isn't at block {height} after {timeout} s")
            time.sleep(0.1)
        return time.monotonic() - begun

    def height(self) -> int:
        """Of the highest node that runs."""
        return max(node.height() for node in self.nodes if node.running)

    def split(self, *groups: Sequence[Node]) -> None:
        """Cut every connection between the groups."""
        self._between(groups, "admin_removePeer")

    def heal(self, *groups: Sequence[Node]) -> None:
        """Connect the groups again."""
        self._between(groups, "admin_addPeer")

    def _between(self, groups: Sequence[Sequence[Node]], method: str) -> None:
        for one in groups:
            for other in groups:
                if one is not other:
                    for node in one:
                        for peer in other:
                            node.rpc.call(method, peer.enode)

    def stop(self) -> None:
        """End every node by its own pid."""
        for node in self.nodes:
            if node.process is not None and node.running:
                node.process.terminate()
        for node in self.nodes:
            node.stop(60)

    def keep(self, name: str) -> None:
        """Copy the folders of all nodes, which must not run: what a backup at this moment would hold."""
        for node in self.nodes:
            shutil.copytree(node.folder, self.folder / name / node.folder.name)

    def restore(self, name: str) -> None:
        """Put the copies in the place of the folders, as a restored backup does."""
        for node in self.nodes:
            shutil.rmtree(node.folder)
            shutil.copytree(self.folder / name / node.folder.name, node.folder)


def _with_value(key: EvmKey, body: Transaction, value: int) -> bytes:
    from eth_account import Account

    fields = {
        "nonce": body.nonce, "gasPrice": body.gas_price, "gas": body.gas, "value": value, "data": b"",
        "to": bytes.fromhex((body.to or "0x")[2:]), "chainId": body.chain_id,
    }  # fmt: skip
    return bytes(Account.sign_transaction(fields, key._key.secret).raw_transaction)
