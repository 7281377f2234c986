"""Feed: certificates new, changed and ended since a cursor, for a library that follows this ledger."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from api.auth import CallerDep, Desk
from api.feed.schemas import FEED, FeedBody
from api.parts import PartsDep
from api.problems import READ, problems
from ledger.errors import UnavailableError
from notary.feed import MOST, PAGE

router = APIRouter(prefix="/feed", tags=["feed"])


@router.get(
    "",
    summary="Certificates new, changed and ended, in the chain's order, since a cursor",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": FeedBody}}}, **problems(401, 403, *READ, 409, 422)},
)
def read_feed(
    caller: CallerDep,
    parts: PartsDep,
    after: Annotated[str | None, Query(max_length=200, description="`cursor` of the last page that was kept")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most items of one page")] = PAGE,
) -> Response:
    """At least once, without gaps: keep a page's items first and its cursor then. Only what is final is told. Needs a
    token of role LIBRARY; of a record only identifier, type and version are told."""
    caller.require(Desk.LIBRARY)
    if parts.feed is None:
        raise UnavailableError("server.no_notary")
    page = parts.feed.page(after, limit)
    body = {"schema": FEED, "network": parts.network, "items": page.items, "cursor": page.cursor, "more": page.more}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
