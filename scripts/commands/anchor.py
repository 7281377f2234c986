"""`chuzheng anchor`, `receipt upgrade`: submitting what a department registers, and fetching receipts as they grow.

Running the same command again is safe at any point: the server answers what it has with the same receipt.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import ChuzhengError, InputError
from scripts import output
from scripts.commands.files import SUFFIXES, beside, read_file, replace_file
from scripts.commands.options import Json, TokenFile, Url

if TYPE_CHECKING:
    from notary.receipt import Receipt
    from scripts.client import Client

BULK_ROWS = 2_000
BULK_BYTES = 12 << 20
"""Rows and bytes of one bulk call: under the server's limits, and often enough for a bar that moves."""
SMALLEST_JSON = 2
MOST_RECORD = 1 << 20

receipt_app = typer.Typer(no_args_is_help=True, help="凭证。/ Receipts.")


def register(app: typer.Typer) -> None:
    app.command("anchor")(anchor)
    app.add_typer(receipt_app, name="receipt")


def anchor(
    what: Annotated[Path, typer.Argument(help="文件、记录、CSV 或目录 / file, record, CSV or folder")],
    url: Url = None,
    token_file: TokenFile = None,
    title: Annotated[str | None, typer.Option(help="文件标题 / title of a document")] = None,
    number: Annotated[str | None, typer.Option(help="文号 / number of a document")] = None,
    capture: Annotated[str, typer.Option(help="CSV 行的来源：data | scan / how CSV rows came in")] = "data",
    json_: Json = False,
) -> None:
    """登记一份或多份，凭证写在原文件旁边。/ Register; records and receipts are written beside the originals."""
    from api.settings import load
    from scripts.client import connect, read_token

    if not what.exists():
        raise InputError("file.unreadable", path=str(what), reason="not found")
    settings = load({"public_url": url}).settings
    with connect(settings.url, read_token(token_file)) as server:
        if what.is_dir():
            done = _folder(server, what)
        elif what.suffix.lower() == ".csv":
            done = anchor_csv(server, what, capture)
        else:
            done = [anchor_file(server, what, title, number)]
    where = str(done[0][0].parent) if done else str(what)
    payload = output.message("chuzheng-anchored/1", "cli.anchored", count=len(done), where=where)
    files = [str(path) for path, _ in done]
    output.result(
        {**payload, "count": len(done), "receipts": files}, payload[f"message_{output.language()}"], as_json=json_
    )
    output.say("cli.anchored.next")


def anchor_file(
    server: Client, path: Path, title: str | None = None, number: str | None = None
) -> tuple[Path, Receipt]:
    """One record (JSON with `schema`) or one document (anything else); (path of the receipt, receipt)."""
    from notary.receipt import parse_receipt

    data = _record_bytes(path)
    if data is not None:
        answer = server.send("POST", "certificates", content=data, headers={"Content-Type": "application/json"})
        receipt = parse_receipt(answer.content)
        return _keep(path, data, receipt), receipt
    with path.open("rb") as file:
        query = {k: v for k, v in (("title", title), ("number", number)) if v is not None}
        answer = server.send(
            "POST", "documents", params=query, content=iter(lambda: file.read(1 << 20), b""),
            headers={"Content-Type": _media_type(path), "Content-Length": str(path.stat().st_size)},
        )  # fmt: skip
    accepted = answer.json()
    receipt = parse_receipt(json.dumps(accepted["receipt"]).encode())
    return _keep(path, json.dumps(accepted["record"], ensure_ascii=False).encode(), receipt), receipt


def anchor_csv(server: Client, path: Path, capture: str = "data") -> list[tuple[Path, Receipt]]:
    """All rows of a file, found right before any is sent; into `NAME.csv.receipts/`, named by identifier."""
    from notary.canonical import canonicalise
    from notary.imports import read_certificates_csv

    with path.open("rb") as file:
        records = read_certificates_csv(file, capture=capture)
    folder = path.with_name(path.name + ".receipts")
    folder.mkdir(exist_ok=True)
    done: list[tuple[Path, Receipt]] = []
    with output.progress(path.name, len(records)) as bar:
        for batch in _batches([canonicalise(record) for record in records]):
            for data, receipt in zip(batch, anchor_records(server, batch), strict=True):
                name = json.loads(data)["identifier"]
                replace_file(folder / f"{name}.record.json", data)
                target = folder / f"{name}.receipt.json"
                replace_file(target, receipt.to_json())
                done.append((target, receipt))
            bar.advance(bar.task_ids[0], len(batch))
    return done


