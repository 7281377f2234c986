"""Real networks of several nodes on loopback: go-ethereum with Clique, GoQuorum and Besu with QBFT. Test helpers.

A network makes its own genesis block, keys and configuration in a folder; each node is a process of its own, known by
its pid and ended by it. Programs come from CHUZHENG_GETH_BIN (or the cache that scripts/geth.sh fills),
CHUZHENG_QUORUM_BIN and CHUZHENG_BESU_BIN; where one is missing `Missing` says why, and tests skip with that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rlp  # type: ignore[import-untyped]
from coincurve import PrivateKey

from ledger.errors import UnavailableError
from ledger.evm.launcher import free_port
from ledger.evm.profiles import BESU_QBFT, GETH_CLIQUE, QUORUM_QBFT, EngineProfile
from ledger.evm.rpc import Rpc
from ledger.evm.transactions import EvmKey, Transaction
from ledger.types import Address

CHAIN_ID = 420_100
BLOCK_GAS = 700_000_000
RICH = 10**30
"""wei of each funded account"""
POCKET = 10**24
"""wei that a new account is given: more than any test spends"""
GETH_VERSION = "1.13.15"
QBFT_MIX = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
PATIENCE = 60.0
SETTLED = 5
"""blocks after which a Clique network's signers have found their turns"""
SETTLES_WITHIN = 30.0


class MissingError(Exception):
    """No program for this engine; the text says why, for the skip."""


