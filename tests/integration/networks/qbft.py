"""GoQuorum and Besu with QBFT."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

import rlp  # type: ignore[import-untyped]

from ledger.evm.profiles import BESU_QBFT, QUORUM_QBFT
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
from tests.integration.networks.programs import find_besu, find_quorum

MIX = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"


def start_quorum(
    folder: Path,
    *,
    nodes: int = 4,
    period: int = 1,
    request_timeout: int = 4,
    archive: bool = True,
    binary: Path | None = None,
) -> Network:
    """A GoQuorum network with QBFT; returns when every node has block 1. `request_timeout` seconds of round 0."""
    program = str(binary or find_quorum())
    folder = folder.absolute()
    keys = sorted_keys(nodes)
    faucet = EvmKey(secrets.token_bytes(32))
    qbft = {
        "epochLength": 30_000, "blockPeriodSeconds": period, "emptyBlockPeriodSeconds": period,
        "requestTimeoutSeconds": request_timeout, "policy": 0, "ceil2Nby3Block": 0,
    }  # fmt: skip
    config = {"isQuorum": True, "txnSizeLimit": 128, "maxCodeSizeConfig": [{"block": 0, "size": 24}], "qbft": qbft}
    genesis = genesis_block(config, qbft_extra([key.address for key in keys]), faucet, MIX)
    made = new_nodes(folder, nodes, keys, own=True)
    (folder / "genesis.json").write_text(json.dumps(genesis), encoding="ascii")
    for node in made:
        (node.folder / "geth").mkdir()
        (node.folder / "geth" / "nodekey").write_text(node.node_secret.hex(), encoding="ascii")
        peers = json.dumps([f"{peer.enode}?discport=0" for peer in made])
        (node.folder / "static-nodes.json").write_text(peers, encoding="ascii")
        run_once([program, "init", "--datadir", str(node.folder), str(folder / "genesis.json")], folder)
        node.command = [
            program, "--datadir", str(node.folder), "--networkid", str(CHAIN_ID), "--nodiscover", "--nat", "none",
            "--netrestrict", "127.0.0.0/8", "--port", str(node.p2p), "--ipcdisable", "--http", "--http.addr",
            "127.0.0.1", "--http.port", str(node.http), "--http.api", "eth,net,web3,txpool,admin,istanbul,miner,debug",
            "--syncmode", "full", "--gcmode", "archive" if archive else "full", "--cache", "256",
            "--mine", "--miner.threads", "1",
            "--miner.gasprice", "0", "--txpool.pricelimit", "0", *POOL,
            "--miner.gaslimit", str(BLOCK_GAS), "--miner.gastarget", str(BLOCK_GAS), "--verbosity", "3",
        ]  # fmt: skip
    return begin(Network("quorum-qbft", QUORUM_QBFT, CHAIN_ID, made, period, genesis, faucet, folder))


def start_besu(
    folder: Path, *, nodes: int = 4, period: int = 1, request_timeout: int = 4, binary: Path | None = None
) -> Network:
    """A Besu network with QBFT as nodes.md describes production: London, zero base fee, FOREST, ENTERPRISE pool."""
    program = str(binary or find_besu())
    folder = folder.absolute()
    keys = sorted_keys(nodes)
    faucet = EvmKey(secrets.token_bytes(32))
    qbft = {"blockperiodseconds": period, "epochlength": 30_000, "requesttimeoutseconds": request_timeout}
    config = {"londonBlock": 0, "zeroBaseFee": True, "qbft": qbft}
    genesis = genesis_block(config, qbft_extra([key.address for key in keys]), faucet, MIX)
    made = new_nodes(folder, nodes, keys, own=True)
    (folder / "genesis.json").write_text(json.dumps(genesis), encoding="ascii")
    for node in made:
        (node.folder / "key").write_text(node.node_secret.hex(), encoding="ascii")
        (node.folder / "static-nodes.json").write_text(
            json.dumps([peer.enode for peer in made if peer is not node]), encoding="ascii"
        )
        node.command = [
            program, f"--data-path={node.folder}", f"--genesis-file={folder / 'genesis.json'}",
            f"--node-private-key-file={node.folder / 'key'}", f"--static-nodes-file={node.folder}/static-nodes.json",
            "--discovery-enabled=false", "--nat-method=NONE", "--p2p-host=127.0.0.1", f"--p2p-port={node.p2p}",
            "--rpc-http-enabled", "--rpc-http-host=127.0.0.1", f"--rpc-http-port={node.http}",
            "--rpc-http-api=ETH,NET,WEB3,TXPOOL,ADMIN,QBFT,PERM", "--data-storage-format=FOREST", "--sync-mode=FULL",
            "--tx-pool=SEQUENCED", "--min-gas-price=0", f"--target-gas-limit={BLOCK_GAS}", "--logging=INFO",
            "--tx-pool-limit-by-account-percentage=1", "--tx-pool-max-size=8192",
        ]  # fmt: skip
    return begin(Network("besu-qbft", BESU_QBFT, CHAIN_ID, made, period, genesis, faucet, folder))


def qbft_extra(validators: Sequence[str]) -> bytes:
    """extraData of a QBFT genesis block: vanity, validators, no vote, round 0, no seals."""
    return bytes(rlp.encode([bytes(32), [bytes.fromhex(a[2:]) for a in sorted(validators)], [], b"", []]))
