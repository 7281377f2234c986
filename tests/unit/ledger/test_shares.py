"""The twins of the sharing contracts by example; every way there is, beside the contracts, in tests/contracts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ledger.codes.sharing_deadlines import terms as decree
from ledger.codes.sharing_deadlines import working_days
from ledger.errors import ChuzhengError, ConflictError, DeniedError, InputError, NotFoundError
from ledger.shares import acts, applications, disputes, emergencies, lifetime
from ledger.shares import authorised_queries as queries
from ledger.shares.grants import (
    ALL_RECORDS,
    Book,
    Clock,
    Grant,
    Profile,
    State,
    Terms,
    disposal,
    effective_state,
    is_overdue,
    remaining_access,
    unacknowledged,
)
from ledger.shares.setting import Actor, Resource, Setting, is_article, is_of_emergency_law
from ledger.texts import LANGUAGES, error_text
from ledger.types import Address, BlockTime, DepartmentCode, Digest, Role

CONSUMER, PROVIDER, AUTHORITY, GOVERNMENT = (DepartmentCode(c) for c in ("C", "P", "A", "G"))
DAY = 86_400
NEAR, FAR = 420106, 420500


def some(number: int) -> Digest:
    return Digest(bytes([number]) * 32)


ID, OTHER, DATA, CLOSED = some(1), some(2), some(3), some(4)


def person(department: DepartmentCode, roles: int, who: int | None = None) -> Actor:
    number = who or sum(department.encode()) % 50 + roles
    return Actor(Address(f"0x{number:040x}"), department, roles, some(number))


HANDLER, APPROVER = person(CONSUMER, Role.SHARE_HANDLER), person(CONSUMER, Role.SHARE_APPROVER)
PROVIDERS_HANDLER, PROVIDERS_APPROVER = person(PROVIDER, Role.SHARE_HANDLER), person(PROVIDER, Role.SHARE_APPROVER)
SHARING, DECIDES = person(AUTHORITY, Role.SHARE_APPROVER), person(GOVERNMENT, Role.SHARE_APPROVER)
GATEWAY = replace(person(PROVIDER, Role.GATEWAY), person=None)


def at(day: int = 0, **changes: Any) -> Setting:
    """Days are working days; the provider is in the consumer's division."""
    given: dict[str, Any] = {
        "now": BlockTime(day * DAY + DAY),
        "block": day + 10,
        "deadline": lambda start, days: BlockTime((start // DAY + 1 + days) * DAY),
        "authority": lambda domain, a, b: {1: AUTHORITY, 3: GOVERNMENT}[domain],
        "divisions": {CONSUMER: NEAR, PROVIDER: NEAR, AUTHORITY: NEAR, GOVERNMENT: NEAR},
        "resources": {DATA: Resource(PROVIDER, 2), CLOSED: Resource(PROVIDER, 3)},
    }
    return Setting(**given | changes)


def terms(**changes: Any) -> Terms:
    given: dict[str, Any] = {
        "resource": DATA, "body": some(5), "items": some(6), "not_before": BlockTime(0),
        "not_after": BlockTime(100 * DAY), "max_uses": 5, "rate_per_day": 2, "purpose": 1, "basis_kind": 1, "scope": 1,
        "method": 1, "mode": 2, "data_life": 30, "article": 10_021,
    }  # fmt: skip
    return Terms(**given | changes)


def proposed(setting: Setting | None = None, **changes: Any) -> Book:
    return applications.propose(Book(), ID, terms(**changes), by=HANDLER, setting=setting or at())


def in_review(setting: Setting | None = None, **changes: Any) -> Book:
    where = setting or at()
    book = applications.submit(proposed(where, **changes), ID, by=APPROVER, setting=where)
    return applications.review(book, ID, by=PROVIDERS_HANDLER, setting=where)


def active(**changes: Any) -> Book:
    book = applications.grant(in_review(**changes), ID, by=PROVIDERS_APPROVER, setting=at())
    return lifetime.activate(book, ID, by=PROVIDERS_HANDLER, setting=at())


def refused(kind: type[ChuzhengError], code: str, act: Callable[[], object]) -> None:
    """With a text in both languages."""
    with pytest.raises(kind) as caught:
        act()
    assert caught.value.code == code
    for language in LANGUAGES:
        assert error_text(caught.value, language)


def test_terms__of_the_decree__are_the_contracts() -> None:
    """data/sharing_deadlines.csv, which names each article."""
    assert working_days("REPLY_UNCONDITIONAL") == acts.REPLY_UNCONDITIONAL
    assert working_days("REPLY_CONDITIONAL") == acts.REPLY_CONDITIONAL
    assert working_days("PROVIDE") == acts.PROVIDE
    assert {decree()[c].extension for c in ("REPLY_UNCONDITIONAL", "REPLY_CONDITIONAL")} == {acts.EXTENSION_LIMIT}


@pytest.mark.parametrize(
    ("code", "article", "of_emergency_law"),
    [
        (0, False, False),
        (21, False, False),
        (10_000, False, False),
        (10_021, True, False),
        (1_009_999, True, False),
        (1_010_000, False, False),
        (1_010_001, True, True),
        (1_999_999, True, True),
        (2_000_001, True, False),
    ],
)
def test_articles__statute_and_number__both_needed(code: int, article: bool, of_emergency_law: bool) -> None:
    assert (is_article(code), is_of_emergency_law(code)) == (article, of_emergency_law)


def test_reply__silence__overdue_never_consent_and_escalates() -> None:
    book = in_review()
    deadline = book.grants[ID].clock.deadline
    assert deadline == 12 * DAY
    assert not is_overdue(book.grants[ID], BlockTime(deadline - 1))
    assert is_overdue(book.grants[ID], deadline)
    assert effective_state(book.grants[ID], BlockTime(60 * DAY)) is State.PROVIDER_REVIEW
    code = "share_authorisations.move_not_allowed"
    refused(ConflictError, code, lambda: disputes.dispute(book, ID, by=APPROVER, setting=at(5)))
    escalated = disputes.dispute(book, ID, by=APPROVER, setting=at(11)).grants[ID]
    assert (escalated.state, escalated.stage, escalated.clock) == (State.DISPUTED, 2, Clock())


@pytest.mark.parametrize(("division", "stage"), [(NEAR, 1), (FAR, 2)])
def test_dispute__same_division_or_not__negotiation_or_the_authority(division: int, stage: int) -> None:
    setting = at(divisions={CONSUMER: NEAR, PROVIDER: division})
    book = applications.reject(in_review(setting), ID, 401, 10_021, by=PROVIDERS_APPROVER, setting=setting)
    book = disputes.dispute(book, ID, by=APPROVER, setting=setting)
    assert book.grants[ID].stage == stage
    if stage == 1:
        code = "share_authorisations.not_party"
        refused(DeniedError, code, lambda: disputes.settle(book, ID, True, by=SHARING, setting=setting))
        book = disputes.escalate(book, ID, 2, by=APPROVER, setting=setting)
    code = "share_authorisations.not_final"
    refused(DeniedError, code, lambda: disputes.settle(book, ID, False, by=SHARING, setting=setting))
    book = disputes.escalate(book, ID, 3, by=SHARING, setting=setting)
    final = disputes.settle(book, ID, False, by=DECIDES, setting=setting)
    assert final.grants[ID].state is State.REJECTED_FINAL
    assert disputes.settle(final, ID, False, by=DECIDES, setting=setting) is final


def test_authority__a_party_itself__the_government_in_its_place() -> None:
    """The provider was succeeded by the sharing authority."""
    setting = at(carrier=lambda department, _: AUTHORITY if department == PROVIDER else department)
    book = active()
    code = "share_authorisations.not_party"
    refused(DeniedError, code, lambda: lifetime.revoke(book, ID, 301, by=SHARING, setting=setting))
    assert lifetime.revoke(book, ID, 301, by=DECIDES, setting=setting).grants[ID].state is State.REVOKED
    pair = emergencies.Emergency(
        emergencies.Terms(DATA, some(7), some(8), 1_010_052, 603, 4, 20), AUTHORITY, PROVIDER,
        emergencies.State.REVIEW_DUE, some(9),
    )  # fmt: skip
    known = emergencies.Emergencies({ID: pair})

    def judge(by: Actor) -> emergencies.Emergencies:
        return emergencies.judge(known, ID, True, 653, some(9), by=by, setting=at())

    refused(DeniedError, "emergency_shares.not_party", lambda: judge(SHARING))
    assert judge(DECIDES).by_id[ID].state is emergencies.State.JUSTIFIED


def test_extension__asked_once__within_the_limit() -> None:
    book = applications.ask_extension(in_review(), ID, 5, 801, by=PROVIDERS_HANDLER, setting=at())
    assert applications.ask_extension(book, ID, 5, 801, by=PROVIDERS_HANDLER, setting=at()) is book
    code = "share_authorisations.extension_invalid"
    refused(InputError, code, lambda: applications.ask_extension(book, ID, 9, 801, by=PROVIDERS_HANDLER, setting=at()))
    extended = applications.extend(book, ID, by=SHARING, setting=at()).grants[ID].clock
    assert (extended.start, extended.working_days, extended.deadline) == (DAY, 15, 17 * DAY)


@pytest.mark.parametrize(("mode", "days"), [(0, 10), (1, 7), (2, 10)])
def test_return__what_the_profile_says__of_the_clock(mode: int, days: int) -> None:
    book = applications.set_profile(in_review(), AUTHORITY, Profile(return_clock=mode))
    book = applications.return_for_more(book, ID, some(20), by=PROVIDERS_HANDLER, setting=at(4))
    assert book.grants[ID].clock.start == (DAY if mode == 0 else 0)
    clock = applications.resubmit(book, ID, some(21), by=APPROVER, setting=at(50)).grants[ID].clock
    start = DAY if mode == 0 else 51 * DAY
    assert (clock.start, clock.working_days) == (start, days)


def test_misuse__mended_or_terminated__for_the_ground_that_was_told() -> None:
    code = "share_authorisations.mend_pending"
    refused(ConflictError, code, lambda: lifetime.revoke(active(), ID, 101, by=PROVIDERS_APPROVER, setting=at()))
    book = lifetime.suspend(active(), ID, 101, 3, by=PROVIDERS_APPROVER, setting=at())
    refused(ConflictError, code, lambda: lifetime.revoke(book, ID, 101, by=PROVIDERS_APPROVER, setting=at(3)))
    refused(ConflictError, code, lambda: lifetime.revoke(book, ID, 102, by=PROVIDERS_APPROVER, setting=at(9)))
    ended = lifetime.revoke(book, ID, 101, by=PROVIDERS_APPROVER, setting=at(9)).grants[ID]
    assert (ended.state, ended.stops) == (State.REVOKED, 2)
    # What was revoked is due a day later, not at the end of its data life.
    assert disposal(ended, BlockTime(20 * DAY)) == (11 * DAY, False)
    assert disposal(replace(ended, records=ALL_RECORDS), BlockTime(20 * DAY)) == (11 * DAY, True)


def test_two_people__machine_or_the_same_person__refused() -> None:
    alone = replace(APPROVER, person=HANDLER.person)
    code = "share_authorisations.same_person"
    refused(DeniedError, code, lambda: applications.submit(proposed(), ID, by=alone, setting=at()))
    machine = replace(HANDLER, person=None)
    code = "share_authorisations.person_needed"
    refused(DeniedError, code, lambda: applications.propose(Book(), ID, terms(), by=machine, setting=at()))


def test_catalogue__closed_or_unknown__not_applied_for() -> None:
    def apply(resource: Digest) -> Book:
        return applications.propose(Book(), ID, terms(resource=resource), by=HANDLER, setting=at())

    refused(DeniedError, "share_authorisations.not_shared", lambda: apply(CLOSED))
    refused(NotFoundError, "share_authorisations.not_published", lambda: apply(OTHER))


def test_pause_and_suspension__what_opens_access_waits() -> None:
    book, code = in_review(), "share_authorisations.paused"
    refused(DeniedError, code, lambda: applications.grant(book, ID, by=PROVIDERS_APPROVER, setting=at(paused=True)))
    for department in (CONSUMER, PROVIDER):
        setting = at(suspended=frozenset({department}))
        code = "share_authorisations.department_suspended"
        refused(DeniedError, code, partial(applications.grant, book, ID, by=PROVIDERS_APPROVER, setting=setting))
    stopped = lifetime.suspend(active(), ID, 301, 0, by=SHARING, setting=at(paused=True))
    assert stopped.grants[ID].state is State.SUSPENDED


def test_revocation__what_is_left__and_who_has_not_acknowledged() -> None:
    book = active()
    other = replace(book.grants[ID], terms=terms(body=some(30), items=some(31)))
    elsewhere = replace(other, provider=GOVERNMENT)
    book = replace(book, grants={**book.grants, OTHER: other, some(40): elsewhere})
    book = lifetime.revoke(book, ID, 301, by=SHARING, setting=at())
    assert remaining_access(book, ID, BlockTime(DAY)) == (OTHER,)
    assert remaining_access(book, ID, BlockTime(200 * DAY)) == ()
    told = lifetime.acknowledge(book, ID, 1, 10, by=GATEWAY, setting=at(1))
    acks = {gateway: stop for (_, gateway), (stop, _) in told.acks.items()}
    silent = Address("0x" + "77" * 20)
    assert unacknowledged(told.grants[ID], acks, [GATEWAY.operator, silent]) == {silent}


def test_expired__and_superseded__follow_from_time_and_renewal() -> None:
    grant: Grant = active().grants[ID]
    assert effective_state(grant, BlockTime(100 * DAY - 1)) is State.ACTIVE
    assert effective_state(grant, BlockTime(100 * DAY)) is State.EXPIRED
    assert disposal(grant, BlockTime(100 * DAY)) == (130 * DAY, False)
    superseded = replace(grant, state=State.SUPERSEDED, ended_at=BlockTime(DAY), successor=OTHER)
    assert disposal(superseded, BlockTime(2 * DAY), grant) is None
    assert disposal(superseded, BlockTime(2 * DAY), replace(grant, terms=terms(mode=1, data_life=0))) is not None


def test_query__provider_first__then_what_was_authorised() -> None:
    given = queries.Terms(DATA, some(5), some(6), some(7), some(8), BlockTime(0), 0, 0)

    def propose(by: Actor) -> queries.Queries:
        return queries.propose(queries.Queries(), ID, given, by=by, setting=at())

    refused(DeniedError, "authorised_queries.not_party", lambda: propose(HANDLER))
    refused(InputError, "authorised_queries.term_invalid", lambda: propose(PROVIDERS_HANDLER))
