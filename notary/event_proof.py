"""An event that stands alone: that contract C of the network emitted E, with the block evidence for it (ADR 0017).

Pure. `chuzheng-event/1` does for decisions and grants what a receipt's `anchor` and `evidence` do for checkpoints; it
is judged by the trust file alone, with the same rules and codes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ledger.errors import UnreadableError
from ledger.evidence.sealed import EventProof as Captured
from ledger.types import Block, ChainHash, Millis
from notary import members
from notary.b64 import to_b64
from notary.canonical import parse_strict
from notary.checks.case import trust_bar
from notary.checks.sealed import Claim, examine
from notary.receipt_parts import (
    Evidence,
    NoEvidence,
    QbftEvidence,
    ReceiptAnchor,
    anchor_to_value,
    evidence_to_value,
    read_anchor,
    read_evidence,
)
from notary.report import Outcome
from notary.trust_file import TrustFile

FORMAT = "chuzheng-event/1"
SUFFIX = ".event.json"
MAX_BYTES = 256 << 10
MAX_TOPICS = 4
_NAMES = frozenset({"format", "network", "name", "topics", "data", "place", "evidence"})


@dataclass(frozen=True, slots=True)
class EventProof:
    """`name`: the contract's, as the trust file has it; `topics` 1 to 4 of 32 bytes; `place` as a receipt's anchor."""

    network: str
    name: str
    topics: tuple[bytes, ...]
    data: bytes
    place: ReceiptAnchor
    evidence: Evidence

    def to_json(self) -> bytes:
        """The file's bytes."""
        value = {
            "format": FORMAT,
            "network": self.network,
            "name": self.name,
            "topics": ["0x" + topic.hex() for topic in self.topics],
            "data": to_b64(self.data),
            "place": anchor_to_value(self.place),
            "evidence": evidence_to_value(self.evidence),
        }
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class EventJudgement:
    """Whether the event was emitted, and for good. `code`: `sealed`, or why not: an `evidence.*` or `trust.*` code,
    `no_evidence`, `small_set`, `other_network`, `no_trust`, `trust_expired`, `other_rule`."""

    outcome: Outcome
    code: str


def proof_of_event(
    captured: Captured, block: Block, tx_hash: ChainHash, *, network: str, name: str, chain_id: int, genesis: ChainHash
) -> EventProof:
    """The file for an event of contract `name` that was captured in `block`."""
    event = captured.event
    place = ReceiptAnchor(chain_id, genesis, event.address, tx_hash, block.number, block.hash, block.time)
    return EventProof(network, name, event.topics, event.data, place, evidence_of(captured))


def evidence_of(captured: Captured | None) -> Evidence:
    """The evidence member of what was captured; None: there is none yet, or the engine has none."""
    if captured is None:
        return NoEvidence()
    return QbftEvidence(captured.header, captured.tx_index, captured.log_index, captured.receipt_proof)


def parse_event(data: bytes) -> EventProof:
    """Read a file strictly; UnreadableError on anything that ADR 0017 doesn't say."""
    value = members.check_names(FORMAT, parse_strict(data, limit=MAX_BYTES), _NAMES, _NAMES)
    if value["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    topics = members.read_list(FORMAT, "topics", value["topics"], MAX_TOPICS)
    if not topics:
        raise UnreadableError("format.list", where=FORMAT, member="topics", limit=MAX_TOPICS)
    return EventProof(
        members.read_text(FORMAT, "network", value["network"], 32),
        members.read_text(FORMAT, "name", value["name"], 128),
        tuple(bytes.fromhex(members.read_chain_hash(FORMAT, "topics", topic)[2:]) for topic in topics),
        members.read_b64(FORMAT, "data", value["data"]),
        read_anchor(FORMAT, value["place"]),
        read_evidence(FORMAT, value["evidence"]),
    )


def judge_event(proof: EventProof, trust: TrustFile | None, now: Millis) -> EventJudgement:
    """Offline, by the trust file: pass where a quorum of at least 4 sealed a block with exactly this event.

    A set whose keys were compromised never counts here: snapshots vouch for checkpoints only.
    """
    if (bar := trust_bar(trust, now)) is not None or trust is None:
        return EventJudgement(Outcome.UNKNOWN, bar.case if bar else "no_trust")
    if proof.network != trust.network:
        return EventJudgement(Outcome.UNKNOWN, "other_network")
    if trust.finality != "qbft":
        return EventJudgement(Outcome.UNKNOWN, "other_rule")
    if isinstance(proof.evidence, NoEvidence):
        return EventJudgement(Outcome.UNKNOWN, "no_evidence")
    found = examine(proof.evidence, proof.place, Claim(proof.name, proof.topics, proof.data), trust)
    if found.wrong is not None:
        return EventJudgement(Outcome.FAIL, found.wrong)
    if found.doubt is not None:
        return EventJudgement(Outcome.UNKNOWN, found.doubt)
    return EventJudgement(Outcome.PASS, "sealed") if found.final else EventJudgement(Outcome.UNKNOWN, "small_set")
