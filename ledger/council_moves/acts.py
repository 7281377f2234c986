"""What an executed proposal does to the Council. Pure; refusals as the contract has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from ledger.codes.uscc import check_uscc
from ledger.council import (
    LONGEST,
    MOST_DELEGATES,
    MOST_MEMBERS,
    NO_ID,
    NOBODY,
    Act,
    AddMember,
    AppointDelegate,
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
from ledger.council_moves.book import Appointment, Council, is_paused, is_person
from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.types import Address, BlockTime, DepartmentCode


def carry_out(council: Council, act: Act, now: BlockTime, block: int) -> Council:
    """The council after one act of a proposal that is being executed."""
    match act:
        case AddMember(member):
            return add_member(council, member)
        case RemoveMember(member):
            return _remove_member(council, member)
        case AppointDelegate():
            return appoint(council, act)
        case EndDelegate(account):
            return _keep(council, lambda a, _: a != account)
        case SetRules(rules):
            return set_rules(council, rules, now)
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


def add_member(council: Council, member: DepartmentCode) -> Council:
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


def appoint(council: Council, act: AppointDelegate) -> Council:
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


def set_rules(council: Council, rules: Rules, now: BlockTime) -> Council:
    t, p = rules.threshold, rules.pause_threshold
    ok = p == 1 if t == 1 else 0 < p < t
    if not (ok and rules.delay < rules.expiry <= LONGEST):
        raise InputError(
            "council.rules_invalid", threshold=t, pause_threshold=p, delay=rules.delay, expiry=rules.expiry
        )
    return council if rules == council.rules else replace(council, rules=rules, rules_since=now)


def require_able(council: Council) -> None:
    """Enough members can still act, each by a person who acts for no other one."""
    able = sum(_is_able(council, member) for member in council.members)
    if able < council.rules.threshold:
        raise ConflictError("council.not_able", able=able, threshold=council.rules.threshold)


def _is_able(council: Council, member: DepartmentCode) -> bool:
    elsewhere = {a.person for a in council.appointments.values() if a.member != member}
    mine = ((account, a.person) for account, a in council.appointments.items() if a.member == member)
    return any(is_person(council, account) and person not in elsewhere for account, person in mine)


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
