"""Who may do what in CertificateStatus: the owner of the log, who succeeded it, the type's competent department."""

from __future__ import annotations

from certificates import KEYS, decision, proof, type_proof
from world import left

from .callers import STATUS, Table, anyone, beside, operator
from .council_only import council
from .stage import BASIS, COMPETENT, LOG, PROVIDER, SUCCESSOR, Stage

TABLE = Table("CertificateStatus", "证照状态", "status")
KEY = KEYS[0]
SUSPENDED_FROM, RESCINDED, DEREGISTERED, SUPERSEDED = 2, 3, 4, 8
NOT_ENTITLED, NOT_DECIDER = "CertificateStatus_NotEntitled", "CertificateStatus_NotDecider"
SUSPENDED = "CertificateStatus_DepartmentSuspended"
OWNER = operator("签发单位的状态员", "the issuer's STATUS", PROVIDER, STATUS, other=NOT_ENTITLED)
COMPETENTS = operator(
    "类型主管部门的状态员", "STATUS of the type's competent department", COMPETENT, STATUS, other=NOT_ENTITLED
)
SUCCESSORS = operator(
    "承继签发单位的部门的状态员", "STATUS of who succeeded the issuer", SUCCESSOR, STATUS, other=NOT_ENTITLED
)
DECIDER = operator(
    "作出该决定的部门的状态员", "STATUS of who decided", PROVIDER, STATUS, other=NOT_DECIDER, suspended=SUSPENDED
)
COMPETENT_OVER = operator(
    "类型主管部门的状态员", "STATUS of the type's competent department", COMPETENT, STATUS,
    other=NOT_DECIDER, suspended=SUSPENDED,
)  # fmt: skip
# A disclosure is proven by whoever has it.
ANYONES = operator("任一部门的状态员", "any department's STATUS", PROVIDER, STATUS, other="✓")

ANYBODY = anyone(PROVIDER)
COUNCIL = council("CertificateStatus_NotCouncil")
# Told by the successor's event, `StatusCarried`.
NEXT = beside(
    "新版合约本身", "the succeeding contract itself",
    lambda stage: str(stage.next_status), PROVIDER, "CertificateStatus_NotSuccessor",
)  # fmt: skip


def owner_suspends(stage: Stage) -> None:
    """The first decision, with the type proven."""
    arguments = (KEY, decision(SUSPENDED_FROM), proof(LOG, 0), type_proof())
    stage.send(stage.operator(PROVIDER, STATUS), stage.status.decideFirst, *arguments)
    stage.send(stage.operator(PROVIDER, STATUS), stage.status.proveType, KEY, type_proof())


@TABLE.row("decideFirst", "首次决定：暂扣、撤销", "first decision: suspends or rescinds", OWNER)
@TABLE.row("decideFirst", "首次决定：暂扣、撤销", "first decision: suspends or rescinds", COMPETENTS)
def _(stage: Stage) -> tuple:
    return (KEY, decision(SUSPENDED_FROM), proof(LOG, 0), type_proof())


@TABLE.row("decideFirst", "首次决定：其他", "first decision: any other", OWNER, suspended=SUSPENDED)
@TABLE.row("decideFirst", "首次决定：其他", "first decision: any other", COMPETENTS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return (KEY, decision(DEREGISTERED), proof(LOG, 0), type_proof())


@TABLE.row("decide", "再次决定：暂扣、撤销", "later decision: suspends or rescinds", OWNER)
@TABLE.row("decide", "再次决定：暂扣、撤销", "later decision: suspends or rescinds", COMPETENTS)
def _(stage: Stage) -> tuple:
    owner_suspends(stage)
    return (KEY, decision(RESCINDED))


@TABLE.row("decide", "再次决定：其他", "later decision: any other", OWNER, suspended=SUSPENDED)
@TABLE.row("decide", "再次决定：其他", "later decision: any other", COMPETENTS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    owner_suspends(stage)
    return (KEY, decision(DEREGISTERED))


@TABLE.row("decide", "再次决定：其他", "later decision: any other", SUCCESSORS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    owner_suspends(stage)
    stage.decree(stage.departments.succeed, left(PROVIDER), left(SUCCESSOR), 0, [], BASIS)
    return (KEY, decision(DEREGISTERED))


@TABLE.row("supersede", "以新换旧", "supersedes one by a new one", OWNER, suspended=SUSPENDED)
@TABLE.row("supersede", "以新换旧", "supersedes one by a new one", COMPETENTS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return (KEY, decision(SUPERSEDED), proof(LOG, 0), proof(LOG, 1), type_proof())


@TABLE.row("decideMany", "成批决定：暂扣、撤销", "many decisions: suspends or rescinds", OWNER)
@TABLE.row("decideMany", "成批决定：暂扣、撤销", "many decisions: suspends or rescinds", COMPETENTS)
def _(stage: Stage) -> tuple:
    return ([(KEY, decision(RESCINDED), proof(LOG, 0), type_proof())],)


@TABLE.row("decideMany", "成批决定：其他", "many decisions: any other", OWNER, suspended=SUSPENDED)
@TABLE.row("decideMany", "成批决定：其他", "many decisions: any other", COMPETENTS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return ([(KEY, decision(DEREGISTERED), proof(LOG, 0), type_proof())],)


@TABLE.row("annul", "废止一项决定", "annuls a decision", DECIDER)
@TABLE.row("annul", "废止一项决定", "annuls a decision", COMPETENT_OVER)
def _(stage: Stage) -> tuple:
    owner_suspends(stage)
    return (KEY, 1, BASIS)


@TABLE.row("proveType", "证明证照类型", "proves a certificate's type", ANYONES)
def _(stage: Stage) -> tuple:
    return (KEY, type_proof())


@TABLE.row("retire", "改用新版合约", "retires the contract in favour of its successor", COUNCIL)
def _(stage: Stage) -> tuple:
    return (str(stage.next_status), BASIS)


@TABLE.row("carry", "把历史带入新版合约", "carries histories over from the retired contract", ANYBODY, on="next_status")
def _(stage: Stage) -> tuple:
    owner_suspends(stage)
    stage.decree(stage.status.retire, str(stage.next_status), BASIS)
    return ([KEY],)


@TABLE.row("release", "把历史交给新版合约", "hands a history to the successor", NEXT, told=False)
def _(stage: Stage) -> tuple:
    owner_suspends(stage)
    stage.decree(stage.status.retire, str(stage.next_status), BASIS)
    return (KEY,)


@TABLE.row("followLog", "改用新版锚定日志", "follows the log to its successor", COUNCIL)
def _(stage: Stage) -> tuple:
    stage.decree(stage.log.retire, str(stage.next_log), BASIS)
    return (str(stage.next_log), BASIS)
