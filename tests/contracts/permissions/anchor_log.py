"""Who may do what in AnchorLog."""

from __future__ import annotations

from certificates import SIZE
from world import digest, origin_of

from .callers import ANCHOR, Table, anyone, operator
from .council_only import council
from .stage import BASIS, LOG, PROVIDER, Stage

TABLE = Table("AnchorLog", "锚定日志", "log")
OWNER = operator("日志所属部门的锚定员", "the owner's ANCHOR", PROVIDER, ANCHOR, other="AnchorLog_NotOwner")
COUNCIL = council("AnchorLog_NotCouncil")


@TABLE.row("openLog", "开立日志", "opens a log", OWNER, suspended="AnchorLog_DepartmentSuspended")
def _(stage: Stage) -> tuple:
    return (origin_of(PROVIDER, "2"),)


@TABLE.row("anchor", "锚定新的树根", "anchors a new root", OWNER)
def _(stage: Stage) -> tuple:
    origin = origin_of(PROVIDER, "3")
    (opened,) = stage.send(stage.operator(PROVIDER, ANCHOR), stage.log.openLog, origin)
    return (bytes.fromhex(opened["topics"][1][2:]), 1, digest("root"), [])


@TABLE.row("closeLog", "关闭日志（密钥失窃）", "closes a log after a theft", COUNCIL)
def _(stage: Stage) -> tuple:
    return (LOG, SIZE, BASIS)


@TABLE.row("retire", "改用新版合约", "retires the contract in favour of its successor", COUNCIL)
def _(stage: Stage) -> tuple:
    return (str(stage.next_log), BASIS)


@TABLE.row(
    "carry", "把日志带入新版合约", "carries logs over from the retired contract", anyone(PROVIDER), on="next_log"
)
def _(stage: Stage) -> tuple:
    stage.decree(stage.log.retire, str(stage.next_log), BASIS)
    return ([LOG],)
