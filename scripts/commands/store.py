"""`chuzheng store move`: the whole database to another one, of either kind, while nothing runs on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts import output
from scripts.commands.options import Home, Json
from scripts.help import App

store_app = App(help="数据库维护。/ Looking after the database.")


def register(app: App) -> None:
    app.add_typer(store_app, name="store")


@store_app.command("move")
def move(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="新数据库的地址，或第一行是地址的文件 / address of the new one, or a file whose first line is it",
        ),
    ],
    home: Home = None,
    json_: Json = False,
) -> None:
    """停机后把整个数据库搬到另一个（SQLite 与 PostgreSQL 之间），逐表比对；中断后再运行即可接着做。/ Move the whole
    database to another one while nothing runs on it, each table compared; run it again to go on after a break."""
    from api.settings import load
    from ledger.store.engine import open_engine, shown
    from ledger.store.moving import move as move_all

    address = Path(to).read_text(encoding="utf-8").splitlines()[0].strip() if Path(to).is_file() else to
    settings = load({"home": home}).settings
    source, target = open_engine(settings.database), open_engine(address)
    try:
        with output.progress(output.words("cli.store.moving"), None) as bar:

            def told(table: str, done: int, total: int) -> None:
                bar.update(bar.task_ids[0], description=table, completed=done, total=total)

            moved = move_all(source, target, told)
    finally:
        source.dispose()
        target.dispose()
    rows = sum(table.rows for table in moved)
    payload = output.message(
        "chuzheng-store-move/1", "cli.store.moved", rows=rows, tables=len(moved), to=shown(address)
    )
    tables = [{"table": table.table, "rows": table.rows, "sha256": table.sha256} for table in moved]
    output.finish({**payload, "rows": rows, "tables": tables}, as_json=json_)
