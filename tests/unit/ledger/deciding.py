"""What the tests of decisions on certificates say them with: three departments, decisions, histories at small times."""

from __future__ import annotations

from typing import Any

from ledger.statuses import IN_FORCE, Decider, Decision, DecisionCode, NewDecision, decide
from ledger.types import BlockTime, DepartmentCode, Digest

OWNER = Decider(DepartmentCode("11420503087246977F"), owner=True, competent=False)
COMPETENT = Decider(DepartmentCode("11100000000013338W"), owner=False, competent=True)
OTHER = Decider(DepartmentCode("11430000006122244L"), owner=False, competent=False)
NEXT = Digest(b"\x01" * 32)
C = DecisionCode


def t(seconds: int) -> BlockTime:
    return BlockTime(seconds)


def new(code: int, **members: Any) -> NewDecision:
    if code == C.SUPERSEDED:
        members.setdefault("successor", NEXT)
    return NewDecision(DecisionCode(code), **members)


def history_in(state: int) -> tuple[Decision, ...]:
    """The shortest history at 200 whose state is `state`, by the owner."""
    if state == IN_FORCE:
        return ()
    if state == C.RESUMED:
        return decide(decide((), new(2), OWNER, t(100)), new(1, ends=1), OWNER, t(110))
    return decide((), new(state), OWNER, t(100))
