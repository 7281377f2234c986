"""Nodes, function by function: done (with its event), no-op, denied with the error's arguments."""

from __future__ import annotations

import pytest
from credit_world import CITY, COMPANY, COUNTY, DATA, NODE, POLICE, PROVINCE, SCHOOL, CreditWorld
from world import NONE, digest, emitted, left, plain, reverts, some, unchanged

APPLIED, ADMITTED, SYNCING, OBSERVER, VALIDATOR, RETIRED = range(1, 7)


@pytest.fixture(scope="module")
def made(module_isolation):
    return CreditWorld()


@pytest.fixture
def world(made):
    yield made
    made.pause(False)


@pytest.fixture
def nodes(world):
    return world.nodes


def node(**changes) -> tuple:
    """`NodeInput`: of the county's, run by the company, unless told otherwise."""
    given = {
        "host": left(COMPANY),
        "division": 420984,
        "node_key": some(),
        "contact": some(),
        "application": some(),
    }
    assert given.keys() >= changes.keys()
    return tuple((given | changes).values())


def at(world, state: int) -> bytes:
    """A node of the county's that has come to `state`."""
    node_id, council, county = some(), world.as_council, world.by(COUNTY)
    steps = (
        lambda: world.nodes.applyFor(node_id, node(), county),
        lambda: world.nodes.admit(node_id, left(COMPANY), NONE, council),
        lambda: world.nodes.release(node_id, NONE, world.by(COMPANY)),
        lambda: world.nodes.acceptNode(node_id, digest("report"), county),
        lambda: world.nodes.promote(node_id, NONE, council),
        lambda: world.nodes.retire(node_id, 1, NONE, council),
    )
    for step in steps[:state]:
        step()
    assert world.nodes.nodeOf(node_id)[4] == state
    return node_id


def test_apply__by_a_department__applied(world, nodes):
    node_id, given = some(), node()
    tx = nodes.applyFor(node_id, given, world.by(COUNTY))
    assert emitted(
        tx, "NodeApplied", nodeId=node_id, department=left(COUNTY), host=left(COMPANY), division=420984,
        nodeKey=given[2], contact=given[3], operator=world.operators[COUNTY], application=given[4],
    )  # fmt: skip
    assert unchanged(nodes.applyFor(node_id, given, world.by(COUNTY)))
    assert plain(nodes.nodeOf(node_id)) == (
        left(COUNTY), left(COMPANY), NONE, 420984, APPLIED, *given[2:], NONE, tx.timestamp, 0, 0, 0, 0, 0, 0
    )  # fmt: skip
    assert plain(nodes.nodeByKey(given[2])) == node_id
    assert nodes.mayConnect(given[2]) is False
    with reverts("Nodes_NodeExists", node_id):
        nodes.applyFor(node_id, node(), world.by(COUNTY))


def test_apply__refused(world, nodes):
    with reverts("Nodes_OwnerInvalid", left(COMPANY)):
        nodes.applyFor(some(), node(), world.by(COMPANY))
    with reverts("Departments_RoleMissing", world.stranger, NODE):
        nodes.applyFor(some(), node(), {"from": world.stranger})
    with reverts("Nodes_HostInvalid", left(COUNTY), left(SCHOOL)):
        nodes.applyFor(some(), node(host=left(SCHOOL)), world.by(COUNTY))
    for division in (420900, 110000, 0):
        with reverts("Nodes_DivisionInvalid", left(COUNTY), division):
            nodes.applyFor(some(), node(division=division), world.by(COUNTY))
    for member in ("node_key", "contact", "application"):
        node_id = some()
        with reverts("Nodes_ValueZero", node_id):
            nodes.applyFor(node_id, node(**{member: NONE}), world.by(COUNTY))
    with reverts("Nodes_ValueZero", NONE):
        nodes.applyFor(NONE, node(), world.by(COUNTY))


def test_apply__for_a_division_below__own_host(world, nodes):
    nodes.applyFor(some(), node(host=left(CITY)), world.by(CITY))
    nodes.applyFor(some(), node(host=left(PROVINCE), division=429004), world.by(PROVINCE))


def test_key__once_used__for_ever(world, nodes):
    node_id, key = some(), some()
    nodes.applyFor(node_id, node(node_key=key), world.by(COUNTY))
    with reverts("Nodes_KeyUsed", key, node_id):
        nodes.applyFor(some(), node(node_key=key), world.by(CITY))
    nodes.retire(node_id, 1, NONE, world.by(COUNTY))
    with reverts("Nodes_KeyUsed", key, node_id):
        nodes.applyFor(some(), node(node_key=key), world.by(COUNTY))


@pytest.mark.parametrize("by", ["", DATA])
def test_admit__council_or_the_province_s_authority__admitted(world, nodes, by):
    node_id = at(world, APPLIED)
    sender = world.by(by) if by else world.as_council
    tx = nodes.admit(node_id, left(COMPANY), digest("act"), sender)
    assert emitted(
        tx, "NodeAdmitted", nodeId=node_id, department=left(by) if by else NONE, releaser=left(COMPANY),
        operator=sender["from"], basis=digest("act"),
    )  # fmt: skip
    assert unchanged(nodes.admit(node_id, left(COMPANY), digest("act"), sender))
    assert nodes.nodeOf(node_id)[10] == tx.timestamp


