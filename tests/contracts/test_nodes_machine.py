"""Nodes beside its Python twin, ledger.nodes: the same steps, the same answers, the same refusals.

Hypothesis draws applications (wrong ones too), steps in and out of turn, by those who may and others, pauses and
suspensions; after each step the nodes, whose each key is and who may connect are compared.
"""

from __future__ import annotations

from typing import ClassVar

import pytest
from credit_world import CITY, COMPANY, COUNTY, DATA, POLICE, SCHOOL, CreditWorld
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from machines import drive
from turning_credit import TurningCredit
from world import NONE, digest, left, plain

from ledger import nodes as acts
from ledger.nodes import NewNode, Node, Register

NODES = [digest(f"node {n}") for n in range(3)]
KEYS = [NONE, *(digest(f"key {n}") for n in range(4))]
WHO = st.sampled_from([COUNTY, COUNTY, CITY, DATA, COMPANY, POLICE])
WHICH = st.sampled_from([0, 0, 1, 2])
FORWARD = ("admit", "release", "accept", "promote", "demote", "retire")


MOVES = {
    *zip(("applyFor", "admit", "release", "acceptNode", "promote"), range(5), range(1, 6), strict=True),
    ("demote", 5, 4),
    *(("retire", state, 6) for state in range(1, 6)),
    *(("change", state, state) for state in range(1, 6)),
}
"""Every move of nodes.md, from each state that it may begin in."""


def told_node(node: Node) -> tuple:
    """The contract's struct `Node`."""
    return (
        left(node.department),
        left(node.host),
        left(node.releaser) if node.releaser else NONE,
        node.division,
        int(node.state),
        node.node_key,
        node.contact,
        node.application,
        node.report or NONE,
        node.applied_at,
        node.admitted_at or 0,
        node.released_at or 0,
        node.accepted_at or 0,
        node.promoted_at or 0,
        node.demoted_at or 0,
        node.retired_at or 0,
    )


