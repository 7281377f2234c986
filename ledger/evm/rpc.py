"""A thin JSON-RPC client over HTTP: single calls and batches, answers matched by id, connections kept per thread.

What the node answers is either a result, an `RpcError` (the node understood and refused) or UnavailableError (nobody
can know). No web3 here: its batches refuse eth_sendRawTransaction, and importing it takes a second (stack.md).
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from ledger.errors import ConfigurationError, UnavailableError

Call = tuple[str, Sequence[Any]]


class RpcError(UnavailableError):
    """The node answered with an error object. `data` is revert data where the call reverted, else None."""

    def __init__(self, method: str, number: int, message: str, data: Any = None) -> None:
        super().__init__("chain.rpc", method=method, number=number, message=message[:200])
        self.number = number
        self.message = message
        nested = data.get("data") if isinstance(data, dict) else data
        self.data = nested if isinstance(nested, str) and nested.startswith("0x") else None


class Rpc:
    """One node at `url`; `timeout` seconds for connecting and for each answer."""

    def __init__(self, url: str, *, timeout: float = 10.0, batch_limit: int = 100) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError("chain.url", url=f"{parts.scheme}://{parts.hostname or ''}")
        self.url = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        self._https = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout = timeout
        self._batch_limit = batch_limit
        self._local = threading.local()

    def call(self, method: str, *params: Any) -> Any:
        """The result of one call. RpcError if the node refused it."""
        answer = self._exchange({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if not isinstance(answer, dict):
            raise self._nonsense()
        result = self._result(method, answer)
        if isinstance(result, RpcError):
            raise result
        return result

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """One result or RpcError for each call, in the order of the calls; nothing is raised for a refused one."""
        results: list[Any] = []
        for start in range(0, len(calls), self._batch_limit):
            results += self._one_batch(calls[start : start + self._batch_limit])
        return results

    def _one_batch(self, calls: Sequence[Call]) -> list[Any]:
        body = [{"jsonrpc": "2.0", "id": i, "method": m, "params": list(p)} for i, (m, p) in enumerate(calls)]
        answers = self._exchange(body)
        if isinstance(answers, dict) and "error" in answers:  # the batch as a whole was refused
            raise self._error("batch", answers["error"])
        if not isinstance(answers, list):
            raise self._nonsense()
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        if len(by_id) != len(calls) or any(i not in by_id for i in range(len(calls))):
            raise self._nonsense()
        return [self._result(method, by_id[i]) for i, (method, _) in enumerate(calls)]

    def _result(self, method: str, answer: dict[str, Any]) -> Any:
        if answer.get("error") is not None:
            return self._error(method, answer["error"])
        if "result" not in answer:
            raise self._nonsense()
        return answer["result"]

    @staticmethod
    def _error(method: str, error: Any) -> RpcError:
        if not isinstance(error, dict):
            return RpcError(method, 0, str(error))
        number = error.get("code")
        return RpcError(
            method, number if isinstance(number, int) else 0, str(error.get("message", "")), error.get("data")
        )

    def _nonsense(self) -> UnavailableError:
        return UnavailableError("chain.bad_answer", url=self.url)

    def _exchange(self, body: Any) -> Any:
        payload = json.dumps(body, separators=(",", ":")).encode()
        for attempt in (1, 2):
            connection, fresh = self._connection()
            try:
                connection.request("POST", self._path, payload, {"Content-Type": "application/json"})
                response = connection.getresponse()
                data = response.read()
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                if fresh or attempt == 2:
                    raise UnavailableError("chain.unreachable", retry_after=1.0, url=self.url) from error
                continue  # a kept connection that the node had closed meanwhile: once more on a new one
            try:
                return json.loads(data)
            except ValueError as error:
                raise UnavailableError("chain.bad_answer", url=self.url) from error
        raise self._nonsense()

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        held: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if held is not None:
            return held, False
        kind = http.client.HTTPSConnection if self._https else http.client.HTTPConnection
        held = self._local.connection = kind(self._host, self._port, timeout=self._timeout)
        return held, True

    def _drop(self) -> None:
        held: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if held is not None:
            held.close()
            self._local.connection = None


def results_of(rpc: Rpc, calls: Sequence[Call]) -> list[Any]:
    """The results of a batch in the order of the calls; the first RpcError is raised."""
    answers = rpc.batch(calls)
    for answer in answers:
        if isinstance(answer, RpcError):
            raise answer
    return answers
