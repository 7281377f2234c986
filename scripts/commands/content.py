"""`chuzheng content show | check | move | get`: the encrypted files of this machine and the stores that keep them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import ConflictError, NotFoundError
from ledger.types import DepartmentCode, Origin
from scripts import output
from scripts.commands.options import Home, Json
from scripts.help import App
from scripts.problems import UsageError

NOT_ASKED = "not_asked"

if TYPE_CHECKING:
    from api.settings import Settings
    from notary.content_care import Fault

content_app = App(help="加密文件与内容存储。/ Encrypted files and the stores that keep them.")
SHOWN = 50
"""Faults listed in the terminal; --json lists all."""


def register(app: App) -> None:
    app.add_typer(content_app, name="content")


@content_app.command("show")
def show(home: Home = None, json_: Json = False) -> int:
    """各存储里有多少文件，还缺多少。/ The stores and what each lacks. Exit 20 if one can't be asked."""
    from api.wiring import open_keeper
    from ledger.errors import UnavailableError
    from ledger.texts import error_text
    from notary.cid import EMPTY_FILE

    settings = _settings(home)
    with open_keeper(settings) as keeper:
        places, now = keeper.places, _now()
        files, stores, outage = places.index.count(), [], False
        holding = places.holding()
        for address in dict.fromkeys([*holding, *places.reading()]):
            row: dict[str, Any] = {"store": address, "role": _role(address, holding), "answers": True}
            if address in holding:
                lag = places.index.lag(address)
                row |= {"lacking": lag.files, "lacking_seconds": 0 if lag.since is None else (now - lag.since) // 1000}
            try:
                places.store(address).has(EMPTY_FILE)
            except UnavailableError as error:
                row |= {"answers": False, "why_zh": error_text(error, "zh"), "why_en": error_text(error, "en")}
                outage |= address in holding
            stores.append(row)
        moves = [
            {"from": m.source, "to": m.target, "finished": m.finished_at is not None} for m in places.index.moves()
        ]
    payload = output.message("chuzheng-content/1", "cli.content.shown", ok=not outage, files=files, count=len(stores))
    lines = [payload[f"message_{output.language()}"]]
    for row in stores:
        told = output.words(f"cli.content.role.{row['role']}")
        lack = output.words("cli.content.lacking", files=row["lacking"]) if row.get("lacking") else ""
        lines.append("  ".join(filter(None, [row["store"], told, lack, row.get(f"why_{output.language()}", "")])))
    output.result({**payload, "files": files, "stores": stores, "moves": moves}, "\n".join(lines), as_json=json_)
    return output.EXIT_CANNOT_ASK if outage else output.EXIT_OK


@content_app.command("check")
def check(
    repair: Annotated[bool, typer.Option("--repair", help="由另一存储修复 / mend from another store")] = False,
    store: Annotated[
        str | None, typer.Option(help="只查这个存储（地址）/ only this store (address), default: all")
    ] = None,
    hours: Annotated[
        int | None,
        typer.Option("--not-seen-for", min=0, help="只查这些小时内没查过的 / only what wasn't seen for so many hours"),
    ] = None,
    home: Home = None,
    json_: Json = False,
) -> int:
    """逐字节核对每个登记的文件、数固定标记。/ Hash every registered file in every store, and count its pins."""
    from api.content_places import store_address
    from api.wiring import SystemClock, open_keeper
    from notary import content_care

    settings, before = _settings(home), None if hours is None else _now() - hours * 3_600_000
    with _alone(settings), open_keeper(settings) as keeper:
        keeper.catch_up()
        places = keeper.places
        addresses = places.holding()
        if store is not None:
            addresses = [address for address in addresses if address == store_address(store, settings)]
            if not addresses:
                raise NotFoundError("content.no_store", store=store[:120])
        with _told("cli.content.checking", None) as told:
            results = [
                content_care.check(places, SystemClock(), a, repair=repair, seen_before=before, told=told)
                for a in addresses
            ]
    faults = [fault for result in results for fault in result.faults]
    left = [fault for fault in faults if not fault.mended]
    files = sum(result.files for result in results)
    asked = [fault for fault in left if fault.what != NOT_ASKED]
    key = "cli.content.mended" if faults else "cli.content.sound"
    if left:
        key = "cli.content.wrong" if asked else "cli.content.no_answer"
    payload = output.message(
        "chuzheng-content-check/1", key, ok=not left, files=files, count=len(asked or left or faults)
    )
    stores = [
        {"store": r.store, "files": r.files, "bytes": r.size,
         "wrong": sum(not f.mended and f.what != NOT_ASKED for f in r.faults),
         "not_asked": sum(f.what == NOT_ASKED for f in r.faults),
         "mended": sum(f.mended for f in r.faults), "pins": r.pins, "unnamed_pins": r.unnamed,
         "leftovers": r.leftovers, "leftover_bytes": r.leftover_size, "removed": r.removed}
        for r in results
    ]  # fmt: skip
    lines = []
    for row in stores:
        lines.append(
            output.words("cli.content.store", **{k: f"{v:,}" if isinstance(v, int) else v for k, v in row.items()})
        )
        if row["pins"] is not None:
            lines.append("    " + output.words("cli.content.pins", pins=row["pins"], unnamed=row["unnamed_pins"]))
        if row["leftovers"]:
            lines.append("    " + output.words("cli.content.leftovers", count=row["leftovers"],
                                               size=row["leftover_bytes"], removed=row["removed"]))  # fmt: skip
    lines += _fault_lines(faults)
    lines.append(payload[f"message_{output.language()}"])
    output.result({**payload, "stores": stores, "faults": list(map(_fault, faults))}, "\n".join(lines), as_json=json_)
    return _exit(left)


@content_app.command("move")
def move(
    to: Annotated[str, typer.Option("--to", help="embedded | folder:/… | kubo | kubo:/ip4/…/tcp/5001")],
    keep: Annotated[bool, typer.Option("--keep", help="保留旧的一份 / leave the old copies where they are")] = False,
    home: Home = None,
    json_: Json = False,
) -> int:
    """把全部文件搬到另一存储，服务不停，可中断后重来。/ Move all files to another store while the service runs; begun
    again it goes on."""
    from api.content_places import store_address
    from api.wiring import SystemClock, open_keeper
    from notary import content_care

    settings = _settings(home)
    target = store_address(to, settings)
    with _alone(settings), open_keeper(settings) as keeper, _told("cli.content.moving", None) as told:
        done = content_care.move(keeper, SystemClock(), target, keep=keep, told=told)
    key = "cli.content.moved" if done.finished else "cli.content.not_moved"
    payload = output.message(
        "chuzheng-content-move/1", key, ok=done.finished, files=done.files, count=len(done.faults), target=target
    )
    members = {"from": done.source, "to": target, "files": done.files, "bytes": done.size, "finished": done.finished}
    lines = [*_fault_lines(done.faults), payload[f"message_{output.language()}"]]
    output.result({**payload, **members, "faults": list(map(_fault, done.faults))}, "\n".join(lines), as_json=json_)
    return _exit(done.faults) if not done.finished else output.EXIT_OK


@content_app.command("get")
def get(
    origin: Annotated[str, typer.Argument(help="日志来源 / origin of the log")],
    index: Annotated[int, typer.Argument(min=0, help="序号 / index")],
    out: Annotated[Path, typer.Option("--out", help="要写的新文件 / new file to write")],
    reader: Annotated[
        str | None, typer.Option(help="以哪个单位的密钥打开，默认登记单位 / whose key opens it, default: the issuer's")
    ] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """取出一个文件：取回、解密、与登记的摘要核对后才写出。/ Fetch and decrypt one file; written only if it is the
    registered one."""
    from api.keyring import Keyring
    from api.wiring import open_keeper
    from notary.documents import open_file
    from notary.entry import parse_origin

    settings = _settings(home)
    code = DepartmentCode(reader) if reader else parse_origin(origin).issuer
    with open_keeper(settings) as keeper:
        notary = keeper.notary
        record = notary.record(Origin(origin), index)
        wrap = notary.wraps(Origin(origin), index).get(code)
        if wrap is None or "document" not in record or notary.filing is None:
            raise NotFoundError("content.no_file", origin=origin, index=index, reader=code)
        if not out.absolute().parent.is_dir():
            raise UsageError("file.no_folder", path=str(out))
        key = Keyring(settings.keys_dir).wrap_key(code)
        facts = open_file(
            record["document"], wrap=wrap, reader=code, key=key, content=notary.filing.content, target=out.absolute()
        )
    payload = output.message("chuzheng-content-get/1", "cli.content.got", path=str(out), size=facts.size)
    output.finish({**payload, "path": str(out), "size": facts.size, "sha256": facts.sha256}, as_json=json_)


def _settings(home: Path | None) -> Settings:
    from api.settings import load

    return load({"home": home}).settings


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One check or move at a time; the kernel lets go of it when the process ends. ConflictError `content.busy`."""
    handle = os.open(settings.home / "content.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConflictError("content.busy") from None
    else:
        yield
    finally:
        os.close(handle)


@contextmanager
def _told(words: str, total: int | None) -> Iterator[Callable[[Any], None]]:
    with output.progress(output.words(words), total) as bar:
        yield lambda fault: bar.advance(bar.task_ids[0])


def _now() -> int:
    from api.wiring import SystemClock

    return SystemClock().now()


def _role(address: str, holding: list[str]) -> str:
    return "left" if address not in holding else "first" if address == holding[0] else "second"


def _fault(fault: Fault) -> dict[str, Any]:
    return {"store": fault.store, "cid": fault.cid, "what": fault.what, "mended": fault.mended}


def _fault_lines(faults: list[Fault]) -> list[str]:
    lines = [
        f"{'OK ' if f.mended else '!! '} {f.cid}  {f.store}  {output.words(f'cli.content.{f.what}')}"
        for f in sorted(faults, key=lambda f: f.mended)[:SHOWN]
    ]
    if len(faults) > SHOWN:
        lines.append(output.words("cli.rows.more", more=len(faults) - SHOWN))
    return lines


def _exit(left: list[Fault]) -> int:
    if not left:
        return output.EXIT_OK
    return output.EXIT_CANNOT_ASK if all(f.what == NOT_ASKED for f in left) else output.EXIT_UNEXPECTED
