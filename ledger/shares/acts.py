"""What the acts on applications and grants share: who may, which refusals, how a state and its clock change. Pure.

Refusals have the codes of the contract's errors, in the contract's order: rights, no change, then the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import IntEnum
from typing import Any, ClassVar, Protocol, TypeVar

from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.shares.grants import AUTHORITY, NEGOTIATION, NO_CLOCK, OPEN, Book, Clock, Grant, State, effective_state
from ledger.shares.setting import GOVERNMENT as GOVERNMENT_DOMAIN
from ledger.shares.setting import SHARING, UNCONDITIONAL, Actor, Setting
from ledger.types import BlockTime, DepartmentCode, Digest, Role

AREA = "share_authorisations"
MISUSE, OTHER_STOP, ORDERED, REJECTION, WITHDRAWAL, EMERGENCY, LAPSE, EXTENSION = 1, 2, 3, 4, 5, 6, 7, 8
"""Kinds of reason codes: the hundreds (contracts/libraries/Reasons.sol)."""
REPLY_UNCONDITIONAL, REPLY_CONDITIONAL, PROVIDE, EXTENSION_LIMIT = 1, 10, 20, 10
"""Working days (Decree 809 art. 21(1), 22(1))."""


def kind(reason: int) -> int:
    """The hundreds of a reason; 0 for what is no code."""
    return 0 if reason % 100 == 0 else reason // 100


class HasUsed(Protocol):
    """A book, a dataclass, that knows in which thing each commitment stands."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def used_by(self) -> Mapping[Digest, Digest]: ...


B = TypeVar("B", bound=HasUsed)


# Who may


def known(book: Book, id_: Digest) -> Grant:
    if id_ not in book.grants:
        raise NotFoundError(f"{AREA}.unknown", id=id_.hex())
    return book.grants[id_]


def require_party(id_: Digest, expected: DepartmentCode | None, department: DepartmentCode, area: str = AREA) -> None:
    if expected != department:
        raise DeniedError(f"{area}.not_party", id=id_.hex(), expected=expected, department=department)


def consumer_of(id_: Digest, grant: Grant, setting: Setting) -> DepartmentCode:
    return setting.carrier(grant.consumer, id_)


def provider_of(id_: Digest, grant: Grant, setting: Setting) -> DepartmentCode:
    return setting.carrier(grant.provider, id_)


def by_consumer(book: Book, id_: Digest, by: Actor, role: Role, setting: Setting) -> Grant:
    """The application, if `by` acts with `role` for who carries its consumer."""
    by.require(role)
    grant = known(book, id_)
    require_party(id_, consumer_of(id_, grant, setting), by.department)
    return grant


def by_provider(book: Book, id_: Digest, by: Actor, role: Role, setting: Setting) -> Grant:
    by.require(role)
    grant = known(book, id_)
    require_party(id_, provider_of(id_, grant, setting), by.department)
    return grant


def by_authority(book: Book, id_: Digest, by: Actor, setting: Setting) -> Grant:
    by.require(Role.SHARE_APPROVER)
    grant = known(book, id_)
    require_party(id_, authority_of(id_, grant, setting), by.department)
    return grant


def by_stopper(book: Book, id_: Digest, ground: int, by: Actor, setting: Setting) -> Grant:
    """What is ordered is the authority's, every other stop the provider's."""
    if kind(ground) == ORDERED:
        return by_authority(book, id_, by, setting)
    return by_provider(book, id_, by, Role.SHARE_APPROVER, setting)


def authority_of(id_: Digest, grant: Grant, setting: Setting) -> DepartmentCode | None:
    """Who has the authority's part: the provider's sharing authority, or its government where that is a party."""
    provider = provider_of(id_, grant, setting)
    return setting.authority_over(provider, provider, consumer_of(id_, grant, setting))


def decider_of(id_: Digest, grant: Grant, setting: Setting) -> DepartmentCode | None:
    """Who has the dispute at its stage: the provider, the common sharing authority, the common government, which also
    stands in for a sharing authority that is a party."""
    provider = provider_of(id_, grant, setting)
    if grant.stage <= NEGOTIATION:
        return provider
    consumer = consumer_of(id_, grant, setting)
    divisions = setting.divisions[consumer], setting.divisions[provider]
    if grant.stage == AUTHORITY and (found := setting.authority(SHARING, *divisions)) not in (consumer, provider):
        return found
    return setting.authority(GOVERNMENT_DOMAIN, *divisions)


