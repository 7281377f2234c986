"""The case before the judge: what was presented, what may be believed, and T. Verification.md, head.

Pure. Facts of another chain than the trust file's, or older than it allows, are taken out of the evidence here, once,
so that no check can lean on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum
from functools import lru_cache
from typing import Any

from ledger.types import Anchor, BlockTime, Digest, Kind, Millis
from notary.checks.sealed import Examined, anchored_claim, examine, witnessed
from notary.entry import log_id, parse_origin
from notary.evidence import Evidence, Presented, Unavailable
from notary.receipt import QbftEvidence, Receipt
from notary.report import Check, CheckName, IssueTime, Outcome, Param, TextKey
from notary.trust_file import TrustFile

_SHANGHAI = timezone(timedelta(hours=8))
ANCHOR_LOG = "AnchorLog"
"""The contract's name in the trust file."""
WRONG_CHAIN = Unavailable("wrong_chain")
TOO_OLD = Unavailable("facts_too_old")


class NotThere(Enum):
    """Why a member has no value: the disclosure hides it, or the record, shown whole, has none of that name."""

    HIDDEN = "hidden"
    MISSING = "missing"


HIDDEN, MISSING = NotThere.HIDDEN, NotThere.MISSING


@dataclass(frozen=True, slots=True)
class Bar:
    """Why a check that rests on the trust file or the network can't be made at all: its case and parameters."""

    case: str
    params: Mapping[str, Param]


