"""Members, operators, types and accreditations, from the events of the contract `Departments`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from ledger.departments import Accreditation, DepartmentHistory, MemberKind, Suspension, accreditation_end
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row, last
from ledger.store.index.values import code, given, time
from ledger.store.object_tables import accreditations, departments, operators, owners, parts, types
from ledger.types import Address, BlockTime, DepartmentCode, Digest, TypeCode

ADMITTED = {"DepartmentAdmitted": MemberKind.DEPARTMENT, "ServiceOperatorAdmitted": MemberKind.SERVICE_OPERATOR}


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """An operator as last appointed; `roles` 0: ended at `until`. `person` None: a machine."""

    department: DepartmentCode
    account: Address
    roles: int
    until: BlockTime | None
    person: Digest | None


def department_from(history: Sequence[ToldEvent], found: DepartmentHistory | None = None) -> DepartmentHistory | None:
    """The member that these events made, or made of `found`; None before its admission."""
    for event in history:
        args, at = event.args, event.block_time
        if event.event in ADMITTED:
            found = DepartmentHistory(code(args["department"]), args["division"], at, kind=ADMITTED[event.event])
        elif found is not None:
            found = _after(found, event)
    return found


def _after(member: DepartmentHistory, event: ToldEvent) -> DepartmentHistory:
    args, at, known = event.args, event.block_time, member.suspensions
    match event.event:
        case "DepartmentSuspended":
            return replace(member, suspensions=(*known, Suspension(at, None, args["reason"])))
        case "DepartmentReinstated" if known:
            return replace(member, suspensions=(*known[:-1], replace(known[-1], until=at)))
        case "DepartmentSucceeded":
            return replace(member, succeeded_at=BlockTime(args["at"]), successor=code(args["to"]))
        case _:
            return member


def operators_from(
    history: Sequence[ToldEvent], known: Mapping[Address, OperatorRecord] = MappingProxyType({})
) -> dict[Address, OperatorRecord]:
    """All that a department ever appointed, by account; `known`: before these events."""
    found = dict(known)
    for event in history:
        args = event.args
        if event.event == "OperatorAppointed":
            account = Address(args["operator"].lower())
            department, person = code(args["department"]), given(args["personHash"])
            found[account] = OperatorRecord(department, account, args["roles"], time(args["until"]), person)
        elif event.event == "OperatorEnded":
            account = Address(args["operator"].lower())
            if account in found:
                found[account] = replace(found[account], roles=0, until=event.block_time)
    return found


def accreditations_from(
    history: Sequence[ToldEvent], known: Mapping[TypeCode, tuple[Accreditation, ...]] = MappingProxyType({})
) -> dict[TypeCode, tuple[Accreditation, ...]]:
    """An issuer's own periods by type, oldest first; `known`: before these events."""
    found = dict(known)
    for event in history:
        if event.event not in ("Accredited", "AccreditationWithdrawn"):
            continue
        args = event.args
        type_code = TypeCode(code(args["typeCode"]))
        periods = found.get(type_code, ())
        if event.event == "Accredited":
            since, until = BlockTime(args["since"]), time(args["until"])
            found[type_code] = (*periods, Accreditation(code(args["issuer"]), type_code, since, until))
        else:
            found[type_code] = _withdrawn(periods, BlockTime(args["from"]))
    return found


def _withdrawn(periods: tuple[Accreditation, ...], at: BlockTime) -> tuple[Accreditation, ...]:
    """Those that reach `at` end there; the newest first, up to one that had ended by then."""
    kept = list(periods)
    for i in reversed(range(len(kept))):
        end = accreditation_end(kept[i])
        if end is not None and end <= at:
            break
        kept[i] = replace(kept[i], withdrawn_from=at)
    return tuple(kept)


def _department_rows(_: bytes, member: DepartmentHistory) -> Sequence[Row]:
    row = {
        "code": member.code,
        "kind": int(member.kind),
        "division": member.division,
        "admitted_at": member.admitted_at,
        "suspended": bool(member.suspensions) and member.suspensions[-1].until is None,
        "succeeded_at": member.succeeded_at,
        "successor": member.successor,
    }
    return (row,)


def _part_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    args = event.args
    row = {"department": code(args["from"]), "what": args["what"], "successor": code(args["to"]), "since": args["at"]}
    return (row,)


def _operator_rows(_: bytes, found: Mapping[Address, OperatorRecord]) -> Sequence[Row]:
    return [
        {"account": o.account, "department": o.department, "roles": o.roles, "until": o.until, "person": o.person}
        for o in found.values()
    ]


def _type_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    return ({"code": code(event.args["typeCode"]), "competent": code(event.args["competent"])},)


def _accreditation_rows(_: bytes, found: Mapping[TypeCode, tuple[Accreditation, ...]]) -> Sequence[Row]:
    return [
        {
            "type_code": a.type_code,
            "number": number,
            "issuer": a.issuer,
            "since": a.since,
            "until": a.until,
            "withdrawn_from": a.withdrawn_from,
        }
        for periods in found.values()
        for number, a in enumerate(periods, 1)
    ]


def _owner_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    return ({"owner": event.args["newOwner"].lower(), "since": event.block_time},)


DEPARTMENTS = (
    Projection("Departments", owners, frozenset({"OwnershipTransferred"}), last, _owner_rows),
    Projection(
        "Departments",
        departments,
        frozenset({*ADMITTED, "DepartmentSuspended", "DepartmentReinstated", "DepartmentSucceeded"}),
        department_from,
        _department_rows,
    ),
    Projection("Departments", parts, frozenset({"DepartmentSplit"}), last, _part_rows, part=("what",)),
    Projection(
        "Departments",
        operators,
        frozenset({"OperatorAppointed", "OperatorEnded"}),
        operators_from,
        _operator_rows,
        part=("operator",),
    ),
    Projection("Departments", types, frozenset({"TypeDefined"}), last, _type_rows),
    Projection(
        "Departments",
        accreditations,
        frozenset({"Accredited", "AccreditationWithdrawn"}),
        accreditations_from,
        _accreditation_rows,
        part=("typeCode",),
    ),
)
