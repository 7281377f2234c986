"""Documents: a file in, encrypted and stored, its record anchored; the promised receipt and the record out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request, Response

from api.auth import CallerDep
from api.bodies import body_on_disk
from api.certificates.endpoints import KeyHeader, LogQuery
from api.documents.schemas import FiledBody
from api.forms import FORM, Limits, form_of, is_form
from api.limits import idempotency_key, own_log
from api.parts import Parts, PartsDep
from api.problems import WRITE, problems
from ledger.errors import InputError
from ledger.types import DepartmentCode, Origin, Role
from notary.canonical import parse_record
from notary.documents import UNKNOWN_MEDIA_TYPE, media_type_of

router = APIRouter(prefix="/documents", tags=["documents"])
FILED = "chuzheng-filed/1"
URLENCODED = "application/x-www-form-urlencoded"
"""What some clients say of any body; a file of that type there isn't, and its line ends may be gone already."""
MOST_TITLE, MOST_NUMBER = 500, 200
Title = Annotated[str | None, Query(max_length=MOST_TITLE, description="Title of the document, for its record")]
Number = Annotated[
    str | None, Query(max_length=MOST_NUMBER, description="Number of the document (文号), for its record")
]


@dataclass(frozen=True, slots=True)
class Received:
    """A complete upload: the file from its beginning, its media type, and what is said about it."""

    file: BinaryIO
    media_type: str
    record: dict[str, Any]


@router.post(
    "",
    status_code=201,
    summary="Register a file",
    response_class=Response,
    responses={
        201: {"description": "Registered", "content": {"application/json": {"schema": FiledBody}}},
        200: {
            "description": "Registered earlier; the same answer",
            "content": {"application/json": {"schema": FiledBody}},
        },
        **problems(*WRITE, 415),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                FORM: {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "title": {"type": "string"},
                            "number": {"type": "string"},
                            "record": {"type": "string", "description": "JSON of a record without `document`"},
                        },
                    }
                },
            },
        }
    },
)
async def add_document(  # noqa: PLR0917 FastAPI passes them by name
    request: Request,
    caller: CallerDep,
    parts: PartsDep,
    key: KeyHeader = None,
    origin: LogQuery = None,
    title: Title = None,
    number: Number = None,
    content_type: Annotated[str, Header()] = "",
) -> Response:
    """The file as the body with its own Content-Type, or as a form with `file`. It is kept encrypted; the answer holds
    the record as committed and the receipt with its salt. A cut-off upload leaves nothing."""
    caller.require(Role.ANCHOR)
    log = own_log(caller, parts, origin)
    checked = idempotency_key(key)
    said = {name: value for name, value in (("title", title), ("number", number)) if value}
    upload = _form if is_form(content_type) else _raw
    if content_type.partition(";")[0].strip().lower() == URLENCODED:
        raise InputError("request.media_type", found=URLENCODED, expected=f"application/pdf, …, {FORM}")
    with parts.uploads.pass_through():
        receiving: AbstractAsyncContextManager[Received] = upload(request, parts, caller.department, said)
        async with receiving as received:
            body, repeated = await parts.write(_file, parts, caller.department, log, received, checked)
    parts.meters.accepted.labels("document").inc(0 if repeated else 1)
    location = f"/api/v1/logs/{quote(body['receipt']['origin'], safe='')}/receipts/{body['receipt']['index']}"
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status_code=200 if repeated else 201,
        media_type="application/json",
        headers={"Location": location, "Cache-Control": "no-store"},
    )


def _file(
    parts: Parts, department: DepartmentCode, log: Origin, received: Received, key: str | None
) -> tuple[dict[str, Any], bool]:
    notary = parts.the_notary()
    public = parts.wrap_keys.get(department)
    readers = {} if public is None else {department: public}
    accepted = notary.accept_document(
        department,
        log,
        received.file,
        media_type=received.media_type,
        readers=readers,
        record=received.record,
        key=key,
    )
    receipt = accepted.receipt
    record = notary.record(receipt.origin, receipt.index)
    return {"schema": FILED, "receipt": json.loads(receipt.to_json()), "record": record}, accepted.repeated


@asynccontextmanager
async def _raw(
    request: Request, parts: Parts, department: DepartmentCode, said: dict[str, str]
) -> AsyncIterator[Received]:
    media_type = request.headers.get("content-type", "").strip() or UNKNOWN_MEDIA_TYPE
    settings = parts.settings
    async with body_on_disk(request, settings.uploads_dir, settings.max_document_bytes) as file:
        yield Received(file, media_type, _bare(department, said))


@asynccontextmanager
async def _form(
    request: Request, parts: Parts, department: DepartmentCode, said: dict[str, str]
) -> AsyncIterator[Received]:
    settings = parts.settings
    limits = Limits(settings.max_document_bytes, files=1, texts=3, text=settings.max_record_bytes)
    async with form_of(request, settings.uploads_dir, limits) as form:
        files = form.files.get("file")
        if not files:
            raise InputError("request.member", name="file", expected="file")
        said = {**said, **{name: value for name in ("title", "number") if (value := form.text(name))}}
        for name, most in (("title", MOST_TITLE), ("number", MOST_NUMBER)):
            if len(said.get(name, "")) > most:
                raise InputError("request.member", name=name, expected=f'"…" (1–{most})')
        given = form.texts.get("record")
        record = _bare(department, said) if given is None else parse_record(given)
        yield Received(files[0].file, files[0].media_type or media_type_of(files[0].name), record)


def _bare(department: DepartmentCode, said: dict[str, str]) -> dict[str, Any]:
    return {"schema": "document/1", "kind": "document", "issuer": department, **said}
