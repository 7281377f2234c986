"""How fast the formats are on one core: commit, parse, check. What a verifier promises is in bench_verify."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.crypto.keys import Ed25519Signer
from ledger.types import Kind, Origin
from notary.canonical import parse_record
from notary.checkpoint import Checkpoint, VerifierKey, sign_checkpoint, verify_signature
from notary.commitment import commit
from notary.entry import Entry, leaf_of
from notary.merkle import EMPTY_ROOT, inclusion_path_from, parents, root_from
from notary.receipt import Inclusion, Receipt, ReceiptAnchor, inclusion_error, parse_receipt
from notary.receipts import build_bundle, first_not_included, parse_bundle
from tests.bench.figures import Figure

ISSUER = "11420000011043201A"
ORIGIN = Origin(f"chuzheng/bench/{ISSUER}")
CSV = Path(__file__).parents[2] / "scripts" / "samples" / "sample_certificates.csv"
TREE = 1 << 24


def sample_records(count: int = 1000) -> list[dict[str, Any]]:
    """Records of 12 members from the sample certificates."""
    with CSV.open(encoding="utf-8") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(count), strict=False)]
    return [
        {
            "schema": "certificate/1",
            "kind": "certificate",
            "issuer": row["issuer_code"],
            "type": row["type_code"],
            "identifier": row["identifier"],
            "version": 1,
            "name": row["certificate_name"],
            "number": row["certificate_number"],
            "holders": [{"name": row["holder_name"], "code_type": row["holder_code_type"], "code": row["holder_code"]}],
            "valid_from": row["valid_from"],
            "valid_to": row["valid_to"] or None,
            "extra": json.loads(row["business_fields"] or "{}"),
        }
        for row in rows
    ]


@dataclass
class SparseTree:
    """A tree of 2^24 leaves whose complete subtrees are all made up but for a run at `first`."""

    first: int
    levels: list[list[bytes]]

    def node(self, level: int, index: int) -> bytes:
        row, start = self.levels[level], self.first >> level
        return row[index - start] if start <= index < start + len(row) else bytes([level]) * 32

    @staticmethod
    def over(first: int, leaves: list[bytes]) -> SparseTree:
        """`first` is a multiple of the number of leaves, a power of two."""
        levels = [leaves]
        while len(levels[-1]) > 1:
            levels.append(parents(levels[-1]))
        tree = SparseTree(first, levels)
        for level in range(len(levels), 25):
            index = first >> level - 1
            below = tree.node(level - 1, index), tree.node(level - 1, index ^ 1)
            levels.append(parents(below if index % 2 == 0 else below[::-1]))
        return tree


def sample_entries(count: int) -> list[bytes]:
    """Entries with made-up commitments."""
    fill = [i.to_bytes(32, "big") for i in range(count)]
    return [Entry(Kind.CERTIFICATE, ISSUER, 1_780_000_000_000 + i, f, f).to_bytes() for i, f in enumerate(fill)]  # type: ignore[arg-type]


def rate(name: str, unit: str, count: int, work: Callable[[], object], rounds: int = 3) -> Figure:
    """Best of `rounds`, in items a second."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return Figure(name, count / best, f"{unit}/s", note=f"{best / count * 1e6:.1f} µs each, one core")


def run(scale: float) -> Iterator[Figure]:
    """Records of 12 members, then receipts and bundles in a tree of 2^24 leaves."""
    records = sample_records(max(200, min(2000, int(2000 * scale))))
    raw = [json.dumps(record, ensure_ascii=False).encode() for record in records]
    salt = bytes(range(32))
    yield rate("parse_record", "records", len(raw), lambda: [parse_record(data) for data in raw])
    yield rate("commit, both digests", "records", len(records), lambda: [commit(record, salt) for record in records])
    yield rate(
        "parse_record and commit", "records", len(raw), lambda: [commit(parse_record(data), salt) for data in raw]
    )

    count = 8192
    first = TREE // 2
    entries = sample_entries(count)
    tree = SparseTree.over(first, [leaf_of(entry) for entry in entries])
    root = root_from(TREE, tree.node)
    assert root != EMPTY_ROOT
    signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    note = sign_checkpoint(Checkpoint(ORIGIN, TREE, root), ORIGIN, signer)
    key = VerifierKey(ORIGIN, signer.public_key)
    paths = [inclusion_path_from(TREE, first + i, tree.node) for i in range(count)]
    anchor = ReceiptAnchor(420100, "0x" + "ab" * 32, "0x" + "cd" * 20, "0x" + "ef" * 32, 7, "0x" + "01" * 32, 1)  # type: ignore[arg-type]
    files = [
        Receipt(
            Entry.from_bytes(entry),
            ORIGIN,
            first + i,
            salt=salt,
            promise=bytes(64),
            inclusion=Inclusion(TREE, tuple(path)),
            checkpoint=note,
            anchor=anchor,
        ).to_json()
        for i, (entry, path) in enumerate(zip(entries[:2000], paths, strict=False))
    ]

    def check_all() -> None:
        for data in files:
            assert inclusion_error(parse_receipt(data)) is None
            assert verify_signature(note, key)

    yield rate("parse_receipt", "receipts", len(files), lambda: [parse_receipt(data) for data in files])
    yield rate("parse_receipt, leaf, path and signature", "receipts", len(files), check_all)
    bundle = build_bundle(ORIGIN, first, entries, checkpoint=note, paths=paths, anchor=anchor).to_json()

    def check_bundle() -> None:
        parsed = parse_bundle(bundle)
        assert first_not_included(parsed) is None
        assert verify_signature(note, key)

    yield rate("parse_bundle", "receipts", count, lambda: parse_bundle(bundle))
    yield rate("parse_bundle, every leaf and path, signature", "receipts", count, check_bundle)
