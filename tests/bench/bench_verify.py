"""How fast a verifier is on one core, offline: checks 1, 4 and 5 on bundles and on single receipts; content; all.

What is timed are notary.verify's own functions from bytes to checks, in a tree of 2^24 leaves.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable

from ledger.crypto.keys import Ed25519Signer
from ledger.types import Address, ChainHash, Contract, DepartmentCode, Digest, Kind, Millis
from notary.canonical import parse_record
from notary.checkpoint import Checkpoint, sign_checkpoint
from notary.checks.case import open_case
from notary.checks.content import check_content
from notary.commitment import commit
from notary.entry import Entry, leaf_of
from notary.evidence import Evidence, Presented
from notary.merkle import inclusion_path_from, root_from
from notary.receipt import Receipt, parse_receipt
from notary.receipts import build_bundle, parse_bundle, split
from notary.report import CheckName, Outcome
from notary.trust import LogKey, TrustFile, make_trust, parse_trust
from notary.verify import check_bundle, check_receipt, verify
from tests.bench.bench_formats import ISSUER, ORIGIN, TREE, SparseTree, sample_records
from tests.bench.figures import Figure

NOW = Millis(1_790_000_000_000)
FIRST = 11 << 20
RUN = 8192
"""Entries of a bundle, a power of two below the 10,000 that one may hold."""


def run(scale: float) -> Iterable[Figure]:
    """Figures per core; each is the best that one process does in one go over the whole work."""
    key = _signer()
    trust = _trust(key)
    salt = hashlib.sha256(b"salt").digest()
    records = [json.dumps({**record, "issuer": ISSUER}).encode() for record in sample_records()]
    entries = []
    for i in range(RUN):
        found = commit(parse_record(records[i % len(records)]), salt)
        entries.append(
            Entry(Kind.CERTIFICATE, DepartmentCode(ISSUER), Millis(NOW - 1000), found.sha256, found.sm3).to_bytes()
        )
    tree = SparseTree.over(FIRST, [leaf_of(entry) for entry in entries])
    note = sign_checkpoint(Checkpoint(ORIGIN, TREE, Digest(root_from(TREE, tree.node))), ORIGIN, key)
    paths = [inclusion_path_from(TREE, FIRST + i, tree.node) for i in range(RUN)]
    bundle = build_bundle(ORIGIN, FIRST, entries, checkpoint=note, paths=paths).to_json()
    yield _bundles(bundle, trust, max(1, round(20 * scale)))
    receipts = list(split(parse_bundle(bundle)))
    yield _singles([receipt.to_json() for receipt in receipts], trust, scale)
    yield _content(records, receipts, salt, scale)
    yield _whole(records, receipts, salt, trust, scale)


def _bundles(bundle: bytes, trust: TrustFile, times: int) -> Figure:
    clock = time.perf_counter()
    for _ in range(times):
        if check_bundle(parse_bundle(bundle), trust, NOW):
            raise AssertionError("a bundle that should pass doesn't")
    rate = RUN * times / (time.perf_counter() - clock)
    return Figure("checks 1, 4, 5, receipts in a bundle", rate, "receipts/s", 40_000, f"bundles of {RUN}, one core")


def _singles(files: list[bytes], trust: TrustFile, scale: float) -> Figure:
    work = files * max(1, round(5 * scale))
    clock = time.perf_counter()
    for data in work:
        if any(check.outcome is not Outcome.PASS for check in check_receipt(parse_receipt(data), trust, NOW)):
            raise AssertionError("a receipt that should pass doesn't")
    rate = len(work) / (time.perf_counter() - clock)
    return Figure("checks 1, 4, 5, single JSON receipts", rate, "receipts/s", 10_000, "one checkpoint, one core")


def _content(records: list[bytes], receipts: list[Receipt], salt: bytes, scale: float) -> Figure:
    count = max(1000, round(20_000 * scale))
    clock = time.perf_counter()
    for i in range(count):
        at = i % len(records)
        shown = Presented(receipts[at], record=parse_record(records[at]), salt=salt)
        case = open_case(shown, Evidence(), None, NOW, NOW)
        if check_content(case).outcome is not Outcome.PASS:
            raise AssertionError("a record that should pass doesn't")
    rate = count / (time.perf_counter() - clock)
    return Figure(
        "check 2, records of 12 members", rate, "records/s", 5_000, "from bytes and salt, both digests, one core"
    )


def _whole(records: list[bytes], receipts: list[Receipt], salt: bytes, trust: TrustFile, scale: float) -> Figure:
    count = max(500, round(5_000 * scale))
    files = [receipt.to_json() for receipt in receipts[: len(records)]]
    clock = time.perf_counter()
    for i in range(count):
        at = i % len(records)
        shown = Presented(parse_receipt(files[at]), record=parse_record(records[at]), salt=salt)
        report = verify(shown, Evidence(), trust, NOW, NOW)
        if report.check(CheckName.CONTENT).outcome is not Outcome.PASS:
            raise AssertionError("a record that should pass doesn't")
    rate = count / (time.perf_counter() - clock)
    return Figure("whole offline reports", rate, "reports/s", None, "record and receipt from bytes, all twelve checks")


def _signer() -> Ed25519Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519Signer(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"bench").digest()))


def _trust(key: Ed25519Signer) -> TrustFile:
    return parse_trust(
        make_trust(
            network="bench",
            chain_id=1,
            genesis_hash="0x" + "00" * 32,
            finality="none",
            council=[("owner", key)],
            contracts=[Contract("AnchorLog", Address("0x" + "00" * 20), ChainHash("0x" + "00" * 32), 0)],
            log_keys=[LogKey(ORIGIN, ORIGIN, key.public_key, Millis(0))],
            issued_at=Millis(0),
            expires=Millis(NOW * 2),
            as_of_block=0,
        )
    )
