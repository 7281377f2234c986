"""`chuzheng reconcile run | feed`: the certificate library (电子证照库) and the ledger, compared and kept in step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.codes.uscc import check_uscc
from ledger.errors import InputError
from ledger.types import DepartmentCode
from scripts import output
from scripts.commands.backfill import source_kind, source_url
from scripts.commands.files import check_readable, make_folder, read_file
from scripts.commands.options import Home, Json
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.bulk.sources import Source
    from notary.reconcile.run import Done, Ledger

reconcile_app = App(help="与电子证照库对账。/ The certificate library and the ledger compared.")
FORMS = ("ndjson", "csv")
_PURPOSE = b"reconcile"


def register(app: App) -> None:
    app.add_typer(reconcile_app, name="reconcile")


@reconcile_app.command("run")
def run(
    source: Annotated[str, typer.Argument(help="证照库导出：FILE.csv | .parquet | table:NAME / the library's export")],
    out: Annotated[Path, typer.Option(help="对账目录，中断后接着用 / folder of the comparison, for all its runs")],
    identifier: Annotated[
        str, typer.Option("--identifier-column", help="证照标识列 / column of the identifier")
    ] = "identifier",
    status: Annotated[str, typer.Option("--status-column", help="状态列 / column of the status")] = "status",
    issuer_column: Annotated[
        str | None,
        typer.Option("--issuer-column", help="签发单位列，默认取自标识 / column of the issuer, default: by identifier"),
    ] = None,
    issuer: Annotated[
        list[str] | None, typer.Option(help="只比这些签发单位，可重复 / only these issuers, repeatable")
    ] = None,
    words: Annotated[
        Path | None, typer.Option("--status-map", help="状态对照表（TOML）/ map of the library's statuses (TOML)")
    ] = None,
    exported: Annotated[
        str | None, typer.Option("--exported-at", help="导出时刻（RFC 3339）/ when it was exported (RFC 3339)")
    ] = None,
    key: Annotated[str | None, typer.Option(help="数据表的唯一键列 / the table's unique column")] = None,
    url_file: Annotated[
        Path | None, typer.Option(help="存放数据库地址的文件 / file with the database's address  [CHUZHENG_SOURCE_URL]")
    ] = None,
    form: Annotated[str, typer.Option("--form", help="ndjson | csv")] = "ndjson",
    home: Home = None,
    json_: Json = False,
) -> int:
    """证照库与登记簿逐份比对，可中断。/ Library and ledger compared; stopped, run it again. Exit 1: they differ."""
    from api.settings import load
    from api.wiring import open_ledger
    from notary.reconcile.compare import What
    from notary.reconcile.run import Asked, Comparison
    from notary.reconcile.words import status_words
    from scripts.commands.feed_file import alone

    if form not in FORMS:
        raise UsageError("cli.usage.value", name="--form", reason=" | ".join(FORMS))
    for code in issuer or ():
        if check_uscc(code):  # nothing is of nobody, and would agree
            raise UsageError("cli.usage.value", name="--issuer", reason=code[:40])
    kind = source_kind(source)
    table = read_file(words).decode("utf-8", "replace") if words else None
    asked = Asked(
        dict(status_words(table)), tuple(sorted(DepartmentCode(code) for code in issuer or ())), _moment(exported), form
    )
    columns = (identifier, status, *([issuer_column] if issuer_column else []))
    make_folder(out)
    with open_ledger(load({"home": home}).settings) as ledger, alone(out):
        rows = open_library(kind, source, source_url(url_file) if kind == "table" else "", key, columns, ledger)
        try:
            with output.progress(output.words("cli.reconcile.comparing"), None) as bar:

                def told(done: Done, share: float) -> None:
                    phase = "comparing" if not done.read else "sorting" if not done.sorted else "matching"
                    bar.update(bar.task_ids[0], description=output.words(f"cli.reconcile.{phase}"), completed=done.rows)

                Comparison(out, ledger, rows, asked).run(told)
        except KeyboardInterrupt:
            output.say("cli.reconcile.stopped")
            return output.EXIT_INTERRUPTED
        finally:
            rows.close()
    report = json.loads((out / "report.json").read_bytes())
    differing = sum(report[what.value] for what in What)
    code = "cli.reconcile.differ" if differing else "cli.reconcile.agree"
    payload = output.message(
        "chuzheng-reconciled/1", code, ok=not differing, agreed=report["agreed"], count=differing, folder=str(out)
    )
    lines = [f"{report[what.value]:>12,}  {output.words(f'cli.reconcile.{what.value}')}" for what in What]
    lines += [
        f"{report[name]:>12,}  {output.words(f'cli.reconcile.{name}')}" for name in ("registered_later", "erased")
    ]
    lines.append(payload[f"message_{output.language()}"])
    output.result({**report, **payload, "folder": str(out)}, "\n".join(lines), as_json=json_)
    return output.EXIT_UNEXPECTED if differing else output.EXIT_OK


@reconcile_app.command("feed")
def feed(
    out: Annotated[Path, typer.Option(help="续写的文件（NDJSON）/ file to append to (NDJSON)")],
    state: Annotated[
        Path | None, typer.Option(help="记游标的文件，默认 OUT.cursor / file of the cursor, default: OUT.cursor")
    ] = None,
    home: Home = None,
    json_: Json = False,
) -> int:
    """把新增、变更、终止的证照续写到文件，接着上次。/ Append what is new, changed and ended since last time."""
    from api.settings import load
    from api.wiring import open_ledger
    from notary.feed import MOST, Feed
    from scripts.commands.feed_file import FeedFile, alone

    out, state = out.absolute(), (state or out.with_name(out.name + ".cursor")).absolute()
    for path in (out, state):
        if not path.parent.is_dir():
            raise UsageError("file.no_folder", path=str(path))
    count, more = 0, True
    with open_ledger(load({"home": home}).settings) as ledger, alone(out):
        source, file = Feed(ledger.notary, ledger.changes), FeedFile(out, state)
        try:
            with output.progress(output.words("cli.reconcile.feeding"), None) as bar:
                while more:
                    page = source.page(file.cursor, MOST)
                    file.keep(page.items, page.cursor)
                    more, count = page.more, count + len(page.items)
                    bar.update(bar.task_ids[0], completed=count)
        except KeyboardInterrupt:
            output.say("cli.reconcile.stopped")
            return output.EXIT_INTERRUPTED
    payload = output.message("chuzheng-feed/1", "cli.reconcile.fed", count=count, path=str(out))
    output.finish({**payload, "count": count, "cursor": file.cursor or "", "path": str(out)}, as_json=json_)
    return output.EXIT_OK


def open_library(kind: str, source: str, url: str, key: str | None, columns: tuple[str, ...], ledger: Ledger) -> Source:
    """The library's rows, read by the back-fill's readers."""
    secret = ledger.notary.vault.bound_to(_PURPOSE)
    if kind == "table":
        from notary.bulk.table import TableSource

        return TableSource(url, source.partition(":")[2], key, secret, columns)
    check_readable(Path(source))
    if kind == "parquet":
        from notary.bulk.parquet import ParquetSource

        return ParquetSource(Path(source), None, secret, columns)
    from notary.bulk.csv_source import CsvSource

    return CsvSource(Path(source), None, secret, columns)


def _moment(text: str | None) -> Any:
    from api.verifications.submission import instant

    try:
        return instant(text)
    except InputError:
        raise UsageError("cli.usage.value", name="--exported-at", reason="2026-01-31T02:00:00+08:00") from None
