"""A witness over HTTP, as notary.cosigning asks it: one body out, a status and a body back, all of it bounded."""

from __future__ import annotations

import httpx

from ledger.errors import UnavailableError
from notary.cosigning import Ask

TIMEOUT = httpx.Timeout(5.0, read=10.0)
MOST_ANSWER = 16 << 10


def ask_over_http(name: str, url: str) -> Ask:
    """Posts to `<url>/add-checkpoint` over one kept connection. UnavailableError `witness.unreachable`."""
    client = httpx.Client(timeout=TIMEOUT, verify=url.startswith("https://"), follow_redirects=False)

    def ask(body: bytes) -> tuple[int, bytes]:
        try:
            with client.stream("POST", f"{url}/add-checkpoint", content=body) as answer:
                found = bytearray()
                for piece in answer.iter_bytes():
                    found += piece
                    if len(found) > MOST_ANSWER:
                        raise UnavailableError("witness.answer", name=name, status=answer.status_code)
                return answer.status_code, bytes(found)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise UnavailableError("witness.unreachable", name=name, kind=type(error).__name__) from None

    return ask
