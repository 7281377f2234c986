"""Nodes: every step at every stage, and a key that is used once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ledger import nodes as acts
from ledger.authorities import Domain, upwards
from ledger.errors import ChuzhengError
from ledger.nodes import COUNCIL, NewNode, NodeId, NodeKey, NodeState, Register
from ledger.types import BlockTime, DepartmentCode, Digest

COUNTY, CITY, DATA, COMPANY = (DepartmentCode(f"11420000MB000000{n}X") for n in range(4))
DIVISIONS = {COUNTY: 420984, CITY: 420900, DATA: 420000}
NODE = NodeId(b"\x01" * 32)
REPORT = Digest(b"\x07" * 32)


def key(number: int) -> NodeKey:
    return NodeKey(bytes([number]) * 32)


def new(number: int = 1, **changes: object) -> NewNode:
    given = {"host": COMPANY, "division": 420984, "node_key": key(number), "contact": REPORT, "application": REPORT}
    return NewNode(**(given | changes))  # type: ignore[arg-type]


@dataclass
class World:
    paused: bool = False
    suspended: frozenset[DepartmentCode] = frozenset()

    def is_paused(self) -> bool:
        return self.paused

    def is_suspended(self, department: DepartmentCode) -> bool:
        return department in self.suspended

    def is_department(self, department: DepartmentCode) -> bool:
        return department in DIVISIONS

    def is_service_operator(self, department: DepartmentCode) -> bool:
        return department == COMPANY

    def division_of(self, department: DepartmentCode) -> int:
        return DIVISIONS[department]

    def carrier_of(self, department: DepartmentCode, what: bytes) -> DepartmentCode:
        return department

    def authority_for(self, domain: int, division: int) -> DepartmentCode | None:
        return DATA if domain == Domain.SHARING and 420000 in upwards(division) else None


def now(by: DepartmentCode = COUNTY, time: int = 100, paused: bool = False) -> acts.Now:
    return acts.Now(by, BlockTime(time), World(paused))


STEPS: dict[str, Callable[[Register, bool], Register]] = {
    "apply": lambda r, p: acts.apply_for(r, NODE, new(), now(paused=p)),
    "admit": lambda r, p: acts.admit(r, NODE, COMPANY, now(DATA, paused=p)),
    "release": lambda r, p: acts.release(r, NODE, now(COMPANY, paused=p)),
    "accept": lambda r, p: acts.accept(r, NODE, REPORT, now(paused=p)),
    "promote": lambda r, p: acts.promote(r, NODE, now(COUNCIL, paused=p)),
    "demote": lambda r, p: acts.demote(r, NODE, now(COUNCIL, paused=p)),
    "retire": lambda r, p: acts.retire(r, NODE, now(paused=p)),
}
WAY = ("apply", "admit", "release", "accept", "promote")
# Stage → what the step does there: "" moves, "same" was done before, else the refusal.
EXPECTED = {
    "admit": {1: "", 2: "same", 3: "same", 4: "same", 5: "same", 6: "nodes.move_not_allowed"},
    "release": {1: "nodes.not_releaser", 2: "", 3: "same", 4: "same", 5: "same", 6: "nodes.move_not_allowed"},
    "accept": {
        1: "nodes.move_not_allowed", 2: "nodes.move_not_allowed", 3: "", 4: "same", 5: "same",
        6: "nodes.move_not_allowed",
    },
    "promote": {
        1: "nodes.move_not_allowed", 2: "nodes.move_not_allowed", 3: "nodes.move_not_allowed", 4: "", 5: "same",
        6: "nodes.move_not_allowed",
    },
    "demote": {
        1: "nodes.move_not_allowed", 2: "nodes.move_not_allowed", 3: "nodes.move_not_allowed", 4: "same", 5: "",
        6: "nodes.move_not_allowed",
    },
    "retire": {1: "", 2: "", 3: "", 4: "", 5: "", 6: "same"},
}  # fmt: skip


def at(stage: int) -> Register:
    register = Register()
    for step in WAY[: min(stage, 5)]:
        register = STEPS[step](register, False)
    return STEPS["retire"](register, False) if stage == NodeState.RETIRED else register


@pytest.mark.parametrize("stage", list(NodeState))
@pytest.mark.parametrize("step", EXPECTED)
def test_steps__each_at_each_stage__as_the_table_says(step: str, stage: NodeState) -> None:
    register, expected = at(stage), EXPECTED[step][stage]
    if "." in expected:
        with pytest.raises(ChuzhengError) as caught:
            STEPS[step](register, False)
        assert caught.value.code == expected
        return
    after = STEPS[step](register, False)
    assert (after is register) == (expected == "same")
    assert STEPS[step](after, False) is after


@pytest.mark.parametrize("step", STEPS)
def test_pause__stops_admitting_releasing_promoting(step: str) -> None:
    before = {"apply": 0, "admit": 1, "release": 2, "accept": 3, "promote": 4, "demote": 5, "retire": 5}[step]
    if step in ("admit", "release", "promote"):
        with pytest.raises(ChuzhengError) as caught:
            STEPS[step](at(before), True)
        assert caught.value.code == "nodes.paused"
    else:
        STEPS[step](at(before), True)


def test_key__of_a_retired_node__nobody_s_for_ever() -> None:
    register = at(NodeState.RETIRED)
    with pytest.raises(ChuzhengError) as caught:
        acts.apply_for(register, NodeId(b"\x02" * 32), new(), now(CITY))
    assert caught.value.code == "nodes.key_used"
    assert not acts.may_connect(register, key(1))


@pytest.mark.parametrize(("stage", "may"), [(1, False), (2, False), (3, True), (4, True), (5, True), (6, False)])
def test_may_connect__from_release_until_retirement(stage: int, may: bool) -> None:
    assert acts.may_connect(at(stage), key(1)) is may


@pytest.mark.parametrize(
    ("by", "changes", "code"),
    [
        (COMPANY, {}, "nodes.owner_invalid"),
        (COUNTY, {"host": CITY}, "nodes.host_invalid"),
        (COUNTY, {"division": 420900}, "nodes.division_invalid"),
        (COUNTY, {"contact": bytes(32)}, "nodes.value_zero"),
    ],
)
def test_apply__wrong__refused(by: DepartmentCode, changes: dict[str, object], code: str) -> None:
    with pytest.raises(ChuzhengError) as caught:
        acts.apply_for(Register(), NODE, new(1, **changes), now(by))
    assert caught.value.code == code


def test_admit__own_application__is_the_council_s() -> None:
    register = acts.apply_for(Register(), NODE, new(host=DATA), now(DATA))
    with pytest.raises(ChuzhengError) as caught:
        acts.admit(register, NODE, COMPANY, now(DATA))
    assert caught.value.code == "nodes.own_application"
    assert acts.admit(register, NODE, COMPANY, now(COUNCIL)).nodes[NODE].state == NodeState.ADMITTED
