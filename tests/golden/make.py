"""The golden files of version 1, made from a fixed key and fixed bytes.

A receipt must be readable for decades: these files are never made again for version 1. `python -m tests.golden.make`
writes only the ones that are missing; a new version gets new files beside the old ones.
The key is published here: never use it for anything else.
"""

from __future__ import annotations

import io
from hashlib import new, sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.crypto.keys import Ed25519Signer
from ledger.departments import Accreditation, DepartmentHistory, MemberFacts
from ledger.statuses import Decision, DecisionCode
from ledger.types import (
    Address,
    Anchor,
    Block,
    BlockTime,
    ChainHash,
    Contract,
    DepartmentCode,
    Digest,
    Kind,
    LogId,
    Millis,
    TypeCode,
)
from notary.b64 import to_b64
from notary.bulk.salts import write_salts
from notary.canonical import canonicalise
from notary.checkpoint import Checkpoint, VerifierKey, parse_checkpoint, parse_note, promise_bytes, sign_checkpoint
from notary.commitment import commit
from notary.cosignature import cosign, with_cosignatures
from notary.disclosure import Disclosure, make_disclosure, parse_disclosure
from notary.entry import Entry, leaf_of, log_id, make_origin, parse_origin, status_key
from notary.envelope import encrypt_stream
from notary.equivocation import Equivocation, SignedHead, What
from notary.erasures import Erased, Proof, erasure_record, write_erasures
from notary.exports.archive import Item, Retention
from notary.exports.credential import sign_credential
from notary.exports.status_credential import sign_status_list
from notary.exports.tlog_proof import TlogProof
from notary.merkle import inclusion_path, root_from_leaves
from notary.network_heads import LogHead, NetworkHeads, heads_records
from notary.qr import QrProof
from notary.receipt import (
    Inclusion,
    IssuerSignature,
    NoEvidence,
    QbftEvidence,
    Receipt,
    ReceiptAnchor,
    issue_bytes,
)
from notary.receipts import build_bundle
from notary.snapshot import sign_snapshot
from notary.snapshot_making import Heading, snapshot_body
from notary.snapshot_packed import pack_snapshot
from notary.trust import LogKey, ValidatorSet, WitnessKey, make_trust
from tests.conftest import VECTORS
from tests.zips import Contents, make_bundle, make_package

FOLDER = Path(__file__).parent / "v1"
SIGNER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(sha256(b"chuzheng golden key").digest()))
SECOND = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(sha256(b"chuzheng golden key 2").digest()))
START = Millis(1_790_000_000_000)
ISSUER = DepartmentCode("11420000011043201A")
ORIGIN = make_origin("golden", ISSUER)
KEY = VerifierKey(ORIGIN, SIGNER.public_key)
SALT = sha256(b"chuzheng golden salt").digest()
SIZE = 11
INDEX = 6
ORDER = "鄂样例令〔2026〕12号"
ACCEPTED_AT = 1_790_000_000_000
ENVELOPE_KEY = sha256(b"chuzheng golden envelope").digest()
PLAIN = "楚证：一份公文的全文。\n".encode() * 2000
RECORD: dict[str, Any] = {
    "schema": "certificate/1",
    "kind": "certificate",
    "issuer": ISSUER,
    "type": "11100000000013338W011",
    "identifier": "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "identifier_form": "issued",
    "version": 1,
    "capture": "data",
    "name": "营业执照",
    "number": "42000000140891",
    "issuer_name": "示例市市场监督管理局",
    "issue_date": "2024-02-29",
    "valid_from": "2024-02-29",
    "valid_to": None,
    "holders": [{"name": "𠮷野示例有限公司", "code_type": "001", "code": "91350100M000100Y43"}],
    "extra": {"KZ_注册资本": "1000000.00", "KZ_ratio": 0.25},
}


def entries() -> list[bytes]:
    """Eleven entries; the one at INDEX is about RECORD."""
    made = []
    for i in range(SIZE):
        commitment = commit(RECORD if i == INDEX else {"n": i}, SALT)
        made.append(Entry(Kind.CERTIFICATE, ISSUER, Millis(ACCEPTED_AT + i), commitment.sha256, commitment.sm3))
    return [entry.to_bytes() for entry in made]


