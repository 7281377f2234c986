"""Who may do what in Council: members act by their delegates, the Council by executed proposals."""

from __future__ import annotations

from typing import Any

from world import CODES, left

from .callers import EVERY_ROLE, SERVICE_ROLES, STATUS, Caller, Party, Table
from .council_only import council
from .stage import AUTHORITY, BASIS, COMPANY, CONSUMER, DAY, OTHER, PROVIDER, Stage, some

NOTE = """\
成员部门由其代表行事。“角色不符”在此是该部门的操作员，有全部角色，但不是代表。席位只由理事会自己除去（`removeMember`）：
部门在登记中被暂停或承继，代表照样表决。
A member acts by its delegates. "Wrong role" is here the department's operator with every role who is no delegate. A
seat is ended by the Council alone (`removeMember`): delegates vote on where `Departments` has the department suspended
or succeeded.
"""
TABLE = Table("Council", "理事会", "council_contract", NOTE)
ID = some("proposal")
NEW_MEMBER = left(CODES[13])


def _account(stage: Any, caller: Caller) -> str:
    return {
        Caller.WRONG_ROLE: lambda: stage.operator(PROVIDER, EVERY_ROLE),
        Caller.ENDED: lambda: stage.delegate(PROVIDER, ended=True),
        Caller.OTHER: lambda: stage.operator(OTHER, EVERY_ROLE),
        Caller.SERVICE: lambda: stage.operator(COMPANY, SERVICE_ROLES),
        Caller.STRANGER: lambda: stage.stranger,
    }.get(caller, lambda: stage.delegate(PROVIDER))()


MEMBER = Party(
    "成员部门的代表",
    "a member's delegate",
    PROVIDER,
    _account,
    {caller: "Council_NotDelegate" for caller in Caller}
    | dict.fromkeys((Caller.RIGHT, Caller.SUSPENDED, Caller.SUCCEEDED), "✓"),
)
ITSELF = council("Council_NotCouncil")


def calls(stage: Stage) -> list[tuple]:
    return [(str(stage.departments), stage.departments.admit.encode_input(NEW_MEMBER, 420000, BASIS))]


def propose(stage: Stage) -> None:
    """By another member."""
    stage.send(stage.delegate(CONSUMER), stage.council_contract.propose, ID, calls(stage), BASIS)


def approve(stage: Stage, member: str) -> None:
    stage.send(stage.delegate(member), stage.council_contract.approve, ID, content(stage))


def content(stage: Stage) -> bytes:
    return bytes(stage.council_contract.proposal(ID)[0])


@TABLE.row("propose", "提出提案", "makes a proposal", MEMBER)
def _(stage: Stage) -> tuple:
    return (ID, calls(stage), BASIS)


@TABLE.row("approve", "赞成提案", "approves a proposal", MEMBER)
def _(stage: Stage) -> tuple:
    propose(stage)
    return (ID, content(stage))


@TABLE.row("withdrawApproval", "撤回赞成", "takes the approval back", MEMBER)
def _(stage: Stage) -> tuple:
    propose(stage)
    approve(stage, PROVIDER)
    return (ID,)


@TABLE.row("execute", "执行已通过的提案", "executes a proposal that passed", MEMBER)
def _(stage: Stage) -> tuple:
    propose(stage)
    approve(stage, AUTHORITY)
    return (ID, calls(stage))


@TABLE.row("enact", "赞成并立即执行", "approves and executes at once", MEMBER)
def _(stage: Stage) -> tuple:
    propose(stage)
    return (ID, calls(stage), BASIS)


@TABLE.row("pause", "要求暂停", "asks for a pause", MEMBER)
def _(stage: Stage) -> tuple:
    return (1, BASIS)


@TABLE.row("endPause", "提前结束暂停", "ends a pause", ITSELF)
def _(stage: Stage) -> tuple:
    stage.send(stage.delegate(CONSUMER), stage.council_contract.pause, 1, BASIS)
    return ()


@TABLE.row("addMember", "接纳成员", "adds a member", ITSELF)
def _(stage: Stage) -> tuple:
    return (NEW_MEMBER,)


@TABLE.row("removeMember", "除去成员", "removes a member", ITSELF)
def _(stage: Stage) -> tuple:
    return (left(PROVIDER),)


@TABLE.row("appointDelegate", "任命代表", "appoints a delegate", ITSELF)
def _(stage: Stage) -> tuple:
    return (stage.operator(PROVIDER, STATUS), left(PROVIDER), some("another person"))


@TABLE.row("endDelegate", "解除代表", "ends a delegate", ITSELF)
def _(stage: Stage) -> tuple:
    return (stage.delegate(PROVIDER),)


@TABLE.row("setRules", "变更表决规则", "changes the rules of voting", ITSELF)
def _(stage: Stage) -> tuple:
    return ((3, 1, 0, DAY),)


@TABLE.row("nameContract", "指定合约版本", "names a contract's version", ITSELF)
def _(stage: Stage) -> tuple:
    return (left("Departments"), str(stage.departments))


@TABLE.row("pinTrustFile", "登记信任文件", "pins a trust file", ITSELF)
def _(stage: Stage) -> tuple:
    return (some("trust file"), 1)
