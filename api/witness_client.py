"""A witness over HTTP, as notary.cosigning asks it: one body out, a status and a body back, all of it bounded."""

from __future__ import annotations

from hashlib import sha256

import httpx

from ledger.errors import UnavailableError
from ledger.types import Origin
from notary.cosigning import Ask, Kept

TIMEOUT = httpx.Timeout(5.0, read=10.0)
MOST_ANSWER = 16 << 10


def ask_over_http(name: str, url: str) -> Ask:
    """Posts to `<url>/add-checkpoint` over one kept connection. UnavailableError `witness.unreachable`."""
    client = _client(url)
    return lambda body: _bounded(client, name, "POST", f"{url}/add-checkpoint", body)


def kept_over_http(name: str, url: str) -> Kept:
    """What the witness shows of a log: the checkpoint that it cosigned last; None where it shows none."""
    client = _client(url)

    def kept(origin: Origin) -> bytes | None:
        status, body = _bounded(client, name, "GET", f"{url}/{sha256(origin.encode()).hexdigest()}/checkpoint", None)
        return body if status == 200 else None

    return kept


def _client(url: str) -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT, verify=url.startswith("https://"), follow_redirects=False)


def _bounded(client: httpx.Client, name: str, method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
    try:
        with client.stream(method, url, content=body) as answer:
            found = bytearray()
            for piece in answer.iter_bytes():
                found += piece
                if len(found) > MOST_ANSWER:
                    raise UnavailableError("witness.answer", name=name, status=answer.status_code)
            return answer.status_code, bytes(found)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise UnavailableError("witness.unreachable", name=name, kind=type(error).__name__) from None