def anchor() -> ReceiptAnchor:
    """A made-up place on a made-up chain."""
    return ReceiptAnchor(
        chain_id=420_100,
        genesis_hash=ChainHash("0x" + sha256(b"genesis").hexdigest()),
        contract=Address("0x" + sha256(b"contract").hexdigest()[:40]),
        tx_hash=ChainHash("0x" + sha256(b"transaction").hexdigest()),
        block_number=1234,
        block_hash=ChainHash("0x" + sha256(b"block").hexdigest()),
        block_time=BlockTime(1_790_000_002),
    )


def note() -> str:
    """The signed head over all entries."""
    root = root_from_leaves([leaf_of(entry) for entry in entries()])
    return sign_checkpoint(Checkpoint(ORIGIN, SIZE, Digest(root)), ORIGIN, SIGNER)


def path(index: int) -> list[bytes]:
    """Inclusion path under `note`."""
    return inclusion_path([leaf_of(entry) for entry in entries()], index)


def receipt(*, stage: str = "anchored", salted: bool = True, signed: bool = False) -> Receipt:
    """The receipt of RECORD at a stage."""
    entry = Entry.from_bytes(entries()[INDEX])
    included, anchored = stage != "promised", stage in ("anchored", "evidenced")
    evidence = QbftEvidence(b"\xc1\x80", 2, 0, (b"\xc1\x01", b"\xc1\x02")) if stage == "evidenced" else NoEvidence()
    return Receipt(
        entry=entry,
        origin=ORIGIN,
        index=INDEX,
        salt=SALT if salted else None,
        promise=SIGNER.sign(promise_bytes(log_id(ORIGIN), INDEX, leaf_of(entries()[INDEX]))),
        issuer_signature=(
            IssuerSignature("golden-1", "intl", SIGNER.sign(issue_bytes(ORIGIN, entry))) if signed else None
        ),
        inclusion=Inclusion(SIZE, tuple(path(INDEX))) if included else None,
        checkpoint=note() if included else None,
        anchor=anchor() if anchored else None,
        evidence=evidence if anchored else None,
    )


def erasure_entry() -> bytes:
    """The entry of kind 6 about INDEX; it would stand at SIZE."""
    found = commit(erasure_record(ORIGIN, INDEX, ORDER), SALT)
    return Entry(Kind.ERASURE, ISSUER, Millis(ACCEPTED_AT + SIZE), found.sha256, found.sm3).to_bytes()


def trust() -> bytes:
    """A trust file with every member that one can have; the log's key was rotated."""
    validators = tuple(Address("0x" + sha256(b"validator %d" % n).hexdigest()[:40]) for n in range(4))
    return make_trust(
        council=[("golden-1", SIGNER), ("golden-2", SECOND)],
        threshold=2,
        network="golden",
        chain_id=anchor().chain_id,
        genesis_hash=anchor().genesis_hash,
        finality="qbft",
        contracts=[Contract("AnchorLog", anchor().contract, ChainHash("0x" + sha256(b"code").hexdigest()), 0, 9_000)],
        validators=[ValidatorSet(0, validators, 2_000), ValidatorSet(2_000, validators[1:], compromised_since=START)],
        log_keys=[
            LogKey(ORIGIN, ORIGIN, SIGNER.public_key, Millis(0), Millis(START + 10**9)),
            LogKey(ORIGIN, ORIGIN, SECOND.public_key, START),
        ],
        max_delay={ORIGIN: 3_600_000},
        witnesses_needed=0,
        witnesses=[WitnessKey("witness.example", SECOND.public_key)],
        snapshot_key=SECOND.public_key,
        issued_at=START,
        expires=Millis(START + 10**10),
        as_of_block=1234,
    )


def full_snapshot() -> bytes:
    """A snapshot of the block of `anchor`, with every member that one can have."""
    head, place = parse_checkpoint(note()), anchor()
    when = place.block_time
    body = {
        "network": "golden",
        "chain_id": place.chain_id,
        "genesis_hash": place.genesis_hash,
        "sequence": 3,
        "expires": when * 1000 + 10**9,
        "as_of": {"block": place.block_number, "time": when},
        "complete_to": {ORIGIN: SIZE},
        "checkpoints": [
            {
                "origin": ORIGIN, "size": SIZE, "root": head.root.hex(), "contract": place.contract,
                "block_number": place.block_number, "block_hash": place.block_hash, "block_time": when,
            }
        ],
        "decisions": [
            {
                "key": sha256(b"status").hexdigest(), "number": 1, "code": 2, "cause": 1, "department": ISSUER,
                "effective_from": when - 9, "recorded_at": when, "basis": sha256(b"basis").hexdigest(),
                "until": when + 9, "annulled_at": when,
            }
        ],
        "departments": [
            {
                "code": ISSUER, "kind": 1, "division": 420_000, "admitted_at": 1,
                "suspensions": [{"since": 2, "reason": 1, "until": 3}],
                "accreditations": [{"type": RECORD["type"], "since": 1, "until": when * 2}],
                "keys": [{"key_id": "golden-1", "suite": "intl", "key": to_b64(SIGNER.public_key), "since": 1}],
            }
        ],
        "erasures": [{"origin": ORIGIN, "index": 2, "order": ORDER}],
    }  # fmt: skip
    return sign_snapshot(body, SECOND)


