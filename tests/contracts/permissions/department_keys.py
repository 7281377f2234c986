"""Who may do what in DepartmentKeys. Whose key it is comes before the role: another department isn't entitled."""

from __future__ import annotations

from keys_world import key
from world import left

from .callers import EVERY_ROLE, GATEWAY, NODE, SERVICE_ROLES, STATUS, Table, operator
from .council_only import council
from .stage import BASIS, COMPANY, COUNTY, PROVIDER, Stage, some

TABLE = Table("DepartmentKeys", "部门密钥与网关", "keys")
KEY, GATE = some("key of the department"), some("gateway")
NOT_ENTITLED, SUSPENDED = "DepartmentKeys_NotEntitled", "DepartmentKeys_Suspended"
COUNCIL = council(NOT_ENTITLED)
# Succeeded: what was the department's is its successor's.
OTHERS = {"succeeded": NOT_ENTITLED, "service": NOT_ENTITLED, "stranger": NOT_ENTITLED}
OWN = operator("部门自己的状态员", "the department's own STATUS", PROVIDER, STATUS, other=NOT_ENTITLED, **OTHERS)
COMPANYS = operator(
    "运营公司自己的节点员", "the service operator's own NODE", COMPANY, NODE, other=NOT_ENTITLED, **OTHERS
)
GATEWAYER = operator(
    "部门自己的网关员", "the department's own GATEWAY", PROVIDER, GATEWAY, other=NOT_ENTITLED, **OTHERS
)
COMPANYS_GATEWAYER = operator(
    "运营公司自己的网关员", "the service operator's own GATEWAY", COMPANY, GATEWAY, other=NOT_ENTITLED, **OTHERS
)


def proposed(stage: Stage, code: str = PROVIDER) -> None:
    """By one person of the department; any other one may confirm."""
    proposer = stage.operator(code, EVERY_ROLE if code == PROVIDER else SERVICE_ROLES)
    stage.send(proposer, stage.keys.proposeKey, KEY, left(code), key(), BASIS)


def confirmed(stage: Stage, code: str = PROVIDER, name: bytes = KEY, public_key: bytes = BASIS) -> bytes:
    stage.decree(stage.keys.proposeKey, name, left(code), key(public_key), BASIS)
    return name


def gateway(stage: Stage, code: str = PROVIDER) -> None:
    key_id = confirmed(stage, code)
    stage.decree(stage.keys.registerGateway, GATE, left(code), key_id, some("node"), COUNTY, 0, BASIS)


@TABLE.row("proposeKey", "提出公钥（理事会提出即生效）", "proposes a key; the Council's counts at once", COUNCIL)
@TABLE.row("proposeKey", "提出公钥", "proposes a key", OWN, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return (KEY, left(PROVIDER), key(), BASIS)


@TABLE.row("proposeKey", "提出公钥", "proposes a key", COMPANYS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return (KEY, left(COMPANY), key(), BASIS)


@TABLE.row("confirmKey", "确认公钥", "confirms a key", COUNCIL)
@TABLE.row("confirmKey", "确认公钥（须为另一人）", "confirms a key, as another person", OWN, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    proposed(stage)
    return (KEY,)


@TABLE.row("confirmKey", "确认公钥（须为另一人）", "confirms a key, as another person", COMPANYS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    proposed(stage, COMPANY)
    return (KEY,)


@TABLE.row("endKey", "停用公钥", "ends a key", COUNCIL)
@TABLE.row("endKey", "停用公钥", "ends a key", OWN)
def _(stage: Stage) -> tuple:
    confirmed(stage)
    return (KEY, 0, 1, BASIS)


@TABLE.row("compromiseKey", "报告密钥失窃", "reports a stolen key", COUNCIL)
@TABLE.row("compromiseKey", "报告密钥失窃", "reports a stolen key", OWN)
def _(stage: Stage) -> tuple:
    confirmed(stage)
    return (KEY, 1, 1, BASIS)


@TABLE.row("registerGateway", "登记网关", "registers a gateway", COUNCIL)
@TABLE.row("registerGateway", "登记网关", "registers a gateway", GATEWAYER, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return (GATE, left(PROVIDER), confirmed(stage), some("node"), COUNTY, 0, BASIS)


@TABLE.row("registerGateway", "登记网关", "registers a gateway", COMPANYS_GATEWAYER, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    return (GATE, left(COMPANY), confirmed(stage, COMPANY), some("node"), COUNTY, 0, BASIS)


@TABLE.row("changeGatewayKey", "更换网关公钥", "changes a gateway's key", COUNCIL)
@TABLE.row("changeGatewayKey", "更换网关公钥", "changes a gateway's key", GATEWAYER, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    gateway(stage)
    return (GATE, confirmed(stage, name=some("next key"), public_key=some("next key")), BASIS)


@TABLE.row("endGateway", "停用网关", "ends a gateway", COUNCIL)
@TABLE.row("endGateway", "停用网关", "ends a gateway", GATEWAYER)
def _(stage: Stage) -> tuple:
    gateway(stage)
    return (GATE, 1, BASIS)
