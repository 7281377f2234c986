"""`chuzheng record new | check`: builds and checks records of certificates and documents; nothing is sent."""

from __future__ import annotations

import re
import secrets
import string
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.errors import InputError, RowsError
from scripts import output
from scripts.commands.files import read_file, write_new
from scripts.commands.options import Json
from scripts.help import App
from scripts.problems import UsageError

record_app = App(help="制作、检查记录，不发送。/ Build and check records; nothing is sent.")

MOST_RECORD = 1 << 20
SERIAL_LENGTH = 20
TYPE = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
SERIAL_ALPHABET = string.digits + string.ascii_uppercase


def register(app: App) -> None:
    app.add_typer(record_app, name="record")


@record_app.command("new")
def new(
    type_code: Annotated[str, typer.Option("--type", help="证照类型，21 位 / certificate type, 21 characters")],
    issuer: Annotated[str, typer.Option(help="签发单位统一社会信用代码 / issuer's unified social credit code")],
    issuer_name: Annotated[str, typer.Option(help="签发单位名称 / issuer's name")],
    name: Annotated[str, typer.Option(help="证照名称 / certificate's name")],
    number: Annotated[str, typer.Option(help="证照号码 / certificate's number")],
    holder: Annotated[
        list[str],
        typer.Option(
            help="持证主体“名称|代码类型|代码[|份额]”，可重复 / holder 'name|code type|code[|share]', repeatable"
        ),
    ],
    issue_date: Annotated[str, typer.Option(help="签发日期 YYYY-MM-DD / date of issue")],
    valid_from: Annotated[
        str | None, typer.Option(help="有效期起，默认签发日期 / first day, default: date of issue")
    ] = None,
    valid_to: Annotated[str | None, typer.Option(help="有效期止，不填为长期 / last day, none: no end")] = None,
    serial: Annotated[str | None, typer.Option(help="流水号，默认随机 / serial, default: random")] = None,
    version: Annotated[int, typer.Option(min=1, max=999, help="版本号 / version")] = 1,
    previous: Annotated[str | None, typer.Option(help="被换证照的标识 / identifier that this one renews")] = None,
    extra: Annotated[
        list[str] | None, typer.Option(help="业务字段 KZ_X=值，可重复 / business field, repeatable")
    ] = None,
    capture: Annotated[str, typer.Option(help="data | signed | sealed | scan")] = "data",
    out: Annotated[Path | None, typer.Option(help="输出文件 / file to write")] = None,
    json_: Json = False,
) -> None:
    """制作一份证照记录，标识含校验位。/ Make a certificate's record, its identifier with the check character."""
    from ledger.codes.certificate_ids import make_identifier

    chosen = serial or "".join(secrets.choice(SERIAL_ALPHABET) for _ in range(SERIAL_LENGTH))
    identifier: str
    try:
        identifier = make_identifier(type_code, issuer, chosen, version)
    except InputError:
        identifier = ""  # what its parts lack is told with everything else, by member
    made: dict[str, Any] = {
        "schema": "certificate/1", "kind": "certificate", "issuer": issuer, "type": type_code,
        "identifier": identifier, "version": version, "identifier_form": "issued", "capture": capture,
        "name": name, "number": number, "issuer_name": issuer_name, "issue_date": issue_date,
        "valid_from": valid_from or issue_date, "valid_to": valid_to, "holders": [_holder(h) for h in holder],
    }  # fmt: skip
    if previous:
        made["previous_identifier"] = previous
    if extra:
        made["extra"] = dict(_extra(pair) for pair in extra)
    refuse_wrong(made)
    path = out or Path(f"{identifier}.record.json")
    write_new(path, _canonical(made))
    payload = output.message("chuzheng-record/1", "cli.record.made", path=str(path), identifier=identifier)
    output.finish({**payload, "path": str(path), "identifier": identifier}, as_json=json_)


@record_app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="记录文件（JSON）/ record file (JSON)")],
    json_: Json = False,
) -> None:
    """检查一份记录，列出全部问题。/ Check a record and list all that is wrong with it."""
    from notary.canonical import parse_record

    refuse_wrong(parse_record(read_file(file, MOST_RECORD)))
    payload = output.message("chuzheng-record/1", "cli.record.good", path=str(file))
    output.finish({**payload, "path": str(file)}, as_json=json_)


def _canonical(record: dict[str, Any]) -> bytes:
    from notary.canonical import canonicalise

    return canonicalise(record)


def refuse_wrong(record: dict[str, Any]) -> None:
    """RowsError `record.wrong` with everything that is wrong with a record, by member."""
    from ledger.certificates import check_record

    problems = check_record(record)
    if record.get("identifier") == "" and not TYPE.fullmatch(record["type"]):
        problems.append(InputError("record.type_form", member="type", text=record["type"][:60]))
    if problems:
        raise RowsError("record.wrong", rows=[(0, str(p.params.get("member", "")), p) for p in problems])


def _holder(text: str) -> dict[str, str]:
    parts = text.split("|")
    if len(parts) not in (3, 4):
        raise UsageError("record.holder_form", text=text[:60])
    holder = {"name": parts[0], "code_type": parts[1], "code": parts[2]}
    return {**holder, "share": parts[3]} if len(parts) == 4 else holder


def _extra(pair: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    if not separator or not name.startswith("KZ_"):
        raise UsageError("record.extra_form", text=pair[:60])
    return name, value
