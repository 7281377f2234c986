"""docs/gas.md: a section for each module that measures, each rewritten by its own module alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

TABLE = Path(__file__).parents[2] / "docs" / "gas.md"
COLUMNS = "| call | gas | limit |\n|---|---:|---:|\n"


def write_section(title: str, rows: Mapping[str, tuple[int, int | None]]) -> None:
    """Put `rows` (call → gas, limit) under the heading `title`; a new one goes to the end."""
    lines = [f"| {name} | {gas:,} | {f'{limit:,}' if limit else '-'} |\n" for name, (gas, limit) in rows.items()]
    section = f"## {title}\n\n{COLUMNS}{''.join(lines)}"
    text = TABLE.read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        text = f"{text.rstrip()}\n\n{section}"
    else:
        after = text[found.end() :]
        text = text[: found.start()] + section + ("\n" + after if after else "")
    written = TABLE.with_suffix(".new")
    written.write_text(text, encoding="utf-8")
    written.replace(TABLE)  # other tests read it meanwhile: whole or not at all
