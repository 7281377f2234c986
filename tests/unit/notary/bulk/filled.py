"""A file with rows of every kind, what a fill says of each, and every receipt held against its own record."""

from __future__ import annotations

from pathlib import Path

from ledger.crypto.suites import verify
from notary.bulk import salts
from notary.checkpoint import promise_bytes
from notary.commitment import commit
from notary.entry import log_id
from notary.receipts import parse_bundle, split
from tests.fakes.backfilling import cells_of, outcomes
from tests.fakes.notary import OTHER, Rig

ROWS = [
    cells_of(1), cells_of(2), cells_of(3, issue_date="2024-02-30"), cells_of(1), cells_of(4, certificate_name="改"),
    cells_of(5), cells_of(4), cells_of(6, issuer_code=OTHER), cells_of(7, holder_name="𠮷"), cells_of(8),
    cells_of(2), cells_of(9, holder_code="1"), cells_of(10), cells_of(11), cells_of(12),
]  # fmt: skip


def told(folder: Path) -> list[tuple[str, str, str, str]]:
    return [(row["row"], row["outcome"], row["index"], row["code"]) for row in outcomes(folder)]


EXPECTED = [
    ("2", "accepted", "0", ""), ("3", "accepted", "1", ""), ("4", "refused", "", "record.date"),
    ("5", "duplicate", "0", ""), ("6", "accepted", "2", ""), ("7", "accepted", "3", ""),
    ("8", "refused", "2", "backfill.other_content"), ("9", "refused", "", "backfill.other_issuer"),
    ("10", "accepted", "4", ""), ("11", "accepted", "5", ""), ("12", "duplicate", "1", ""),
    ("13", "refused", "", "certificate.holder_code"), ("14", "accepted", "6", ""), ("15", "accepted", "7", ""),
    ("16", "accepted", "8", ""),
]  # fmt: skip


def check_receipts(rig: Rig, folder: Path, secret: Path | None = None) -> int:
    """Every receipt of every bundle against the record that the notary keeps at its index; how many there are."""
    count = 0
    for path in sorted(folder.glob("receipts/*/*.receipts.json")):
        bundle = parse_bundle(path.read_bytes())
        assert b"salt" not in path.read_bytes()
        signer = rig.notary.signers[bundle.origin]
        kept = None
        if secret is not None:
            name = path.name.replace(".receipts.", ".salts.")
            kept = salts.read_salts((secret / path.parent.name / name).read_bytes())
            assert (kept.origin, kept.first) == (bundle.origin, bundle.first)
        for offset, receipt in enumerate(split(bundle)):
            record = rig.notary.record(receipt.origin, receipt.index)
            salt = rig.notary.receipt(receipt.origin, receipt.index, salted=True).salt
            assert salt is not None
            assert kept is None or kept.salts[32 * offset : 32 * offset + 32] == salt
            assert commit(record, salt).sha256 == receipt.entry.sha256
            assert commit(record, salt).sm3 == receipt.entry.sm3
            message = promise_bytes(log_id(receipt.origin), receipt.index, receipt.leaf)
            assert receipt.promise is not None
            assert verify(signer.suite, signer.public_key, receipt.promise, message)
            count += 1
    return count
