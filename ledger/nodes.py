"""Nodes: how far each machine has come, and who may take it a step further.

Pure twin of the contract `Nodes` (nodes.md, "Life of a node"): same questions, same order, same refusals (the
errors' codes are the contract's own). Each function returns the register after the act, and the very same one where the
step was taken before. Votes on validators are taken in the engine; here stands what the Council decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NewType, Protocol

from ledger.authorities import Domain, upwards
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import BlockTime, DepartmentCode, Digest

NodeId = NewType("NodeId", bytes)
"""32 random bytes."""
NodeKey = NewType("NodeKey", bytes)
"""Keccak-256 of the node's 64-byte public key; its last 20 bytes are the address of a validator."""
COUNCIL = DepartmentCode("")
"""Who acts, where it is the Council."""


class NodeState(IntEnum):
    """已提交 → 行政审核 → 技术放行, 同步中 → 已运行 ⇄ 验证; any → 已退出."""

    APPLIED = 1
    ADMITTED = 2
    SYNCING = 3
    OBSERVER = 4
    VALIDATOR = 5
    RETIRED = 6


CONNECTED = frozenset({NodeState.SYNCING, NodeState.OBSERVER, NodeState.VALIDATOR})
"""States in which the others let a node connect."""


@dataclass(frozen=True, slots=True)
class NewNode:
    """What is applied for; contact and application are commitments of their own entries."""

    host: DepartmentCode
    """The department itself, or the service operator that runs the machine."""
    division: int
    node_key: NodeKey
    contact: Digest
    application: Digest


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the contract keeps it; times are those of the stages reached, the last where there may be several."""

    department: DepartmentCode
    host: DepartmentCode
    division: int
    state: NodeState
    node_key: NodeKey
    contact: Digest
    application: Digest
    applied_at: BlockTime
    releaser: DepartmentCode | None = None
    """Who releases it technically, as its admission says."""
    report: Digest | None = None
    """Commitment of the acceptance report."""
    admitted_at: BlockTime | None = None
    released_at: BlockTime | None = None
    accepted_at: BlockTime | None = None
    promoted_at: BlockTime | None = None
    demoted_at: BlockTime | None = None
    retired_at: BlockTime | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """The contract's whole state. A key stays with its node for ever."""

    nodes: Mapping[NodeId, Node] = field(default_factory=dict)
    keys: Mapping[NodeKey, NodeId] = field(default_factory=dict)


class Around(Protocol):
    """What the other contracts say at the block of the act."""

    def is_paused(self) -> bool: ...
    def is_suspended(self, department: DepartmentCode) -> bool: ...
    def is_department(self, department: DepartmentCode) -> bool: ...
    def is_service_operator(self, department: DepartmentCode) -> bool: ...
    def division_of(self, department: DepartmentCode) -> int: ...
    def carrier_of(self, department: DepartmentCode, what: bytes) -> DepartmentCode: ...
    def authority_for(self, domain: int, division: int) -> DepartmentCode | None: ...


@dataclass(frozen=True, slots=True)
class Now:
    """Who acts (a department with NODE, or COUNCIL), in a block of which time, and what the other contracts say."""

    by: DepartmentCode
    time: BlockTime
    around: Around


def may_connect(register: Register, node_key: NodeKey) -> bool:
    """Whether the others let a node with this key connect."""
    node_id = register.keys.get(node_key)
    return node_id is not None and register.nodes[node_id].state in CONNECTED


def apply_for(register: Register, node_id: NodeId, new: NewNode, now: Now) -> Register:
    """A department applies for a node of its own."""
    if not now.around.is_department(now.by):
        raise DeniedError("nodes.owner_invalid", department=now.by)
    _require_unsuspended(now)
    known = register.nodes.get(node_id)
    if known is not None:
        same = (now.by, new.node_key, new.division, new.application)
        if (known.department, known.node_key, known.division, known.application) != same:
            raise ConflictError("nodes.node_exists", node_id=node_id.hex())
        return register
    if not all(any(value) for value in (node_id, new.node_key, new.contact, new.application)):
        raise InputError("nodes.value_zero", node_id=node_id.hex())
    _require_host(now.by, new.host, now)
    if now.around.division_of(now.by) not in upwards(new.division):
        raise InputError("nodes.division_invalid", department=now.by, division=new.division)
    if new.node_key in register.keys:
        raise ConflictError("nodes.key_used", node_key=new.node_key.hex(), node_id=register.keys[new.node_key].hex())
    node = Node(
        department=now.by,
        host=new.host,
        division=new.division,
        state=NodeState.APPLIED,
        node_key=new.node_key,
        contact=new.contact,
        application=new.application,
        applied_at=now.time,
    )
    return replace(_kept(register, node_id, node), keys={**register.keys, new.node_key: node_id})


def admit(register: Register, node_id: NodeId, releaser: DepartmentCode, now: Now) -> Register:
    """The Council, or the sharing authority of the division's province, grants the application."""
    node = _known(register, node_id)
    if now.by != COUNCIL:
        authority = now.around.authority_for(Domain.SHARING, node.division - node.division % 10_000)
        if now.by != authority:
            raise DeniedError("nodes.not_admitting", node_id=node_id.hex(), authority=authority, department=now.by)
        _require_unsuspended(now)
        if now.by == now.around.carrier_of(node.department, node_id):
            raise DeniedError("nodes.own_application", node_id=node_id.hex(), department=now.by)
    if _reached(node, node_id, NodeState.ADMITTED) and node.releaser == releaser:
        return register
    _require_open(now)
    _require_at(node, node_id, NodeState.APPLIED, NodeState.ADMITTED)
    if not now.around.is_department(releaser) and not now.around.is_service_operator(releaser):
        raise InputError("nodes.releaser_invalid", node_id=node_id.hex(), releaser=releaser)
    return _kept(register, node_id, replace(node, state=NodeState.ADMITTED, releaser=releaser, admitted_at=now.time))


