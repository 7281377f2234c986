"""`record new`: what it writes is taken by `record check` and by the server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.commands.files import read_file
from tests.fakes.house import ISSUER, TYPE
from tests.unit.scripts.conftest import Chuzheng, IntoApp

NEW = (
    "record", "new", "--type", TYPE, "--issuer", ISSUER, "--issuer-name", "湖北省市场监督管理局", "--name", "许可证",
    "--number", "1", "--holder", "某某|001|91420526MA9986781L", "--issue-date", "2026-01-05",
)  # fmt: skip


def test_record__new__is_accepted_by_check_and_by_the_server(
    chuzheng: Chuzheng, server: IntoApp, tmp_path: Path
) -> None:
    made = chuzheng(*NEW, "--extra", "KZ_A=1", "--json")
    assert made.code == 0
    path = made.json["path"]
    assert path == f"{made.json['identifier']}.record.json"
    assert chuzheng("record", "check", path).code == 0
    assert chuzheng("anchor", path).code == 0
    assert json.loads(read_file(tmp_path / path))["extra"] == {"KZ_A": "1"}
    several = ("--holder", "乙|001|91420526MA9986781L|50%", "--serial", "S1", "--out", "s.record.json")
    assert chuzheng(*NEW, *several).code in (0, 19)


@pytest.mark.parametrize(
    ("more", "exit_code", "member"),
    [
        (["--type", "111"], 19, "type"),
        (["--issuer", "xx"], 19, "issuer"),
        (["--serial", "小"], 19, "identifier"),
        (["--issue-date", "2026-13-01"], 19, "issue_date"),
        (["--valid-to", "2020-01-01"], 19, "valid_to"),
        (["--capture", "guess"], 19, "capture"),
        (["--holder", "甲|001"], 2, ""),
        (["--extra", "A=1"], 2, ""),
        (["--extra", "KZ_A"], 2, ""),
        (["--version", "0"], 2, ""),
    ],
)
def test_record__new_with_wrong_values__each_named_and_nothing_written(
    chuzheng: Chuzheng, tmp_path: Path, more: list[str], exit_code: int, member: str
) -> None:
    done = chuzheng(*NEW, *more, "--json")
    assert done.code == exit_code
    if member:
        assert member in {row["column"] for row in done.json["rows"]}
    assert list(tmp_path.iterdir()) == []
