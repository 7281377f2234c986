"""Who may do what in ShareAuthorisations: consumer and provider with two people each, the sharing authority, the
government of a dispute's last stage, gateways.

Over 300 lines: the rows of one table, in the order in which docs/permissions.md shows them.
"""

from __future__ import annotations

from world import NONE, left, now

from .callers import APPROVER, GATEWAY, HANDLER, Party, Table, anyone, operator
from .council_only import council
from .places import days_to_come
from .stage import AUTHORITY, CONSUMER, DAY, GOVERNMENT, PROVIDER, RESOURCE, Stage, some

TABLE = Table("ShareAuthorisations", "共享授权", "shares")
ID = some("grant")
USES = 5
ARTICLE = 10_021
MISUSE, OTHER_STOP, ORDERED, REJECTED, WITHDRAWN, DELAYED = 101, 201, 301, 401, 501, 801
NOT_PARTY, SUSPENDED = "ShareAuthorisations_NotParty", "ShareAuthorisations_DepartmentSuspended"


def _of(zh: str, en: str, code: str, role: int, other: str = NOT_PARTY) -> Party:
    return operator(zh, en, code, role, other=other)


ANYONES = _of("任一部门的共享经办", "any department's SHARE_HANDLER", CONSUMER, HANDLER, "✓")
ASKS = _of("使用部门的共享经办", "the consumer's SHARE_HANDLER", CONSUMER, HANDLER)
HEADS = _of("使用部门的共享审批", "the consumer's SHARE_APPROVER", CONSUMER, APPROVER)
HANDLES = _of("提供部门的共享经办", "the provider's SHARE_HANDLER", PROVIDER, HANDLER)
ANSWERS = _of("提供部门的共享审批", "the provider's SHARE_APPROVER", PROVIDER, APPROVER)
AUTHORITYS = _of("数据共享主管部门的共享审批", "the sharing authority's SHARE_APPROVER", AUTHORITY, APPROVER)
GOVERNMENTS = _of("本级政府的共享审批", "the government's SHARE_APPROVER", GOVERNMENT, APPROVER)
COUNTS = _of("提供部门的网关", "the provider's GATEWAY", PROVIDER, GATEWAY)
ASKING_GATEWAY = _of("使用部门的网关", "the consumer's GATEWAY", CONSUMER, GATEWAY)


def asking(stage: Stage) -> str:
    return stage.operator(CONSUMER, HANDLER)


def heading(stage: Stage) -> str:
    return stage.operator(CONSUMER, APPROVER)


def handling(stage: Stage) -> str:
    return stage.operator(PROVIDER, HANDLER)


def answering(stage: Stage) -> str:
    return stage.operator(PROVIDER, APPROVER)


def deciding(stage: Stage) -> str:
    return stage.operator(AUTHORITY, APPROVER)


def propose(stage: Stage) -> tuple:
    commitments = (some("body"), some("items"), NONE, NONE, NONE)
    return (ID, (RESOURCE, *commitments, now(), now() + 200 * DAY, USES, 2, ARTICLE, 1, 1, 1, 30, 1, 2))


def proposed(stage: Stage) -> None:
    stage.send(asking(stage), stage.shares.propose, *propose(stage))


def submitted(stage: Stage) -> None:
    proposed(stage)
    stage.send(heading(stage), stage.shares.submit, ID)


def before_review(stage: Stage) -> None:
    """Where the authority reviews first."""
    stage.decree(stage.shares.setProfile, left(AUTHORITY), True, 0, some("profile"))
    submitted(stage)


def reviewed(stage: Stage) -> None:
    submitted(stage)
    stage.send(handling(stage), stage.shares.review, ID)


def extension_asked(stage: Stage) -> None:
    reviewed(stage)
    stage.send(handling(stage), stage.shares.askExtension, ID, 5, DELAYED, some("extension"))


