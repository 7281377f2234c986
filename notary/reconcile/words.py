"""Statuses as a library writes them: the words of the official lists, ours, or what a map of its own says.

Pure. Numbers differ from one official list to the next (data/certificate_status_codes.csv), so they stand for nothing
until a map names them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from ledger.errors import InputError
from ledger.statuses import DecisionCode

IN_FORCE = 0
NAMES = {
    IN_FORCE: "in_force",
    **{int(code): code.name.lower() for code in DecisionCode if code != DecisionCode.RESUMED},
}
"""Our word for each status; a certificate whose suspension ended is in force."""
_CHINESE = {
    "有效": IN_FORCE, "现势": IN_FORCE, "正常": IN_FORCE,
    "暂扣": DecisionCode.SUSPENDED, "中止": DecisionCode.SUSPENDED,
    "撤销": DecisionCode.RESCINDED, "注销": DecisionCode.DEREGISTERED, "失效": DecisionCode.LAPSED,
    "办理转出": DecisionCode.TRANSFERRED_OUT, "转出": DecisionCode.TRANSFERRED_OUT, "吊销": DecisionCode.REVOKED,
    "被替换": DecisionCode.SUPERSEDED, "撤回": DecisionCode.WITHDRAWN, "其他": DecisionCode.OTHER,
}  # fmt: skip
WORDS: dict[str, int] = {**{name: code for code, name in NAMES.items()}, **{w: int(c) for w, c in _CHINESE.items()}}


def status_words(map_text: str | None) -> Mapping[str, int]:
    """The library's words → our numbers: ours and the official ones, and those of a map (TOML, `"03" = "revoked"`).

    InputError `reconcile.map` where it isn't one; `reconcile.map_word` where it names no status.
    """
    if map_text is None:
        return WORDS
    try:
        found = tomllib.loads(map_text)
    except tomllib.TOMLDecodeError:
        raise InputError("reconcile.map") from None
    own = {}
    for word, meaning in found.items():
        if not isinstance(meaning, str) or meaning not in WORDS:
            raise InputError("reconcile.map_word", word=word[:60], known=", ".join(NAMES.values()))
        own[word] = WORDS[meaning]
    return {**WORDS, **own}
