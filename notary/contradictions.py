"""Equivocation as verification meets it: what was presented against what log and chain say now, and what is kept.

Pure. `verify` fails check 5 by itself; this makes the proof that lasts, with both signed pieces whole, and brings kept
proofs to the receipts that they speak against.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.types import Anchor, Millis
from notary.checks.log import signed_by_log
from notary.equivocation import ChainHead, Equivocation, Piece, Shown, SignedHead, find, judge, pieces_of, signed_pieces
from notary.evidence import Equivocation as Told
from notary.evidence import Evidence, LogSeen
from notary.receipt import NoEvidence, Receipt, ReceiptAnchor
from notary.report import Outcome
from notary.trust_file import TrustFile


def met(receipt: Receipt, evidence: Evidence, trust: TrustFile) -> Equivocation | None:
    """The proof that a receipt and what was collected about it make; None where they may both be true, or where one of
    the two isn't the log's: a receipt that somebody edited accuses nobody."""
    others: list[Piece] = []
    seen, anchor = evidence.log, evidence.anchor
    if isinstance(seen, LogSeen) and signed_by_log(seen.checkpoint, receipt.origin, trust):
        shown = None if seen.entry is None else Shown(receipt.index, seen.entry, seen.path)
        others.append(SignedHead(seen.checkpoint, shown))
    own = receipt.head
    same = own is not None and isinstance(anchor, Anchor) and (own.size, own.root) == (anchor.size, anchor.root)
    if (
        isinstance(anchor, Anchor) and evidence.root == anchor.root and not same
    ):  # mostly the chain says what the log did
        others.append(ChainHead(anchor.size, anchor.root, ReceiptAnchor.of(anchor), NoEvidence()))
    found = (find(receipt.origin, own, other) for own in signed_pieces(receipt, trust) for other in others)
    return next((one for one in found if one is not None), None)


def known_against(
    receipt: Receipt, kept: Iterable[Equivocation], trust: TrustFile | None, now: Millis
) -> tuple[Told, ...]:
    """Of the kept proofs, those that hold and of which one piece contradicts this receipt: as `verify` takes them."""
    told = []
    for proof in kept:
        if proof.origin != receipt.origin or judge(proof, trust, now).outcome is not Outcome.PASS:
            continue
        for own in pieces_of(receipt):
            for piece in (proof.first, proof.second):
                if find(receipt.origin, own, piece) is not None:
                    told.append(Told(proof.first_text, proof.second_text))
                    break
    return tuple(dict.fromkeys(told))
