"""Heads: another operator hands in what its network's chain held on a day, to stand in a log of ours (ADR 0034)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.auth import CallerDep, Desk
from api.bodies import read_body
from api.certificates.endpoints import KeyHeader, LogQuery, receipt_response
from api.heads.schemas import HeadsBody
from api.limits import JSON, idempotency_key, media_type, own_log
from api.logs.schemas import ReceiptBody
from api.parts import PartsDep
from api.problems import WRITE, problems
from ledger.errors import UnreadableError
from notary.head_keeping import take_heads
from notary.receipt import MEDIA_TYPE as RECEIPT

router = APIRouter(prefix="/heads", tags=["heads"])
SHAPE = {RECEIPT: {"schema": ReceiptBody}}


@router.post(
    "",
    status_code=201,
    summary="Keep another operator's heads of a day",
    response_class=Response,
    responses={
        201: {"description": "Kept; the promised receipt with its salt", "content": SHAPE},
        200: {"description": "Kept earlier; the same receipt", "content": SHAPE},
        **problems(*WRITE, 415),
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": HeadsBody}}}},
)
async def keep(
    request: Request, caller: CallerDep, parts: PartsDep, key: KeyHeader = None, origin: LogQuery = None
) -> Response:
    """A record `heads/1` becomes an entry of kind 7. The token has role HEADS and is of the department that owns the
    log, whose code is the record's `issuer`; it lets its holder write nothing else."""
    caller.require(Desk.HEADS)
    log = own_log(caller, parts, origin)
    checked = idempotency_key(key, needed=True)
    media_type(request, JSON)
    body = await read_body(request, parts.settings.max_record_bytes)
    if not body:
        raise UnreadableError("request.empty")
    accepted = await parts.write(take_heads, parts.the_notary(), log, caller.department, body, checked)
    parts.meters.accepted.labels("heads").inc(0 if accepted.repeated else 1)
    return receipt_response(accepted)
