"""`chuzheng verify`, `disclose`: judging what somebody was handed, with a trust file and nothing else of ours.

The judging of one receipt starts no HTTP client, no web framework and no chain library unless the network is wanted.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import InputError, UnavailableError
from ledger.types import Millis
from scripts import output
from scripts.commands import trust_making
from scripts.commands.event import is_event, judge_file
from scripts.commands.files import SUFFIXES, beside, check_readable, read_file, write_new
from scripts.commands.judging import Asked, judge_presented, log_of_server
from scripts.commands.options import Erasures, Home, Json, RpcUrl, TokenFile, Url
from scripts.commands.trust import PinOption, TrustOption, believed, trust_app, trust_path
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from api.verifications.submission import Submission
    from notary.report import Report
    from scripts.commands.mirrored import Said

_QR = re.compile(r"(?:https?://[^#\s]*#)?(?:[A-Z2-7]{200,}|T[A-Z2-7]{26})")
"""What a camera read: too long for any file's name."""
_IDENTIFIER = re.compile(r"1\.2\.156\.3005\.2\.[^/\\]+")


def register(app: App) -> None:
    app.command("verify")(verify)
    app.command("disclose")(disclose)
    trust_making.register(trust_app)
    app.add_typer(trust_app, name="trust")


def verify(
    what: Annotated[
        str | None,
        typer.Argument(
            help="文件、凭证、记录、披露件、二维码（图片或内容）、导出件、事件文件或证照标识 / "
            "file, receipt, record, disclosure, QR code (picture or what it says), export, event, identifier"
        ),
    ] = None,
    record: Annotated[Path | None, typer.Option(help="记录文件，默认取同名文件 / record, default: beside it")] = None,
    receipt: Annotated[Path | None, typer.Option(help="凭证文件，默认取同名文件 / receipt, default: beside it")] = None,
    disclosure: Annotated[Path | None, typer.Option(help="披露件 / disclosure that shows the file's digests")] = None,
    at: Annotated[
        str | None, typer.Option(help="核验日期 YYYY-MM-DD，默认现在 / date asked about, default: now")
    ] = None,
    trust: TrustOption = None,
    pin: PinOption = None,
    offline: Annotated[bool, typer.Option("--offline", help="不联网 / ask nobody")] = False,
    snapshot: Annotated[
        Path | None, typer.Option(help="快照：离线时核对签发资格与状态 / snapshot, for issuer and status offline")
    ] = None,
    status_list: Annotated[
        list[Path] | None,
        typer.Option("--status-list", help="W3C 状态列表文件，可多次 / W3C status list, may be repeated"),
    ] = None,
    mirror: Annotated[
        list[Path] | None,
        typer.Option(
            help="本机上该日志的镜像目录，可多次；代替向服务器询问 / folder of a mirror, instead of the server"
        ),
    ] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="证据包 / evidence bundle")] = None,
    rpc_url: RpcUrl = None,
    url: Url = None,
    shown: Annotated[
        str | None,
        typer.Option(
            help="个人证照：证件号后四位或签发日期 / person's certificate: last four digits, or date of issue"
        ),
    ] = None,
    json_: Json = False,
) -> int:
    """核验：结论在先，四问在后。退出码即结论。/ Verify; the exit code is the verdict."""
    asked = Asked(None, trust_path(trust), snapshot, rpc_url, url, offline)
    if mirror and (bundle is not None or what is None or what.endswith(".vc.jwt") or _IDENTIFIER.fullmatch(what)):
        raise UsageError("cli.verify.mirror.alone")
    if bundle is not None:
        _alone(what, record, receipt, disclosure, key="cli.bundle.alone")
        from scripts.commands.bundle import judge_bundle

        return judge_bundle(bundle, replace(asked, trust=believed(trust, pin)), _instant(at), as_json=json_)
    if what is None:
        raise UsageError("cli.usage.missing", name="WHAT")
    if what.endswith(".bundle.zip"):
        _alone(record, receipt, disclosure, key="cli.bundle.alone")
        from scripts.commands.bundle import judge_bundle

        return judge_bundle(Path(what), replace(asked, trust=believed(trust, pin)), _instant(at), as_json=json_)
    if _IDENTIFIER.fullmatch(what) and not Path(what).exists():
        _instant(at)
        if offline:
            raise UsageError("cli.identifier_offline")
        return _ask_server(what, shown, at, url, as_json=json_)
    if is_event(Path(what)):
        _alone(record, receipt, disclosure, at, snapshot, mirror)
        return judge_file(Path(what), believed(trust, pin), as_json=json_)
    if what.endswith(".vc.jwt"):
        _alone(record, receipt, disclosure, key="cli.credential.alone")
        from scripts.commands.credential import judge_credential

        asked = replace(asked, trust=believed(trust, pin))
        return judge_credential(Path(what), asked, _instant(at), status_list or [], as_json=json_)
    if _QR.fullmatch(what.strip()):
        from api.verifications.submission import Submission

        submission = Submission(qr=what, at=_instant(at))
    else:
        submission = _gather(Path(what), record, receipt, disclosure, at)
    report, said = _judge(submission, replace(asked, trust=believed(trust, pin)), mirror or [])
    return _show(report, said, as_json=json_)


def _alone(*others: object, key: str = "cli.event_alone") -> None:
    """UsageError where something was given that has no part in judging an event, a credential or a bundle."""
    if any(other is not None for other in others):
        raise UsageError(key)


