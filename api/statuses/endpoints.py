"""Statuses: what is in force, for anyone; decisions, for departments with STATUS. Decisions go by the outbox: 202."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.audit.endpoints import events_answer
from api.audit.schemas import EventsBody
from api.auth import CallerDep
from api.bodies import read_body
from api.caching import fresh
from api.digests import HEX
from api.limits import JSON, idempotency_key, media_type
from api.parts import Parts, PartsDep, address_of
from api.problems import READ, WRITE, problems
from api.statuses.answers import SCHEMA, decisions_body, status_body
from api.statuses.decisions import MOST as MOST_DECISION
from api.statuses.decisions import intent_body, parse_decision, submit
from api.statuses.lookup import by_identifier, decisions_of
from api.statuses.schemas import DecisionRequest, IntentBody, StatusBody
from api.verifications.submission import instant
from ledger.codes.certificate_ids import check_identifier
from ledger.errors import InputError, NotFoundError
from ledger.types import Digest, Origin, Role
from notary.exports.credential import MEDIA_TYPE
from notary.exports.status_credential import TTL

router = APIRouter(prefix="/statuses", tags=["statuses"])
MOST = 64 << 10
STATUSES = "CertificateStatus"
"""The contract that keeps decisions, by its name in the trust file."""


@router.get(
    "/intents/{intent:path}",
    summary="How far a decision has come: submitted, on the chain, confirmed",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": IntentBody}}}, **problems(401, 403, 404, 503)},
)
def read_intent(intent: str, caller: CallerDep, parts: PartsDep) -> Response:
    """Poll after what `Retry-After` says until `state` is `final`, `reverted` or `failed`."""
    body = intent_body(parts, intent, caller.department)
    headers = {"Cache-Control": "no-store"} | ({} if body["done"] else {"Retry-After": "1"})
    return JSONResponse(body, headers=headers)


@router.get(
    "/{subject}",
    summary="What is in force, by certificate identifier or status key",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": StatusBody}}}, **problems(*READ, 422)},
)
def read_status(
    request: Request,
    subject: str,
    parts: PartsDep,
    shown: Annotated[
        str | None, Query(max_length=40, description="For a person's certificate; see POST lookups")
    ] = None,
    at: Annotated[str | None, Query(max_length=40, description="Day or RFC 3339 time; default: now")] = None,
) -> Response:
    """By status key (64 hex digits): the chain's decisions, as public as the chain. By identifier: public look-up,
    paced; a person's certificate also needs one value shown on it, and wrong and unknown answer alike."""
    return _status(request, parts, subject, shown, instant(at))


@router.get(
    "/lists/{origin:path}/{number}/{purpose}",
    summary="A W3C status list: one bit for each of 131,072 entries of a log, signed with the issuer's key",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}, **problems(*READ, 422)},
)
def read_list(
    request: Request,
    origin: str,
    parts: PartsDep,
    number: Annotated[int, Path(ge=0, le=1 << 36)],
    purpose: Literal["revocation", "suspension"],
) -> Response:
    """For wallets (Bitstring Status List v1.0): the credential says which bit is its own. New each 15 minutes."""
    parts.checks.take(address_of(request))
    if parts.status_lists is None:
        raise NotFoundError("vc.no_list", origin=origin[:100], number=number)
    data = parts.status_lists.read(Origin(origin), number, purpose, parts.clock.now())
    return fresh(request, data, media_type=MEDIA_TYPE, cache=f"public, max-age={TTL}")


@router.get(
    "/{key}/events",
    summary="The decisions under a status key as event files, which the trust file alone proves offline",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": EventsBody}}}, **problems(*READ, 422)},
)
def read_events(request: Request, key: str, parts: PartsDep) -> Response:
    """`chuzheng-event/1` objects of what is final, in the chain's order; `waiting` more have no evidence yet. As public
    as the chain."""
    parts.checks.take(address_of(request))
    if not HEX.fullmatch(key):
        raise InputError("status.form")
    return events_answer(parts, STATUSES, key)


@router.post(
    "/lookups",
    summary="The same with the identifier and the shown value in the body, so that no address holds them",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": StatusBody}}}, **problems(400, 413, 415, *READ, 422)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["identifier"],
                        "properties": {name: {"type": "string"} for name in ("identifier", "shown", "at")},
                    }
                }
            },
        }
    },
)
async def look_up(request: Request, parts: PartsDep) -> Response:
    from api.verifications.submission import from_json

    media_type(request, JSON)
    asked = from_json(await read_body(request, MOST), MOST)
    if asked.identifier is None or not asked.identifier_alone:
        raise InputError("request.member", name="identifier", expected='"1.2.156.3005.2.…"')
    return await run_in_threadpool(_status, request, parts, asked.identifier, asked.shown, asked.at)


@router.post(
    "/{key}/decisions",
    status_code=202,
    summary="Decide about a registered certificate",
    response_class=Response,
    responses={
        202: {"description": "Durable; poll the intent", "content": {"application/json": {"schema": IntentBody}}},
        **problems(*WRITE, 415),
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": DecisionRequest}}}},
)
async def decide(
    request: Request,
    key: str,
    caller: CallerDep,
    parts: PartsDep,
    idempotency_key_header: Annotated[str | None, Header(alias="Idempotency-Key")] = None,
) -> Response:
    """Suspend, resume, rescind … or `annul` one's own decision. Refused at once if the rules forbid it; what is
    answered with 202 is durable and sent until the chain took or refused it. The same decision sent again is the same
    intent, so an Idempotency-Key is taken but not needed."""
    caller.require(Role.STATUS)
    if not HEX.fullmatch(key):
        raise InputError("status.form")
    idempotency_key(idempotency_key_header)
    media_type(request, JSON)
    wanted = parse_decision(await read_body(request, MOST_DECISION))
    intent = await parts.write(submit, parts, caller.department, Digest(bytes.fromhex(key)), wanted)
    body = await run_in_threadpool(intent_body, parts, intent, caller.department)
    headers = {"Location": f"/api/v1/statuses/intents/{quote(intent, safe='')}", "Retry-After": "1"}
    return JSONResponse(body, status_code=202, headers=headers)


def _status(request: Request, parts: Parts, subject: str, shown: str | None, at: int | None) -> Response:
    headers = {"Cache-Control": "no-store"}
    if HEX.fullmatch(subject):
        parts.checks.take(address_of(request))
        key = Digest(bytes.fromhex(subject))
        body: dict[str, Any] = {"schema": SCHEMA, "key": subject, **decisions_body(parts, decisions_of(parts, key), at)}
        return JSONResponse(body, headers=headers)
    parts.lookups.take(address_of(request))
    if "segments" in check_identifier(subject) or "root" in check_identifier(subject):
        raise InputError("status.form")
    return JSONResponse(status_body(parts, by_identifier(parts, subject, shown), at), headers=headers)
