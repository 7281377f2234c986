"""Who may do what in EmergencyShares: two officers of the consumer, who provides, the sharing authority."""

from __future__ import annotations

from .callers import APPROVER, GATEWAY, HANDLER, Table, anyone, operator
from .places import days_to_come
from .stage import AUTHORITY, CONSUMER, PROVIDER, RESOURCE, Stage, some

TABLE = Table("EmergencyShares", "应急共享", "emergencies")
ID = some("emergency")
REASON, READS = 601, 5
NOT_PARTY, SUSPENDED = "EmergencyShares_NotParty", "EmergencyShares_DepartmentSuspended"
ANYONES = operator("任一部门的共享经办", "any department's SHARE_HANDLER", CONSUMER, HANDLER, other="✓")
HANDLES = operator("使用部门的共享经办", "the consumer's SHARE_HANDLER", CONSUMER, HANDLER, other=NOT_PARTY)
OPENS = operator("使用部门的共享审批", "the consumer's SHARE_APPROVER", CONSUMER, APPROVER, other=NOT_PARTY)
COUNTS = operator("提供部门的网关", "the provider's GATEWAY", PROVIDER, GATEWAY, other=NOT_PARTY)
STOPS = operator("提供部门的共享审批", "the provider's SHARE_APPROVER", PROVIDER, APPROVER, other=NOT_PARTY)
JUDGES = operator(
    "数据共享主管部门的共享审批", "the sharing authority's SHARE_APPROVER", AUTHORITY, APPROVER, other=NOT_PARTY
)


def propose(stage: Stage) -> tuple:
    return (ID, (RESOURCE, some("decision"), some("items"), 1_010_001, REASON, 2, READS))


def opened(stage: Stage) -> None:
    stage.send(stage.operator(CONSUMER, HANDLER), stage.emergencies.propose, *propose(stage))
    stage.send(stage.operator(CONSUMER, APPROVER), stage.emergencies.open, ID)


TABLE.row("propose", "提出应急", "proposes an emergency", ANYONES, suspended=SUSPENDED)(propose)


@TABLE.row("open", "开启应急（第二人）", "opens it, as the second officer", OPENS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    stage.send(stage.operator(CONSUMER, HANDLER), stage.emergencies.propose, *propose(stage))
    return (ID,)


@TABLE.row("close", "用完关闭", "closes it after the last read", COUNTS)
def _(stage: Stage) -> tuple:
    opened(stage)
    return (ID, 0, READS, some("count"))


@TABLE.row("close", "提前关闭", "closes it early", OPENS)
@TABLE.row("close", "提前关闭", "closes it early", STOPS)
@TABLE.row("close", "提前关闭", "closes it early", JUDGES)
def _(stage: Stage) -> tuple:
    opened(stage)
    return (ID, REASON, 0, some("basis"))


@TABLE.row("report", "提交使用说明", "reports on it", HANDLES)
def _(stage: Stage) -> tuple:
    opened(stage)
    return (ID, some("account"))


@TABLE.row("judge", "事后审查", "judges it afterwards", JUDGES, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    opened(stage)
    stage.send(stage.operator(CONSUMER, APPROVER), stage.emergencies.close, ID, REASON, 0, some("basis"))
    return (ID, True, REASON, some("judgement"))


@TABLE.row("moveDeadline", "按新日历顺延期限", "moves a deadline to the changed calendar", anyone(PROVIDER))
def _(stage: Stage) -> tuple:
    opened(stage)
    stage.decree(stage.calendar.setDays, days_to_come(30), False, some("basis"))
    return (ID,)
