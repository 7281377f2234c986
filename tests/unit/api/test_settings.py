"""Settings: which source wins, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import Settings, load
from ledger.errors import ConfigurationError


def test_settings__flag_environment_file_default__win_in_this_order(tmp_path: Path) -> None:
    (tmp_path / "chuzheng.toml").write_text('port = 1001\nhost = "10.0.0.1"\nlog_level = "debug"\nhome = "data"\n')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    loaded = load(
        {"port": 3003, "rpc_url": None}, environ={"CHUZHENG_PORT": "2002", "CHUZHENG_HOST": "::1"}, start=deep
    )
    assert (loaded.settings.port, loaded.settings.host, loaded.settings.log_level) == (3003, "::1", "debug")
    assert loaded.settings.home == tmp_path / "data"
    file = str(tmp_path / "chuzheng.toml")
    expected = {"port": "flag", "host": "CHUZHENG_HOST", "log_level": file, "home": file, "rpc_url": "default"}
    assert {name: loaded.origins[name] for name in expected} == expected
    assert loaded.origins.keys() == Settings.model_fields.keys()


def test_settings__file_in_the_data_folder__is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "chuzheng.toml").write_text("port = 1234\n")
    assert load({"home": tmp_path / "data"}, environ={}, start=tmp_path).settings.port == 1234


@pytest.mark.parametrize(
    ("content", "environ", "code", "named"),
    [
        ("port = 99999999\n", {}, "settings.invalid", "port"),
        ("prot = 1\n", {}, "settings.invalid", "prot"),
        ("port = \n", {}, "settings.file_unreadable", None),
        ("", {"CHUZHENG_LOG_LEVEL": "loud"}, "settings.invalid", "log_level"),
    ],
)
def test_settings__wrong_value__names_the_setting(
    tmp_path: Path, content: str, environ: dict[str, str], code: str, named: str | None
) -> None:
    (tmp_path / "chuzheng.toml").write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        load(environ=environ, start=tmp_path)
    assert caught.value.code == code
    assert caught.value.params.get("name") == named


def test_settings__built_directly__reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHUZHENG_PORT", "7")
    assert Settings().port == Settings.model_fields["port"].default
    assert load(start=Path("/")).settings.port == 7
