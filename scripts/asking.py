"""A yes or a no from a person, in the words of either language.

What is neither is asked again, a few times and then taken as a no: input that never ends in an answer must not either.
"""

from __future__ import annotations

import typer

from scripts import output

_YES, _NO = frozenset({"y", "yes", "是"}), frozenset({"", "n", "no", "否"})
MOST = 3
"""Answers that are read."""


def agreed(question: str) -> None:
    """Returns where a person says yes; typer.Abort (exit code 3) otherwise. On stderr: stdout is the result's."""
    for _ in range(MOST):
        answer = typer.prompt(f"{question} [y/N]", default="", show_default=False, err=True).strip().lower()
        if answer in _YES:
            return
        if answer in _NO:
            break
        output.say("cli.ask.again")
    raise typer.Abort
