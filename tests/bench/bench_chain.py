"""The chain under load, on four nodes: state changes a second, submit → final, the indexer's lag, back-fill.

A state change is one decision, or one anchor, on the chain. Decisions are what departments do in mass: a certificate is
suspended (its first decision, with the proof that it is in a log of 8,192) and resumed later, half of each; nineteen
of twenty come in calls of 25, the others alone. Four of 24 logs are anchored each second. Sender and indexer are
processes of their own, as in service; nodes, sender, indexer and this process share the machine. `--minutes` sets how
long the sustained run submits (default 1; the promise is for 10), `--engine` the network: geth-clique, or quorum-qbft
where CHUZHENG_QUORUM_BIN names a binary.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.engine import Engine

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

TARGET = 500
"""state changes a second that must be sustained"""
RATE = 510
"""state changes submitted a second: the time until the last is in a block counts too"""
ANCHORED_LOGS = 24
ANCHORS = 4
"""a second, so that each log has its turn every six: a log's next head goes out when its last is in a block, as the
notary's worker does it, and isn't refused before, with all behind it in its lane"""
MANY = 25
"""decisions in one call of decideMany"""
ALONE = 31
"""decisions a second that come alone"""
RESUMED_AFTER = 12
"""seconds; both are then in their order in every block, and the first is final as a rule"""
HALF_LOAD = 30
"""seconds"""
LOG_SIZE = 8_192
LANES = 4
SINCE = BlockTime(1_700_000_000)
GRACE = 120.0
"""seconds, with three times the run's length, after which what isn't final is taken for lost"""
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
    options = (
        {} if engine == "besu-qbft" else {"archive": False}
    )  # as a validator runs: states of old blocks aren't kept
    with (
        TemporaryDirectory(prefix="chuzheng-chain-") as folder,
        running(engine, Path(folder) / "network", **options) as network,
    ):
        suspended = (seconds * RATE + HALF_LOAD * RATE // 2) // 2 + RESUMED_AFTER * RATE
        load = Load(network, Path(folder), suspended)
        yield from load.figures(RATE, seconds, sustained=True)
        # Half of what it bears: at half of the target a machine that bears less only shows its queue.
        yield from load.figures(min(RATE, int(load.borne)) // 2, HALF_LOAD, sustained=False)
        yield from load.counted()
        yield load.back_fill()
    yield empty_blocks(scale)


class Waiting:
    """The intents after `last` that aren't final yet. Rows below the lowest of them are never looked at again: over ten
    minutes there are forty thousand."""

    def __init__(self, last: int) -> None:
        self.below = last
        self.mined: set[int] = set()
        self.final: set[int] = set()

    def look(self, engine: Engine, seen: Seen) -> None:
        """Write down how long those took that came further since the last look."""
        done = (S.MINED.value, S.FINAL.value, S.REVERTED.value, S.FAILED.value)
        query = sa.select(outbox.c.id, outbox.c.created_at, outbox.c.state, outbox.c.error_code)
        query = query.where(outbox.c.id > self.below, outbox.c.state.in_(done))
        with reading(engine) as connection:
            found = connection.execute(query).all()
        now = wall_clock()
        for row, created, state, error in found:
            if state in (S.REVERTED.value, S.FAILED.value):
                raise RuntimeError(f"refused: {error}")
            if row not in self.mined:
                self.mined.add(row)
                seen.mined.append((now - created) / 1000)
            if state == S.FINAL.value and row not in self.final:
                self.final.add(row)
                seen.final.append((now - created) / 1000)
        while self.below + 1 in self.final:
            self.below += 1
            self.mined.discard(self.below)
            self.final.discard(self.below)


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
        self.site.relays = [node.url for node in network.nodes if node is not first]
        self.keys = [network.account() for _ in range(LANES)]
        self.lanes = [key.address for key in self.keys]
        self.trees = [Tree(n) for n in range(-(-entries // LOG_SIZE))]
        self.logs = [Origin(f"chuzheng/drill/{CODE}/{n}") for n in range(ANCHORED_LOGS)]
        self.sizes = [0] * ANCHORED_LOGS
        self.next = self.second_number = 0
        self.suspended: dict[bool, deque[tuple[int, range]]] = {True: deque(), False: deque()}
        """by whether they came alone: in which second they were suspended, and which entries"""
        self.changes = self.decided = 0
        self.borne = float(RATE)
        """state changes a second that the sustained run reached"""
        self._prepare()

    def _prepare(self) -> None:
        origins = [Origin(f"chuzheng/drill/{CODE}/decided-{n}") for n in range(len(self.trees))]
        self.decided_logs = [_log_id(origin) for origin in origins]
        kind = TypeCode(CODE + "001")
        plan = NetworkPlan(
            departments=[(CODE, 420000)],
            types=[(kind, CODE)],
            operators=[
                Operator(key.address, CODE, Role.ANCHOR | Role.STATUS, hashlib.sha256(b"bench").digest())
                for key in self.keys
            ],
            accreditations=[(CODE, kind, SINCE, None)],
            logs=[(o, _log_id(o), lane_of(self.lanes, _log_id(o))) for o in (*origins, *self.logs)],
        )
        signers = {key.address: key for key in (self.site.owner, *self.keys)}
        bootstrap(self.engine, self.site.rpc, self.profile, self.site.deployment, signers, plan=plan)
        for log, tree in zip(self.decided_logs, self.trees, strict=True):
            contract, function, args = anchor_log.anchor(log, LOG_SIZE, tree.root, [])
            data = encode_call(contract, function, args)
            self._submit([(f"bench/{log.hex()}", lane_of(self.lanes, log), contract, function, data, 0)])
        sender = self.site.sender(*self.keys)
        while (found := self.site.outbox.counts()).keys() - {S.FINAL}:
            if S.FAILED in found or S.REVERTED in found:
                raise RuntimeError(f"not anchored: {found}")
            if not sender.step():
                time.sleep(0.1)
        sender.release()

    # -- submitting -------------------------------------------------------------------------------------------------

    def second(self, rate: int) -> list[Call]:
        """The calls of one second, made ready before the clock runs."""
        alone = ALONE * rate // RATE
        many = (rate - ANCHORS - alone) // MANY
        made = [self._decide(1, n % 2 == 1) for n in range(alone)]
        made += [self._decide(MANY, n % 2 == 1) for n in range(many)]
        turn = self.second_number * ANCHORS
        self.second_number += 1
        return made + [self._anchor((turn + n) % ANCHORED_LOGS) for n in range(ANCHORS)]

    def _decide(self, count: int, resume: bool) -> Call:
        """Resume some that were suspended long enough ago, if there are any; else suspend the next. A call and the one
        that undoes it go by the same lane."""
        waiting = self.suspended[count == 1]
        if resume and waiting and waiting[0][0] + RESUMED_AFTER <= self.second_number:
            places, resumed = waiting.popleft()[1], True
            wanted = DecisionInput(DecisionCode.RESUMED, SINCE, ends=1)
        else:
            places, resumed = range(self.next, self.next + count), False
            self.next += count
            waiting.append((self.second_number, places))
            wanted = DecisionInput(DecisionCode.SUSPENDED, SINCE, cause=1)
        items = [(Tree.key(i), wanted, None if resumed else self._proof(i)) for i in places]
        key, _, proof = items[0]
        if count > 1:
            contract, function, args = certificate_status.decide_many([(*item, None) for item in items])
        elif proof is None:
            contract, function, args = certificate_status.decide(key, wanted)
        else:
            contract, function, args = certificate_status.decide_first(key, wanted, proof)
        name = f"{'resume' if resumed else 'suspend'}/{places[0]}"
        lane = lane_of(self.lanes, key)
        return name, lane, contract, function, encode_call(contract, function, args), count

    def _proof(self, place: int) -> EntryProof:
        tree, index = divmod(place, LOG_SIZE)
        return self.trees[tree].proof(self.decided_logs[tree], index)

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
        self.decided += sum(call[5] for second in calls for call in second if not call[0].startswith("anchor"))
        with self._processes() as parts:
            before = self._spent(parts)
            seen = self._watched(calls)
            after = self._spent(parts)
            memory, indexing = peak_mib(parts[0]), peak_mib(parts[1])
            nodes = max(peak_mib(node.pid) for node in self.network.nodes)
        spent = ", ".join(f"{part} {(after[part] - before[part]) / changes * 1000:.2f} ms" for part in after)
        cost = f"CPU each: {spent}; memory: the sender's, the largest node has {nodes:.0f} MiB"
        per_second = changes / seen.took
        self.borne = per_second
        name = self.network.engine
        if sustained:
            yield Figure(
                f"{name}: state changes sustained for {seen.took:.0f} s", per_second, "/s", target=TARGET,
                note=f"{changes:,} in all, submitted at {RATE}/s, until the last is in a block; {cost}", memory=memory,
            )  # fmt: skip
        else:
            period = self.network.period
            yield Figure(
                f"{name}: submit → in a block at half load, p95", percentile(seen.mined, 95), "s",
                target=period + 1.5, memory=memory,
                note=f"p50 {percentile(seen.mined, 50):.2f} s, {changes / seconds:.0f} a second; {cost}",
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
            note=f"most {max(seen.lag)}, {len(seen.lag)} looks; memory: the indexer's", memory=indexing,
        )  # fmt: skip

    def _spent(self, parts: tuple[int, int]) -> dict[str, float]:
        """Processor seconds so far."""
        nodes = sum(cpu_seconds(node.pid) for node in self.network.nodes)
        return {"nodes": nodes, "sender": cpu_seconds(parts[0]), "indexer": cpu_seconds(parts[1]),
                "bench": cpu_seconds(os.getpid())}  # fmt: skip

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
            waiting = Waiting(connection.scalar(sa.select(sa.func.max(outbox.c.id))) or 0)
        begun = time.monotonic()
        submitted, total = 0, sum(map(len, calls))
        parts = [second[n::10] for second in calls for n in range(10)]
        while len(seen.final) < total:
            now = time.monotonic() - begun
            while submitted < len(parts) and submitted / 10 <= now:
                self._submit(parts[submitted])
                submitted += 1
            waiting.look(self.engine, seen)
            if len(seen.mined) == total and not seen.took:
                seen.took = time.monotonic() - begun
            height = self.network.nodes[0].height()
            at = reader.cursor()
            if submitted < len(parts):
                seen.lag.append(max(0, height - (at.number if at else 0)))
            if now > 3 * len(calls) + GRACE:
                left = total - len(seen.final)
                raise RuntimeError(f"{left} of {total} aren't final: {self.site.outbox.counts()}")
            time.sleep(max(0.0, 0.1 - (time.monotonic() - begun - now)))
        return seen

    def counted(self) -> Iterator[Figure]:
        """Nothing lost and nothing doubled: what the chain's events hold against what was submitted."""
        with self._processes():
            self._caught_up()
        with reading(self.engine) as connection:
            found = connection.scalar(sa.select(sa.func.count()).select_from(decisions)) or 0
            once = sa.select(decisions.c.status_key, decisions.c.code).distinct().subquery()
            different = connection.scalar(sa.select(sa.func.count()).select_from(once)) or 0
        lost, doubled = self.decided - different, found - different
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


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def empty_blocks(scale: float) -> Figure:
    """An index of an idle anvil chain."""
    count = max(2_000, int(20_000 * scale))
    with TemporaryDirectory() as folder:
        chain = start_anvil(Path(folder) / "chain")
        try:
            engine = open_engine(f"sqlite:///{folder}/index.sqlite")
            upgrade(engine)
            site = Site(engine, chain.url, ANVIL, EvmKey(hashlib.sha256(b"bench").digest()), Path(folder))
            for _ in range(0, count, 1_000):
                site.rpc.call("anvil_mine", hex(1_000))
            begun = time.perf_counter()
            Indexer(engine, site.rpc, ANVIL, site.deployment).catch_up()
            took = time.perf_counter() - begun
            engine.dispose()
        finally:
            chain.stop()
    return Figure("back-fill, empty blocks", count / took, "blocks/s", target=5_000, note=f"{count:,} blocks of anvil")


class Tree:
    """The `number`th log of LOG_SIZE entries of our own making, so that every proof is a row of siblings."""

    def __init__(self, number: int) -> None:
        self.first = number * LOG_SIZE
        self.layers = [[hashlib.sha256(b"\0" + self.entry(self.first + i)).digest() for i in range(LOG_SIZE)]]
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
        entry = self.entry(self.first + index)
        return EntryProof(log, entry, index, LOG_SIZE, path)


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
