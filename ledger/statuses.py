"""Statuses: which decisions may follow which, who may take them, and what is in force at an instant.

Pure twin of the contract `CertificateStatus` (contracts.md fixes codes and moves): same questions, same order, same
answers, so that a decision is refused before it costs a transaction, and a verifier without the chain reads a history
as the chain does. Times are block times in seconds; `until` is the first second that isn't suspended any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import BlockTime, DepartmentCode, Digest


class DecisionCode(IntEnum):
    """What was decided about a certificate (contracts.md, CertificateStatus)."""

    RESUMED = 1
    SUSPENDED = 2
    RESCINDED = 3
    DEREGISTERED = 4
    LAPSED = 5
    TRANSFERRED_OUT = 6
    REVOKED = 7
    SUPERSEDED = 8
    WITHDRAWN = 9
    OTHER = 10


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as the contract keeps it. `number` counts from 1 within its status key."""

    number: int
    code: DecisionCode
    cause: int
    department: DepartmentCode
    effective_from: BlockTime
    recorded_at: BlockTime
    basis: Digest | None = None
    successor: Digest | None = None
    """Status key of the successor, for SUPERSEDED."""
    until: BlockTime | None = None
    """End of a suspension that ends by itself."""
    ends: int | None = None
    """For RESUMED: the number of the decision 2 or 6 that it ends."""
    annulled_at: BlockTime | None = None


FROM_THE_START = BlockTime(0)
IN_FORCE = 0
"""The state of a certificate about which nothing else stands."""
MOVES: dict[int, frozenset[int]] = {
    IN_FORCE: frozenset({2, 3, 4, 5, 6, 7, 8, 9, 10}),
    DecisionCode.RESUMED: frozenset({2, 3, 4, 5, 6, 7, 8, 9, 10}),
    DecisionCode.SUSPENDED: frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}),
    DecisionCode.RESCINDED: frozenset({4}),
    DecisionCode.DEREGISTERED: frozenset(),
    DecisionCode.LAPSED: frozenset({3, 4, 7}),
    DecisionCode.TRANSFERRED_OUT: frozenset({1, 3, 4, 7}),
    DecisionCode.REVOKED: frozenset({4}),
    DecisionCode.SUPERSEDED: frozenset(),
    DecisionCode.WITHDRAWN: frozenset({4}),
    DecisionCode.OTHER: frozenset({4}),
}
"""State → codes that may follow. That a second suspension must be another department's is in `check_move`."""
REVERSIBLE = frozenset({DecisionCode.SUSPENDED, DecisionCode.TRANSFERRED_OUT})
"""What a decision 1 can end."""
WHILE_SUSPENDED = frozenset({DecisionCode.SUSPENDED, DecisionCode.RESCINDED})
"""What a suspended department may still decide."""


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision that someone means to take; members as in Decision. `effective_from` 0: from the start."""

    code: DecisionCode
    cause: int = 0
    effective_from: BlockTime = FROM_THE_START
    basis: Digest | None = None
    successor: Digest | None = None
    until: BlockTime | None = None
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides: `owner` of the log that holds the entry, or carrying what was the owner's; `competent` for its type,
    None while that isn't proven; `suspended` at the block of the decision; `succeeds`: departments whose matters of
    this type it carries now (机构改革). Who was succeeded itself decides nothing: the chain refuses its operators.
    """

    department: DepartmentCode
    owner: bool
    competent: bool | None = None
    suspended: bool = False
    succeeds: frozenset[DepartmentCode] = frozenset()


def status_at(decisions: Sequence[Decision], time: BlockTime, known: BlockTime) -> Decision | None:
    """What was in force at `time` as known at `known`; None or a decision 1: the certificate is in force.

    Of the decisions recorded by `known` and effective by `time` that are neither annulled by `known` nor ended by
    then, the last recorded. A decision 1 only ends what it names: it is the answer where nothing else stands, never in
    front of another suspension. `decisions` in the order of recording.
    """
    ended: set[int | None] = set()
    resumed: Decision | None = None
    for decision in reversed(decisions):
        if decision.recorded_at > known or decision.effective_from > time:
            continue
        if decision.annulled_at is not None and decision.annulled_at <= known:
            continue
        if decision.code == DecisionCode.RESUMED:
            # It comes after what it ends, so going backwards every end is known when its suspension is met.
            ended.add(decision.ends)
            resumed = resumed or decision
        elif decision.number not in ended and (decision.until is None or time < decision.until):
            return decision
    return resumed


def standing(decisions: Sequence[Decision], now: BlockTime) -> list[Decision]:
    """Decisions other than 1 that stand at `now`: neither annulled nor ended; several may, of several departments."""
    ended = {d.ends for d in decisions if d.code == DecisionCode.RESUMED and d.annulled_at is None}
    return [
        d
        for d in decisions
        if d.code != DecisionCode.RESUMED
        and d.annulled_at is None
        and d.number not in ended
        and (d.until is None or now < d.until)
    ]