def anchor_records(server: Client, records: Sequence[bytes]) -> list[Receipt]:
    """One bulk call; receipts with their salts, in the order sent. The key is the body's hash: a retry can't double."""
    from notary.receipts import parse_bundle, split

    body = b"\n".join(records)
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": hashlib.sha256(body).hexdigest()}
    answer = server.send("POST", "certificates/bulk", content=body, headers=headers).json()
    bundles = [answer["receipts"], *answer.get("further", [])]
    receipts = [r for bundle in bundles for r in split(parse_bundle(json.dumps(bundle).encode()))]
    salts = base64.b64decode(answer["salts"], validate=True)
    return [replace(r, salt=salts[32 * i : 32 * i + 32]) for i, r in enumerate(receipts)]


@receipt_app.command("upgrade")
def upgrade(
    what: Annotated[list[Path], typer.Argument(help="凭证文件或目录 / receipts or folders of them")],
    url: Url = None,
    json_: Json = False,
) -> None:
    """取最新阶段的凭证（已上链的证明），保留盐。/ Fetch newer receipts; the salt stays."""
    from api.settings import load
    from scripts.client import connect

    paths = [p for each in what for p in (sorted(each.glob("*.receipt.json")) if each.is_dir() else [each])]
    stages: dict[str, int] = {}
    with (
        connect(load({"public_url": url}).settings.url) as server,
        output.progress(output.words("cli.upgrading"), len(paths)) as bar,
    ):
        for path in paths:
            stage = upgrade_file(server, path)
            stages[stage] = stages.get(stage, 0) + 1
            bar.advance(bar.task_ids[0])
    told = ", ".join(f"{name} {count}" for name, count in sorted(stages.items())) or "0"
    payload = output.message("chuzheng-upgraded/1", "cli.upgraded", stages=told)
    output.result({**payload, "stages": stages}, payload[f"message_{output.language()}"], as_json=json_)


def upgrade_file(server: Client, path: Path) -> str:
    """Replaces a receipt by the newest one of the same entry; its stage. The server never sees the salt."""
    from ledger.errors import IntegrityError
    from notary.receipt import parse_receipt

    old = parse_receipt(read_file(path))
    new = parse_receipt(server.receipt(old.origin, old.index, salted=False))
    if (new.entry, new.origin, new.index) != (old.entry, old.origin, old.index):
        raise IntegrityError("cli.other_entry", path=str(path), index=old.index)
    if new.stage != old.stage:
        replace_file(path, replace(new, salt=old.salt, issuer_signature=old.issuer_signature).to_json())
    return new.stage.value


def _folder(server: Client, folder: Path) -> list[tuple[Path, Receipt]]:
    """Every file of a folder that isn't a companion of another; hidden ones are left out."""
    names = [p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith(".")]
    originals = [p for p in names if not any(p.name.endswith(s) for s in SUFFIXES) or _alone(p)]
    done: list[tuple[Path, Receipt]] = []
    with output.progress(folder.name, len(originals)) as bar:
        for path in originals:
            done += anchor_csv(server, path) if path.suffix.lower() == ".csv" else [anchor_file(server, path)]
            bar.advance(bar.task_ids[0])
    return done


def _alone(path: Path) -> bool:
    """A record that waits for its receipt: made by `record new`, no original beside it."""
    return (
        path.name.endswith(".record.json")
        and not beside(path, "").exists()
        and not beside(path, ".receipt.json").exists()
    )


def _record_bytes(path: Path) -> bytes | None:
    """The file's bytes if it is a record; None for a document."""
    if not SMALLEST_JSON <= path.stat().st_size <= MOST_RECORD:
        return None
    data = read_file(path)
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(value, dict) and "schema" in value and "kind" in value else None


def _keep(path: Path, record: bytes, receipt: Receipt) -> Path:
    """Writes `NAME.record.json` as committed and `NAME.receipt.json`; a receipt that is there stays as new as it is."""
    from notary.receipt import parse_receipt

    target = beside(path, ".receipt.json")
    if path != beside(path, ".record.json"):
        replace_file(beside(path, ".record.json"), record)
    if target.exists():
        try:
            kept = parse_receipt(read_file(target))
        except ChuzhengError:
            kept = None
        if kept is not None and (kept.entry, kept.index) == (receipt.entry, receipt.index):
            return target
    replace_file(target, receipt.to_json())
    return target


def _batches(records: Sequence[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for record in records:
        if batch and (len(batch) == BULK_ROWS or size + len(record) > BULK_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record) + 1
    if batch:
        yield batch


def _media_type(path: Path) -> str:
    import mimetypes

    known = {".ofd": "application/ofd", ".md": "text/markdown"}
    return known.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
