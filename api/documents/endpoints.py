"""Documents: a file in, encrypted and stored, its record anchored; the promised receipt and the record out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.auth import CallerDep
from api.bodies import body_on_disk, declared_length
from api.certificates.endpoints import KeyHeader, LogQuery
from api.documents.schemas import FiledBody
from api.limits import idempotency_key, own_log
from api.parts import Parts, PartsDep
from api.problems import WRITE, problems
from ledger.errors import InputError, UnreadableError
from ledger.types import DepartmentCode, Origin, Role
from notary.canonical import parse_record
from notary.documents import UNKNOWN_MEDIA_TYPE, media_type_of

router = APIRouter(prefix="/documents", tags=["documents"])
FILED = "chuzheng-filed/1"
MULTIPART = "multipart/form-data"
Title = Annotated[str | None, Query(max_length=500, description="Title of the document, for its record")]
Number = Annotated[str | None, Query(max_length=200, description="Number of the document (文号), for its record")]


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
        **problems(*WRITE),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                MULTIPART: {
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
    upload = _form if content_type.partition(";")[0].strip().lower() == MULTIPART else _raw
    with parts.writes.pass_through():
        receiving: AbstractAsyncContextManager[Received] = upload(request, parts, caller.department, said)
        async with receiving as received:
            body, repeated = await run_in_threadpool(_file, parts, caller.department, log, received, checked)
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
    readers = {code: public for code, public in parts.wrap_keys.items() if code == department}
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
    if declared_length(request, parts.settings.max_document_bytes) is None:
        raise UnreadableError("request.length")
    async with request.form(max_files=1, max_fields=4, max_part_size=parts.settings.max_record_bytes) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InputError("request.member", name="file", expected="file")
        for name in ("title", "number"):
            value = form.get(name)
            if isinstance(value, str) and value:
                said = {**said, name: value}
        given = form.get("record")
        record = parse_record(given.encode()) if isinstance(given, str) and given else _bare(department, said)
        yield Received(file.file, file.content_type or media_type_of(file.filename or ""), record)


def _bare(department: DepartmentCode, said: dict[str, str]) -> dict[str, Any]:
    return {"schema": "document/1", "kind": "document", "issuer": department, **said}
