"""Decisions on what is anchored: checked against the history, proven from the log, handed to the outbox.

The contract has the last word (contracts.md, CertificateStatus); its twin in ledger.statuses is asked first, so that a
decision that can't stand is refused here, in words, before it costs a transaction. Anchoring never decides by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ledger.codes.causes import check_cause
from ledger.errors import ConfigurationError, ConflictError, InputError, UnavailableError
from ledger.lanes import lane_of
from ledger.statuses import Decider, Decision, DecisionCode, NewDecision, check_annulment, check_move
from ledger.types import Address, Block, BlockTime, DepartmentCode, Digest, Kind, Origin
from notary.disclosure import Disclosure, recompute
from notary.entry import Entry, log_id, parse_origin, status_key
from notary.prove import AnchorIndex
from notary.service import Notary
from notary.worker import REFUSED, Outbox

Place = tuple[Origin, int]
"""A log and a position in it."""
WITH_STATUS = frozenset({Kind.CERTIFICATE, Kind.DOCUMENT, Kind.CREDIT})
ZERO = bytes(32)
NO_PROOF: tuple[Any, ...] = (ZERO, b"", 0, 0, [])
"""The contract's `Proof` for "none needed"."""
NO_TYPE: tuple[Any, ...] = (ZERO, ZERO, ZERO, 0, 0, ZERO, [])
"""The contract's `TypeProof` for "none needed"."""


class DecisionIndex(AnchorIndex, Protocol):
    """What the index of the chain tells about decisions."""

    def decisions(self, status_key: Digest) -> Sequence[Decision]: ...

    def cursor(self) -> Block | None:
        """The newest block that the index holds."""
        ...

    def tells(self, block: int) -> bool:
        """Whether the index tells what happened in this block."""
        ...


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is decided about; `place` and `entry` only where it stands in a log of this notary, `disclosure` where
    another department's entry is shown."""

    key: Digest
    owner: bool
    place: Place | None = None
    entry: bytes = b""
    disclosure: Disclosure | None = None


