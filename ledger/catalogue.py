"""The catalogue: a resource's life, its clocks, and the three lists with what follows from them.

Pure twin of the contract `Catalogue` (sharing.md, "Catalogue's life"; Decree 809 art. 17): the same questions in the
same order, with the contract's error codes. Each act gives the catalogue after it; the very same object means that
nothing changed. What other contracts say comes in as an `Office`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from ledger.calendar import Calendar, deadline
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
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


# The lists


def add_duty(known: Catalogue, by: Actor, code: Digest, provider: DepartmentCode, office: Office) -> Catalogue:
    """`provider` owes the resource; starts UPDATE unless something was submitted."""
    _require_acting(by)
    _require_either(by, provider, office)
    _require_department(code, provider, office)
    kept = known.resources.get(code)
    if kept is None or _is_vacant(kept):
        kept = replace(kept, provider=provider) if kept else Resource(code, provider)
    elif (current := office.carrier(kept.provider, code)) != provider:
        raise DeniedError("catalogue.not_provider", code=code, provider=current, department=provider)
    if kept.owed:
        return known
    if kept.state is State.WITHDRAWN:
        raise _state_wrong(kept)
    kept = replace(kept, owed=True)
    if kept.state in (State.UNKNOWN, State.PREPARED) and not _runs(kept, ClockKind.UPDATE):
        kept = _start(kept, ClockKind.UPDATE, office.now, UPDATE_DAYS, office)
    return _with(known, kept)


def end_duty(known: Catalogue, by: Actor, code: Digest, office: Office) -> Catalogue:
    """Takes a duty off the list."""
    _require_acting(by)
    kept = _of(known, code)
    _require_authority(by, kept, office)
    if not kept.owed:
        return known
    changed = replace(kept, owed=False)
    if kept.published is None:
        changed = _end(changed, ClockKind.UPDATE, office)
    return _with(known, changed)


def demand(known: Catalogue, by: Actor, wanted: Demand, office: Office) -> Catalogue:
    """Puts a demand on its list; its `consumer` is who acts."""
    _require_acting(by)
    if (kept := known.demands.get(wanted.id)) is not None:
        consumer = office.carrier(kept.consumer, kept.id)
        if consumer != by.department or kept.basis != wanted.basis:
            raise ConflictError("catalogue.demand_differs", id=wanted.id, consumer=consumer)
        return known
    if wanted.provider is not None:
        _require_department(wanted.code or Digest(bytes(32)), wanted.provider, office)
    return _with_demand(known, replace(wanted, consumer=by.department, closed=False))


def assign_demand(
    known: Catalogue, by: Actor, id: Digest, provider: DepartmentCode, code: Digest | None, *, office: Office
) -> Catalogue:
    """Names who answers a demand, and with which resource."""
    _require_acting(by)
    kept = _demand_of(known, id)
    authority = office.common_authority(office.carrier(kept.consumer, id), provider)
    if authority != by.department:
        raise DeniedError("catalogue.not_authority", authority=authority, department=by.department)
    if (kept.provider, kept.code) == (provider, code):
        return known
    if kept.closed:
        raise ConflictError("catalogue.demand_closed", id=id)
    _require_department(code or Digest(bytes(32)), provider, office)
    return _with_demand(known, replace(kept, provider=provider, code=code))


def close_demand(known: Catalogue, by: Actor, id: Digest, office: Office) -> Catalogue:
    """Met, or no longer needed."""
    _require_acting(by)
    kept = _demand_of(known, id)
    if (consumer := office.carrier(kept.consumer, id)) != by.department:
        raise ConflictError("catalogue.demand_differs", id=id, consumer=consumer)
    return known if kept.closed else _with_demand(known, replace(kept, closed=True))


# The life of a resource


def draw_up(
    known: Catalogue,
    by: Actor,
    code: Digest,
    *,
    version_hash: Digest,
    sharing_class: int,
    item_levels: bytes,
    basis: Digest | None,
    office: Office,
) -> Catalogue:
    """The first or a new version, in place of a draft that isn't published; `item_levels` has a byte for each item."""
    kept, person = _drawer(known, by, code, office)
    if not SharingClass.UNCONDITIONAL <= sharing_class <= SharingClass.NOT_SHARED:
        raise InputError("catalogue.class_unknown", sharing_class=sharing_class)
    if basis is None and sharing_class == SharingClass.NOT_SHARED:
        raise InputError("catalogue.basis_needed", id=code)
    if kept.state is State.WITHDRAWN:
        raise _state_wrong(kept)
    _require_levels(item_levels)
    made = Version(version_hash, SharingClass(sharing_class), max(item_levels), len(item_levels), basis)
    if kept.published and kept.published.version_hash == version_hash:
        return known
    if kept.draft and kept.draft.version == made:
        return known
    if kept.published is None:
        kept = replace(kept, provider=by.department)
    return _with(known, replace(_taken_back(kept, office), draft=Draft(made, person)))


