"""Errors over HTTP: RFC 9457 problem details, with the code, Chinese and English, and the one table of statuses.

Domain errors know nothing of HTTP; the class gives the status, `BY_CODE` the exceptions. What isn't ours is answered
as `server.unexpected` with the request id, and its trace goes to the log only.
"""

from __future__ import annotations

import errno
import math
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.language import language_of
from ledger.errors import (
    ChuzhengError,
    ConfigurationError,
    ConflictError,
    DeniedError,
    InputError,
    IntegrityError,
    NotFoundError,
    RowsError,
    UnavailableError,
    UnreadableError,
)
from ledger.texts import Language, error_text, text

PROBLEM = "application/problem+json"
MOST_ROWS = 1000

STATUS: tuple[tuple[type[ChuzhengError], int], ...] = (
    (UnreadableError, 400),
    (RowsError, 422),
    (InputError, 422),
    (ConflictError, 409),
    (DeniedError, 403),
    (NotFoundError, 404),
    (UnavailableError, 503),
    (ConfigurationError, 500),
    (IntegrityError, 500),
)
BY_CODE: dict[str, int] = {
    "auth.missing": 401,
    "auth.token": 401,
    "request.truncated": 400,
    "request.length": 400,
    "request.key_missing": 400,
    "request.invalid": 422,
    "request.too_large": 413,
    "request.too_many_items": 413,
    "request.media_type": 415,
    "request.not_utf8": 400,
    "request.too_slow": 408,
    "request.too_fast": 429,
    "request.method": 405,
    "erased": 410,
    "erased.answer": 410,
    "erased.name": 410,
}
TITLES = {400: "bad", 401: "login", 403: "denied", 404: "missing", 405: "method", 409: "conflict", 410: "gone"}
TITLES |= {408: "bad", 413: "large", 415: "media", 422: "wrong", 429: "fast", 500: "broken", 503: "later"}

log = structlog.get_logger("api")


def status_of(error: ChuzhengError) -> int:
    """HTTP status of a domain error: the code's own, else its class's."""
    if error.code in BY_CODE:
        return BY_CODE[error.code]
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def problem(error: ChuzhengError, language: Language, request_id: str | None = None) -> dict[str, Any]:
    """RFC 9457 members plus ours: `code`, `message_zh`, `message_en`, `retry_after`?, `errors`? (rows)."""
    status = status_of(error)
    messages: dict[Language, str] = {"zh": message(error, "zh"), "en": message(error, "en")}
    body: dict[str, Any] = {
        "type": f"urn:chuzheng:error:{error.code}",
        "title": text(f"web.problem.{TITLES.get(status, 'broken')}", language),
        "status": status,
        "detail": messages[language],
        "code": error.code,
        "message_zh": messages["zh"],
        "message_en": messages["en"],
    }
    if request_id:
        body["request_id"] = request_id
    if isinstance(error, UnavailableError):
        body["retry_after"] = max(1, math.ceil(error.retry_after or 5))
    if isinstance(error, RowsError):
        body["errors"] = [
            {
                "row": row,
                "column": column,
                "code": e.code,
                "message_zh": message(e, "zh"),
                "message_en": message(e, "en"),
            }
            for row, column, e in error.rows[:MOST_ROWS]
        ]
    return body


def respond(request: Request, error: ChuzhengError) -> JSONResponse:
    """The problem as a response with its headers."""
    body = problem(error, language_of(request), getattr(request.state, "request_id", None))
    headers = {"Cache-Control": "no-store"}
    if "retry_after" in body:
        headers["Retry-After"] = str(body["retry_after"])
    if body["status"] == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="chuzheng"'
    return JSONResponse(body, status_code=body["status"], media_type=PROBLEM, headers=headers)


def install(app: FastAPI) -> None:
    """Register the handlers: ours, FastAPI's own refusals, a client that went away. The rest is `unexpected`'s."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)


async def answer(request: Request, error: Exception) -> JSONResponse:
    """The same answer for a route that is called without FastAPI around it; raises what has no handler."""
    for kind, handler in _HANDLERS.items():
        if isinstance(error, kind):
            return await handler(request, error)
    raise error


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ChuzhengError)
    if isinstance(error, ConfigurationError | IntegrityError):
        log.error("refused", code=error.code, request_id=getattr(request.state, "request_id", None))
    return respond(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return respond(request, InputError("request.invalid", where=where, reason=first["msg"]))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        answer = respond(request, InputError("request.method", method=request.method))
        answer.headers["Allow"] = (error.headers or {}).get("Allow", "GET")  # RFC 9110 §15.5.6
        return answer
    if error.status_code == 404:
        return respond(request, NotFoundError("request.not_found"))
    return respond(request, UnreadableError("request.unreadable"))


async def _gone(request: Request, error: Exception) -> JSONResponse:
    return respond(request, UnreadableError("request.truncated"))


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
    ChuzhengError: _ours,
    RequestValidationError: _invalid,
    HTTPException: _http,
    ClientDisconnect: _gone,
}


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """The answer to what nobody foresaw: the request id for the caller, the trace for the log only."""
    return respond(request, named(request, error))


def named(request: Request, error: Exception) -> ChuzhengError:
    """One of our errors for any: itself, a full disk, or `server.unexpected`, whose trace goes to the log."""
    request_id = getattr(request.state, "request_id", "-")
    if isinstance(error, ChuzhengError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        log.error("disk_full", request_id=request_id)
        return UnavailableError("store.disk_full", retry_after=60)
    log.error("unexpected", request_id=request_id, **trace_of(error))
    return IntegrityError("server.unexpected", request_id=request_id)


def trace_of(error: BaseException) -> dict[str, Any]:
    """Where it happened, for the log: kinds and places only, since a message may quote what somebody sent."""
    kinds: list[str] = []
    frames: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 5:
        kinds.append(type(cause).__name__)
        found = traceback.extract_tb(cause.__traceback__)
        frames += [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in found[-12:]]
        cause = cause.__cause__ or cause.__context__
    return {"kind": " < ".join(kinds), "frames": frames}


def message(error: ChuzhengError, language: Language) -> str:
    """The error's text, or at least its code in a sentence."""
    try:
        return error_text(error, language)
    except (KeyError, IndexError, ValueError):  # a text that lacks a parameter must not hide the error itself
        return text("web.problem.untold", language, code=error.code)
