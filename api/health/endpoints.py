"""Health: live (the process answers), ready (it can do its work now), deep (its logs agree with the chain); metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.health import probes
from api.health.schemas import Health, Live
from api.parts import Parts, PartsDep, address_of
from api.problems import problems

router = APIRouter(prefix="/health", tags=["health"])
metrics_router = APIRouter(tags=["health"])
KEPT = 2.0
"""Seconds that an answer of `ready` may be repeated (interfaces.md)."""
_lock = threading.Lock()


@router.get("/live", summary="The process answers")
def live() -> Live:
    return Live()


@router.get("/ready", summary="Keys, database, chain's age and disk are in order", responses={503: {"model": Health}})
def ready(request: Request, response: Response, parts: PartsDep) -> Health:
    """At most 2 seconds old. 503 if any test fails."""
    with _lock:
        made, health = getattr(request.app.state, "ready", (0.0, None))
        if health is None or time.monotonic() - made > KEPT:
            health = _health(parts, probes.READY)
            request.app.state.ready = (time.monotonic(), health)
    response.status_code = 200 if health.status == "ok" else 503
    response.headers["Cache-Control"] = "no-store"
    found: Health = health
    return found


@router.get(
    "/deep",
    summary="Also: trust file and every log agree with the chain",
    responses={503: {"model": Health}, **problems(429)},
)
def deep(request: Request, response: Response, parts: PartsDep) -> Health:
    """Asks the chain once per log; paced like a public check."""
    parts.checks.take(address_of(request))
    health = _health(parts, probes.DEEP)
    response.status_code = 200 if health.status == "ok" else 503
    response.headers["Cache-Control"] = "no-store"
    return health


@metrics_router.get("/metrics", summary="Counters for Prometheus", response_class=Response)
def metrics(parts: PartsDep) -> Response:
    return Response(generate_latest(parts.meters.registry), media_type=CONTENT_TYPE_LATEST)


def _health(parts: Parts, chosen: tuple[Callable[[Parts], probes.Finding], ...]) -> Health:
    tests = probes.run(parts, chosen)
    return Health(
        status="ok" if all(t.ok for t in tests) else "not_ok",
        network=parts.network,
        test_chain=parts.test_chain,
        tests=tests,
    )
