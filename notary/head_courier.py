"""Carrying a network's heads to a log of another operator's notary, once a day, over its HTTP API (ADR 0034).

A loop of its own for each such log: one that doesn't answer holds up neither sealing nor others. The day's record is
durable here before it is sent, so that a retry sends the same bytes under the same key and nothing stands there twice;
days that an outage held back are sent in order when it ends. Nothing that comes back is believed: the entry must be
ours, the promise that log's, and the checkpoint above it signed by that log and, on our own chain, anchored there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

import structlog

from ledger.crypto.suites import verify_ed25519
from ledger.errors import ChuzhengError, ConfigurationError, IntegrityError
from ledger.ports import Clock
from ledger.types import Digest, Kind, LogId, Millis, Origin
from notary.canonical import canonicalise, parse_record
from notary.checkpoint import parse_checkpoint, promise_bytes
from notary.checks.log import signed_by_log
from notary.commitment import commit
from notary.entry import leaf_of, log_id, parse_origin
from notary.equivocation import Equivocation, find, pieces_of, signed_pieces
from notary.network_heads import NetworkHeads, day_of, heads_records, kept_by
from notary.receipt import Receipt, parse_receipt
from notary.stores.outside import Outside, Standing
from notary.stores.sent_heads import Day, SentHeads
from notary.trust_file import TrustFile

LOOK = 5.0
"""Seconds between two looks, for a new day or for the anchor above what was promised."""
FIRST_PAUSE, LAST_PAUSE = 1.0, 600.0
"""Seconds until a log that couldn't be written to is tried again, and what they grow to."""
ROLE = "heads"
LIES = frozenset({"heads.other_entry", "heads.unsigned", "heads.moved", "heads.other_root", "heads.unproven"})
"""What no outage explains: the other notary's word was false, or its log has two histories."""
_log = structlog.get_logger("notary.head_courier")


class Peer(Protocol):
    """The other notary. UnavailableError where it doesn't answer or says to come again; what it refuses for good is
    raised as it says it."""

    def submit(self, record: bytes, key: str) -> bytes:
        """The receipt of a heads record; the same one for the same key."""
        ...

    def receipt(self, index: int) -> bytes:
        """The newest receipt of an entry, without its salt."""
        ...


@dataclass(frozen=True, slots=True)
class Around:
    """What a courier is told by others: the heads now, the trust file of the other log's network, and the root that
    our own chain holds of a log at a size (None there: not yet; no function: another network's log)."""

    outside: Outside
    clock: Clock
    heads: Callable[[], NetworkHeads | None]
    trust: Callable[[], TrustFile | None]
    anchored: Callable[[LogId, int], Digest | None] | None = None
    keep: Callable[[Equivocation], object] = lambda found: None