@dataclass(frozen=True, slots=True)
class Case:
    """All that a check may look at. `at` and `now` in milliseconds."""

    presented: Presented
    evidence: Evidence
    trust: TrustFile | None
    at: Millis
    now: Millis
    time: IssueTime
    other_network: Bar | None
    """The receipt is of a network that the trust file isn't about: checks 4 to 10 are unknown."""
    untrusted: Bar | None
    """The same, or there is no trust file, or it has expired: checks 5 to 10 are unknown."""
    examined: Examined | None = None
    """What the receipt's block evidence proves; None where the trust file's finality rule asks for none."""

    @property
    def receipt(self) -> Receipt:
        return self.presented.receipt

    @property
    def kind(self) -> Kind:
        return self.receipt.entry.kind

    @property
    def accepted_at(self) -> BlockTime:
        """The issuer's word for when it was registered, in whole seconds."""
        return BlockTime(self.receipt.entry.accepted_at // 1000)

    def member(self, name: str) -> Any | NotThere:
        """A member of the record as far as it is shown."""
        if self.presented.record is not None:
            return self.presented.record.get(name, MISSING)
        if self.presented.disclosure is not None:
            return self.presented.disclosure.shown.get(name, HIDDEN)
        return HIDDEN


def open_case(presented: Presented, evidence: Evidence, trust: TrustFile | None, at: Millis, now: Millis) -> Case:
    """Sort out what may be believed, then fix T."""
    receipt = presented.receipt
    network = parse_origin(receipt.origin).network
    other = None
    if trust is not None and network != trust.network:
        other = Bar("other_network", {"network": network, "expected": trust.network})
    untrusted = other or trust_bar(trust, now)
    usable = believable(evidence, None if untrusted else trust, now)
    examined = None if untrusted or trust is None else examined_evidence(receipt, usable, trust)
    time = issue_time(receipt, usable, now, examined)
    return Case(presented, usable, trust, at, now, time, other, untrusted, examined)


def examined_evidence(receipt: Receipt, evidence: Evidence, trust: TrustFile) -> Examined | None:
    """The receipt's block evidence under the rule `qbft`; with another rule it is nobody's business."""
    head, place, own = receipt.head, receipt.anchor, receipt.evidence
    if trust.finality != "qbft" or head is None or place is None or not isinstance(own, QbftEvidence):
        return None
    claim = anchored_claim(ANCHOR_LOG, log_id(receipt.origin), receipt.entry.issuer, head)
    return examine(own, place, claim, trust, witnessed(evidence.snapshot_root, head))


def trust_bar(trust: TrustFile | None, now: Millis) -> Bar | None:
    """Why nothing can rest on the trust file."""
    if trust is None:
        return Bar("no_trust", {})
    if trust.expired(now):
        return Bar("trust_expired", {"expires": moment(trust.expires)})
    return None


def believable(evidence: Evidence, trust: TrustFile | None, now: Millis) -> Evidence:
    """The evidence without what another chain said, and without facts of departments and statuses that are too old."""
    if trust is None:
        return _without_chain(evidence, Unavailable("not_collected"))
    seen = evidence.chain
    if not isinstance(seen, Unavailable) and (seen.chain_id, seen.genesis_hash) != (trust.chain_id, trust.genesis_hash):
        return _without_chain(evidence, WRONG_CHAIN)
    asked = (evidence.anchor, evidence.earliest)
    if any(isinstance(a, Anchor) and not trust.speaks_for(ANCHOR_LOG, a.contract, a.block_number) for a in asked):
        return _without_chain(evidence, WRONG_CHAIN)
    if evidence.as_of is not None and now - evidence.as_of.time * 1000 > trust.max_snapshot_age:
        return replace(evidence, department=TOO_OLD, accreditations=TOO_OLD, decisions=TOO_OLD, keys=TOO_OLD)
    return evidence


def _without_chain(evidence: Evidence, why: Unavailable) -> Evidence:
    return replace(
        evidence, chain=why, as_of=None, head=None, root=why, newest_root=why, anchor=why, earliest=why,
        department=why, accreditations=why, decisions=why, keys=why, carrier=why,
    )  # fmt: skip


def issue_time(receipt: Receipt, evidence: Evidence, now: Millis, examined: Examined | None = None) -> IssueTime:
    """T: block time of the earliest known anchored size above the index, once the chain holds the receipt's own root.

    A tree that the chain holds extends every smaller one that it holds, so the earliest one above the index has the
    entry too. Offline, the block of proven evidence is the earliest that is known.
    Without an anchor, `now` stands for T; it is settled only where the chain said that there is none.
    """
    asked = not isinstance(evidence.earliest, Unavailable)
    head = receipt.head
    if isinstance(evidence.root, Unavailable) and examined is not None and examined.proved_at is not None:
        own = evidence.earliest
        if isinstance(own, Anchor) and own.block_time <= examined.proved_at:  # a snapshot's word
            return IssueTime(own.block_time, anchored=True, settled=True)
        return IssueTime(examined.proved_at, anchored=True, settled=False)
    if head is None or head.root not in (evidence.root, evidence.newest_root):
        nothing_earlier = asked and not isinstance(evidence.earliest, Anchor)
        return IssueTime(BlockTime(now // 1000), anchored=False, settled=nothing_earlier)
    if isinstance(evidence.earliest, Anchor):
        return IssueTime(evidence.earliest.block_time, anchored=True, settled=True)
    own = evidence.anchor
    if isinstance(own, Anchor) and own.root == head.root and own.size == head.size:
        return IssueTime(own.block_time, anchored=True, settled=False)
    return IssueTime(BlockTime(now // 1000), anchored=False, settled=False, unasked=True)


def at_issue(found: Check, time: IssueTime) -> Check:
    """A check that was made at T. Where T couldn't be asked for, what passes now is `unknown`: an outage is no pass."""
    if time.unasked and found.outcome is Outcome.PASS:
        return Check(found.name, Outcome.UNKNOWN, "time_unasked", source="chain")
    return found


def barred(name: CheckName, bar: Bar | None) -> Check:
    """`unknown`, because nothing may be believed; without a bar there is no trust file."""
    bar = bar or Bar("no_trust", {})
    return Check(name, Outcome.UNKNOWN, bar.case, bar.params, source="trust")


def unasked(name: CheckName, why: Unavailable, source: str = "chain") -> Check:
    """`unknown`, because the source couldn't be asked."""
    return Check(name, Outcome.UNKNOWN, "unasked", {"reason": reason(why)}, source=source)


def reason(why: Unavailable) -> TextKey:
    return TextKey(f"reason.{why.reason}", why.reason)


def hexed(value: bytes | Digest | None) -> str | None:
    return None if value is None else value.hex()


def moment(time: int) -> str:
    """Milliseconds as people here write them: Asia/Shanghai with offset."""
    try:
        return _second(time // 1000)
    except (ValueError, OverflowError, OSError):
        return f"{time} ms"


@lru_cache(maxsize=4096)
def _second(time: int) -> str:
    return datetime.fromtimestamp(time, _SHANGHAI).strftime("%Y-%m-%d %H:%M:%S +08:00")
