"""Objects of the index, case by case: versions side by side, events about others, what the finders answer."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.engine import Engine

from ledger.nodes import NodeState
from ledger.store.index import IndexReader, ObjectFinder
from ledger.types import DepartmentCode, Digest
from tests.unit.ledger.event_logs import CODES, CONTRACTS, IDS
from tests.unit.ledger.object_world import ADDRESSES, NAMES, World, node_applied, tell


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


def test_index__two_versions_of_a_contract_with_one_id__apart(world: World) -> None:
    world.say(node_applied(1), node_applied(2, contact=IDS[1]))
    world.say(tell("Nodes", "NodePromoted", 2, nodeId=IDS[0], operator="0x" + "99" * 20, basis=bytes(32)))
    world.indexer().catch_up()
    rows = world.dump()["chain_nodes"]
    states = {row[1]: (row[5], row[-1]) for row in rows}
    second = ADDRESSES[NAMES.index("Nodes") + len(CONTRACTS)]
    assert states == {ADDRESSES[NAMES.index("Nodes")]: (1, 1), second: (5, 2)}
    world.node.shorten(1)
    world.node.mine()
    world.indexer().catch_up()
    assert {row[1]: (row[5], row[-1]) for row in world.dump()["chain_nodes"]}[second] == (1, 1)
    history = IndexReader(world.engine).history("Nodes", IDS[0])
    assert [event.args["contact"] for event in history] == [IDS[1]]


def test_index__event_that_another_object_of_the_subject_is_about__left_alone(world: World) -> None:
    who: dict[str, Any] = {
        "department": CODES[0],
        "personHash": IDS[0],
        "actor": bytes(32),
        "appointedBy": "0x" + "99" * 20,
    }
    for account in ("0x" + "91" * 20, "0x" + "92" * 20):
        world.say(tell("Departments", "OperatorAppointed", operator=account, roles=1, until=0, **who))
    ended: dict[str, Any] = {"reason": 1, "actor": bytes(32), "endedBy": "0x" + "99" * 20}
    world.say(tell("Departments", "OperatorEnded", department=CODES[0], operator="0x" + "92" * 20, **ended))
    indexer = world.indexer()
    indexer.catch_up()
    rows = {row[2]: (row[4], row[-1]) for row in world.dump()["chain_operators"]}
    assert rows == {"0x" + "91" * 20: (1, 1), "0x" + "92" * 20: (0, 3)}
    assert len(IndexReader(world.engine).history("Departments", CODES[0])) == 3


def test_index__event_that_no_row_is_made_of__changes_none(world: World) -> None:
    duty: dict[str, Any] = {"code": IDS[0], "provider": CODES[0], "department": CODES[0], "operator": "0x" + "99" * 20}
    world.say(tell("Catalogue", "DutyAdded", **duty, basis=bytes(32)))
    world.indexer().catch_up()
    before = world.dump()["chain_resources"]
    change: dict[str, Any] = {"code": IDS[0], "department": CODES[0], "changedAt": 1, "operator": "0x" + "99" * 20}
    world.say(tell("Catalogue", "ChangeRecorded", **change, basis=bytes(32)))
    indexer = world.indexer()
    indexer.catch_up()
    assert world.dump()["chain_resources"] == before
    indexer.rebuild()
    assert world.dump()["chain_resources"] == before


def test_finder__by_department_and_depth__records_as_deep_as_asked(world: World) -> None:
    world.say(node_applied())
    world.say(tell("Nodes", "NodePromoted", nodeId=IDS[0], operator="0x" + "99" * 20, basis=bytes(32)))
    duty: dict[str, Any] = {"department": CODES[0], "operator": "0x" + "99" * 20, "basis": bytes(32)}
    world.say(*(tell("Catalogue", "DutyAdded", code=IDS[n], provider=CODES[n], **duty) for n in (0, 1)))
    assert ObjectFinder(world.engine).nodes() == {}
    world.indexer().catch_up()
    finder, deep = ObjectFinder(world.engine), ObjectFinder(world.engine, depth=2)
    assert [node.state for node in finder.nodes().values()] == [NodeState.VALIDATOR]
    assert [node.state for node in deep.nodes().values()] == [NodeState.APPLIED]
    one = DepartmentCode(CODES[0].rstrip(b"\0").decode())
    assert [(key, r.provider, r.owed) for key, r in finder.resources_of(one).items()] == [(IDS[0], one, True)]
    assert deep.resources_of(one) == {}
    assert not finder.grants_of(one)
    assert not finder.items_of(one)
    both = node_applied(2, contact=IDS[1])
    world.say(both)
    world.indexer().catch_up()
    assert [node.contact for node in finder.nodes().values()] == [IDS[1]]


def test_decisions__annulled_by_a_version_that_took_them_over__told_so(world: World) -> None:
    who: dict[str, Any] = {"key": IDS[0], "department": CODES[0], "operator": "0x" + "99" * 20}
    terms: dict[str, Any] = {
        "cause": 1,
        "effectiveFrom": 1,
        "basis": bytes(32),
        "successor": bytes(32),
        "until": 0,
        "ends": 0,
    }
    decided = [tell("CertificateStatus", "Decided", **who, **terms, number=n, code=2) for n in (1, 2)]
    world.say(*decided)
    world.say(tell("CertificateStatus", "Annulled", version=2, **who, number=1, basis=bytes(32)))
    apart = {**who, "key": IDS[1]}
    for version in (1, 2):
        world.say(tell("CertificateStatus", "Decided", version=version, **apart, **terms, number=1, code=2))
    world.say(tell("CertificateStatus", "Annulled", version=2, **apart, number=1, basis=bytes(32)))
    world.indexer().catch_up()
    reader = IndexReader(world.engine)
    assert [d.annulled_at is not None for d in reader.decisions(Digest(IDS[0]))] == [True, False]
    assert [d.annulled_at is not None for d in reader.decisions(Digest(IDS[1]))] == [False, True]
