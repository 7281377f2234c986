"""Members, operators, types and accreditations, from the events of the contract `Departments`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger.departments import Accreditation, DepartmentHistory, MemberKind, Suspension, accreditation_end
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row
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


def department_from(history: Sequence[ToldEvent]) -> DepartmentHistory | None:
    """The member that these events made; None before its admission."""
    found: DepartmentHistory | None = None
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


def operators_from(history: Sequence[ToldEvent]) -> dict[Address, OperatorRecord]:
    """All that a department ever appointed, by account."""
    found: dict[Address, OperatorRecord] = {}
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


def accreditations_from(history: Sequence[ToldEvent]) -> dict[TypeCode, tuple[Accreditation, ...]]:
    """An issuer's own periods by type, oldest first."""
    found: dict[TypeCode, tuple[Accreditation, ...]] = {}
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


def _department_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    member = department_from(history)
    if member is None:
        return ()
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


def _part_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    split = [event.args for event in history if event.event == "DepartmentSplit"]
    return [
        {"department": code(a["from"]), "what": a["what"], "successor": code(a["to"]), "since": a["at"]}
        for a in split[-1:]
    ]


def _operator_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    return [
        {"account": o.account, "department": o.department, "roles": o.roles, "until": o.until, "person": o.person}
        for o in operators_from(history).values()
    ]


def _type_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    defined = [event.args for event in history if event.event == "TypeDefined"]
    return [{"code": code(args["typeCode"]), "competent": code(args["competent"])} for args in defined[-1:]]


def _accreditation_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    return [
        {
            "type_code": a.type_code,
            "number": number,
            "issuer": a.issuer,
            "since": a.since,
            "until": a.until,
            "withdrawn_from": a.withdrawn_from,
        }
        for periods in accreditations_from(history).values()
        for number, a in enumerate(periods, 1)
    ]


def _owner_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    return [{"owner": e.args["newOwner"].lower(), "since": e.block_time} for e in history[-1:]]


DEPARTMENTS = (
    Projection("Departments", owners, frozenset({"OwnershipTransferred"}), _owner_rows),
    Projection(
        "Departments",
        departments,
        frozenset({*ADMITTED, "DepartmentSuspended", "DepartmentReinstated", "DepartmentSucceeded"}),
        _department_rows,
    ),
    Projection("Departments", parts, frozenset({"DepartmentSplit"}), _part_rows, part=("what",)),
    Projection(
        "Departments",
        operators,
        frozenset({"OperatorAppointed", "OperatorEnded"}),
        _operator_rows,
        part=("operator",),
    ),
    Projection("Departments", types, frozenset({"TypeDefined"}), _type_rows),
    Projection(
        "Departments",
        accreditations,
        frozenset({"Accredited", "AccreditationWithdrawn"}),
        _accreditation_rows,
        part=("typeCode",),
    ),
)
