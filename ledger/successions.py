"""Successions of departments (机构改革): who carries what at an instant, and whose accreditations go along.

Pure twin of these parts of the contract `Departments`: same order, same refusals. A department that was succeeded, or
will be, succeeds nobody, so that there are no circles. Nothing is moved: who carries a thing is worked out each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ledger.departments import Accreditation, DepartmentHistory, accreditation_end
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import BlockTime, DepartmentCode, TypeCode

DEFAULT = bytes(32)
"""What no part of a succession names."""


@dataclass(frozen=True, slots=True)
class Succession:
    """One act of the Council. `at`: first second of the successor; `asked`: the time that was asked for, which the
    block may have overtaken; `parts`: (bytes32 of what goes elsewhere, to whom)."""

    old: DepartmentCode
    new: DepartmentCode
    at: BlockTime
    asked: BlockTime
    parts: tuple[tuple[bytes, DepartmentCode], ...] = ()

    def goes_to(self, what: bytes) -> DepartmentCode:
        """Who carries `what` next."""
        return dict(self.parts).get(what, self.new)

    @property
    def targets(self) -> frozenset[DepartmentCode]:
        return frozenset({self.new, *(to for _, to in self.parts)})


Members = Mapping[DepartmentCode, DepartmentHistory]
Successions = Mapping[DepartmentCode, Succession]
"""By the old department, in the order in which the Council decided."""


def type_part(type_code: TypeCode) -> bytes:
    """A type as a part of a succession names it: its competence and its accreditations."""
    return type_code.encode("ascii").ljust(32, b"\0")


def carrier(successions: Successions, code: DepartmentCode, what: bytes, at: BlockTime) -> DepartmentCode:
    """Who carries `what` of `code` at `at`: itself, or the last of its successors whose time has come."""
    while (succession := successions.get(code)) is not None and succession.at <= at:
        code = succession.goes_to(what)
    return code


def succeed(
    members: Members,
    successions: Successions,
    old: DepartmentCode,
    new: DepartmentCode,
    *,
    asked: BlockTime,
    parts: tuple[tuple[bytes, DepartmentCode], ...],
    now: BlockTime,
) -> Succession | None:
    """The succession as it would stand; None if this very one stands already. Raises as the contract does."""
    _member(members, old)
    if (known := successions.get(old)) is not None:
        if (known.new, known.asked, known.parts) != (new, asked, parts):
            raise DeniedError("departments.succeeded", department=old, to=known.new)
        return None
    _target(members, successions, old, new)
    seen: set[bytes] = set()
    for what, to in parts:
        if what == DEFAULT or what in seen:
            raise InputError("departments.part_invalid", department=old, what=what.hex())
        seen.add(what)
        _target(members, successions, old, to)
    return Succession(old, new, max(asked, now), asked, parts)


def accreditations_of(
    held: Iterable[Accreditation], successions: Successions, issuer: DepartmentCode, type_code: TypeCode
) -> tuple[Accreditation, ...]:
    """The issuer's own accreditations for the type, then those of whom it succeeded in that type, each from that time
    on. As the contract's view gives them, and `departments.recognised` takes them."""
    kept = [a for a in held if a.type_code == type_code]
    found = []
    for code, since in _sources(successions, issuer, type_code, BlockTime(0)):
        for accreditation in kept:
            if accreditation.issuer != code:
                continue
            end = accreditation_end(accreditation)
            if since > accreditation.since and end is not None and end <= since:
                continue
            found.append(replace(accreditation, issuer=issuer, since=max(accreditation.since, since)))
    return tuple(found)


def withdraw(
    held: tuple[Accreditation, ...],
    successions: Successions,
    issuer: DepartmentCode,
    type_code: TypeCode,
    from_time: BlockTime,
) -> tuple[Accreditation, ...]:
    """`held` (in the order of their times) with the issuer's accreditations for the type ended at `from_time`; those of
    whom it succeeded end for it alone, no earlier than the succession. Equal to `held` if none reached that far."""
    known, changed = False, list(held)
    for code, since in _sources(successions, issuer, type_code, BlockTime(0)):
        cut = max(from_time, since)
        own = [i for i, a in enumerate(changed) if (a.issuer, a.type_code) == (code, type_code)]
        known = known or bool(own)
        for i in reversed(own):
            end = accreditation_end(changed[i])
            if end is not None and end <= cut:
                break
            changed[i] = replace(changed[i], withdrawn_from=cut)
    if not known:
        raise NotFoundError("departments.not_accredited", issuer=issuer, type_code=type_code)
    return tuple(changed)


def _sources(
    successions: Successions, issuer: DepartmentCode, type_code: TypeCode, since: BlockTime
) -> Iterator[tuple[DepartmentCode, BlockTime]]:
    """(department, time from which its accreditations for the type are the issuer's): itself, then its predecessors."""
    yield issuer, since
    for succession in successions.values():
        if issuer in succession.targets and succession.goes_to(type_part(type_code)) == issuer:
            yield from _sources(successions, succession.old, type_code, max(since, succession.at))


def _member(members: Members, code: DepartmentCode) -> DepartmentHistory:
    if code not in members:
        raise NotFoundError("departments.not_admitted", department=code)
    return members[code]


def _target(members: Members, successions: Successions, old: DepartmentCode, to: DepartmentCode) -> None:
    """A target is of the same kind, and is neither succeeded nor going to be."""
    if old == to:
        raise InputError("departments.successor_invalid", department=old, to=to)
    if _member(members, to).kind is not members[old].kind:
        raise ConflictError("departments.kind_differs", department=to, kind=int(members[to].kind))
    if to in successions:
        raise DeniedError("departments.succeeded", department=to, to=successions[to].new)
