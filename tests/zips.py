"""The ZIPs of exports in memory, for tests: the code itself passes them in pieces over files."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ledger.types import Digest
from notary.exports import bundle_writing
from notary.exports.archive import Item, Source, write_package
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


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a bundle, held in memory."""

    network: str
    disclosures: tuple[bytes, ...] = ()
    receipts: tuple[bytes, ...] = ()
    events: tuple[bytes, ...] = ()
    snapshot: bytes | None = None
    grant: Digest | None = None
    lacking: frozenset[str] = frozenset()

    def parts(self) -> bundle_writing.Contents:
        shown, receipts, events = (
            [partial(bytes, each) for each in folder] for folder in (self.disclosures, self.receipts, self.events)
        )
        snapshot = None if self.snapshot is None else partial(bytes, self.snapshot)
        return bundle_writing.Contents(self.network, shown, receipts, events, snapshot, self.grant, self.lacking)


def make_bundle(contents: Contents) -> bytes:
    out = io.BytesIO()
    bundle_writing.write_bundle(out, contents.parts())
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
