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
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from ledger.evm.indexer import Indexer
from ledger.evm.launcher import start_anvil
from ledger.evm.profiles import ANVIL
from ledger.evm.transactions import EvmKey
from ledger.store.engine import open_engine, reading, upgrade
from ledger.store.tables import decisions
from tests.bench.chain_load import RATE, RESUMED_AFTER, Load
from tests.bench.chain_watch import caught_up, processes, spent, watched
from tests.bench.figures import Figure, peak_mib, percentile
from tests.integration.bursts import Site
from tests.integration.networks import running
from tests.ports import free_port

TARGET = 500
"""state changes a second that must be sustained"""
HALF_LOAD = 30
"""seconds"""


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
        yield from figures(load, RATE, seconds, sustained=True)
        # Half of what it bears: at half of the target a machine that bears less only shows its queue.
        yield from figures(load, min(RATE, int(load.borne)) // 2, HALF_LOAD, sustained=False)
        yield from counted(load)
        yield back_fill(load)
    yield empty_blocks(scale)


def figures(load: Load, rate: int, seconds: int, *, sustained: bool) -> Iterator[Figure]:
    """What so many seconds at this rate show, at full load or at half."""
    calls = [load.second(rate) for _ in range(seconds)]
    changes = sum(call[5] for second in calls for call in second)
    load.changes += changes
    load.decided += sum(call[5] for second in calls for call in second if not call[0].startswith("anchor"))
    with processes(load) as parts:
        before = spent(load, parts)
        seen = watched(load, calls)
        after = spent(load, parts)
        memory, indexing = peak_mib(parts[0]), peak_mib(parts[1])
        nodes = max(peak_mib(node.pid) for node in load.network.nodes)
    each = ", ".join(f"{part} {(after[part] - before[part]) / changes * 1000:.2f} ms" for part in after)
    cost = f"CPU each: {each}; memory: the sender's, the largest node has {nodes:.0f} MiB"
    per_second = changes / seen.took
    load.borne = per_second
    name = load.network.engine
    if sustained:
        yield Figure(
            f"{name}: state changes sustained for {seen.took:.0f} s", per_second, "/s", target=TARGET,
            note=f"{changes:,} in all, submitted at {RATE}/s, until the last is in a block; {cost}", memory=memory,
        )  # fmt: skip
    else:
        period = load.network.period
        yield Figure(
            f"{name}: submit → in a block at half load, p95", percentile(seen.mined, 95), "s",
            target=period + 1.5, memory=memory,
            note=f"p50 {percentile(seen.mined, 50):.2f} s, {changes / seconds:.0f} a second; {cost}",
        )  # fmt: skip
        depth = load.profile.finality_depth
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


def counted(load: Load) -> Iterator[Figure]:
    """Nothing lost and nothing doubled: what the chain's events hold against what was submitted."""
    with processes(load):
        caught_up(load)
    with reading(load.engine) as connection:
        found = connection.scalar(sa.select(sa.func.count()).select_from(decisions)) or 0
        once = sa.select(decisions.c.status_key, decisions.c.code).distinct().subquery()
        different = connection.scalar(sa.select(sa.func.count()).select_from(once)) or 0
    lost, doubled = load.decided - different, found - different
    yield Figure("decisions lost", lost, "", target=0, note=f"of {load.decided:,}", memory=0)
    yield Figure("decisions doubled", doubled, "", target=0, memory=0)


def back_fill(load: Load) -> Figure:
    """A new index of the same chain, from its first block."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/index.sqlite")
        upgrade(engine)
        begun = time.perf_counter()
        Indexer(engine, load.site.rpc, load.profile, load.site.deployment).catch_up()
        took = time.perf_counter() - begun
        with reading(engine) as connection:
            found = connection.scalar(sa.select(sa.func.count()).select_from(decisions)) or 0
        engine.dispose()
    return Figure("back-fill, events", found / took, "events/s", target=5_000, note=f"{found:,} decisions, nodes idle")


def empty_blocks(scale: float) -> Figure:
    """An index of an idle anvil chain."""
    count = max(2_000, int(20_000 * scale))
    with TemporaryDirectory() as folder:
        chain = start_anvil(Path(folder) / "chain", free_port())
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
