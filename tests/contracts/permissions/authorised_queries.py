"""Who may do what in AuthorisedQueries: all is the provider's."""

from __future__ import annotations

from world import now

from .callers import APPROVER, GATEWAY, HANDLER, Table, operator
from .stage import DAY, PROVIDER, RESOURCE, Stage, some

TABLE = Table("AuthorisedQueries", "授权查询", "queries")
ID = some("query")
USES = 3
NOT_PARTY, SUSPENDED = "AuthorisedQueries_NotParty", "AuthorisedQueries_DepartmentSuspended"
HANDLES = operator("提供部门的共享经办", "the provider's SHARE_HANDLER", PROVIDER, HANDLER, other=NOT_PARTY)
APPROVES = operator("提供部门的共享审批", "the provider's SHARE_APPROVER", PROVIDER, APPROVER, other=NOT_PARTY)
COUNTS = operator("提供部门的网关", "the provider's GATEWAY", PROVIDER, GATEWAY, other=NOT_PARTY)


def propose(stage: Stage) -> tuple:
    commitments = (some("authorisation"), some("organisation"), some("matter"), some("items"))
    return (ID, (RESOURCE, *commitments, now() + 100 * DAY, USES, 1))


def proposed(stage: Stage) -> None:
    stage.send(stage.operator(PROVIDER, HANDLER), stage.queries.propose, *propose(stage))


def consented(stage: Stage) -> None:
    proposed(stage)
    stage.send(stage.operator(PROVIDER, APPROVER), stage.queries.consent, ID, some("consent"))


TABLE.row("propose", "记录主体的授权", "records what a subject authorised", HANDLES, suspended=SUSPENDED)(propose)


@TABLE.row("consent", "同意（须为另一人）", "consents, as another person", APPROVES, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    proposed(stage)
    return (ID, some("consent"))


@TABLE.row("refuse", "不同意", "refuses", APPROVES)
def _(stage: Stage) -> tuple:
    proposed(stage)
    return (ID, 401, 10_021, some("refusal"))


@TABLE.row("withdraw", "撤回或终止", "withdraws it", HANDLES)
def _(stage: Stage) -> tuple:
    consented(stage)
    return (ID, 501, some("withdrawal"))


@TABLE.row("exhaust", "报告用完", "reports the last use", COUNTS)
def _(stage: Stage) -> tuple:
    consented(stage)
    return (ID, USES, some("count"))
