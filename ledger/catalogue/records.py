"""What the catalogue knows: resources with drafts, versions and clocks, demands; who acts, what others say. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

from ledger.calendar import Calendar
from ledger.types import BlockTime, DepartmentCode, Digest

MOST_ITEMS = 2000
HIGHEST_LEVEL = 6
UPDATE_DAYS, EXTENSION_DAYS, REVIEW_DAYS, CONNECT_DAYS = 10, 5, 2, 20
"""Working days: sharing_deadlines.csv, CATALOGUE_UPDATE, its extension, CATALOGUE_REVIEW; connecting has PROVIDE's."""


class State(IntEnum):
    """Of a resource. PREPARED and SUBMITTED only while nothing was published."""

    UNKNOWN = 0
    PREPARED = 1
    SUBMITTED = 2
    PUBLISHED = 3
    CONNECTED = 4
    WITHDRAWN = 5


class Stage(IntEnum):
    """Of a draft."""

    NONE = 0
    DRAWN_UP = 1
    REVIEWED = 2
    APPROVED = 3


class SharingClass(IntEnum):
    """无条件, 有条件, 不予共享; WITHDRAWAL is a draft's that withdraws."""

    WITHDRAWAL = 0
    UNCONDITIONAL = 1
    CONDITIONAL = 2
    NOT_SHARED = 3


class ClockKind(IntEnum):
    """What a clock waits for."""

    UPDATE = 1
    REVIEW = 2
    CONNECT = 3


@dataclass(frozen=True, slots=True)
class Clock:
    """A term of `working_days` from the day of `start`; in time is t < `deadline`, which is 0 (provisional) while the
    calendar lacks its year."""

    start: BlockTime
    working_days: int
    deadline: BlockTime
    ended_at: BlockTime | None = None

    @property
    def runs(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class Version:
    """What is drawn up and published; `level` is the highest of its items'. `version_hash`: salted commitment."""

    version_hash: Digest
    sharing_class: SharingClass
    level: int
    item_count: int
    basis: Digest | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that isn't published yet, and the person (hash) who drew it up."""

    version: Version
    drawn_up_by: Digest
    stage: Stage = Stage.DRAWN_UP


@dataclass(frozen=True, slots=True)
class Resource:
    """One code. `published` stays what it was when withdrawn; `decision` is then what withdrew it."""

    code: Digest
    provider: DepartmentCode
    owed: bool = False
    published: Version | None = None
    connected: bool = False
    decision: Digest | None = None
    draft: Draft | None = None
    clocks: Mapping[ClockKind, Clock] = field(default_factory=lambda: MappingProxyType({}))
    held: Clock | None = None
    """An UPDATE that a submission ended and a later change took the place of; no view of the contract tells it."""

    @property
    def state(self) -> State:
        if self.decision is not None:
            return State.WITHDRAWN
        if self.published is not None:
            return State.CONNECTED if self.connected else State.PUBLISHED
        if self.draft is None:
            return State.UNKNOWN
        return State.SUBMITTED if self.draft.stage is Stage.APPROVED else State.PREPARED

    @property
    def is_open(self) -> bool:
        """Published, connected or not, and not withdrawn."""
        return self.state in (State.PUBLISHED, State.CONNECTED)


@dataclass(frozen=True, slots=True)
class Demand:
    """A department's request for data; `provider` and `code` None while nobody knows them."""

    id: Digest
    consumer: DepartmentCode
    provider: DepartmentCode | None
    code: Digest | None
    basis: Digest
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All resources by code, all demands by id."""

    resources: Mapping[Digest, Resource] = field(default_factory=lambda: MappingProxyType({}))
    demands: Mapping[Digest, Demand] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, with the role that the act asks for; `person` None: a machine."""

    department: DepartmentCode
    person: Digest | None
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Office:
    """What the other contracts say at this block."""

    now: BlockTime
    calendar: Calendar
    authority_of: Callable[[DepartmentCode], DepartmentCode | None]
    """The sharing authority of a provider's division."""
    common_authority: Callable[[DepartmentCode, DepartmentCode], DepartmentCode | None]
    carrier: Callable[[DepartmentCode, Digest], DepartmentCode]
    """Who carries something of a department now."""
    is_department: Callable[[DepartmentCode], bool]
