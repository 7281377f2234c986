"""A log's files over HTTP, as a mirror reads them: of our own server, or of any C2SP tlog-tiles prefix."""

from __future__ import annotations

import time

import httpx

from ledger.errors import DeniedError, UnavailableError
from scripts.problems import UsageError

TIMEOUT = httpx.Timeout(10.0, read=60.0)
ATTEMPTS = 6
MOST_FILE = 256 * (2 + 0xFFFF)
"""Bytes of the largest entry bundle that the layout allows."""


class HttpSource:
    """notary.stores.mirror.Source over HTTP; may be called by many threads."""

    def __init__(self, prefix: str, token: str | None = None) -> None:
        """`prefix`: what `checkpoint` and `tile/…` stand under."""
        self._prefix = prefix.rstrip("/")
        if not self._prefix.startswith(("http://", "https://")):
            raise UsageError("cli.url", url=prefix[:200])
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            headers=headers, timeout=TIMEOUT, verify=self._prefix.startswith("https://"), follow_redirects=True
        )

    def close(self) -> None:
        self._http.close()

    def checkpoint(self) -> str | None:
        """The newest note; None where there is none."""
        data = self.file("checkpoint")
        return None if data is None else data.decode("utf-8", "replace")

    def file(self, path: str) -> bytes | None:
        """One file; None for 404. DeniedError `mirror.denied` where only members may read."""
        url = f"{self._prefix}/{path}"
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                with self._http.stream("GET", url) as answer:
                    data = _limited(answer)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                if last:
                    raise UnavailableError(
                        "cli.server_unreachable", url=self._prefix, kind=type(error).__name__
                    ) from None
                time.sleep(0.2 * 2**attempt)
                continue
            match answer.status_code:
                case 200 if data is not None:
                    return data
                case 404 | 410:
                    return None
                case 401 | 403:
                    raise DeniedError("mirror.denied", url=self._prefix)
                case 429 | 500 | 502 | 503 | 504 if not last:
                    time.sleep(min(30.0, _after(answer)))
                case status:
                    raise UnavailableError("cli.server_answer", url=self._prefix, status=status)
        raise AssertionError("unreachable")


def _limited(answer: httpx.Response) -> bytes | None:
    """The body, read no further than a file of a log can be long; None where it is longer, whoever sends it."""
    found = bytearray()
    for piece in answer.iter_bytes(1 << 16):
        found += piece
        if len(found) > MOST_FILE:
            return None
    return bytes(found)


def _after(answer: httpx.Response) -> float:
    try:
        return max(0.2, float(answer.headers.get("retry-after", "1")))
    except ValueError:
        return 1.0
