"""docs/permissions.md, from the tables that the tests found true."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from .callers import ALLOWED, IDLE, Caller, Row, Table

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "permissions.md"
LOCALES = ROOT / "ledger" / "locale" / "contracts"
COMMAND = "bash scripts/contract_tests.sh tests/contracts/test_permissions.py"
COLUMNS = {
    Caller.RIGHT: ("本人", "right operator"),
    Caller.WRONG_ROLE: ("角色不符", "wrong role"),
    Caller.ENDED: ("已卸任", "ended"),
    Caller.OTHER: ("其他部门", "other department"),
    Caller.SUSPENDED: ("部门被暂停", "suspended"),
    Caller.SUCCEEDED: ("部门已被承继", "succeeded"),
    Caller.SERVICE: ("运营公司", "service operator"),
    Caller.STRANGER: ("外人", "stranger"),
}
HEAD = f"""\
# 谁可以做什么 / Who may do what

合约的每一个会改变状态的函数，由八种人逐一试过。本页由合约测试写成（`{COMMAND}`），
与实际不符时测试不通过；不要手改。查询函数任何人都可以调用，不在表内。

Every function of the contracts that changes something, tried by eight kinds of callers. Written by the contract tests
(`{COMMAND}`), which fail when it isn't what they
find; not to be edited by hand. Anyone may read: view functions aren't listed.

## 八种人 / The eight callers

| | 是谁 | who |
|---|---|---|
| **本人** right operator | 该办这件事的人：“该由谁办”一栏所写单位的操作员，只有所需的那一个角色 | whom the function is for: an operator of the department in the second column, with the one role that is needed |
| **角色不符** wrong role | 同一单位的操作员，有其他全部角色，唯独没有所需的角色 | of the same department, with every role but that one |
| **已卸任** ended | 同一单位的操作员，曾有所需的角色，任期已结束 | of the same department, had the role, and was ended |
| **其他部门** other department | 与此事无关的部门的操作员，有全部角色 | of a department that has nothing to do with it, with every role |
| **部门被暂停** suspended | 本人，但其部门在此前被理事会暂停 | the right operator after the Council suspended the department |
| **部门已被承继** succeeded | 本人，但其部门因机构改革已由另一部门承继 | the right operator after another department succeeded the own one |
| **运营公司** service operator | 运营公司的操作员，有网关和节点两个角色（此类单位最多只有这两个） | of a service operator, with GATEWAY and NODE, all that such a member can have |
| **外人** stranger | 没有登记的账户 | an account that nobody registered |

“理事会”的事由理事会通过的提案执行：这时其余七种人都是部门或公司的操作员，且有全部角色。“任何人”的事不需要权限：合约自己检查条件是否成立。
What is the Council's is done by a proposal that it passed; the other seven are then operators of departments or companies
with every role. What anyone may do needs no right: the contract checks whether its condition holds.

单元格：**{ALLOWED}** 可以办，且已办成；**{IDLE}** 不拒绝，但什么也不改变；其余是拒绝的名称，含义见各表之下（`{{…}}` 处是该次调用的值）。
Cells: **{ALLOWED}** may, and something changed; **{IDLE}** isn't refused and changes nothing; else the refusal's name, explained below
each table (`{{…}}` is filled in by the call).

角色 / roles: ANCHOR 锚定 · STATUS 状态 · SHARE_HANDLER 共享经办 · SHARE_APPROVER 共享审批 · CREDIT 信用 · GATEWAY 网关 · NODE 节点。
"""


def page(tables: Iterable[Table]) -> str:
    """The whole file."""
    return HEAD + "".join(_section(table) for table in tables)


def _section(table: Table) -> str:
    columns = " | ".join(f"{zh} {en}" for zh, en in COLUMNS.values())
    lines = [
        f"\n## {table.zh} {table.contract}\n",
        f"| 做什么 what | 该由谁办 for whom | {columns} |",
        "|---|---|" + "---|" * len(COLUMNS),
        *(_line(row) for row in table.rows),
        "",
        *_refusals(table),
    ]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    cells = " | ".join(_cell(row.cells[caller]) for caller in COLUMNS)
    return f"| {row.zh} `{row.function}` {row.en} | {row.party.zh} {row.party.en} | {cells} |"


def _cell(found: str) -> str:
    return found if found in (ALLOWED, IDLE) else short(found)


def short(error: str) -> str:
    """Without the contract's name before it."""
    return error.rpartition("_")[2]


def _refusals(table: Table) -> list[str]:
    names = sorted({found for row in table.rows for found in row.cells.values()} - {ALLOWED, IDLE}, key=short)
    assert len({short(name) for name in names}) == len(names), f"{table.contract}: two refusals look the same: {names}"
    return [f"- `{name}`: {zh} {en}" for name in names for zh, en in [_text(name)]]


def _text(error: str) -> tuple[str, str]:
    area, _, name = error.rpartition("_")
    if not area:  # OpenZeppelin's Ownable has no underscore
        area, name = "Ownable", error.removeprefix("Ownable")
    text = _texts()[f"error.{_snake(area)}.{_snake(name)}"]
    return text["zh"], text["en"]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in LOCALES.glob("*.toml"):
        found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found