def draw_up_withdrawal(known: Catalogue, by: Actor, code: Digest, decision: Digest, office: Office) -> Catalogue:
    """A draft that withdraws what is published."""
    kept, person = _drawer(known, by, code, office)
    if kept.decision == decision:
        return known
    if not kept.is_open or kept.published is None:
        raise _state_wrong(kept)
    if kept.published.version_hash == decision:
        raise ConflictError("catalogue.version_differs", code=code, given=decision, found=decision)
    made = Version(decision, SharingClass.WITHDRAWAL, 0, 0, decision)
    if kept.draft and kept.draft.version == made:
        return known
    return _with(known, replace(_taken_back(kept, office), draft=Draft(made, person)))


def review(known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office) -> Catalogue:
    """The draft passed the review of risk and secrecy."""
    kept, draft = _approver(known, by, code, version_hash, office)
    if draft is None or draft.stage is not Stage.DRAWN_UP:
        return known
    return _with(known, replace(kept, draft=replace(draft, stage=Stage.REVIEWED)))


def approve(known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office) -> Catalogue:
    """The head's approval, which submits the draft; ends UPDATE, starts REVIEW."""
    kept, draft = _approver(known, by, code, version_hash, office)
    if draft is None or draft.stage is Stage.APPROVED:
        return known
    _require_stage(code, draft, Stage.REVIEWED)
    kept = _end(replace(kept, draft=replace(draft, stage=Stage.APPROVED)), ClockKind.UPDATE, office)
    return _with(known, _start(kept, ClockKind.REVIEW, office.now, REVIEW_DAYS, office))


def publish(known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office) -> Catalogue:
    """The sharing authority publishes a submitted draft, or the withdrawal that it is."""
    kept, draft = _before_authority(known, by, code, version_hash, office)
    if draft is None:
        return known
    _require_stage(code, draft, Stage.APPROVED)
    kept = _end(replace(kept, draft=None, held=None), ClockKind.REVIEW, office)
    if draft.version.sharing_class is SharingClass.WITHDRAWAL:
        kept = replace(kept, decision=version_hash, connected=False, owed=False)
        return _with(known, _end(_end(kept, ClockKind.UPDATE, office), ClockKind.CONNECT, office))
    shared = draft.version.sharing_class is not SharingClass.NOT_SHARED
    kept = replace(kept, published=draft.version, connected=kept.connected and shared)
    if not shared:
        kept = _end(kept, ClockKind.CONNECT, office)
    elif not kept.connected and not _runs(kept, ClockKind.CONNECT):
        kept = _start(kept, ClockKind.CONNECT, office.now, CONNECT_DAYS, office)
    return _with(known, kept)


def send_back(known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office) -> Catalogue:
    """The sharing authority sends a submitted draft back to stage 1."""
    kept, draft = _before_authority(known, by, code, version_hash, office)
    if draft is not None and draft.stage is Stage.DRAWN_UP:
        return known
    _require_stage(code, draft, Stage.APPROVED)
    assert draft is not None
    return _with(known, replace(_taken_back(kept, office), draft=replace(draft, stage=Stage.DRAWN_UP)))


