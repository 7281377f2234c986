"""The trust file: what a verifier needs to believe a receipt without us. Served byte for byte as it was signed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from api.caching import REVALIDATE, fresh
from api.parts import PartsDep, address_of
from api.problems import problems
from api.snapshot_files import NAME, PACKED, SnapshotFiles
from ledger.errors import NotFoundError

router = APIRouter(prefix="/trust", tags=["trust"])


@router.get(
    "",
    summary="The newest trust file",
    response_class=Response,
    responses={200: {"description": "chuzheng-trust/1", "content": {"application/json": {}}}, **problems(404)},
)
def read_trust(request: Request, parts: PartsDep) -> Response:
    """Compare its hash with the one in the official notice before relying on it: this server could be anyone's."""
    found = parts.trusted.now() if parts.trusted is not None else None
    if found is None:
        raise NotFoundError("trust.none_here")
    name = 'attachment; filename="trust.json"'
    return fresh(request, found.data, media_type="application/json", Content_Disposition=name)


@router.get(
    "/snapshot",
    summary="The newest snapshot: what halls without a line check issuers and statuses by",
    response_class=Response,
    responses={200: {"description": "chuzheng-snapshot/1", "content": {"application/json": {}}}, **problems(404, 429)},
)
def read_snapshot(request: Request, parts: PartsDep) -> Response:
    """Signed by the snapshot key that the trust file names; as public as the chain. Large: ask with `If-None-Match`."""
    parts.checks.take(address_of(request))
    found = SnapshotFiles(parts.settings.snapshots_dir).newest()
    headers = {"ETag": found.etag, "Cache-Control": REVALIDATE}
    if found.etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    # With the file's own numbers: one that is replaced from here on is sent under the old ETag, and asked for again.
    return FileResponse(
        found.path, media_type="application/json", headers=headers, filename=NAME, stat_result=found.stat
    )


@router.get(
    "/snapshot/packed",
    summary="The newest packed snapshot: the same facts for a province, looked up without being loaded",
    response_class=Response,
    responses={
        200: {"description": "chuzheng-snapshot/2", "content": {"application/octet-stream": {}}},
        **problems(404, 429),
    },
)
def read_packed_snapshot(request: Request, parts: PartsDep) -> Response:
    """Sent in pieces, also in parts (`Range`): a download that broke off goes on where it was."""
    parts.checks.take(address_of(request))
    path = SnapshotFiles(parts.settings.snapshots_dir).packed()
    headers = {"Cache-Control": REVALIDATE}
    return FileResponse(path, media_type="application/octet-stream", headers=headers, filename=PACKED)
