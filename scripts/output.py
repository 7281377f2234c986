"""What a command prints: the result to stdout, progress and hints to stderr, one object with --json.

Exit codes: verification.md for verdicts, the EXIT_ constants for everything else. Nothing here needs a character that
GBK lacks.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from ledger.errors import (
    ChuzhengError,
    ConfigurationError,
    DeniedError,
    InputError,
    RowsError,
    UnavailableError,
)
from ledger.texts import Language, error_text, text
from scripts.problems import ServerError, SeveralError, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

EXIT_OK = 0
EXIT_UNEXPECTED = 1
EXIT_USAGE = 2
EXIT_CANCELLED = 3
EXIT_NOT_LOGGED_IN = 4
EXIT_NOT_REGISTERED = 11
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


def folded(lines: Iterable[str], stream: TextIO) -> list[str]:
    """Lines as wide as the terminal that `stream` is, items (`  - …`) with what follows below their first word; as they
    are where it is none. Not for commands, which are copied."""
    from scripts.help import wrap

    lines = list(lines)
    if not stream.isatty():
        return lines
    width, found = os.get_terminal_size(stream.fileno()).columns, list[str]()
    for line in lines:
        indent = len(line) - len(line.lstrip(" -"))
        first, *more = wrap(line[indent:], max(20, width - indent - 2))
        found += [line[:indent] + first, *(" " * indent + each for each in more)]
    return found


def result(payload: dict[str, Any], lines: str, *, as_json: bool) -> None:
    """The result: `payload` as one JSON object, or `lines` for a person."""
    if as_json:
        emit(payload)
    else:
        print(lines, flush=True)


def emit(payload: Mapping[str, Any]) -> None:
    """One JSON object on stdout; in ASCII where the console couldn't write every character."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(payload, ensure_ascii=not unicode), flush=True)


def finish(payload: dict[str, Any], *, as_json: bool) -> None:
    """A result that is its own message."""
    result(payload, payload[f"message_{language()}"], as_json=as_json)


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
        case SeveralError():
            return exit_code(error.failures[0][1])
        case ServerError():
            return _server_exit_code(error)
        case DeniedError():
            return EXIT_NOT_LOGGED_IN
        case UsageError() | ConfigurationError():
            return EXIT_USAGE
        case InputError():
            return EXIT_UNREADABLE
        case UnavailableError():
            return EXIT_CANNOT_ASK
        case _:
            return EXIT_UNEXPECTED


def _server_exit_code(error: ServerError) -> int:
    if error.code == "status.unknown":
        return EXIT_NOT_REGISTERED
    match error.status:
        case 401 | 403:
            return EXIT_NOT_LOGGED_IN
        case 429 | 502 | 503 | 504:
            return EXIT_CANNOT_ASK
        case 400 | 411 | 413 | 414 | 415 | 422:
            return EXIT_UNREADABLE
        case _:
            return EXIT_UNEXPECTED


def failed(error: ChuzhengError, *, as_json: bool) -> int:
    """Prints `error`, with every wrong row or file it lists, and returns the exit code."""
    payload: dict[str, Any] = {"schema": "chuzheng-error/1", "ok": False, **told(error)}
    rows, files = _rows(error), _files(error)
    if as_json:
        payload |= ({"rows": rows} if rows else {}) | ({"files": files} if files else {})
        emit(payload)
        return exit_code(error)
    message = f"message_{language()}"
    print(f"{payload[message]}  [{payload['code']}]", file=sys.stderr)
    for row in rows[:ROWS_SHOWN]:
        place = words("cli.row", row=row["row"]) if row["row"] else ""
        print(f"  {' '.join(filter(None, (place, row['column'])))}: {row[message]}", file=sys.stderr)
    for file in files[:ROWS_SHOWN]:
        print(f"  {file['path']}: {file[message]}  [{file['code']}]", file=sys.stderr)
    if (more := len(rows) + len(files) - ROWS_SHOWN) > 0:
        say("cli.rows.more", more=more)
    return exit_code(error)


def unexpected(error: BaseException, *, as_json: bool) -> int:
    """A fault of the program: its kind only, since its words may hold what was being worked on."""
    kind = type(error).__name__
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        kind = "ENOSPC"  # a full disk is nobody's fault, and what to do is plain
    key = "cli.disk_full" if kind == "ENOSPC" else "cli.unexpected"
    try:
        if as_json:
            emit(message("chuzheng-error/1", key, ok=False, kind=kind))
        else:
            sys.stdout.flush()
    except OSError:  # it was stdout that couldn't be written
        give_up_stdout()
        as_json = False
    if not as_json:
        say(key, kind=kind)
    return EXIT_UNEXPECTED


def give_up_stdout() -> None:
    """Nothing more goes there: else the interpreter's last flush complains in its own words."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def told(error: ChuzhengError) -> dict[str, str]:
    """Code and both texts; a server's error in the server's own words."""
    if isinstance(error, ServerError):
        return {name: str(error.problem.get(name, error.code)) for name in ("code", "message_zh", "message_en")}
    return {"code": error.code, "message_zh": error_text(error, "zh"), "message_en": error_text(error, "en")}


def _rows(error: ChuzhengError) -> list[dict[str, Any]]:
    """Wrong rows; row 0 is a thing without rows, such as a single record."""
    if isinstance(error, RowsError):
        return [{"row": row, "column": column, **told(e)} for row, column, e in error.rows]
    return list(error.problem.get("errors", [])) if isinstance(error, ServerError) else []


def _files(error: ChuzhengError) -> list[dict[str, Any]]:
    return [{"path": path, **told(e)} for path, e in error.failures] if isinstance(error, SeveralError) else []


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
