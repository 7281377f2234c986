"""Departments: who they are and since when they are admitted. Names come from our directory, facts from the chain."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.caching import fresh
from api.departments.schemas import Department, Departments, Suspended
from api.parts import Parts, PartsDep, address_of
from api.problems import READ, problems
from ledger.codes.uscc import check_uscc
from ledger.departments import DepartmentHistory
from ledger.errors import NotFoundError, UnavailableError
from ledger.types import DepartmentCode
from notary.collect import signing_keys
from notary.evidence import Unavailable
from notary.exports.credential import issuer_of
from notary.exports.jose import controller_document

router = APIRouter(prefix="/departments", tags=["departments"])


@router.get("", summary="Departments that this server knows by name", responses=problems(422))
def list_departments(
    parts: PartsDep,
    after: Annotated[str, Query(max_length=18, description="Cursor: the last code of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Departments:
    """Ordered by code. Facts of the chain are in the single answer."""
    codes = [code for code in parts.directory.codes() if code > after]
    page = codes[:limit]
    items = [_department(parts, code, None) for code in page]
    return Departments(items=items, next=page[-1] if len(codes) > limit else None)


@router.get("/{code}", summary="One department", responses=problems(*READ))
def read_department(request: Request, code: str, parts: PartsDep) -> Department:
    """503 while the chain can't be asked: absence is never inferred from an outage."""
    if check_uscc(code) is not None:
        raise NotFoundError("department.unknown", department=code[:18])
    parts.checks.take(address_of(request))
    history = parts.the_chain().department(DepartmentCode(code))
    if history is None and parts.directory.get(code) is None:
        raise NotFoundError("department.unknown", department=code)
    return _department(parts, code, history)


@router.get(
    "/{code}/issuer",
    summary="The department as an issuer of W3C credentials: its keys as the chain has them (a controller document)",
    response_class=Response,
    responses={200: {"content": {"application/cid": {"schema": {"type": "object"}}}}, **problems(*READ)},
)
def read_issuer(request: Request, code: str, parts: PartsDep) -> Response:
    """Confirmed signing keys of the suite `intl`; JOSE has none for SM2. The chain has them, too."""
    if check_uscc(code) is not None:
        raise NotFoundError("department.unknown", department=code[:18])
    parts.checks.take(address_of(request))
    found = signing_keys(parts.the_chain(), DepartmentCode(code))
    if isinstance(found, Unavailable):
        raise UnavailableError(found.reason, retry_after=10)
    document = controller_document(issuer_of(parts.settings.url, code), found)
    return fresh(request, json.dumps(document, ensure_ascii=False), media_type="application/cid")


def _department(parts: Parts, code: str, history: DepartmentHistory | None) -> Department:
    name = parts.directory.get(code)
    return Department(
        code=code,
        name_zh=name.zh if name else None,
        name_en=name.en or None if name else None,
        contact=name.contact or None if name else None,
        log=parts.notary.current_log(DepartmentCode(code)) if parts.notary is not None else None,
        division=history.division if history else None,
        admitted_at=history.admitted_at if history else None,
        suspensions=[Suspended(since=s.since, until=s.until, reason=s.reason) for s in history.suspensions]
        if history
        else [],
        kind=history.kind.name.lower() if history else None,
        succeeded_at=history.succeeded_at if history else None,
        successor=history.successor if history else None,
    )
