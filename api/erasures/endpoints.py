"""Erasures: one person proposes, another confirms, both with tokens that say whose they are. Nothing here is undone."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, CallerDep, Desk
from api.bodies import read_body
from api.erasures.answers import acknowledgement, erasure_body, last_proposal
from api.erasures.schemas import ErasureBody, ErasureRequest, ReleaseBody, ReleaseRequest
from api.limits import JSON, media_type, own_log
from api.logs import tiles
from api.parts import Parts, PartsDep
from api.problems import WRITE, problems
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import Origin
from notary.canonical import MAX_BYTES, parse_strict
from notary.erasing import Target
from notary.erasures import MOST_ORDER, State

router = APIRouter(prefix="/erasures", tags=["erasures"])
MOST = 16 << 10
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "How it stands", "content": {"application/json": {"schema": ErasureBody}}}
}
RELEASED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Whether it was refused", "content": {"application/json": {"schema": ReleaseBody}}}
}
WORD: dict[str, Any] = {
    "response_class": Response,
    "responses": {**ANSWER, **problems(*WRITE, 415)},
    "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": ErasureRequest}}}},
}
"""How each of the two persons' words is described."""


@router.get(
    "/{origin:origin}/{index}",
    summary="What an erasure of this entry takes, what it can't reach, and how far one has come",
    response_class=Response,
    responses={**ANSWER, **problems(401, 403, 404, 422, 503)},
)
def look(origin: str, index: int, caller: CallerDep, parts: PartsDep) -> Response:
    """To be read by both persons before they act: `acknowledge` goes into their requests."""
    log = _allowed(caller, parts, origin)
    return _answer(parts, _target(parts, caller, log, index))


@router.post(
    "/{origin:origin}/{index}/proposal",
    summary="The first person's word: nothing is destroyed yet",
    **WORD,
)
async def propose(request: Request, origin: str, index: int, caller: CallerDep, parts: PartsDep) -> Response:
    """`order` is the code of the order, never a person's name or number: log, list and snapshots show it for ever."""
    log, order, target = await _heard(request, parts, caller, (origin, index), first=True)
    words = (caller.department, log, index, order, caller.person)
    await parts.write(parts.the_notary().erasing.propose, *words, seen=last_proposal(target))
    return _answer(parts, await run_in_threadpool(_target, parts, caller, log, index))


@router.post(
    "/{origin:origin}/{index}/confirmation",
    summary="The second person's word: destroyed when this is answered, and not to be undone",
    **WORD,
)
async def confirm(request: Request, origin: str, index: int, caller: CallerDep, parts: PartsDep) -> Response:
    """Another person than the proposer, with the same `order`. `state` is `done` once files and stored answers are
    clean too; before that nothing of the record is served any more, and the worker goes on by itself."""
    log, order, _ = await _heard(request, parts, caller, (origin, index), first=False)
    words = (caller.department, log, index, order, caller.person)
    await parts.write(parts.the_notary().erasing.confirm, *words)
    return _answer(parts, await run_in_threadpool(_target, parts, caller, log, index))


@router.delete(
    "/{origin:origin}/{index}/proposal",
    summary="Take a proposal back",
    response_class=Response,
    responses={**ANSWER, **problems(401, 403, 404, 409, 422, 429, 503)},
)
async def withdraw(
    origin: str, index: int, proposed_at: Annotated[int, Query(ge=0, lt=1 << 53)], caller: CallerDep, parts: PartsDep
) -> Response:
    """By either person of the department, as long as nothing was destroyed. `proposed_at` says which one, as it was
    answered: this request sent again takes no newer one back."""
    log = _allowed(caller, parts, origin)
    await run_in_threadpool(_target, parts, caller, log, index)
    await parts.write(parts.the_notary().erasing.withdraw, caller.department, log, index, proposed_at=proposed_at)
    return _answer(parts, await run_in_threadpool(_target, parts, caller, log, index))


@router.post(
    "/releases",
    summary="Let a record that was erased be registered again, by two persons",
    response_class=Response,
    responses={**RELEASED, **problems(*WRITE, 415)},
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": ReleaseRequest}}}},
)
async def release(request: Request, caller: CallerDep, parts: PartsDep) -> Response:
    """What was erased is refused when it is sent again. Another order, its code in `order`, may want it registered
    anew: nothing comes back by this, but the very `record` is taken again, and gets another index and salt.

    The first person's call changes nothing and is answered with a `proposal`; another person sends the same with it,
    within seven days and before the department's next erasure."""
    log = _allowed(caller, parts, None)
    value, order = await _read(request, caller, "record", MAX_BYTES + MOST, "proposal")
    if not isinstance(value["record"], dict):
        raise InputError("request.member", name="record", expected="{…}")
    if not isinstance(value.get("proposal", ""), str):
        raise InputError("request.member", name="proposal", expected='"…"')
    releasing = parts.the_notary().releasing
    words = (caller.department, log, value["record"], order, caller.person)
    told: dict[str, Any] = {"schema": "chuzheng-erasure-release/1", "order": order, "released": False}
    if "proposal" in value:
        told["released"] = await parts.write(releasing.confirm, *words, proposal=value["proposal"])
    else:
        told["proposal"] = await parts.write(releasing.propose, *words)
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


async def _read(
    request: Request, caller: Caller, member: str, limit: int, *optional: str
) -> tuple[dict[str, Any], str]:
    """The body of a person's request, with `order` and one more member; and the order."""
    if not caller.person:
        raise DeniedError("erasure.no_person")
    media_type(request, JSON)
    value = parse_strict(await read_body(request, limit), limit=limit)
    if not isinstance(value, dict) or value.keys() - {*optional} != {"order", member}:
        raise InputError("request.member", name="body", expected=f'{{"order", "{member}"}}')
    if not isinstance(value["order"], str):
        raise InputError("request.member", name="order", expected=f'"…" (1–{MOST_ORDER})')
    return value, value["order"]


async def _heard(
    request: Request, parts: Parts, caller: Caller, place: tuple[str, int], *, first: bool
) -> tuple[Origin, str, Target]:
    """The log, the order, and what the person (the `first` or the second) has read and speaks of; ConflictError
    `erasure.not_acknowledged` if that is something else by now."""
    origin, index = place
    log = _allowed(caller, parts, origin)
    value, order = await _read(request, caller, "acknowledge", MOST)
    target = await run_in_threadpool(_target, parts, caller, log, index)
    row = target.row
    # Asked again after it was done, the file and its readers are gone: the answer is the same all the same. So is that
    # to a proposal that stands and is sent again: by itself it has changed what is shown.
    done = row is not None and row.erased_at is not None
    stands = first and row is not None and row.state is State.PROPOSED
    same = stands and row is not None and (row.order_code, row.proposer) == (order, caller.person)
    if not done and not same and value["acknowledge"] != acknowledgement(target):
        raise ConflictError("erasure.not_acknowledged")
    return log, order, target


def _allowed(caller: Caller, parts: Parts, origin: str | None) -> Origin:
    caller.require(Desk.ERASURE)
    log = own_log(caller, parts, origin)
    tiles.readable_log(parts, log, caller)
    return log


def _target(parts: Parts, caller: Caller, log: Origin, index: int) -> Target:
    if not 0 <= index < 1 << 53:
        raise NotFoundError("notary.no_entry", origin=log, index=index)
    return parts.the_notary().erasing.target(caller.department, log, index)


def _answer(parts: Parts, target: Target) -> Response:
    body = erasure_body(target, parts.settings.backups_dir)
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
