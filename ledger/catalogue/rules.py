"""What the acts on the catalogue share: who may, what is, and how a resource and its clocks change. Pure.

Refusals have the codes of the contract's errors, in the contract's order.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ledger.calendar import Calendar, deadline
from ledger.catalogue.records import (
    HIGHEST_LEVEL,
    MOST_ITEMS,
    Actor,
    Catalogue,
    Clock,
    ClockKind,
    Demand,
    Draft,
    Office,
    Resource,
    Stage,
    State,
)
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import BlockTime, DepartmentCode, Digest


def require_acting(by: Actor) -> None:
    if by.suspended:
        raise DeniedError("catalogue.department_suspended", department=by.department)


def require_provider(by: Actor, kept: Resource, office: Office) -> None:
    provider = office.carrier(kept.provider, kept.code)
    if provider != by.department:
        raise DeniedError("catalogue.not_provider", code=kept.code, provider=provider, department=by.department)


def require_authority(by: Actor, kept: Resource, office: Office) -> None:
    authority = office.authority_of(office.carrier(kept.provider, kept.code))
    if authority != by.department:
        raise DeniedError("catalogue.not_authority", authority=authority, department=by.department)


def require_either(by: Actor, provider: DepartmentCode, office: Office) -> None:
    if provider != by.department and (authority := office.authority_of(provider)) != by.department:
        told: dict[str, Any] = {"provider": provider, "authority": authority, "department": by.department}
        raise DeniedError("catalogue.not_entitled", **told)


def require_department(code: Digest, provider: DepartmentCode, office: Office) -> None:
    if not office.is_department(provider) or office.carrier(provider, code) != provider:
        raise InputError("catalogue.provider_invalid", provider=provider)


def require_drawer(known: Catalogue, by: Actor, code: Digest, office: Office) -> tuple[Resource, Digest]:
    """The resource before a person of its provider; a code that nobody holds becomes that one's."""
    require_acting(by)
    if by.person is None:
        raise DeniedError("catalogue.person_needed", operator=by.department)
    kept = known.resources.get(code)
    if kept is None or is_vacant(kept):
        return Resource(code, by.department, clocks=kept.clocks if kept else MappingProxyType({})), by.person
    require_provider(by, kept, office)
    return kept, by.person


def require_approver(
    known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office
) -> tuple[Resource, Draft | None]:
    """The draft of that version before another person of the provider; None if it is published."""
    require_acting(by)
    kept = resource_of(known, code)
    require_provider(by, kept, office)
    draft = _draft_of(kept, version_hash)
    if by.person is None:
        raise DeniedError("catalogue.person_needed", operator=by.department)
    if draft and draft.drawn_up_by == by.person:
        raise DeniedError("catalogue.same_person", code=code)
    return kept, draft


def draft_before_authority(
    known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office
) -> tuple[Resource, Draft | None]:
    require_acting(by)
    kept = resource_of(known, code)
    require_authority(by, kept, office)
    return kept, _draft_of(kept, version_hash)


def resource_of(known: Catalogue, code: Digest) -> Resource:
    kept = known.resources.get(code)
    if kept is None:
        raise NotFoundError("catalogue.resource_unknown", code=code)
    return kept


def demand_of(known: Catalogue, id: Digest) -> Demand:
    kept = known.demands.get(id)
    if kept is None:
        raise NotFoundError("catalogue.demand_unknown", id=id)
    return kept


def is_vacant(kept: Resource) -> bool:
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


def require_stage(code: Digest, draft: Draft | None, needed: Stage) -> None:
    stage = draft.stage if draft else Stage.NONE
    if stage is not needed:
        raise ConflictError("catalogue.stage_wrong", code=code, stage=int(stage), needed=int(needed))


def require_levels(item_levels: bytes) -> None:
    if not 0 < len(item_levels) <= MOST_ITEMS:
        raise InputError("catalogue.item_count_invalid", items=len(item_levels), limit=MOST_ITEMS)
    for index, level in enumerate(item_levels):
        if not 0 < level <= HIGHEST_LEVEL:
            raise InputError("catalogue.level_invalid", index=index, level=level)


def state_wrong(kept: Resource) -> ConflictError:
    return ConflictError("catalogue.state_wrong", code=kept.code, state=int(kept.state))


def put(known: Catalogue, kept: Resource) -> Catalogue:
    return replace(known, resources=MappingProxyType({**known.resources, kept.code: kept}))


def put_demand(known: Catalogue, kept: Demand) -> Catalogue:
    return replace(known, demands=MappingProxyType({**known.demands, kept.id: kept}))


def clock_runs(kept: Resource, kind: ClockKind) -> bool:
    return (clock := kept.clocks.get(kind)) is not None and clock.runs


def set_clock(kept: Resource, kind: ClockKind, clock: Clock) -> Resource:
    return replace(kept, clocks=MappingProxyType({**kept.clocks, kind: clock}))


def start_clock(kept: Resource, kind: ClockKind, start: BlockTime, days: int, office: Office) -> Resource:
    return set_clock(kept, kind, Clock(start, days, deadline(office.calendar, start, days)))


def term_if_known(calendar: Calendar, start: BlockTime, days: int) -> BlockTime:
    """0, provisional, where the calendar has no such year yet: telling that data can't be had never waits."""
    try:
        return deadline(calendar, start, days)
    except NotFoundError:
        return BlockTime(0)


def end_clock(kept: Resource, kind: ClockKind, office: Office) -> Resource:
    return set_clock(kept, kind, replace(kept.clocks[kind], ended_at=office.now)) if clock_runs(kept, kind) else kept


def taken_back(kept: Resource, office: Office) -> Resource:
    """No longer submitted: REVIEW ends, and an UPDATE that the submission ended runs on from its own start."""
    if kept.draft is None or kept.draft.stage is not Stage.APPROVED:
        return kept
    update, held = kept.clocks.get(ClockKind.UPDATE), kept.held
    if update and ended_by_submission(kept):
        kept = set_clock(kept, ClockKind.UPDATE, replace(update, ended_at=None))
    elif update and held:
        # A change recorded while the draft lay with the authority gives no new time for the one before.
        kept = replace(kept, held=None)
        if held.start < update.start:
            kept = set_clock(kept, ClockKind.UPDATE, replace(held, ended_at=None))
    return end_clock(kept, ClockKind.REVIEW, office)


def ended_by_submission(kept: Resource) -> bool:
    """Whether it was the submission that now waits for the authority which ended UPDATE."""
    update, submitted = kept.clocks.get(ClockKind.UPDATE), kept.clocks.get(ClockKind.REVIEW)
    return bool(update and submitted and submitted.runs and update.ended_at == submitted.start)
