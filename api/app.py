"""The HTTP application: routes, handlers and limits put together. Nothing here decides anything about records.

`create_app(settings)` for a server, `assemble(parts)` where the parts exist already (tests, one-process mode).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors
from api.audit import endpoints as audit
from api.bodies import Held
from api.certificates import endpoints as certificates
from api.console import pages
from api.departments import endpoints as departments
from api.direct import Direct, Table, table
from api.documents import endpoints as documents
from api.door import Door
from api.erasures import endpoints as erasures
from api.feed import endpoints as feed
from api.heads import endpoints as heads
from api.health import endpoints as health
from api.logs import endpoints as logs
from api.observing import Observed, set_up_logs
from api.parts import Parts
from api.problems import Problem
from api.settings import Settings
from api.statuses import endpoints as statuses
from api.trust import endpoints as trust
from api.verifications import endpoints as verifications

PREFIX = "/api/v1"
NOT_STARTED = 3
"""Exit code where the port can't be had, as Uvicorn's own."""
SWITCH_WITHIN = 0.0005
"""Seconds that a thread computes before another may: the server's loop lets go at each system call, and would wait for
ten times as long until it may go on."""
GARBAGE_AFTER = 10_000
"""New containers after which the youngest are looked through: a verification makes some hundreds and keeps none."""
STATIC = Path(__file__).parent / "console" / "static"
DESCRIPTION = """\
把证照和文件登记到单位自己的登记簿并上链，供任何人核验。/ Register certificates and documents in a department's \
own log, anchor it, and let anyone verify them.

Errors are RFC 9457 problem details with a stable `code` and both languages. Writes need a bearer token of the \
department with the role, and take an `Idempotency-Key`: the same key with the same content gives the same \
answer, always. Any call may be answered with 400 (a header twice, an address that isn't UTF-8), 408 (slow), 429, \
503 (both with `Retry-After`).

Scripts of other sites may read the logs, the trust file and departments, without a token; nothing else.
"""


class Assets(StaticFiles):
    """Our scripts and styles: small, so revalidated each time rather than stale after an upgrade."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


class Application(FastAPI):
    """FastAPI with our own layers instead of its own: Observed answers what nobody handled, bodies have limits by
    route (bodies.py), and no span is wanted. Each layer that isn't there is one call less for every message."""

    direct: Table

    def build_middleware_stack(self) -> ASGIApp:
        routed = ExceptionMiddleware(AsyncExitStackMiddleware(self.router), handlers=self.exception_handlers)
        parts: Parts = self.state.parts
        door = Door(Direct(routed, self.direct))
        return Observed(door, meters=parts.meters, held=self.state.held, on_error=errors.unexpected)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)


def create_app(settings: Settings, *, processes: int = 0) -> Application:
    """Build everything from settings, and the application on it. ConfigurationError says what is missing."""
    from api.wiring import build, require_own_records

    parts = build(settings, processes=processes)
    try:
        require_own_records(parts.the_notary())
    except BaseException:
        parts.close()
        raise
    return assemble(parts)


def assemble(parts: Parts) -> Application:
    """The application on finished parts."""
    set_up_logs(parts.settings.log_level)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = parts.settings.worker_threads
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(parts.close)

    app = Application(
        title="Chuzheng 楚证",
        version="1",
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # the usual pages load scripts from elsewhere; ours is console/pages.py
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat the Host header, which anyone may have written
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},  # spans hold addresses
        license_info={"name": "Apache-2.0"},
    )
    app.state.parts = parts
    app.state.tokens = parts.tokens
    app.state.held = Held()
    errors.install(app)
    rooms = (certificates, documents, logs, verifications, statuses, erasures, departments, audit, feed, heads, trust,
             health)  # fmt: skip
    for room in rooms:
        app.include_router(room.router, prefix=PREFIX)
    app.include_router(health.metrics_router)
    app.include_router(pages.router)
    app.mount("/static", Assets(directory=STATIC), name="static")
    app.direct = {key: found for room in rooms for key, found in table(PREFIX, room.router).items()}
    _describe_problems(app)
    return app


def run(settings: Settings, *, processes: int = 0) -> None:
    """Serve until told to stop; `processes` as in wiring.build.

    Uvicorn's access lines hold paths, and so identifiers: they are off.
    """
    import uvicorn

    from api.connections import Connection, more_open_files, quiet_servers_log
    from api.listening import Sharing, bound, inherited

    proxies = settings.trusted_proxies
    sys.setswitchinterval(SWITCH_WITHIN)
    app = create_app(settings, processes=processes)
    gc.collect()
    gc.freeze()  # what there is now stays: looking through it for garbage stopped every answer for some 70 ms
    gc.set_threshold(GARBAGE_AFTER, 20, 20)
    quiet_servers_log()
    more_open_files()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Connection,
        ws="none",
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        access_log=False,
        server_header=False,
        log_level="error",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
    place = inherited(os.environ)
    if place is not None:
        server: uvicorn.Server = Sharing(config, place)
        server.run()
    else:  # started by itself: each binds the port, and the kernel deals out connections by a hash of their addresses
        server = uvicorn.Server(config)
        several = settings.api_processes > 1
        server.run(sockets=[bound(settings.host, settings.port, several=True)] if several else None)
    if not server.started:
        sys.exit(NOT_STARTED)


def _describe_problems(app: FastAPI) -> None:
    """Put Problem among the schemas: routes name it by reference, since its media type isn't the default one."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        description = generate()
        schemas = description.setdefault("components", {}).setdefault("schemas", {})
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        return description

    app.openapi = openapi  # type: ignore[method-assign]
