"""The trust file: what a verifier needs to believe a receipt without us. Served byte for byte as it was signed."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request, Response

from api.parts import PartsDep
from api.problems import problems
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
    data = parts.trust_bytes
    if data is None:
        raise NotFoundError("trust.none_here")
    etag = f'"{hashlib.sha256(data).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Content-Disposition": 'attachment; filename="trust.json"'}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="application/json", headers=headers)