def connect(known: Catalogue, by: Actor, code: Digest, office: Office) -> Catalogue:
    """The published resource can be had."""
    _require_acting(by)
    kept = _of(known, code)
    _require_provider(by, kept, office)
    if kept.state is State.CONNECTED:
        return known
    if kept.state is not State.PUBLISHED or kept.published is None:
        raise _state_wrong(kept)
    if kept.published.sharing_class is SharingClass.NOT_SHARED:
        raise ConflictError("catalogue.not_shared", code=code)
    return _with(known, _end(replace(kept, connected=True), ClockKind.CONNECT, office))


def disconnect(known: Catalogue, by: Actor, code: Digest, office: Office) -> Catalogue:
    """It can't be had any more; a suspended department may say so too."""
    kept = _of(known, code)
    _require_either(by, office.carrier(kept.provider, code), office)
    if kept.state is not State.CONNECTED:
        return known
    clock = Clock(office.now, CONNECT_DAYS, _term_if_known(office.calendar, office.now, CONNECT_DAYS))
    return _with(known, _set(replace(kept, connected=False), ClockKind.CONNECT, clock))


def record_change(known: Catalogue, by: Actor, code: Digest, changed_at: BlockTime, office: Office) -> Catalogue:
    """A change after which the resource must be updated; starts UPDATE from its day."""
    _require_acting(by)
    kept = _of(known, code)
    _require_either(by, office.carrier(kept.provider, code), office)
    update = kept.clocks.get(ClockKind.UPDATE)
    running = update if update and update.runs else None
    starts = {clock.start for clock in (update, kept.held) if clock}
    if changed_at in starts or (running and running.start < changed_at):
        return known
    if changed_at > office.now:
        raise InputError("catalogue.change_later", changed_at=changed_at, block_time=office.now)
    if not kept.is_open:
        raise _state_wrong(kept)
    if _ended_by_submission(kept):
        kept = replace(kept, held=update)
    days = running.working_days if running else UPDATE_DAYS
    return _with(known, _start(kept, ClockKind.UPDATE, changed_at, days, office))


def extend_update(known: Catalogue, by: Actor, code: Digest, office: Office) -> Catalogue:
    """Five more working days for a running UPDATE, once, with the authority's consent."""
    _require_acting(by)
    kept = _of(known, code)
    _require_authority(by, kept, office)
    update = kept.clocks.get(ClockKind.UPDATE)
    if update and update.runs and update.working_days != UPDATE_DAYS:
        return known
    if update is None or not update.runs or office.now >= update.deadline:
        raise ConflictError("catalogue.no_update_due", code=code)
    days = UPDATE_DAYS + EXTENSION_DAYS
    # A calendar that has more working days since would make an extension a shortening.
    until = max(update.deadline, deadline(office.calendar, update.start, days))
    return _with(known, _set(kept, ClockKind.UPDATE, Clock(update.start, days, until)))


def move_deadlines(known: Catalogue, code: Digest, calendar: Calendar) -> Catalogue:
    """The running clocks of a resource by a corrected calendar: only later."""
    kept = known.resources.get(code)
    if kept is None:
        return known
    moved = {}
    for kind, clock in kept.clocks.items():
        if clock.runs and (later := _term_if_known(calendar, clock.start, clock.working_days)) > clock.deadline:
            moved[kind] = replace(clock, deadline=later)
    return _with(known, replace(kept, clocks=MappingProxyType({**kept.clocks, **moved}))) if moved else known


# What follows from the lists


@dataclass(frozen=True, slots=True)
class ConnectionRate:
    """How many of the resources that a department owes are connected; those not shared don't count."""

    owed: int
    connected: int

    @property
    def share(self) -> float | None:
        """None where nothing is owed."""
        return self.connected / self.owed if self.owed else None


def duties(known: Catalogue) -> Iterator[Resource]:
    """The responsibility list."""
    return (r for r in known.resources.values() if r.owed)


def duties_not_connected(known: Catalogue) -> Iterator[Resource]:
    """Duties whose resource can't be had, though it isn't one that isn't shared."""
    return (r for r in duties(known) if not _on_negative_list(r) and r.state is not State.CONNECTED)


