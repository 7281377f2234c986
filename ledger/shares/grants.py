"""Grants as the contract keeps them, and what follows from them at an instant.

Pure: the caller brings the grant and the block time. Sharing.md, "Grant: states".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from ledger.shares.setting import DAY, NEVER, is_article, is_of_emergency_law
from ledger.types import Address, BlockTime, DepartmentCode, Digest


class State(IntEnum):
    """Where an application, later a grant, stands; numbers are the contract's."""

    INTERNAL_APPROVAL = 1
    SUBMITTED = 2
    PROVIDER_REVIEW = 3
    RETURNED = 4
    WITHDRAWN = 5
    REJECTED = 6
    DISPUTED = 7
    REJECTED_FINAL = 8
    GRANTED = 9
    ACTIVE = 10
    SUSPENDED = 11
    EXPIRED = 12
    EXHAUSTED = 13
    REVOKED = 14
    SURRENDERED = 15
    SUPERSEDED = 16


OPEN = frozenset({State.GRANTED, State.ACTIVE, State.SUSPENDED})
"""A grant that has not ended."""
ENDED = frozenset({State.EXPIRED, State.EXHAUSTED, State.REVOKED, State.SURRENDERED, State.SUPERSEDED})
"""Nothing reopens these."""
STATUTE, HOLDER, COURT, EMERGENCY = 1, 2, 3, 4
"""Kinds of legal basis."""
ALL, LIST, PER_SUBJECT = 1, 2, 3
"""Scopes."""
VIEW, STORE = 1, 2
"""Modes."""
RUNS_ON, RESTS, ANEW = 0, 1, 2
"""What a return does to the clock."""
NEGOTIATION, AUTHORITY, GOVERNMENT = 1, 2, 3
"""Stages of a dispute (Decree 809 art. 28)."""
STORAGE, EFFECT, DESTRUCTION = 1, 2, 3
"""Kinds of records of use (art. 29)."""
ALL_RECORDS = 7
LAST_TIME = 2**40 - 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What is applied for; members as in the contract's struct, None for its zeros. Times in seconds, life in days."""

    resource: Digest
    body: Digest | None
    items: Digest | None
    not_before: BlockTime
    not_after: BlockTime
    max_uses: int
    rate_per_day: int
    purpose: int
    basis_kind: int
    scope: int
    method: int
    mode: int
    data_life: int = 0
    article: int = 0
    subjects: Digest | None = None
    document: Digest | None = None
    supersedes: Digest | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """A term: `working_days` after the day of `start`; in time is t < `deadline`. `start` 0: it doesn't run."""

    start: BlockTime = NEVER
    working_days: int = 0
    deadline: BlockTime = NEVER


NO_CLOCK = Clock()


@dataclass(frozen=True, slots=True)
class Grant:
    """An application or grant as the contract keeps it; `state` as last written. Departments as at the application."""

    terms: Terms
    consumer: DepartmentCode
    provider: DepartmentCode
    state: State
    consumer_handler: Digest
    sharing_class: int = 0
    provider_handler: Digest | None = None
    stage: int = 0
    """Of a dispute: negotiation, sharing authority, government."""
    records: int = 0
    """Bit 0 storage, 1 effect, 2 destruction."""
    extension: int = 0
    """Working days asked for."""
    returned: bool = False
    extended: bool = False
    pre_review: bool = False
    """Still waits for the sharing authority's pre-review."""
    provided: bool = False
    """Was ever ACTIVE."""
    stops: int = 0
    stop_block: int = 0
    ground: int = 0
    """Code of the last rejection or stop."""
    filed_ground: int = 0
    article: int = 0
    """Of the rejection."""
    clock: Clock = NO_CLOCK
    ended_at: BlockTime = NEVER
    uses: int = 0
    successor: Digest | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What holds where a department is the provider's sharing authority."""

    pre_review: bool = False
    return_clock: int = RUNS_ON


