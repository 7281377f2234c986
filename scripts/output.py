"""What a command prints: the result to stdout, progress and hints to stderr, one object with --json.

Exit codes: verification.md for verdicts, the EXIT_ constants for everything else. Nothing here needs a character that
GBK lacks.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ledger.errors import ChuzhengError, DeniedError, InputError, RowsError, UnavailableError
from ledger.texts import Language, error_text, text
from scripts.problems import ServerError

if TYPE_CHECKING:
    from rich.progress import Progress

EXIT_OK = 0
EXIT_UNEXPECTED = 1
EXIT_USAGE = 2
EXIT_CANCELLED = 3
EXIT_NOT_LOGGED_IN = 4
EXIT_UNREADABLE = 19
EXIT_CANNOT_ASK = 20
EXIT_INTERRUPTED = 130

ROWS_SHOWN = 50
"""Wrong rows printed in the terminal; --json lists all."""


def language() -> Language:
    """CHUZHENG_LANG, else the terminal's language; Chinese where nothing says otherwise."""
    wanted = os.environ.get("CHUZHENG_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "en" if wanted.lower().startswith("en") else "zh"


def words(key: str, /, **params: Any) -> str:
    """A text in the terminal's language."""
    return text(key, language(), **params)


def say(key: str, /, **params: Any) -> None:
    """A hint or a step, on stderr."""
    print(words(key, **params), file=sys.stderr)


def result(payload: dict[str, Any], lines: str, *, as_json: bool) -> None:
    """The result: `payload` as one JSON object, or `lines` for a person."""
    print(json.dumps(payload, ensure_ascii=False) if as_json else lines)


def message(schema: str, key: str, /, *, ok: bool = True, **params: Any) -> dict[str, Any]:
    """The members that every --json object has."""
    return {
        "schema": schema,
        "ok": ok,
        "code": key,
        "message_zh": text(key, "zh", **params),
        "message_en": text(key, "en", **params),
    }


def exit_code(error: ChuzhengError) -> int:
    """Which exit code an error has when it ends a command."""
    match error:
        case DeniedError():
            return EXIT_NOT_LOGGED_IN
        case InputError():
            return EXIT_UNREADABLE
        case UnavailableError():
            return EXIT_CANNOT_ASK
        case ServerError(status=401 | 403):
            return EXIT_NOT_LOGGED_IN
        case ServerError(status=429 | 502 | 503 | 504):
            return EXIT_CANNOT_ASK
        case ServerError(status=status) if status < 500 and status not in (404, 409, 410):
            return EXIT_UNREADABLE
        case _:
            return EXIT_UNEXPECTED


def failed(error: ChuzhengError, *, as_json: bool) -> int:
    """Prints `error`, with every wrong row it lists, and returns the exit code."""
    payload = {"schema": "chuzheng-error/1", "ok": False, **_told(error)}
    rows = _rows(error)
    if as_json:
        print(json.dumps({**payload, "rows": rows} if rows else payload, ensure_ascii=False))
        return exit_code(error)
    told = f"message_{language()}"
    print(f"{payload[told]}  [{error.code}]", file=sys.stderr)
    for row in rows[:ROWS_SHOWN]:
        say("cli.row", row=row["row"], column=row["column"] or "-", problem=row[told])
    if len(rows) > ROWS_SHOWN:
        say("cli.rows.more", more=len(rows) - ROWS_SHOWN)
    return exit_code(error)


def _told(error: ChuzhengError) -> dict[str, Any]:
    """Code and both texts; a server's error in the server's own words."""
    if isinstance(error, ServerError):
        return {name: str(error.problem.get(name, error.code)) for name in ("code", "message_zh", "message_en")}
    return {"code": error.code, "message_zh": error_text(error, "zh"), "message_en": error_text(error, "en")}


def _rows(error: ChuzhengError) -> list[dict[str, Any]]:
    if isinstance(error, RowsError):
        return [{"row": row, "column": column, **_told(e)} for row, column, e in error.rows]
    return list(error.problem.get("errors", [])) if isinstance(error, ServerError) else []


@contextmanager
def progress(description: str, total: int | None) -> Iterator[Progress]:
    """A bar with rate and time left, on stderr; off when that isn't a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed or 0:,.0f}/s")

    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with RichProgress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        bar.add_task(description, total=total)
        yield bar


def prepare_streams() -> None:
    """A GBK console must never turn a result into a traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
