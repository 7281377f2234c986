"""The whole service on a chain that came back shorter: by a few blocks, by all its departments, by its contracts.

Nothing that was acknowledged is lost, nothing is there twice, and the index equals one that is built from nothing.
"""

from __future__ import annotations

import io
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.backstage import Backstage, open_backstage
from api.keyring import Keyring
from api.settings import Settings
from api.wiring import build
from ledger.evm.deploy import deploy
from ledger.evm.launcher import GOOD, STATE, EmbeddedChain, start_anvil
from ledger.evm.profiles import ANVIL
from ledger.evm.rpc import Rpc
from ledger.statuses import DecisionCode
from ledger.store.engine import reading
from ledger.store.index import IndexReader
from ledger.store.tables import FROM_EVENTS, blocks, events, outbox
from ledger.types import Origin, Stage, TypeCode
from notary.collect import collect
from notary.evidence import Presented
from notary.report import Verdict
from notary.trust import read_trust
from notary.verify import verify
from scripts import embedded
from scripts.samples import sample_network
from tests.fakes.notary import document, packed
from tests.integration.folders import looked_at
from tests.ports import free_port

PATIENCE = 180.0
ENTRIES = 8
ISSUER = sample_network().issuers[0].code


@dataclass
class Machine:
    """A data folder, and its chain while that runs."""

    settings: Settings
    program: Path
    chain: EmbeddedChain | None = None
    states: dict[str, bytes] = field(default_factory=dict)

    def start(self) -> None:
        port = int(self.settings.rpc_url.rsplit(":", 1)[1])
        self.chain = start_anvil(self.settings.chain_dir, port, binary=self.program, timeout=PATIENCE)

    def stop(self) -> None:
        if self.chain is not None and self.chain.running:
            self.chain.stop(60)

    def keep(self, name: str) -> None:
        """Remember the chain's state as it is now."""
        self.stop()
        self.states[name] = (self.settings.chain_dir / STATE).read_bytes()
        self.start()

    def fall_back(self, name: str) -> None:
        """What a crash or a restored backup does: the chain runs again from an older state."""
        assert self.chain
        self.chain.kill()
        for file in (STATE, GOOD):
            (self.settings.chain_dir / file).write_bytes(self.states[name])
        self.start()

    @property
    def origin(self) -> Origin:
        return next(o for o in Keyring(self.settings.keys_dir).origins() if o.split("/")[2] == ISSUER)

    @contextmanager
    def service(self) -> Iterator[Backstage]:
        """Worker, sender and indexer, as their processes run them."""
        back, stop = open_backstage(self.settings), threading.Event()
        runs = (back.worker.run, back.sender.run, back.indexer.run)
        loops = [threading.Thread(target=run, args=(stop,)) for run in runs]
        for loop in loops:
            loop.start()
        try:
            yield back
        finally:
            stop.set()
            for loop in loops:
                loop.join(120)
            back.close()


