"""go-ethereum with Clique."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from ledger.evm.profiles import GETH_CLIQUE
from ledger.evm.transactions import EvmKey
from tests.integration.networks.beginnings import (
    BLOCK_GAS,
    CHAIN_ID,
    POOL,
    begin,
    genesis_block,
    new_nodes,
    run_once,
    sorted_keys,
)
from tests.integration.networks.nodes import Network
from tests.integration.networks.programs import find_geth
from tests.ports import free_port

SETTLED = 5
"""blocks after which a Clique network's signers have found their turns"""
SETTLES_WITHIN = 30.0
"""Seconds at the first beginning; each further one has as many more, as the machine may be slow."""


def start_clique(folder: Path, *, nodes: int = 4, **options: Any) -> Network:
    """`_clique` with its options, begun again where it stands still: signers that begin together may each make
    a first block of their own, and then every one of them has just signed on its fork and waits for the others."""
    for attempt in range(4):
        network = _clique(folder / f"begun-{attempt}", nodes=nodes, **options)
        if nodes < 3:
            return network
        try:
            network.await_height(SETTLED, timeout=SETTLES_WITHIN * (attempt + 1))
        except AssertionError:
            network.stop()
        else:
            return network
    raise AssertionError(f"{nodes} signers stood still at each of four beginnings")


def _clique(
    folder: Path,
    *,
    nodes: int,
    one_key: bool = False,
    period: int = 1,
    apart: bool = False,
    archive: bool = True,
    binary: Path | None = None,
) -> Network:
    """A Clique network; returns when every node has block 1.

    `one_key`: a single signer whose key all nodes have, which is what an operator mustn't do: two halves of such a
    network each go on alone. `apart`: nodes know nothing of each other until `heal`. `archive` keeps every block's
    state on disk, so that a killed node loses nothing.
    """
    program = str(binary or find_geth())
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    keys = sorted_keys(1) * nodes if one_key else sorted_keys(nodes)
    faucet = EvmKey(secrets.token_bytes(32))
    signers = sorted({key.address for key in keys})
    extra = bytes(32) + b"".join(bytes.fromhex(a[2:]) for a in signers) + bytes(65)
    genesis = genesis_block({"clique": {"period": period, "epoch": 30_000}}, extra, faucet)
    made = new_nodes(folder, nodes, keys, own=False)
    for node in made:
        node.mines_when_told = True
    (folder / "genesis.json").write_text(json.dumps(genesis), encoding="ascii")
    (folder / "empty").write_text("\n", encoding="ascii")
    for node in made:
        (node.folder / "geth").mkdir()
        (node.folder / "geth" / "nodekey").write_text(node.node_secret.hex(), encoding="ascii")
        _keystore(node.key, node.folder / "keystore")
        peers = [] if apart else [peer.enode for peer in made if peer is not node]
        config = node.folder / "config.toml"
        config.write_text(f"[Node.P2P]\nStaticNodes = {json.dumps(peers)}\n", encoding="ascii")
        place = ["--datadir", str(node.folder), str(folder / "genesis.json")]
        run_once([program, "init", "--state.scheme", "hash", *place], folder)
        node.command = [
            program, "--config", str(config), "--datadir", str(node.folder), "--networkid", str(CHAIN_ID),
            "--nodiscover", "--nat", "none", "--netrestrict", "127.0.0.0/8", "--port", str(node.p2p),
            "--discovery.port", "0", "--ipcdisable", "--authrpc.port", str(free_port()), "--http", "--http.addr",
            "127.0.0.1", "--http.port", str(node.http), "--http.api", "eth,net,web3,txpool,admin,clique,miner,debug",
            "--syncmode", "full", "--gcmode", "archive" if archive else "full", "--state.scheme", "hash",
            "--cache", "256",
            "--miner.etherbase", node.key.address, "--miner.gasprice", "1", "--miner.gaslimit", str(BLOCK_GAS),
            "--txpool.pricelimit", "1", *POOL, "--unlock", node.key.address,
            "--password", str(folder / "empty"), "--allow-insecure-unlock", "--verbosity", "3",
        ]  # fmt: skip
    network = Network("geth-clique", GETH_CLIQUE, CHAIN_ID, made, period, genesis, faucet, folder)
    return begin(network, apart=apart)


def _keystore(key: EvmKey, folder: Path) -> None:
    """The key as geth wants to find it, under an empty password: throw-away keys of a test."""
    from eth_account import Account

    folder.mkdir(parents=True)
    file = folder / f"UTC--2026-01-01T00-00-00.000000000Z--{key.address[2:]}"
    file.write_text(json.dumps(Account.encrypt(key._key.secret, "", kdf="pbkdf2", iterations=2)), encoding="ascii")
