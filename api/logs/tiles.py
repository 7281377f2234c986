"""The log's files over HTTP (C2SP tlog-tiles): checkpoint, tiles, entry bundles.

What is full never changes and may be cached for ever; a partial tile is replaced by the full one in time.
Paths are parsed strictly (notary.log), so nothing but the layout's own files can be asked for.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request, Response
from starlette.convertors import Convertor, register_url_convertor

from api.auth import Caller
from api.caching import fresh
from api.parts import Parts
from ledger.errors import DeniedError, InputError, NotFoundError
from ledger.types import Origin
from notary.entry import parse_origin
from notary.log import parse_tile_path
from notary.stores.tiles import TileLog

FOR_EVER = "public, max-age=31536000, immutable"
SOON_STALE = "public, max-age=2"
PARTIAL = "public, max-age=60"
NOTE = "text/plain; charset=utf-8"


LONGEST = 64
"""Characters of the longest path of a log of 2^53 entries; digits beyond that aren't even counted."""


class OriginConvertor(Convertor[str]):
    """An origin in a route. The server has decoded its %2F already, so it spans three or four segments here."""

    regex = r"chuzheng/[a-z0-9][a-z0-9-]{0,31}/[0-9A-Z]{18}(?:/[a-z0-9][a-z0-9-]{0,31})?"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


register_url_convertor("origin", OriginConvertor())


def readable_log(parts: Parts, origin: str, caller: Caller | None) -> TileLog:
    """A log of this notary. Shards of kinds 3–5 are for their own department only (formats.md §3)."""
    files = parts.the_notary().logs.get(Origin(origin))
    if files is None:
        raise NotFoundError("log.unknown", origin=origin)
    if Origin(origin) in parts.member_logs:
        if caller is None:
            raise DeniedError("auth.missing")
        issuer = parse_origin(origin).issuer
        if caller.department != issuer:
            raise DeniedError("auth.department", department=caller.department, found=issuer)
    return files


def checkpoint(request: Request, note: str | None) -> Response:
    """The newest signed note, with its witnesses' lines."""
    if note is None:
        raise NotFoundError("log.tile_missing")
    return fresh(request, note, media_type=NOTE, cache=SOON_STALE)


def tile(files: TileLog, path: str, *, public: bool) -> Response:
    """One tile or entry bundle; `path` as below the log, `tile/…`."""
    try:
        if len(path) > LONGEST:
            raise InputError("log.tile_path")
        place = parse_tile_path(path)
    except InputError:
        raise InputError("log.tile_path") from None
    data = files.tile_bytes(path)
    cache = "no-store" if not public else FOR_EVER if str(place) == place.full else PARTIAL
    return Response(data, media_type="application/octet-stream", headers={"Cache-Control": cache})