def _gather(
    path: Path, record: Path | None, receipt: Path | None, disclosure: Path | None, at: str | None
) -> Submission:
    """What `path` is, and what lies beside it under the same name."""
    from api.verifications.submission import Submission, add_file, with_code

    found = Submission(at=_instant(at))
    paths = [path, *(p for p in (record, receipt, disclosure) if p is not None)]
    for each in paths:
        size = check_readable(each)
        if size == 0 and each.name.endswith(SUFFIXES):
            raise InputError("file.empty", path=str(each))
        with each.open("rb") as file:
            found = add_file(found, each.name, size, file)
    for suffix, have in (
        (".disclosure.json", found.disclosure or found.record or not found.file),
        (".receipt.json", found.receipt or found.disclosure),
        (".record.json", found.record or found.disclosure),
    ):
        neighbour = beside(path, suffix)
        if not have and neighbour.is_file() and neighbour not in paths:
            with neighbour.open("rb") as file:
                found = add_file(found, neighbour.name, neighbour.stat().st_size, file)
    with path.open("rb") as file:
        found = with_code(found, path.name, file)
    return found.check()


def _instant(at: str | None) -> Millis | None:
    """A day or a time; UsageError names what was given."""
    from api.verifications.submission import instant

    try:
        return instant(at)
    except InputError:
        raise UsageError("cli.day", text=(at or "")[:40]) from None


def _judge(submission: Submission, asked: Asked, mirrors: list[Path]) -> tuple[Report, list[Said]]:
    from api.verifications.submission import present

    log = None if asked.offline or submission.qr is None else log_of_server(asked.url)
    presented = present(submission, log)
    if not mirrors:
        return judge_presented(presented, asked, submission.at)[0], []
    from scripts.commands.mirrored import ask_mirrors, newest

    now = Millis(time.time_ns() // 1_000_000)
    proofs = asked.trusted_at.absolute().parent / "equivocations"
    said = ask_mirrors(presented.receipt, mirrors, asked.trust, now, proofs)
    return judge_presented(presented, replace(asked, mirrored=newest(said)), submission.at)[0], said


def _show(report: Report, said: list[Said], *, as_json: bool) -> int:
    from notary.report_json import to_json
    from notary.report_text import report_text

    if as_json:
        more = {"mirrors": [each.as_json() for each in said]} if said else {}
        output.emit({**json.loads(to_json(report)), **more})
    else:
        print("\n".join([report_text(report, output.language()), *(each.line() for each in said)]))
    return report.exit_code


def _ask_server(identifier: str, shown: str | None, at: str | None, url: str | None, *, as_json: bool) -> int:
    """An identifier alone: the status answer of the server that keeps the log. The body, not the address, holds it."""
    from api.settings import load
    from scripts.client import connect

    asked = {"identifier": identifier, "shown": shown, "at": at}
    with connect(load({"public_url": url}).settings.url) as server:
        answer = server.post_json("verifications", {k: v for k, v in asked.items() if v is not None})
    text, code = answer.get(f"text_{output.language()}"), answer.get("exit_code")
    if not isinstance(text, str) or not isinstance(code, int):
        raise UnavailableError("cli.server_answer", url=server.url, status=200)
    output.result(answer, text, as_json=as_json)
    return code


def disclose(
    receipt: Annotated[Path, typer.Argument(help="含盐的凭证 / receipt with its salt")],
    fields: Annotated[str, typer.Option(help="要出示的成员，逗号分隔 / members to show, separated by commas")],
    record: Annotated[Path | None, typer.Option(help="记录文件，默认取同名文件 / record, default: beside it")] = None,
    out: Annotated[Path | None, typer.Option(help="输出文件 / file to write")] = None,
    erasures: Erasures = None,
    offline: Annotated[bool, typer.Option("--offline", help="不问服务器 / ask no server")] = False,
    home: Home = None, url: Url = None, token_file: TokenFile = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """只出示部分内容，其余不可推知。/ Show a part of a record; the rest can't be guessed."""
    from notary.canonical import parse_record
    from notary.disclosure import make_disclosure
    from notary.receipt import parse_receipt
    from scripts.erased import ask_at_hand

    if not receipt.name.endswith(".receipt.json") and beside(receipt, ".receipt.json").is_file():
        receipt = beside(receipt, ".receipt.json")
    source = record or beside(receipt, ".record.json")
    members, proof = parse_record(read_file(source)), parse_receipt(read_file(receipt))
    if proof.salt is None:
        raise InputError("cli.no_salt", path=str(receipt))
    names = [name.strip() for name in fields.replace("，", ",").split(",") if name.strip()]
    data = make_disclosure(members, proof.salt, names, proof)
    asked = ask_at_hand([proof.origin], erasures, home, None if offline else (url, token_file))
    asked.refuse([(proof.origin, proof.index, str(receipt))], "erased.copy")
    target = out or beside(receipt, ".disclosure.json")
    write_new(target, data)
    shown = ", ".join(member["name"] for member in json.loads(data)["members"])
    payload = output.message("chuzheng-disclosed/1", "cli.disclosed", path=str(target), shown=shown)
    facts = {"path": str(target), "erasures": asked.as_json([proof.origin])}
    output.finish({**payload, **facts}, as_json=json_)
    if proof.anchor is None:
        output.say("cli.disclosed.early", path=receipt)
    asked.say_unasked([proof.origin])
