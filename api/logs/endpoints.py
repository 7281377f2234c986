"""Logs: finished commitments in, receipts and the log's own files out. An origin is one percent-encoded segment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.auth import CallerDep, MaybeCaller
from api.bodies import read_body, split_lines
from api.caching import fresh
from api.erasures.schemas import ErasuresBody
from api.limits import NDJSON, idempotency_key, own_log
from api.logs import tiles
from api.logs.schemas import BundleBody, CommitmentLine, ReceiptBody
from api.parts import PartsDep, address_of
from api.problems import READ, WRITE, problems
from ledger.errors import DeniedError, InputError, NotFoundError, UnreadableError
from ledger.types import Origin, Role
from notary.canonical import parse_strict
from notary.erasures import MEDIA_TYPE as ERASURES
from notary.erasures import write_erasures
from notary.receipt import MEDIA_TYPE as RECEIPT
from notary.receipts import MEDIA_TYPE as RECEIPTS
from notary.stores.erasure_list import list_bytes

router = APIRouter(prefix="/logs", tags=["logs"])
PACKED = "application/vnd.chuzheng.entries"
KINDS = {"certificate": 1, "document": 2, "share": 3, "use": 4, "credit": 5}


@router.post(
    "/{origin:origin}/entries",
    status_code=201,
    summary="Register up to 10,000 finished commitments at once",
    response_class=Response,
    responses={
        201: {
            "description": "One bundle: entries, checkpoint and paths",
            "content": {RECEIPTS: {"schema": BundleBody}},
        },
        **problems(*WRITE, 415),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {NDJSON: {"schema": CommitmentLine}, PACKED: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def add_entries(  # noqa: PLR0917 FastAPI passes them by name
    request: Request,
    origin: str,
    caller: CallerDep,
    parts: PartsDep,
    idempotency_key_header: Annotated[str | None, Header(alias="Idempotency-Key")] = None,
    content_type: Annotated[str, Header()] = "",
) -> Response:
    """All or nothing. NDJSON lines `{"kind", "sha256", "sm3"}` in hex, or 65 bytes each (kind, SHA-256, SM3).

    Answered when durable and included under a signed checkpoint; the anchor follows by itself.
    """
    caller.require(Role.ANCHOR)
    log = own_log(caller, parts, origin)
    key = idempotency_key(idempotency_key_header, needed=True)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in (NDJSON, PACKED):
        raise InputError("request.media_type", found=media_type or "-", expected=f"{NDJSON}, {PACKED}")
    body = await read_body(request, parts.settings.max_bulk_bytes)
    if media_type == NDJSON:
        packed = await run_in_threadpool(pack_lines, body, parts.settings.max_bulk_items)
    else:
        packed = body
        if len(body) > 65 * parts.settings.max_bulk_items:
            found = len(body) // 65
            raise InputError("request.too_many_items", limit=parts.settings.max_bulk_items, found=found)
    bundle = await parts.write(parts.the_notary().accept_commitments, caller.department, log, packed, key=key)
    parts.meters.accepted.labels("commitment").inc(bundle.count)
    # Ten megabytes of text: not in the loop, where everyone else would wait for them.
    return Response(await run_in_threadpool(bundle.to_json), status_code=201, media_type=RECEIPTS)


@router.get(
    "/{origin:origin}/checkpoint",
    summary="The log's newest signed checkpoint",
    response_class=Response,
    responses={
        200: {"description": "C2SP tlog-checkpoint", "content": {"text/plain": {}}},
        **problems(401, 403, *READ),
    },
)
def read_checkpoint(request: Request, origin: str, parts: PartsDep, caller: MaybeCaller) -> Response:
    tiles.readable_log(parts, origin, caller)
    return tiles.checkpoint(request, parts.the_notary().prover.newest_note(Origin(origin)))


@router.get(
    "/{origin:origin}/checkpoints/{size}",
    summary="The log's signed checkpoint of one size, as long as it was anchored or is the newest",
    response_class=Response,
    responses={
        200: {"description": "C2SP tlog-checkpoint", "content": {"text/plain": {}}},
        **problems(401, 403, *READ),
    },
)
def read_checkpoint_at(origin: str, size: int, parts: PartsDep, caller: MaybeCaller) -> Response:
    """What a QR code, which holds a path but no checkpoint, is verified against."""
    tiles.readable_log(parts, origin, caller)
    note = parts.the_notary().prover.checkpoint_at(Origin(origin), size) if 0 < size < 1 << 53 else None
    if note is None:
        raise NotFoundError("log.tile_missing")
    return Response(note, media_type=tiles.NOTE)


@router.get(
    "/{origin:origin}/erasures",
    summary="What was erased by order: indexes, codes of orders, and the entries that prove it",
    response_class=Response,
    responses={
        200: {"description": "The list", "content": {ERASURES: {"schema": ErasuresBody}}},
        **problems(401, 403, *READ),
    },
)
def read_erasures(request: Request, origin: str, parts: PartsDep, caller: MaybeCaller) -> Response:
    """Grows only. Each item names an entry of kind 6 and its salt: anyone recomputes the commitment (formats.md §7)."""
    files = tiles.readable_log(parts, origin, caller)
    return fresh(request, list_bytes(files) or write_erasures(files.origin, ()), media_type=ERASURES)


@router.get(
    "/{origin:origin}/tile/{path:path}",
    summary="One tile or bundle of entries (C2SP tlog-tiles)",
    response_class=Response,
    responses={
        200: {"description": "Hashes or entries", "content": {"application/octet-stream": {}}},
        **problems(401, 403, *READ, 422),
    },
)
def read_tile(origin: str, path: str, parts: PartsDep, caller: MaybeCaller) -> Response:
    files = tiles.readable_log(parts, origin, caller)
    return tiles.tile(files, f"tile/{path}", public=Origin(origin) not in parts.member_logs)


@router.get(
    "/{origin:origin}/receipts/{index}",
    summary="The newest receipt of one entry",
    response_class=Response,
    responses={
        200: {"description": "The receipt", "content": {RECEIPT: {"schema": ReceiptBody}}},
        **problems(401, 403, 410, *READ),
    },
)
def read_receipt(  # noqa: PLR0917 FastAPI passes them by name
    request: Request,
    origin: str,
    index: int,
    parts: PartsDep,
    caller: MaybeCaller,
    salted: Annotated[bool, Query(description="With the salt: the issuing department's own token only")] = False,
) -> Response:
    """Without the salt for anyone. With it (`salted=true`) for the issuer: it is as secret as the record."""
    tiles.readable_log(parts, origin, caller)
    if salted:
        if caller is None:
            raise DeniedError("auth.missing")
        caller.require(Role.ANCHOR)
        own_log(caller, parts, origin)
    if not 0 <= index < 1 << 53:
        raise NotFoundError("log.tile_missing")
    receipt = parts.the_notary().receipt(Origin(origin), index, salted=salted)
    if salted:
        return Response(receipt.to_json(), media_type=RECEIPT, headers={"Cache-Control": "no-store"})
    return fresh(request, receipt.to_json(), media_type=RECEIPT)


@router.get(
    "/{origin:origin}/receipts",
    summary="Receipts of consecutive entries as one bundle",
    response_class=Response,
    responses={
        200: {"description": "The bundle", "content": {RECEIPTS: {"schema": BundleBody}}},
        **problems(401, 403, *READ, 422),
    },
)
def read_receipts(  # noqa: PLR0917 FastAPI passes them by name
    request: Request,
    origin: str,
    parts: PartsDep,
    caller: MaybeCaller,
    first: Annotated[int, Query(ge=0, lt=1 << 53)],
    count: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Response:
    """For anyone, paced; not for a department with its token."""
    tiles.readable_log(parts, origin, caller)
    if caller is None:
        parts.checks.take(address_of(request))
    bundle = parts.the_notary().receipts(Origin(origin), first, count)
    return fresh(request, bundle.to_json(), media_type=RECEIPTS)


def pack_lines(body: bytes, most: int) -> bytes:
    """NDJSON commitments as packed ones (formats.md §6); the error names the line."""
    packed = bytearray()
    for number, line in enumerate(split_lines(body, most), 1):
        try:
            value = parse_strict(line, limit=1024)
        except UnreadableError as error:
            raise InputError("request.line", line=number, reason=error.code) from None
        packed += _packed(value, number)
    return bytes(packed)


def _packed(value: object, number: int) -> bytes:
    if not isinstance(value, dict) or value.keys() != {"kind", "sha256", "sm3"}:
        raise InputError("request.line", line=number, reason='{"kind", "sha256", "sm3"}')
    kind = KINDS.get(value["kind"]) if isinstance(value["kind"], str) else None
    if kind is None:
        raise InputError("request.line", line=number, reason="kind: " + ", ".join(KINDS))
    digests = b""
    for name in ("sha256", "sm3"):
        text = value[name]
        if not isinstance(text, str) or len(text) != 64 or set(text) - set("0123456789abcdef"):
            raise InputError("request.line", line=number, reason=f"{name}: 64 × [0-9a-f]")
        digests += bytes.fromhex(text)
    return bytes([kind]) + digests
