"""Rows of a CSV file to the server: found right before any is sent, then in bulk calls, receipts as they come."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ledger.errors import ChuzhengError, ConflictError, InputError, RowsError, UnavailableError
from scripts import output
from scripts.commands.files import belongs, check_readable, check_writable, make_folder, read_file, replace_file
from scripts.problems import ServerError, SeveralError

if TYPE_CHECKING:
    from notary.receipt import Receipt
    from scripts.client import Client

BULK_ROWS = 2_000
BULK_BYTES = 12 << 20
"""Rows and bytes of one bulk call: under the server's limits, and often enough for a bar that moves."""
SALT = 32
MOST_TOLD = 50


def anchor_csv(server: Client, path: Path, capture: str = "data") -> list[tuple[Path, Receipt]]:
    """All rows of a file, found right before any is sent; into `NAME.csv.receipts/`, named by identifier."""
    from notary.canonical import canonicalise
    from notary.imports import read_certificates_csv

    check_readable(path)
    with path.open("rb") as file:
        records = read_certificates_csv(file, capture=capture)
    _same_issuer(records)
    folder = path.with_name(path.name + ".receipts")
    kept = _kept(folder, records)
    check_writable(folder if not folder.exists() else folder / "x")
    done: list[tuple[Path, Receipt]] = []
    with output.progress(path.name, len(records)) as bar:
        for batch in _batches([canonicalise(record) for record in records]):
            try:
                receipts = anchor_records(server, batch)
            except ServerError as error:
                erased = _erased(server, kept, records, folder) if error.status == 410 else []
                if erased and not done:
                    raise RowsError("import.refused", rows=erased) from None
                if erased:
                    named = [(f"{path}:{row}", told) for row, _, told in erased]
                    raise SeveralError("cli.csv_stopped", failures=named, done=len(done)) from None
                raise _as_rows(error, path, len(done)) from None
            make_folder(folder)
            for data, receipt in zip(batch, receipts, strict=True):
                name = _name(records[len(done)])
                target = folder / f"{name}.receipt.json"
                held = kept.get(name)
                if held is not None and (held.entry, held.origin, held.index) == (
                    receipt.entry,
                    receipt.origin,
                    receipt.index,
                ):
                    done.append((target, held))  # it may have grown since
                    continue
                replace_file(folder / f"{name}.record.json", data)
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
    try:
        bundles = [answer["receipts"], *answer.get("further", [])]
        receipts = [r for bundle in bundles for r in split(parse_bundle(json.dumps(bundle).encode()))]
        salts = base64.b64decode(answer["salts"], validate=True)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnavailableError("cli.server_answer", url=server.url, status=200) from None
    if len(receipts) != len(records) or len(salts) != SALT * len(records):
        raise UnavailableError("cli.server_answer", url=server.url, status=200)
    return [replace(r, salt=salts[SALT * i : SALT * (i + 1)]) for i, r in enumerate(receipts)]


def _same_issuer(records: Sequence[dict[str, Any]]) -> None:
    """A department sends its own rows. A file of several would be taken in part: that is found before it is sent."""
    first = records[0]["issuer"]
    others: list[tuple[int, str, ChuzhengError]] = [
        (row, "issuer_code", InputError("cli.other_issuer", first=first))
        for row, record in enumerate(records, 2)
        if record["issuer"] != first
    ]
    if others:
        raise RowsError("import.refused", rows=others)


def _kept(folder: Path, records: Sequence[dict[str, Any]]) -> dict[str, Receipt]:
    """Receipts of an earlier run, by identifier; ConflictError if one is of other content or can't be read."""
    from notary.receipt import parse_receipt

    kept: dict[str, Receipt] = {}
    for record in records if folder.is_dir() else ():
        path = folder / f"{_name(record)}.receipt.json"
        if not path.exists():
            continue
        try:
            receipt = parse_receipt(read_file(path))
        except ChuzhengError:
            raise ConflictError("cli.receipt_unreadable", path=str(path)) from None
        if not belongs(receipt, record):
            raise ConflictError("cli.other_content", path=str(path))
        kept[_name(record)] = receipt
    return kept


def _erased(
    server: Client, kept: dict[str, Receipt], records: Sequence[dict[str, Any]], folder: Path
) -> list[tuple[int, str, ChuzhengError]]:
    """The rows whose receipts are here and that were erased since, with order and day: the first MOST_TOLD of them."""
    from scripts.erased import Asked, ask_client, since_client

    asked = Asked(since=[partial(since_client, server)])
    ask_client(asked, {receipt.origin for receipt in kept.values()}, server)
    rows: list[tuple[int, str, ChuzhengError]] = []
    for row, record in enumerate(records, 2):
        receipt = kept.get(_name(record))
        if receipt is not None and (receipt.origin, receipt.index) in asked.orders and len(rows) < MOST_TOLD:
            name = str(folder / f"{_name(record)}.receipt.json")
            rows.append((row, "identifier", asked.refusal(receipt.origin, receipt.index, name)))
    return rows


def _name(record: dict[str, Any]) -> str:
    """The identifier as a file's name; one of an older code (`as_received`) may hold anything."""
    return quote(record["identifier"], safe="")


def _as_rows(error: ServerError, path: Path, before: int) -> ChuzhengError:
    """The server counts records of one call from 1; a person counts rows of the file, whose first holds the names."""
    rows = error.problem.get("errors")
    if not isinstance(rows, list) or not rows:
        told = output.exit_code(error) in (output.EXIT_NOT_LOGGED_IN, output.EXIT_CANNOT_ASK) or not before
        return error if told else SeveralError("cli.csv_stopped", failures=[(str(path), error)], done=before)
    moved = [{**row, "row": row["row"] + before + 1} for row in rows if isinstance(row, dict) and "row" in row]
    return ServerError(error.status, {**error.problem, "errors": moved})


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
