"""`chuzheng backfill`: millions of certificates from a file or a table into the logs, on the node itself.

The same command run again goes on where the last one ended, however it ended (notary/bulk). Ctrl-C finishes what is
under way and prints that command.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import InputError
from ledger.types import DepartmentCode
from scripts import output
from scripts.commands.anchor import CAPTURES
from scripts.commands.files import check_readable, read_file
from scripts.commands.options import Home, Json
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.bulk.again import MadeAgain
    from notary.bulk.manifest import Progress
    from notary.bulk.sources import Source
    from scripts.help import App

TABLE = "table:"
SOURCE_URL = "CHUZHENG_SOURCE_URL"
PROCESSES = os.cpu_count() or 1
_PURPOSE = b"chuzheng/backfill/source/v1\0"
_LINE_EVERY = 10.0
_MOST_URL = 4096


def register(app: App) -> None:
    app.command("backfill")(backfill)


def backfill(
    source: Annotated[str, typer.Argument(help=".csv 或 .parquet 文件，或 table:表名 / file, or table:NAME")],
    manifest: Annotated[Path, typer.Option(help="清单目录，接着做时用同一个 / manifest folder; the same to go on")],
    department: Annotated[
        list[str], typer.Option(help="为哪些单位补录，可多次 / for which departments; may be repeated")
    ],
    key: Annotated[
        str | None, typer.Option(help="写入清单的键列；表必须有 / key column for the manifest; a table needs one")
    ] = None,
    url_file: Annotated[
        Path | None, typer.Option(help="存放数据库地址的文件 / file with the database's address  [CHUZHENG_SOURCE_URL]")
    ] = None,
    capture: Annotated[str, typer.Option(help="行的来源 / how rows came in: data | scan")] = "data",
    salts: Annotated[
        Path | None, typer.Option(help="另存盐的目录，与原件同样保密 / folder for salts, as secret as the records")
    ] = None,
    check_all: Annotated[
        bool, typer.Option("--check-all", help="逐份重算、逐个验签，慢一半 / every promise verified; half as fast")
    ] = False,
    chunk: Annotated[
        int,
        typer.Option(min=1, max=50_000, help="每批行数，一批一个事务 / rows of one chunk, which is one transaction"),
    ] = 10_000,
    home: Home = None,
    json_: Json = False,
) -> int:
    """大批量补录证照，可随时中断，再运行同样的命令接着做；在本机运行。/ Register millions of certificates; may be
    stopped at any moment and goes on when run again; on the node itself."""
    from api.settings import load
    from api.wiring import open_notary
    from notary.bulk.manifest import opened
    from notary.bulk.run import Backfill, origins_of
    from notary.bulk.work import Options

    if capture not in CAPTURES:
        raise UsageError("cli.usage.value", name="--capture", reason=" | ".join(CAPTURES))
    kind = source_kind(source)
    url = source_url(url_file) if kind == "table" else ""
    if manifest.exists() and not manifest.is_dir():
        raise UsageError("backfill.no_folder", path=str(manifest))
    departments = [DepartmentCode(code) for code in dict.fromkeys(department)]
    with open_notary(load({"home": home}).settings, processes=PROCESSES) as (notary, processes):
        origins = origins_of(notary, departments)
        rows = open_source(kind, source, url, key, notary.vault.bound_to(_PURPOSE))
        try:
            header = {"source": rows.identity, "departments": sorted(departments), "capture": capture, "chunk": chunk}
            options = Options(capture, check_all, salts, chunk)
            with opened(manifest, header) as kept, _stopping() as stop, _Told(source, rows, kept.progress) as told:
                run = Backfill(notary, rows, kept, origins=origins, options=options, processes=processes)
                done = run.run(told.report, stop)
        finally:
            rows.close()
    counts = {"rows": done.rows, "accepted": done.accepted, "duplicate": done.duplicate, "refused": done.refused}
    _say_made_again(run.again, manifest, salts)
    if not done.complete:
        given = {
            "--key": key, "--url-file": url_file, "--capture": capture, "--salts": salts, "--chunk": chunk,
            "--home": home,
        }  # fmt: skip
        command = _command(source, manifest, departments, given, ["--check-all"] if check_all else [])
        payload = output.message(
            "chuzheng-backfilled/1", "cli.backfill.stopped", ok=False, rows=done.rows, command=command
        )
        output.finish({**payload, **counts, "complete": False, "command": command}, as_json=json_)
        return output.EXIT_INTERRUPTED
    refused = done.refused > 0
    payload = output.message(
        "chuzheng-backfilled/1", "cli.backfill.done", ok=not refused, manifest=str(manifest), **counts
    )
    output.finish({**payload, **counts, "complete": True, "manifest": str(manifest)}, as_json=json_)
    if refused:
        output.say("cli.backfill.refused", file=str(manifest / "rows.csv"))
    return output.EXIT_UNREADABLE if refused else output.EXIT_OK


def _say_made_again(made: MadeAgain, manifest: Path, salts: Path | None) -> None:
    """What of an earlier run's files was lost, and which of it is there again."""
    if made.bundles:
        output.say("cli.backfill.again", count=made.bundles, folder=str(manifest / "receipts"))
    if made.salts:
        output.say("cli.backfill.salts_again", count=made.salts, folder=str(salts))
    if made.salts_erased:
        output.say("cli.backfill.salts_erased", count=made.salts_erased, folder=str(salts))