class Decisions:
    """Builds the intents of a notary's departments; `operators`: each one's lanes, addresses with the role STATUS."""

    def __init__(
        self,
        notary: Notary,
        outbox: Outbox,
        index: DecisionIndex,
        *,
        operators: Mapping[DepartmentCode, Sequence[Address]],
    ) -> None:
        self._notary, self._outbox, self._index = notary, outbox, index
        self._operators = dict(operators)

    def decide(
        self,
        department: DepartmentCode,
        about: Digest | Place | Disclosure,
        code: DecisionCode,
        *,
        cause: int = 0,
        effective_from: BlockTime | None = None,
        basis: Digest | None = None,
        until: BlockTime | None = None,
        ends: int | None = None,
        successor: Place | None = None,
    ) -> str:
        """Hand a decision to the outbox; the intent's key, to ask its state by. Asked again: the same key.

        `about` is a place in an own log, a status key that has decisions already, or the disclosure of another
        department's certificate: with `type` shown, the competent department takes the first decision.
        `effective_from` (seconds; 0 from the start) is the newest block's time if not given, the first time that it is
        asked for; `successor` is for SUPERSEDED only. What the chain refused is tried anew, under another key.
        InputError, DeniedError or
        ConflictError `status.…` as the contract would say; UnavailableError while the entry isn't anchored.
        """
        check_cause(code, cause)
        subject = self._subject(department, about)
        history = self._index.decisions(subject.key)
        now = self._now()
        heir = None if successor is None else self._subject(department, successor)
        if heir is not None and heir.key == subject.key:
            raise InputError("decision.own_successor")
        given = (int(code), cause, effective_from, basis, until, ends, heir.key if heir else None)
        pending = self._free(self._intent_key("decide", subject.key, len(history), department, given))
        if self._outbox.status(pending) is not None:
            return pending
        if effective_from is None and (taken := self._just_taken(subject.key, history, department, given)) is not None:
            return taken
        new = NewDecision(
            code,
            cause,
            now if effective_from is None else effective_from,
            basis,
            heir.key if heir else None,
            until,
            ends,
        )
        # Whether a stranger to the log is competent (or succeeded its owner), or the department suspended, only the
        # chain knows: it is asked by the sender's preflight. Without decisions and a disclosure nobody else may begin.
        may_be = not subject.owner and bool(history or subject.disclosure)
        by = Decider(department, owner=subject.owner, competent=True if may_be else None)
        earlier = check_move(history, new, by, now)
        if earlier is not None:
            pending = self._free(self._intent_key("decide", subject.key, earlier - 1, department, given))
        decision = (
            int(code), cause, new.effective_from, basis or ZERO, new.successor or ZERO, until or 0, ends or 0
        )  # fmt: skip
        proof, shown = (NO_PROOF, NO_TYPE) if history else (self._proof(subject), _type_proof(subject))
        if heir is not None:
            self._enqueue(
                department, pending, subject.key, "supersede", (subject.key, decision, proof, self._proof(heir), shown)
            )
        elif history:
            self._enqueue(department, pending, subject.key, "decide", (subject.key, decision))
        else:
            self._enqueue(department, pending, subject.key, "decideFirst", (subject.key, decision, proof, shown))
        return pending

    def annul(
        self,
        department: DepartmentCode,
        about: Digest | Place | Disclosure,
        number: int,
        *,
        basis: Digest | None = None,
    ) -> str:
        """Strike decision `number` down, for all dates; the intent's key. Both acts stay visible."""
        subject = self._subject(department, about)
        history = self._index.decisions(subject.key)
        # As in `decide`: whether a stranger to the log is competent, or the successor, only the chain knows.
        by = Decider(department, owner=subject.owner, competent=None if subject.owner else True)
        check_annulment(history, number, by)
        pending = self._free(self._intent_key("annul", subject.key, number, department, (basis,)))
        self._enqueue(department, pending, subject.key, "annul", (subject.key, number, basis or ZERO))
        return pending

    def visible(self, block: int | None) -> bool:
        """Whether what a block did is in the history that the next decision is checked against. An intent is told as
        final only then: who waits for it and decides again must not be judged by yesterday's history."""
        return block is None or self._index.tells(block)

    def key_of(self, place: Place) -> Digest:
        """The status key of an entry in a log of this notary."""
        return self._subject(parse_origin(place[0]).issuer, place).key

    def _subject(self, department: DepartmentCode, about: Digest | Place | Disclosure) -> _Subject:
        if isinstance(about, Disclosure):
            return self._shown(department, about)
        if isinstance(about, bytes):
            if len(about) != 32:
                raise InputError("decision.key_length", found=len(about))
            return _Subject(about, owner=False)
        raw = self._notary.prover.entry(*about)
        entry = Entry.from_bytes(raw)
        if entry.kind not in WITH_STATUS:
            raise InputError("decision.kind", found=entry.kind.word)
        return _Subject(status_key(entry.issuer, entry.sha256), entry.issuer == department, about, raw)

    @staticmethod
    def _shown(department: DepartmentCode, disclosure: Disclosure) -> _Subject:
        """What a disclosure is about. InputError if it doesn't lead to its own receipt's entry."""
        entry = disclosure.receipt.entry
        if recompute(disclosure) != entry.sha256:
            raise InputError("decision.disclosure")
        if entry.kind not in WITH_STATUS:
            raise InputError("decision.kind", found=entry.kind.word)
        key = status_key(entry.issuer, entry.sha256)
        return _Subject(key, entry.issuer == department, entry=entry.to_bytes(), disclosure=disclosure)

    def _proof(self, subject: _Subject) -> tuple[Any, ...]:
        """The contract's `Proof`: where the entry stands in the earliest anchored tree that holds it; as the receipt
        says where the log is another department's."""
        if subject.disclosure is not None:
            receipt = subject.disclosure.receipt
            if receipt.inclusion is None:
                raise InputError("decision.receipt_early")
            size, path = receipt.inclusion.size, list(receipt.inclusion.path)
            return log_id(receipt.origin), subject.entry, receipt.index, size, path
        if subject.place is None:
            raise InputError("decision.place_needed")
        origin, index = subject.place
        anchor = self._index.anchor_for(log_id(origin), index)
        if anchor is None:
            raise UnavailableError("decision.not_anchored", retry_after=3.0, index=index)
        path = self._notary.logs[origin].inclusion_path(index, anchor.size)
        return anchor.log_id, subject.entry, index, anchor.size, path

    def _now(self) -> BlockTime:
        """The newest block's time: the next block, which takes the decision, can't be earlier."""
        cursor = self._index.cursor()
        if cursor is None:
            raise UnavailableError("decision.no_index", retry_after=5.0)
        return cursor.time

    def _enqueue(
        self, department: DepartmentCode, key: str, about: Digest, function: str, args: tuple[Any, ...]
    ) -> None:
        """By the lane of the status key `about`: decisions on one entry are mined in their order."""
        lanes = self._operators.get(department)
        if not lanes:
            raise ConfigurationError("decision.no_operator", department=department)
        if self._outbox.status(key) is not None:
            return
        try:
            with self._notary.store.transaction() as connection:
                self._outbox.enqueue(
                    connection,
                    intent_key=key,
                    sender=lane_of(lanes, about),
                    contract="CertificateStatus",
                    function=function,
                    args=args,
                )
        except ConflictError as error:
            # Asked twice at once: the key says what was asked for, the call also the newest block. The first stands.
            if error.code != "outbox.key_reused":
                raise

    def _just_taken(
        self, key: Digest, history: Sequence[Decision], department: DepartmentCode, given: tuple[Any, ...]
    ) -> str | None:
        """The intent by which the newest decision came about, if it is the one that is asked for: whoever asks without
        a time, and lost the answer, would be told that what has just succeeded isn't allowed."""
        if not history or history[-1].annulled_at is not None:
            return None
        newest = history[-1]
        if (newest.department, int(newest.code), newest.cause) != (department, *given[:2]):
            return None
        found = self._free(self._intent_key("decide", key, len(history) - 1, department, given))
        return None if self._outbox.status(found) is None else found

    def _free(self, key: str) -> str:
        """`key`, or the next attempt's where the chain refused the last one: that stays as it ended, and nobody repeats
        it but who asks again, as the cause may be gone."""
        attempt, found = 0, key
        while (row := self._outbox.status(found)) is not None and row.state in REFUSED:
            attempt += 1
            found = f"{key}/{attempt}"
        return found

    @staticmethod
    def _intent_key(act: str, key: Digest, number: int, department: DepartmentCode, given: tuple[Any, ...]) -> str:
        """One key for one decision at one point of the history: a retry finds it, the same decision later doesn't."""
        plain = [part.hex() if isinstance(part, bytes) else part for part in given]
        digest = hashlib.sha256(json.dumps([department, plain]).encode()).hexdigest()[:32]
        return f"{act}/{key.hex()}/{number}/{digest}"


def _type_proof(subject: _Subject) -> tuple[Any, ...]:
    """The contract's `TypeProof`, where another department than the owner shows the member `type`."""
    disclosure = subject.disclosure
    if disclosure is None or subject.owner:
        return NO_TYPE
    shown = next((m for m in disclosure.members if m.name == "type" and isinstance(m.value, str)), None)
    if shown is None:
        raise InputError("decision.type_hidden")
    entry = disclosure.receipt.entry
    codes = [code.encode("ascii", "replace")[:32].ljust(32, b"\0") for code in (entry.issuer, shown.value)]
    return codes[0], entry.sha256, codes[1], disclosure.count, shown.position, shown.salt, list(shown.path)
