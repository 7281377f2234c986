"""The chain under load, on four nodes: state changes a second, submit → final, the indexer's lag, back-fill.

A state change is what departments do in mass: a first status decision with its proof of inclusion (nine of ten come in
calls of 25, the others alone), and anchors of four logs once a second. Sender and indexer are processes of their own,
as in service; nodes, sender and indexer share the machine. `--minutes` sets how long the sustained run is (default 1;
the promise is for 10), `--engine` the network: geth-clique, or quorum-qbft where CHUZHENG_QUORUM_BIN names a binary.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from ledger.evm import anchor_log, certificate_status
from ledger.evm.artifacts import encode_call
from ledger.evm.certificate_status import DecisionInput, EntryProof
from ledger.evm.indexer import Indexer
from ledger.evm.launcher import start_anvil
from ledger.evm.network import NetworkPlan, Operator, bootstrap
from ledger.evm.outbox import IntentState, wall_clock
from ledger.evm.profiles import ANVIL
from ledger.evm.transactions import EvmKey
from ledger.lanes import lane_of
from ledger.statuses import DecisionCode
from ledger.store import outbox as rows
from ledger.store.engine import open_engine, reading, upgrade, writing
from ledger.store.index import IndexReader
from ledger.store.tables import decisions, outbox
from ledger.types import Address, BlockTime, Digest, LogId, Origin, Role, TypeCode
from tests.bench.figures import Figure, peak_mib, percentile
from tests.integration.bursts import CODE, Site
from tests.integration.networks import Network, running

RATE = 500
"""state changes a second that must be sustained"""
ANCHORED_LOGS = 4
MANY = 25
"""decisions in one call of decideMany"""
ALONE = 46
"""decisions a second that come alone"""
LANES = 4
SINCE = BlockTime(1_700_000_000)
GRACE = 120.0
"""seconds after the last submission until everything must be final"""
INDEXER = """
import sys, threading
from pathlib import Path
from ledger.evm.deployment import load_deployment
from ledger.evm.indexer import Indexer
from ledger.evm.profiles import profile_named
from ledger.evm.rpc import Rpc
from ledger.store.engine import open_engine
url, database, record, profile = sys.argv[1:]
indexer = Indexer(open_engine(database), Rpc(url), profile_named(profile), load_deployment(Path(record)))
print("ready", flush=True)
indexer.run(threading.Event())
"""
Call = tuple[str, Address, str, str, bytes, int]
"""(key, account, contract, function, calldata, state changes in it)"""


def run(scale: float, *, minutes: float | None = None, engine: str = "geth-clique") -> Iterator[Figure]:
    """Sustained at full rate, half load, then back-fill of what was written and of empty blocks."""
    seconds = max(10, round(60 * (minutes if minutes is not None else scale)))
    with TemporaryDirectory(prefix="chuzheng-chain-") as folder, running(engine, Path(folder) / "network") as network:
        load = Load(network, Path(folder), seconds * RATE + 30 * RATE // 2 + 2 * RATE)
        yield from load.figures(RATE, seconds, sustained=True)
        yield from load.figures(RATE // 2, 30, sustained=False)
        yield from load.counted()
        yield load.back_fill()
    yield empty_blocks(scale)


@dataclass
class Seen:
    """What was watched during a run, in seconds."""

    mined: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    lag: list[int] = field(default_factory=list)
    took: float = 0.0


class Load:
    """One deployment with enough anchored entries to decide about."""

    def __init__(self, network: Network, folder: Path, entries: int) -> None:
        self.network, self.profile = network, network.profile
        self.engine = open_engine(f"sqlite:///{folder}/chuzheng.sqlite")
        upgrade(self.engine)
        first = next(n for n in network.nodes if n.running)
        self.site = Site(self.engine, first.url, self.profile, network.account(), folder)
        self.keys = [network.account() for _ in range(LANES)]
        self.lanes = [key.address for key in self.keys]
        self.tree = Tree(entries)
        self.logs = [Origin(f"chuzheng/drill/{CODE}/{n}") for n in range(ANCHORED_LOGS)]
        self.sizes = [0] * ANCHORED_LOGS
        self.number = self.next = 0
        self.changes = self.decided = 0
        self._prepare()

    def _prepare(self) -> None:
        origin = Origin(f"chuzheng/drill/{CODE}")
        self.log = _log_id(origin)
        kind = TypeCode(CODE + "001")
        plan = NetworkPlan(
            departments=[(CODE, 420000)],
            types=[(kind, CODE)],
            operators=[
                Operator(key.address, CODE, Role.ANCHOR | Role.STATUS, hashlib.sha256(b"bench").digest())
                for key in self.keys
            ],
            accreditations=[(CODE, kind, SINCE, None)],
            logs=[(o, _log_id(o), lane_of(self.lanes, _log_id(o))) for o in (origin, *self.logs)],
        )
        signers = {key.address: key for key in (self.site.owner, *self.keys)}
        bootstrap(self.engine, self.site.rpc, self.profile, self.site.deployment, signers, plan=plan)
        contract, function, args = anchor_log.anchor(self.log, self.tree.size, self.tree.root, [])
        data = encode_call(contract, function, args)
        self._submit([("bench/tree", lane_of(self.lanes, self.log), contract, function, data, 0)])
        sender = self.site.sender(*self.keys)
        while (row := self.site.outbox.status("bench/tree")) is None or row.state is not IntentState.FINAL:
            if not sender.step():
                time.sleep(0.1)
        sender.release()

    # -- submitting -------------------------------------------------------------------------------------------------

    def second(self, rate: int) -> list[Call]:
        """The calls of one second, made ready before the clock runs."""
        alone = ALONE * rate // RATE
        many = (rate - ANCHORED_LOGS - alone) // MANY
        made = [self._decide(1) for _ in range(alone)] + [self._decide(MANY) for _ in range(many)]
        return made + [self._anchor(n) for n in range(ANCHORED_LOGS)]

    def _decide(self, count: int) -> Call:
        places = range(self.next, self.next + count)
        self.next += count
        wanted = DecisionInput(DecisionCode.SUSPENDED, SINCE, cause=1)
        items = [(self.tree.key(i), wanted, self.tree.proof(self.log, i)) for i in places]
        if count == 1:
            key, decision, proof = items[0]
            contract, function, args = certificate_status.decide_first(key, decision, proof)
        else:
            contract, function, args = certificate_status.decide_many([(*item, None) for item in items])
        lane = lane_of(self.lanes, items[0][0])
        return f"decide/{places[0]}", lane, contract, function, encode_call(contract, function, args), count

    def _anchor(self, number: int) -> Call:
        log = _log_id(self.logs[number])
        size = self.sizes[number] = self.sizes[number] + 1
        proof = _grown(size)
        contract, function, args = anchor_log.anchor(log, size, _uniform_root(size), proof)
        data = encode_call(contract, function, args)
        return f"anchor/{number}/{size}", lane_of(self.lanes, log), contract, function, data, 1

    def _submit(self, calls: list[Call]) -> None:
        now = wall_clock()
        with writing(self.engine) as connection:
            for key, sender, contract, function, data, _ in calls:
                rows.insert(
                    connection, intent_key=key, sender=sender, contract=contract, function=function,
                    calldata=data, now=now,
                )  # fmt: skip

    # -- watching ---------------------------------------------------------------------------------------------------

    def figures(self, rate: int, seconds: int, *, sustained: bool) -> Iterator[Figure]:
        calls = [self.second(rate) for _ in range(seconds)]
        changes = sum(call[5] for second in calls for call in second)
        self.changes += changes
        self.decided += sum(call[5] for second in calls for call in second if call[0].startswith("decide"))
        with self._processes() as parts:
            seen = self._watched(calls)
            memory = peak_mib(parts[0])
        per_second = changes / seen.took
        name = self.network.engine
        if sustained:
            yield Figure(
                f"{name}: state changes sustained for {seconds} s", per_second, "/s", target=0.97 * RATE,
                note=f"{RATE} submitted a second, {changes:,} in all; until the last was mined; memory: the sender's",
                memory=memory,
            )  # fmt: skip
        else:
            period = self.network.period
            yield Figure(
                f"{name}: submit → in a block at half load, p95", percentile(seen.mined, 95), "s",
                target=period + 1.5, note=f"p50 {percentile(seen.mined, 50):.2f} s, {rate} a second", memory=memory,
            )  # fmt: skip
            depth = self.profile.finality_depth
            yield Figure(
                f"{name}: submit → final at half load, p95", percentile(seen.final, 95), "s",
                target=period + 1.5 + depth * period,
                note=f"p50 {percentile(seen.final, 50):.2f} s; final is {depth} blocks deep here", memory=memory,
            )  # fmt: skip
        behind = f"{'full' if sustained else 'half'} load"
        yield Figure(
            f"{name}: indexer's lag at {behind}, p99", percentile(seen.lag, 99), "blocks", target=1,
            note=f"most {max(seen.lag)}, {len(seen.lag)} looks", memory=0,
        )  # fmt: skip

    @contextmanager
    def _processes(self) -> Iterator[tuple[int, int]]:
        known = [self.site.url, str(self.engine.url), str(self.site.record), self.profile.name]
        commands = (self.site.command(self.site.owner, *self.keys), [sys.executable, "-c", INDEXER, *known])
        started = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
        try:
            for process in started:
                assert process.stdout
                assert process.stdout.readline() == b"ready\n"
            self._caught_up()
            yield started[0].pid, started[1].pid
        finally:
            for process in started:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()

    def _caught_up(self) -> None:
        end = time.monotonic() + GRACE
        reader = IndexReader(self.engine)
        while (at := reader.cursor()) is None or at.number < self.network.nodes[0].height():
            if time.monotonic() > end:
                raise RuntimeError("the indexer doesn't catch up")
            time.sleep(0.2)

    def _watched(self, calls: list[list[Call]]) -> Seen:
        """Submit a second's calls in ten parts each second, and look ten times a second how far everything is."""
        seen = Seen()
        reader = IndexReader(self.engine)
        with reading(self.engine) as connection:
            last = connection.scalar(sa.select(sa.func.max(outbox.c.id))) or 0
        begun = time.monotonic()
        submitted, total = 0, sum(map(len, calls))
        parts = [second[n::10] for second in calls for n in range(10)]
        mined: set[int] = set()
        final: set[int] = set()
        while len(final) < total:
            now = time.monotonic() - begun
            while submitted < len(parts) and submitted / 10 <= now:
                self._submit(parts[submitted])
                submitted += 1
            self._look(last, mined, final, seen)
            if len(mined) == total and not seen.took:
                seen.took = time.monotonic() - begun
            height = self.network.nodes[0].height()
            at = reader.cursor()
            if submitted < len(parts):
                seen.lag.append(max(0, height - (at.number if at else 0)))
            if now > len(calls) + GRACE:
                raise RuntimeError(f"{total - len(final)} of {total} aren't final: {self.site.outbox.counts()}")
            time.sleep(max(0.0, 0.1 - (time.monotonic() - begun - now)))
        return seen

    def _look(self, last: int, mined: set[int], final: set[int], seen: Seen) -> None:
        done = (S.MINED.value, S.FINAL.value, S.REVERTED.value, S.FAILED.value)
        query = sa.select(outbox.c.id, outbox.c.created_at, outbox.c.state, outbox.c.error_code)
        query = query.where(outbox.c.id > last, outbox.c.state.in_(done))
        with reading(self.engine) as connection:
            found = connection.execute(query).all()
        now = wall_clock()
        for row, created, state, error in found:
            if state in (S.REVERTED.value, S.FAILED.value):
                raise RuntimeError(f"refused: {error}")
            if row not in mined:
                mined.add(row)
                seen.mined.append((now - created) / 1000)
            if state == S.FINAL.value and row not in final:
                final.add(row)
                seen.final.append((now - created) / 1000)

    def counted(self) -> Iterator[Figure]:
        """Nothing lost and nothing doubled: what the chain's events hold against what was submitted."""
        with self._processes():
            self._caught_up()
        with reading(self.engine) as connection:
            found = connection.scalar(sa.select(sa.func.count()).select_from(decisions)) or 0
            keys = connection.scalar(sa.select(sa.func.count(decisions.c.status_key.distinct()))) or 0
        lost, doubled = self.decided - keys, found - keys
        yield Figure("decisions lost", lost, "", target=0, note=f"of {self.decided:,}", memory=0)
        yield Figure("decisions doubled", doubled, "", target=0, memory=0)

    def back_fill(self) -> Figure:
        """A new index of the same chain, from its first block."""
        with TemporaryDirectory() as folder:
            engine = open_engine(f"sqlite:///{folder}/index.sqlite")
            upgrade(engine)
            begun = time.perf_counter()
            Indexer(engine, self.site.rpc, self.profile, self.site.deployment).catch_up()
            took = time.perf_counter() - begun
            with reading(engine) as connection:
                found = connection.scalar(sa.select(sa.func.count()).select_from(decisions)) or 0
            engine.dispose()
        return Figure(
            "back-fill, events", found / took, "events/s", target=5_000, note=f"{found:,} decisions, nodes idle"
        )