def check_move(history: Sequence[Decision], new: NewDecision, by: Decider, now: BlockTime) -> int | None:
    """Whether `by` may decide `new` at `now` (the next block's time): None if so.

    The number of an earlier decision with the same content by the same department, if there is one: sending it again
    changes nothing. InputError, DeniedError or ConflictError `status.…` otherwise, in the contract's order.
    """
    _require_entitled(by)
    code = new.code
    if code not in MOVES or code == IN_FORCE:
        raise InputError("status.code_unknown", decision=int(code))
    if (code == DecisionCode.SUPERSEDED) != (new.successor is not None):
        raise InputError("status.successor", decision=int(code))
    if by.suspended and code not in WHILE_SUSPENDED:
        raise DeniedError("status.department_suspended", department=by.department, decision=int(code))
    if new.effective_from > now:
        raise InputError("status.effective_later", effective_from=new.effective_from, now=now)
    # Before the other rules: a decision sent again would break those that it itself brought about.
    for earlier in reversed(history):
        if _same(earlier, new, by.department):
            if earlier.annulled_at is not None:
                raise ConflictError("status.decision_annulled", number=earlier.number)
            return earlier.number
    _require_members(new)
    _require_move(history, new, by, now)
    return None


def legal_moves(history: Sequence[Decision], by: Decider, now: BlockTime) -> frozenset[DecisionCode]:
    """Codes that `by` may decide now, whatever else the decision says: what a page offers."""
    try:
        _require_entitled(by)
    except DeniedError:
        return frozenset()
    state = _state(history, now)
    moves = {DecisionCode(code) for code in MOVES[state.code if state else IN_FORCE]}
    if by.suspended:
        moves &= WHILE_SUSPENDED
    mine = standing(history, now)
    if any(d.code == DecisionCode.SUSPENDED and d.department == by.department for d in mine):
        moves.discard(DecisionCode.SUSPENDED)
    if not any(d.code in REVERSIBLE and _decides(d, by) for d in mine):
        moves.discard(DecisionCode.RESUMED)
    return frozenset(moves)


def check_annulment(history: Sequence[Decision], number: int, by: Decider) -> bool:
    """Whether `by` would annul decision `number`: False if it is annulled already.

    NotFoundError if there is none; DeniedError unless `by` decided it or is competent, or while it is suspended.
    """
    found = next((d for d in history if d.number == number), None)
    if found is None:
        raise NotFoundError("status.decision_unknown", number=number)
    if not _decides(found, by):
        raise DeniedError("status.not_decider", number=number, decided_by=found.department, department=by.department)
    if by.suspended:
        raise DeniedError("status.department_suspended", department=by.department, decision=0)
    return found.annulled_at is None


def decide(history: Sequence[Decision], new: NewDecision, by: Decider, now: BlockTime) -> tuple[Decision, ...]:
    """The history after `check_move` and, if it is new, with the decision at its end."""
    if check_move(history, new, by, now) is not None:
        return tuple(history)
    kept = Decision(
        number=len(history) + 1,
        code=new.code,
        cause=new.cause,
        department=by.department,
        effective_from=new.effective_from,
        recorded_at=now,
        basis=new.basis,
        successor=new.successor,
        until=new.until,
        ends=new.ends,
    )
    return (*history, kept)


def annul(history: Sequence[Decision], number: int, by: Decider, now: BlockTime) -> tuple[Decision, ...]:
    """The history after `check_annulment`, with the decision struck down: both acts stay visible."""
    if not check_annulment(history, number, by):
        return tuple(history)
    return tuple(replace(d, annulled_at=now) if d.number == number else d for d in history)


def _state(history: Sequence[Decision], now: BlockTime) -> Decision | None:
    return status_at(history, now, now)


def _require_entitled(by: Decider) -> None:
    if by.owner:
        return
    if by.competent is None:
        raise DeniedError("status.type_not_proven", department=by.department)
    if not by.competent:
        raise DeniedError("status.not_entitled", department=by.department)


def _decides(decision: Decision, by: Decider) -> bool:
    """Only who decided, who succeeded that department, or the competent one, ends or annuls a decision."""
    return decision.department == by.department or by.competent is True or decision.department in by.succeeds


def _same(kept: Decision, new: NewDecision, department: DepartmentCode) -> bool:
    return (
        kept.department == department
        and (kept.code, kept.cause, kept.effective_from) == (new.code, new.cause, new.effective_from)
        and (kept.basis, kept.successor, kept.until, kept.ends) == (new.basis, new.successor, new.until, new.ends)
    )


def _require_members(new: NewDecision) -> None:
    if new.until is not None:
        if new.code != DecisionCode.SUSPENDED:
            raise InputError("status.until_unexpected", decision=int(new.code))
        if new.until <= new.effective_from:
            raise InputError("status.until_invalid", since=new.effective_from, until=new.until)
    if (new.code == DecisionCode.RESUMED) != (new.ends is not None):
        raise InputError("status.ends_unexpected", decision=int(new.code))


def _require_move(history: Sequence[Decision], new: NewDecision, by: Decider, now: BlockTime) -> None:
    state = _state(history, now)
    code, number = (state.code, state.number) if state else (IN_FORCE, 0)
    stand = standing(history, now)
    again = new.code == DecisionCode.SUSPENDED and any(
        d.code == DecisionCode.SUSPENDED and d.department == by.department for d in stand
    )
    if new.code not in MOVES[code] or again:
        raise ConflictError("status.move_not_allowed", state=int(code), number=number, decision=int(new.code))
    if new.code != DecisionCode.RESUMED:
        return
    target = next((d for d in stand if d.number == new.ends and d.code in REVERSIBLE), None)
    if target is None:
        raise ConflictError("status.nothing_to_end", number=new.ends)
    if not _decides(target, by):
        raise DeniedError(
            "status.not_decider", number=target.number, decided_by=target.department, department=by.department
        )
