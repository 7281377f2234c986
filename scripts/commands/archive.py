"""`chuzheng archive make|check|extract`: our own records as an archive takes them over, and the four properties.

A package holds everything that its records say: it is as secret as they are.
"""

from __future__ import annotations

import json
import time
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import InputError
from ledger.texts import Language, text
from ledger.types import Millis
from scripts import output
from scripts.commands.files import (
    beside,
    check_readable,
    make_folder,
    new_file,
    open_file,
    pieces_of,
    read_file,
    stem,
    write_new,
)
from scripts.commands.options import Erasures, Home, Json, TokenFile, Url
from scripts.commands.trust import PinOption, TrustOption, believed
from scripts.help import App

if TYPE_CHECKING:
    from notary.exports.archive import Item, Source
    from notary.exports.archive_checks import Finding

archive_app = App(help="归档信息包。/ Archive packages.")
EXIT_WRONG = 21


class Term(StrEnum):
    """保管期限."""

    PERMANENT = "permanent"
    THIRTY = "30"
    TEN = "10"


_TERMS = {Term.PERMANENT: "Y", Term.THIRTY: "D30", Term.TEN: "D10"}


def register(app: App) -> None:
    app.add_typer(archive_app, name="archive")


@archive_app.command("make")
def make(
    out: Annotated[Path, typer.Argument(help="要写的归档包，如 2026.archive.zip / file to write")],
    what: Annotated[
        list[Path], typer.Argument(help="含盐凭证（旁有记录文件）或其目录 / receipts with salts, or folders")
    ],
    fonds: Annotated[str, typer.Option(help="全宗号（大写字母、数字） / fonds: capitals and digits")],
    year: Annotated[int, typer.Option(min=1949, max=9999, help="年度 / year")],
    retention: Annotated[Term, typer.Option(help="保管期限：永久、30 年、10 年 / retention: permanent, 30, 10 years")],
    erasures: Erasures = None,
    offline: Annotated[bool, typer.Option("--offline", help="不问服务器 / ask no server")] = False,
    home: Home = None, url: Url = None, token_file: TokenFile = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """把本单位的记录、凭证（去盐）和文件装成归档包。/ Records, receipts without salts and files, for the archive."""
    from notary.exports.archive import Retention, write_package
    from scripts.commands.receipt import receipts_in
    from scripts.erased import ask_at_hand

    paths = list(dict.fromkeys(path for each in what for path in receipts_in(each)))
    sources = [_source(path) for path in paths]
    origins = [origin for origin, _, _ in sources]
    asked = ask_at_hand(origins, erasures, home, None if offline else (url, token_file))
    asked.refuse((origin, index, str(path)) for (origin, index, _), path in zip(sources, paths, strict=True))
    with new_file(out) as file:
        write_package(file, sources, fonds=fonds, year=year, retention=Retention(_TERMS[retention]))
    payload = output.message("chuzheng-archive-made/1", "cli.archive.made", path=str(out), count=len(paths))
    facts = {"path": str(out), "items": len(paths), "erasures": asked.as_json(origins)}
    output.finish({**payload, **facts}, as_json=json_)
    asked.say_unasked(origins)


def _source(path: Path) -> Source:
    """Where the item belongs, and how it is loaded when its turn comes."""
    from notary.receipt import parse_receipt

    receipt = parse_receipt(read_file(path))
    if receipt.salt is None:
        raise InputError("cli.no_salt", path=str(path))
    return receipt.origin, receipt.index, partial(_item, path)


def _item(path: Path) -> Item:
    """A disclosure of all members, the receipt, and the file beside them."""
    from notary.canonical import parse_record
    from notary.disclosure import make_disclosure
    from notary.exports.archive import Item
    from notary.receipt import parse_receipt

    receipt = parse_receipt(read_file(path))
    if receipt.salt is None:
        raise InputError("cli.no_salt", path=str(path))
    record = parse_record(read_file(beside(path, ".record.json")))
    disclosure = make_disclosure(record, receipt.salt, record.keys(), receipt)
    original = stem(path)
    if "document" not in record or not original.is_file():
        return Item(disclosure, receipt.to_json())
    size, extension = check_readable(original), original.suffix.lstrip(".").lower() or "bin"
    return Item(disclosure, receipt.to_json(), partial(pieces_of, original), extension, size)


@archive_app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="归档包 / archive package")],
    trust: TrustOption = None,
    pin: PinOption = None,
    json_: Json = False,
) -> int:
    """四性检测：真实性、完整性、可用性、安全性，逐项列出。/ The four properties, line by line."""
    from notary.exports.archive import read_package
    from notary.exports.archive_checks import check_package
    from notary.report import Outcome

    trusted = believed(trust, pin)
    with open_file(file) as opened:
        package = read_package(opened)
        findings = check_package(package, trusted, Millis(time.time_ns() // 1_000_000))
    failed = [f for f in findings if f.outcome is Outcome.FAIL]
    unknown = [f for f in findings if f.outcome is Outcome.UNKNOWN]
    key = "archive.failed" if failed else "archive.passed"
    payload = output.message("chuzheng-archive-report/1", key, ok=not failed, count=len(failed), unknown=len(unknown))
    facts: dict[str, Any] = {
        "fonds": package.fonds, "year": package.year, "retention": package.retention.value,
        "items": package.count, "checks": [_as_json(f) for f in findings],
        "exit_code": EXIT_WRONG if failed else output.EXIT_OK,
    }  # fmt: skip
    lines = [payload[f"message_{output.language()}"], *_lines(findings, output.language())]
    output.result({**payload, **facts}, "\n".join(lines), as_json=json_)
    return int(facts["exit_code"])


@archive_app.command("extract")
def extract(
    file: Annotated[Path, typer.Argument(help="归档包 / archive package")],
    to: Annotated[Path, typer.Option(help="写入的新目录 / new folder for its items")] = Path("archive"),
    json_: Json = False,
) -> None:
    """取出各件的披露件、凭证和文件，供单独核验。/ Items' disclosures, receipts and files, to be verified singly."""
    from notary.exports.archive import read_package

    with open_file(file) as opened:
        package = read_package(opened)
        make_folder(to)
        described = []
        for item in package.items():
            name = f"{item.number:05d}"
            folder = f"items/{name}"
            parts = {".disclosure.json": "disclosure.json", ".receipt.json": "receipt.json"}
            if item.content is not None:
                parts[item.content[0].removeprefix("content")] = item.content[0]
            for suffix, member in parts.items():
                with new_file(to / f"{name}{suffix}") as written:
                    for piece in package.file.pieces(f"{folder}/{member}"):
                        written.write(piece)
            described.append(dict(item.metadata))
    write_new(to / "metadata.json", json.dumps(described, ensure_ascii=False).encode())
    payload = output.message("chuzheng-archive-extracted/1", "cli.archive.out", path=str(to), count=package.count)
    output.finish({**payload, "path": str(to)}, as_json=json_)


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "property": finding.property.value, "code": finding.code, "outcome": finding.outcome.value,
        "checked": finding.checked, "wrong": list(finding.wrong),
        **{f"message_{lang}": text(f"archive.check.{finding.code}", lang) for lang in ("zh", "en")},
        **{f"standard_{lang}": text(f"archive.standard.{finding.code}", lang) for lang in ("zh", "en")},
    }  # fmt: skip


def _lines(findings: tuple[Finding, ...], language: Language) -> list[str]:
    from notary.report_text import outcome_word

    lines, seen = [], None
    for finding in findings:
        if finding.property is not seen:
            seen = finding.property
            lines += ["", text(f"archive.property.{seen.value}", language)]
        told = text(f"archive.check.{finding.code}", language)
        standard = text(f"archive.standard.{finding.code}", language)
        lines.append(f"  [{outcome_word(finding.outcome, language)}] {told} ({standard})")
        if finding.wrong:
            lines.append(f"      {', '.join(finding.wrong[:20])}")
    return lines
