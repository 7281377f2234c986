"""Proposing, approving, executing and pausing: who may, and what the Council is after it.

Each move returns the state after it, the very same object where it changes nothing, or raises as the contract does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ledger.council import NO_ID, PAUSE, PAUSE_AGAIN, PAUSE_WINDOW, Act, AppointDelegate, Delegate, Rules
from ledger.council_moves.acts import add_member, appoint, carry_out, require_able, set_rules
from ledger.council_moves.book import Case, Council, Kept, PauseRequest, is_paused, is_person
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import Address, BlockTime, DepartmentCode, Digest


def found(
    account: Address, members: Iterable[DepartmentCode], delegates: Iterable[Delegate], rules: Rules, now: BlockTime
) -> Council:
    """The council as its constructor leaves it; InputError or ConflictError `council.…` where it would refuse."""
    council = Council(account)
    for member in members:
        council = add_member(council, member)
    for d in delegates:
        council = appoint(council, AppointDelegate(d.account, d.member, d.person))
    council = set_rules(council, rules, now)
    require_able(council)
    return council


def propose(
    council: Council,
    made: Digest,
    content: Digest,
    acts: Sequence[Act],
    *,
    basis: Digest = NO_ID,
    by: Address,
    now: BlockTime,
) -> Council:
    """Propose `acts`, known by `content`, under the id `made`, and approve for the proposer's member."""
    member = _member(council, by)
    _require_person(council, by)
    if made == NO_ID:
        raise InputError("council.id_zero")
    if not acts:
        raise InputError("council.calls_empty")
    known = council.cases.get(made)
    if known is not None:
        _require_content(made, known, content)
        return council
    expires = BlockTime(now + council.rules.expiry)
    case = Case(content, basis, member, by, proposed_at=now, expires_at=expires)
    return _approve(_with_case(council, made, case), made, by, now)


def approve(council: Council, made: Digest, content: Digest, *, by: Address, now: BlockTime) -> Council:
    """Approve for the member that `by` acts for."""
    _member(council, by)
    _require_content(made, _case(council, made), content)
    return _approve(council, made, by, now)


def withdraw_approval(council: Council, made: Digest, *, by: Address) -> Council:
    """Take the approval of the member back that `by` acts for."""
    member = _member(council, by)
    case = _case(council, made)
    if case.executed_at is not None:
        raise ConflictError("council.already_executed", id=made.hex())
    left = _without(case, member)
    return council if len(left) == len(case.approvals) else _with_case(council, made, replace(case, approvals=left))


def execute(
    council: Council, made: Digest, content: Digest, acts: Sequence[Act], *, by: Address, now: BlockTime, block: int
) -> Council:
    """Carry the proposal out, all of it or nothing: what one of its acts refuses is raised."""
    _member(council, by)
    case = _case(council, made)
    if case.executed_at is not None:
        return council
    _require_content(made, case, content)
    if now >= case.expires_at:
        raise ConflictError("council.expired", id=made.hex(), expires_at=case.expires_at)
    counted, since = standing(council, case)
    threshold = council.rules.threshold
    if counted < threshold or since is None:
        raise ConflictError("council.approvals_missing", id=made.hex(), approvals=counted, threshold=threshold)
    if now < since:
        raise ConflictError("council.delay_runs", id=made.hex(), **{"from": since})
    before = council
    after = _with_case(council, made, replace(case, executed_at=now))
    for act in acts:
        after = carry_out(after, act, now, block)
    if (after.members, after.appointments, after.rules) != (before.members, before.appointments, before.rules):
        require_able(after)
    return after


def enact(
    council: Council,
    made: Digest,
    content: Digest,
    acts: Sequence[Act],
    *,
    basis: Digest = NO_ID,
    by: Address,
    now: BlockTime,
    block: int,
) -> Council:
    """Propose and execute at once, where one approval is enough and nothing delays."""
    proposed = propose(council, made, content, acts, basis=basis, by=by, now=now)
    if proposed is council:
        if council.cases[made].executed_at is not None:
            return council
        proposed = _approve(council, made, by, now)
    return execute(proposed, made, content, acts, by=by, now=now, block=block)


