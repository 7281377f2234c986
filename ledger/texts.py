"""Every word that people read, in Chinese and English side by side, by key.

`ledger/locale/<room>.toml` (what a contract refuses: `contracts/<Contract>.toml` there) hold `["key"]` tables with `zh`
and `en`; web, CLI and errors read the same files (docs/adr/0003). A key that is missing is a programming error and
raises KeyError; a test proves that none is.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ledger.errors import ChuzhengError

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """All texts: key → {"zh", "en"}. ValueError if two files define one key."""
    merged: dict[str, dict[str, str]] = {}
    folder = files("ledger").joinpath("locale")
    for file in sorted((*folder.iterdir(), *folder.joinpath("contracts").iterdir()), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        for key, texts in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if key in merged:
                raise ValueError(f"text {key!r} is defined twice, the second time in {file.name}")
            merged[key] = texts
    return merged


def text(key: str, language: Language, /, **params: Any) -> str:
    """The text of `key` with its places filled (`{name}`)."""
    template = catalogue()[key][language]
    return template.format(**params) if params else template


def error_text(error: ChuzhengError, language: Language) -> str:
    """What was expected, what was found and what to do, for a person."""
    return text(f"error.{error.code}", language, **error.params)
