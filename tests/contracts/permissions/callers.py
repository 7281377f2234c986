"""Who calls, for whom a function is, and what each caller is to find: the rules that the tables are declared with.

A cell is ALLOWED (the call returns and changes something), IDLE (it returns and changes nothing) or the name of the
custom error that refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ALLOWED, IDLE = "✓", "–"
ANCHOR, STATUS, HANDLER, APPROVER, CREDIT, GATEWAY, NODE = (1 << bit for bit in range(7))
EVERY_ROLE = 127
SERVICE_ROLES = GATEWAY | NODE
ROLE_MISSING, SUCCEEDED_ERROR = "Departments_RoleMissing", "Departments_Succeeded"


class Caller(StrEnum):
    """The eight, in the order of the columns."""

    RIGHT = "right"
    WRONG_ROLE = "wrong_role"
    ENDED = "ended"
    OTHER = "other"
    SUSPENDED = "suspended"
    SUCCEEDED = "succeeded"
    SERVICE = "service"
    STRANGER = "stranger"


AFTER = {Caller.SUSPENDED: "suspended", Caller.SUCCEEDED: "succeeded"}
"""Callers that are the right one after something befell their department."""


@dataclass(frozen=True)
class Party:
    """For whom a function is: in words, who the eight callers are then, and what each finds unless a row says else.

    `account(stage, caller)` is an address; `department` is the code that is suspended or succeeded.
    """

    zh: str
    en: str
    department: str
    account: Callable[[Any, Caller], str]
    cells: Mapping[Caller, str]


def operator(
    zh: str,
    en: str,
    department: str,
    role: int,
    *,
    other: str,
    suspended: str = ALLOWED,
    **cells: str,
) -> Party:
    """A department's operators with `role`. Another department's are refused by `other`, and so is a service
    operator's where it can have the role at all; `cells` replaces what a contract finds first instead."""

    def account(stage: Any, caller: Caller) -> str:
        return {
            Caller.WRONG_ROLE: lambda: stage.operator(department, stage.roles_of(department) & ~role),
            Caller.ENDED: lambda: stage.ended(department, role),
            Caller.OTHER: lambda: stage.operator(stage.other_than(department), EVERY_ROLE),
            Caller.SERVICE: lambda: stage.operator(stage.company_beside(department), SERVICE_ROLES),
            Caller.STRANGER: lambda: stage.stranger,
        }.get(caller, lambda: stage.operator(department, role))()

    rule = {
        Caller.RIGHT: ALLOWED,
        Caller.WRONG_ROLE: ROLE_MISSING,
        Caller.ENDED: ROLE_MISSING,
        Caller.OTHER: other,
        Caller.SUSPENDED: suspended,
        Caller.SUCCEEDED: SUCCEEDED_ERROR,
        Caller.SERVICE: other if role in (GATEWAY, NODE) else ROLE_MISSING,
        Caller.STRANGER: ROLE_MISSING,
    }
    return Party(zh, en, department, account, rule | named(cells))


def beside(zh: str, en: str, right: Callable[[Any], str], department: str, refused: str, **cells: str) -> Party:
    """One account that is no department's: all others are operators of departments, each with every role."""

    def account(stage: Any, caller: Caller) -> str:
        return {
            Caller.RIGHT: lambda: right(stage),
            Caller.ENDED: lambda: stage.ended(department, EVERY_ROLE),
            Caller.OTHER: lambda: stage.operator(stage.other_than(department), EVERY_ROLE),
            Caller.SERVICE: lambda: stage.operator(stage.company_beside(department), SERVICE_ROLES),
            Caller.STRANGER: lambda: stage.stranger,
        }.get(caller, lambda: stage.operator(department, EVERY_ROLE))()

    rule = {caller: refused for caller in Caller} | {Caller.RIGHT: ALLOWED}
    return Party(zh, en, department, account, rule | named(cells))


def anyone(department: str) -> Party:
    """No right is needed."""
    return beside("任何人", "anyone", lambda stage: stage.operator(department, EVERY_ROLE), department, refused=ALLOWED)


def named(cells: Mapping[str, str]) -> dict[Caller, str]:
    return {Caller(name): found for name, found in cells.items()}


@dataclass(frozen=True)
class Row:
    """One function for one party. `prepare(stage)` brings about the state in which the right caller succeeds and gives
    the arguments, or a function of the caller's address that does; `on` names the contract among the stage's; `told`:
    by an event of its own, not by the caller's."""

    function: str
    zh: str
    en: str
    party: Party
    cells: Mapping[Caller, str]
    prepare: Callable[[Any], Any]
    on: str
    told: bool


class Table:
    """The rows of a contract, in the order of the page. `on` names it among the stage's, `note` stands above them."""

    def __init__(self, contract: str, zh: str, on: str, note: str = "") -> None:
        self.contract, self.zh, self.on, self.note = contract, zh, on, note
        self.rows: list[Row] = []

    def row(
        self, function: str, zh: str, en: str, party: Party, *, on: str = "", told: bool = True, **cells: str
    ) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Decorates `prepare`; `cells` are what this function finds otherwise than the party's rule says."""

        def keep(prepare: Callable[[Any], Any]) -> Callable[[Any], Any]:
            row = Row(function, zh, en, party, {**party.cells, **named(cells)}, prepare, on or self.on, told)
            # Decorators of one function come from the last to the first.
            self.rows.insert(sum(known.prepare is not prepare for known in self.rows), row)
            return prepare

        return keep