class HeadCourier:
    """One for each log of another operator that our heads go into."""

    def __init__(self, target: Origin, peer: Peer, kept: SentHeads, around: Around) -> None:
        self.target, self._peer, self._kept, self._around = target, peer, kept, around
        self._outside, self._clock = around.outside, around.clock
        self._failures = 0

    def run(self, stop: threading.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            stop.wait(self.round())

    def round(self) -> float:
        """Whatever is due; seconds until the next look."""
        now = self._clock.now()
        try:
            self._write(day_of(now))
            for day in self._kept.waiting():
                self._send(day)
            for day in self._kept.promised():
                self._settle(day)
        except ChuzhengError as error:
            self._failures += 1
            lies = error.code in LIES
            told = _log.critical if lies else _log.warning
            told("heads.not_carried", origin=self.target, code=error.code, failures=self._failures)
            self._note(now, error, lies=lies)
            return min(LAST_PAUSE, FIRST_PAUSE * float(1 << min(self._failures, 10)))
        self._failures = 0
        self._note(now, None)
        return LOOK

    def _write(self, today: str) -> None:
        """The day's records, durable before anybody is asked to keep them. The first of a day stands."""
        if self._kept.has(today):
            return
        found = self._around.heads()
        if found is None or not any(head.size for head in found.heads):
            return
        records = heads_records(found, parse_origin(self.target).issuer, today)
        self._kept.put(today, [canonicalise(record) for record in records])
        _log.info("heads.written", day=today, origin=self.target, logs=len(found.heads))

    def _send(self, day: Day) -> None:
        record = self._kept.record(day)
        answer = self._peer.submit(record, sha256(self.target.encode() + b"\0" + record).hexdigest())
        receipt = parse_receipt(answer)
        self._require_ours(record, receipt)
        self._require_signed(receipt)
        self._kept.put_promised(day, receipt.to_json())
        _log.info("heads.carried", day=day.name, origin=self.target, index=receipt.index)

    def _settle(self, day: Day) -> None:
        """What was promised becomes a receipt under a checkpoint that counts; until then the promise stays."""
        record, promised = self._kept.record(day), parse_receipt(self._kept.promise(day))
        found = promised if promised.anchor is not None else parse_receipt(self._peer.receipt(promised.index))
        self._require_same(promised, found)
        if found.checkpoint is None or found.inclusion is None or found.anchor is None:
            return  # on its way there
        salted = replace(found, salt=promised.salt)
        if (why := kept_by(parse_record(record), salted)) is not None:
            raise IntegrityError("heads.unproven", origin=self.target, day=day.name, reason=why)
        self._require_signed(salted)
        if self._around.anchored is not None:
            size = found.inclusion.size
            root = self._around.anchored(LogId(log_id(self.target)), size)
            if root is None:
                return  # our index is behind, or the anchor isn't there: the promise stays
            if root != parse_checkpoint(found.checkpoint).root:
                raise IntegrityError("heads.other_root", origin=self.target, day=day.name, size=size)
        self._kept.put_receipt(day, salted.to_json())

    def _require_ours(self, record: bytes, receipt: Receipt) -> None:
        members = parse_record(record)
        entry, day = receipt.entry, str(members["day"])
        ours = None if receipt.salt is None else commit(members, receipt.salt)
        same = ours is not None and (ours.sha256, ours.sm3) == (entry.sha256, entry.sm3)
        if not same or entry.kind != Kind.CHECKPOINT or entry.issuer != members["issuer"]:
            raise IntegrityError("heads.other_entry", origin=self.target, day=day)
        if receipt.origin != self.target:
            raise IntegrityError("heads.other_entry", origin=self.target, day=day)

    def _require_same(self, promised: Receipt, found: Receipt) -> None:
        """The entry still stands where it was promised to. Where not, both pieces are kept if both are signed."""
        if (found.origin, found.index, found.entry) == (promised.origin, promised.index, promised.entry):
            return
        trust = self._around.trust()
        for one in pieces_of(promised):  # signed, or it wasn't kept as promised
            for other in () if trust is None else signed_pieces(found, trust):
                split = find(self.target, one, other)
                if split is not None:
                    self._around.keep(split)
        raise IntegrityError("heads.moved", origin=self.target, index=promised.index)

    def _require_signed(self, receipt: Receipt) -> None:
        """By a key that the trust file has for that log; whoever has no trust file keeps nothing yet."""
        trust, now = self._around.trust(), self._clock.now()
        if trust is None or trust.expired(now) or not trust.keys_of(self.target):
            raise ConfigurationError("heads.no_trust", origin=self.target)
        if receipt.checkpoint is not None:
            good = signed_by_log(receipt.checkpoint, self.target, trust)
        else:
            good = receipt.promise is not None and _promised(receipt, trust, now)
        if not good:
            raise IntegrityError("heads.unsigned", origin=self.target, index=receipt.index)

    def _note(self, now: Millis, error: ChuzhengError | None, *, lies: bool = False) -> None:
        """For health and `doctor`; what can't be written there mustn't end the loop."""
        code, params = ("", {}) if error is None else (error.code, dict(error.params))
        try:
            waiting, unproven = self._kept.waiting(), self._kept.promised()
            facts = {
                "day": self._kept.newest(), "waiting": len(waiting), "oldest": waiting[0].day if waiting else "",
                "unproven": unproven[0].day if unproven else "",
            }  # fmt: skip
            self._outside.note(ROLE, Standing(self.target, now, code, params, lies, facts))
        except ChuzhengError as failed:
            _log.error("heads.not_noted", origin=self.target, code=failed.code)


def _promised(receipt: Receipt, trust: TrustFile, now: Millis) -> bool:
    message = promise_bytes(log_id(receipt.origin), receipt.index, leaf_of(receipt.entry.to_bytes()))
    keys = [key for key in trust.keys_of(receipt.origin) if key.valid_at(now)]
    return any(verify_ed25519(key.ed25519, receipt.promise or b"", message) for key in keys)
