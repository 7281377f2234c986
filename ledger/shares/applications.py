"""Applications: from the applicant's own approval to the provider's reply, and the disputes about it.

Pure twin of the contract ShareAuthorisations: each act takes the book, answers with the book after it, and with the
same book where nothing changes. Sharing.md, "Grant: states"; Decree 809 art. 20, 21, 28.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.errors import ConflictError, InputError
from ledger.shares.acts import (
    AREA,
    EXTENSION,
    EXTENSION_LIMIT,
    PROVIDE,
    REJECTION,
    WITHDRAWAL,
    by_authority,
    by_consumer,
    by_provider,
    consumer_of,
    days_left,
    provider_of,
    put,
    reply_days,
    require_commitment,
    require_granting,
    require_in_review,
    require_in_time,
    require_other,
    require_person,
    require_reason,
    require_state,
    started,
    use,
)
from ledger.shares.grants import (
    NO_CLOCK,
    RESTS,
    RUNS_ON,
    Book,
    Clock,
    Grant,
    Profile,
    State,
    Terms,
    check_terms,
    effective_state,
)
from ledger.shares.setting import Actor, Setting, is_article
from ledger.types import DepartmentCode, Digest, Role

NONE = bytes(32)


def propose(book: Book, id_: Digest, terms: Terms, *, by: Actor, setting: Setting) -> Book:
    """A handler of the consumer lays the application before its approver."""
    by.require(Role.SHARE_HANDLER)
    if (taken := book.grants.get(id_)) is not None:
        if consumer_of(id_, taken, setting) != by.department or taken.terms != terms:
            raise ConflictError(f"{AREA}.id_taken", id=id_.hex())
        return book
    setting.require_free(by.department, AREA)
    if id_ == NONE:
        raise InputError(f"{AREA}.id_zero")
    person = require_person(by)
    if member := check_terms(terms, setting.now):
        raise InputError(f"{AREA}.term_invalid", member=member)
    resource = setting.shared(terms.resource, AREA)
    if resource.provider == by.department:
        raise InputError(f"{AREA}.own_resource", resource=terms.resource.hex())
    _require_renewable(book, id_, terms, consumer=by.department, provider=resource.provider, setting=setting)
    book = use(book, id_, terms.body, terms.items, terms.subjects, terms.document)
    grant = Grant(terms, by.department, resource.provider, State.INTERNAL_APPROVAL, person)
    return put(book, id_, grant)


def submit(book: Book, id_: Digest, *, by: Actor, setting: Setting) -> Book:
    """Another person of the consumer approves: the reply's clock starts, unless a pre-review comes first."""
    grant = by_consumer(book, id_, by, Role.SHARE_APPROVER, setting)
    if grant.state is State.SUBMITTED and not grant.returned:
        return book
    setting.require_free(by.department, AREA)
    require_state(id_, grant.state is State.INTERNAL_APPROVAL, grant, setting)
    require_other(id_, grant.consumer_handler, by)
    sharing_class = setting.shared(grant.terms.resource, AREA).sharing_class
    grant = replace(grant, state=State.SUBMITTED, sharing_class=sharing_class)
    if _profile(book, id_, grant, setting).pre_review:
        return put(book, id_, grant, pre_review=True)
    return put(book, id_, grant, clock=started(reply_days(grant), setting))


def pre_review(
    book: Book, id_: Digest, passed: bool, reason: int, article: int, *, by: Actor, setting: Setting
) -> Book:
    """The sharing authority lets it pass, and the clock starts; or rejects it."""
    grant = by_authority(book, id_, by, setting)
    if passed and grant.state is State.SUBMITTED and not grant.pre_review:
        return book
    if not passed and _is_rejected(grant, reason, article):
        return book
    if passed:
        setting.require_free(by.department, AREA)
    require_state(id_, grant.state is State.SUBMITTED and grant.pre_review, grant, setting)
    grant = replace(grant, pre_review=False)
    if passed:
        return put(book, id_, grant, clock=started(reply_days(grant), setting))
    return _rejected(book, id_, grant, reason, article)


def review(book: Book, id_: Digest, *, by: Actor, setting: Setting) -> Book:
    """A handler of the provider takes it up, or takes it over."""
    grant = by_provider(book, id_, by, Role.SHARE_HANDLER, setting)
    if grant.state is State.PROVIDER_REVIEW and grant.provider_handler == by.person:
        return book
    require_in_review(id_, grant, setting)
    return put(book, id_, grant, state=State.PROVIDER_REVIEW, provider_handler=require_person(by))


def return_for_more(book: Book, id_: Digest, missing: Digest | None, *, by: Actor, setting: Setting) -> Book:
    """Told once and completely what is missing; `missing` is the list's commitment (art. 21(2))."""
    grant = by_provider(book, id_, by, Role.SHARE_HANDLER, setting)
    is_returned = grant.state is State.RETURNED
    if is_returned and missing is not None and book.used_by.get(missing) == id_:
        return book
    if not is_returned:
        require_in_review(id_, grant, setting)
    if grant.returned:
        raise ConflictError(f"{AREA}.returned_already", id=id_.hex())
    book = use(book, id_, require_commitment(id_, missing))
    mode = _profile(book, id_, grant, setting).return_clock
    clock = grant.clock
    # A clock that has run out neither rests nor begins anew: that would heal the silence.
    if mode != RUNS_ON and setting.now < clock.deadline:
        clock = Clock(working_days=days_left(clock, setting) if mode == RESTS else clock.working_days)
    return put(book, id_, grant, state=State.RETURNED, returned=True, clock=clock)


