"""The lists: duties to provide, and demands until somebody is charged with them. Pure; acts as in ledger.catalogue."""

from __future__ import annotations

from dataclasses import replace

from ledger.catalogue.records import UPDATE_DAYS, Actor, Catalogue, ClockKind, Demand, Office, Resource, State
from ledger.catalogue.rules import (
    clock_runs,
    demand_of,
    end_clock,
    is_vacant,
    put,
    put_demand,
    require_acting,
    require_authority,
    require_department,
    require_either,
    resource_of,
    start_clock,
    state_wrong,
)
from ledger.errors import ConflictError, DeniedError
from ledger.types import DepartmentCode, Digest


def add_duty(known: Catalogue, by: Actor, code: Digest, provider: DepartmentCode, office: Office) -> Catalogue:
    """`provider` owes the resource; starts UPDATE unless something was submitted."""
    require_acting(by)
    require_either(by, provider, office)
    require_department(code, provider, office)
    kept = known.resources.get(code)
    if kept is None or is_vacant(kept):
        kept = replace(kept, provider=provider) if kept else Resource(code, provider)
    elif (current := office.carrier(kept.provider, code)) != provider:
        raise DeniedError("catalogue.not_provider", code=code, provider=current, department=provider)
    if kept.owed:
        return known
    if kept.state is State.WITHDRAWN:
        raise state_wrong(kept)
    kept = replace(kept, owed=True)
    if kept.state in (State.UNKNOWN, State.PREPARED) and not clock_runs(kept, ClockKind.UPDATE):
        kept = start_clock(kept, ClockKind.UPDATE, office.now, UPDATE_DAYS, office)
    return put(known, kept)


def end_duty(known: Catalogue, by: Actor, code: Digest, office: Office) -> Catalogue:
    """Takes a duty off the list."""
    require_acting(by)
    kept = resource_of(known, code)
    require_authority(by, kept, office)
    if not kept.owed:
        return known
    changed = replace(kept, owed=False)
    if kept.published is None:
        changed = end_clock(changed, ClockKind.UPDATE, office)
    return put(known, changed)


def demand(known: Catalogue, by: Actor, wanted: Demand, office: Office) -> Catalogue:
    """Puts a demand on its list; its `consumer` is who acts."""
    require_acting(by)
    if (kept := known.demands.get(wanted.id)) is not None:
        consumer = office.carrier(kept.consumer, kept.id)
        if consumer != by.department or kept.basis != wanted.basis:
            raise ConflictError("catalogue.demand_differs", id=wanted.id, consumer=consumer)
        return known
    if wanted.provider is not None:
        require_department(wanted.code or Digest(bytes(32)), wanted.provider, office)
    return put_demand(known, replace(wanted, consumer=by.department, closed=False))


def assign_demand(
    known: Catalogue, by: Actor, id: Digest, provider: DepartmentCode, code: Digest | None, *, office: Office
) -> Catalogue:
    """Names who answers a demand, and with which resource."""
    require_acting(by)
    kept = demand_of(known, id)
    authority = office.common_authority(office.carrier(kept.consumer, id), provider)
    if authority != by.department:
        raise DeniedError("catalogue.not_authority", authority=authority, department=by.department)
    if (kept.provider, kept.code) == (provider, code):
        return known
    if kept.closed:
        raise ConflictError("catalogue.demand_closed", id=id)
    require_department(code or Digest(bytes(32)), provider, office)
    return put_demand(known, replace(kept, provider=provider, code=code))


def close_demand(known: Catalogue, by: Actor, id: Digest, office: Office) -> Catalogue:
    """Met, or no longer needed."""
    require_acting(by)
    kept = demand_of(known, id)
    if (consumer := office.carrier(kept.consumer, id)) != by.department:
        raise ConflictError("catalogue.demand_differs", id=id, consumer=consumer)
    return known if kept.closed else put_demand(known, replace(kept, closed=True))
