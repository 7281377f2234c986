"""Submitting over HTTP to the whole machine on loopback: one record a call, records in bulk, commitments in bulk.

The client runs on the same cores as server, worker, indexer and chain. Everything is durable when it is answered.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import quote

import uvloop

from tests.bench.figures import Figure, peak_mib, percentile
from tests.bench.load import Outcome, as_fast_as, at_rate, for_seconds, request
from tests.bench.records import certificate_bytes, packed
from tests.bench.stack import Stack, running, spent

CONNECTIONS = 32
BULK = 10_000
BULK_RECORDS = 1_000


def run(scale: float) -> Iterator[Figure]:
    """Throughput of single submissions, latency at half of it, bulk calls."""
    with running() as stack:
        numbers = itertools.count()
        singles = single_requests(stack, numbers)
        uvloop.run(as_fast_as(stack.port, for_seconds(singles, 1), connections=8))  # imports and caches are warm now
        before = stack.cpu_seconds()
        whole = uvloop.run(as_fast_as(stack.port, for_seconds(singles, max(3, 15 * scale)), connections=CONNECTIONS))
        server, cost = stack.parts()["api"], spent(before, stack.cpu_seconds(), len(whole.latencies))
        _none_refused(whole)
        yield Figure(
            f"single records, {CONNECTIONS} connections, throughput reached",
            whole.per_second,
            "records/s",
            note=f"p50 {_ms(whole, 50):.0f} ms, p99 {_ms(whole, 99):.0f} ms there; {cost}; memory: the server's",
            memory=peak_mib(server),
        )
        half = uvloop.run(at_rate(stack.port, singles, per_second=whole.per_second / 2, seconds=max(5.0, 30 * scale)))
        _none_refused(half)
        yield Figure(
            "single records at half of that, p99",
            _ms(half, 99),
            "ms",
            target=300,
            note=f"at random times, {half.per_second:.0f}/s; p50 {_ms(half, 50):.0f} ms, most {_ms(half, 100):.0f} ms",
            memory=peak_mib(server),
        )
        yield _records_in_bulk(stack, numbers, scale, server)
        yield _commitments_in_bulk(stack, scale, server)


def single_requests(stack: Stack, numbers: Iterator[int]) -> Iterator[bytes]:
    """A new certificate each; made when it is sent, some 30 µs."""
    for n in numbers:
        yield request(
            "POST", "/api/v1/certificates", certificate_bytes(n, stack.issuer),
            Authorization=f"Bearer {stack.token}", Content_Type="application/json",
        )  # fmt: skip


def _records_in_bulk(stack: Stack, numbers: Iterator[int], scale: float, server: int) -> Figure:
    calls = [
        request(
            "POST", "/api/v1/certificates/bulk",
            b"\n".join([certificate_bytes(next(numbers), stack.issuer) for _ in range(BULK_RECORDS)]),
            Authorization=f"Bearer {stack.token}", Content_Type="application/x-ndjson", Idempotency_Key=f"records-{n}",
        )
        for n in range(max(4, int(40 * scale)))
    ]  # fmt: skip
    outcome = _all(stack.port, calls)
    return Figure(
        f"records in bulk (NDJSON), {BULK_RECORDS:,} a call, two callers",
        len(calls) * BULK_RECORDS / outcome.seconds,
        "records/s",
        memory=peak_mib(server),
    )


def _commitments_in_bulk(stack: Stack, scale: float, server: int) -> Figure:
    path = f"/api/v1/logs/{quote(stack.origin, safe='')}/entries"
    calls = [
        request(
            "POST", path, packed(BULK, b"bulk %d" % n),
            Authorization=f"Bearer {stack.token}", Content_Type="application/vnd.chuzheng.entries",
            Idempotency_Key=f"bulk-{n}",
        )
        for n in range(max(4, int(20 * scale)))
    ]  # fmt: skip
    outcome = _all(stack.port, calls)
    return Figure(
        f"finished commitments, {BULK:,} a call, two callers",
        len(calls) * BULK / outcome.seconds,
        "entries/s",
        target=25_000,
        note=f"answered under a checkpoint with every path; slowest call {_ms(outcome, 100):.0f} ms",
        memory=peak_mib(server),
    )


def _all(port: int, calls: list[bytes]) -> Outcome:
    """Every call once, over two connections."""
    outcome = uvloop.run(as_fast_as(port, iter(calls), connections=2))
    _none_refused(outcome)
    return outcome


def _ms(outcome: Outcome, percent: float) -> float:
    return percentile(outcome.latencies, percent) * 1000


def _none_refused(outcome: Outcome) -> None:
    if outcome.refused:
        raise RuntimeError(f"refused: {outcome.refused}")
