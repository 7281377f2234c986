"""Grants from the data's provision to the end: stops, records of use, acknowledgements.

Pure twin of the contract ShareAuthorisations, as ledger.shares.applications. Sharing.md, "Grant: states"; Decree 809
art. 22, 27, 29.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.errors import ConflictError, InputError
from ledger.shares.acts import (
    AREA,
    MISUSE,
    ORDERED,
    OTHER_STOP,
    WITHDRAWAL,
    by_authority,
    by_consumer,
    by_provider,
    by_stopper,
    consumer_of,
    ended,
    is_open,
    kind,
    known,
    moved_deadline,
    provider_of,
    put,
    require_commitment,
    require_granting,
    require_party,
    require_reason,
    require_state,
    started,
    stopped,
    use,
)
from ledger.shares.grants import DESTRUCTION, ENDED, NO_CLOCK, STORAGE, Book, Grant, State, effective_state
from ledger.shares.setting import Actor, Setting
from ledger.types import Digest, Role


def activate(book: Book, id_: Digest, *, by: Actor, setting: Setting) -> Book:
    """The provider's handler: the data is provided. A renewed grant that hasn't ended is SUPERSEDED."""
    found = by_provider(book, id_, by, Role.SHARE_HANDLER, setting)
    state = effective_state(found, setting.now)
    if state is State.ACTIVE:
        return book
    require_granting(id_, found, by, setting)
    require_state(id_, state is State.GRANTED, found, setting)
    book = put(book, id_, found, state=State.ACTIVE, provided=True, clock=NO_CLOCK)
    renewed = found.terms.supersedes
    if renewed is None or not is_open(effective_state(book.grants[renewed], setting.now)):
        return book
    return put(book, renewed, ended(book.grants[renewed], State.SUPERSEDED, 0, setting), successor=id_)


def file_stop(book: Book, id_: Digest, ground: int, negotiation: Digest | None, *, by: Actor, setting: Setting) -> Book:
    """Files a stop for another ground than misuse, after negotiation."""
    found = by_provider(book, id_, by, Role.SHARE_HANDLER, setting)
    if ground and found.filed_ground == ground:
        return book
    state = effective_state(found, setting.now)
    require_state(id_, is_open(state), found, setting)
    require_reason(ground, OTHER_STOP)
    require_commitment(id_, negotiation)
    return put(book, id_, found, filed_ground=ground)


def suspend(book: Book, id_: Digest, ground: int, mend_days: int, *, by: Actor, setting: Setting) -> Book:
    """ACTIVE → SUSPENDED: misuse with working days to mend, other stops filed before, orders by the authority."""
    found = by_stopper(book, id_, ground, by, setting)
    state = effective_state(found, setting.now)
    suspended = state is State.SUSPENDED
    if suspended and found.ground == ground:
        return book
    # The authority's order stands above the provider's own suspension, which the provider could end.
    require_state(id_, state is State.ACTIVE or (suspended and kind(ground) == ORDERED), found, setting)
    _require_stop(id_, found, ground)
    if (kind(ground) == MISUSE) != (mend_days != 0):
        raise InputError(f"{AREA}.mend_days_invalid", id=id_.hex(), ground=ground, working_days=mend_days)
    clock = started(mend_days, setting) if mend_days else NO_CLOCK
    return put(book, id_, stopped(found, ground, setting), state=State.SUSPENDED, clock=clock)


def resume(book: Book, id_: Digest, *, by: Actor, setting: Setting) -> Book:
    """SUSPENDED → ACTIVE, by the side that suspended."""
    by.require(Role.SHARE_APPROVER)
    if kind(known(book, id_).ground) == ORDERED:
        found = by_authority(book, id_, by, setting)
    else:
        found = by_provider(book, id_, by, Role.SHARE_APPROVER, setting)
    state = effective_state(found, setting.now)
    if state is State.ACTIVE:
        return book
    require_granting(id_, found, by, setting)
    require_state(id_, state is State.SUSPENDED, found, setting)
    return put(book, id_, found, state=State.ACTIVE, clock=NO_CLOCK, filed_ground=0)


def revoke(book: Book, id_: Digest, ground: int, *, by: Actor, setting: Setting) -> Book:
    """→ REVOKED: misuse once the time to mend is over, other grounds filed before, orders by the authority."""
    found = by_stopper(book, id_, ground, by, setting)
    state = effective_state(found, setting.now)
    if state is State.REVOKED and found.ground == ground:
        return book
    require_state(id_, is_open(state), found, setting)
    _require_stop(id_, found, ground)
    # Only for the misuse that it was told of, and was given time to mend.
    told = state is State.SUSPENDED and found.ground == ground
    clock = found.clock if told else NO_CLOCK
    if kind(ground) == MISUSE and (not told or setting.now < clock.deadline):
        raise ConflictError(f"{AREA}.mend_pending", id=id_.hex(), deadline=clock.deadline)
    return put(book, id_, ended(found, State.REVOKED, ground, setting))


def surrender(book: Book, id_: Digest, reason: int, *, by: Actor, setting: Setting) -> Book:
    """The consumer gives the grant up."""
    found = by_consumer(book, id_, by, Role.SHARE_APPROVER, setting)
    state = effective_state(found, setting.now)
    if state is State.SURRENDERED:
        return book
    require_state(id_, is_open(state), found, setting)
    require_reason(reason, WITHDRAWAL)
    return put(book, id_, ended(found, State.SURRENDERED, reason, setting))


def exhaust(book: Book, id_: Digest, uses: int, *, by: Actor, setting: Setting) -> Book:
    """The provider's gateway, where uses are counted, reports the last one."""
    found = by_provider(book, id_, by, Role.GATEWAY, setting)
    state = effective_state(found, setting.now)
    if state is State.EXHAUSTED:
        return book
    require_state(id_, state in (State.ACTIVE, State.SUSPENDED), found, setting)
    if uses < found.terms.max_uses:
        raise InputError(f"{AREA}.uses_left", id=id_.hex(), uses=uses, max_uses=found.terms.max_uses)
    return put(book, id_, replace(ended(found, State.EXHAUSTED, 0, setting), uses=uses))