def demands_without_provider(known: Catalogue) -> Iterator[Demand]:
    """Open demands that nobody answers yet."""
    return (d for d in known.demands.values() if not d.closed and d.provider is None)


def negative_list(known: Catalogue) -> Iterator[Resource]:
    """What is published as not shared, each with its basis."""
    return (r for r in known.resources.values() if _on_negative_list(r))


def connection_rate(known: Catalogue, provider: DepartmentCode, office: Office) -> ConnectionRate:
    """Of the department that carries the duties now."""
    mine = [r for r in duties(known) if not _on_negative_list(r) and office.carrier(r.provider, r.code) == provider]
    return ConnectionRate(len(mine), sum(r.state is State.CONNECTED for r in mine))


def overdue(known: Catalogue, at: BlockTime) -> Iterator[tuple[Resource, ClockKind]]:
    """Clocks that run past their deadline at `at`."""
    for resource in known.resources.values():
        for kind, clock in resource.clocks.items():
            if clock.runs and 0 < clock.deadline <= at:
                yield resource, kind


def _on_negative_list(resource: Resource) -> bool:
    version = resource.published
    return resource.is_open and version is not None and version.sharing_class is SharingClass.NOT_SHARED


# Who may


def _require_acting(by: Actor) -> None:
    if by.suspended:
        raise DeniedError("catalogue.department_suspended", department=by.department)


def _require_provider(by: Actor, kept: Resource, office: Office) -> None:
    provider = office.carrier(kept.provider, kept.code)
    if provider != by.department:
        raise DeniedError("catalogue.not_provider", code=kept.code, provider=provider, department=by.department)


def _require_authority(by: Actor, kept: Resource, office: Office) -> None:
    authority = office.authority_of(office.carrier(kept.provider, kept.code))
    if authority != by.department:
        raise DeniedError("catalogue.not_authority", authority=authority, department=by.department)


def _require_either(by: Actor, provider: DepartmentCode, office: Office) -> None:
    if provider != by.department and (authority := office.authority_of(provider)) != by.department:
        told: dict[str, Any] = {"provider": provider, "authority": authority, "department": by.department}
        raise DeniedError("catalogue.not_entitled", **told)


def _require_department(code: Digest, provider: DepartmentCode, office: Office) -> None:
    if not office.is_department(provider) or office.carrier(provider, code) != provider:
        raise InputError("catalogue.provider_invalid", provider=provider)


def _drawer(known: Catalogue, by: Actor, code: Digest, office: Office) -> tuple[Resource, Digest]:
    """The resource before a person of its provider; a code that nobody holds becomes that one's."""
    _require_acting(by)
    if by.person is None:
        raise DeniedError("catalogue.person_needed", operator=by.department)
    kept = known.resources.get(code)
    if kept is None or _is_vacant(kept):
        return Resource(code, by.department, clocks=kept.clocks if kept else MappingProxyType({})), by.person
    _require_provider(by, kept, office)
    return kept, by.person


def _approver(
    known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office
) -> tuple[Resource, Draft | None]:
    """The draft of that version before another person of the provider; None if it is published."""
    _require_acting(by)
    kept = _of(known, code)
    _require_provider(by, kept, office)
    draft = _draft_of(kept, version_hash)
    if by.person is None:
        raise DeniedError("catalogue.person_needed", operator=by.department)
    if draft and draft.drawn_up_by == by.person:
        raise DeniedError("catalogue.same_person", code=code)
    return kept, draft


def _before_authority(
    known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office
) -> tuple[Resource, Draft | None]:
    _require_acting(by)
    kept = _of(known, code)
    _require_authority(by, kept, office)
    return kept, _draft_of(kept, version_hash)


# What is


def _of(known: Catalogue, code: Digest) -> Resource:
    kept = known.resources.get(code)
    if kept is None:
        raise NotFoundError("catalogue.resource_unknown", code=code)
    return kept


