"""What every engine's network begins with: folders, keys, a genesis block; and its first blocks."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ledger.evm.transactions import EvmKey
from tests.integration.networks.nodes import Network, Node
from tests.ports import free_port

CHAIN_ID = 420_100
BLOCK_GAS = 700_000_000
RICH = 10**30
"""wei of each funded account"""
POOL = (
    *("--txpool.accountslots", "4096", "--txpool.globalslots", "16384"),
    *("--txpool.accountqueue", "4096", "--txpool.globalqueue", "16384"),
)


def new_nodes(folder: Path, count: int, keys: Sequence[EvmKey], *, own: bool) -> list[Node]:
    """`own`: a node's key is its validator's key, as QBFT wants it."""
    made = []
    for number, key in enumerate(keys[:count]):
        home = folder / f"node{number}"
        home.mkdir(mode=0o700, parents=True)
        secret = bytes.fromhex(key._key.to_hex()) if own else secrets.token_bytes(32)
        made.append(Node(number, home, key, secret, free_port(), free_port()))
    return made


def sorted_keys(count: int) -> list[EvmKey]:
    """In the order of their addresses, which is the order of the signers' turns."""
    return sorted((EvmKey(secrets.token_bytes(32)) for _ in range(count)), key=lambda key: key.address)


def genesis_block(config: dict[str, Any], extra: bytes, faucet: EvmKey, mix: str = "0x" + "00" * 32) -> dict[str, Any]:
    forks = ("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg", "istanbul")
    return {
        "config": {"chainId": CHAIN_ID, **{f"{f}Block": 0 for f in forks}, "berlinBlock": 0, **config},
        "nonce": "0x0",
        "timestamp": hex(int(time.time()) - 5),
        "extraData": "0x" + extra.hex(),
        "gasLimit": hex(BLOCK_GAS),
        "difficulty": "0x1",
        "mixHash": mix,
        "coinbase": "0x" + "00" * 20,
        "alloc": {faucet.address: {"balance": hex(RICH)}},
    }


def run_once(command: Sequence[str], folder: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PRIVATE_CONFIG": "ignore"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}:\n{done.stderr[-3000:]}")


def begin(network: Network, *, apart: bool = False) -> Network:
    """Start the nodes one after the other: each dials those before it, and a dial that failed is tried again only
    after half a minute."""
    try:
        for node in network.nodes:
            if not node.running:
                node.spawn()
            node.await_peers(0 if apart else node.number)
        for node in network.nodes:
            node.await_peers(0 if apart else len(network.nodes) - 1)
            node.sign()
        network.await_height(1)
    except BaseException:
        network.stop()
        raise
    return network
