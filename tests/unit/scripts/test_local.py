"""`config`, `doctor` and what `up` stands on: sources of settings, ports, processes that a killed supervisor left."""

from __future__ import annotations

import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from api.settings import Settings, explained
from ledger.errors import InputError
from ledger.evm.launcher import STATE
from ledger.texts import catalogue
from scripts.commands.status import day, refusal
from scripts.embedded import end_leftover
from scripts.ports import loopback_port
from tests.unit.scripts.conftest import Chuzheng


def test_config_show__flag_variable_file_default__each_value_with_its_source(
    chuzheng: Chuzheng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "chuzheng.toml").write_text('port = 9001\nhost = "::1"\nlog_level = "debug"\n', encoding="utf-8")
    monkeypatch.setenv("CHUZHENG_PORT", "9002")
    told = chuzheng("config", "show", "--home", "here", "--json").json
    settings = told["settings"]
    assert settings["home"] == {"value": "here", "from": "flag"}
    assert settings["port"] == {"value": 9002, "from": "CHUZHENG_PORT"}
    assert settings["host"] == {"value": "::1", "from": str(tmp_path / "chuzheng.toml")}
    assert settings["rpc_url"]["from"] == "default"
    assert settings["trust_pin"] == {"value": None, "from": "default"}
    shown = chuzheng("config", "show").out
    assert "None" not in shown
    assert "(CHUZHENG_PORT)" in shown
    monkeypatch.setenv("CHUZHENG_HOME", "there")
    assert chuzheng("config", "show", "--json").json["settings"]["home"] == {"value": "there", "from": "CHUZHENG_HOME"}


@pytest.mark.parametrize(
    "wrong", ['port = "many"\n', "port = 70000\n", "nothing = 1\n", "port = \n", b"\xff\xfe".decode("latin-1")]
)
def test_config__wrong_file__names_setting_or_file(chuzheng: Chuzheng, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "chuzheng.toml").write_text(wrong, encoding="latin-1")
    done = chuzheng("config", "show", "--json")
    assert done.code == 2
    assert done.json["code"] in ("settings.invalid", "settings.file_unreadable")
    assert "chuzheng.toml" in done.json["message_en"]


def test_config_init__all_defaults__written_once_and_readable_uncommented(chuzheng: Chuzheng, tmp_path: Path) -> None:
    assert chuzheng("config", "init").code == 0
    written = (tmp_path / "chuzheng.toml").read_text(encoding="utf-8")
    assert written == explained()
    assert tomllib.loads(written) == {}
    assert chuzheng("config", "init").code == 0  # the same again is no harm
    (tmp_path / "chuzheng.toml").write_text("port = 1\n", encoding="utf-8")
    assert chuzheng("config", "init").code == 2
    lines = [
        line.removeprefix("# ") for line in written.splitlines() if " = " in line and "/" not in line.split("=")[0]
    ]
    (tmp_path / "chuzheng.toml").write_text("\n".join(lines), encoding="utf-8")
    settings = chuzheng("config", "show", "--json").json["settings"]
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    plain = {name: value for name, value in defaults.items() if name != "home"}
    assert {name: settings[name]["value"] for name in plain} == plain


def test_settings__each__explained_in_both_languages_by_the_same_words() -> None:
    for name, field in Settings.model_fields.items():
        assert catalogue()[f"setting.{name}"]["en"] == field.description


def test_config_token__unknown_department__usage(chuzheng: Chuzheng, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    done = chuzheng("config", "token", "11420000MB9543829Q", "--home", "home")
    assert (done.code, "cli.no_department" in done.err) == (2, True)


def test_doctor__nothing_there__every_line_with_cause_and_fix(
    chuzheng: Chuzheng, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("socket.create_connection", refuse)
    done = chuzheng("doctor", "--home", "nowhere", "--json")
    assert done.code == 1
    found = {check["name"]: check for check in done.json["checks"]}
    assert found["algorithms"]["ok"]
    assert not found["home"]["ok"]
    assert not found["trust"]["ok"]
    assert not found["server"]["needed"]
    assert chuzheng("log", "fsck", "--home", "nowhere").code == 2


def test_demo__nothing_running__says_so(chuzheng: Chuzheng) -> None:
    assert "settings.no_deployment" in chuzheng("demo", "--home", "nowhere").err


def test_up__unusable_home_or_foreign_chain__refused_before_anything_starts(
    chuzheng: Chuzheng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        done = chuzheng("up", "--home", "file", "--json")
        assert (done.code, done.json["code"]) == (2, "cli.up.home")
        monkeypatch.setenv("CHUZHENG_RPC_URL", "https://node.example:8545")
        done = chuzheng("up", "--home", "new", "--port", "1", "--json")
        assert (done.code, done.json["code"]) == (2, "cli.up.not_local")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://127.0.0.1:8545", 8545),
        ("http://localhost:1/", 1),
        ("http://127.0.0.1", None),
        ("https://127.0.0.1:8545", None),
        ("http://10.0.0.1:8545", None),
        ("http://127.0.0.1:99999", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_loopback_port__addresses(url: str, port: int | None) -> None:
    assert loopback_port(url) == port


def test_leftover__only_the_process_that_works_on_the_folder__is_ended(tmp_path: Path) -> None:
    wait = "import sys, time; time.sleep(600)"
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    command = [sys.executable, "-c", wait, "--state"]
    ours = subprocess.Popen([*command, str(mine / STATE)])
    unwritten = subprocess.Popen([*command, str(mine / STATE)])
    strangers = subprocess.Popen([*command, str(other / STATE)])
    try:
        (mine / "anvil.pid").write_text(f"{ours.pid}\n", encoding="ascii")
        threads = [ours, unwritten]
        import threading

        reaper = threading.Thread(target=lambda: [process.wait() for process in threads])
        reaper.start()
        end_leftover(mine / "anvil.pid", mine)
        reaper.join(60)
        assert (ours.returncode, unwritten.returncode) == (-signal.SIGTERM, -signal.SIGTERM)
        assert strangers.poll() is None
        assert not (mine / "anvil.pid").exists()
        # A number that was given to another process since.
        (mine / "anvil.pid").write_text(f"{strangers.pid}\n", encoding="ascii")
        end_leftover(mine / "anvil.pid", mine)
        assert strangers.poll() is None
        (mine / "anvil.pid").write_text("not a number", encoding="ascii")
        end_leftover(mine / "anvil.pid", mine)
    finally:
        for process in (ours, unwritten, strangers):
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("start", 0), ("2026-01-05", 1_767_542_400), ("1970-01-01", -28_800)]
)
def test_day__of_beijing__its_first_second(text: str | None, seconds: int | None) -> None:
    assert day(text) == seconds


@pytest.mark.parametrize("text", ["", "2026-02-30", "2026-1-5", "yesterday", "２０２６-01-05", "2026-01-05T00:00"])
def test_day__anything_else__usage(text: str) -> None:
    with pytest.raises(InputError, match=r"cli\.day"):
        day(text)


def test_refusal__of_the_chain__in_our_words_where_we_have_some() -> None:
    known = refusal("reverted", {"code": "status.type_not_proven", "params": {"department": "X"}})
    assert known.status == 409
    assert "X" in known.problem["message_en"]
    unknown = refusal("failed", {"code": "nobody.knows", "params": None})
    assert "nobody.knows" in unknown.problem["message_zh"]
    assert (
        refusal("failed", {"code": "status.type_not_proven", "params": {}}).problem["code"] == "status.type_not_proven"
    )