def resubmit(book: Book, id_: Digest, body: Digest | None, *, by: Actor, setting: Setting) -> Book:
    """The completed application, by another person than the handler; `body` is its commitment."""
    grant = by_consumer(book, id_, by, Role.SHARE_APPROVER, setting)
    if grant.state is State.SUBMITTED and grant.returned and grant.terms.body == body:
        return book
    setting.require_free(by.department, AREA)
    require_state(id_, grant.state is State.RETURNED, grant, setting)
    require_other(id_, grant.consumer_handler, by)
    book = use(book, id_, require_commitment(id_, body))
    clock = grant.clock if grant.clock.start else started(grant.clock.working_days, setting)
    return put(book, id_, grant, state=State.SUBMITTED, terms=replace(grant.terms, body=body), clock=clock)


def withdraw(book: Book, id_: Digest, reason: int, *, by: Actor, setting: Setting) -> Book:
    """The consumer's handler takes it back before the grant."""
    grant = by_consumer(book, id_, by, Role.SHARE_HANDLER, setting)
    if grant.state is State.WITHDRAWN:
        return book
    require_state(id_, grant.state < State.WITHDRAWN or grant.state is State.DISPUTED, grant, setting)
    require_reason(reason, WITHDRAWAL)
    return put(book, id_, grant, state=State.WITHDRAWN, clock=NO_CLOCK)


# The reply


def ask_extension(book: Book, id_: Digest, working_days: int, reason: int, *, by: Actor, setting: Setting) -> Book:
    """The provider's handler asks its sharing authority for 1 to 10 more working days, in time and once."""
    grant = by_provider(book, id_, by, Role.SHARE_HANDLER, setting)
    if working_days and grant.extension == working_days:
        return book
    require_in_time(id_, grant, setting)
    if not 1 <= working_days <= EXTENSION_LIMIT or grant.extension:
        raise _extension_invalid(id_, working_days)
    require_reason(reason, EXTENSION)
    return put(book, id_, grant, extension=working_days)


def extend(book: Book, id_: Digest, *, by: Actor, setting: Setting) -> Book:
    """The authority's consent, in time and once."""
    grant = by_authority(book, id_, by, setting)
    if grant.extended:
        return book
    setting.require_free(by.department, AREA)
    require_in_time(id_, grant, setting)
    if not grant.extension:
        raise _extension_invalid(id_, 0)
    days = grant.clock.working_days + grant.extension
    clock = Clock(grant.clock.start, days, setting.deadline(grant.clock.start, days))
    return put(book, id_, grant, extended=True, clock=clock)


def grant(book: Book, id_: Digest, *, by: Actor, setting: Setting) -> Book:
    """The provider's approver consents, another person than its handler: 20 working days to provide start."""
    found = by_provider(book, id_, by, Role.SHARE_APPROVER, setting)
    state = effective_state(found, setting.now)
    if state is State.GRANTED:
        return book
    require_granting(id_, found, by, setting)
    require_state(id_, state is State.PROVIDER_REVIEW, found, setting)
    require_other(id_, found.provider_handler, by)
    if setting.now >= found.terms.not_after:
        raise ConflictError(f"{AREA}.window_over", id=id_.hex(), not_after=found.terms.not_after)
    setting.shared(found.terms.resource, AREA)
    return put(book, id_, found, state=State.GRANTED, clock=started(PROVIDE, setting))


def reject(book: Book, id_: Digest, reason: int, article: int, *, by: Actor, setting: Setting) -> Book:
    """The provider's approver refuses with reason and article, another person than its handler."""
    found = by_provider(book, id_, by, Role.SHARE_APPROVER, setting)
    if _is_rejected(found, reason, article):
        return book
    require_state(id_, found.state is State.PROVIDER_REVIEW, found, setting)
    require_other(id_, found.provider_handler, by)
    return _rejected(book, id_, found, reason, article)


def set_profile(book: Book, authority: DepartmentCode, profile: Profile) -> Book:
    """What the Council lays down for one sharing authority's area."""
    if book.profiles.get(authority, Profile()) == profile:
        return book
    if not RUNS_ON <= profile.return_clock <= 2:
        raise InputError(f"{AREA}.profile_invalid", return_clock=profile.return_clock)
    return replace(book, profiles={**book.profiles, authority: profile})


def _profile(book: Book, id_: Digest, found: Grant, setting: Setting) -> Profile:
    authority = setting.sharing_authority(provider_of(id_, found, setting))
    return Profile() if authority is None else book.profiles.get(authority, Profile())


def _is_rejected(found: Grant, reason: int, article: int) -> bool:
    return found.state is State.REJECTED and (found.ground, found.article) == (reason, article)


def _rejected(book: Book, id_: Digest, found: Grant, reason: int, article: int) -> Book:
    require_reason(reason, REJECTION)
    if not is_article(article):
        raise InputError(f"{AREA}.article_needed", id=id_.hex())
    return put(book, id_, found, state=State.REJECTED, ground=reason, article=article, clock=NO_CLOCK)


def _extension_invalid(id_: Digest, working_days: int) -> InputError:
    return InputError(f"{AREA}.extension_invalid", id=id_.hex(), working_days=working_days, limit=EXTENSION_LIMIT)


def _require_renewable(
    book: Book, id_: Digest, terms: Terms, *, consumer: DepartmentCode, provider: DepartmentCode, setting: Setting
) -> None:
    """What is renewed was granted between the same departments about the same resource."""
    if (renewed := terms.supersedes) is None:
        return
    old = book.grants.get(renewed)
    if (
        old is None
        or old.state < State.GRANTED
        or old.terms.resource != terms.resource
        or consumer_of(renewed, old, setting) != consumer
        or provider_of(renewed, old, setting) != provider
    ):
        raise InputError(f"{AREA}.supersedes_invalid", id=id_.hex(), supersedes=renewed.hex())
