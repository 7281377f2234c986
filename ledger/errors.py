"""The one error tree, drawn by who must act.

    ChuzhengError
    ├── InputError          the caller: change what was sent
    │   └── UnreadableError     it doesn't parse strictly (exit 19)
    ├── ConflictError       the caller: something else is there already
    ├── DeniedError         the caller: other rights are needed
    ├── NotFoundError       the caller: nothing of that name
    ├── UnavailableError    nobody: try again later (an outage is never an answer)
    ├── ConfigurationError  the operator: settings, keys, deployment
    └── IntegrityError      the auditor: what is stored or signed contradicts itself

An error has a stable `code` (`record.duplicate_member`), parameters for its text, and no secret and no person's data.
Texts are in ledger/locale under `error.<code>`. Foreign exceptions die at the edge of their adapter.
"""

from __future__ import annotations

from typing import Any


class ChuzhengError(Exception):
    """Base of all errors that we raise on purpose; `code` is stable, `params` fill the text's places."""

    def __init__(self, code: str, /, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        detail = ", ".join(f"{k}={v}" for k, v in self.params.items())
        return f"{self.code}: {detail}" if detail else self.code


class InputError(ChuzhengError):
    """What was sent is wrong; sending it again unchanged can't help."""


class UnreadableError(InputError):
    """Strict parsing refused the bytes (formats.md, Strict readers)."""


class RowsError(InputError):
    """Rows of an import are wrong: nothing of it was taken. `rows` are (row number, column, error)."""

    def __init__(self, code: str, /, rows: list[tuple[int, str, ChuzhengError]], **params: Any) -> None:
        super().__init__(code, count=len(rows), **params)
        self.rows = rows


class ConflictError(ChuzhengError):
    """Something else stands there already (formats.md §5)."""


class DeniedError(ChuzhengError):
    """Not logged in, or logged in without the right."""


class NotFoundError(ChuzhengError):
    """Nothing of that name."""


class UnavailableError(ChuzhengError):
    """Couldn't be done or asked now; `retry_after` seconds is our guess. Never an answer about the thing itself."""

    def __init__(self, code: str, /, retry_after: float | None = None, **params: Any) -> None:
        super().__init__(code, **params)
        self.retry_after = retry_after


class ConfigurationError(ChuzhengError):
    """The operator must change settings, keys or the deployment; the process refuses to go on."""


class IntegrityError(ChuzhengError):
    """What is stored or signed contradicts itself; both pieces are kept."""