def test_admit__refused(world, nodes):
    node_id = at(world, APPLIED)
    for other in (PROVINCE, COUNTY, COMPANY):
        with reverts("Nodes_NotAdmitting", node_id, left(DATA), left(other)):
            nodes.admit(node_id, left(COMPANY), NONE, world.by(other))
    with reverts("Nodes_ReleaserInvalid", node_id, left("x")):
        nodes.admit(node_id, left("x"), NONE, world.as_council)
    own, nobody = some(), some()
    nodes.applyFor(own, node(division=420000), world.by(DATA))
    with reverts("Nodes_OwnApplication", own, left(DATA)):
        nodes.admit(own, left(COMPANY), NONE, world.by(DATA))
    nodes.admit(own, left(COMPANY), NONE, world.as_council)
    with reverts("Nodes_MoveNotAllowed", own, ADMITTED, ADMITTED):
        nodes.admit(own, left(DATA), NONE, world.as_council)
    with reverts("Nodes_NodeUnknown", nobody):
        nodes.admit(nobody, left(COMPANY), NONE, world.as_council)


def test_release__by_the_releaser_alone__may_connect(world, nodes):
    node_id = at(world, ADMITTED)
    for other in (COUNTY, DATA):
        with reverts("Nodes_NotReleaser", node_id, left(COMPANY), left(other)):
            nodes.release(node_id, NONE, world.by(other))
    assert emitted(nodes.release(node_id, digest("act"), world.by(COMPANY)), "NodeReleased", nodeId=node_id)
    assert unchanged(nodes.release(node_id, digest("act"), world.by(COMPANY)))
    assert nodes.mayConnect(nodes.nodeOf(node_id)[5]) is True


def test_accept__by_its_department__not_by_the_host(world, nodes):
    node_id, report = at(world, SYNCING), digest("report")
    with reverts("Nodes_NotOwner", node_id, left(COUNTY), left(COMPANY)):
        nodes.acceptNode(node_id, report, world.by(COMPANY))
    with reverts("Nodes_ValueZero", node_id):
        nodes.acceptNode(node_id, NONE, world.by(COUNTY))
    assert emitted(nodes.acceptNode(node_id, report, world.by(COUNTY)), "NodeAccepted", nodeId=node_id, report=report)
    assert unchanged(nodes.acceptNode(node_id, report, world.by(COUNTY)))
    with reverts("Nodes_MoveNotAllowed", node_id, OBSERVER, OBSERVER):
        nodes.acceptNode(node_id, digest("another"), world.by(COUNTY))


def test_promote_and_demote__by_the_council__to_and_fro(world, nodes):
    node_id = at(world, OBSERVER)
    assert emitted(nodes.promote(node_id, digest("act"), world.as_council), "NodePromoted", nodeId=node_id)
    assert unchanged(nodes.promote(node_id, digest("act"), world.as_council))
    tx = nodes.demote(node_id, 7, digest("act"), world.as_council)
    assert emitted(tx, "NodeDemoted", nodeId=node_id, reason=7, basis=digest("act"))
    assert unchanged(nodes.demote(node_id, 7, digest("act"), world.as_council))
    for call in (
        lambda: nodes.promote(node_id, NONE, world.by(DATA)),
        lambda: nodes.demote(node_id, 1, NONE, world.by(DATA)),
    ):
        with reverts("Nodes_NotCouncil", world.operators[DATA]):
            call()


@pytest.mark.parametrize("state", range(APPLIED, RETIRED))
def test_steps__out_of_turn__refused(world, nodes, state):
    node_id = at(world, state)
    council = world.as_council
    if state < OBSERVER:
        with reverts("Nodes_MoveNotAllowed", node_id, state, VALIDATOR):
            nodes.promote(node_id, NONE, council)
        with reverts("Nodes_MoveNotAllowed", node_id, state, OBSERVER):
            nodes.demote(node_id, 1, NONE, council)
    if state < SYNCING:
        with reverts("Nodes_MoveNotAllowed", node_id, state, OBSERVER):
            nodes.acceptNode(node_id, digest("report"), world.by(COUNTY))
    nodes.retire(node_id, 1, NONE, world.by(COUNTY))
    for call, to in (
        (lambda: nodes.admit(node_id, left(COMPANY), NONE, council), ADMITTED),
        (lambda: nodes.acceptNode(node_id, digest("report"), world.by(COUNTY)), OBSERVER),
        (lambda: nodes.promote(node_id, NONE, council), VALIDATOR),
        (lambda: nodes.demote(node_id, 1, NONE, council), OBSERVER),
        (lambda: nodes.change(node_id, left(COUNTY), some(), world.by(COUNTY)), RETIRED),
    ):
        with reverts("Nodes_MoveNotAllowed", node_id, RETIRED, to):
            call()


