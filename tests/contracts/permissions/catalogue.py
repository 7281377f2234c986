"""Who may do what in Catalogue: a provider's handlers and approvers, its sharing authority, consumers."""

from __future__ import annotations

from world import left, now

from .callers import APPROVER, HANDLER, Table, anyone, operator
from .places import days_to_come
from .stage import AUTHORITY, BASIS, CONSUMER, DRAFT, PROVIDER, RESOURCE, Stage, some

TABLE = Table("Catalogue", "数据目录", "catalogue")
DEMAND = some("demand")
LEVELS = bytes([2])
SUSPENDED = "Catalogue_DepartmentSuspended"
EITHER = "Catalogue_NotEntitled"


def _of(zh: str, en: str, code: str, role: int, other: str):
    return operator(zh, en, code, role, other=other, suspended=SUSPENDED)


ANYONES = _of("任一部门的共享经办", "any department's SHARE_HANDLER", CONSUMER, HANDLER, "✓")
CONSUMERS = _of(
    "提出需求的部门的共享经办", "SHARE_HANDLER of who demanded", CONSUMER, HANDLER, "Catalogue_DemandDiffers"
)
WORKS = _of("提供部门的共享经办", "the provider's SHARE_HANDLER", PROVIDER, HANDLER, "Catalogue_NotProvider")
APPROVES = _of("提供部门的共享审批", "the provider's SHARE_APPROVER", PROVIDER, APPROVER, "Catalogue_NotProvider")
PROVIDER_TOO = _of("提供部门的共享经办", "the provider's SHARE_HANDLER", PROVIDER, HANDLER, EITHER)
AUTHORITY_TOO = _of("数据共享主管部门的共享经办", "the sharing authority's SHARE_HANDLER", AUTHORITY, HANDLER, EITHER)
DECIDES = _of(
    "数据共享主管部门的共享审批",
    "the sharing authority's SHARE_APPROVER",
    AUTHORITY,
    APPROVER,
    "Catalogue_NotAuthority",
)


def demand(stage: Stage) -> None:
    stage.send(stage.operator(CONSUMER, HANDLER), stage.catalogue.demand, DEMAND, left(PROVIDER), RESOURCE, BASIS)


def connect(stage: Stage) -> None:
    stage.send(stage.operator(PROVIDER, HANDLER), stage.catalogue.connect, RESOURCE, BASIS)


def owe(stage: Stage) -> None:
    stage.send(stage.operator(AUTHORITY, HANDLER), stage.catalogue.addDuty, DRAFT, left(PROVIDER), BASIS)


@TABLE.row("addDuty", "列入责任清单", "puts a duty on the list", PROVIDER_TOO)
@TABLE.row("addDuty", "列入责任清单", "puts a duty on the list", AUTHORITY_TOO)
def _(stage: Stage) -> tuple:
    return (DRAFT, left(PROVIDER), BASIS)


@TABLE.row("endDuty", "移出责任清单", "takes a duty off the list", DECIDES)
def _(stage: Stage) -> tuple:
    owe(stage)
    return (DRAFT, 1, BASIS)


@TABLE.row("demand", "提出需求", "demands data", ANYONES)
def _(stage: Stage) -> tuple:
    return (DEMAND, left(PROVIDER), RESOURCE, BASIS)


@TABLE.row("assignDemand", "确定需求的提供部门", "assigns a demand", DECIDES)
def _(stage: Stage) -> tuple:
    demand(stage)
    return (DEMAND, left(PROVIDER), DRAFT, BASIS)


@TABLE.row("closeDemand", "了结需求", "closes a demand", CONSUMERS)
def _(stage: Stage) -> tuple:
    demand(stage)
    return (DEMAND, 1, BASIS)


@TABLE.row("drawUp", "编制新目录", "draws up a resource that nobody has", ANYONES)
def _(stage: Stage) -> tuple:
    return (DRAFT, BASIS, 2, LEVELS, BASIS)


@TABLE.row("drawUp", "编制新版本", "draws up a new version", WORKS)
def _(stage: Stage) -> tuple:
    return (RESOURCE, some("next version"), 2, LEVELS, BASIS)


@TABLE.row("drawUpWithdrawal", "起草撤销", "draws up a withdrawal", WORKS)
def _(stage: Stage) -> tuple:
    return (RESOURCE, some("decision"))


@TABLE.row("review", "安全保密审查", "reviews risk and secrecy", APPROVES)
def _(stage: Stage) -> tuple:
    stage.draw_up(DRAFT)
    return (DRAFT, BASIS, BASIS)


@TABLE.row("approve", "负责人审定", "approves as the head", APPROVES)
def _(stage: Stage) -> tuple:
    stage.draw_up(DRAFT)
    stage.send(stage.operator(PROVIDER, APPROVER), stage.catalogue.review, DRAFT, BASIS, BASIS)
    return (DRAFT, BASIS, BASIS)


@TABLE.row("publish", "发布", "publishes", DECIDES)
def _(stage: Stage) -> tuple:
    stage.hand_in(DRAFT)
    return (DRAFT, BASIS, BASIS)


@TABLE.row("sendBack", "退回", "sends back", DECIDES)
def _(stage: Stage) -> tuple:
    stage.hand_in(DRAFT)
    return (DRAFT, BASIS, 1, BASIS)


@TABLE.row("connect", "挂接", "connects", WORKS)
def _(stage: Stage) -> tuple:
    return (RESOURCE, BASIS)


@TABLE.row("disconnect", "断开", "disconnects", PROVIDER_TOO, suspended="✓")
@TABLE.row("disconnect", "断开", "disconnects", AUTHORITY_TOO, suspended="✓")
def _(stage: Stage) -> tuple:
    connect(stage)
    return (RESOURCE, 1, BASIS)


@TABLE.row("recordChange", "记录变化", "records a change", PROVIDER_TOO)
@TABLE.row("recordChange", "记录变化", "records a change", AUTHORITY_TOO)
def _(stage: Stage) -> tuple:
    return (RESOURCE, now() - 1, BASIS)


@TABLE.row("extendUpdate", "准许延长更新期限", "extends the term of an update", DECIDES)
def _(stage: Stage) -> tuple:
    owe(stage)
    return (DRAFT, BASIS)


@TABLE.row("moveDeadline", "按新日历顺延期限", "moves a deadline to the changed calendar", anyone(PROVIDER))
def _(stage: Stage) -> tuple:
    owe(stage)
    stage.decree(stage.calendar.setDays, days_to_come(30), False, BASIS)
    return (DRAFT,)