def find_geth() -> Path:
    """CHUZHENG_GETH_BIN, else what scripts/geth.sh built."""
    if named := os.environ.get("CHUZHENG_GETH_BIN"):
        return _executable("CHUZHENG_GETH_BIN", named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chuzheng" / f"geth-{GETH_VERSION}"
    if os.access(cache / "geth", os.X_OK):
        return cache / "geth"
    with contextlib.suppress(OSError):
        raise MissingError(f"geth could not be built: {(cache / 'why').read_text(encoding='utf-8').strip()}")
    raise MissingError("no geth: scripts/test.sh builds it, or CHUZHENG_GETH_BIN names one")


def find_quorum() -> Path:
    """GoQuorum 24.4, given by CHUZHENG_QUORUM_BIN; it is under the LGPL/GPL and isn't part of this project."""
    return _given("CHUZHENG_QUORUM_BIN", "GoQuorum")


def find_besu() -> Path:
    """Besu's start script, given by CHUZHENG_BESU_BIN; it needs Java 25. No package registry has its distribution."""
    return _given("CHUZHENG_BESU_BIN", "Besu (no package registry has it; never tried with these tests)")


def _given(variable: str, what: str) -> Path:
    named = os.environ.get(variable)
    if not named:
        raise MissingError(f"no {what}: {variable} names no program")
    return _executable(variable, named)


def _executable(variable: str, named: str) -> Path:
    if not os.access(named, os.X_OK):
        raise MissingError(f"{variable} names {named}, which can't be run")
    return Path(named)


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
        return Rpc(self.url, timeout=10)

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

    def stop(self, timeout: float = 30.0) -> None:
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
            node.stop(15)

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


# -- making networks ------------------------------------------------------------------------------------------------


def _nodes(folder: Path, count: int, keys: Sequence[EvmKey], *, own: bool) -> list[Node]:
    """`own`: a node's key is its validator's key, as QBFT wants it."""
    made = []
    for number, key in enumerate(keys[:count]):
        home = folder / f"node{number}"
        home.mkdir(mode=0o700, parents=True)
        secret = bytes.fromhex(key._key.to_hex()) if own else secrets.token_bytes(32)
        made.append(Node(number, home, key, secret, free_port(), free_port()))
    return made


def _sorted_keys(count: int) -> list[EvmKey]:
    """In the order of their addresses, which is the order of the signers' turns."""
    return sorted((EvmKey(secrets.token_bytes(32)) for _ in range(count)), key=lambda key: key.address)


def _genesis(config: dict[str, Any], extra: bytes, faucet: EvmKey, mix: str = "0x" + "00" * 32) -> dict[str, Any]:
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


def _run(command: Sequence[str], folder: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PRIVATE_CONFIG": "ignore"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}:\n{done.stderr[-3000:]}")


def _keystore(key: EvmKey, folder: Path) -> None:
    """The key as geth wants to find it, under an empty password: throw-away keys of a test."""
    from eth_account import Account

    folder.mkdir(parents=True)
    file = folder / f"UTC--2026-01-01T00-00-00.000000000Z--{key.address[2:]}"
    file.write_text(json.dumps(Account.encrypt(key._key.secret, "", kdf="pbkdf2", iterations=2)), encoding="ascii")


def start_clique(folder: Path, *, nodes: int = 4, **options: Any) -> Network:
    """`_clique` with its options, begun again where it stands still: signers that begin together may each make
    a first block of their own, and then every one of them has just signed on its fork and waits for the others."""
    for attempt in range(4):
        network = _clique(folder / f"begun-{attempt}", nodes=nodes, **options)
        if nodes < 3:
            return network
        try:
            network.await_height(SETTLED, timeout=SETTLES_WITHIN)
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
    keys = _sorted_keys(1) * nodes if one_key else _sorted_keys(nodes)
    faucet = EvmKey(secrets.token_bytes(32))
    signers = sorted({key.address for key in keys})
    extra = bytes(32) + b"".join(bytes.fromhex(a[2:]) for a in signers) + bytes(65)
    genesis = _genesis({"clique": {"period": period, "epoch": 30_000}}, extra, faucet)
    made = _nodes(folder, nodes, keys, own=False)
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
        _run([program, "init", "--state.scheme", "hash", "--datadir", str(node.folder), str(folder / "genesis.json")],
             folder)  # fmt: skip
        node.command = [
            program, "--config", str(config), "--datadir", str(node.folder), "--networkid", str(CHAIN_ID),
            "--nodiscover", "--nat", "none", "--netrestrict", "127.0.0.0/8", "--port", str(node.p2p),
            "--discovery.port", "0", "--ipcdisable", "--authrpc.port", str(free_port()), "--http", "--http.addr",
            "127.0.0.1", "--http.port", str(node.http), "--http.api", "eth,net,web3,txpool,admin,clique,miner,debug",
            "--syncmode", "full", "--gcmode", "archive" if archive else "full", "--state.scheme", "hash",
            "--cache", "256",
            "--miner.etherbase", node.key.address, "--miner.gasprice", "1", "--miner.gaslimit", str(BLOCK_GAS),
            "--txpool.pricelimit", "1", *_POOL, "--unlock", node.key.address,
            "--password", str(folder / "empty"), "--allow-insecure-unlock", "--verbosity", "3",
        ]  # fmt: skip
    network = Network("geth-clique", GETH_CLIQUE, CHAIN_ID, made, period, genesis, faucet, folder)
    return _begin(network, apart=apart)


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
    keys = _sorted_keys(nodes)
    faucet = EvmKey(secrets.token_bytes(32))
    qbft = {
        "epochLength": 30_000, "blockPeriodSeconds": period, "emptyBlockPeriodSeconds": period,
        "requestTimeoutSeconds": request_timeout, "policy": 0, "ceil2Nby3Block": 0,
    }  # fmt: skip
    config = {"isQuorum": True, "txnSizeLimit": 128, "maxCodeSizeConfig": [{"block": 0, "size": 24}], "qbft": qbft}
    genesis = _genesis(config, qbft_extra([key.address for key in keys]), faucet, QBFT_MIX)
    made = _nodes(folder, nodes, keys, own=True)
    (folder / "genesis.json").write_text(json.dumps(genesis), encoding="ascii")
    for node in made:
        (node.folder / "geth").mkdir()
        (node.folder / "geth" / "nodekey").write_text(node.node_secret.hex(), encoding="ascii")
        peers = json.dumps([f"{peer.enode}?discport=0" for peer in made])
        (node.folder / "static-nodes.json").write_text(peers, encoding="ascii")
        _run([program, "init", "--datadir", str(node.folder), str(folder / "genesis.json")], folder)
        node.command = [
            program, "--datadir", str(node.folder), "--networkid", str(CHAIN_ID), "--nodiscover", "--nat", "none",
            "--netrestrict", "127.0.0.0/8", "--port", str(node.p2p), "--ipcdisable", "--http", "--http.addr",
            "127.0.0.1", "--http.port", str(node.http), "--http.api", "eth,net,web3,txpool,admin,istanbul,miner,debug",
            "--syncmode", "full", "--gcmode", "archive" if archive else "full", "--cache", "256",
            "--mine", "--miner.threads", "1",
            "--miner.gasprice", "0", "--txpool.pricelimit", "0", *_POOL,
            "--miner.gaslimit", str(BLOCK_GAS), "--miner.gastarget", str(BLOCK_GAS), "--verbosity", "3",
        ]  # fmt: skip
    return _begin(Network("quorum-qbft", QUORUM_QBFT, CHAIN_ID, made, period, genesis, faucet, folder))


def start_besu(
    folder: Path, *, nodes: int = 4, period: int = 1, request_timeout: int = 4, binary: Path | None = None
) -> Network:
    """A Besu network with QBFT as nodes.md describes production: London, zero base fee, FOREST, ENTERPRISE pool."""
    program = str(binary or find_besu())
    folder = folder.absolute()
    keys = _sorted_keys(nodes)
    faucet = EvmKey(secrets.token_bytes(32))
    qbft = {"blockperiodseconds": period, "epochlength": 30_000, "requesttimeoutseconds": request_timeout}
    config = {"londonBlock": 0, "zeroBaseFee": True, "qbft": qbft}
    genesis = _genesis(config, qbft_extra([key.address for key in keys]), faucet, QBFT_MIX)
    made = _nodes(folder, nodes, keys, own=True)
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
    return _begin(Network("besu-qbft", BESU_QBFT, CHAIN_ID, made, period, genesis, faucet, folder))


def qbft_extra(validators: Sequence[str]) -> bytes:
    """extraData of a QBFT genesis block: vanity, validators, no vote, round 0, no seals."""
    return bytes(rlp.encode([bytes(32), [bytes.fromhex(a[2:]) for a in sorted(validators)], [], b"", []]))


def _begin(network: Network, *, apart: bool = False) -> Network:
    """Start the nodes one after the other: each dials those before it, and a dial that failed is tried again only
    after half a minute."""
    try:
        for node in network.nodes:
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


_POOL = (
    *("--txpool.accountslots", "4096", "--txpool.globalslots", "16384"),
    *("--txpool.accountqueue", "4096", "--txpool.globalqueue", "16384"),
)
STARTERS: dict[str, Callable[..., Network]] = {
    "geth-clique": start_clique,
    "quorum-qbft": start_quorum,
    "besu-qbft": start_besu,
}


@contextlib.contextmanager
def running(engine: str, folder: Path, **options: Any) -> Iterator[Network]:
    """A network of `engine`, ended at the end. MissingError where there is no program for it."""
    network = STARTERS[engine](folder, **options)
    try:
        yield network
    finally:
        network.stop()


def digest(text: str) -> bytes:
    """32 bytes that stand for `text`."""
    return hashlib.sha256(text.encode()).digest()
