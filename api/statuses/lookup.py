"""Public look-up by identifier: anchored or not, status, issuer, dates of decisions. Verification.md, last paragraph.

A person's certificate is answered only to who knows one value on it: the last four of the holder's number, or the issue
date. Wrong and unknown answer alike, and no sooner than `FLOOR`, whatever was found.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from api.parts import Parts
from ledger.codes.holder_types import holder_types
from ledger.errors import ChuzhengError, NotFoundError, UnavailableError
from ledger.statuses import Decision
from ledger.types import Anchor, Digest, Origin
from notary.entry import Entry, log_id, status_key

FLOOR = 0.25
"""Seconds: above what any of the paths takes while nothing is wrong."""
ORGANISATION = "organisation"
log = structlog.get_logger("api.lookup")


@dataclass(frozen=True, slots=True)
class Standing:
    """One registered entry as the public may see it. `decisions` None: the chain couldn't be asked."""

    origin: Origin
    index: int
    version: int | None
    issuer: str
    key: Digest
    anchor: Anchor | None
    decisions: tuple[Decision, ...] | None


def by_identifier(parts: Parts, identifier: str, shown: str | None) -> Standing:
    """The newest version under this identifier. NotFoundError `status.unknown` if none, or `shown` is wrong."""
    with at_least(FLOOR):
        notary = parts.the_notary()
        located = notary.locate(identifier=identifier)
        found = located[-1] if located else None
        record: Mapping[str, Any] = {}
        if found is not None:
            try:
                record = notary.record(found.origin, found.index)
            except NotFoundError:
                found = None  # kept by who committed it: nothing here to compare with
        knows = knows_one_value(record, shown or "")
        if found is None or (is_personal(record) and not knows):
            log.info("lookup", answered=False)
            raise NotFoundError("status.unknown")
        log.info("lookup", answered=True)
        entry = Entry.from_bytes(notary.prover.entry(found.origin, found.index))
        key = status_key(entry.issuer, entry.sha256)
        return Standing(
            found.origin,
            found.index,
            found.version,
            entry.issuer,
            key,
            anchor_of(parts, found.origin, found.index),
            decisions_of(parts, key),
        )


def is_personal(record: Mapping[str, Any]) -> bool:
    """Whether any holder isn't an organisation; a holder of unknown type counts as a person."""
    holders = record.get("holders")
    if not isinstance(holders, list) or not holders:
        return True
    types = holder_types()
    return any(h.get("code_type") not in types or types[h["code_type"]].group != ORGANISATION for h in holders)


def knows_one_value(record: Mapping[str, Any], shown: str) -> bool:
    """Whether `shown` is the issue date or the last four of a holder's number; every value is compared, always."""
    said = shown.strip().upper().encode()
    right = [str(record.get("issue_date", "")).encode()]
    right += [str(holder.get("code", ""))[-4:].upper().encode() for holder in record.get("holders", [])]
    hits = [hmac.compare_digest(said, value) for value in right if len(value) >= 4]
    return any(hits)


def decisions_of(parts: Parts, key: Digest) -> tuple[Decision, ...] | None:
    """What the chain holds of a status key; None during an outage, which is no answer."""
    try:
        return tuple(parts.the_chain().decisions(key))
    except UnavailableError:
        return None


def anchor_of(parts: Parts, origin: Origin, index: int) -> Anchor | None:
    """The earliest known anchor above `index`, or None."""
    try:
        found = parts.the_chain().anchors(log_id(origin), above_size=index)
    except UnavailableError:
        return None
    return found[0] if found else None


@contextmanager
def at_least(seconds: float) -> Iterator[None]:
    """Leave no sooner than `seconds` after entering, also by an exception of ours."""
    started = time.monotonic()
    try:
        yield
    except ChuzhengError:
        _wait(started, seconds)
        raise
    _wait(started, seconds)


def _wait(started: float, seconds: float) -> None:
    time.sleep(max(0.0, seconds - (time.monotonic() - started)))
