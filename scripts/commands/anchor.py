"""`chuzheng anchor`: submitting what a department registers; records and receipts are kept beside the originals.

Running the same command again is safe at any point: what is registered is answered with the same receipt, a receipt
that is there is never replaced by another one, and whether the answer can be written is tried before anything is sent.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import ChuzhengError, ConflictError, InputError, UnavailableError
from ledger.texts import LANGUAGES, text
from scripts import output
from scripts.commands.files import (
    SUFFIXES,
    belongs,
    beside,
    check_readable,
    check_writable,
    is_there,
    read_file,
    replace_file,
)
from scripts.commands.options import Json, TokenFile, Url
from scripts.problems import ServerError, SeveralError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notary.receipt import Receipt
    from scripts.client import Client
    from scripts.help import App

MOST_RECORD = 1 << 20
PIECE = 1 << 20
CAPTURES = ("data", "scan")


def register(app: App) -> None:
    app.command("anchor")(anchor)


def anchor(
    what: Annotated[Path, typer.Argument(help="文件、记录、CSV 或目录 / file, record, CSV or folder")],
    url: Url = None,
    token_file: TokenFile = None,
    title: Annotated[str | None, typer.Option(help="文件标题 / title of a document")] = None,
    number: Annotated[str | None, typer.Option(help="文号 / number of a document")] = None,
    capture: Annotated[str, typer.Option(help="CSV 行的来源 / how CSV rows came in: data | scan")] = "data",
    json_: Json = False,
) -> None:
    """登记一份或多份，记录与凭证写在原文件旁边；目录不含子目录。/ Register one or many; records and receipts are
    written beside the originals; of a folder, not its sub-folders."""
    from api.settings import load
    from scripts.client import connect, read_token

    if capture not in CAPTURES:
        raise UsageError("cli.usage.value", name="--capture", reason=" | ".join(CAPTURES))
    if not what.is_dir():
        check_readable(what)
        if title and _is_csv(what):
            raise UsageError("cli.usage.value", name="--title", reason="CSV")
    settings = load({"public_url": url}).settings
    with connect(settings.url, read_token(token_file)) as server:
        if what.is_dir():
            done = _folder(server, what, capture)
        elif _is_csv(what):
            done = _csv(server, what, capture)
        else:
            done = [anchor_file(server, what, title, number)]
    folders = sorted({str(path.parent) for path, _ in done})
    where = str(done[0][0]) if len(done) == 1 else ", ".join(folders) or str(what)
    key = "cli.anchored" if done else "cli.anchored.nothing"
    payload = output.message("chuzheng-anchored/1", key, count=len(done), where=where)
    payload |= {"count": len(done), "receipts": [str(path) for path, _ in done]}
    output.finish(payload, as_json=json_)
    if any(receipt.anchor is None for _, receipt in done):
        output.say("cli.anchored.next", where=where if len(done) == 1 else str(what) if what.is_dir() else folders[0])


def anchor_file(
    server: Client, path: Path, title: str | None = None, number: str | None = None
) -> tuple[Path, Receipt]:
    """One record (JSON with `schema`) or one document (anything else); (path of the receipt, receipt)."""
    from notary.receipt import parse_receipt

    target, record_path = beside(path, ".receipt.json"), beside(path, ".record.json")
    data = _record_bytes(path)
    held = _held(target, path, data)
    if held is not None and _still_there(server, held, target):
        return target, held
    for each in {target, record_path} - {path}:
        check_writable(each)
    if data is not None:
        headers = {"Content-Type": "application/json"}
        receipt = parse_receipt(server.send("POST", "certificates", content=data, headers=headers).content)
        if record_path != path:
            replace_file(record_path, data)
    else:
        record, receipt = _send_document(server, path, title, number)
        replace_file(record_path, record)
    replace_file(target, receipt.to_json())
    return target, receipt


def _send_document(server: Client, path: Path, title: str | None, number: str | None) -> tuple[bytes, Receipt]:
    """(record as committed, receipt) of a file; the key is made of what is sent, so that a retry can't double it."""
    from notary.receipt import parse_receipt

    size, media_type = check_readable(path), _media_type(path)
    said = {name: value for name, value in (("title", title), ("number", number)) if value is not None}
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    key = hashlib.sha256(json.dumps([digest, media_type, said], sort_keys=True).encode()).hexdigest()
    headers = {"Content-Type": media_type, "Content-Length": str(size), "Idempotency-Key": key}
    answer = server.send("POST", "documents", params=said, headers=headers, stream=lambda: _pieces(path, size)).json()
    try:
        receipt = parse_receipt(json.dumps(answer["receipt"]).encode())
        return json.dumps(answer["record"], ensure_ascii=False).encode(), receipt
    except (KeyError, TypeError):
        raise UnavailableError("cli.server_answer", url=server.url, status=200) from None


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    """A file from its beginning; InputError if it isn't as long any more as when it was looked at."""
    sent = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            sent += len(piece)
            if sent > size:
                break
            yield piece
    if sent != size:
        raise InputError("file.changed", path=str(path))


