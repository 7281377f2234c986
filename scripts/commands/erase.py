"""`chuzheng erase …`: erasing a record by order. What can't be recalled is said first, and a person says yes to it.

Two persons, each with a token of their own (CHUZHENG_TOKEN); the server keeps them apart. `apply` alone works on the
data folder: after a restore it holds the database to a list of erasures from elsewhere.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from ledger.errors import ConflictError, InputError
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
_FREE = ("none", "withdrawn")
"""States in which nobody waits for a confirmation."""
_BEFORE = (*_FREE, "proposed")
"""States in which nothing has been destroyed yet."""
_COMMANDS = {
    "none": ("propose",), "withdrawn": ("propose",), "proposed": ("confirm", "withdraw"), "destroyed": ("show",),
    "entered": ("show",), "done": (),
}  # fmt: skip
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
    lines = [*output.folded(_lines(body), sys.stdout), *_next(body, target, index)]
    output.result({**body, **payload, "files": written}, "\n".join(lines), as_json=json_)
    if notices is not None:
        key = "notices" if written else "no_notices_yet" if body["state"] in _BEFORE else "no_notices"
        output.say(f"cli.erase.{key}", count=len(written), folder=str(notices))


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
    target: Target, index: Index = None,
    proposed_at: Annotated[
        int, typer.Option(min=0, help="撤回哪一次：show、propose 列出的命令里的 / which one: as show and propose say")
    ] = ...,  # type: ignore[assignment]
    url: Url = None, token_file: TokenFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """撤回尚未确认的提出。/ Take back a proposal that nobody confirmed yet."""
    with _connect(url, token_file) as server:
        body = server.delete_json(f"{_path(target, index)}/proposal", proposed_at=proposed_at)
    _finish(body, target, index, as_json=json_)


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
    said: dict[str, Any] = {"order": order}
    if body["released"]:
        key, said = "released", said | {"command": shlex.join(["chuzheng", "anchor", str(record)])}
    elif proposal is not None:
        key = "not_refused"
    else:
        words = ["chuzheng", "erase", "release", str(record), "--proposal", body["proposal"], "--order"]
        key, said = "release_proposed", said | {"command": f"{shlex.join(words)} …"}
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
        back.notary.erasing.finish(own)
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
        _refuse(what, body, order)
        if not yes:
            if as_json:
                raise UsageError("cli.usage.missing", name="--yes")
            for line in output.folded(_lines(body), sys.stderr):
                typer.echo(line, err=True)
            agreed(output.words(f"cli.erase.ask.{what}", order=order))
        body = server.post_json(f"{path}/{what}", {"order": order, "acknowledge": body["acknowledge"]})
    _finish(body, target, index, as_json=as_json)


def _refuse(what: str, body: dict[str, Any], order: str) -> None:
    """What the server would refuse is refused before anybody is asked to read all that can't be recalled."""
    if what == "confirmation" and body["state"] in _FREE:
        raise ConflictError("erasure.not_proposed")
    if what == "confirmation" and body["order"] != order:
        raise ConflictError("erasure.other_order")
    if what == "proposal" and body["state"] not in _FREE and (body["state"], body["order"]) != ("proposed", order):
        raise ConflictError("erasure.state", found=body["state"])


def _finish(body: dict[str, Any], target: str, index: int | None, *, as_json: bool) -> None:
    payload = output.message("chuzheng-erasure/1", f"cli.erase.{body['state']}", order=body["order"])
    lines = [payload[f"message_{output.language()}"], *_after(body)]
    output.result(
        {**body, **payload},
        "\n".join([*output.folded(lines, sys.stdout), *_next(body, target, index)]),
        as_json=as_json,
    )


def _next(body: dict[str, Any], target: str, index: int | None) -> list[str]:
    """What to do now, as commands that can be typed as they stand."""
    of = [target] if index is None else [target, str(index)]
    lines = output.folded([output.words(f"cli.erase.next.{body['state']}")], sys.stdout)
    for words in _COMMANDS[body["state"]]:
        # The order's code is from the order itself, which both have read; a withdrawal names what was shown here.
        end = (
            f" --proposed-at {body['proposed_at']}" if words == "withdraw" else "" if words == "show" else " --order …"
        )
        lines.append(f"  {shlex.join(['chuzheng', 'erase', words, *of])}{end}")
    if (rewrite := body.get("rewrite")) is not None:
        lines += [*output.folded([output.words("cli.erase.next.rewrite")], sys.stdout), f"  {rewrite['command']}"]
    return lines


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
    if (rewrite := body.get("rewrite")) is not None:
        lines.append(output.words("cli.erase.rewrite", tables=", ".join(rewrite["tables"]), since=rewrite["since"]))
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
        if target.startswith("chuzheng/") and not Path(target).is_file():
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
