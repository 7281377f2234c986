"""A department with its log, a chain that it anchors on, and a verifier's trust file: a whole small world in memory.

Real formats, real keys, the in-memory chain; `FakeLog` is a LogReader over the same entries, with fail hooks.

    world = World()
    receipt = world.register(record)          # promised
    world.seal(); world.anchor()              # included, anchored
    receipt = world.receipt(0)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.codes.certificate_ids import make_identifier
from ledger.crypto.keys import Ed25519Signer
from ledger.errors import UnavailableError
from ledger.types import Address, Anchor, ChainHash, Contract, Kind, Millis, Origin
from notary.checkpoint import Checkpoint, promise_bytes, sign_checkpoint
from notary.commitment import commit
from notary.entry import Entry, leaf_of, log_id, make_origin, parse_origin
from notary.evidence import ErasedBy, Located
from notary.merkle import inclusion_path, root_from_leaves
from notary.receipt import Inclusion, NoEvidence, Receipt, ReceiptAnchor
from notary.trust import LogKey, TrustFile, make_trust, parse_trust
from tests.fakes.chain import ANCHOR_LOG, GENESIS_TIME, FakeChain

ISSUER = "11420000MB9543829Q"
OTHER = "11429021009997812P"
TYPE = "11100000009985328F011"
NETWORK = "test"
DAY = 24 * 3_600_000


def signer(seed: str) -> Ed25519Signer:
    return Ed25519Signer(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest()))


def certificate(serial: str = "A1", **changes: Any) -> dict[str, Any]:
    """A certificate/1 record of 12 and more members, well formed."""
    record = {
        "schema": "certificate/1",
        "kind": "certificate",
        "issuer": ISSUER,
        "type": TYPE,
        "identifier": make_identifier(TYPE, ISSUER, serial, 1),
        "identifier_form": "issued",
        "version": 1,
        "capture": "data",
        "name": "食品经营许可证",
        "number": f"JY{serial}",
        "issuer_name": "湖北省市场监督管理局",
        "issue_date": "2026-01-05",
        "valid_from": "2026-01-05",
        "valid_to": "2031-01-04",
        "holders": [{"name": "某某餐饮（样例）", "code_type": "001", "code": "91420526MA9986781L"}],
    }
    return {**record, **changes}


def document(content: bytes, **changes: Any) -> dict[str, Any]:
    """A document/1 record of a file with this content."""
    member = {
        "media_type": "application/pdf",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "sm3": hashlib.new("sm3", content).hexdigest(),
    }
    return {"schema": "document/1", "kind": "document", "issuer": ISSUER, "document": member, **changes}


@dataclass
class FakeLog:
    """notary.collect.LogReader over a World; `fail` lets every call raise UnavailableError until `mend`."""

    world: World
    known: dict[str, list[Located]] = field(default_factory=dict)
    failing: bool = False

    def fail(self) -> None:
        self.failing = True

    def mend(self) -> None:
        self.failing = False

    def _asked(self) -> None:
        if self.failing:
            raise UnavailableError("log.unreachable")

    def checkpoint(self, origin: str) -> str | None:
        self._asked()
        return self.world.note if origin == self.world.origin else None

    def checkpoint_at(self, origin: str, size: int) -> str | None:
        return self.checkpoint(origin) if size == self.world.size else None

    def entry(self, origin: str, index: int) -> bytes | None:
        self._asked()
        return self.world.entries[index] if index < self.world.size else None

    def inclusion(self, origin: str, index: int, size: int) -> Sequence[bytes]:
        self._asked()
        return inclusion_path([leaf_of(e) for e in self.world.entries[:size]], index)

    def erased(self, origin: str, index: int) -> ErasedBy | None:
        self._asked()
        return self.world.erased.get(index)

    def locate(self, identifier: str) -> Sequence[Located]:
        self._asked()
        return self.known.get(identifier, [])


class World:
    """One issuer, accredited for TYPE since before it began; times follow the chain's clock."""

    def __init__(self, *, finality: str = "none", chain_depth: int = 0, accredited: bool = True) -> None:
        self.chain = FakeChain(depth=chain_depth)
        self.key = signer("log")
        self.origin = make_origin(NETWORK, parse_origin(f"chuzheng/{NETWORK}/{ISSUER}").issuer)
        self.chain.admit(ISSUER)
        if accredited:
            self.chain.accredit(ISSUER, TYPE, GENESIS_TIME)
        self.log_id = self.chain.open_log(self.origin)
        self.log = FakeLog(self)
        self.entries: list[bytes] = []
        self.salts: list[bytes] = []
        self.erased: dict[int, ErasedBy] = {}
        self.size = 0
        self.note: str | None = None
        self.anchored: Anchor | None = None
        self.trust = self.make_trust(finality=finality)

    @property
    def now(self) -> Millis:
        """Milliseconds at the chain's newest block."""
        return Millis(self.chain._blocks[-1].time * 1000)  # also while the chain is made to fail

    def make_trust(self, **changes: Any) -> TrustFile:
        """A trust file for this world; `changes` are make_trust's arguments."""
        arguments: dict[str, Any] = {
            "network": NETWORK,
            "chain_id": self.chain.chain,
            "genesis_hash": self.chain.genesis_hash(),
            "finality": "none",
            "council": [("owner", signer("owner"))],
            "contracts": [Contract("AnchorLog", Address(ANCHOR_LOG), ChainHash("0x" + "11" * 32), 0)],
            "log_keys": [LogKey(Origin(self.origin), self.origin, self.key.public_key, Millis(GENESIS_TIME * 1000))],
            "issued_at": Millis(GENESIS_TIME * 1000),
            "as_of_block": 0,
        }
        return parse_trust(make_trust(**{**arguments, **changes}))

    def register(
        self,
        record: dict[str, Any],
        *,
        kind: Kind = Kind.CERTIFICATE,
        issuer: str = ISSUER,
        accepted: int | None = None,
    ) -> Receipt:
        """Put a record's entry into the log: a promised receipt, with its salt."""
        salt = hashlib.sha256(f"salt {len(self.entries)}".encode()).digest()
        found = commit(record, salt)
        time = self.now if accepted is None else Millis(accepted)
        entry = Entry(kind, parse_origin(f"chuzheng/{NETWORK}/{issuer}").issuer, time, found.sha256, found.sm3)
        self.entries.append(entry.to_bytes())
        self.salts.append(salt)
        index = len(self.entries) - 1
        promise = self.key.sign(promise_bytes(log_id(self.origin), index, leaf_of(entry.to_bytes())))
        return Receipt(entry, self.origin, index, salt=salt, promise=promise)

    def root(self, size: int | None = None) -> bytes:
        return root_from_leaves([leaf_of(e) for e in self.entries[: self.size if size is None else size]])

    def seal(self) -> str:
        """Sign a checkpoint over all entries."""
        self.size = len(self.entries)
        self.note = sign_checkpoint(Checkpoint(self.origin, self.size, self.root()), self.origin, self.key)  # type: ignore[arg-type]
        return self.note

    def anchor(self) -> Anchor:
        """Anchor the newest checkpoint."""
        self.anchored = self.chain.anchor(self.log_id, self.size, self.root())
        return self.anchored

    def receipt(self, index: int, *, stage: str = "anchored") -> Receipt:
        """The receipt of an entry at a stage that the world has come to."""
        entry = Entry.from_bytes(self.entries[index])
        message = promise_bytes(log_id(self.origin), index, leaf_of(self.entries[index]))
        promised = Receipt(entry, self.origin, index, salt=self.salts[index], promise=self.key.sign(message))
        if stage == "promised":
            return promised
        path = tuple(inclusion_path([leaf_of(e) for e in self.entries[: self.size]], index))
        included = replace(promised, inclusion=Inclusion(self.size, path), checkpoint=self.note)
        if stage == "included":
            return included
        assert self.anchored is not None
        return replace(included, anchor=ReceiptAnchor.of(self.anchored), evidence=NoEvidence())

    def anchored_record(self, record: dict[str, Any], **options: Any) -> Receipt:
        """Register, seal and anchor in one go: an anchored receipt with its salt."""
        receipt = self.register(record, **options)
        self.seal()
        self.anchor()
        return self.receipt(receipt.index)
