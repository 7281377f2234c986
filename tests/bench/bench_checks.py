"""Verifying over HTTP, online and with the status: the whole machine on loopback, chain, indexer and client beside it.

Each request is a receipt with its record, both as JSON text; a different certificate each time, anchored in several
checkpoints. Pace is out of the way (`checks_per_minute`), everything else is as `chuzheng up` starts it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from itertools import cycle
from urllib.parse import quote
from urllib.request import Request, urlopen

import uvloop

from ledger.types import TypeCode
from scripts.samples import sample_network
from tests.bench.figures import Figure, peak_mib, percentile
from tests.bench.load import Outcome, as_fast_as, at_rate, for_seconds, request
from tests.bench.records import certificate_bytes
from tests.bench.stack import Stack, running, spent

CERTIFICATES = 2_000
CONNECTIONS = 48
API = int(os.environ.get("CHUZHENG_BENCH_API", "2"))
"""API processes: one a core."""


def run(scale: float) -> Iterator[Figure]:
    """Throughput reached, and the latency at 2,000 a second or at what was reached, whichever is less."""
    with running(API, CHUZHENG_CHECKS_PER_MINUTE=str(10**8)) as stack:
        asked = cycle(requests(stack, max(200, round(CERTIFICATES * min(scale, 1)))))
        uvloop.run(as_fast_as(stack.port, for_seconds(asked, 3), connections=8, expect=200))
        before = stack.cpu_seconds()
        whole = uvloop.run(
            as_fast_as(stack.port, for_seconds(asked, max(5, 20 * scale)), connections=CONNECTIONS, expect=200)
        )
        cost = spent(before, stack.cpu_seconds(), len(whole.latencies))
        memory = peak_mib(stack.parts()["api"])
        note = f"{API} API processes; p50 {_ms(whole, 50):.0f} ms, p99 {_ms(whole, 99):.0f} ms; {cost}"
        yield Figure("verifications over HTTP, status included", whole.per_second, "/s", 2_000, note, memory=memory)
        rate = min(2_000.0, 0.8 * whole.per_second)
        steady = uvloop.run(at_rate(stack.port, asked, per_second=rate, seconds=max(5, 20 * scale), expect=200))
        own = percentile(steady.late, 99) * 1000
        note = (
            f"at random times, {steady.per_second:.0f}/s; p50 {_ms(steady, 50):.0f} ms; in it p99 {own:.0f} ms client"
        )
        yield Figure("the same at 2,000/s or four fifths of that, p99", _ms(steady, 99), "ms", 50, note, memory=memory)


def requests(stack: Stack, count: int) -> list[bytes]:
    """One verification for each of `count` anchored certificates; each was `valid` when it was asked for here."""
    base = f"http://127.0.0.1:{stack.port}/api/v1/"
    of = next(TypeCode(code) for issuer, code in sample_network().accreditations if issuer == stack.issuer)
    records: dict[int, bytes] = {}
    for start in range(0, count, 250):
        part = [certificate_bytes(n, stack.issuer, of) for n in range(start, min(start + 250, count))]
        headers = {"Authorization": f"Bearer {stack.token}", "Idempotency-Key": f"bench-{start}"}
        headers["Content-Type"] = "application/x-ndjson"
        answer = urlopen(Request(base + "certificates/bulk", b"\n".join(part), headers))
        first = json.loads(answer.read())["receipts"]["first"]
        records |= dict(enumerate(part, first))
        time.sleep(2.5)
    made = []
    for index, record in records.items():
        url = f"{base}logs/{quote(stack.origin, safe='')}/receipts/{index}?salted=true"
        receipt = _anchored(url, stack.token)
        body = json.dumps({"receipt": receipt.decode(), "record": record.decode()}).encode()
        made.append(request("POST", "/api/v1/verifications", body, Content_Type="application/json"))
    report = json.loads(urlopen(Request(base + "verifications", body, {"Content-Type": "application/json"})).read())
    if report["verdict"] != "valid":
        raise RuntimeError(f"not valid: {report['code']}")
    return made


def _anchored(url: str, token: str) -> bytes:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = bytes(urlopen(Request(url, headers={"Authorization": f"Bearer {token}"})).read())
        if b'"anchor"' in found:
            return found
        time.sleep(0.2)
    raise TimeoutError(url)


def _ms(outcome: Outcome, percent: float) -> float:
    if outcome.refused:
        raise RuntimeError(f"refused: {outcome.refused}")
    return percentile(outcome.latencies, percent) * 1000
