"""`chuzheng receipt export`: a receipt as other formats: for other logs' tools, for paper, for wallets."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import InputError
from scripts import output
from scripts.commands.files import beside, read_file, write_new
from scripts.commands.options import Erasures, Home, Json, TokenFile, Url
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.disclosure import Disclosure
    from notary.receipt import Receipt


class ExportFormat(StrEnum):
    """What a receipt can be written as; the receipt itself stays the original."""

    TLOG_PROOF = "tlog-proof"
    QR = "qr"
    VC = "vc"


def export(
    what: Annotated[Path, typer.Argument(help="凭证或披露件 / receipt or disclosure")],
    as_: Annotated[
        ExportFormat,
        typer.Option(
            "--as", help="tlog-proof：供其他日志工具；qr：供打印；vc：W3C 凭证 / for other tools; print; wallets"
        ),
    ] = ExportFormat.QR,
    show: Annotated[
        str, typer.Option(help="二维码中出示的披露件成员，逗号分隔 / a disclosure's members in the code")
    ] = "",
    key: Annotated[
        Path | None, typer.Option("--key", help="vc：签发单位的私钥文件 / the issuer's private key file")
    ] = None,
    key_id: Annotated[
        str | None,
        typer.Option("--key-id", help="vc：密钥在链上的编号，默认问服务器 / its id, default: ask the server"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="输出文件 / file to write: .png, .svg, .tlog-proof, .vc.jwt")] = None,
    erasures: Erasures = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="不向服务器问删除清单 / ask no server for its list of erasures")
    ] = False,
    home: Home = None, url: Url = None, token_file: TokenFile = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """把凭证写成其他格式（不含盐）。/ Write a receipt in another format, never with its salt."""
    from scripts.erased import ask_at_hand

    receipt, disclosure = _read(what)
    if receipt.inclusion is None:
        raise InputError("cli.export.early", path=str(what))
    names = [name.strip() for name in show.replace("，", ",").split(",") if name.strip()]
    shown = [] if disclosure is None or (as_ is not ExportFormat.VC and not names) else [receipt.origin]
    asked = ask_at_hand(shown, erasures, home, None if offline else (url, token_file), insist=False)
    if shown:  # of the record itself nothing goes out otherwise
        asked.refuse([(receipt.origin, receipt.index, str(what))], "erased.copy")
    if as_ is ExportFormat.TLOG_PROOF:
        from notary.exports.tlog_proof import SUFFIX, TlogProof

        target = out or beside(what, SUFFIX)
        write_new(target, TlogProof.of(receipt).to_bytes())
    elif as_ is ExportFormat.VC:
        from scripts.commands.credential import make_credential

        target = out or beside(what, ".vc.jwt")
        write_new(target, make_credential(what, disclosure, key, key_id, url))
    else:
        target = out or beside(what, ".qr.png")
        if target.suffix not in (".png", ".svg"):
            raise UsageError("cli.export.picture", path=str(target))
        write_new(target, _qr(receipt, disclosure, names, url, target.suffix[1:]))
    payload = output.message("chuzheng-exported/1", "cli.exported", path=str(target))
    facts = {"path": str(target), "format": as_.value, "erasures": asked.as_json(shown)}
    output.finish({**payload, **facts}, as_json=json_)
    asked.say_unasked(shown)


def _read(what: Path) -> tuple[Receipt, Disclosure | None]:
    from notary.disclosure import parse_disclosure
    from notary.receipt import parse_receipt

    if what.name.endswith(".disclosure.json"):
        disclosure = parse_disclosure(read_file(what))
        return disclosure.receipt, disclosure
    if not what.name.endswith(".receipt.json") and beside(what, ".receipt.json").is_file():
        what = beside(what, ".receipt.json")
    return parse_receipt(read_file(what)), None


def _qr(receipt: Receipt, disclosure: Disclosure | None, names: list[str], url: str | None, picture: str) -> bytes:
    from api.settings import load
    from notary.qr import QrProof
    from notary.qr_picture import draw_qr

    if names and disclosure is None:
        raise UsageError("cli.export.show")
    text = QrProof.of(receipt, disclosure, names).to_text()
    return draw_qr(f"{load({'public_url': url}).settings.url}/verify", text, picture=picture)