class NodesMachine(TurningCredit):
    at = acts.Now
    met: ClassVar[set[tuple[str, int, int]]] = set()
    """Which function moved a node from which state to which; 0: none yet."""

    def __init__(self) -> None:
        super().__init__()
        self.contract, self.book = self.world.nodes, Register()

    def was_done(self, name: str, what: bytes, before: Register, time: int) -> None:
        was = before.nodes.get(what)
        self.met.add((name, int(was.state) if was else 0, int(self.book.nodes[what].state)))

    @initialize()
    def first(self) -> None:
        self.applies(0, COUNTY, COMPANY, 420984, 1, 1, 1)

    @rule(
        which=WHICH,
        by=WHO,
        host=st.sampled_from([COMPANY, COMPANY, COUNTY, SCHOOL]),
        division=st.sampled_from([420984, 420984, 420900, 429004, 110000]),
        key=st.integers(0, 4),
        contact=st.integers(0, 3),
        application=st.integers(0, 3),
    )
    def applies(self, which, by, host, division, key, contact, application) -> None:
        node_id = NODES[which]
        parts = [digest(f"{n}") if n else NONE for n in (contact, application)]
        new = NewNode(host, division, KEYS[key], *parts)
        told = (left(host), division, KEYS[key], *parts)
        self.step("applyFor", by, (node_id, told), lambda r, n: acts.apply_for(r, node_id, new, n))

    @rule(which=WHICH, turns=st.integers(1, 4), releaser=st.sampled_from([COMPANY, COMPANY, DATA, COUNTY]))
    def goes_on(self, which, turns, releaser) -> None:
        """The next steps of its life, by those who take them."""
        for _ in range(turns):
            node = self.book.nodes.get(NODES[which])
            if node is None:
                return
            name = FORWARD[min(int(node.state) - 1 + (node.state == 5 and node.demoted_at is not None), 5)]
            by = {"admit": DATA, "release": node.releaser or COMPANY, "accept": node.department}.get(name, "")
            self.take(name, which, by, releaser, 1)
            self.same_nodes()

    @rule(
        name=st.sampled_from(FORWARD),
        which=WHICH,
        by=st.sampled_from([COUNTY, DATA, COMPANY, SCHOOL, ""]),
        releaser=st.sampled_from([COMPANY, DATA, POLICE]),
        given=st.integers(0, 2),
    )
    def takes_a_step_out_of_turn(self, name, which, by, releaser, given) -> None:
        if by == "" and name in ("release", "accept"):
            return  # the council is no operator: Departments' own refusal
        if name in ("promote", "demote"):
            by = ""  # others: test_nodes.py
        self.take(name, which, by, releaser, given)

    def take(self, name, which, by, releaser, given) -> None:
        node_id = NODES[which]
        report = digest(f"report {given}") if given else None
        match name:
            case "admit":
                self.step(
                    "admit", by, (node_id, left(releaser), NONE), lambda r, n: acts.admit(r, node_id, releaser, n)
                )
            case "release":
                self.step("release", by, (node_id, NONE), lambda r, n: acts.release(r, node_id, n))
            case "accept":
                told = (node_id, report or NONE)
                self.step("acceptNode", by, told, lambda r, n: acts.accept(r, node_id, report, n))
            case "promote":
                self.step("promote", by, (node_id, NONE), lambda r, n: acts.promote(r, node_id, n))
            case "demote":
                self.step("demote", by, (node_id, 1, NONE), lambda r, n: acts.demote(r, node_id, n))
            case _:
                self.step("retire", by, (node_id, 1, NONE), lambda r, n: acts.retire(r, node_id, n))

    @rule(
        which=WHICH,
        by=st.sampled_from([COUNTY, COUNTY, CITY, COMPANY, "", ""]),
        host=st.sampled_from([COMPANY, COUNTY, SCHOOL]),
        contact=st.integers(0, 3),
    )
    def changes(self, which, by, host, contact) -> None:
        node_id, whom = NODES[which], digest(f"{contact}") if contact else None
        args = (node_id, left(host), whom or NONE)
        self.step("change", by, args, lambda r, n: acts.change(r, node_id, host, whom, n))

    @rule(rarely=st.integers(0, 2))
    def a_pause_turns(self, rarely: int) -> None:
        super().a_pause_turns(rarely)

    @rule(department=st.sampled_from([COUNTY, DATA, COMPANY]), rarely=st.integers(0, 2))
    def a_suspension_turns(self, department: str, rarely: int) -> None:
        super().a_suspension_turns(department, rarely)

    @invariant()
    def same_nodes(self) -> None:
        nodes = self.world.nodes
        for node_id, node in self.book.nodes.items():
            assert plain(nodes.nodeOf(node_id)) == told_node(node)
            assert nodes.mayConnect(node.node_key) is acts.may_connect(self.book, node.node_key)

    @invariant()
    def same_keys(self) -> None:
        nodes = self.world.nodes
        assert plain(nodes.nodeIds(0, 10)) == (tuple(self.book.nodes), len(self.book.nodes))
        for key, node_id in self.book.keys.items():
            assert plain(nodes.nodeByKey(key)) == node_id


@pytest.fixture(scope="module")
def credit_world(module_isolation):
    return CreditWorld()


def test_nodes_machine__any_steps__contract_and_twin_agree(credit_world) -> None:
    NodesMachine.world = credit_world
    drive(NodesMachine, steps=20)


def test_nodes_walk__every_move__met(credit_world) -> None:
    """Changed and retired from each state, and promoted again after a demotion."""
    NodesMachine.world = credit_world
    for turns in range(6):
        machine = NodesMachine()
        machine.first()
        for _ in range(turns):
            machine.goes_on(0, 1, COMPANY)
        machine.changes(0, COUNTY, COMPANY, 2)
        machine.same_nodes()
        if turns < 5:
            machine.take("retire", 0, COUNTY, COMPANY, 0)
        machine.same_nodes()
        machine.teardown()
    missed = sorted(MOVES - NodesMachine.met)
    assert not missed, missed
