"""The HTTP client of the command line: one server, one token, problem details turned back into our errors.

The token comes from CHUZHENG_TOKEN or a file, never from an argument (arguments show in process lists).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from ledger.errors import ChuzhengError, DeniedError, UnavailableError
from scripts.problems import ServerError

TIMEOUT = httpx.Timeout(10.0, read=90.0, write=300.0)
ATTEMPTS = 5
LONGEST_WAIT = 30.0


def read_token(file: Path | None) -> str:
    """The bearer token; DeniedError `cli.no_token` where there is none."""
    token = os.environ.get("CHUZHENG_TOKEN", "")
    if file is not None:
        try:
            token = file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            raise DeniedError("cli.token_file", path=str(file)) from None
    if not token.strip():
        raise DeniedError("cli.no_token")
    return token.strip()


class Client:
    """Calls to one server. A call that may be sent again (idempotent) is, after what Retry-After says."""

    def __init__(self, url: str, token: str | None = None, *, attempts: int = ATTEMPTS) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url.rstrip("/") + "/api/v1/", headers=headers, timeout=TIMEOUT)
        self.url = url
        self._attempts = attempts

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One call; retries what failed on the way or was told to come back. Our errors, never httpx's."""
        for attempt in range(self._attempts):
            last = attempt == self._attempts - 1
            try:
                response = self._http.request(method, path, **arguments)
            except httpx.HTTPError as error:
                if last:
                    raise UnavailableError("cli.server_unreachable", url=self.url, kind=type(error).__name__) from None
                time.sleep(0.3 * 2**attempt)
                continue
            if response.status_code in (429, 503) and not last:
                time.sleep(min(_retry_after(response), LONGEST_WAIT))
                continue
            if response.is_success:
                return response
            raise problem_of(response)
        raise AssertionError("unreachable")

    def post_json(self, path: str, value: Any) -> Any:
        return self.send("POST", path, json=value).json()

    def get_json(self, path: str, **query: Any) -> Any:
        return self.send("GET", path, params=query).json()

    def receipt(self, origin: str, index: int, *, salted: bool) -> bytes:
        """The newest receipt of an entry."""
        query = {"salted": "true"} if salted else {}
        return self.send("GET", f"logs/{quote(origin, safe='')}/receipts/{index}", params=query).content


@contextmanager
def connect(url: str, token: str | None = None) -> Iterator[Client]:
    with Client(url, token) as client:
        yield client


def problem_of(response: httpx.Response) -> ChuzhengError:
    """The error that a problem document tells of; UnavailableError where the answer isn't one of ours."""
    try:
        problem = response.json()
        if not isinstance(problem, dict):
            raise ValueError("not an object")
    except ValueError:
        return UnavailableError(
            "cli.server_answer", url=str(response.url.copy_with(query=None)), status=response.status_code
        )
    return ServerError(response.status_code, problem)


def _retry_after(response: httpx.Response) -> float:
    try:
        return max(0.2, float(response.headers.get("retry-after", "1")))
    except ValueError:
        return 1.0
