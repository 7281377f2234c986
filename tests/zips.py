"""The ZIPs of exports in memory, for tests: the code itself passes them in pieces over files."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from notary.exports.archive import Item, Source, write_package
from notary.exports.evidence_bundle import Contents, write_bundle
from notary.exports.zip_file import MAX_BYTES, ZipReader, ZipWriter
from notary.receipt import parse_receipt


def write_zip(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    writer = ZipWriter(out)
    for name in sorted(members):
        writer.add(name, [members[name]])
    writer.close()
    return out.getvalue()


def read_zip(data: bytes, *, limit: int = MAX_BYTES) -> dict[str, bytes]:
    reader = ZipReader(io.BytesIO(data), limit=limit)
    return {name: reader.read(name) for name in reader}


def make_bundle(contents: Contents) -> bytes:
    out = io.BytesIO()
    write_bundle(out, contents)
    return out.getvalue()


def make_package(items: Sequence[Item], **about: Any) -> bytes:
    sources: list[Source] = []
    for item in items:
        receipt = parse_receipt(item.receipt)
        sources.append((receipt.origin, receipt.index, partial(_itself, item)))
    out = io.BytesIO()
    write_package(out, sources, **about)
    return out.getvalue()


def _itself(item: Item) -> Item:
    return item
