"""A resource's life: drawn up, reviewed, approved, published, connected, changed, withdrawn; and its clocks.

Pure; acts as in ledger.catalogue. Sharing.md, "Catalogue's life".
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from ledger.calendar import Calendar, deadline
from ledger.catalogue.records import (
    CONNECT_DAYS,
    EXTENSION_DAYS,
    REVIEW_DAYS,
    UPDATE_DAYS,
    Actor,
    Catalogue,
    Clock,
    ClockKind,
    Draft,
    Office,
    SharingClass,
    Stage,
    State,
    Version,
)
from ledger.catalogue.rules import (
    clock_runs,
    draft_before_authority,
    end_clock,
    ended_by_submission,
    put,
    require_acting,
    require_approver,
    require_authority,
    require_drawer,
    require_either,
    require_levels,
    require_provider,
    require_stage,
    resource_of,
    set_clock,
    start_clock,
    state_wrong,
    taken_back,
    term_if_known,
)
from ledger.errors import ConflictError, InputError
from ledger.types import BlockTime, Digest


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
    kept, person = require_drawer(known, by, code, office)
    if not SharingClass.UNCONDITIONAL <= sharing_class <= SharingClass.NOT_SHARED:
        raise InputError("catalogue.class_unknown", sharing_class=sharing_class)
    if basis is None and sharing_class == SharingClass.NOT_SHARED:
        raise InputError("catalogue.basis_needed", id=code)
    if kept.state is State.WITHDRAWN:
        raise state_wrong(kept)
    require_levels(item_levels)
    made = Version(version_hash, SharingClass(sharing_class), max(item_levels), len(item_levels), basis)
    if kept.published and kept.published.version_hash == version_hash:
        return known
    if kept.draft and kept.draft.version == made:
        return known
    if kept.published is None:
        kept = replace(kept, provider=by.department)
    return put(known, replace(taken_back(kept, office), draft=Draft(made, person)))


def draw_up_withdrawal(known: Catalogue, by: Actor, code: Digest, decision: Digest, office: Office) -> Catalogue:
    """A draft that withdraws what is published."""
    kept, person = require_drawer(known, by, code, office)
    if kept.decision == decision:
        return known
    if not kept.is_open or kept.published is None:
        raise state_wrong(kept)
    if kept.published.version_hash == decision:
        raise ConflictError("catalogue.version_differs", code=code, given=decision, found=decision)
    made = Version(decision, SharingClass.WITHDRAWAL, 0, 0, decision)
    if kept.draft and kept.draft.version == made:
        return known
    return put(known, replace(taken_back(kept, office), draft=Draft(made, person)))


def review(known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office) -> Catalogue:
    """The draft passed the review of risk and secrecy."""
    kept, draft = require_approver(known, by, code, version_hash, office)
    if draft is None or draft.stage is not Stage.DRAWN_UP:
        return known
    return put(known, replace(kept, draft=replace(draft, stage=Stage.REVIEWED)))


def approve(known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office) -> Catalogue:
    """The head's approval, which submits the draft; ends UPDATE, starts REVIEW."""
    kept, draft = require_approver(known, by, code, version_hash, office)
    if draft is None or draft.stage is Stage.APPROVED:
        return known
    require_stage(code, draft, Stage.REVIEWED)
    kept = end_clock(replace(kept, draft=replace(draft, stage=Stage.APPROVED)), ClockKind.UPDATE, office)
    return put(known, start_clock(kept, ClockKind.REVIEW, office.now, REVIEW_DAYS, office))


def publish(known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office) -> Catalogue:
    """The sharing authority publishes a submitted draft, or the withdrawal that it is."""
    kept, draft = draft_before_authority(known, by, code, version_hash, office)
    if draft is None:
        return known
    require_stage(code, draft, Stage.APPROVED)
    kept = end_clock(replace(kept, draft=None, held=None), ClockKind.REVIEW, office)
    if draft.version.sharing_class is SharingClass.WITHDRAWAL:
        kept = replace(kept, decision=version_hash, connected=False, owed=False)
        return put(known, end_clock(end_clock(kept, ClockKind.UPDATE, office), ClockKind.CONNECT, office))
    shared = draft.version.sharing_class is not SharingClass.NOT_SHARED
    kept = replace(kept, published=draft.version, connected=kept.connected and shared)
    if not shared:
        kept = end_clock(kept, ClockKind.CONNECT, office)
    elif not kept.connected and not clock_runs(kept, ClockKind.CONNECT):
        kept = start_clock(kept, ClockKind.CONNECT, office.now, CONNECT_DAYS, office)
    return put(known, kept)


