"""Every text stands in both languages with the same places, and every code that is raised has one."""

from __future__ import annotations

import ast
import builtins
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.texts import LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("ledger", "notary", "gateways", "api", "scripts")
HAN = re.compile(r"[\u4e00-\u9fff]")


def _places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def _raised() -> Iterator[tuple[str, str]]:
    """(code, where) of each `SomethingError("code", …)` with a literal code."""
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                first = node.args[0]
                if (
                    not name.endswith("Error")
                    or hasattr(builtins, name)
                    or not isinstance(first, ast.Constant)
                    or not isinstance(first.value, str)
                ):
                    continue
                if re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", first.value):
                    yield first.value, f"{file.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_text__each__stands_in_both_languages(key: str) -> None:
    texts = catalogue()[key]
    assert set(texts) == set(LANGUAGES)
    assert all(texts[language].strip() for language in LANGUAGES)
    assert _places(texts["zh"]) == _places(texts["en"])
    assert not HAN.search(
        texts["en"].replace("测试链", "").replace("楚证", "").replace("中文", "").replace("存证", "")
    ), key


def test_text__every_raised_code__has_one() -> None:
    missing = [f"{code} ({where})" for code, where in _raised() if f"error.{code}" not in catalogue()]
    assert missing == []


def test_text__terminal__has_no_character_that_gbk_lacks() -> None:
    shown = {k: v for k, v in catalogue().items() if k.startswith(("cli.", "error.", "check.", "verdict."))}
    wrong = []
    for key, texts in shown.items():
        for language in LANGUAGES:
            try:
                texts[language].encode("gbk")
            except UnicodeEncodeError as error:
                wrong.append(f"{key}.{language}: {texts[language][error.start : error.end]!r}")
    assert wrong == []
