"""How far everything under load is: the processes that carry it, what they spend, and when each intent was where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ledger.evm.outbox import IntentState, wall_clock
from ledger.store.engine import reading
from ledger.store.index import IndexReader
from ledger.store.tables import outbox
from tests.bench.chain_load import Call, Load
from tests.bench.figures import cpu_seconds

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
GRACE = 120.0
"""seconds, with three times the run's length, after which what isn't final is taken for lost"""
S = IntentState


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


def spent(load: Load, parts: tuple[int, int]) -> dict[str, float]:
    """Processor seconds so far, of each part."""
    nodes = sum(cpu_seconds(node.pid) for node in load.network.nodes)
    return {"nodes": nodes, "sender": cpu_seconds(parts[0]), "indexer": cpu_seconds(parts[1]),
            "bench": cpu_seconds(os.getpid())}  # fmt: skip


@contextmanager
def processes(load: Load) -> Iterator[tuple[int, int]]:
    """Sender and indexer while this lasts, the indexer caught up: their process ids."""
    known = [load.site.url, str(load.engine.url), str(load.site.record), load.profile.name]
    commands = (load.site.command(load.site.owner, *load.keys), [sys.executable, "-c", INDEXER, *known])
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    try:
        for process in started:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
        caught_up(load)
        yield started[0].pid, started[1].pid
    finally:
        for process in started:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


def caught_up(load: Load) -> None:
    """Return when the index is where the chain is."""
    end = time.monotonic() + GRACE
    reader = IndexReader(load.engine)
    while (at := reader.cursor()) is None or at.number < load.network.nodes[0].height():
        if time.monotonic() > end:
            raise RuntimeError("the indexer doesn't catch up")
        time.sleep(0.2)


def watched(load: Load, calls: list[list[Call]]) -> Seen:
    """Submit a second's calls in ten parts each second, and look ten times a second how far everything is."""
    seen = Seen()
    reader = IndexReader(load.engine)
    with reading(load.engine) as connection:
        waiting = Waiting(connection.scalar(sa.select(sa.func.max(outbox.c.id))) or 0)
    begun = time.monotonic()
    submitted, total = 0, sum(map(len, calls))
    parts = [second[n::10] for second in calls for n in range(10)]
    while len(seen.final) < total:
        now = time.monotonic() - begun
        while submitted < len(parts) and submitted / 10 <= now:
            load.submit(parts[submitted])
            submitted += 1
        waiting.look(load.engine, seen)
        if len(seen.mined) == total and not seen.took:
            seen.took = time.monotonic() - begun
        height = load.network.nodes[0].height()
        at = reader.cursor()
        if submitted < len(parts):
            seen.lag.append(max(0, height - (at.number if at else 0)))
        if now > 3 * len(calls) + GRACE:
            left = total - len(seen.final)
            raise RuntimeError(f"{left} of {total} aren't final: {load.site.outbox.counts()}")
        time.sleep(max(0.0, 0.1 - (time.monotonic() - begun - now)))
    return seen
