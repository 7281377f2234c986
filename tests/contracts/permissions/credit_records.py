"""Who may do what in CreditRecords: the file's keeper, an item's owner, the authority over both, the province."""

from __future__ import annotations

from world import NONE, left, now

from ledger.calendar import OFFSET
from ledger.credits import Field, FileClass, file_class_bytes
from ledger.types import DepartmentCode

from .callers import CREDIT, Party, Table, anyone, operator
from .council_only import council, council_or
from .places import days_to_come
from .stage import BASIS, DAY, KEEPER, PROVIDER, PROVINCE, Stage, some

TABLE = Table("CreditRecords", "信用记录", "credits")
ITEM = some("item")
FILES = file_class_bytes(FileClass(DepartmentCode(KEEPER), Field.BENEFITS))
CLASS, CRIME, OTHER_CLASS = 301, 402, 303
NEGATIVE = 2
SUSPENDED = "CreditRecords_Suspended"


def _of(zh: str, en: str, code: str, other: str, suspended: str = "✓") -> Party:
    return operator(zh, en, code, CREDIT, other=other, suspended=suspended)


COUNCIL_TOO = council_or("CreditRecords_NotProvincial")
PROVINCES = _of(
    "省级退役军人事务部门的信用员", "CREDIT of the provincial veterans' authority", PROVINCE,
    "CreditRecords_NotProvincial", SUSPENDED,
)  # fmt: skip
KEEPS = _of("建档部门的信用员", "the keeper's CREDIT", KEEPER, "CreditRecords_NotKeeper")
CONTRIBUTES = _of(
    "获授权的供数部门的信用员",
    "CREDIT of an authorised contributor",
    PROVIDER,
    "CreditRecords_NotContributor",
    SUSPENDED,
)
OWNS = _of("条目所有部门的信用员", "the item's owner's CREDIT", PROVIDER, "CreditRecords_NotOwner")
FILES_CRIME = _of("条目所有部门的信用员", "the item's owner's CREDIT", PROVINCE, "CreditRecords_NotOwner")
RULES = _of("裁决机关的信用员", "CREDIT of the authority over it", KEEPER, "CreditRecords_NotAuthority", SUSPENDED)
OWNER_TOO = _of("条目所有部门的信用员", "the item's owner's CREDIT", PROVIDER, "CreditRecords_NotParty")
KEEPER_TOO = _of("建档部门的信用员", "the keeper's CREDIT", KEEPER, "CreditRecords_NotParty")
AUTHORITY_TOO = _of("裁决机关的信用员", "CREDIT of the authority over it", PROVINCE, "CreditRecords_NotParty")


def today() -> int:
    """First second of the day in Asia/Shanghai."""
    return now() - (now() + OFFSET) % DAY


def credit(stage: Stage, code: str) -> str:
    return stage.operator(code, CREDIT)


def authorised(stage: Stage, code: str = PROVIDER, number: int = CLASS) -> None:
    """The class is in the catalogue, and the department may add items of it."""
    measure = 2 if number == CRIME else 0
    stage.send(credit(stage, PROVINCE), stage.credits.setItemClass, number, NEGATIVE, measure, BASIS)
    given = (FILES, left(code), number, 1, 0, BASIS)
    stage.send(credit(stage, KEEPER), stage.credits.authoriseContributor, *given)


def item(number: int = CLASS, ended: int = 0) -> tuple:
    """A minor negative one; `ended`: when the event ended, today unless told otherwise."""
    commitments = (some("commitment"), some("notice"), some("deciding document"))
    return (ITEM, (FILES, number, 1, *commitments, today(), ended or today(), 0))


def added(stage: Stage, code: str = PROVIDER, number: int = CLASS) -> None:
    authorised(stage, code, number)
    stage.send(credit(stage, code), stage.credits.add, *item(number))


def lasting(stage: Stage) -> None:
    """A merit, which has no end yet."""
    stage.send(credit(stage, PROVINCE), stage.credits.setItemClass, CLASS, 1, 0, BASIS)
    given = (FILES, left(PROVIDER), CLASS, 1, 0, BASIS)
    stage.send(credit(stage, KEEPER), stage.credits.authoriseContributor, *given)
    merit = (FILES, CLASS, 0, some("commitment"), NONE, NONE, 0, 0, 0)
    stage.send(credit(stage, PROVIDER), stage.credits.add, ITEM, merit)


def objected(stage: Stage, code: str = PROVIDER) -> None:
    added(stage, code)
    stage.send(credit(stage, KEEPER), stage.credits.objectTo, ITEM, some("letter"), today())


def upheld(stage: Stage, code: str = PROVIDER) -> None:
    objected(stage, code)
    stage.send(credit(stage, code), stage.credits.uphold, ITEM, some("upheld"))


def appealed(stage: Stage) -> None:
    upheld(stage)
    stage.send(credit(stage, KEEPER), stage.credits.appeal, ITEM, some("appeal"), today())


# Catalogue, contributors, figures, rules


@TABLE.row("setItemClass", "设定条目类别", "puts a class in the catalogue", COUNCIL_TOO)
@TABLE.row("setItemClass", "设定条目类别", "puts a class in the catalogue", PROVINCES)
def _(stage: Stage) -> tuple:
    return (OTHER_CLASS, NEGATIVE, 0, BASIS)


