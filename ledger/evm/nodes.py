"""Nodes: who answers for which machine and how far it has come, at a named block, and the calls that change it."""

from __future__ import annotations

from typing import Any

from ledger.evm.codes import ZERO, code_bytes, department_code, optional
from ledger.evm.views import ContractView
from ledger.nodes import NewNode, Node, NodeId, NodeKey, NodeState
from ledger.types import BlockTime, DepartmentCode, Digest

NAME = "Nodes"
PAGE = 200
"""Ids in one answer."""
CallIntent = tuple[str, str, list[Any]]


def apply_for(node_id: NodeId, node: NewNode) -> CallIntent:
    """(contract, function, arguments) for the outbox; by NODE of the department that will own it."""
    return NAME, "applyFor", [node_id, node_tuple(node)]


def admit(node_id: NodeId, releaser: DepartmentCode, basis: Digest | None = None) -> CallIntent:
    return NAME, "admit", [node_id, code_bytes(releaser), basis or ZERO]


def release(node_id: NodeId, basis: Digest | None = None) -> CallIntent:
    return NAME, "release", [node_id, basis or ZERO]


def accept(node_id: NodeId, report: Digest) -> CallIntent:
    """`report`: commitment of the acceptance report's entry."""
    return NAME, "acceptNode", [node_id, report]


def promote(node_id: NodeId, basis: Digest | None = None) -> CallIntent:
    return NAME, "promote", [node_id, basis or ZERO]


def demote(node_id: NodeId, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "demote", [node_id, reason, basis or ZERO]


def retire(node_id: NodeId, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "retire", [node_id, reason, basis or ZERO]


def change(node_id: NodeId, host: DepartmentCode, contact: Digest) -> CallIntent:
    return NAME, "change", [node_id, code_bytes(host), contact]


def node_tuple(node: NewNode) -> tuple[Any, ...]:
    """The contract's struct `NodeInput`, in its order."""
    return code_bytes(node.host), node.division, node.node_key, node.contact, node.application


class NodesView(ContractView):
    contract = NAME

    def node(self, node_id: NodeId, block: int) -> Node | None:
        """None if there is none."""
        fields = self.read("nodeOf", [node_id], block)[0]
        return None if fields[0] == ZERO else _node(fields)

    def by_key(self, node_key: NodeKey, block: int) -> NodeId | None:
        """Whose the key is or was."""
        found = self.read("nodeByKey", [node_key], block)[0]
        return None if found == ZERO else NodeId(found)

    def may_connect(self, node_key: NodeKey, block: int) -> bool:
        return bool(self.read("mayConnect", [node_key], block)[0])

    def ids(self, block: int) -> tuple[NodeId, ...]:
        """All nodes in the order of application, retired ones too."""
        found: list[NodeId] = []
        total = 1
        while len(found) < total:
            page, total = self.read("nodeIds", [len(found), PAGE], block)
            found += map(NodeId, page)
        return tuple(found)


def _node(fields: tuple[Any, ...]) -> Node:
    """The contract's struct `Node`, in its order."""
    department, host, releaser, division, state, node_key, contact, application, report, applied_at, *times = fields
    admitted, released, accepted, promoted, demoted, retired = (BlockTime(t) if t else None for t in times)
    return Node(
        department=department_code(department),
        host=department_code(host),
        division=division,
        state=NodeState(state),
        node_key=NodeKey(node_key),
        contact=Digest(contact),
        application=Digest(application),
        applied_at=BlockTime(applied_at),
        releaser=None if releaser == ZERO else department_code(releaser),
        report=optional(report),
        admitted_at=admitted,
        released_at=released,
        accepted_at=accepted,
        promoted_at=promoted,
        demoted_at=demoted,
        retired_at=retired,
    )
