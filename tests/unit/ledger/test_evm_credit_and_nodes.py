"""The wrappers of CreditRecords and Nodes: a node's answers become the twins' records, and each call fits the ABI."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, cast

import pytest

from ledger.credits import (
    Answer,
    Contribution,
    CreditItem,
    Field,
    FileClass,
    ItemClass,
    ItemId,
    ItemState,
    Measure,
    NewItem,
    Objection,
    Period,
    Polarity,
    Profile,
    Severity,
    Stage,
    file_class_bytes,
)
from ledger.evm import credit_records, nodes
from ledger.evm.artifacts import encode_call
from ledger.evm.codes import ZERO, code_bytes
from ledger.evm.credit_records import CreditRecordsView
from ledger.evm.nodes import NodesView
from ledger.nodes import NewNode, Node, NodeId, NodeKey, NodeState
from ledger.types import BlockTime, DepartmentCode, Digest
from tests.unit.ledger.told import Told

OWNER, KEEPER, COMPANY = (DepartmentCode(c) for c in ("11420503087246977F", "11100000000013338W", "11430000006122244L"))
FILES = FileClass(KEEPER, Field.HARDSHIP)
GIVEN = Contribution(FILES, OWNER, 303)


def some(number: int) -> Digest:
    return Digest(bytes([number]) * 32)


def credit_view(**answers: list[Any]) -> tuple[CreditRecordsView, Told]:
    told = Told("CreditRecords", answers)
    return CreditRecordsView(cast(Any, told), cast(Any, told)), told


def node_view(**answers: list[Any]) -> NodesView:
    told = Told("Nodes", answers)
    return NodesView(cast(Any, told), cast(Any, told))


def members(contract: str, struct: str) -> list[str]:
    """A struct's members in the ABI's order, in our words."""
    raw = json.loads(files("ledger.evm").joinpath("abi", f"{contract}.json").read_text(encoding="utf-8"))

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            if value.get("internalType", "").removesuffix("[]").endswith(f".{struct}"):
                yield [c["name"] for c in value["components"]]
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    found: list[str] = next(walk(raw["abi"]))
    return ["".join("_" + c.lower() if c.isupper() else c for c in name) for name in found]


ITEM = CreditItem(
    owner=OWNER,
    file_class=FILES,
    item_class=303,
    severity=Severity.SERIOUS,
    state=ItemState.CORRECTED,
    commitment=some(1),
    notice=some(2),
    decision=some(3),
    decided_at=BlockTime(100),
    event_end=BlockTime(90),
    publish_until=BlockTime(200),
    repair_from=BlockTime(150),
    stop_at=BlockTime(300),
    added_at=BlockTime(110),
    changed_at=BlockTime(120),
    objections=(
        Objection(
            1, Stage.OWNER, KEEPER, some(4), BlockTime(111), BlockTime(112), 7, 5, BlockTime(113), None, Answer.UPHELD,
            BlockTime(114), some(5),
        ),
    ),
    statements=(some(6),),
    outcome=some(7),
    replacement=some(8),
)  # fmt: skip
STORED = {
    "owner": code_bytes(OWNER), "file_class": file_class_bytes(FILES), "item_class": 303, "severity": 3, "state": 3,
    "commitment": some(1), "notice": some(2), "decision": some(3), "decided_at": 100, "event_end": 90,
    "publish_until": 200, "repair_from": 150, "stop_at": 300, "added_at": 110, "changed_at": 120, "objections": 1,
    "outcome": some(7), "replacement": some(8), "filing": ZERO,
}  # fmt: skip
RAISED = {
    "number": 1, "stage": 1, "answer": 1, "answer_days": 7, "least_days": 5, "received_at": 111, "recorded_at": 112,
    "mark_by": 113, "answer_by": 0, "answered_at": 114, "department": code_bytes(KEEPER), "request": some(4),
    "decision": some(5),
}  # fmt: skip


def test_item__as_the_node_tells_it__the_twin_s_record_at_that_block() -> None:
    view, told = credit_view(
        itemOf=[tuple(STORED[name] for name in members("CreditRecords", "Item"))],
        objectionsOf=[[tuple(RAISED[name] for name in members("CreditRecords", "Objection"))]],
        statementsOf=[[some(6)]],
    )
    assert view.item(ItemId(some(9)), 17) == ITEM
    assert {block for _, block in told.asked} == {"0x11"}


def test_item__none__none() -> None:
    empty = [ZERO if isinstance(v, bytes) else 0 for v in (STORED[n] for n in members("CreditRecords", "Item"))]
    assert credit_view(itemOf=[tuple(empty)])[0].item(ItemId(some(9)), 1) is None


def test_credit_views__each__in_our_types() -> None:
    view, _ = credit_view(
        stateAt=[6],
        isPublished=[True],
        isReplacedBy=[False],
        authorityOf=[code_bytes(KEEPER)],
        profile=[tuple(range(1, 10))],
        itemClassOf=[2, 1, False, some(1)],
        contributorOf=[5, 0],
        rulesOf=[some(3), 4],
    )
    item_id = ItemId(some(9))
    assert view.state_at(item_id, BlockTime(1), 1) is ItemState.ARCHIVED
    assert view.is_published(item_id, BlockTime(1), 1) is True
    assert view.is_replaced_by(item_id, item_id, some(1), 1) is False
    assert view.authority_of(item_id, 1) == KEEPER
    assert view.profile(1) == Profile(*range(1, 10))
    assert view.item_class(401, 1) == ItemClass(Polarity.NEGATIVE, Measure.FRAUD, False, some(1))
    assert view.contributor(GIVEN, 1) == Period(BlockTime(5))
    assert view.rules(1, 1) == (some(3), 4)


def test_credit_views__nothing_there__none() -> None:
    view, _ = credit_view(
        stateAt=[0], authorityOf=[ZERO], itemClassOf=[0, 0, False, ZERO], contributorOf=[0, 0], rulesOf=[ZERO, 0]
    )
    assert view.state_at(ItemId(some(9)), BlockTime(1), 1) is None
    assert view.authority_of(ItemId(some(9)), 1) is None
    assert view.item_class(1, 1) is None
    assert view.contributor(GIVEN, 1) is None
    assert view.rules(1, 1) == (None, 0)


def test_profile__members__in_the_contract_s_order() -> None:
    assert list(Profile.__dataclass_fields__) == members("CreditRecords", "Profile")


def test_new_item__members__in_the_contract_s_order() -> None:
    new = NewItem(FILES, 303, some(1), Severity.GENERAL, some(2), some(3), BlockTime(4), BlockTime(5), 6)
    told = {
        "file_class": file_class_bytes(FILES), "item_class": 303, "severity": 2, "commitment": some(1),
        "notice": some(2), "decision": some(3), "decided_at": 4, "event_end": 5, "publish_months": 6,
    }  # fmt: skip
    assert credit_records.item_tuple(new) == tuple(told[name] for name in members("CreditRecords", "ItemInput"))


ID = ItemId(some(1))
NODE_ID = NodeId(some(1))
NEW_NODE = NewNode(COMPANY, 420984, NodeKey(some(2)), some(3), some(4))
INTENTS = [
    credit_records.set_item_class(1, Polarity.MERIT, Measure.NONE, some(1)),
    credit_records.seal_item_class(1, some(1)),
    credit_records.authorise_contributor(GIVEN, Period(BlockTime(1))),
    credit_records.end_contributor(GIVEN, 1),
    credit_records.set_profile(Profile(), some(1)),
    credit_records.set_rules(1, some(1)),
    credit_records.add(ID, NewItem(FILES, 1, some(1))),
    credit_records.object_to(ID, some(1), BlockTime(1)),
    credit_records.appeal(ID, some(1), BlockTime(1)),
    credit_records.uphold(ID, some(1)),
    credit_records.rule(ID, Answer.ORDERED, some(1)),
    credit_records.correct(ID, some(1), some(2)),
    credit_records.withdraw(ID, 1, some(1)),
    credit_records.repair(ID, some(1)),
    credit_records.archive(ID),
    credit_records.attach_statement(ID, some(1)),
    credit_records.record_filing(ID, some(1)),
    credit_records.end_event(ID, BlockTime(1)),
    credit_records.move_deadline(ID),
    nodes.apply_for(NODE_ID, NEW_NODE),
    nodes.admit(NODE_ID, COMPANY),
    nodes.release(NODE_ID),
    nodes.accept(NODE_ID, some(1)),
    nodes.promote(NODE_ID),
    nodes.demote(NODE_ID, 1),
    nodes.retire(NODE_ID, 1),
    nodes.change(NODE_ID, OWNER, some(1)),
]


@pytest.mark.parametrize("intent", INTENTS, ids=lambda i: f"{i[0]}.{i[1]}")
def test_intents__each__fits_the_abi(intent: tuple[str, str, list[Any]]) -> None:
    assert len(encode_call(*intent)) >= 4


def test_intents__every_function_that_changes_something__has_one() -> None:
    for contract in ("CreditRecords", "Nodes"):
        raw = json.loads(files("ledger.evm").joinpath("abi", f"{contract}.json").read_text(encoding="utf-8"))
        changing = {i["name"] for i in raw["abi"] if i["type"] == "function" and i["stateMutability"] != "view"}
        assert changing == {function for name, function, _ in INTENTS if name == contract}


NODE = Node(
    OWNER, COMPANY, 420984, NodeState.OBSERVER, NodeKey(some(2)), some(3), some(4), BlockTime(1), COMPANY, some(5),
    BlockTime(2), BlockTime(3), BlockTime(4), BlockTime(5), BlockTime(6), None,
)  # fmt: skip
KEPT_NODE = {
    "department": code_bytes(OWNER), "host": code_bytes(COMPANY), "releaser": code_bytes(COMPANY), "division": 420984,
    "state": 4, "node_key": some(2), "contact": some(3), "application": some(4), "report": some(5), "applied_at": 1,
    "admitted_at": 2, "released_at": 3, "accepted_at": 4, "promoted_at": 5, "demoted_at": 6, "retired_at": 0,
}  # fmt: skip


def test_node__as_the_node_tells_it__the_twin_s_record() -> None:
    told = tuple(KEPT_NODE[name] for name in members("Nodes", "Node"))
    assert node_view(nodeOf=[told]).node(NODE_ID, 1) == NODE
    assert nodes.node_tuple(NEW_NODE) == (code_bytes(COMPANY), 420984, some(2), some(3), some(4))


def test_node_views__each__in_our_types() -> None:
    view = node_view(nodeByKey=[ZERO], mayConnect=[True], nodeIds=[[some(1), some(2)], 2])
    assert view.by_key(NodeKey(some(1)), 1) is None
    assert view.may_connect(NodeKey(some(1)), 1) is True
    assert view.ids(1) == (NodeId(some(1)), NodeId(some(2)))
