"""The HTTP client of the command line: one server, one token, problem details turned back into our errors.

The token comes from CHUZHENG_TOKEN or a file, never from an argument (arguments show in process lists).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from ledger.errors import ChuzhengError, DeniedError, UnavailableError
from scripts.problems import ServerError, UsageError

TIMEOUT = httpx.Timeout(10.0, read=90.0, write=300.0)
ATTEMPTS = 5
LONGEST_WAIT = 30.0
MOST_TOKEN = 512


def read_token(file: Path | None) -> str:
    """The bearer token; DeniedError `cli.no_token` where there is none, `cli.token_form` where it can't be one."""
    token = os.environ.get("CHUZHENG_TOKEN", "")
    if file is not None:
        try:
            with file.open(encoding="utf-8") as opened:
                token = opened.read(MOST_TOKEN + 1)
        except (OSError, ValueError):
            raise DeniedError("cli.token_file", path=str(file)) from None
    token = token.strip()
    if not token:
        raise DeniedError("cli.no_token")
    if len(token) > MOST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise DeniedError("cli.token_form")
    return token


class Client:
    """Calls to one server. A call is sent again after what Retry-After says: every write of ours is idempotent."""

    def __init__(self, url: str, token: str | None = None, *, attempts: int = ATTEMPTS) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url = _checked(url)
        secure = self.url.startswith("https://")  # certificates are read for those only: 25 ms of every command
        self._http = httpx.Client(base_url=self.url + "/api/v1/", headers=headers, timeout=TIMEOUT, verify=secure)
        self._attempts = attempts

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(
        self, method: str, path: str, *, stream: Callable[[], Iterator[bytes]] | None = None, **arguments: Any
    ) -> httpx.Response:
        """One call; retries what failed on the way or was told to come back. Our errors, never httpx's.

        `stream` begins the body anew for each attempt.
        """
        for attempt in range(self._attempts):
            last = attempt == self._attempts - 1
            if stream is not None:
                arguments["content"] = stream()
            try:
                response = self._http.request(method, path, **arguments)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                if last:
                    raise UnavailableError("cli.server_unreachable", url=self.url, kind=type(error).__name__) from None
                time.sleep(0.3 * 2**attempt)
                continue
            if response.status_code in (429, 503) and not last:
                time.sleep(min(_retry_after(response), LONGEST_WAIT))
                continue
            if response.is_success:
                return response
            raise problem_of(response, self.url)
        raise AssertionError("unreachable")

    def pieces(self, path: str) -> Iterator[bytes]:
        """The answer to one GET as it comes, for what doesn't fit into memory; one attempt."""
        try:
            with self._http.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    raise problem_of(response, self.url)
                yield from response.iter_bytes(1 << 20)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise UnavailableError("cli.server_unreachable", url=self.url, kind=type(error).__name__) from None

    def post_json(self, path: str, value: Any) -> dict[str, Any]:
        return self._object(self.send("POST", path, json=value))

    def delete_json(self, path: str, **query: Any) -> dict[str, Any]:
        return self._object(self.send("DELETE", path, params=query))

    def get_json(self, path: str, **query: Any) -> dict[str, Any]:
        return self._object(self.send("GET", path, params=query))

    def receipt(self, origin: str, index: int, *, salted: bool) -> bytes:
        """The newest receipt of an entry."""
        query = {"salted": "true"} if salted else {}
        return self.send("GET", f"logs/{quote(origin, safe='')}/receipts/{index}", params=query).content

    def receipts(self, origin: str, first: int, count: int) -> bytes:
        """One bundle of consecutive receipts, without salts."""
        return self.send(
            "GET", f"logs/{quote(origin, safe='')}/receipts", params={"first": first, "count": count}
        ).content

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        """The answer's JSON object; UnavailableError if it is something else, such as a portal's page."""
        try:
            value = response.json()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise UnavailableError("cli.server_answer", url=self.url, status=response.status_code)
        return value


@contextmanager
def connect(url: str, token: str | None = None) -> Iterator[Client]:
    with Client(url, token) as client:
        yield client


def problem_of(response: httpx.Response, url: str) -> ChuzhengError:
    """The error that a problem document tells of; UnavailableError where the answer isn't one of ours."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, Mapping) or "code" not in problem:
        return UnavailableError("cli.server_answer", url=url, status=response.status_code)
    return ServerError(response.status_code, problem)


def _checked(url: str) -> str:
    """The address without its last slash; UsageError `cli.url` if it isn't one of http or https."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine:
        raise UsageError("cli.url", url=url[:200])
    return url.rstrip("/")


def _retry_after(response: httpx.Response) -> float:
    try:
        return max(0.2, float(response.headers.get("retry-after", "1")))
    except ValueError:
        return 1.0
