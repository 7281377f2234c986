"""Several lanes and several senders as real processes: one writer a lane, whoever dies, and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from api.backstage import open_backstage
from api.keyring import Keyring
from api.settings import Settings
from ledger.evm.anchor_log import open_log
from ledger.evm.departments import DepartmentsView
from ledger.evm.launcher import EmbeddedChain
from ledger.evm.network import NetworkPlan, Operator, bootstrap
from ledger.evm.outbox import IntentState
from ledger.evm.profiles import ANVIL
from ledger.evm.rpc import Rpc
from ledger.lanes import lane_of
from ledger.store.engine import open_engine, writing
from ledger.types import LogId, Origin, Role
from notary.entry import log_id
from scripts.embedded import prepare
from scripts.samples import sample_network
from tests.integration.bursts import CODE, Site, secret

LANES = 3
EACH = 400


def ready(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """Of both kinds: several processes write the same tables."""
    made = open_engine(database)
    yield made
    made.dispose()


def test_lanes__senders_killed_in_turn__another_goes_on_and_each_is_done_once(
    anvil: EmbeddedChain, engine: Engine, tmp_path: Path
) -> None:
    site = Site(engine, anvil.url, ANVIL, secret(), tmp_path)
    keys = [secret() for _ in range(LANES)]
    person = b"\x01" * 32
    plan = NetworkPlan(
        departments=[(CODE, 420000)], operators=[Operator(k.address, CODE, int(Role.ANCHOR), person) for k in keys]
    )
    signers = {key.address: key for key in (site.owner, *keys)}
    bootstrap(engine, site.rpc, ANVIL, site.deployment, signers, plan=plan)
    done = site.outbox.counts().get(IntentState.FINAL, 0)
    with writing(engine) as connection:
        for n in range(EACH):
            for number, key in enumerate(keys):
                contract, function, args = open_log(Origin(f"chuzheng/drill/{CODE}/{number}"))
                site.outbox.enqueue(
                    connection, intent_key=f"lane/{number}/{n}", sender=key.address, contract=contract,
                    function=function, args=args,
                )  # fmt: skip
    command = site.command(*keys)
    running = [ready(subprocess.Popen(command, stdout=subprocess.PIPE)) for _ in range(2)]
    try:
        for _ in range(3):
            time.sleep(0.5)
            running.append(ready(subprocess.Popen(command, stdout=subprocess.PIPE)))
            oldest = running.pop(0)
            os.kill(oldest.pid, signal.SIGKILL)  # its leases run out by themselves
            oldest.wait()
        end = time.monotonic() + 240
        while (found := site.outbox.counts()).get(IntentState.FINAL, 0) < done + EACH * LANES:
            assert time.monotonic() < end, found
            time.sleep(0.2)
    finally:
        for process in running:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    mined = Counter[str]()
    height = int(site.rpc.call("eth_blockNumber"), 16)
    for block in site.rpc.batch([("eth_getBlockByNumber", (hex(n), True)) for n in range(height + 1)]):
        for tx in block["transactions"]:
            if tx["to"] == site.deployment.address("AnchorLog"):
                assert int(tx["nonce"], 16) == mined[tx["from"]], "in order, none twice"
                mined[tx["from"]] += 1
    assert {key.address: mined[key.address] for key in keys} == {key.address: EACH for key in keys}


def test_lanes__set_in_the_settings__made_appointed_and_used(anvil: EmbeddedChain, tmp_path: Path) -> None:
    home = tmp_path / "home"
    prepare(Settings(home=home, rpc_url=anvil.url))
    issuer = sample_network().issuers[0].code
    one = Keyring(home / "keys").lanes()[issuer]
    assert len(one) == 1
    settings = Settings(home=home, rpc_url=anvil.url, lanes=LANES)  # more of them, later
    prepare(settings)
    found = Keyring(settings.keys_dir).lanes()
    assert {len(keys) for keys in found.values()} == {LANES}
    assert found[issuer][0].address == one[0].address
    back = open_backstage(settings)
    try:
        view = DepartmentsView(Rpc(anvil.url), back.deployment)
        head = int(Rpc(anvil.url).call("eth_blockNumber"), 16)
        for key in found[issuer]:
            appointed = view.operator(key.address, head)
            assert appointed
            assert appointed[0] == issuer
        for origin, address in back.worker._lanes.items():
            lanes = [key.address for key in found[origin.split("/")[2]]]  # type: ignore[index]
            assert address == lane_of(lanes, LogId(log_id(origin)))
    finally:
        back.close()
    assert lane_of([k.address for k in found[issuer]], sha256(b"x").digest()) in {k.address for k in found[issuer]}
