"""Nodes, from the events of the contract `Nodes`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger.nodes import Node, NodeKey, NodeState
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row, folded
from ledger.store.index.values import code, given
from ledger.store.object_tables import nodes
from ledger.types import Digest


def node_from(history: Sequence[ToldEvent], node: Node | None = None) -> Node | None:
    """The node that these events made, or made of `node`; None before the first."""
    return folded(history, node, "NodeApplied", _applied, _after)


def _applied(event: ToldEvent) -> Node:
    args = event.args
    return Node(
        department=code(args["department"]),
        host=code(args["host"]),
        division=args["division"],
        state=NodeState.APPLIED,
        node_key=NodeKey(args["nodeKey"]),
        contact=Digest(args["contact"]),
        application=Digest(args["application"]),
        applied_at=event.block_time,
    )


def _after(node: Node, event: ToldEvent) -> Node:
    at, args = event.block_time, event.args
    match event.event:
        case "NodeAdmitted":
            releaser = code(args["releaser"]) if given(args["releaser"]) else None
            return replace(node, state=NodeState.ADMITTED, releaser=releaser, admitted_at=at)
        case "NodeReleased":
            return replace(node, state=NodeState.SYNCING, released_at=at)
        case "NodeAccepted":
            return replace(node, state=NodeState.OBSERVER, report=given(args["report"]), accepted_at=at)
        case "NodePromoted":
            return replace(node, state=NodeState.VALIDATOR, promoted_at=at)
        case "NodeDemoted":
            return replace(node, state=NodeState.OBSERVER, demoted_at=at)
        case "NodeRetired":
            return replace(node, state=NodeState.RETIRED, retired_at=at)
        case "NodeChanged":
            return replace(node, host=code(args["host"]), contact=Digest(args["contact"]))
        case _:
            return node


def _rows(_: bytes, node: Node) -> Sequence[Row]:
    found = {"department": node.department, "host": node.host, "division": node.division, "state": int(node.state)}
    return ({**found, "node_key": node.node_key},)


EVENTS = frozenset(
    {
        "NodeApplied",
        "NodeAdmitted",
        "NodeReleased",
        "NodeAccepted",
        "NodePromoted",
        "NodeDemoted",
        "NodeRetired",
        "NodeChanged",
    }
)
NODES = Projection("Nodes", nodes, EVENTS, node_from, _rows)