S = IntentState


def empty_blocks(scale: float) -> Figure:
    """An index of an idle anvil chain."""
    count = max(2_000, int(20_000 * scale))
    with TemporaryDirectory() as folder:
        chain = start_anvil(Path(folder) / "chain")
        try:
            engine = open_engine(f"sqlite:///{folder}/index.sqlite")
            upgrade(engine)
            site = Site(engine, chain.url, ANVIL, EvmKey(hashlib.sha256(b"bench").digest()), Path(folder))
            site.rpc.call("anvil_mine", hex(count))
            begun = time.perf_counter()
            Indexer(engine, site.rpc, ANVIL, site.deployment).catch_up()
            took = time.perf_counter() - begun
            engine.dispose()
        finally:
            chain.stop()
    return Figure("back-fill, empty blocks", count / took, "blocks/s", target=5_000, note=f"{count:,} blocks of anvil")


class Tree:
    """A log of 2^n entries of our own making, so that every proof is a row of siblings."""

    def __init__(self, entries: int) -> None:
        depth = max(1, (entries - 1).bit_length())
        self.size = 1 << depth
        self.layers = [[hashlib.sha256(b"\0" + self.entry(i)).digest() for i in range(self.size)]]
        while len(self.layers[-1]) > 1:
            below = self.layers[-1]
            self.layers.append(
                [hashlib.sha256(b"\1" + below[i] + below[i + 1]).digest() for i in range(0, len(below), 2)]
            )
        self.root = Digest(self.layers[-1][0])

    @staticmethod
    def entry(index: int) -> bytes:
        digest = hashlib.sha256(index.to_bytes(8, "big")).digest()
        return b"\1\1" + CODE.encode() + bytes(8) + digest + digest

    @staticmethod
    def key(index: int) -> Digest:
        digest = hashlib.sha256(index.to_bytes(8, "big")).digest()
        return Digest(hashlib.sha256(b"chuzheng/status/v1\0" + CODE.encode() + digest).digest())

    def proof(self, log: LogId, index: int) -> EntryProof:
        path = tuple(layer[(index >> level) ^ 1] for level, layer in enumerate(self.layers[:-1]))
        return EntryProof(log, self.entry(index), index, self.size, path)


def _log_id(origin: Origin) -> LogId:
    return LogId(hashlib.sha256(b"chuzheng/log/v1\0" + origin.encode()).digest())


def _leaves(size: int) -> list[bytes]:
    return [hashlib.sha256(b"\0" + Tree.entry(i)).digest() for i in range(size)]


def _uniform_root(size: int) -> Digest:
    from notary.merkle import root_from_leaves

    return root_from_leaves(_leaves(size))


def _grown(size: int) -> list[bytes]:
    """From one entry less; nothing to prove for the first."""
    from notary.merkle import consistency_proof

    return list(consistency_proof(_leaves(size), size - 1)) if size > 1 else []
