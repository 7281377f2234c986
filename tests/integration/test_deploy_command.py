"""`python -m scripts.deploy` on a real anvil: a council of two out of three, crashes, other chains, a new version."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from api.settings import Settings
from ledger.crypto.chain import keccak
from ledger.errors import ConfigurationError
from ledger.evm import council
from ledger.evm.council import CouncilView
from ledger.evm.departments import DepartmentsView
from ledger.evm.deploy import CONTRACTS
from ledger.evm.deployment import Deployment, load_deployment
from ledger.evm.launcher import EmbeddedChain
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import ANVIL
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey, load_or_make_key
from ledger.store.engine import writing
from ledger.types import Address, ChainHash, DepartmentCode, Digest
from notary.trust import trust_hash
from scripts import embedded
from scripts.deploy import main

TRANSFER, ACCEPT = keccak(b"transferOwnership(address)")[:4] + bytes(12), keccak(b"acceptOwnership()")[:4]
MEMBERS = ("114200000099912773", "11420000009991840C", "11420000MB9419465B")


class Site:
    """A folder with keys and a council's description, and the command run on it."""

    def __init__(self, folder: Path, url: str, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.rpc, self.engine, self._capsys = folder, Rpc(url), engine, capsys
        self.record, self.key = folder / "deployment.json", folder / "deployer.key"
        self.account = load_or_make_key(self.key).address
        self.delegates = [EvmKey(secrets.token_bytes(32)) for _ in MEMBERS]
        self.describe()

    def describe(self, threshold: int = 2) -> None:
        lines = [f"threshold = {threshold}", "pause_threshold = 1", "delay = 0", "expiry = 86400"]
        for n, (code, key) in enumerate(zip(MEMBERS, self.delegates, strict=True)):
            lines += ["[[member]]", f'code = "{code}"', "[[member.delegate]]", f'account = "{key.address}"']
            lines += [f'person_hash = "{bytes([n + 1] * 32).hex()}"']
        (self.folder / "council.toml").write_text("\n".join(lines), encoding="utf-8")

    def run(self, *more: str, network: str | None = "prov", described: bool = True) -> tuple[int, dict[str, Any], str]:
        """(exit code, the JSON object, what went to stderr)"""
        self._capsys.readouterr()
        arguments = ["--rpc", self.rpc.url, "--profile", "anvil", "--key", str(self.key), "--record", str(self.record)]
        arguments += ["--network", network] if network else []
        arguments += ["--council", str(self.folder / "council.toml")] if described else []
        code = main([*arguments, "--json", *more])
        told = self._capsys.readouterr()
        return code, json.loads(told.out), told.err

    def nonce(self) -> int:
        return int(self.rpc.call("eth_getTransactionCount", self.account, "latest"), 16)

    def pass_(self, deployment: Deployment, calls: Sequence[council.Call], approving: int = 1) -> None:
        """Members have the Council make these calls; so many approve what the first proposes."""
        made = Digest(secrets.token_bytes(32))
        first, *others = self.delegates
        signers = {key.address: key for key in self.delegates}
        sender, outbox = Sender(self.engine, self.rpc, ANVIL, deployment, signers), Outbox(self.engine)
        steps = (
            (first, council.propose(made, calls)),
            *((key, council.approve(made, council.content_of(calls))) for key in others[:approving]),
            (first, council.execute(made, calls)),
        )
        for n, (key, (contract, function, args)) in enumerate(steps):
            name = f"{made.hex()}/{n}"
            with writing(self.engine) as connection:
                outbox.enqueue(
                    connection, intent_key=name, sender=key.address, contract=contract, function=function, args=args
                )
            end = time.monotonic() + 120
            while (row := outbox.status(name)) is None or not row.done:
                assert time.monotonic() < end
                if not sender.step():
                    time.sleep(0.05)
            assert row.state is IntentState.FINAL, row.error_code
        sender.release()


@pytest.fixture
def site(anvil: EmbeddedChain, engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, anvil.url, engine, capsys)


def test_deploy__first_again_and_after_a_crash__the_same_contracts(site: Site) -> None:
    code, told, err = site.run()
    assert code == 0
    assert [c["name"] for c in told["contracts"]] == list(CONTRACTS)
    assert [c["name"] for c in told["to_name"]] == list(CONTRACTS)
    assert site.account in err
    assert told["contracts"][-1]["address"] in err
    deployment = load_deployment(site.record)
    view, block = CouncilView(site.rpc, deployment), int(site.rpc.call("eth_blockNumber"), 16)
    assert view.members(block) == set(MEMBERS)
    assert view.rules(block).threshold == 2
    assert view.delegate(site.delegates[1].address, block) is not None
    assert view.delegate(site.account, block) is None  # who deploys gets no right from it
    kept, nonce = site.record.read_bytes(), site.nonce()
    assert site.run()[:2] == (0, told)
    assert site.run(network=None, described=False)[:2] == (0, told)
    site.record.unlink()  # as a crash before the record was written
    assert site.run()[:2] == (0, told)
    assert (site.record.read_bytes(), site.nonce()) == (kept, nonce)


def test_deploy__given_something_else__refused_and_named(site: Site) -> None:
    def refusal(*more: str, **given: Any) -> str:
        code, told, _ = site.run(*more, **given)
        assert (code, told["ok"]) == (2, False)
        return str(told["code"])

    assert refusal(described=False) == "deployment.council_missing"
    assert refusal(network=None) == "deployment.network_missing"
    assert refusal("--profile", "none") == "chain.profile"
    site.describe(threshold=4)
    assert refusal() == "deployment.reverted"
    site.key.unlink()
    site.account = load_or_make_key(site.key).address
    site.describe()
    assert site.run()[0] == 0
    assert refusal(network="other") == "deployment.other_network"
    site.describe(threshold=3)
    assert refusal() == "deployment.council_differs"
    kept = json.loads(site.record.read_text(encoding="utf-8"))
    site.record.unlink()
    assert refusal() == "deployment.made_otherwise"
    site.describe()
    wrong = {
        "deployment.other_chain": {"chain_id": 1},
        "deployment.other_genesis": {"genesis_hash": "0x" + "00" * 32},
        "deployment.other_code": {"contracts": [kept["contracts"][0] | {"code_hash": "0x" + "00" * 32}]},
    }
    for expected, change in wrong.items():
        site.record.write_text(json.dumps(kept | change), encoding="utf-8")
        assert refusal() == expected


def test_deploy__new_version__in_the_record_once_the_council_named_it(site: Site) -> None:
    told = site.run()[1]
    first = load_deployment(site.record)
    own = first.address("Council")
    site.pass_(first, [(own, bytes.fromhex(c["data"][2:])) for c in told["to_name"]])
    assert site.run()[1]["to_name"] == []
    code, told, _ = site.run("--new-version", "AnchorLog")
    assert code == 0
    new = told["to_name"][0]
    assert new["account"] != first.address("AnchorLog")
    assert load_deployment(site.record) == first
    site.pass_(first, [(own, bytes.fromhex(new["data"][2:]))])
    told = site.run()[1]
    assert told["to_name"] == []
    after = load_deployment(site.record)
    assert after.address("AnchorLog") == new["account"].lower()
    old, newer = after.versions("AnchorLog")
    assert (old.address, old.until_block) == (first.address("AnchorLog"), newer.from_block)
    block = int(site.rpc.call("eth_blockNumber"), 16)
    named = CouncilView(site.rpc, after).versions("AnchorLog", block)
    assert [(v.account, v.code_hash) for v in named] == [(c.address, c.code_hash) for c in (old, newer)]
    assert CouncilView(site.rpc, after).contract_of("AnchorLog", block) == newer.address


def test_deploy__new_council__takes_the_departments_over(site: Site) -> None:
    site.run()
    first = load_deployment(site.record)
    site.delegates = site.delegates[::-1]
    site.describe(threshold=3)
    code, told, _ = site.run("--new-version", "Council")
    assert code == 0
    newer, data = Address(told["to_name"][0]["account"]), bytes.fromhex(told["to_name"][0]["data"][2:])
    calls = [(first.address("Council"), data), (first.address("Departments"), TRANSFER + bytes.fromhex(newer[2:]))]
    site.pass_(first, calls)
    site.run(described=False)
    after = load_deployment(site.record)
    assert [c.until_block is None for c in after.versions("Council")] == [False, True]
    with pytest.raises(AssertionError, match="approvals_missing"):  # two are too few for the new one
        site.pass_(after, [(after.address("Departments"), ACCEPT)])
    site.pass_(after, [(after.address("Departments"), ACCEPT)], approving=2)
    block = int(site.rpc.call("eth_blockNumber"), 16)
    assert DepartmentsView(site.rpc, after).read("council", [], block)[0].lower() == newer


def test_council_view__a_proposal_under_way__told_as_it_stands(site: Site) -> None:
    site.run()
    deployment = load_deployment(site.record)
    block = int(site.rpc.call("eth_blockNumber"), 16)
    view = CouncilView(site.rpc, deployment)
    assert view.proposal(Digest(bytes(32)), block) is None
    assert view.versions("Nothing", block) == ()
    assert view.pinned_trust_files(block) is None
    assert view.last_pause(block) is None
    calls = [council.as_call(deployment, council.pin_trust_file(Digest(b"\x01" * 32), 1))]
    site.pass_(deployment, calls)
    block = int(site.rpc.call("eth_blockNumber"), 16)
    assert view.pinned_trust_files(block) == (1, 1)
    assert view.trust_file(1, block) == b"\x01" * 32
    assert not view.paused(block)
    assert view.pause_requested_at(DepartmentCode(MEMBERS[0]), block) is None
    assert [d.account for d in view.delegates(DepartmentCode(MEMBERS[0]), block)] == [
        Address(site.delegates[0].address)
    ]


def test_up__record_of_another_chain_genesis_or_code__refused_before_anything_starts(
    anvil: EmbeddedChain, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", rpc_url=anvil.url)
    trust = embedded.prepare(settings).trust
    deployment = load_deployment(settings.deployment_path)
    block = int(Rpc(anvil.url).call("eth_blockNumber"), 16)
    view = CouncilView(Rpc(anvil.url), deployment)
    assert view.trust_file(1, block) == trust_hash(trust)
    assert [view.contract_of(name, block) for name in CONTRACTS] == [deployment.address(name) for name in CONTRACTS]
    assert [m.member for m in trust.council] == sorted(view.members(block))
    other, (*others, last) = ChainHash("0x" + "00" * 32), deployment.contracts
    wrong = {
        "deployment.other_chain": replace(deployment, chain_id=1),
        "deployment.other_genesis": replace(deployment, genesis_hash=other),
        "deployment.other_code": replace(deployment, contracts=(*others, replace(last, code_hash=other))),
    }
    for code, record in wrong.items():
        record.save(settings.deployment_path)
        with pytest.raises(ConfigurationError) as caught:
            embedded.prepare(settings)
        assert caught.value.code == code
        if code == "deployment.other_code":
            assert caught.value.params["contract"] == last.name
    deployment.save(settings.deployment_path)
    assert embedded.prepare(settings).trust == trust