def require_granting(id_: Digest, grant: Grant, by: Actor, setting: Setting) -> None:
    setting.require_granting(AREA, by.department, consumer_of(id_, grant, setting))


def require_person(by: Actor, area: str = AREA) -> Digest:
    if by.person is None:
        raise DeniedError(f"{area}.person_needed", operator=by.operator)
    return by.person


def require_other(id_: Digest, handler: Digest | None, by: Actor, area: str = AREA) -> None:
    """Handler and approver are different people."""
    if require_person(by, area) == handler:
        raise DeniedError(f"{area}.same_person", id=id_.hex())


# Refusals


def require_state(id_: Digest, allowed: bool, grant: Grant, setting: Setting) -> None:
    if not allowed:
        require_move(id_, allowed, effective_state(grant, setting.now))


def require_move(id_: Digest, allowed: bool, state: IntEnum, area: str = AREA) -> None:
    """`state`: the effective one, which the refusal tells."""
    if not allowed:
        raise ConflictError(f"{area}.move_not_allowed", id=id_.hex(), state=int(state))


def require_reason(reason: int, expected: int, area: str = AREA) -> None:
    if kind(reason) != expected:
        raise InputError(f"{area}.reason_invalid", reason=reason)


def require_commitment(id_: Digest, commitment: Digest | None, area: str = AREA) -> Digest:
    if commitment is None:
        raise InputError(f"{area}.commitment_needed", id=id_.hex())
    return commitment


def require_in_review(id_: Digest, grant: Grant, setting: Setting) -> None:
    require_state(id_, grant.state in (State.SUBMITTED, State.PROVIDER_REVIEW), grant, setting)
    if grant.pre_review:
        raise ConflictError(f"{AREA}.pre_review_pending", id=id_.hex())


def require_in_time(id_: Digest, grant: Grant, setting: Setting) -> None:
    require_in_review(id_, grant, setting)
    if setting.now >= grant.clock.deadline:
        raise ConflictError(f"{AREA}.term_over", id=id_.hex(), deadline=grant.clock.deadline)


# Changes


def use(book: B, id_: Digest, *commitments: Digest | None, area: str = AREA) -> B:
    """A commitment stands in one application, emergency or query only, and there once: two would be joined by it."""
    used = dict(book.used_by)
    for commitment in commitments:
        if commitment is None:
            continue
        if commitment in used:
            raise ConflictError(f"{area}.commitment_used", commitment=commitment.hex())
        used[commitment] = id_
    return replace(book, used_by=used)


def backed(before: B, after: B, id_: Digest, basis: Digest | None, area: str = AREA) -> B:
    """`after`, with the act's document behind it: it may stand behind several acts on one thing, never behind two
    things. Of sharing, emergencies and queries alike; an act that changes nothing asks for no document."""
    if after is before or basis is None or after.used_by.get(basis) == id_:
        return after
    if basis in after.used_by:
        raise ConflictError(f"{area}.commitment_used", commitment=basis.hex())
    return replace(after, used_by={**after.used_by, basis: id_})


def put(book: Book, id_: Digest, grant: Grant, **changes: Any) -> Book:
    return replace(book, grants={**book.grants, id_: replace(grant, **changes)})


def started(working_days: int, setting: Setting) -> Clock:
    return Clock(setting.now, working_days, setting.deadline(setting.now, working_days))


def reply_days(grant: Grant) -> int:
    return REPLY_UNCONDITIONAL if grant.sharing_class == UNCONDITIONAL else REPLY_CONDITIONAL


def days_left(clock: Clock, setting: Setting) -> int:
    """Working days of a running clock that aren't over; at least one, as the clock isn't."""
    gone = 1
    while gone < clock.working_days and setting.deadline(clock.start, gone) <= setting.now:
        gone += 1
    return clock.working_days - gone + 1


def is_open(state: State) -> bool:
    return state in OPEN


def stopped(grant: Grant, ground: int, setting: Setting) -> Grant:
    return replace(grant, ground=ground, stops=grant.stops + 1, stop_block=setting.block)


def ended(grant: Grant, to: State, ground: int, setting: Setting) -> Grant:
    return replace(stopped(grant, ground, setting), state=to, clock=NO_CLOCK, ended_at=setting.now)


def moved_deadline(clock: Clock, setting: Setting) -> Clock | None:
    """The clock after a change of the calendar; None if it doesn't run or doesn't move later."""
    if clock.start == 0:
        return None
    later = setting.deadline(clock.start, clock.working_days)
    return replace(clock, deadline=BlockTime(later)) if later > clock.deadline else None
