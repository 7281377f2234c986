"""Audit: what a contract said of one object, as files that prove it without us. For the network's own departments."""

from __future__ import annotations

import json
import re

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from api.audit.schemas import EVENTS, EventsBody
from api.auth import CallerDep
from api.digests import HEX
from api.parts import Parts, PartsDep
from api.problems import READ, problems
from ledger.errors import InputError

router = APIRouter(prefix="/audit", tags=["audit"])
_CONTRACT = re.compile(r"[A-Za-z]{1,40}", re.ASCII)


@router.get(
    "/events/{contract}/{key}",
    summary="What a contract said of one grant, item, resource or other object, as event files",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": EventsBody}}}, **problems(401, 403, *READ, 422)},
)
def read_events(contract: str, key: str, caller: CallerDep, parts: PartsDep) -> Response:
    """`key`: the object's id on the chain, 64 hex digits. Any department's token reads; the trust file alone proves the
    files offline."""
    if not _CONTRACT.fullmatch(contract) or not HEX.fullmatch(key):
        raise InputError("audit.form")
    return events_answer(parts, contract, key)


def events_answer(parts: Parts, contract: str, key: str) -> Response:
    """`chuzheng-event/1` objects of what is final, in the chain's order; `waiting` more have no evidence yet."""
    files, waiting = ([], 0) if parts.events is None else parts.events.about(contract, bytes.fromhex(key))
    body = {
        "schema": EVENTS, "key": key, "network": parts.network, "test_chain": parts.test_chain,
        "events": [json.loads(each.to_json()) for each in files], "waiting": waiting,
    }  # fmt: skip
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
