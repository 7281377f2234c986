"""Help: every command and option in Chinese and English, inside the terminal's width; wrong usage refused in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from scripts.cli import app, run
from scripts.help import cells, wrap

HAN = re.compile("[\u4e00-\u9fff]")
LATIN = re.compile("[A-Za-z]{2,}")
NEEDED = {  # interfaces.md, of what this version has
    "up", "demo", "record new", "record check", "anchor", "receipt upgrade",
    "receipt export", "receipt split", "backfill", "verify", "disclose", "status show",
    "status suspend", "status resume", "status rescind", "status deregister", "status lapse", "status transfer-out",
    "status transfer-in", "status revoke", "status supersede", "status withdraw", "status annul", "log fsck",
    "log reindex",
    "log rotate-key",
    "erase show", "erase propose", "erase confirm", "erase withdraw", "erase release", "erase apply",
    "log reopen", "trust show", "trust update", "trust key", "trust draft", "trust sign", "doctor",
    "archive make", "archive check", "archive extract",
    "bundle make", "bundle certificate", "snapshot make", "snapshot fetch", "snapshot show",
    "config show", "config init", "config token", "chain call", "chain read", "chain events",
    "council propose", "council approve",
    "reconcile run", "reconcile feed", "content show", "content check", "content move", "content get",
    "council withdraw", "council execute", "council show",
    "store move", "witness key", "witness serve", "log mirror", "log judge", "log heads", "log check-heads",
}  # fmt: skip


def commands(group: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every visible command with its words."""
    group = group or get_command(app)
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, words)
        elif not command.hidden:
            yield words, command


COMMANDS = dict(commands())


def test_commands__of_interfaces__are_all_there() -> None:
    assert set(COMMANDS) == NEEDED


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_help__each_command__both_languages_for_it_and_each_parameter(words: str) -> None:
    command = COMMANDS[words]
    assert HAN.search(command.help)
    assert LATIN.search(command.help.split("/", 1)[1])
    for parameter in command.params:
        told = parameter.help or ""
        assert LATIN.search(told), parameter.name
        assert HAN.search(told) or " | " in told, parameter.name


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_json__each_command__has_the_option(words: str) -> None:
    assert any("--json" in p.opts for p in COMMANDS[words].params)


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("words", ["", "status", "verify", "record new", "anchor"])
def test_help__narrow_and_wide_terminals__no_line_is_longer(
    words: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([*words.split(), "-h"]) == 0
    said = capsys.readouterr()
    longest = max(said.out.splitlines(), key=cells)
    assert cells(longest) <= max(columns, 52), longest  # a table keeps 20 cells for words beside its names
    assert said.err == ""
    assert "..." not in said.out.replace("[ARGS]...", "")


@given(st.text(st.sampled_from("ab ，。、（中文字)/x-𠮷é"), max_size=80), st.integers(4, 40))
def test_wrap__any_text__keeps_every_word_and_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        # One word may be longer than the line; punctuation that may not begin a line hangs over the edge.
        assert cells(line.rstrip(" ，。、）")) <= width or not any(c.isspace() for c in line.strip())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["verfy"], "cli.usage.command"),
        (["status", "stop"], "cli.usage.command"),
        (["verify"], "cli.usage.missing"),
        (["disclose", "x.receipt.json"], "cli.usage.missing"),
        (["verify", "x", "--nothing"], "cli.usage.option"),
        (["up", "--port", "abc"], "cli.usage.value"),
        (["status", "annul", "x", "0"], "cli.usage.value"),
        (["verify", "x", "y"], "cli.usage.other"),
        (["anchor", "x", "--capture", "sealed"], "cli.usage.value"),
        (["config", "token", "x", "--role", "OWNER"], "cli.usage.value"),
        (["serve", "everything"], "cli.usage.value"),
    ],
)
def test_usage__wrong__exit_2_in_both_languages(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert code in said.err
    if "serve" in arguments:
        return
    assert run([*arguments, "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["code"] == code
    assert HAN.search(told["message_zh"])
    assert not HAN.search(told["message_en"])


@pytest.mark.parametrize("arguments", [[], ["status"], ["record"], ["config"]])
def test_usage__group_alone__shows_its_help_and_exits_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Commands:" in said.err
