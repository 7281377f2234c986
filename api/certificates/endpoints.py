"""Certificates: records in, promised receipts with their salts out. One at a time, or up to 10,000 as NDJSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.auth import CallerDep, bearer, caller_of
from api.bodies import read_body, split_lines
from api.certificates.schemas import AcceptedBody, RecordBody
from api.direct import direct
from api.limits import JSON, NDJSON, idempotency_key, media_type, own_log
from api.logs.schemas import ReceiptBody
from api.parts import PartsDep
from api.problems import WRITE, problems
from ledger.errors import UnreadableError
from ledger.types import Role
from notary.receipt import MEDIA_TYPE as RECEIPT
from notary.receipts import build_bundle

if TYPE_CHECKING:
    from notary.reception import Accepted

router = APIRouter(prefix="/certificates", tags=["certificates"])
ACCEPTED = "chuzheng-accepted/1"
KeyHeader = Annotated[
    str | None, Header(alias="Idempotency-Key", description="Same key and content: the same answer, also after a crash")
]
LogQuery = Annotated[str | None, Query(description="Log to write to; default: the department's own first log")]


async def add_directly(request: Request) -> Response:
    """`add_certificate` on what the request itself holds (api/direct.py)."""
    caller = await caller_of(request, await bearer(request))
    key, origin = request.headers.get("idempotency-key"), request.query_params.get("origin")
    return await add_certificate(request, caller, request.app.state.parts, key, origin)


@router.post(
    "",
    status_code=201,
    summary="Register one record",
    response_class=Response,
    responses={
        201: {
            "description": "Registered; the promised receipt with its salt",
            "content": {RECEIPT: {"schema": ReceiptBody}},
        },
        200: {"description": "Registered earlier; the same receipt", "content": {RECEIPT: {"schema": ReceiptBody}}},
        **problems(*WRITE, 415),
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": RecordBody}}}},
)
@direct(add_directly)
async def add_certificate(
    request: Request, caller: CallerDep, parts: PartsDep, key: KeyHeader = None, origin: LogQuery = None
) -> Response:
    """The record is committed as received. Answered when durable; inclusion and anchor follow by themselves.

    Keep the receipt: it holds the record's salt, which is as secret as the record.
    """
    caller.require(Role.ANCHOR)
    log = own_log(caller, parts, origin)
    checked = idempotency_key(key)
    media_type(request, JSON)
    body = await read_body(request, parts.settings.max_record_bytes)
    if not body:
        raise UnreadableError("request.empty")
    with parts.writes.pass_through():
        accepted = await parts.gathered.accept(caller.department, log, body, checked)
    parts.meters.accepted.labels("record").inc(0 if accepted.repeated else 1)
    return receipt_response(accepted)


@router.post(
    "/bulk",
    status_code=201,
    summary="Register up to 10,000 records at once",
    response_class=Response,
    responses={
        201: {"description": "All registered", "content": {"application/json": {"schema": AcceptedBody}}},
        **problems(*WRITE, 415),
    },
    openapi_extra={"requestBody": {"required": True, "content": {NDJSON: {"schema": RecordBody}}}},
)
async def add_certificates(
    request: Request, caller: CallerDep, parts: PartsDep, key: KeyHeader = None, origin: LogQuery = None
) -> Response:
    """NDJSON, one record a line, at most 16 MiB; all or nothing, and every wrong line is listed.

    `salts` holds 32 bytes per record in the order sent. `further` is there only where some records were registered
    earlier: then the receipts lie in several stretches of the log, in the order sent.
    """
    caller.require(Role.ANCHOR)
    log = own_log(caller, parts, origin)
    checked = idempotency_key(key, needed=True)
    media_type(request, NDJSON)
    records = split_lines(await read_body(request, parts.settings.max_bulk_bytes), parts.settings.max_bulk_items)
    accepted = await parts.write(parts.the_notary().accept_records, caller.department, log, records, key=checked)
    parts.meters.accepted.labels("record").inc(sum(not a.repeated for a in accepted))
    body = await run_in_threadpool(accepted_body, accepted)
    return Response(body, status_code=201, media_type="application/json", headers={"Cache-Control": "no-store"})


def receipt_response(accepted: Accepted) -> Response:
    """201 for a new receipt, 200 for one given before; never cached, since it holds the salt."""
    receipt = accepted.receipt
    location = f"/api/v1/logs/{quote(receipt.origin, safe='')}/receipts/{receipt.index}"
    return Response(
        receipt.to_json(),
        status_code=200 if accepted.repeated else 201,
        media_type=RECEIPT,
        headers={"Location": location, "Cache-Control": "no-store"},
    )


def accepted_body(accepted: Sequence[Accepted]) -> bytes:
    """chuzheng-accepted/1: bundles of promised receipts, one per stretch of consecutive indexes, and the salts."""
    bundles: list[Any] = []
    start = 0
    for at in range(1, len(accepted) + 1):
        if at < len(accepted) and _follows(accepted[at - 1], accepted[at]):
            continue
        stretch = [a.receipt for a in accepted[start:at]]
        bundle = build_bundle(
            stretch[0].origin,
            stretch[0].index,
            [r.entry.to_bytes() for r in stretch],
            promises=[r.promise or b"" for r in stretch],
        )
        bundles.append(json.loads(bundle.to_json()))
        start = at
    salts = b"".join(a.receipt.salt or bytes(32) for a in accepted)
    body = {"schema": ACCEPTED, "receipts": bundles[0], "salts": base64.b64encode(salts).decode()}
    if len(bundles) > 1:
        body["further"] = bundles[1:]
    return json.dumps(body, separators=(",", ":")).encode()


def _follows(before: Accepted, after: Accepted) -> bool:
    a, b = before.receipt, after.receipt
    return a.origin == b.origin and a.index + 1 == b.index