def open_source(kind: str, source: str, url: str, key: str | None, secret: bytes) -> Source:
    """The rows of a file or table; what can't be read is refused before anything is taken."""
    if kind == "table":
        from notary.bulk.table import TableSource

        return TableSource(url, source[len(TABLE) :], key, secret)
    check_readable(Path(source))
    if kind == "parquet":
        from notary.bulk.parquet import ParquetSource

        return ParquetSource(Path(source), key, secret)
    from notary.bulk.csv_source import CsvSource

    return CsvSource(Path(source), key, secret)


def source_kind(source: str) -> str:
    if source.startswith(TABLE):
        return "table"
    suffix = Path(source).suffix.lower().removeprefix(".")
    if suffix not in ("csv", "parquet"):
        raise InputError("backfill.source_kind")
    return suffix


def source_url(file: Path | None) -> str:
    """The source database's address: it may hold a password, so never from an argument."""
    if file is None:
        url = os.environ.get(SOURCE_URL, "")
    else:
        from ledger.crypto.keys import check_private

        if check_readable(file):
            check_private(str(file), file.stat().st_mode)
        url = read_file(file, _MOST_URL).decode("utf-8", "replace")
    if not url.strip():
        raise UsageError("backfill.url_needed")
    return url.strip()


@contextmanager
def _stopping() -> Iterator[Any]:
    """Whether Ctrl-C was pressed; pressed twice, it ends the command as it ends any other."""
    pressed: list[bool] = []

    def press(*_: object) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(True)
        output.say("cli.backfill.stopping")

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


class _Told:
    """Progress on stderr: a line that is written over where there is a terminal, as narrow as it is; else one now and
    then. The rate is of this run; the time left follows from how much of the source is done."""

    def __init__(self, name: str, source: Source, before: Progress) -> None:
        self._rows = before.rows
        self._share = source.share(before.mark) if before.mark is not None else 0.0
        self._begun = self._last = time.monotonic()
        self._live = sys.stderr.isatty()

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            print(file=sys.stderr)

    def report(self, progress: Progress, share: float) -> None:
        now = time.monotonic()
        if not self._live and now - self._last < _LINE_EVERY and share < 1.0:
            return
        self._last = now
        line = progress_line(progress.rows, progress.rows - self._rows, share, share - self._share, now - self._begun)
        if self._live:
            width = os.get_terminal_size(sys.stderr.fileno()).columns
            line = "\r" + fitted(line, max(1, width - 1)) + "\x1b[K"
        print(line, end="" if self._live else "\n", file=sys.stderr, flush=True)


def progress_line(rows: int, fresh: int, share: float, fresh_share: float, seconds: float) -> str:
    """What is said of a run: rows in all, how much of the source, rate and time left of this run."""
    left = seconds * (1 - share) / fresh_share if fresh_share > 0 else 0.0
    hours, rest = divmod(int(left), 3600)
    rate = f"{fresh / seconds:,.0f}" if seconds > 0 else "-"
    time_left = f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return output.words(
        "cli.backfill.progress", rows=f"{rows:,}", share=f"{share * 100:.1f}", rate=rate, left=time_left
    )


def fitted(line: str, width: int) -> str:
    """As much of a line as `width` cells hold."""
    from scripts.help import cells

    while cells(line) > width:
        line = line[:-1]
    return line


def _command(
    source: str, manifest: Path, departments: list[DepartmentCode], given: dict[str, Any], flags: list[str]
) -> str:
    """The same command, to go on with."""
    words = ["chuzheng", "backfill", source, "--manifest", str(manifest)]
    for code in departments:
        words += ["--department", code]
    for option, value in given.items():
        words += [option, str(value)] if value is not None else []
    return shlex.join(words + flags)
