"""Routes that are asked thousands of times a second, answered without FastAPI's machinery around them.

FastAPI looks a path up in every included router, builds the dependencies and keeps exit stacks for each request: more
work than verifying is. A direct route has one fixed path and a twin of its endpoint that takes the request alone. It
stays declared with its router: description, other methods and labels are the router's; door, limits, problem details
and counters are around both ways.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import answer
from ledger.errors import ChuzhengError

Twin = Callable[[Request], Awaitable[Response]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Table = Mapping[tuple[str, str], tuple[APIRoute, Twin]]
_TWIN = "direct_twin"


def direct(twin: Twin) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint (below its `@router.post(…)`): `twin` answers in its place, to the same effect."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _TWIN, twin)
        return endpoint

    return mark


def table(prefix: str, router: APIRouter) -> dict[tuple[str, str], tuple[APIRoute, Twin]]:
    """(method, path) → route and twin of the marked endpoints. ValueError for a path with parameters."""
    found: dict[tuple[str, str], tuple[APIRoute, Twin]] = {}
    for route in router.routes:
        twin = getattr(route, "endpoint", None) and getattr(route.endpoint, _TWIN, None)  # type: ignore[attr-defined]
        if twin is None or not isinstance(route, APIRoute):
            continue
        if "{" in route.path:
            raise ValueError(route.path)
        found |= {(method, prefix + route.path): (route, twin) for method in route.methods or ()}
    return found


class Direct:
    """ASGI: answers what is in the table, passes on the rest."""

    def __init__(self, app: ASGIApp, table: Table) -> None:
        self._app = app
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._table.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["route"], twin = found
        request = Request(scope, receive)
        try:
            response = await twin(request)
        except (ChuzhengError, HTTPException, ClientDisconnect) as error:
            response = await answer(request, error)
        await response(scope, receive, send)
