"""Exit codes, one JSON object, two languages, consoles that lack characters."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from ledger import errors
from ledger.errors import ChuzhengError, InputError, RowsError
from notary.report import EXIT_CODES, Verdict
from scripts import output
from scripts.problems import ServerError, SeveralError, UsageError


def server(status: int, code: str = "x.y") -> ServerError:
    return ServerError(status, {"code": code, "message_zh": "不行", "message_en": "no"})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("cli.day", text="x"), 2),
        (errors.ConfigurationError("cli.up.twice", home="x"), 2),
        (errors.DeniedError("cli.no_token"), 4),
        (InputError("file.missing", path="x"), 19),
        (errors.UnreadableError("json.syntax", line=1, column=1), 19),
        (RowsError("record.wrong", rows=[]), 19),
        (errors.UnavailableError("cli.server_unreachable", url="x", kind="y"), 20),
        (errors.ConflictError("cli.other_content", path="x"), 1),
        (errors.NotFoundError("notary.no_log", origin="x"), 1),
        (errors.IntegrityError("cli.other_entry", path="x", index=1), 1),
        (server(400), 19),
        (server(413), 19),
        (server(422), 19),
        (server(401), 4),
        (server(403), 4),
        (server(404), 1),
        (server(404, "status.unknown"), 11),
        (server(409), 1),
        (server(410), 1),
        (server(429), 20),
        (server(500), 1),
        (server(503), 20),
        (SeveralError("cli.some_failed", failures=[("a", server(409)), ("b", server(422))], done=1), 1),
        (SeveralError("cli.some_failed", failures=[("b", server(422))], done=1), 19),
    ],
)
def test_exit_code__each_kind_of_error__as_verification_says(error: ChuzhengError, code: int) -> None:
    assert output.exit_code(error) == code


def test_exit_codes__of_verdicts_and_of_errors__never_meet() -> None:
    own = {1, 2, 3, 4, 19, 130}
    assert own.isdisjoint(EXIT_CODES.values())
    assert EXIT_CODES[Verdict.CANNOT_CHECK] == output.EXIT_CANNOT_ASK
    assert EXIT_CODES[Verdict.NOT_REGISTERED] == output.EXIT_NOT_REGISTERED


def test_failed__rows__each_with_its_place_in_both_languages(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[tuple[int, str, ChuzhengError]] = [
        (n, "name", InputError("file.missing", path=str(n))) for n in range(60)
    ]
    error = RowsError("record.wrong", rows=rows)
    assert output.failed(error, as_json=True) == 19
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "chuzheng-error/1"
    assert told["ok"] is False
    assert len(told["rows"]) == 60
    assert told["message_zh"] != told["message_en"]
    monkeypatch.setenv("CHUZHENG_LANG", "en")
    output.failed(error, as_json=False)
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[1].startswith("  name: ")  # row 0: a single record has no rows
    assert lines[2].startswith("  row 1 name: ")
    assert "and 10 more" in lines[-1]


def test_failed__several_files__each_named(capsys: pytest.CaptureFixture[str]) -> None:
    error = SeveralError("cli.some_failed", failures=[("a.pdf", server(409, "already_anchored"))], done=3)
    output.failed(error, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == [{"path": "a.pdf", "code": "already_anchored", "message_zh": "不行", "message_en": "no"}]


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "zh"),
        ({"LANG": "C.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.GBK"}, "zh"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "CHUZHENG_LANG": "zh"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "zh"),
    ],
)
def test_language__from_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], language: str
) -> None:
    for name in ("CHUZHENG_LANG", "LC_ALL", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert output.language() == language


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "utf-8", "latin-1"])
def test_emit__console_that_lacks_characters__still_the_same_object(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    output.prepare_streams()
    value: dict[str, Any] = {"name": "王𠮷é", "path": "\udcff"}
    output.emit(value)
    output.result({}, "王𠮷", as_json=False)
    stream.flush()
    first, second = raw.getvalue().decode(encoding).splitlines()
    assert json.loads(first) == value
    assert second


def test_unexpected__stdout_is_the_disk_that_is_full__words_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert output.unexpected(OSError(28, "No space left on device"), as_json=True) == 1
    assert capsys.readouterr().err.strip()


def test_unexpected__any_fault__names_its_kind_and_no_content(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.unexpected(ValueError("110101199003070011"), as_json=True) == 1
    said = capsys.readouterr().out
    assert json.loads(said)["code"] == "cli.unexpected"
    assert "ValueError" in said
    assert "110101199003070011" not in said