def release(register: Register, node_id: NodeId, now: Now) -> Register:
    """The releaser lets the node connect and copy the chain."""
    node = _known(register, node_id)
    releaser = now.around.carrier_of(node.releaser, node_id) if node.releaser else None
    if now.by != releaser:
        raise DeniedError("nodes.not_releaser", node_id=node_id.hex(), releaser=releaser, department=now.by)
    _require_unsuspended(now)
    if _reached(node, node_id, NodeState.SYNCING):
        return register
    _require_open(now)
    _require_at(node, node_id, NodeState.ADMITTED, NodeState.SYNCING)
    return _kept(register, node_id, replace(node, state=NodeState.SYNCING, released_at=now.time))


def accept(register: Register, node_id: NodeId, report: Digest | None, now: Now) -> Register:
    """Its department accepts it as running: a host doesn't accept its own work."""
    node = _owned(register, node_id, now)
    _require_unsuspended(now)
    if _reached(node, node_id, NodeState.OBSERVER) and node.report == report:
        return register
    _require_at(node, node_id, NodeState.SYNCING, NodeState.OBSERVER)
    if report is None:
        raise InputError("nodes.value_zero", node_id=node_id.hex())
    return _kept(register, node_id, replace(node, state=NodeState.OBSERVER, accepted_at=now.time, report=report))


def promote(register: Register, node_id: NodeId, now: Now) -> Register:
    """The Council decides that it validates."""
    node = _known(register, node_id)
    if node.state == NodeState.VALIDATOR:
        return register
    _require_open(now)
    _require_at(node, node_id, NodeState.OBSERVER, NodeState.VALIDATOR)
    return _kept(register, node_id, replace(node, state=NodeState.VALIDATOR, promoted_at=now.time))


def demote(register: Register, node_id: NodeId, now: Now) -> Register:
    """The Council decides that it observes only. A pause doesn't stop it."""
    node = _known(register, node_id)
    if node.state == NodeState.OBSERVER:
        return register
    _require_at(node, node_id, NodeState.VALIDATOR, NodeState.OBSERVER)
    return _kept(register, node_id, replace(node, state=NodeState.OBSERVER, demoted_at=now.time))


def retire(register: Register, node_id: NodeId, now: Now) -> Register:
    """Its department, or the Council, takes it out for ever; its key is nobody's any more."""
    node = _known(register, node_id) if now.by == COUNCIL else _owned(register, node_id, now)
    if node.state == NodeState.RETIRED:
        return register
    return _kept(register, node_id, replace(node, state=NodeState.RETIRED, retired_at=now.time))


def change(register: Register, node_id: NodeId, host: DepartmentCode, contact: Digest | None, now: Now) -> Register:
    """Another contact; another host, by the Council alone: what was admitted is a node at that host."""
    node = _known(register, node_id) if now.by == COUNCIL else _owned(register, node_id, now)
    if (node.host, node.contact) == (host, contact):
        return register
    if node.state == NodeState.RETIRED:
        raise ConflictError("nodes.move_not_allowed", node_id=node_id.hex(), state=int(node.state), to=int(node.state))
    if contact is None:
        raise InputError("nodes.value_zero", node_id=node_id.hex())
    if host != node.host:
        if now.by != COUNCIL:
            raise DeniedError("nodes.host_fixed", node_id=node_id.hex(), host=node.host)
        _require_host(now.around.carrier_of(node.department, node_id), host, now)
    return _kept(register, node_id, replace(node, host=host, contact=contact))


def _known(register: Register, node_id: NodeId) -> Node:
    node = register.nodes.get(node_id)
    if node is None:
        raise NotFoundError("nodes.node_unknown", node_id=node_id.hex())
    return node


def _owned(register: Register, node_id: NodeId, now: Now) -> Node:
    node = _known(register, node_id)
    owner = now.around.carrier_of(node.department, node_id)
    if now.by != owner:
        raise DeniedError("nodes.not_owner", node_id=node_id.hex(), owner=owner, department=now.by)
    return node


def _require_open(now: Now) -> None:
    if now.around.is_paused():
        raise ConflictError("nodes.paused")


def _require_unsuspended(now: Now) -> None:
    if now.around.is_suspended(now.by):
        raise DeniedError("nodes.suspended", department=now.by)


def _require_host(department: DepartmentCode, host: DepartmentCode, now: Now) -> None:
    if host != department and not now.around.is_service_operator(host):
        raise InputError("nodes.host_invalid", department=department, host=host)


def _require_at(node: Node, node_id: NodeId, at: NodeState, to: NodeState) -> None:
    if node.state != at:
        raise ConflictError("nodes.move_not_allowed", node_id=node_id.hex(), state=int(node.state), to=int(to))


def _reached(node: Node, node_id: NodeId, step: NodeState) -> bool:
    """Whether the step was taken already; a retired node takes none, so that its retry is told why."""
    if node.state == NodeState.RETIRED:
        raise ConflictError("nodes.move_not_allowed", node_id=node_id.hex(), state=int(node.state), to=int(step))
    return node.state >= step


def _kept(register: Register, node_id: NodeId, node: Node) -> Register:
    return replace(register, nodes={**register.nodes, node_id: node})
