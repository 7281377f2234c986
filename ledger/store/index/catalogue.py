"""Resources and demands, from the events of the contract `Catalogue`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ledger.catalogue import Clock, ClockKind, Demand, Draft, Resource, SharingClass, Stage, State, Version
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row
from ledger.store.index.values import code, given
from ledger.store.object_tables import demands, resource_clocks, resources
from ledger.types import BlockTime, Digest

RESOURCE = frozenset(
    {
        "DutyAdded",
        "DutyEnded",
        "DrawnUp",
        "WithdrawalDrawnUp",
        "Reviewed",
        "Approved",
        "SentBack",
        "Published",
        "Withdrawn",
        "Connected",
        "Disconnected",
        "ClockSet",
        "ClockEnded",
        "DeadlineMoved",
    }
)
STAGES = {"Reviewed": Stage.REVIEWED, "Approved": Stage.APPROVED, "SentBack": Stage.DRAWN_UP}


def resource_from(history: Sequence[ToldEvent], kept: Resource | None = None) -> Resource | None:
    """The resource that these events made, or made of `kept`; None for a subject that is none. `provider` as it was
    then."""
    for event in history:
        args = event.args
        if kept is None and event.event in ("DutyAdded", "DrawnUp"):
            kept = Resource(Digest(args["code"]), code(args["provider"]))
        if kept is not None:
            kept = _after(kept, event)
    return kept


def _after(kept: Resource, event: ToldEvent) -> Resource:
    args = event.args
    match event.event:
        case "DutyAdded":
            vacant = kept.state is State.UNKNOWN and not kept.owed
            return replace(kept, owed=True, provider=code(args["provider"]) if vacant else kept.provider)
        case "DutyEnded":
            return replace(kept, owed=False)
        case "DrawnUp":
            provider = code(args["provider"]) if kept.published is None else kept.provider
            return replace(kept, provider=provider, draft=_draft(args))
        case "WithdrawalDrawnUp":
            decision = Digest(args["versionHash"])
            made = Version(decision, SharingClass.WITHDRAWAL, 0, 0, decision)
            return replace(kept, draft=Draft(made, Digest(args["personHash"])))
        case "Reviewed" | "Approved" | "SentBack":
            return _staged(kept, STAGES[event.event])
        case "Published":
            return _published(kept)
        case "Withdrawn":
            return replace(kept, decision=Digest(args["versionHash"]), connected=False, draft=None)
        case "Connected" | "Disconnected":
            return replace(kept, connected=event.event == "Connected")
        case "ClockSet" | "ClockEnded" | "DeadlineMoved":
            return _timed(kept, event)
        case _:
            return kept


def _draft(args: Mapping[str, Any]) -> Draft:
    levels: bytes = args["itemLevels"]
    sharing, basis = SharingClass(args["sharingClass"]), given(args["basis"])
    version = Version(Digest(args["versionHash"]), sharing, max(levels), len(levels), basis)
    return Draft(version, Digest(args["personHash"]))


def _staged(kept: Resource, stage: Stage) -> Resource:
    return replace(kept, draft=replace(kept.draft, stage=stage)) if kept.draft is not None else kept


def _published(kept: Resource) -> Resource:
    if kept.draft is None:
        return kept
    shared = kept.draft.version.sharing_class is not SharingClass.NOT_SHARED
    return replace(kept, published=kept.draft.version, connected=kept.connected and shared, draft=None)


def _timed(kept: Resource, event: ToldEvent) -> Resource:
    args = event.args
    kind = ClockKind(args["clock"])
    if event.event != "ClockSet" and kind not in kept.clocks:
        return kept
    match event.event:
        case "ClockSet":
            clock = Clock(BlockTime(args["start"]), args["workingDays"], BlockTime(args["deadline"]))
        case "ClockEnded":
            clock = replace(kept.clocks[kind], ended_at=event.block_time)
        case _:
            clock = replace(kept.clocks[kind], deadline=BlockTime(args["deadline"]))
    return replace(kept, clocks=MappingProxyType({**kept.clocks, kind: clock}))


def demand_from(history: Sequence[ToldEvent], found: Demand | None = None) -> Demand | None:
    """The demand that these events made, or made of `found`; None for a subject that is none."""
    for event in history:
        args = event.args
        if event.event == "Demanded":
            provider = code(args["provider"]) or None
            found = Demand(Digest(args["id"]), code(args["consumer"]), provider, given(args["code"]), args["basis"])
        elif found is not None and event.event == "DemandAssigned":
            found = replace(found, provider=code(args["provider"]), code=given(args["code"]))
        elif found is not None and event.event == "DemandClosed":
            found = replace(found, closed=True)
    return found


def _resource_rows(_: bytes, kept: Resource) -> Sequence[Row]:
    version = kept.published
    row = {
        "provider": kept.provider,
        "state": int(kept.state),
        "owed": kept.owed,
        "sharing_class": int(version.sharing_class) if version is not None else None,
        "level": version.level if version is not None else None,
        "item_count": version.item_count if version is not None else None,
        "draft_stage": int(kept.draft.stage) if kept.draft is not None else None,
    }
    return (row,)


def _clock_rows(_: bytes, kept: Resource) -> Sequence[Row]:
    """Those that run."""
    return [{"clock": int(k), "start": c.start, "deadline": c.deadline} for k, c in kept.clocks.items() if c.runs]


def _demand_rows(_: bytes, found: Demand) -> Sequence[Row]:
    row = {"consumer": found.consumer, "provider": found.provider, "code": found.code, "closed": found.closed}
    return (row,)


CATALOGUE = (
    Projection("Catalogue", resources, RESOURCE, resource_from, _resource_rows),
    Projection("Catalogue", resource_clocks, RESOURCE, resource_from, _clock_rows),
    Projection(
        "Catalogue",
        demands,
        frozenset({"Demanded", "DemandAssigned", "DemandClosed"}),
        demand_from,
        _demand_rows,
    ),
)
