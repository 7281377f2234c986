"""The Council's moves: who may propose, approve, execute and pause, and what follows. Twin of contracts/Council.sol.

Pure: the caller brings the block's time and number, what a proposal holds and the hash that it is known by. Each move
returns the state after it, the very same object where it changes nothing, or raises `council.…` as the contract does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from ledger.codes.uscc import check_uscc
from ledger.council import (
    LONGEST,
    MOST_DELEGATES,
    MOST_MEMBERS,
    NEVER,
    NO_ID,
    NOBODY,
    PAUSE,
    PAUSE_AGAIN,
    PAUSE_WINDOW,
    Act,
    AddMember,
    AppointDelegate,
    Delegate,
    Elsewhere,
    EndDelegate,
    EndPause,
    NameContract,
    PinTrustFile,
    RemoveMember,
    Rules,
    SetRules,
    Version,
)
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import Address, BlockTime, DepartmentCode, Digest

NO_RULES = Rules(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Appointment:
    """`term` tells one appointment of an account from the next."""

    member: DepartmentCode
    person: Digest | None
    term: int


@dataclass(frozen=True, slots=True)
class Kept:
    """An approval, under the appointment of then."""

    delegate: Address
    member: DepartmentCode
    at: BlockTime
    term: int


@dataclass(frozen=True, slots=True)
class Case:
    content: Digest
    basis: Digest
    member: DepartmentCode
    delegate: Address
    proposed_at: BlockTime
    expires_at: BlockTime
    executed_at: BlockTime | None = None
    approvals: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class PauseRequest:
    """`pauses`: how many pauses there had been; the request stands until there is one more."""

    delegate: Address
    at: BlockTime
    pauses: int


@dataclass(frozen=True, slots=True)
class Council:
    account: Address
    """its own address"""
    rules: Rules = NO_RULES
    rules_since: BlockTime = NEVER
    members: frozenset[DepartmentCode] = frozenset()
    appointments: Mapping[Address, Appointment] = field(default_factory=dict)
    term: int = 0
    cases: Mapping[Digest, Case] = field(default_factory=dict)
    requests: Mapping[DepartmentCode, PauseRequest] = field(default_factory=dict)
    pauses: int = 0
    paused_since: BlockTime = NEVER
    paused_until: BlockTime = NEVER
    versions: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)
    trust_files: Mapping[int, Digest] = field(default_factory=dict)


def found(
    account: Address, members: Iterable[DepartmentCode], delegates: Iterable[Delegate], rules: Rules, now: BlockTime
) -> Council:
    """The council as its constructor leaves it; InputError or ConflictError `council.…` where it would refuse."""
    council = Council(account)
    for member in members:
        council = _add_member(council, member)
    for d in delegates:
        council = _appoint(council, AppointDelegate(d.account, d.member, d.person))
    council = _set_rules(council, rules, now)
    _require_able(council)
    return council


# Moves


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
        after = _do(after, act, now, block)
    if (after.members, after.appointments, after.rules) != (before.members, before.appointments, before.rules):
        _require_able(after)
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
        asked += _is_person(council, request.delegate)
    requests = {**council.requests, member: PauseRequest(by, now, council.pauses)}
    council = replace(council, requests=requests)
    if asked < council.rules.pause_threshold:
        return council
    return replace(council, pauses=council.pauses + 1, paused_since=now, paused_until=BlockTime(now + PAUSE))


# Questions


def is_paused(council: Council, now: BlockTime) -> bool:
    return now < council.paused_until


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
    return appointment is not None and appointment.term == kept.term and _is_person(council, kept.delegate)


# Rules


def _member(council: Council, account: Address) -> DepartmentCode:
    appointment = council.appointments.get(account)
    if appointment is None:
        raise DeniedError("council.not_delegate", account=account)
    return appointment.member


def _is_person(council: Council, account: Address) -> bool:
    appointment = council.appointments.get(account)
    return (appointment is not None and appointment.person is not None) or len(council.members) == 1


def _require_person(council: Council, account: Address) -> None:
    if not _is_person(council, account):
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


def _do(council: Council, act: Act, now: BlockTime, block: int) -> Council:
    """The council after one act of a proposal that is being executed."""
    match act:
        case AddMember(member):
            return _add_member(council, member)
        case RemoveMember(member):
            return _remove_member(council, member)
        case AppointDelegate():
            return _appoint(council, act)
        case EndDelegate(account):
            return _keep(council, lambda a, _: a != account)
        case SetRules(rules):
            return _set_rules(council, rules, now)
        case EndPause():
            return replace(council, paused_until=now) if is_paused(council, now) else council
        case NameContract():
            return _name(council, act, now, block)
        case PinTrustFile():
            return _pin(council, act)
        case Elsewhere(refusal):
            if refusal is not None:
                raise refusal
            return council
        case _:
            assert_never(act)


def _add_member(council: Council, member: DepartmentCode) -> Council:
    if check_uscc(member) is not None:
        raise InputError("council.code_invalid", member=member)
    if member in council.members:
        return council
    if len(council.members) == MOST_MEMBERS:
        raise InputError("council.too_many", most=MOST_MEMBERS)
    return replace(council, members=council.members | {member})


def _remove_member(council: Council, member: DepartmentCode) -> Council:
    if member not in council.members:
        return council
    council = _keep(council, lambda _, appointment: appointment.member != member)
    return replace(council, members=council.members - {member})


def _keep(council: Council, wanted: Callable[[Address, Appointment], bool]) -> Council:
    """Only these delegates."""
    kept = {account: a for account, a in council.appointments.items() if wanted(account, a)}
    return council if len(kept) == len(council.appointments) else replace(council, appointments=kept)


def _appoint(council: Council, act: AppointDelegate) -> Council:
    if act.member not in council.members:
        raise NotFoundError("council.not_member", member=act.member)
    if act.account in (NOBODY, council.account):
        raise InputError("council.delegate_invalid", account=act.account)
    known = council.appointments.get(act.account)
    if known is not None and known.member != act.member:
        raise ConflictError("council.delegate_of_other", account=act.account, member=known.member)
    if known is not None and known.person == act.person:
        return council
    term = council.term + 1
    appointments = {**council.appointments, act.account: Appointment(act.member, act.person, term)}
    if sum(a.member == act.member for a in appointments.values()) > MOST_DELEGATES:
        raise InputError("council.too_many", most=MOST_DELEGATES)
    return replace(council, appointments=appointments, term=term)


def _set_rules(council: Council, rules: Rules, now: BlockTime) -> Council:
    t, p = rules.threshold, rules.pause_threshold
    ok = p == 1 if t == 1 else 0 < p < t
    if not (ok and rules.delay < rules.expiry <= LONGEST):
        raise InputError(
            "council.rules_invalid", threshold=t, pause_threshold=p, delay=rules.delay, expiry=rules.expiry
        )
    return council if rules == council.rules else replace(council, rules=rules, rules_since=now)


def _require_able(council: Council) -> None:
    """Enough members can still act, each by a person who acts for no other one."""
    able = sum(_is_able(council, member) for member in council.members)
    if able < council.rules.threshold:
        raise ConflictError("council.not_able", able=able, threshold=council.rules.threshold)


def _is_able(council: Council, member: DepartmentCode) -> bool:
    elsewhere = {a.person for a in council.appointments.values() if a.member != member}
    mine = ((account, a.person) for account, a in council.appointments.items() if a.member == member)
    return any(_is_person(council, account) and person not in elsewhere for account, person in mine)


def _name(council: Council, act: NameContract, now: BlockTime, block: int) -> Council:
    if not act.name:
        raise InputError("council.name_empty")
    if act.code_hash is None:
        raise InputError("council.no_code", target=act.account)
    known = council.versions.get(act.name, ())
    if known and known[-1].account == act.account:
        return council
    new = Version(act.account, block, now, act.code_hash)
    return replace(council, versions={**council.versions, act.name: (*known, new)})


def _pin(council: Council, act: PinTrustFile) -> Council:
    newest = max(council.trust_files, default=0)
    if act.sequence == newest != 0 and council.trust_files[newest] == act.hash:
        return council
    if act.hash == NO_ID or act.sequence <= newest:
        raise InputError("council.trust_file_invalid", hash=act.hash.hex(), sequence=act.sequence, newest=newest)
    return replace(council, trust_files={**council.trust_files, act.sequence: act.hash})
