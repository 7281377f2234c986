"""The error responses of an endpoint, for the description of the interface (OpenAPI)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

WORDS = {
    400: "Unreadable, truncated, or a needed header is missing",
    401: "No token, or a wrong one",
    403: "The token's department or role doesn't allow it",
    404: "Nothing of that name",
    409: "Something else is registered under that key, identifier or commitment",
    410: "Erased by order",
    413: "Larger than allowed",
    415: "Content type not supported",
    422: "Read, but wrong; `errors` lists rows where there are many",
    429: "Too many requests; wait `retry_after` seconds",
    503: "Not possible now; wait `retry_after` seconds. Nothing was kept, or it is durable and a retry finds it",
}


class RowProblem(BaseModel):
    """One wrong row of a bulk call."""

    row: int
    column: str
    code: str
    message_zh: str
    message_en: str


class Problem(BaseModel):
    """RFC 9457 problem details with a stable code and both languages."""

    type: str = Field(examples=["urn:chuzheng:error:auth.missing"])
    title: str = Field(examples=["需要令牌"])
    status: int = Field(examples=[401])
    detail: str
    code: str = Field(examples=["auth.missing"])
    message_zh: str
    message_en: str
    request_id: str | None = None
    retry_after: int | None = Field(default=None, description="Seconds")
    errors: list[RowProblem] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route."""
    return {
        status: {
            "description": WORDS[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


READ = (404, 429, 503)
WRITE = (400, 401, 403, 404, 409, 410, 413, 422, 429, 503)
