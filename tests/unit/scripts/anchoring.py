"""Files that the tests of `anchor` write, and what lies in a folder afterwards."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from ledger.codes.certificate_ids import make_identifier
from notary.imports import COLUMNS
from tests.fakes.house import ISSUER, TYPE


def put(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def rows(count: int, **changes: str) -> bytes:
    """A CSV of good rows; `changes` are cells of the last one."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for number in range(count):
        row = {
            "certificate_name": "食品经营许可证", "type_code": TYPE, "issuer_code": ISSUER, "issuer_division": "420000",
            "issuer_name": "湖北省市场监督管理局", "certificate_number": f"JY{number}",
            "holder_code": "91420526MA9986781L",
            "identifier": make_identifier(TYPE, ISSUER, f"R{number}", 1), "holder_name": "某某餐饮（样例）",
            "holder_code_type": "001", "issue_date": "2026-01-05", "valid_from": "2026-01-05",
        }  # fmt: skip
        writer.writerow(row | (changes if number == count - 1 else {}))
    return out.getvalue().encode()


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.name != "home"}