def equivocation() -> bytes:
    """Two heads of one size, both signed."""
    other = sign_checkpoint(Checkpoint(ORIGIN, SIZE, Digest(bytes(32))), ORIGIN, SIGNER)
    return Equivocation(ORIGIN, What.TWO_ROOTS, SignedHead(note()), SignedHead(other)).to_json()


def cosigned() -> bytes:
    """The checkpoint with a witness's line under it."""
    return with_cosignatures(
        note(), [cosign(parse_note(note()).text, "witness.example/w1", SECOND, 1_770_000_000)]
    ).encode()


def network_heads() -> bytes:
    """The record that another log keeps of a network's heads."""
    at = anchor()
    block = Block(at.block_number, at.block_hash, at.block_time, ChainHash(""))
    heads = (LogHead(ORIGIN, SIZE, parse_checkpoint(note()).root),)
    found = NetworkHeads(parse_origin(ORIGIN).network, at.chain_id, at.genesis_hash, block, heads)
    [record] = heads_records(found, parse_origin(ORIGIN).issuer, "2026-02-03")
    return canonicalise(record)


def salts() -> bytes:
    """The salts of two receipts of a back-fill."""
    bundle = build_bundle(ORIGIN, 4, entries()[4:6], promises=[bytes(64)] * 2)
    with TemporaryDirectory() as folder:
        write_salts(Path(folder), bundle, SALT * 2)
        [path] = Path(folder).rglob("*.json")
        return path.read_bytes()


def _part() -> Disclosure:
    return parse_disclosure(make_disclosure(RECORD, SALT, ["name"], receipt()))


def _facts() -> dict[str, Any]:
    """What the made-up chain says of the log, with one decision: the arguments of a snapshot's body."""
    place, head = anchor(), parse_checkpoint(note())
    made = Anchor(
        LogId(log_id(ORIGIN)), SIZE, head.root, place.chain_id, place.genesis_hash, place.contract, place.tx_hash,
        place.block_number, place.block_hash, place.block_time, ISSUER,
    )  # fmt: skip
    block = Block(2000, place.block_hash, BlockTime(1_790_001_000), place.block_hash)
    heading = Heading("golden", place.chain_id, place.genesis_hash, 7, Millis(1_792_600_000_000), block)
    basis = Digest(sha256(b"basis").digest())
    decision = Decision(
        1, DecisionCode.SUSPENDED, 1, ISSUER, BlockTime(1_790_000_100), BlockTime(1_790_000_200), basis=basis,
        until=BlockTime(1_790_000_900),
    )  # fmt: skip
    own = Entry.from_bytes(entries()[2])
    accreditation = Accreditation(ISSUER, TypeCode(str(RECORD["type"])), BlockTime(1), None)
    member = MemberFacts(DepartmentHistory(ISSUER, 420_000, BlockTime(1)), (accreditation,), ())
    return {
        "heading": heading, "logs": [(made.log_id, ORIGIN)], "anchors": [made],
        "decisions": [(Digest(status_key(own.issuer, own.sha256)), decision)], "members": [member],
    }  # fmt: skip


def _snapshot() -> bytes:
    return sign_snapshot(snapshot_body(**_facts()), SIGNER)


def _packed_snapshot() -> bytes:
    """The same facts in the packed form."""
    facts = _facts()
    body = snapshot_body(**{**facts, "decisions": ()})
    anchors = [(ORIGIN, each) for each in facts["anchors"]]
    return b"".join(pack_snapshot(body, anchors, facts["decisions"], SIGNER))