def granted(stage: Stage) -> None:
    reviewed(stage)
    stage.send(answering(stage), stage.shares.grant, ID, some("grant"))


def active(stage: Stage) -> None:
    granted(stage)
    stage.send(handling(stage), stage.shares.activate, ID, some("provided"))


def filed(stage: Stage) -> None:
    active(stage)
    stage.send(handling(stage), stage.shares.fileStop, ID, OTHER_STOP, some("negotiation"))


def suspended(stage: Stage) -> None:
    active(stage)
    stage.send(answering(stage), stage.shares.suspend, ID, MISUSE, 5, some("misuse"))


def ordered(stage: Stage) -> None:
    active(stage)
    stage.send(deciding(stage), stage.shares.suspend, ID, ORDERED, 0, some("order"))


def rejected(stage: Stage) -> None:
    reviewed(stage)
    stage.send(answering(stage), stage.shares.reject, ID, REJECTED, ARTICLE, some("rejection"))


def disputed(stage: Stage, to: int = 1) -> None:
    """At this stage: 1 negotiation, 2 sharing authority, 3 government."""
    rejected(stage)
    stage.send(heading(stage), stage.shares.dispute, ID, some("dispute"))
    for number in range(2, to + 1):
        stage.send(heading(stage), stage.shares.escalate, ID, number, some("escalation"))


# The application

TABLE.row("propose", "提出申请", "makes an application", ANYONES, suspended=SUSPENDED)(propose)