def _demand_of(known: Catalogue, id: Digest) -> Demand:
    kept = known.demands.get(id)
    if kept is None:
        raise NotFoundError("catalogue.demand_unknown", id=id)
    return kept


def _is_vacant(kept: Resource) -> bool:
    """Neither owed nor drawn up: anybody's."""
    return kept.state is State.UNKNOWN and not kept.owed


def _draft_of(kept: Resource, version_hash: Digest) -> Draft | None:
    """The draft of that version; None if that version was published, as the last one, or withdrew the resource."""
    if kept.draft and kept.draft.version.version_hash == version_hash:
        return kept.draft
    done = kept.decision or (kept.published and kept.published.version_hash)
    if done != version_hash:
        found = kept.draft.version.version_hash if kept.draft else None
        raise ConflictError("catalogue.version_differs", code=kept.code, given=version_hash, found=found)
    return None


def _require_stage(code: Digest, draft: Draft | None, needed: Stage) -> None:
    stage = draft.stage if draft else Stage.NONE
    if stage is not needed:
        raise ConflictError("catalogue.stage_wrong", code=code, stage=int(stage), needed=int(needed))


def _require_levels(item_levels: bytes) -> None:
    if not 0 < len(item_levels) <= MOST_ITEMS:
        raise InputError("catalogue.item_count_invalid", items=len(item_levels), limit=MOST_ITEMS)
    for index, level in enumerate(item_levels):
        if not 0 < level <= HIGHEST_LEVEL:
            raise InputError("catalogue.level_invalid", index=index, level=level)


def _state_wrong(kept: Resource) -> ConflictError:
    return ConflictError("catalogue.state_wrong", code=kept.code, state=int(kept.state))


# What changes


def _with(known: Catalogue, kept: Resource) -> Catalogue:
    return replace(known, resources=MappingProxyType({**known.resources, kept.code: kept}))


def _with_demand(known: Catalogue, kept: Demand) -> Catalogue:
    return replace(known, demands=MappingProxyType({**known.demands, kept.id: kept}))


def _runs(kept: Resource, kind: ClockKind) -> bool:
    return (clock := kept.clocks.get(kind)) is not None and clock.runs


def _set(kept: Resource, kind: ClockKind, clock: Clock) -> Resource:
    return replace(kept, clocks=MappingProxyType({**kept.clocks, kind: clock}))


def _start(kept: Resource, kind: ClockKind, start: BlockTime, days: int, office: Office) -> Resource:
    return _set(kept, kind, Clock(start, days, deadline(office.calendar, start, days)))


def _term_if_known(calendar: Calendar, start: BlockTime, days: int) -> BlockTime:
    """0, provisional, where the calendar has no such year yet: telling that data can't be had never waits."""
    try:
        return deadline(calendar, start, days)
    except NotFoundError:
        return BlockTime(0)


def _end(kept: Resource, kind: ClockKind, office: Office) -> Resource:
    return _set(kept, kind, replace(kept.clocks[kind], ended_at=office.now)) if _runs(kept, kind) else kept


def _taken_back(kept: Resource, office: Office) -> Resource:
    """No longer submitted: REVIEW ends, and an UPDATE that the submission ended runs on from its own start."""
    if kept.draft is None or kept.draft.stage is not Stage.APPROVED:
        return kept
    update, held = kept.clocks.get(ClockKind.UPDATE), kept.held
    if update and _ended_by_submission(kept):
        kept = _set(kept, ClockKind.UPDATE, replace(update, ended_at=None))
    elif update and held:
        # A change recorded while the draft lay with the authority gives no new time for the one before.
        kept = replace(kept, held=None)
        if held.start < update.start:
            kept = _set(kept, ClockKind.UPDATE, replace(held, ended_at=None))
    return _end(kept, ClockKind.REVIEW, office)


def _ended_by_submission(kept: Resource) -> bool:
    """Whether it was the submission that now waits for the authority which ended UPDATE."""
    update, submitted = kept.clocks.get(ClockKind.UPDATE), kept.clocks.get(ClockKind.REVIEW)
    return bool(update and submitted and submitted.runs and update.ended_at == submitted.start)