def pause(council: Council, *, by: Address, now: BlockTime) -> Council:
    """Ask for a pause for the member that `by` acts for; with enough requests it begins."""
    member = _member(council, by)
    _require_person(council, by)
    if is_paused(council, now):
        return council
    mine = council.requests.get(member)
    if mine is not None and _stands(council, mine, now):
        return council
    if mine is not None and now < mine.at + PAUSE_AGAIN:
        raise ConflictError("council.pause_too_soon", member=member, **{"from": mine.at + PAUSE_AGAIN})
    asked = 1
    for other, request in council.requests.items():
        appointment = council.appointments.get(request.delegate)
        if other == member or other not in council.members or not _stands(council, request, now):
            continue
        if appointment is None or appointment.member != other:
            continue
        if appointment.person == council.appointments[by].person:
            raise ConflictError("council.person_counted", id=NO_ID.hex(), account=by, member=other)
        asked += is_person(council, request.delegate)
    requests = {**council.requests, member: PauseRequest(by, now, council.pauses)}
    council = replace(council, requests=requests)
    if asked < council.rules.pause_threshold:
        return council
    return replace(council, pauses=council.pauses + 1, paused_since=now, paused_until=BlockTime(now + PAUSE))


def standing(council: Council, case: Case) -> tuple[int, BlockTime | None]:
    """(approvals that count, time from which the case may be executed; None with too few)"""
    counting = [kept for kept in case.approvals if counts(council, kept)]
    threshold = council.rules.threshold
    if len(counting) < threshold:
        return len(counting), None
    reached = max(counting[threshold - 1].at, council.rules_since)
    return len(counting), BlockTime(reached + council.rules.delay)


def counts(council: Council, kept: Kept) -> bool:
    """Whether the approval counts: given under the appointment that stands, by a person where there are several."""
    appointment = council.appointments.get(kept.delegate)
    return appointment is not None and appointment.term == kept.term and is_person(council, kept.delegate)


def _member(council: Council, account: Address) -> DepartmentCode:
    appointment = council.appointments.get(account)
    if appointment is None:
        raise DeniedError("council.not_delegate", account=account)
    return appointment.member


def _require_person(council: Council, account: Address) -> None:
    if not is_person(council, account):
        raise DeniedError("council.person_needed", account=account)


def _case(council: Council, made: Digest) -> Case:
    case = council.cases.get(made)
    if case is None:
        raise NotFoundError("council.proposal_unknown", id=made.hex())
    return case


def _with_case(council: Council, made: Digest, case: Case) -> Council:
    return replace(council, cases={**council.cases, made: case})


def _require_content(made: Digest, case: Case, content: Digest) -> None:
    if case.content != content:
        raise ConflictError("council.content_differs", id=made.hex(), expected=case.content.hex(), found=content.hex())


def _approve(council: Council, made: Digest, by: Address, now: BlockTime) -> Council:
    _require_person(council, by)
    case, mine = council.cases[made], council.appointments[by]
    for kept in case.approvals:
        if not counts(council, kept):
            continue
        if kept.member == mine.member:
            return council
        if council.appointments[kept.delegate].person == mine.person:
            raise ConflictError("council.person_counted", id=made.hex(), account=by, member=kept.member)
    if case.executed_at is not None:
        raise ConflictError("council.already_executed", id=made.hex())
    if now >= case.expires_at:
        raise ConflictError("council.expired", id=made.hex(), expires_at=case.expires_at)
    approvals = (*_without(case, mine.member), Kept(by, mine.member, now, mine.term))
    return _with_case(council, made, replace(case, approvals=approvals))


def _without(case: Case, member: DepartmentCode) -> tuple[Kept, ...]:
    return tuple(kept for kept in case.approvals if kept.member != member)


def _stands(council: Council, request: PauseRequest, now: BlockTime) -> bool:
    return request.pauses == council.pauses and now < request.at + PAUSE_WINDOW