def _archived() -> bytes:
    """A certificate without a file, and a document with one, alone in a log of its own."""
    digests = {"sha256": sha256(PLAIN).hexdigest(), "sm3": new("sm3", PLAIN).hexdigest()}
    about = {"media_type": "text/plain", "size": len(PLAIN), **digests}
    record: dict[str, Any] = {
        "schema": "document/1", "kind": "document", "issuer": ISSUER, "title": "关于样例的通知", "document": about,
    }  # fmt: skip
    made, origin = commit(record, SALT), make_origin("golden", ISSUER, "documents")
    entry = Entry(Kind.DOCUMENT, ISSUER, Millis(ACCEPTED_AT), made.sha256, made.sm3)
    head = sign_checkpoint(Checkpoint(origin, 1, Digest(leaf_of(entry.to_bytes()))), origin, SIGNER)
    own = Receipt(entry, origin, 0, inclusion=Inclusion(1, ()), checkpoint=head)
    items = [
        Item(make_disclosure(RECORD, SALT, RECORD.keys(), receipt()), receipt().to_json()),
        Item(make_disclosure(record, SALT, record.keys(), own), own.to_json(), lambda: [PLAIN], "txt"),
    ]
    return make_package(items, fonds="J012", year=2026, retention=Retention.THIRTY)


def _exports() -> dict[str, bytes]:
    """Copies in other formats and the files that go beside them."""
    shown = make_disclosure(RECORD, SALT, ["name"], receipt())
    key: dict[str, Any] = {"key_id": sha256(b"chuzheng golden key id").hexdigest(), "signer": SIGNER}
    place: dict[str, Any] = {"base": "https://verify.example", "origin": ORIGIN, "number": 0, "made_at": 1_790_000_100}
    return {
        "evidence.bundle.zip": make_bundle(
            Contents("golden", (shown,), (receipt(stage="evidenced").to_json(),), snapshot=_snapshot())
        ),
        "items.archive.zip": _archived(),
        "snapshot.json": _snapshot(),
        "snapshot.packed": _packed_snapshot(),
        "copy.vc.jwt": sign_credential(shown, "https://verify.example", issued_at=1_790_000_050, **key),
        "suspension.status.jwt": sign_status_list([2, 9], purpose="suspension", **place, **key),
    }


def files() -> dict[str, bytes]:
    """Every golden file by name."""
    envelope = io.BytesIO()
    encrypt_stream(io.BytesIO(PLAIN), envelope, key=ENVELOPE_KEY, random7=b"goldn-1")
    return {
        "promised.receipt.json": receipt(stage="promised").to_json(),
        "included.receipt.json": receipt(stage="included", salted=False).to_json(),
        "anchored.receipt.json": receipt(signed=True).to_json(),
        "evidenced.receipt.json": receipt(stage="evidenced", salted=False, signed=True).to_json(),
        "anchored.receipts.json": build_bundle(
            ORIGIN, 2, entries()[2:9], checkpoint=note(), paths=[path(i) for i in range(2, 9)], anchor=anchor()
        ).to_json(),
        "promised.receipts.json": build_bundle(
            ORIGIN,
            4,
            entries()[4:6],
            promises=[SIGNER.sign(promise_bytes(log_id(ORIGIN), i, leaf_of(entries()[i]))) for i in (4, 5)],
        ).to_json(),
        "part.disclosure.json": make_disclosure(RECORD, SALT, ["name", "holders", "extra"], receipt()),
        "document.envelope": envelope.getvalue(),
        "part.qr.txt": QrProof.of(receipt(), _part(), ["name", "valid_to"]).to_text().encode(),
        "anchored.tlog-proof": TlogProof.of(receipt()).to_bytes(),
        "checkpoint": note().encode(),
        **_exports(),
        "trust.json": trust(),
        "full.snapshot.json": full_snapshot(),
        "two-roots.equivocation.json": equivocation(),
        "cosigned.checkpoint": cosigned(),
        "heads.record.json": network_heads(),
        "grant.event.json": (VECTORS / "quorum" / "grant.event.json").read_bytes(),
        "backfill.salts.json": salts(),
        "erasures.json": write_erasures(ORIGIN, [Erased(2, ORDER), Erased(INDEX, ORDER, Proof(ORIGIN, SIZE, SALT))]),
        "erasure.entry": erasure_entry(),
    }


def main() -> None:
    """Write what is missing."""
    FOLDER.mkdir(exist_ok=True)
    for name, data in files().items():
        if not (FOLDER / name).exists():
            (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
