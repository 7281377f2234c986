"""`chuzheng receipt split`: the single receipts of a bundle, with their salts where their owner has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import InputError
from scripts import output
from scripts.commands.files import MOST, make_folder, read_file, write_new
from scripts.commands.options import Json
from scripts.problems import UsageError


def split(
    bundle: Annotated[Path, typer.Argument(help="凭证包 X.receipts.json / bundle of receipts")],
    into: Annotated[Path, typer.Option(help="写入哪个目录 / folder to write into")],
    salts: Annotated[
        Path | None, typer.Option(help="同一批的盐文件；凭证将含盐 / salts of the same bundle; receipts will hold them")
    ] = None,
    index: Annotated[int | None, typer.Option(help="只要这一号 / only this index")] = None,
    json_: Json = False,
) -> None:
    """把凭证包拆成单份凭证，以登记簿序号命名。/ Split a bundle into single receipts, named by their index."""
    from notary.bulk.salts import read_salts
    from notary.receipts import parse_bundle
    from notary.receipts import split as split_bundle

    found = parse_bundle(read_file(bundle, MOST))
    secret = None if salts is None else read_salts(read_file(salts, MOST))
    if secret is not None and (secret.origin, secret.first, len(secret.salts)) != (
        found.origin, found.first, 32 * found.count,
    ):  # fmt: skip
        raise InputError("backfill.salts_differ")
    if index is not None and not found.first <= index < found.first + found.count:
        raise UsageError("cli.usage.value", name="--index", reason=f"{found.first} … {found.first + found.count - 1}")
    make_folder(into)
    count = 0
    for offset, receipt in enumerate(split_bundle(found)):
        if index is not None and receipt.index != index:
            continue
        own = receipt if secret is None else replace(receipt, salt=secret.salts[32 * offset : 32 * offset + 32])
        write_new(into / f"{receipt.index:012d}.receipt.json", own.to_json())
        count += 1
    payload = output.message("chuzheng-split/1", "cli.split.done", count=count, folder=str(into))
    output.finish({**payload, "count": count, "folder": str(into), "origin": found.origin}, as_json=json_)
