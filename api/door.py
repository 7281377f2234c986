"""The door: what a request must be before any route sees it, and which answers pages of other sites may read.

A header that may stand once and stands twice, a path or query that isn't UTF-8: two readers would read two things, and
a title that was guessed would be registered for ever. HEAD is GET without the body.

Other sites' scripts may read what a verifier needs and is public anyway: the logs' files, receipts without salt, the
trust file, departments (docs/adr/0009). Never with a token, and never the look-ups, which are paced by visitor.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import respond
from ledger.errors import ChuzhengError, InputError, NotFoundError, UnreadableError

ONCE = frozenset({b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key", b"if-none-match"})
OPEN = re.compile(r"/api/v1/(logs/.*|trust|departments(/[^/]*)?|openapi\.json)")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_PLAIN = re.compile(rb"[A-Za-z0-9/._~-]*")
"""Paths that say the same in every reading."""
_READABLE = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"ETag, Retry-After"))
_FROM_ELSEWHERE = (*_READABLE, (b"cross-origin-resource-policy", b"cross-origin"))
PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match",
    "Access-Control-Max-Age": "86400",
}


class Door:
    """ASGI: lets through, refuses with a problem, or answers a preflight."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (error := wrong_with(scope)) is not None:
            await respond(Request(scope), error)(scope, receive, send)
            return
        method = scope["method"]
        readable = OPEN.fullmatch(scope["path"]) is not None and not _has(scope, b"authorization")
        if not readable and method != "HEAD":
            await self._app(scope, receive, send)
            return
        if method == "OPTIONS" and _has(scope, b"access-control-request-method"):
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send)
            return
        without_body = method == "HEAD"
        inner = {**scope, "method": "GET"} if without_body else scope

        async def through(message: Message) -> None:
            if message["type"] == "http.response.start" and readable and inner["method"] == "GET":
                message["headers"] = [*message["headers"], *_FROM_ELSEWHERE]
            if message["type"] == "http.response.body" and without_body:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(inner, receive, through)
        finally:
            if "route" in inner:
                scope["route"] = inner["route"]


def wrong_with(scope: Scope) -> ChuzhengError | None:
    """What makes this request unreadable for everyone, or None."""
    once = [name for name, _ in scope["headers"] if name in ONCE]
    if len(once) > 1 and len(set(once)) < len(once):
        twice = next(name for at, name in enumerate(once) if name in once[:at])
        return UnreadableError("request.header_twice", name=twice.decode("ascii"))
    if scope["http_version"] == "1.1" and b"host" not in once:
        return UnreadableError("request.no_host")
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    if _PLAIN.fullmatch(path) and not scope["query_string"]:
        return None
    path = unquote_to_bytes(path)
    for part in (path, unquote_to_bytes(scope["query_string"].replace(b"+", b" "))):
        try:
            part.decode("utf-8")
        except UnicodeDecodeError:
            return InputError("request.not_utf8")
    return NotFoundError("request.not_found") if _CONTROL.search(path) else None


def _has(scope: Scope, wanted: bytes) -> bool:
    return any(name == wanted for name, _ in scope["headers"])
