"""The trust file: what a verifier needs to believe a receipt without us. Served byte for byte as it was signed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.caching import fresh
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
    found = parts.trusted.now() if parts.trusted is not None else None
    if found is None:
        raise NotFoundError("trust.none_here")
    name = 'attachment; filename="trust.json"'
    return fresh(request, found.data, media_type="application/json", Content_Disposition=name)
