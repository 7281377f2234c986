"""Who may do what in Nodes."""

from __future__ import annotations

from collections.abc import Callable

from world import left

from .callers import NODE, Table, operator
from .council_only import council, council_or
from .stage import AUTHORITY, BASIS, COMPANY, COUNTY, DIVISIONS, PROVIDER, Stage, some

TABLE = Table("Nodes", "节点", "nodes")
ID = some("node")
SUSPENDED = "Nodes_Suspended"
OWNER = operator("节点所属部门的节点员", "the node's department's NODE", PROVIDER, NODE, other="Nodes_NotOwner")
APPLICANT = operator("任一部门的节点员", "any department's NODE", PROVIDER, NODE, other="✓", suspended=SUSPENDED)
AUTHORITY_ = operator(
    "省级数据共享主管部门的节点员", "the province's sharing authority's NODE", AUTHORITY, NODE,
    other="Nodes_NotAdmitting", suspended=SUSPENDED,
)  # fmt: skip
RELEASER = operator(
    "审核时指定的放行单位（此处为运营公司）的节点员", "NODE of whom admission named for it, here a service operator",
    COMPANY, NODE, other="Nodes_NotReleaser", suspended=SUSPENDED,
)  # fmt: skip
COUNCIL = council("Nodes_NotCouncil")


def node(division: int = COUNTY) -> tuple:
    return (left(COMPANY), division, some("key"), some("contact"), some("application"))


def at(stage: Stage, steps: int) -> None:
    """The provider's node after so many steps: applied, admitted, released, accepted, promoted."""
    mine, nodes = stage.operator(PROVIDER, NODE), stage.nodes
    for step in (
        lambda: stage.send(mine, nodes.applyFor, ID, node()),
        lambda: stage.decree(nodes.admit, ID, left(COMPANY), BASIS),
        lambda: stage.send(stage.operator(COMPANY, NODE), nodes.release, ID, BASIS),
        lambda: stage.send(mine, nodes.acceptNode, ID, BASIS),
        lambda: stage.decree(nodes.promote, ID, BASIS),
    )[:steps]:
        step()


@TABLE.row("applyFor", "申请节点", "applies for a node", APPLICANT, service="Nodes_OwnerInvalid")
def _(stage: Stage) -> Callable[[str], tuple]:
    return lambda caller: (ID, node(DIVISIONS.get(stage.department_of(caller), COUNTY)))


@TABLE.row("admit", "审核入网", "admits a node", council_or("Nodes_NotAdmitting", role_held_by_companies=True))
@TABLE.row("admit", "审核入网", "admits a node", AUTHORITY_)
def _(stage: Stage) -> tuple:
    at(stage, 1)
    return (ID, left(COMPANY), BASIS)


@TABLE.row("release", "技术放行", "releases it technically", RELEASER)
def _(stage: Stage) -> tuple:
    at(stage, 2)
    return (ID, BASIS)


@TABLE.row("acceptNode", "验收", "accepts it", OWNER, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    at(stage, 3)
    return (ID, BASIS)


@TABLE.row("promote", "转为验证节点", "makes it a validator", COUNCIL)
def _(stage: Stage) -> tuple:
    at(stage, 4)
    return (ID, BASIS)


@TABLE.row("demote", "退为观察节点", "makes it an observer again", COUNCIL)
def _(stage: Stage) -> tuple:
    at(stage, 5)
    return (ID, 1, BASIS)


@TABLE.row("retire", "退网", "takes it out", council_or("Nodes_NotOwner", role_held_by_companies=True))
@TABLE.row("retire", "退网", "takes it out", OWNER)
def _(stage: Stage) -> tuple:
    at(stage, 4)
    return (ID, 1, BASIS)


@TABLE.row("change", "变更联系人", "changes the contact", OWNER)
def _(stage: Stage) -> tuple:
    at(stage, 4)
    return (ID, left(COMPANY), some("other contact"))


@TABLE.row("change", "变更托管单位", "changes the host", council_or("Nodes_NotOwner", role_held_by_companies=True))
def _(stage: Stage) -> tuple:
    at(stage, 4)
    return (ID, left(PROVIDER), some("other contact"))
