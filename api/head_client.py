"""Another operator's notary over HTTP, as notary.head_courier asks it: bounded answers, our errors, nothing kept.

The token is read anew for each call, from a file beside our keys, so that it can be exchanged while we run.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import httpx

from ledger.errors import ConfigurationError, ConflictError, UnavailableError
from ledger.types import Origin
from notary.receipt import MAX_BYTES

TIMEOUT = httpx.Timeout(10.0, read=30.0, write=30.0)
MOST_TOKEN = 512


class HeadClient:
    """One log of another operator. `heads.unreachable`: come again; `heads.refused`: it says no, and why."""

    def __init__(self, origin: Origin, url: str, token_file: Path) -> None:
        self._origin, self._token_file = origin, token_file
        self._api = f"{url.rstrip('/')}/api/v1"
        self._http = httpx.Client(timeout=TIMEOUT, verify=url.startswith("https://"), follow_redirects=False)

    def submit(self, record: bytes, key: str) -> bytes:
        headers = {**self._authorised(), "Idempotency-Key": key, "Content-Type": "application/json"}
        return self._ask("POST", "heads", headers, content=record, params={"origin": self._origin})

    def receipt(self, index: int) -> bytes:
        return self._ask("GET", f"logs/{quote(self._origin, safe='')}/receipts/{index}", {})

    def _ask(
        self, method: str, path: str, headers: dict[str, str], *, content: bytes | None = None,
        params: dict[str, str] | None = None,
    ) -> bytes:  # fmt: skip
        origin, url = self._origin, f"{self._api}/{path}"
        try:
            with self._http.stream(method, url, headers=headers, content=content, params=params) as answer:
                found = bytearray()
                for piece in answer.iter_bytes():
                    found += piece
                    if len(found) > MAX_BYTES:
                        raise ConflictError("heads.refused", origin=origin, status=answer.status_code, reason="size")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise UnavailableError("heads.unreachable", origin=origin, reason=type(error).__name__) from None
        if answer.status_code in (200, 201):
            return bytes(found)
        if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
            raise UnavailableError("heads.unreachable", origin=origin, reason=f"HTTP {answer.status_code}")
        raise ConflictError("heads.refused", origin=origin, status=answer.status_code, reason=_code(found))

    def _authorised(self) -> dict[str, str]:
        try:
            token = self._token_file.read_text(encoding="utf-8")[: MOST_TOKEN + 1].strip()
        except (OSError, ValueError):
            token = ""
        if not token or len(token) > MOST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError("heads.no_token", origin=self._origin, file=self._token_file.name)
        return {"Authorization": f"Bearer {token}"}


def _code(body: bytes | bytearray) -> str:
    """Why, in the other notary's own code; nothing of its words is repeated."""
    try:
        code = json.loads(body)["code"]
    except (ValueError, KeyError, TypeError):
        return "-"
    plain = type(code) is str and code.isascii() and code.replace(".", "").replace("_", "").isalnum()
    return code[:60] if plain else "-"
