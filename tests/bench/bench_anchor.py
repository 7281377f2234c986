"""From a submission to a receipt that shows its anchor: real chain (one block a second), worker, indexer, over HTTP.

The gas of an anchor is measured by the contract tests, which write docs/gas.md; here it is read from there.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import uvloop

from tests.bench.bench_http import single_requests
from tests.bench.figures import Figure, peak_mib, percentile
from tests.bench.load import arrivals, lanes, until_anchored
from tests.bench.stack import Stack, running

BLOCK_SECONDS = 1.0
TARGET = 2 * BLOCK_SECONDS + 2
GAS = Path(__file__).resolve().parents[2] / "docs" / "gas.md"
_ANCHOR = re.compile(r"^\| `anchor` to 2\^24 leaves[^|]*\| *([0-9,]+) *\|", re.M)


def run(scale: float) -> Iterator[Figure]:
    """A log that is idle in between, then one that anchors without pause."""
    with running() as stack:
        numbers = itertools.count()
        for what, per_second in (("one now and then", 0.4), ("20 records a second", 20.0)):
            took = uvloop.run(_watched(stack, numbers, per_second, seconds=max(8.0, 60 * scale)))
            yield Figure(
                f"anchored receipt, {what}, p99",
                percentile(took, 99),
                "s",
                target=TARGET,
                note=f"{len(took)} submissions, p50 {percentile(took, 50):.2f} s; memory: the worker's",
                memory=peak_mib(stack.parts()["notary"]),
            )
    if (gas := _gas()) is not None:
        yield Figure(
            "AnchorLog.anchor at 2^24 leaves", gas, "gas", target=110_000, note="docs/gas.md, longest proof", memory=0
        )


async def _watched(stack: Stack, numbers: Iterator[int], per_second: float, seconds: float) -> list[float]:
    """Seconds from sending until the receipt has its anchor, of each submission."""
    requests = single_requests(stack, numbers)
    start = time.perf_counter()

    async def one(offset: float) -> float:
        await asyncio.sleep(max(0.0, start + offset - time.perf_counter()))
        [lane] = await lanes(stack.port, 1)
        sent = time.perf_counter()
        status, body = await lane.send(next(requests))
        if status != 201:
            raise RuntimeError(f"refused: {status} {body[:300]!r}")
        receipt = json.loads(body)
        path = f"/api/v1/logs/{quote(receipt['origin'], safe='')}/receipts/{receipt['index']}"
        seen = await until_anchored(path, lane=lane)
        lane.close()
        return seen - sent

    return list(await asyncio.gather(*(one(offset) for offset in arrivals(per_second, seconds))))


def _gas() -> float | None:
    """The anchor's gas at 2^24 from the gas table; None while there is no table."""
    if not GAS.exists():
        return None
    found = _ANCHOR.search(GAS.read_text(encoding="utf-8"))
    return float(found.group(1).replace(",", "")) if found else None
