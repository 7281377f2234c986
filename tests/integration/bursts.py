"""Many transactions through the outbox, a sender that can be killed, and a count of what the chain then holds."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Engine

from ledger.evm import council, departments
from ledger.evm.deploy import CONTRACTS, deploy
from ledger.evm.deployment import Deployment
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import EngineProfile
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey, TransactionSigner
from ledger.store.engine import writing
from ledger.types import Address, DepartmentCode, Digest

CODE = DepartmentCode("114200000110430817")
DIES_WITHIN = 180.0
SENDER = """
import os, signal, sys, threading
from pathlib import Path
from ledger.evm.deployment import load_deployment
from ledger.evm.profiles import profile_named
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.transactions import load_key
from ledger.store.engine import open_engine
url, database, record, profile, *keys = sys.argv[1:]
signers = {key.address: key for key in map(load_key, map(Path, keys))}
profile, deployment = profile_named(profile), load_deployment(Path(record))
first, *others = map(Rpc, url.split(","))
sender = Sender(open_engine(database), first, profile, deployment, signers, parallel=4, relays=others)
if "DIES_AFTER" in os.environ:
    dies_after = float(os.environ["DIES_AFTER"])
    batch = Rpc.batch
    def counted(self, calls):
        calls = list(calls)
        if any(method == "eth_sendRawTransaction" for method, _ in calls) and not death.is_alive():
            death.start()
        return batch(self, calls)
    death = threading.Timer(dies_after, os.kill, (os.getpid(), signal.SIGKILL))
    Rpc.batch = counted
print("ready", flush=True)
sender.run(threading.Event())
"""


@dataclass
class Site:
    """One deployment on one chain, with an outbox."""

    engine: Engine
    url: str
    profile: EngineProfile
    owner: EvmKey
    folder: Path
    relays: Sequence[str] = ()
    """addresses of further nodes that a sender process hands its transactions to"""

    def __post_init__(self) -> None:
        self.record = self.folder / "deployment.json"
        self.outbox = Outbox(self.engine)
        self.deployment: Deployment = deploy(self.rpc, self.profile, self.owner, "drill", self.record)

    @property
    def rpc(self) -> Rpc:
        return Rpc(self.url, batch_limit=self.profile.batch_limit)

    def sender(self, *more: EvmKey) -> Sender:
        signers: dict[Address, TransactionSigner] = {key.address: key for key in (self.owner, *more)}
        return Sender(self.engine, self.rpc, self.profile, self.deployment, signers)

    def admit_often(self, count: int, name: str, key: EvmKey | None = None) -> list[str]:
        """One admission again and again: the first changes something, the others are no-ops that the contract takes."""
        return admit_often(self.engine, self.outbox, self.deployment, key or self.owner, count, name)

    def settle(self, sender: Sender, names: Sequence[str], seconds: float = 240) -> None:
        settle(sender, self.outbox, names, seconds)

    def command(self, *keys: EvmKey) -> list[str]:
        """A sender as a process of its own."""
        paths = []
        for key in keys or (self.owner,):
            path = self.folder / f"{key.address}.key"
            if not path.exists():
                path.touch(mode=0o600)
                path.write_text(key._key.to_hex())
            paths.append(str(path))
        known = [",".join([self.url, *self.relays]), str(self.engine.url), str(self.record), self.profile.name]
        return [sys.executable, "-c", SENDER, *known, *paths]

    def nonces(self, key: EvmKey | None = None) -> list[int]:
        return nonces(self.rpc, self.deployment, (key or self.owner).address)

    @property
    def first_nonce(self) -> int:
        """The owner's nonces below are the deployment's."""
        return len(CONTRACTS)


def killed(command: Sequence[str], after: float) -> None:
    """Run a sender process that is killed (kill -9) `after` seconds after it handed its first transactions over. It
    kills itself: who waited here might wake when all is done."""
    environment = {**os.environ, "DIES_AFTER": str(after)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        try:
            assert process.wait(DIES_WITHIN) == -signal.SIGKILL
        finally:
            process.kill()


def admit_often(
    engine: Engine, outbox: Outbox, deployment: Deployment, key: EvmKey, count: int, name: str
) -> list[str]:
    """One proposal again and again: the first changes something, the others are no-ops that the contract takes."""
    names = [f"{name}/{n}" for n in range(count)]
    admission = council.as_call(deployment, departments.admit(CODE, 420000))
    contract, function, args = council.enact(Digest(b"\x01" * 32), [admission])
    with writing(engine) as connection:
        for intent in names:
            outbox.enqueue(
                connection, intent_key=intent, sender=key.address, contract=contract, function=function, args=args
            )
    return names


def settle(sender: Sender, outbox: Outbox, names: Sequence[str], seconds: float = 180) -> None:
    """Step until as many intents as `names` are final."""
    end = time.monotonic() + seconds
    while (found := outbox.counts()).get(IntentState.FINAL, 0) < len(names):
        assert time.monotonic() < end, found
        if not sender.step():
            time.sleep(0.05)


def nonces(rpc: Rpc, deployment: Deployment, sender: str) -> list[int]:
    """Of the sender's transactions to our contracts, in the chain's order."""
    found: list[int] = []
    height = int(rpc.call("eth_blockNumber"), 16)
    ours = deployment.address("Council")
    for block in rpc.batch([("eth_getBlockByNumber", (hex(n), True)) for n in range(height + 1)]):
        found += [int(tx["nonce"], 16) for tx in block["transactions"] if tx["from"] == sender and tx["to"] == ours]
    return found


def secret() -> EvmKey:
    return EvmKey(secrets.token_bytes(32))