def _folder(server: Client, folder: Path, capture: str) -> list[tuple[Path, Receipt]]:
    """Every file of a folder that isn't a companion of another; hidden ones are left out. One wrong file stops none."""
    names = [p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith(".")]
    originals = [p for p in names if not any(p.name.endswith(s) for s in SUFFIXES) or _alone(p)]
    done: list[tuple[Path, Receipt]] = []
    failures: list[tuple[str, ChuzhengError]] = []
    with output.progress(folder.name, len(originals)) as bar:
        for path in originals:
            try:
                done += _csv(server, path, capture) if _is_csv(path) else [anchor_file(server, path)]
            except ChuzhengError as error:
                if ends_it_all(error):
                    raise
                failures.append((str(path), error))
            bar.advance(bar.task_ids[0])
    if failures:
        raise SeveralError("cli.some_failed", failures=failures, done=len(done))
    return done


def ends_it_all(error: ChuzhengError) -> bool:
    """Whether what went wrong with one file would go wrong with every other: no server, no right, no disk."""
    return output.exit_code(error) in (output.EXIT_NOT_LOGGED_IN, output.EXIT_CANNOT_ASK)


def _csv(server: Client, path: Path, capture: str) -> list[tuple[Path, Receipt]]:
    from scripts.commands.csv_rows import anchor_csv

    return anchor_csv(server, path, capture)


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _alone(path: Path) -> bool:
    """A record without an original beside it: made by `record new`."""
    return path.name.endswith(".record.json") and not beside(path, "").exists()


def _record_bytes(path: Path) -> bytes | None:
    """The file's bytes if it is a record; None for a document.

    What is named like a record must be one: registered as a document, a broken record could never be shown.
    """
    from notary.canonical import nests_deeper, parse_record
    from scripts.commands.record import refuse_wrong

    named = path.name.endswith(".record.json")
    if any(path.name.endswith(suffix) for suffix in SUFFIXES) and not named:
        raise UsageError("cli.companion", path=str(path))
    if named:
        data = read_file(path, MOST_RECORD)
        refuse_wrong(parse_record(data))
        return data
    if path.suffix.lower() != ".json" or check_readable(path) > MOST_RECORD:
        return None
    data = read_file(path, MOST_RECORD)
    try:
        value: Any = None if nests_deeper(data, 64) else json.loads(data)
    except ValueError:
        return None
    if not isinstance(value, dict) or "schema" not in value or "kind" not in value:
        return None
    refuse_wrong(parse_record(data))
    return data


def _held(target: Path, path: Path, data: bytes | None) -> Receipt | None:
    """The receipt that is there already, if it belongs to this content; ConflictError if it belongs to other content.

    A receipt holds the salt of what it was given for: replaced by another one, the earlier registration is lost.
    """
    from notary.canonical import parse_record
    from notary.receipt import parse_receipt

    if not is_there(target):
        return None
    try:
        receipt = parse_receipt(read_file(target))
        record = parse_record(read_file(beside(path, ".record.json")) if data is None else data)
    except ChuzhengError:
        raise ConflictError("cli.receipt_unreadable", path=str(target)) from None
    if data is None:
        with path.open("rb") as file:
            same = record.get("document", {}).get("sha256") == hashlib.file_digest(file, "sha256").hexdigest()
        if not same:
            raise ConflictError("cli.other_content", path=str(target))
    if not belongs(receipt, record):
        raise ConflictError("cli.other_content", path=str(target))
    return receipt


def _still_there(server: Client, held: Receipt, target: Path) -> bool:
    """Whether this server's log has the entry; ConflictError if the receipt comes from another network. What was erased
    since is refused with the server's own words: they name order and day."""
    from notary.receipt import parse_receipt

    try:
        known = parse_receipt(_newest(server, held))
    except ServerError as error:
        if error.status == 410:
            raise _erased(error, target) from None
        if error.status != 404:
            raise
        raise ConflictError("cli.other_network", path=str(target), origin=held.origin) from None
    return known.entry == held.entry


def _newest(server: Client, held: Receipt) -> bytes:
    """The server's receipt of the same entry: asked for with its salt, which is what an erasure destroys; without it
    where the token is another department's."""
    try:
        return server.receipt(held.origin, held.index, salted=True)
    except ServerError as error:
        if error.status != 403:
            raise
        return server.receipt(held.origin, held.index, salted=False)


def _erased(error: ServerError, target: Path) -> ServerError:
    """What the server said, and what is to become of the copy that lies here."""
    told = {
        name: f"{error.problem.get(name, '')}{'' if language == 'zh' else ' '}"
        + text("cli.anchor.erased", language, path=str(target))
        for language in LANGUAGES
        if (name := f"message_{language}")
    }
    return ServerError(error.status, {**error.problem, **told})


def _media_type(path: Path) -> str:
    import mimetypes

    known = {".ofd": "application/ofd", ".md": "text/markdown"}
    return known.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
