"""Submitting over HTTP to the whole machine on loopback: one record a call, records in bulk, commitments in bulk.

The client runs on the same cores as server, worker, indexer and chain. Everything is durable when it is answered.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import uvloop

from tests.bench.figures import Figure, peak_mib, percentile
from tests.bench.load import Outcome, as_fast_as, at_rate, for_seconds, request
from tests.bench.records import certificate_bytes, packed
from tests.bench.stack import Stack, running, spent

CONNECTIONS = 64
API_PROCESSES = 2
BULK = 10_000
BULK_RECORDS = 1_000


def run(scale: float) -> Iterator[Figure]:
    """Throughput of single submissions, latency at half of it, bulk calls."""
    with running(API_PROCESSES) as stack:
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
            target=1_000,
            note=f"p50 {_ms(whole, 50):.0f} ms, p99 {_ms(whole, 99):.0f} ms there; {cost}; memory: the server's",
            memory=peak_mib(server),
        )
        yield Figure(
            f"single records, {CONNECTIONS} connections, p99 at that throughput",
            _ms(whole, 99),
            "ms",
            target=300,
            note=f"{API_PROCESSES} API processes on one port",
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
        yield _records_in_bulk(stack, numbers, scale)
        yield _commitments_in_bulk(stack, scale)


def single_requests(stack: Stack, numbers: Iterator[int]) -> Iterator[bytes]:
    """A new certificate each; made when it is sent, some 30 µs."""
    for n in numbers:
        yield request(
            "POST", "/api/v1/certificates", certificate_bytes(n, stack.issuer),
            Authorization=f"Bearer {stack.token}", Content_Type="application/json",
        )  # fmt: skip


def _records_in_bulk(stack: Stack, numbers: Iterator[int], scale: float) -> Figure:
    calls = [
        _bulk(
            stack, "certificates/bulk", "application/x-ndjson", f"records-{n}",
            b"\n".join([certificate_bytes(next(numbers), stack.issuer) for _ in range(BULK_RECORDS)]),
        )
        for n in range(max(5, int(40 * scale)))
    ]  # fmt: skip
    return _all(stack, f"records in bulk (NDJSON), {BULK_RECORDS:,} a call", "records", calls, BULK_RECORDS)


def _commitments_in_bulk(stack: Stack, scale: float) -> Figure:
    path = f"logs/{quote(stack.origin, safe='')}/entries"
    calls = [
        _bulk(stack, path, "application/vnd.chuzheng.entries", f"bulk-{n}", packed(BULK, b"bulk %d" % n))
        for n in range(max(5, int(30 * scale)))
    ]
    found = _all(stack, f"finished commitments, {BULK:,} a call", "entries", calls, BULK)
    return replace(found, target=50_000)


def _bulk(stack: Stack, path: str, media_type: str, key: str, body: bytes) -> bytes:
    return request(
        "POST", f"/api/v1/{path}", body,
        Authorization=f"Bearer {stack.token}", Content_Type=media_type, Idempotency_Key=key,
    )  # fmt: skip


def _all(stack: Stack, what: str, unit: str, calls: list[bytes], size: int) -> Figure:
    """Every call once, over two connections; the first one only warms."""
    uvloop.run(as_fast_as(stack.port, iter(calls[:1]), connections=1))
    before = stack.cpu_seconds()
    outcome = uvloop.run(as_fast_as(stack.port, iter(calls[1:]), connections=2))
    cost = spent(before, stack.cpu_seconds(), len(outcome.latencies))
    _none_refused(outcome)
    return Figure(
        f"{what}, two callers",
        len(outcome.latencies) * size / outcome.seconds,
        f"{unit}/s",
        note=f"slowest call {_ms(outcome, 100):.0f} ms; {cost}; memory: the server's",
        memory=peak_mib(stack.parts()["api"]),
    )


def _ms(outcome: Outcome, percent: float) -> float:
    return percentile(outcome.latencies, percent) * 1000


def _none_refused(outcome: Outcome) -> None:
    if outcome.refused:
        raise RuntimeError(f"refused: {outcome.refused}")
