"""From a submission to a report: parse, collect, verify. The page and the API share this; nothing is kept or logged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import structlog

from api.parts import Parts
from api.remembered import Unknown
from api.statuses.lookup import Standing, by_identifier
from api.verifications.submission import Submission, present
from ledger.errors import NotFoundError
from ledger.ports import ChainReader
from ledger.types import Millis
from notary.collect import Collector
from notary.contradictions import known_against, met
from notary.evidence import ErasedBy, Evidence, IdentifierAlone, Located, Presented
from notary.report import Report
from notary.stores.equivocations import FOLDER, Equivocations
from notary.trust_file import TrustFile
from notary.verify import verify

__all__ = ["collect_quickly", "judge", "judge_identifier", "present"]
Add = Callable[[Evidence], Evidence]
_log = structlog.get_logger("api.verifications")


def judge(parts: Parts, presented: Presented, at: Millis | None, add: Add | None = None) -> Report:
    """The report about what was presented, for the instant `at` (None: now); `add`: what came with it as evidence."""
    return _collected(parts, presented, at, parts.chain_now(), add)()


def collect_quickly(parts: Parts, presented: Presented, at: Millis | None) -> Callable[[], Report] | None:
    """What gives the same report, where everything that it needs is known here at this moment; None: `judge` has to
    ask. What is judged by is fixed now, whenever it is called.

    For the server's loop, which mustn't wait: crossing to a thread and back costs as much as judging.
    """
    if parts.remembered is None or presented.receipt.inclusion is None or not presented.comparable:
        return None  # the log would be asked too
    try:
        return _collected(parts, presented, at, parts.remembered.quick_view())
    except Unknown:
        return None


def _collected(
    parts: Parts, presented: Presented, at: Millis | None, chain: ChainReader | None, add: Add | None = None
) -> Callable[[], Report]:
    """The judge with everything before him: instants, trust file and evidence."""
    now = parts.clock.now()
    issuer = parts.directory.get(presented.receipt.entry.issuer)
    collector = Collector(chain, parts.log_reader, contact=issuer.contact or None if issuer else None)
    trust = parts.trust
    evidence = collector.collect(presented, trust, now)
    if trust is not None:
        evidence = _with_proofs(parts, presented, evidence, trust, now)
    if add is not None:
        evidence = add(evidence)
    return partial(verify, presented, evidence, trust, at if at is not None else now, now)


def _with_proofs(parts: Parts, presented: Presented, evidence: Evidence, trust: TrustFile, now: Millis) -> Evidence:
    """The evidence with kept proofs of equivocation against the receipt; one that is met now is kept, and said."""
    proofs = _proofs(parts.settings.home)
    found = met(presented.receipt, evidence, trust)
    if found is not None:
        path = proofs.keep(found)
        _log.critical("log.equivocation", origin=found.origin, what=found.what.value, proof=path.name)
    kept = known_against(presented.receipt, proofs.all(presented.receipt.origin), trust, now)
    return replace(evidence, equivocations=kept) if kept else evidence


@lru_cache(maxsize=8)
def _proofs(home: Path) -> Equivocations:
    return Equivocations(home / FOLDER)


class _NothingFound:
    """A log reader that has been asked for an identifier and has none: what a refused look-up is answered by."""

    def checkpoint(self, origin: str) -> str | None:
        return None

    def checkpoint_at(self, origin: str, size: int) -> str | None:
        return None

    def entry(self, origin: str, index: int) -> bytes | None:
        return None

    def inclusion(self, origin: str, index: int, size: int) -> Sequence[bytes]:
        return ()

    def erased(self, origin: str, index: int) -> ErasedBy | None:
        return None

    def locate(self, identifier: str) -> Sequence[Located]:
        return ()


def judge_identifier(parts: Parts, submission: Submission) -> tuple[Report, Standing | None]:
    """The status answer to an identifier, by the rules of public look-up: wrong and unknown answer alike.

    Standing None: nothing registered matches, and the report says `not_registered`.
    """
    identifier, now = submission.identifier or "", parts.clock.now()
    standing: Standing | None
    try:
        standing = by_identifier(parts, identifier, submission.shown)
    except NotFoundError:
        standing = None
    reader = parts.log_reader if standing is not None else _NothingFound()
    request = IdentifierAlone(identifier)
    contact = None
    if standing is not None:
        named = parts.directory.get(standing.issuer)
        contact = named.contact or None if named else None
    trust = parts.trust
    evidence = Collector(parts.chain_now(), reader, contact=contact).collect(request, trust, now)
    at = submission.at if submission.at is not None else now
    return verify(request, evidence, trust, at, now), standing
