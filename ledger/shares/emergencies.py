"""Emergencies: access without a grant under an emergency law, opened by two officers and judged afterwards.

Pure twin of the contract EmergencyShares: each act takes the book and answers with the book after it, the same one
where nothing changes. Sharing.md, "Grant: states". An overdue review blocks the department's next emergency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.shares.acts import (
    EMERGENCY,
    kind,
    require_commitment,
    require_move,
    require_other,
    require_party,
    require_person,
    require_reason,
    use,
)
from ledger.shares.setting import HOUR, NEVER, Actor, Setting, is_of_emergency_law
from ledger.types import BlockTime, DepartmentCode, Digest, Role

AREA = "emergency_shares"
MAX_HOURS, MAX_READS, REVIEW, MAX_PENDING = 72, 1_000, 10, 16
"""Hours and reads of one emergency; working days for its review; how many of a department may await theirs."""


class State(IntEnum):
    """Where an emergency stands; numbers are the contract's."""

    PROPOSED = 1
    OPEN = 2
    REVIEW_DUE = 3
    JUSTIFIED = 4
    UNJUSTIFIED = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """What is opened; members as in the contract's struct, None for its zeros."""

    resource: Digest
    decision: Digest | None
    """Commitment of the responsible body's decision document."""
    items: Digest | None
    article: int
    reason: int
    num_hours: int
    max_reads: int


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency as the contract keeps it; `state` as last written."""

    terms: Terms
    consumer: DepartmentCode
    provider: DepartmentCode
    state: State
    officer: Digest
    """The first officer's person hash."""
    opener: DepartmentCode | None = None
    opened_at: BlockTime = NEVER
    closes_at: BlockTime = NEVER
    review_by: BlockTime = NEVER
    """First second at which the review is overdue."""
    report: Digest | None = None
    justification: int = 0


@dataclass(frozen=True, slots=True)
class Emergencies:
    """All that the contract EmergencyShares holds."""

    by_id: Mapping[Digest, Emergency] = field(default_factory=dict)
    used_by: Mapping[Digest, Digest] = field(default_factory=dict)


def effective_state(emergency: Emergency, at: BlockTime) -> State:
    """State judged at `at`: an open emergency awaits its review from `closes_at` on."""
    if emergency.state is State.OPEN and at >= emergency.closes_at:
        return State.REVIEW_DUE
    return emergency.state


def is_overdue(emergency: Emergency, at: BlockTime) -> bool:
    """Whether the review is overdue at `at`."""
    return emergency.state in (State.OPEN, State.REVIEW_DUE) and at >= emergency.review_by


def pending(book: Emergencies, department: DepartmentCode) -> frozenset[Digest]:
    """Emergencies that the department opened and nobody judged yet."""
    return frozenset(
        id_ for id_, e in book.by_id.items() if e.opener == department and e.state in (State.OPEN, State.REVIEW_DUE)
    )


def check_terms(terms: Terms) -> int:
    """Number (from 1, in the contract's order) of the first member that is missing or above its limit; 0: none."""
    wrong = {
        2: terms.decision is None,
        3: terms.items is None,
        4: not is_of_emergency_law(terms.article),
        6: not 1 <= terms.num_hours <= MAX_HOURS,
        7: not 1 <= terms.max_reads <= MAX_READS,
    }
    return next((member for member, is_wrong in wrong.items() if is_wrong), 0)


def propose(book: Emergencies, id_: Digest, terms: Terms, *, by: Actor, setting: Setting) -> Emergencies:
    """The first officer, a handler, lays it before the second."""
    by.require(Role.SHARE_HANDLER)
    if (taken := book.by_id.get(id_)) is not None:
        if setting.carrier(taken.consumer, id_) != by.department or taken.terms != terms:
            raise ConflictError(f"{AREA}.id_taken", id=id_.hex())
        return book
    setting.require_free(by.department, AREA)
    if id_ == bytes(32):
        raise InputError(f"{AREA}.id_zero")
    person = require_person(by, AREA)
    if member := check_terms(terms):
        raise InputError(f"{AREA}.term_invalid", member=member)
    require_reason(terms.reason, EMERGENCY, AREA)
    resource = setting.shared(terms.resource, AREA)
    if resource.provider == by.department:
        raise InputError(f"{AREA}.own_resource", resource=terms.resource.hex())
    book = use(book, id_, terms.decision, terms.items, area=AREA)
    return _put(book, id_, Emergency(terms, by.department, resource.provider, State.PROPOSED, person))


