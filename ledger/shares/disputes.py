"""Disputes about a rejection or a silence: negotiation, the sharing authority, the government.

Pure; see ledger.shares.applications.
Departments of one division negotiate first; across levels or regions the common upper sharing authority has it; then
the government decides (Decree 809 art. 28).
"""

from __future__ import annotations

from ledger.errors import DeniedError
from ledger.shares.acts import (
    AREA,
    by_consumer,
    consumer_of,
    decider_of,
    known,
    provider_of,
    put,
    reply_days,
    require_party,
    require_state,
    started,
)
from ledger.shares.grants import AUTHORITY, GOVERNMENT, NEGOTIATION, NO_CLOCK, Book, State, is_silent
from ledger.shares.setting import Actor, Setting
from ledger.types import Digest, Role


def dispute(book: Book, id_: Digest, *, by: Actor, setting: Setting) -> Book:
    """Departments of one division negotiate first; else the common upper sharing authority has it (art. 28).

    An answer that is overdue goes to the authority at once: silence escalates.
    """
    found = by_consumer(book, id_, by, Role.SHARE_APPROVER, setting)
    if found.state is State.DISPUTED:
        return book
    silent = is_silent(found, setting.now)
    require_state(id_, found.state is State.REJECTED or silent, found, setting)
    near = setting.divisions[by.department] == setting.divisions[provider_of(id_, found, setting)]
    # Whoever didn't answer in time doesn't negotiate either.
    stage = NEGOTIATION if near and not silent else AUTHORITY
    return put(book, id_, found, state=State.DISPUTED, stage=stage, clock=NO_CLOCK)


def escalate(book: Book, id_: Digest, stage: int, *, by: Actor, setting: Setting) -> Book:
    """On to the next stage, by either side or the authority that has it."""
    by.require(Role.SHARE_APPROVER)
    found = known(book, id_)
    if by.department not in (consumer_of(id_, found, setting), provider_of(id_, found, setting)):
        require_party(id_, decider_of(id_, found, setting), by.department)
    disputed = found.state is State.DISPUTED
    if disputed and 0 < stage <= found.stage:
        return book
    require_state(id_, disputed and stage == found.stage + 1 <= GOVERNMENT, found, setting)
    return put(book, id_, found, stage=stage)


def settle(book: Book, id_: Digest, again: bool, *, by: Actor, setting: Setting) -> Book:
    """Who has the stage settles on a review anew, with a new term; the government alone may reject for good."""
    by.require(Role.SHARE_APPROVER)
    found = known(book, id_)
    require_party(id_, decider_of(id_, found, setting), by.department)
    to = State.PROVIDER_REVIEW if again else State.REJECTED_FINAL
    if found.stage and found.state is to:
        return book
    if found.stage > NEGOTIATION:
        setting.require_free(by.department, AREA)
    require_state(id_, found.state is State.DISPUTED, found, setting)
    if not again and found.stage != GOVERNMENT:
        raise DeniedError(f"{AREA}.not_final", id=id_.hex(), stage=found.stage)
    return put(book, id_, found, state=to, clock=started(reply_days(found), setting) if again else found.clock)
