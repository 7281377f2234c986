"""Errors of the command line's own. Apart from the client, so that printing them needs no HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.errors import ChuzhengError, InputError


class UsageError(InputError):
    """The command was called wrongly: exit 2, not 19, because nothing was looked at yet."""


class ServerError(ChuzhengError):
    """What the server said, in its own words: `problem` is the RFC 9457 object."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("code", "server.unexpected")))
        self.status = status
        self.problem = problem


class SeveralError(ChuzhengError):
    """Some of many files went wrong, the others are done: `failures` are (path, error)."""

    def __init__(self, code: str, /, failures: list[tuple[str, ChuzhengError]], **params: Any) -> None:
        super().__init__(code, count=len(failures), **params)
        self.failures = failures