@TABLE.row("submit", "审批并提交", "approves and submits it", HEADS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    proposed(stage)
    return (ID,)


@TABLE.row("preReview", "预审通过", "passes it in a pre-review", AUTHORITYS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    before_review(stage)
    return (ID, True, 0, 0, some("passed"))


@TABLE.row("preReview", "预审不通过", "rejects it in a pre-review", AUTHORITYS)
def _(stage: Stage) -> tuple:
    before_review(stage)
    return (ID, False, REJECTED, ARTICLE, some("failed"))


@TABLE.row("review", "受理", "takes it up", HANDLES)
def _(stage: Stage) -> tuple:
    submitted(stage)
    return (ID,)


@TABLE.row("returnForMore", "退回补充", "returns it for more", HANDLES)
def _(stage: Stage) -> tuple:
    reviewed(stage)
    return (ID, some("what is missing"))


@TABLE.row("resubmit", "补充后再提交", "submits it again", HEADS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    reviewed(stage)
    stage.send(handling(stage), stage.shares.returnForMore, ID, some("what is missing"))
    return (ID, some("new body"))


@TABLE.row("withdraw", "撤回申请", "withdraws it", ASKS)
def _(stage: Stage) -> tuple:
    submitted(stage)
    return (ID, WITHDRAWN, some("withdrawal"))


# The reply


@TABLE.row("askExtension", "请求延期答复", "asks for more time to answer", HANDLES)
def _(stage: Stage) -> tuple:
    reviewed(stage)
    return (ID, 5, DELAYED, some("extension"))


@TABLE.row("extend", "同意延期答复", "gives more time", AUTHORITYS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    extension_asked(stage)
    return (ID, some("consent"))


@TABLE.row("grant", "同意共享", "grants it", ANSWERS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    reviewed(stage)
    return (ID, some("grant"))


@TABLE.row("reject", "不同意共享", "rejects it", ANSWERS)
def _(stage: Stage) -> tuple:
    reviewed(stage)
    return (ID, REJECTED, ARTICLE, some("rejection"))


# Disputes


@TABLE.row("dispute", "提出争议", "disputes a rejection", HEADS)
def _(stage: Stage) -> tuple:
    rejected(stage)
    return (ID, some("dispute"))


@TABLE.row("escalate", "提交上一级", "takes a dispute further", HEADS)
@TABLE.row("escalate", "提交上一级", "takes a dispute further", ANSWERS)
def _(stage: Stage) -> tuple:
    disputed(stage)
    return (ID, 2, some("escalation"))


@TABLE.row("escalate", "提交上一级", "takes a dispute further", AUTHORITYS)
def _(stage: Stage) -> tuple:
    disputed(stage, 2)
    return (ID, 3, some("escalation"))


@TABLE.row("settle", "协商后重新审核", "settles on a new review", ANSWERS)
def _(stage: Stage) -> tuple:
    disputed(stage)
    return (ID, True, some("settlement"))


@TABLE.row("settle", "协调后重新审核", "settles on a new review", AUTHORITYS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    disputed(stage, 2)
    return (ID, True, some("settlement"))


@TABLE.row("settle", "裁定重新审核", "settles on a new review", GOVERNMENTS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    disputed(stage, 3)
    return (ID, True, some("settlement"))


@TABLE.row("settle", "裁定不予共享", "rejects for good", GOVERNMENTS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    disputed(stage, 3)
    return (ID, False, some("settlement"))


# The grant


@TABLE.row("activate", "提供数据", "begins to provide", HANDLES, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    granted(stage)
    return (ID, some("provided"))


@TABLE.row("fileStop", "备案停止共享", "files a stop", HANDLES)
def _(stage: Stage) -> tuple:
    active(stage)
    return (ID, OTHER_STOP, some("negotiation"))


@TABLE.row("suspend", "因滥用暂停", "suspends it for misuse", ANSWERS)
def _(stage: Stage) -> tuple:
    active(stage)
    return (ID, MISUSE, 5, some("misuse"))


@TABLE.row("suspend", "责令暂停", "orders its suspension", AUTHORITYS)
def _(stage: Stage) -> tuple:
    active(stage)
    return (ID, ORDERED, 0, some("order"))


@TABLE.row("resume", "恢复", "resumes it", ANSWERS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    suspended(stage)
    return (ID, some("resumption"))


@TABLE.row("resume", "恢复责令暂停的授权", "resumes what was ordered to stop", AUTHORITYS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    ordered(stage)
    return (ID, some("resumption"))


@TABLE.row("revoke", "备案后撤销", "revokes it after a filing", ANSWERS)
def _(stage: Stage) -> tuple:
    filed(stage)
    return (ID, OTHER_STOP, some("revocation"))


@TABLE.row("revoke", "责令撤销", "orders its revocation", AUTHORITYS)
def _(stage: Stage) -> tuple:
    active(stage)
    return (ID, ORDERED, some("order"))


@TABLE.row("surrender", "放弃", "surrenders it", HEADS)
def _(stage: Stage) -> tuple:
    active(stage)
    return (ID, WITHDRAWN, some("surrender"))


@TABLE.row("exhaust", "报告用完", "reports the last use", COUNTS)
def _(stage: Stage) -> tuple:
    active(stage)
    return (ID, USES, some("count"))


@TABLE.row("recordUse", "登记存储、使用效果或销毁", "records storage, effect or destruction", ASKS)
def _(stage: Stage) -> tuple:
    active(stage)
    return (ID, 1, some("record"))


@TABLE.row("acknowledge", "网关确认已停", "acknowledges a stop", COUNTS)
@TABLE.row("acknowledge", "网关确认已停", "acknowledges a stop", ASKING_GATEWAY)
def _(stage: Stage) -> tuple:
    suspended(stage)
    return (ID, 1, stage.block())


@TABLE.row("moveDeadline", "按新日历顺延期限", "moves a deadline to the changed calendar", anyone(PROVIDER))
def _(stage: Stage) -> tuple:
    reviewed(stage)
    stage.decree(stage.calendar.setDays, days_to_come(30), False, some("basis"))
    return (ID,)


@TABLE.row("setProfile", "设定地方办法", "sets a local profile", council("ShareAuthorisations_NotCouncil"))
def _(stage: Stage) -> tuple:
    return (left(AUTHORITY), True, 0, some("profile"))
