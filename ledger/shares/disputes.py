"""Disputes about a rejection: negotiation, the sharing authority, the government. Pure; see ledger.shares.applications.

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
from ledger.shares.grants import AUTHORITY, GOVERNMENT, NEGOTIATION, Book, State
from ledger.shares.setting import Actor, Setting
from ledger.types import Digest, Role


def dispute(book: Book, id_: Digest, *, by: Actor, setting: Setting) -> Book:
    """Departments of one division negotiate first; else the common upper sharing authority has it (art. 28)."""
    found = by_consumer(book, id_, by, Role.SHARE_APPROVER, setting)
    if found.state is State.DISPUTED:
        return book
    require_state(id_, found.state is State.REJECTED, found.state)
    same = setting.divisions[by.department] == setting.divisions[provider_of(id_, found, setting)]
    return put(book, id_, found, state=State.DISPUTED, stage=NEGOTIATION if same else AUTHORITY)


def escalate(book: Book, id_: Digest, stage: int, *, by: Actor, setting: Setting) -> Book:
    """On to the next stage, by either side or the authority that has it."""
    by.require(Role.SHARE_APPROVER)
    found = known(book, id_)
    if by.department not in (consumer_of(id_, found, setting), provider_of(id_, found, setting)):
        require_party(id_, decider_of(id_, found, setting), by.department)
    disputed = found.state is State.DISPUTED
    if disputed and 0 < stage <= found.stage:
        return book
    require_state(id_, disputed and stage == found.stage + 1 <= GOVERNMENT, found.state)
    return put(book, id_, found, stage=stage)


def settle(book: Book, id_: Digest, again: bool, *, by: Actor, setting: Setting) -> Book:
    """Who has the stage settles on a review anew, with a new term; the government alone may reject for good."""
    by.require(Role.SHARE_APPROVER)
    found = known(book, id_)
    require_state(id_, found.stage != 0, found.state)
    require_party(id_, decider_of(id_, found, setting), by.department)
    to = State.PROVIDER_REVIEW if again else State.REJECTED_FINAL
    if found.state is to:
        return book
    require_state(id_, found.state is State.DISPUTED, found.state)
    if not again and found.stage != GOVERNMENT:
        raise DeniedError(f"{AREA}.not_final", id=id_.hex(), stage=found.stage)
    return put(book, id_, found, state=to, clock=started(reply_days(found), setting) if again else found.clock)
