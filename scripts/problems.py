"""An error that a server told of. Apart from the client, so that printing it needs no HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.errors import ChuzhengError


class ServerError(ChuzhengError):
    """What the server said, in its own words: `problem` is the RFC 9457 object."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("code", "server.unexpected")))
        self.status = status
        self.problem = problem
