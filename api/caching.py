"""Answers that may be kept: an ETag of the bytes, and 304 for who has them already (RFC 9110 §13.1.2)."""

from __future__ import annotations

import hashlib

from fastapi import Request, Response

REVALIDATE = "no-cache"


def fresh(request: Request, data: bytes | str, *, media_type: str, cache: str = REVALIDATE, **headers: str) -> Response:
    """200 with `data`, or 304 if the client's copy is the same. `headers` with underscores for dashes."""
    body = data.encode() if isinstance(data, str) else data
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    all_headers = {"ETag": etag, "Cache-Control": cache, **{n.replace("_", "-"): v for n, v in headers.items()}}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or known == ["*"]:
        return Response(status_code=304, headers=all_headers)
    return Response(body, media_type=media_type, headers=all_headers)
