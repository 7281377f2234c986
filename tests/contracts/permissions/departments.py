"""Who may do what in Departments: the Council, a type's competent department, a department's own STATUS."""

from __future__ import annotations

from collections.abc import Callable

from world import CODES, TYPE, left

from .callers import EVERY_ROLE, NODE, SERVICE_ROLES, STATUS, Table, beside, operator
from .council_only import council
from .stage import BASIS, COMPANY, COMPETENT, DAY, PROVIDER, REGION, SUCCESSOR, Stage, some

TABLE = Table("Departments", "部门登记", "departments")
NEW, SUCCEEDING = left(CODES[13]), left(SUCCESSOR)
NOT_ENTITLED, SUSPENDED = "Departments_NotEntitled", "Departments_Suspended"
NOT_OWNER = "OwnableUnauthorizedAccount"
COUNCIL = council("Departments_NotCouncil")
COUNCIL_TOO = council(NOT_ENTITLED)
# Whose word it is comes before the role: all that aren't entitled get one answer.
SAME = {"wrong_role": NOT_ENTITLED, "ended": NOT_ENTITLED, "service": NOT_ENTITLED, "stranger": NOT_ENTITLED}
OWN = operator("部门自己的状态员", "the department's own STATUS", PROVIDER, STATUS, other=NOT_ENTITLED, **SAME)
COMPANYS = operator(
    "运营公司自己的节点员", "the service operator's own NODE", COMPANY, NODE, other=NOT_ENTITLED, **SAME
)
# What was the competent department's is its successor's.
COMPETENTS = operator(
    "类型主管部门的状态员", "STATUS of the type's competent department", COMPETENT, STATUS,
    other=NOT_ENTITLED, succeeded=NOT_ENTITLED, **SAME,
)  # fmt: skip
ANYONES = beside(
    "操作员本人（不问角色）", "the operator itself, whatever its roles",
    lambda stage: stage.operator(PROVIDER, STATUS), PROVIDER, "✓", ended="–", succeeded="–", stranger="–",
)  # fmt: skip
NEXT = beside(
    "被指定的新所有者（新理事会）", "the owner that was named, a new Council",
    lambda stage: stage.operator(COMPETENT, EVERY_ROLE), PROVIDER, NOT_OWNER,
)  # fmt: skip


@TABLE.row("admit", "接纳部门", "admits a department", COUNCIL)
@TABLE.row("admitServiceOperator", "接纳运营公司", "admits a service operator", COUNCIL)
def _(stage: Stage) -> tuple:
    return (NEW, REGION, BASIS)


@TABLE.row("suspend", "暂停部门", "suspends a department", COUNCIL)
def _(stage: Stage) -> tuple:
    return (left(PROVIDER), 1, BASIS)


@TABLE.row("reinstate", "恢复部门", "reinstates a department", COUNCIL)
def _(stage: Stage) -> tuple:
    stage.decree(stage.departments.suspend, left(PROVIDER), 1, BASIS)
    return (left(PROVIDER), BASIS)


@TABLE.row("succeed", "机构改革承继", "has a department succeeded", COUNCIL)
def _(stage: Stage) -> tuple:
    return (left(PROVIDER), SUCCEEDING, 0, [], BASIS)


@TABLE.row("defineType", "设定证照类型及主管部门", "defines a type and who is competent", COUNCIL)
def _(stage: Stage) -> tuple:
    return (left(f"{COMPETENT}003"), left(COMPETENT), BASIS)


@TABLE.row("appointOperator", "任命操作员", "appoints an operator", COUNCIL_TOO)
@TABLE.row("appointOperator", "任命操作员", "appoints an operator", OWN, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return (stage.stranger, left(PROVIDER), STATUS, 0, some("new person"))


@TABLE.row("appointOperator", "任命操作员", "appoints an operator", COMPANYS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return (stage.stranger, left(COMPANY), NODE, 0, some("new person"))


@TABLE.row("endOperator", "解除操作员", "ends an operator", COUNCIL_TOO)
@TABLE.row("endOperator", "解除操作员", "ends an operator", OWN)
def _(stage: Stage) -> tuple:
    return (stage.operator(PROVIDER, NODE), 1)


@TABLE.row("endOperator", "解除操作员", "ends an operator", COMPANYS)
def _(stage: Stage) -> tuple:
    return (stage.operator(COMPANY, SERVICE_ROLES), 1)


@TABLE.row("endOperator", "自行卸任", "ends itself", ANYONES)
def _(stage: Stage) -> Callable[[str], tuple]:
    return lambda caller: (caller, 1)


@TABLE.row("accredit", "认可签发单位", "accredits an issuer", COUNCIL_TOO)
@TABLE.row("accredit", "认可签发单位", "accredits an issuer", COMPETENTS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return (left(PROVIDER), left(TYPE), DAY, 0, BASIS)


@TABLE.row("withdrawAccreditation", "撤回认可", "withdraws an accreditation", COUNCIL_TOO)
@TABLE.row("withdrawAccreditation", "撤回认可", "withdraws an accreditation", COMPETENTS)
def _(stage: Stage) -> tuple:
    stage.decree(stage.departments.accredit, left(PROVIDER), left(TYPE), DAY, 0, BASIS)
    return (left(PROVIDER), left(TYPE), 2 * DAY, 1, BASIS)


@TABLE.row("transferOwnership", "指定新的理事会", "names a new Council", council(NOT_OWNER))
def _(stage: Stage) -> tuple:
    return (stage.stranger,)


@TABLE.row("acceptOwnership", "新理事会接受", "takes over as the Council", NEXT)
def _(stage: Stage) -> tuple:
    stage.decree(stage.departments.transferOwnership, stage.operator(COMPETENT, EVERY_ROLE))
    return ()