def record_use(book: Book, id_: Digest, record: int, commitment: Digest | None, *, by: Actor, setting: Setting) -> Book:
    """The consumer records storage (1), effect (2) or, after the end, destruction (3) of what it received."""
    found = by_consumer(book, id_, by, Role.SHARE_HANDLER, setting)
    allowed = found.provided and STORAGE <= record <= DESTRUCTION
    if not allowed or (record == DESTRUCTION and effective_state(found, setting.now) not in ENDED):
        raise InputError(f"{AREA}.record_invalid", id=id_.hex(), kind=record)
    bit = 1 << (record - 1)
    if found.records & bit and commitment is not None and book.used_by.get(commitment) == id_:
        return book
    book = use(book, id_, require_commitment(id_, commitment))
    return put(book, id_, found, records=found.records | bit)


def acknowledge(book: Book, id_: Digest, stop: int, applied_at: int, *, by: Actor, setting: Setting) -> Book:
    """A gateway of either side applied stop number `stop` at block `applied_at`."""
    by.require(Role.GATEWAY)
    found = known(book, id_)
    if by.department != consumer_of(id_, found, setting):
        require_party(id_, provider_of(id_, found, setting), by.department)
    key = (id_, by.operator)
    if 0 < stop <= book.acks.get(key, (0, 0))[0]:
        return book
    in_time = applied_at <= setting.block and (stop < found.stops or applied_at >= found.stop_block)
    if not 0 < stop <= found.stops or not in_time:
        raise InputError(f"{AREA}.stop_invalid", id=id_.hex(), stop=stop, applied_at=applied_at)
    return replace(book, acks={**book.acks, key: (stop, applied_at)})


def move_deadline(book: Book, id_: Digest, setting: Setting) -> Book:
    """Computes the open deadline again after the calendar was changed; by anyone, only later."""
    found = known(book, id_)
    clock = moved_deadline(found.clock, setting)
    return book if clock is None else put(book, id_, found, clock=clock)


def _require_stop(id_: Digest, found: Grant, ground: int) -> None:
    if kind(ground) not in (MISUSE, OTHER_STOP, ORDERED):
        raise InputError(f"{AREA}.reason_invalid", reason=ground)
    if kind(ground) == OTHER_STOP and found.filed_ground != ground:
        raise ConflictError(f"{AREA}.not_filed", id=id_.hex(), ground=ground)