@TABLE.row("sealItemClass", "封存条目类别", "seals a class", council("CreditRecords_NotCouncil"))
def _(stage: Stage) -> tuple:
    return (OTHER_CLASS, BASIS)


@TABLE.row("setRules", "登记评价规则", "sets the rules of grades", COUNCIL_TOO)
@TABLE.row("setRules", "登记评价规则", "sets the rules of grades", PROVINCES)
def _(stage: Stage) -> tuple:
    return (1, some("rules"), BASIS)


@TABLE.row("setProfile", "设定期限", "sets the figures", council("CreditRecords_NotCouncil"))
def _(stage: Stage) -> tuple:
    return ((1, 5, 8, 3, 3, 12, 12, 36, 60), BASIS)


@TABLE.row("authoriseContributor", "授权供数部门", "authorises a contributor", KEEPS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    authorised(stage)
    return (FILES, left(PROVIDER), CLASS, 2, 0, BASIS)


@TABLE.row("endContributor", "终止供数授权", "ends a contributor", KEEPS)
def _(stage: Stage) -> tuple:
    authorised(stage)
    return (FILES, left(PROVIDER), CLASS, 1, BASIS)


# Items


@TABLE.row("add", "记入条目", "adds an item", CONTRIBUTES)
def _(stage: Stage) -> tuple:
    authorised(stage)
    return item()


@TABLE.row("objectTo", "登记异议", "records an objection", OWNER_TOO)
@TABLE.row("objectTo", "登记异议", "records an objection", KEEPER_TOO)
def _(stage: Stage) -> tuple:
    added(stage)
    return (ITEM, some("letter"), today())


@TABLE.row("objectTo", "登记异议", "records an objection", AUTHORITY_TOO)
def _(stage: Stage) -> tuple:
    added(stage, KEEPER)
    return (ITEM, some("letter"), today())


@TABLE.row("appeal", "登记复核申请", "records an appeal", OWNER_TOO)
@TABLE.row("appeal", "登记复核申请", "records an appeal", KEEPER_TOO)
def _(stage: Stage) -> tuple:
    upheld(stage)
    return (ITEM, some("appeal"), today())


@TABLE.row("appeal", "登记复核申请", "records an appeal", AUTHORITY_TOO)
def _(stage: Stage) -> tuple:
    upheld(stage, KEEPER)
    return (ITEM, some("appeal"), today())


@TABLE.row("uphold", "维持", "upholds it", OWNS, suspended=SUSPENDED)
def _(stage: Stage) -> tuple:
    objected(stage)
    return (ITEM, some("upheld"))


@TABLE.row("rule", "裁决", "rules on an appeal", RULES)
def _(stage: Stage) -> tuple:
    appealed(stage)
    return (ITEM, 3, some("ruling"))


@TABLE.row("correct", "更正", "corrects it", OWNS)
def _(stage: Stage) -> tuple:
    objected(stage)
    return (ITEM, some("replacement"), some("correction"))


@TABLE.row("withdraw", "撤回条目", "withdraws it", OWNS)
def _(stage: Stage) -> tuple:
    added(stage)
    return (ITEM, 1, some("withdrawal"))


@TABLE.row("repair", "信用修复", "repairs it", OWNS)
def _(stage: Stage) -> tuple:
    added(stage)
    return (ITEM, some("repair"))


@TABLE.row("archive", "期满前归档", "archives it before its time", OWNS)
def _(stage: Stage) -> tuple:
    added(stage)
    return (ITEM, some("erasure"))


@TABLE.row("archive", "期满归档", "writes down that its time is over", anyone(PROVIDER))
def _(stage: Stage) -> tuple:
    authorised(stage)
    stage.send(credit(stage, PROVIDER), stage.credits.add, *item(ended=today() - 1820 * DAY))
    stage.wait(10 * DAY)
    return (ITEM, NONE)


@TABLE.row("attachStatement", "附本人陈述", "attaches the person's statement", OWNER_TOO)
@TABLE.row("attachStatement", "附本人陈述", "attaches the person's statement", KEEPER_TOO)
def _(stage: Stage) -> tuple:
    added(stage)
    return (ITEM, some("statement"))


@TABLE.row("attachStatement", "附本人陈述", "attaches the person's statement", AUTHORITY_TOO)
def _(stage: Stage) -> tuple:
    added(stage, KEEPER)
    return (ITEM, some("statement"))


@TABLE.row("recordFiling", "登记报部备案", "records the filing with the ministry", FILES_CRIME)
def _(stage: Stage) -> tuple:
    added(stage, PROVINCE, CRIME)
    return (ITEM, some("filing"))


@TABLE.row("endEvent", "登记事件终了", "says when the event ended", OWNS)
def _(stage: Stage) -> tuple:
    lasting(stage)
    return (ITEM, today())


@TABLE.row("moveDeadline", "按新日历顺延期限", "moves a deadline to the changed calendar", anyone(PROVIDER))
def _(stage: Stage) -> tuple:
    objected(stage)
    stage.decree(stage.calendar.setDays, days_to_come(30), False, BASIS)
    return (ITEM,)
