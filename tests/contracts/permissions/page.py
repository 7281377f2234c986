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
HEAD = Path(__file__).with_name("head.md")
"""What the page says before the tables."""


def page(tables: Iterable[Table]) -> str:
    """The whole file."""
    return HEAD.read_text(encoding="utf-8") + "".join(_section(table) for table in tables)


def _section(table: Table) -> str:
    columns = " | ".join(f"{zh} {en}" for zh, en in COLUMNS.values())
    lines = [
        f"\n## {table.zh} {table.contract}\n",
        *([table.note] if table.note else ()),
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
