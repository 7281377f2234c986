"""Authorised queries: what a subject allowed an organisation outside to ask of a department.

Pure twin of the contract AuthorisedQueries: each act takes the book and answers with the book after it, the same one
where nothing changes. Sharing.md, "Position" (Decree 809 art. 25) and "Holder, agent, matter".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.shares.acts import (
    LAPSE,
    REJECTION,
    WITHDRAWAL,
    kind,
    require_move,
    require_other,
    require_party,
    require_person,
    require_reason,
    use,
)
from ledger.shares.setting import NEVER, Actor, Setting, is_article
from ledger.types import BlockTime, DepartmentCode, Digest, Role

AREA = "authorised_queries"


class State(IntEnum):
    """Where an authorised query stands; numbers are the contract's."""

    PROPOSED = 1
    REFUSED = 2
    CONSENTED = 3
    EXPIRED = 4
    EXHAUSTED = 5
    WITHDRAWN = 6
    LAPSED = 7
    """By the subject's death or dissolution."""


OPEN = frozenset({State.PROPOSED, State.CONSENTED})


@dataclass(frozen=True, slots=True)
class Terms:
    """What the subject authorised: one matter, one organisation, one purpose, an end. All commitments are salted."""

    resource: Digest
    authorisation: Digest | None
    organisation: Digest | None
    matter: Digest | None
    items: Digest | None
    not_after: BlockTime
    max_uses: int
    purpose: int


@dataclass(frozen=True, slots=True)
class Query:
    """An authorised query as the contract keeps it; `state` as last written."""

    terms: Terms
    provider: DepartmentCode
    state: State
    handler: Digest
    reason: int = 0
    consented_at: BlockTime = NEVER
    ended_at: BlockTime = NEVER
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Queries:
    """All that the contract AuthorisedQueries holds."""

    by_id: Mapping[Digest, Query] = field(default_factory=dict)
    used_by: Mapping[Digest, Digest] = field(default_factory=dict)


def effective_state(query: Query, at: BlockTime) -> State:
    """State judged at `at`: the authorisation's end ends what is open."""
    return State.EXPIRED if query.state in OPEN and at >= query.terms.not_after else query.state


def check_terms(terms: Terms, now: BlockTime) -> int:
    """Number (from 1, in the contract's order) of the first member that is missing or doesn't fit; 0: all do."""
    wrong = {
        2: terms.authorisation is None,
        3: terms.organisation is None,
        4: terms.matter is None,
        5: terms.items is None,
        6: terms.not_after <= now,
        7: terms.max_uses == 0,
        8: terms.purpose == 0,
    }
    return next((member for member, is_wrong in wrong.items() if is_wrong), 0)


def propose(book: Queries, id_: Digest, terms: Terms, *, by: Actor, setting: Setting) -> Queries:
    """A handler of the resource's provider records what was authorised."""
    by.require(Role.SHARE_HANDLER)
    if (taken := book.by_id.get(id_)) is not None:
        if setting.carrier(taken.provider, id_) != by.department or taken.terms != terms:
            raise ConflictError(f"{AREA}.id_taken", id=id_.hex())
        return book
    require_party(id_, setting.shared(terms.resource, AREA).provider, by.department, AREA)
    setting.require_free(by.department, AREA)
    if id_ == bytes(32):
        raise InputError(f"{AREA}.id_zero")
    person = require_person(by, AREA)
    if member := check_terms(terms, setting.now):
        raise InputError(f"{AREA}.term_invalid", member=member)
    book = use(book, id_, terms.authorisation, terms.organisation, terms.matter, terms.items, area=AREA)
    return _put(book, id_, Query(terms, by.department, State.PROPOSED, person))


def consent(book: Queries, id_: Digest, *, by: Actor, setting: Setting) -> Queries:
    """The provider's approver, another person than the handler, consents."""
    found, state = _by(book, id_, by, Role.SHARE_APPROVER, setting)
    if state is State.CONSENTED:
        return book
    setting.require_granting(AREA, by.department)
    require_move(id_, state is State.PROPOSED, state, AREA)
    require_other(id_, found.handler, by, AREA)
    setting.shared(found.terms.resource, AREA)
    return _put(book, id_, found, state=State.CONSENTED, consented_at=setting.now)


def refuse(book: Queries, id_: Digest, reason: int, article: int, *, by: Actor, setting: Setting) -> Queries:
    """The provider's approver refuses with reason and article."""
    found, state = _by(book, id_, by, Role.SHARE_APPROVER, setting)
    if state is State.REFUSED and found.reason == reason:
        return book
    require_move(id_, state is State.PROPOSED, state, AREA)
    require_other(id_, found.handler, by, AREA)
    require_reason(reason, REJECTION, AREA)
    if not is_article(article):
        raise InputError(f"{AREA}.article_needed", id=id_.hex())
    return _put(book, id_, found, state=State.REFUSED, reason=reason, ended_at=setting.now)


def withdraw(book: Queries, id_: Digest, reason: int, *, by: Actor, setting: Setting) -> Queries:
    """Withdrawn by the provider or on the subject's word (5xx); lapsed by death or dissolution (7xx)."""
    found, state = _by(book, id_, by, Role.SHARE_HANDLER, setting)
    to = State.LAPSED if kind(reason) == LAPSE else State.WITHDRAWN
    if state is to and found.reason == reason:
        return book
    require_move(id_, state in OPEN, state, AREA)
    if to is not State.LAPSED:
        require_reason(reason, WITHDRAWAL, AREA)
    return _put(book, id_, found, state=to, reason=reason, ended_at=setting.now)


def exhaust(book: Queries, id_: Digest, uses: int, *, by: Actor, setting: Setting) -> Queries:
    """The provider's gateway, where uses are counted, reports the last one."""
    found, state = _by(book, id_, by, Role.GATEWAY, setting)
    if state is State.EXHAUSTED:
        return book
    require_move(id_, state is State.CONSENTED, state, AREA)
    if uses < found.terms.max_uses:
        raise InputError(f"{AREA}.uses_left", id=id_.hex(), uses=uses, max_uses=found.terms.max_uses)
    return _put(book, id_, found, state=State.EXHAUSTED, uses=uses, reason=0, ended_at=setting.now)


def _by(book: Queries, id_: Digest, by: Actor, role: Role, setting: Setting) -> tuple[Query, State]:
    by.require(role)
    if id_ not in book.by_id:
        raise NotFoundError(f"{AREA}.unknown", id=id_.hex())
    found = book.by_id[id_]
    require_party(id_, setting.carrier(found.provider, id_), by.department, AREA)
    return found, effective_state(found, setting.now)


def _put(book: Queries, id_: Digest, query: Query, **changes: Any) -> Queries:
    return replace(book, by_id={**book.by_id, id_: replace(query, **changes)})