@pytest.fixture
def machine(anvil_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr("notary.heads.ANSWER", PATIENCE)  # for the first word of a chain that is merely slow
    settings = Settings(home=tmp_path / "home", rpc_url=f"http://127.0.0.1:{free_port()}")
    made = Machine(settings, anvil_program)
    before = os.umask(0)
    try:
        made.start()
        yield made
        made.stop()
    finally:
        os.umask(before)


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def stages(back: Backstage, origin: Origin, count: int) -> set[Stage]:
    return {back.notary.receipt(origin, n).stage for n in range(count)}


def dump(back: Backstage) -> list[list[tuple[Any, ...]]]:
    """All that the index holds, but headers of empty blocks."""
    with reading(back.engine) as connection:
        tables = [connection.execute(sa.select(table)).all() for table in (*FROM_EVENTS, events)]
        newest = connection.execute(sa.select(sa.func.max(blocks.c.number))).all()
    return [sorted(map(tuple, rows), key=repr) for rows in (*tables, newest)]


def check_all(machine: Machine, back: Backstage, count: int, key: Any) -> None:
    """Everything is there, once; the chain and the index say the same; a verifier is content."""
    parts = build(machine.settings)
    try:
        assert parts.chain
        assert [d.code for d in parts.chain.decisions(key)] == [DecisionCode.SUSPENDED]
        network = sample_network()
        for department in network.departments:
            assert parts.chain.department(department.code) is not None
        for issuer, code in network.accreditations:
            assert len(parts.chain.accreditations(issuer, TypeCode(code))) == 1
        said = Counter()  # type: ignore[var-annotated]
        index = back.indexer
        reader = IndexReader(back.engine)
        for contract in ("Departments", "AnchorLog", "CertificateStatus"):
            found = reader.events(contract, limit=100_000)
            said.update((event, repr(sorted(args.items()))) for _, event, args in found)
        assert [event for event, number in said.items() if number > 1] == []
        receipt = back.notary.receipt(machine.origin, 1, salted=True)
        record = back.notary.record(machine.origin, 1)
        trust = read_trust(machine.settings.trust_path.read_bytes())
        now = parts.clock.now()
        evidence = collect(Presented(receipt, record), trust, parts.chain, parts.log_reader, now)
        report = verify(Presented(receipt, record), evidence, trust, now, now)
        assert report.verdict is Verdict.SUSPENDED
        assert {c.name: c.from_block for c in trust.contracts} == {
            c.name: c.from_block for c in back.deployment.contracts
        }
        assert stages(back, machine.origin, count) == {Stage.ANCHORED}
        with reading(back.engine) as connection:
            again = sa.select(sa.func.count()).where(outbox.c.intent_key.regexp_match("^network/.*/[1-9][0-9]*$"))
            assert connection.scalar(again) == 0  # what was lost was sent again, not made again
        live = dump(back)
        index.rebuild()
        assert dump(back)[:-1] == live[:-1]
    finally:
        parts.close()


def test_service__chain_came_back_shorter__everything_is_there_again_and_once(machine: Machine) -> None:
    settings = machine.settings
    machine.keep("empty")
    keyring = Keyring(settings.keys_dir)
    keyring.make_machine_keys()
    rpc = Rpc(settings.rpc_url)
    network = embedded._network_name(settings, rpc)
    deploy(rpc, ANVIL, keyring.owner(), network, settings.deployment_path)
    machine.keep("contracts only")
    embedded.prepare(settings)
    machine.keep("no entries")
    origin = machine.origin
    with machine.service() as back:
        back.notary.accept_records(ISSUER, origin, [document(n, ISSUER) for n in range(3)], key="first")
        until(lambda: stages(back, origin, 3) == {Stage.ANCHORED})
    machine.keep("first anchors")
    with machine.service() as back:
        back.notary.accept_commitments(ISSUER, origin, packed(4, start=100), key="second")
        wraps = Keyring(settings.keys_dir).wrap_publics()
        file = io.BytesIO(b"a document" * 10_000)
        back.notary.accept_document(ISSUER, origin, file, media_type="text/plain", readers=wraps)
        parts = build(settings)
        assert parts.decisions
        intent = parts.decisions.decide(ISSUER, (origin, 1), DecisionCode.SUSPENDED, cause=1)
        key = parts.decisions.key_of((origin, 1))
        until(lambda: stages(back, origin, ENTRIES) == {Stage.ANCHORED} and parts.outbox.status(intent).done)
        until(lambda: len(parts.decisions._index.decisions(key)) == 1)  # type: ignore[union-attr]
        before = [back.notary.receipt(origin, n) for n in range(ENTRIES)]
        parts.close()

    for name, kept in (("first anchors", 3), ("no entries", 0), ("contracts only", 0), ("empty", ENTRIES)):
        machine.fall_back(name)
        with open_service(settings) as back:
            if name != "empty":  # where the contracts aren't, the chain isn't asked anything
                back.indexer.catch_up()
            found = [back.notary.receipt(origin, n).stage for n in range(ENTRIES)]
            assert found == [Stage.ANCHORED] * kept + [Stage.INCLUDED] * (ENTRIES - kept), name
        if name == "empty":
            Rpc(settings.rpc_url).call("anvil_mine", "0x14")  # the contracts will stand in later blocks than before
        embedded.prepare(settings)  # as the next `up` does
        with machine.service() as back:
            until(lambda: stages(back, origin, ENTRIES) == {Stage.ANCHORED})
            until(lambda: len(IndexReader(back.engine).decisions(key)) == 1)
            until(lambda: not back.sender._open_lanes())
            after = [back.notary.receipt(origin, n) for n in range(ENTRIES)]
            assert [r.entry for r in after] == [r.entry for r in before]
        with open_service(settings) as back:
            back.indexer.catch_up()
            check_all(machine, back, ENTRIES, key)

    assert open_to_others(settings.home) == {"trust", "deployment.json", "departments.json"}


def open_to_others(home: Path) -> set[str]:
    """First parts of the paths of files and folders that others may read or enter; the folder itself may be older."""
    found = looked_at(lambda: [path for path in home.rglob("*") if path.stat().st_mode & 0o077])
    return {path.relative_to(home).parts[0] for path in found}


@contextmanager
def open_service(settings: Settings) -> Iterator[Backstage]:
    """The parts with nobody running them."""
    back = open_backstage(settings)
    try:
        yield back
    finally:
        back.close()
