"""What an operator sees: a request id, one log line per request, counters. No personal data in any of them.

Lines name the route's template, never the path or query: identifiers and look-ups stand there. This is also where the
security headers are put on, because every response passes here.
"""

from __future__ import annotations

import io
import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.bodies import Held

_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_NAMES = frozenset(name for name, _ in HEADERS)
_KINDS = 1_000
"""Kinds of requests (method, route, status) of which is remembered how they are counted and logged."""


class Meters:
    """Counters of one application; a registry of its own, so that two applications in one process don't clash."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "chuzheng_http_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "chuzheng_http_request_seconds",
            "Time to answer",
            ["method", "route"],
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30),
        )
        self.accepted = Counter("chuzheng_entries_accepted", "Entries accepted", ["kind"], registry=self.registry)
        self.verdicts = Counter("chuzheng_verdicts", "Verdicts given", ["verdict"], registry=self.registry)
        self.chain_age = Gauge("chuzheng_chain_age_seconds", "Age of the newest block", registry=self.registry)
        self.content_lag = Gauge(
            "chuzheng_content_lag_files", "Files that a store doesn't hold yet", ["store"], registry=self.registry
        )
        self.log_size = Gauge(
            "chuzheng_log_size", "Entries in the signed checkpoint", ["origin"], registry=self.registry
        )
        self._of: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, took: float) -> None:
        """Count one request, `took` in seconds; which counters those are is looked up once for each kind."""
        found = self._of.get((method, route, status))
        if found is None:
            if len(self._of) >= _KINDS:
                self._of.clear()
            found = self.requests.labels(method, route, str(status)), self.seconds.labels(method, route)
            self._of[method, route, status] = found
        found[0].inc()
        found[1].observe(took)


class Observed:
    """ASGI: gives each request its id, logs and counts it, and puts the security headers on the response."""

    def __init__(
        self, app: ASGIApp, meters: Meters, held: Held, on_error: Callable[[Request, Exception], Response]
    ) -> None:
        self._app = app
        self._meters = meters
        self._held = held
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                extra = HEADERS if _NAMES.isdisjoint(present) else [h for h in HEADERS if h[0] not in present]
                message["headers"] = [*message["headers"], *extra, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, observed_send)
        except Exception as error:  # the outermost door: what nobody handled is answered here, with headers and id
            if status:
                raise
            await self._on_error(Request(scope), error)(scope, receive, observed_send)
        finally:
            if "held" in state:
                self._held.give_back(state["held"])
            took = time.perf_counter() - started
            method, route = scope["method"], getattr(scope.get("route"), "path", "-")
            self._meters.answered(method, route, status, took)
            _REQUESTS.write(request_id, method, route, status, took)


class _RequestLines:
    """The one line that each request has, written without structlog's steps: they cost more than an answer may.

    Its members and their order are structlog's. Nothing but `request_id` differs between the requests of a route, and
    that is ours or of the letters of `_ID`.
    """

    def __init__(self) -> None:
        self.stream: Any = None  # None: the level is above `info`
        self._of: dict[tuple[str, str, int], str] = {}

    def write(self, request_id: str, method: str, route: str, status: int, took: float) -> None:
        if self.stream is None:
            return
        key = (method, route, status)
        middle = self._of.get(key)
        if middle is None:
            if len(self._of) >= _KINDS:
                self._of.clear()
            named = json.dumps({"method": method, "route": route, "status": status}, ensure_ascii=False)
            middle = self._of[key] = named[1:-1]
        now = datetime.now().isoformat()
        self.stream.write(
            f'{{"request_id": "{request_id}", {middle}, "milliseconds": {took * 1000:.1f}, "event": "request", '
            f'"level": "info", "timestamp": "{now}"}}\n'
        )


_REQUESTS = _RequestLines()


def set_up_logs(level: str, stream: Any = None) -> None:
    """JSON lines on stderr. Uvicorn's access lines hold paths and are off (see `app.run`)."""
    least, stream = logging.getLevelNamesMapping()[level.upper()], stream or _Stderr()
    _REQUESTS.stream = stream if least <= logging.INFO else None
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )


class _Stderr(io.StringIO):
    """Whatever stderr is at the moment of writing: the process may redirect it after start. A line that can't be
    written is lost: on a full disk the work must go on that the line was about."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _ID.fullmatch(given):
                return str(given)
    return secrets.token_hex(8)