@dataclass(frozen=True, slots=True)
class Book:
    """All that the contract ShareAuthorisations holds."""

    grants: Mapping[Digest, Grant] = field(default_factory=dict)
    used_by: Mapping[Digest, Digest] = field(default_factory=dict)
    """Commitment → the application in which it stands."""
    acks: Mapping[tuple[Digest, Address], tuple[int, int]] = field(default_factory=dict)
    """(grant, gateway) → (stop, block at which it had been applied)."""
    profiles: Mapping[DepartmentCode, Profile] = field(default_factory=dict)


def check_terms(terms: Terms, now: BlockTime) -> int:
    """Number (from 1, in the contract's order) of the first member that is missing or doesn't fit; 0: all do."""
    by_article = terms.basis_kind in (STATUTE, EMERGENCY)
    fits = is_of_emergency_law if terms.basis_kind == EMERGENCY else is_article
    wrong = {
        2: terms.body is None,
        3: terms.items is None,
        4: (terms.scope == LIST) != (terms.subjects is not None),
        5: not by_article and terms.document is None,
        7: terms.not_before >= terms.not_after,
        8: not now < terms.not_after <= LAST_TIME,
        9: terms.max_uses == 0,
        10: terms.rate_per_day == 0,
        11: (by_article or terms.article != 0) and not fits(terms.article),
        12: terms.purpose == 0,
        13: not STATUTE <= terms.basis_kind <= EMERGENCY,
        14: not ALL <= terms.scope <= PER_SUBJECT,
        15: (terms.mode == STORE) != (terms.data_life != 0),
        16: not 1 <= terms.method <= 4,
        17: not VIEW <= terms.mode <= STORE,
    }
    return next((member for member, is_wrong in wrong.items() if is_wrong), 0)


def effective_state(grant: Grant, at: BlockTime) -> State:
    """State of `grant` judged at `at`: time alone ends an open grant, nothing reopens it."""
    if grant.state in OPEN and at >= grant.terms.not_after:
        return State.EXPIRED
    return grant.state


def is_overdue(grant: Grant, at: BlockTime) -> bool:
    """Whether a term that runs is over at `at`: nobody answered, provided or mended. Silence is never consent."""
    late = grant.clock.deadline != 0 and at >= grant.clock.deadline
    return late and effective_state(grant, at) is not State.EXPIRED


def is_silent(grant: Grant, at: BlockTime) -> bool:
    """Whether the application waits at `at` for an answer whose time is over."""
    return grant.state in (State.SUBMITTED, State.PROVIDER_REVIEW) and is_overdue(grant, at)


def disposal(grant: Grant, at: BlockTime, successor: Grant | None = None) -> tuple[BlockTime, bool] | None:
    """The disposal task at `at`: (due, whether all records exist); None where there is none (Decree 809 art. 27, 29).

    A STORE grant that was ever provided has one from its end on: `data_life` days later, after a revocation one day. A
    `successor` that stores takes it over.
    """
    state = effective_state(grant, at)
    if not grant.provided or grant.terms.mode != STORE or state not in ENDED:
        return None
    if state is State.SUPERSEDED and successor is not None and successor.terms.mode == STORE:
        return None
    end = grant.terms.not_after if state is State.EXPIRED else grant.ended_at
    life = 1 if state is State.REVOKED else grant.terms.data_life
    return BlockTime(end + life * DAY), grant.records == ALL_RECORDS


def unacknowledged(grant: Grant, told: Mapping[Address, int], gateways: Iterable[Address]) -> frozenset[Address]:
    """Which of the two sides' `gateways` haven't said that they applied the last stop; `told`: gateway → last stop."""
    return frozenset(g for g in gateways if told.get(g, 0) < grant.stops)


def remaining_access(book: Book, revoked: Digest, at: BlockTime) -> tuple[Digest, ...]:
    """Other grants through which the consumer of `revoked` still has, or will have, data of the same provider.

    What revoking answers with. By the departments named at the application; who carries them now is the caller's.
    """
    gone = book.grants[revoked]
    return tuple(
        id_
        for id_, grant in sorted(book.grants.items())
        if id_ != revoked
        and (grant.consumer, grant.provider) == (gone.consumer, gone.provider)
        and effective_state(grant, at) in OPEN
    )