def send_back(known: Catalogue, by: Actor, code: Digest, version_hash: Digest, office: Office) -> Catalogue:
    """The sharing authority sends a submitted draft back to stage 1."""
    kept, draft = draft_before_authority(known, by, code, version_hash, office)
    if draft is not None and draft.stage is Stage.DRAWN_UP:
        return known
    require_stage(code, draft, Stage.APPROVED)
    assert draft is not None
    return put(known, replace(taken_back(kept, office), draft=replace(draft, stage=Stage.DRAWN_UP)))


def connect(known: Catalogue, by: Actor, code: Digest, office: Office) -> Catalogue:
    """The published resource can be had."""
    require_acting(by)
    kept = resource_of(known, code)
    require_provider(by, kept, office)
    if kept.state is State.CONNECTED:
        return known
    if kept.state is not State.PUBLISHED or kept.published is None:
        raise state_wrong(kept)
    if kept.published.sharing_class is SharingClass.NOT_SHARED:
        raise ConflictError("catalogue.not_shared", code=code)
    return put(known, end_clock(replace(kept, connected=True), ClockKind.CONNECT, office))


def disconnect(known: Catalogue, by: Actor, code: Digest, office: Office) -> Catalogue:
    """It can't be had any more; a suspended department may say so too."""
    kept = resource_of(known, code)
    require_either(by, office.carrier(kept.provider, code), office)
    if kept.state is not State.CONNECTED:
        return known
    clock = Clock(office.now, CONNECT_DAYS, term_if_known(office.calendar, office.now, CONNECT_DAYS))
    return put(known, set_clock(replace(kept, connected=False), ClockKind.CONNECT, clock))


def record_change(known: Catalogue, by: Actor, code: Digest, changed_at: BlockTime, office: Office) -> Catalogue:
    """A change after which the resource must be updated; starts UPDATE from its day."""
    require_acting(by)
    kept = resource_of(known, code)
    require_either(by, office.carrier(kept.provider, code), office)
    update = kept.clocks.get(ClockKind.UPDATE)
    running = update if update and update.runs else None
    starts = {clock.start for clock in (update, kept.held) if clock}
    if changed_at in starts or (running and running.start < changed_at):
        return known
    if changed_at > office.now:
        raise InputError("catalogue.change_later", changed_at=changed_at, block_time=office.now)
    if not kept.is_open:
        raise state_wrong(kept)
    if ended_by_submission(kept):
        kept = replace(kept, held=update)
    days = running.working_days if running else UPDATE_DAYS
    return put(known, start_clock(kept, ClockKind.UPDATE, changed_at, days, office))


def extend_update(known: Catalogue, by: Actor, code: Digest, office: Office) -> Catalogue:
    """Five more working days for a running UPDATE, once, with the authority's consent."""
    require_acting(by)
    kept = resource_of(known, code)
    require_authority(by, kept, office)
    update = kept.clocks.get(ClockKind.UPDATE)
    if update and update.runs and update.working_days != UPDATE_DAYS:
        return known
    if update is None or not update.runs or office.now >= update.deadline:
        raise ConflictError("catalogue.no_update_due", code=code)
    days = UPDATE_DAYS + EXTENSION_DAYS
    # A calendar that has more working days since would make an extension a shortening.
    until = max(update.deadline, deadline(office.calendar, update.start, days))
    return put(known, set_clock(kept, ClockKind.UPDATE, Clock(update.start, days, until)))


def move_deadlines(known: Catalogue, code: Digest, calendar: Calendar) -> Catalogue:
    """The running clocks of a resource by a corrected calendar: only later."""
    kept = known.resources.get(code)
    if kept is None:
        return known
    moved = {}
    for kind, clock in kept.clocks.items():
        if clock.runs and (later := term_if_known(calendar, clock.start, clock.working_days)) > clock.deadline:
            moved[kind] = replace(clock, deadline=later)
    return put(known, replace(kept, clocks=MappingProxyType({**kept.clocks, **moved}))) if moved else known
