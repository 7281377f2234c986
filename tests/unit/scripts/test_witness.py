"""`chuzheng witness serve`: what keeps it from serving is said in words, with an exit code of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.scripts.conftest import Chuzheng


def test_serve__port_is_taken__said_before_it_says_that_it_serves(
    chuzheng: Chuzheng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, logs = str(tmp_path / "w1.pem"), tmp_path / "logs"
    logs.write_text("", encoding="utf-8")
    assert chuzheng("witness", "key", "--name", "w.example/1", "--key", key).code == 0
    monkeypatch.setattr("scripts.commands.witness.await_free", lambda host, port, seconds: False)
    words = ["--name", "w.example/1", "--key", key, "--state", str(tmp_path / "state"), "--logs", str(logs)]
    done = chuzheng("witness", "serve", *words, "--json")
    assert (done.code, done.json["code"]) == (2, "cli.witness.port_taken")
