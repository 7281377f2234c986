"""`store move` on the command line, and a database's password that no command shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.store.engine import open_engine, shown, upgrade
from scripts.cli import run
from tests.databases import Databases, sqlite_in


def test_store_move__to_a_file_s_address__moved_once_and_the_old_one_is_closed(
    databases: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    sqlite_in(home).dispose()
    address = tmp_path / "address"
    address.write_text(databases.empty() + "\n")
    assert run(["store", "move", "--to", str(address), "--home", str(home), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"]
    assert {"logs", "entry_groups", "outbox"} <= {table["table"] for table in told["tables"]}
    moved = open_engine(address.read_text().strip())
    upgrade(moved)
    moved.dispose()
    other = tmp_path / "other"
    other.write_text(databases.empty())
    assert run(["store", "move", "--to", str(other), "--home", str(home), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "store.moved_away"


@pytest.mark.parametrize("where", ["u:s3cret@db.example/d", "u@/d?host=/run/postgresql&password=s3cret"])
def test_config_show__address_with_a_password__shown_without(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHUZHENG_DATABASE_URL", f"postgresql+psycopg://{where}")
    monkeypatch.chdir(tmp_path)
    for more in ([], ["--json"]):
        assert run(["config", "show", *more]) == 0
        said = capsys.readouterr().out
        assert "s3cret" not in said
        assert "postgresql+psycopg://u" in said
    assert shown("sqlite:////a/b.sqlite") == "sqlite:////a/b.sqlite"