def open_(book: Emergencies, id_: Digest, *, by: Actor, setting: Setting) -> Emergencies:
    """The second officer, an approver and another person, opens it; not while a review is overdue."""
    by.require(Role.SHARE_APPROVER)
    found = _known(book, id_)
    require_party(id_, setting.carrier(found.consumer, id_), by.department, AREA)
    state = effective_state(found, setting.now)
    if state is State.OPEN:
        return book
    setting.require_granting(AREA, by.department)
    require_move(id_, state is State.PROPOSED, state, AREA)
    require_other(id_, found.officer, by, AREA)
    setting.shared(found.terms.resource, AREA)
    waiting = pending(book, by.department)
    for overdue in sorted(waiting):
        if is_overdue(book.by_id[overdue], setting.now):
            raise ConflictError(f"{AREA}.review_overdue", department=by.department, overdue=overdue.hex())
    if len(waiting) >= MAX_PENDING:
        raise ConflictError(f"{AREA}.too_many", department=by.department, limit=MAX_PENDING)
    closes_at = BlockTime(setting.now + found.terms.num_hours * HOUR)
    return _put(
        book,
        id_,
        found,
        state=State.OPEN,
        opener=by.department,
        opened_at=setting.now,
        closes_at=closes_at,
        review_by=setting.deadline(closes_at, REVIEW),
    )


def close(book: Emergencies, id_: Digest, reason: int, reads: int, *, by: Actor, setting: Setting) -> Emergencies:
    """Before its time: by people of either side or the authority for a reason, or by the gateway that counted."""
    by.require(Role.GATEWAY if reason == 0 else Role.SHARE_APPROVER)
    found = _known(book, id_)
    provider = setting.carrier(found.provider, id_)
    if by.department != provider:
        consumer = setting.carrier(found.consumer, id_)
        if reason == 0:
            require_party(id_, provider, by.department, AREA)
        elif by.department != consumer:
            require_party(id_, setting.authority_over(consumer, consumer), by.department, AREA)
    state = effective_state(found, setting.now)
    if state is State.REVIEW_DUE:
        return book
    require_move(id_, state is State.OPEN, state, AREA)
    if not (reads >= found.terms.max_reads if reason == 0 else kind(reason) == EMERGENCY):
        raise InputError(f"{AREA}.reason_invalid", reason=reason)
    return _put(book, id_, found, state=State.REVIEW_DUE)


def report(book: Emergencies, id_: Digest, account: Digest | None, *, by: Actor, setting: Setting) -> Emergencies:
    """The consumer's account of what was read and why; once."""
    by.require(Role.SHARE_HANDLER)
    found = _known(book, id_)
    require_party(id_, setting.carrier(found.consumer, id_), by.department, AREA)
    if account is not None and found.report == account:
        return book
    require_move(id_, found.state in (State.OPEN, State.REVIEW_DUE), found.state, AREA)
    if found.report is not None:
        raise ConflictError(f"{AREA}.reported_already", id=id_.hex())
    book = use(book, id_, require_commitment(id_, account, AREA), area=AREA)
    return _put(book, id_, found, report=account)


def judge(
    book: Emergencies, id_: Digest, justified: bool, reason: int, basis: Digest | None, *, by: Actor, setting: Setting
) -> Emergencies:
    """The consumer's sharing authority (its government where that is the consumer) judges it, once access has ended."""
    by.require(Role.SHARE_APPROVER)
    found = _known(book, id_)
    consumer = setting.carrier(found.consumer, id_)
    require_party(id_, setting.authority_over(consumer, consumer), by.department, AREA)
    state = effective_state(found, setting.now)
    to = State.JUSTIFIED if justified else State.UNJUSTIFIED
    if state is to:
        return book
    setting.require_free(by.department, AREA)
    require_move(id_, state is State.REVIEW_DUE, state, AREA)
    require_reason(reason, EMERGENCY, AREA)
    require_commitment(id_, basis, AREA)
    return _put(book, id_, found, state=to, justification=reason)


def move_deadline(book: Emergencies, id_: Digest, setting: Setting) -> Emergencies:
    """Computes the review's deadline again after the calendar was changed; only later."""
    found = _known(book, id_)
    if found.state not in (State.OPEN, State.REVIEW_DUE):
        return book
    later = setting.deadline(found.closes_at, REVIEW)
    return _put(book, id_, found, review_by=later) if later > found.review_by else book


def _known(book: Emergencies, id_: Digest) -> Emergency:
    if id_ not in book.by_id:
        raise NotFoundError(f"{AREA}.unknown", id=id_.hex())
    return book.by_id[id_]


def _put(book: Emergencies, id_: Digest, emergency: Emergency, **changes: Any) -> Emergencies:
    return replace(book, by_id={**book.by_id, id_: replace(emergency, **changes)})
