"""What block evidence proves by a trust file: sealed by its validators, and the event in it (formats.md §6, §8).

Pure. A flaw speaks against the evidence, a doubt only against our knowledge: the trust file is older than the block,
lists no validators of that height, or says that their keys were stolen. Whoever can, asks the chain then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ledger.errors import InputError
from ledger.evidence.events import Event, proven_event
from ledger.evidence.header import QbftHeader, parse_header, quorum
from ledger.types import BlockTime, Digest
from notary.checkpoint import Checkpoint
from notary.receipt import QbftEvidence, ReceiptAnchor
from notary.report import Param
from notary.trust_file import TrustFile, ValidatorSet

LEAST_VALIDATORS = 4
"""A smaller set survives no dishonest member: what it sealed isn't final offline."""
ANCHORED_TOPIC = bytes.fromhex("c88d5c7068287610e1024b29dfd53872465fb3912264c5fd60a38595ef9bdd00")
"""keccak256("Anchored(bytes32,bytes32,uint64,bytes32)")"""
STALE, NO_SET, COMPROMISED, OTHER_SNAPSHOT = "trust.stale", "trust.no_set", "trust.compromised", "trust.other_snapshot"


@dataclass(frozen=True, slots=True)
class Claim:
    """What an event is said to be: of the trust file's contract of this name, with exactly these topics and data."""

    contract: str
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of it. `flaw`: an `evidence.*` code of the header or its seals; `event_flaw`: of proof or event;
    `doubt`: a `trust.*` code, with its message's parameters."""

    flaw: str | None = None
    event_flaw: str | None = None
    doubt: str | None = None
    params: Mapping[str, Param] = field(default_factory=dict)
    time: BlockTime | None = None
    validators: int = 0
    event: Event | None = None

    @property
    def wrong(self) -> str | None:
        """Why the evidence is wrong, if it is."""
        return self.flaw or self.event_flaw

    @property
    def proves(self) -> bool:
        """The event was emitted in a block that a quorum of the trust file's validators sealed."""
        return self.wrong is None and self.doubt is None

    @property
    def proved_at(self) -> BlockTime | None:
        """The block's time, if the evidence proves anything."""
        return self.time if self.proves else None

    @property
    def final(self) -> bool:
        """And there are enough of them for nobody to need the chain's word."""
        return self.proves and self.validators >= LEAST_VALIDATORS


def anchored_claim(contract: str, log: bytes, issuer: str, head: Checkpoint) -> Claim:
    """The event `Anchored` of a checkpoint: log id and issuer (left-aligned) as topics, size and root as data."""
    topics = (ANCHORED_TOPIC, log, issuer.encode("ascii").ljust(32, b"\0"))
    return Claim(contract, topics, head.size.to_bytes(32, "big") + head.root)


def examine(
    evidence: QbftEvidence, place: ReceiptAnchor, claim: Claim, trust: TrustFile, witnessed: bool | None = None
) -> Examined:
    """Judge `evidence` for an event that `place` says to be in a block. `witnessed`: whether a believed snapshot has
    the same (log, size, root); None where it has none or there is no snapshot."""
    try:
        _check_chain(place, trust)
        header = parse_header(evidence.header)
        _check_place(header, place)
        group = trust.validators_at(header.number)
        if group is None:
            return Examined(doubt=NO_SET, params={"block": header.number})
        if set(header.validators) != set(group.validators):
            if header.number > trust.as_of_block:
                return Examined(doubt=STALE, params={"block": header.number, "as_of": trust.as_of_block})
            raise InputError("evidence.validators")
        sealed = _check_seals(header, group)
    except InputError as error:
        return Examined(flaw=error.code)
    found = Examined(
        params={"block": header.number, "count": len(group.validators), "sealed": sealed},
        time=header.time,
        validators=len(group.validators),
    )
    try:
        event = proven_event(header.receipts_root, evidence.tx_index, evidence.log_index, evidence.receipt_proof)
        found = replace(found, event=event)
        if _may_be_newer(event, claim, place, trust):
            return replace(found, doubt=STALE, params={"block": header.number, "as_of": trust.as_of_block})
        check_event(event, claim, place, trust)
    except InputError as error:
        return replace(found, event_flaw=error.code)
    if group.compromised_since is not None and witnessed is not True:
        return replace(found, doubt=COMPROMISED if witnessed is None else OTHER_SNAPSHOT)
    return found


def check_event(event: Event, claim: Claim, place: ReceiptAnchor, trust: TrustFile) -> None:
    """The event is the claimed one, of the contract in force at its block. InputError `evidence.*`."""
    if event.address != place.contract or not trust.speaks_for(claim.contract, event.address, place.block_number):
        raise InputError("evidence.contract", name=claim.contract)
    if event.topics != claim.topics:
        raise InputError("evidence.topics")
    if event.data != claim.data:
        raise InputError("evidence.data")


def _may_be_newer(event: Event, claim: Claim, place: ReceiptAnchor, trust: TrustFile) -> bool:
    """Whether the event is of a contract that the trust file doesn't have, in a block later than what it knows."""
    known = trust.addresses_of(claim.contract)
    return event.address == place.contract and event.address not in known and place.block_number > trust.as_of_block


def witnessed(root: Digest | object, head: Checkpoint) -> bool | None:
    """Whether a snapshot's root for the size is the checkpoint's; None where it has none."""
    return root == head.root if isinstance(root, bytes) else None


def _check_chain(place: ReceiptAnchor, trust: TrustFile) -> None:
    for member, expected in (("chain_id", trust.chain_id), ("genesis_hash", trust.genesis_hash)):
        if getattr(place, member) != expected:
            raise InputError("evidence.chain", member=member)


def _check_place(header: QbftHeader, place: ReceiptAnchor) -> None:
    for member, found in (("block_hash", header.hash), ("block_number", header.number), ("block_time", header.time)):
        expected = getattr(place, member)
        if found != expected:
            raise InputError("evidence.place", member=member, expected=expected, found=found)


def _check_seals(header: QbftHeader, group: ValidatorSet) -> int:
    """How many distinct validators of the trust file's set sealed; seals of others count for nothing."""
    found = len(header.sealers() & set(group.validators))
    if found < quorum(len(group.validators)):
        raise InputError("evidence.quorum", expected=quorum(len(group.validators)), found=found)
    return found