@pytest.mark.parametrize("by", ["", COUNTY])
def test_retire__department_or_council__connects_no_more(world, nodes, by):
    node_id = at(world, VALIDATOR)
    sender = world.by(by) if by else world.as_council
    tx = nodes.retire(node_id, 2, digest("act"), sender)
    assert emitted(tx, "NodeRetired", nodeId=node_id, department=left(by) if by else NONE, reason=2)
    assert unchanged(nodes.retire(node_id, 2, digest("act"), sender))
    assert nodes.mayConnect(nodes.nodeOf(node_id)[5]) is False
    with reverts("Nodes_NotOwner", node_id, left(COUNTY), left(COMPANY)):
        nodes.retire(node_id, 2, NONE, world.by(COMPANY))


def test_change__host_and_contact__by_its_department(world, nodes):
    node_id, contact = at(world, OBSERVER), some()
    tx = nodes.change(node_id, left(COMPANY), contact, world.by(COUNTY))
    assert emitted(tx, "NodeChanged", nodeId=node_id, department=left(COUNTY), host=left(COMPANY), contact=contact)
    assert unchanged(nodes.change(node_id, left(COMPANY), contact, world.by(COUNTY)))
    tx = nodes.change(node_id, left(COUNTY), contact, world.as_council)
    assert emitted(tx, "NodeChanged", nodeId=node_id, department=NONE, host=left(COUNTY), contact=contact)
    with reverts("Nodes_HostInvalid", left(COUNTY), left(POLICE)):
        nodes.change(node_id, left(POLICE), contact, world.as_council)
    with reverts("Nodes_NotOwner", node_id, left(COUNTY), left(COMPANY)):
        nodes.change(node_id, left(COUNTY), some(), world.by(COMPANY))
    with reverts("Nodes_ValueZero", node_id):
        nodes.change(node_id, left(COMPANY), NONE, world.by(COUNTY))


@pytest.mark.parametrize("state", [APPLIED, ADMITTED, VALIDATOR])
def test_change__host_by_its_department__refused(world, nodes, state):
    """Else a node is looked at, admitted and promoted at one host and runs at another."""
    node_id = at(world, state)
    with reverts("Nodes_HostFixed", node_id, left(COMPANY)):
        nodes.change(node_id, left(COUNTY), some(), world.by(COUNTY))


def test_pause__stops_admitting_releasing_promoting__nothing_else(world, nodes):
    first, second, third, last = (at(world, state) for state in (APPLIED, ADMITTED, OBSERVER, VALIDATOR))
    syncing, council = at(world, SYNCING), world.as_council
    world.pause()
    for call in (
        lambda: nodes.admit(first, left(COMPANY), NONE, world.by(DATA)),
        lambda: nodes.release(second, NONE, world.by(COMPANY)),
        lambda: nodes.promote(third, NONE, council),
    ):
        with reverts("Nodes_Paused"):
            call()
    nodes.applyFor(some(), node(), world.by(COUNTY))
    nodes.acceptNode(syncing, digest("report"), world.by(COUNTY))
    nodes.demote(last, 1, NONE, council)
    nodes.retire(last, 1, NONE, world.by(COUNTY))


def test_suspended__takes_no_step__but_leaves(world, nodes):
    node_id = at(world, SYNCING)
    world.departments.suspend(left(COUNTY), 1, NONE, world.as_council)
    for call in (
        lambda: nodes.applyFor(some(), node(), world.by(COUNTY)),
        lambda: nodes.acceptNode(node_id, digest("report"), world.by(COUNTY)),
    ):
        with reverts("Nodes_Suspended", left(COUNTY)):
            call()
    nodes.retire(node_id, 1, NONE, world.by(COUNTY))


def test_suspended_authority_or_releaser__takes_no_step(world, nodes):
    applied, admitted = at(world, APPLIED), at(world, ADMITTED)
    world.departments.suspend(left(DATA), 1, NONE, world.as_council)
    with reverts("Nodes_Suspended", left(DATA)):
        nodes.admit(applied, left(COMPANY), NONE, world.by(DATA))
    world.departments.suspend(left(COMPANY), 1, NONE, world.as_council)
    with reverts("Nodes_Suspended", left(COMPANY)):
        nodes.release(admitted, NONE, world.by(COMPANY))


def test_succession__the_successor_owns_the_node(world, nodes):
    node_id = at(world, SYNCING)
    world.departments.succeed(left(COUNTY), left(CITY), 0, [], NONE, world.as_council)
    assert emitted(nodes.acceptNode(node_id, digest("r"), world.by(CITY)), "NodeAccepted", department=left(CITY))


def test_ids__page_by_page__in_the_order_of_application(world, nodes):
    made = tuple(at(world, APPLIED) for _ in range(3))
    assert plain(nodes.nodeIds(0, 2)) == (made[:2], 3)
    assert plain(nodes.nodeIds(2, 2)) == (made[2:], 3)
    assert plain(nodes.nodeIds(9, 2)) == ((), 3)
