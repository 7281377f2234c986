"""`chuzheng erase …`: erasing a record by order. What can't be recalled is said first, and a person says yes to it.

Two persons, each with a token of their own (CHUZHENG_TOKEN); the server keeps them apart. `apply` alone works on the
data folder: after a restore it holds the database to a list of erasures from elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from ledger.errors import InputError
from scripts import output
from scripts.asking import agreed
from scripts.commands.files import read_file, write_new
from scripts.commands.options import Home, Json, TokenFile, Url
from scripts.erased import read_lists
from scripts.help import App
from scripts.problems import UsageError

erase_app = App(help="依令删除：两个人，不可恢复。/ Erasure by order: two persons, not to be undone.")
Target = Annotated[str, typer.Argument(help="凭证文件，或登记簿来源 / receipt file, or the log's origin")]
Index = Annotated[int | None, typer.Argument(min=0, help="登记簿中的序号（给出来源时）/ index, with an origin")]
Order = Annotated[str, typer.Option(help="文书编号，永久公开，不得含个人信息 / the order's code: public, names nobody")]
_BEFORE = ("none", "proposed", "withdrawn")
"""States in which nothing has been destroyed yet."""
Yes = Annotated[bool, typer.Option("--yes", help="已读过不能收回的内容，不再询问 / what stays was read: don't ask")]


def register(app: App) -> None:
    app.add_typer(erase_app, name="erase")


@erase_app.command("show")
def show(
    target: Target, index: Index = None,
    notices: Annotated[Path | None, typer.Option(help="把给各单位的通知写入此文件夹 / folder for the notices")] = None,
    url: Url = None, token_file: TokenFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """删除什么、不能收回什么、办到哪一步、通知谁、销毁哪些备份。/ What goes, what stays, how far it is, whom to tell,
    which backups to end."""
    with _connect(url, token_file) as server:
        body = server.get_json(_path(target, index))
    written = [] if notices is None else _write_notices(body, notices)
    payload = output.message("chuzheng-erasure/1", f"cli.erase.{body['state']}", order=body["order"])
    output.result({**body, **payload, "files": written}, "\n".join(_lines(body)), as_json=json_)
    if notices is not None:
        output.say("cli.erase.notices", count=len(written), folder=str(notices))


@erase_app.command("propose")
def propose(
    target: Target, index: Index = None, order: Order = ..., yes: Yes = False,  # type: ignore[assignment]
    url: Url = None, token_file: TokenFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """第一个人提出；还不删除任何内容。/ The first person proposes; nothing is destroyed yet."""
    _act("proposal", target, index, order, yes, url, token_file, as_json=json_)


@erase_app.command("confirm")
def confirm(
    target: Target, index: Index = None, order: Order = ..., yes: Yes = False,  # type: ignore[assignment]
    url: Url = None, token_file: TokenFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """另一个人确认；立即删除，不可恢复。/ Another person confirms; destroyed at once, not to be undone."""
    _act("confirmation", target, index, order, yes, url, token_file, as_json=json_)


@erase_app.command("withdraw")
def withdraw(
    target: Target, index: Index = None, url: Url = None, token_file: TokenFile = None, json_: Json = False
) -> None:
    """撤回尚未确认的提出。/ Take back a proposal that nobody confirmed yet."""
    with _connect(url, token_file) as server:
        body = server.delete_json(f"{_path(target, index)}/proposal")
    _finish(body, as_json=json_)


@erase_app.command("release")
def release(
    record: Annotated[Path, typer.Argument(help="将重新登记的记录 / the record that will be sent (JSON)")],
    order: Order = ...,  # type: ignore[assignment]
    proposal: Annotated[
        str | None, typer.Option(help="另一人提出时得到的提议 / the proposal that another person was given")
    ] = None,
    url: Url = None, token_file: TokenFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """另有文书要求重新登记已删除的记录时，先由两个人解除拒绝；不恢复任何内容。/ By another order two persons let a
    record that was erased be registered again; nothing comes back."""
    from notary.canonical import parse_record

    members = parse_record(read_file(record))
    sent = {"order": order, "record": members} | ({} if proposal is None else {"proposal": proposal})
    with _connect(url, token_file) as server:
        body = server.post_json("erasures/releases", sent)
    key = "not_refused" if proposal is not None else "release_proposed"
    key = "released" if body["released"] else key
    said = {"order": order} | ({"proposal": body["proposal"]} if key == "release_proposed" else {})
    payload = output.message(body["schema"], f"cli.erase.{key}", **said)
    output.finish({**body, **payload}, as_json=json_)


@erase_app.command("apply")
def apply(
    file: Annotated[
        Path, typer.Argument(help="删除清单（日志的 erasures）或快照 / a log's list of erasures, or a snapshot")
    ],
    home: Home = None, json_: Json = False,
) -> None:  # fmt: skip
    """恢复备份后、启动服务前：把清单中的删除重新做一遍。/ After a restore, before serving: do the erasures of a list
    again."""
    from api.backstage import open_backstage
    from api.settings import load

    lists = read_lists(read_file(file))
    back = open_backstage(load({"home": home}).settings)
    try:
        own = {origin: found for origin, found in lists.items() if origin in back.notary.logs}
        count = sum(back.notary.erasing.apply(origin, found) for origin, found in own.items())
        while back.notary.erasing.step():
            pass
    finally:
        back.close()
    payload = output.message("chuzheng-erasures-applied/1", "cli.erase.applied", count=count, logs=len(own))
    output.finish({**payload, "count": count, "logs": sorted(own)}, as_json=json_)


def _act(
    what: str, target: str, index: int | None, order: str, yes: bool, url: str | None, token_file: Path | None,
    *, as_json: bool,
) -> None:  # fmt: skip
    with _connect(url, token_file) as server:
        path = _path(target, index)
        body = server.get_json(path)
        if not yes:
            if as_json:
                raise UsageError("cli.usage.missing", name="--yes")
            for line in _lines(body):
                typer.echo(line, err=True)
            agreed(output.words(f"cli.erase.ask.{what}"))
        body = server.post_json(f"{path}/{what}", {"order": order, "acknowledge": body["acknowledge"]})
    _finish(body, as_json=as_json)


def _finish(body: dict[str, Any], *, as_json: bool) -> None:
    payload = output.message("chuzheng-erasure/1", f"cli.erase.{body['state']}", order=body["order"])
    lines = [payload[f"message_{output.language()}"], *_after(body)]
    output.result({**body, **payload}, "\n".join(lines), as_json=as_json)


def _lines(body: dict[str, Any]) -> list[str]:
    message = f"message_{output.language()}"
    state = output.words(f"cli.erase.{body['state']}", order=body["order"])
    goes = [name for name in ("kept", "file") if body[name]] or ["nothing"]
    lines = [f"{body['origin']} #{body['index']}", state]
    if body["state"] in _BEFORE:
        lines += [output.words("cli.erase.goes"), *(f"  - {output.words(f'cli.erase.goes.{name}')}" for name in goes)]
    lines += [output.words("cli.erase.stays"), *(f"  - {each[message]}" for each in body["not_recalled"])]
    if body["readers"]:
        lines.append(output.words("cli.erase.readers", readers=", ".join(body["readers"])))
    return [*lines, *_after(body)]


def _after(body: dict[str, Any]) -> list[str]:
    """Whom to tell and which backups to end, once it is erased."""
    lines = [output.words("cli.erase.tell", department=each["department"]) for each in body["notices"]]
    if (backups := body["backups"]) is not None:
        lines.append(output.words("cli.erase.backups", **{n: backups[n] for n in ("first", "last", "purge_by")}))
        lines += [f"  - {each['name']}  {each['purge_by']}" for each in backups["found"]]
    return lines


def _write_notices(body: dict[str, Any], folder: Path) -> list[str]:
    """One text for each department that could open the file, in both languages."""
    written = list[str]()
    for each in body["notices"]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{each['department']}-{body['index']}.notice.txt"
        write_new(path, f"{each['message_zh']}\n\n{each['message_en']}\n".encode())
        written.append(str(path))
    return written


def _path(target: str, index: int | None) -> str:
    from notary.entry import parse_origin
    from notary.receipt import parse_receipt

    if index is None:
        if not Path(target).is_file():
            raise UsageError("cli.usage.missing", name="INDEX")
        receipt = parse_receipt(read_file(Path(target)))
        target, index = receipt.origin, receipt.index
    try:
        parse_origin(target)
    except InputError:
        raise UsageError("cli.usage.value", name="TARGET", reason="chuzheng/NETWORK/CODE") from None
    return f"erasures/{quote(target, safe='')}/{index}"


def _connect(url: str | None, token_file: Path | None) -> Any:
    from api.settings import load
    from scripts.client import connect, read_token

    return connect(load({"public_url": url}).settings.url, read_token(token_file))
