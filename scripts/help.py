"""How commands present themselves: every command with its whole line in Chinese and English, wrapped by terminal cells.

Typer counts characters, and a Chinese one is two cells wide: its own wrapping breaks in narrow terminals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from scripts.problems import UsageError

_PIECES = re.compile(r"\s+|[!-~]+|.")
"""What a line may be broken between: spaces, words of ASCII, single other characters."""
_NEVER_FIRST = "，。、；：！？）”》"
GAP = 2
WIDEST_NAME = 24


def cells(text: str) -> int:
    """Columns that `text` takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells; a longer word stands alone. At least one line."""
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        if line.strip() and cells((line + piece).rstrip()) > width and piece not in _NEVER_FIRST:
            lines.append(line.rstrip())
            line = ""
        line += piece if line or not piece.isspace() else ""
    return [*lines, line.rstrip()]


def _text(formatter: Any, text: str) -> None:
    indent = " " * formatter.current_indent
    for paragraph in text.split("\n\n"):
        for line in wrap(" ".join(paragraph.split()), formatter.width - len(indent)):
            formatter.write(f"{indent}{line}\n")


def _table(formatter: Any, rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    first = min(max((cells(name) for name, _ in rows), default=0), WIDEST_NAME) + GAP
    indent = " " * formatter.current_indent
    for name, told in rows:
        lines = wrap(told, max(20, formatter.width - len(indent) - first))
        if cells(name) > first - GAP:
            formatter.write(f"{indent}{name}\n")
        else:
            formatter.write(f"{indent}{name}{' ' * (first - cells(name))}{lines.pop(0)}\n")
        for line in lines:
            formatter.write(f"{indent}{' ' * first}{line}\n")


class Command(TyperCommand):
    """A command whose help is wrapped by cells."""

    def get_help_option(self, ctx: Any) -> Any:
        return _in_both(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _prepare(formatter)
        super().format_help(ctx, formatter)


class Group(TyperGroup):
    """A group that lists its commands with their whole lines and refuses an unknown one in both languages."""

    def get_help_option(self, ctx: Any) -> Any:
        return _in_both(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _prepare(formatter)
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, " ".join((c.help or "").split())) for name, c in found if c is not None and not c.hidden]
        with formatter.section("Commands"):
            _table(formatter, rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            known = [name for name in self.list_commands(ctx) if not getattr(self.get_command(ctx, name), "hidden", 0)]
            raise UsageError("cli.usage.command", name=args[0][:60], known=", ".join(known))
        return super().resolve_command(ctx, args)


class App(typer.Typer):
    """A group of commands of ours."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(cls=Group, no_args_is_help=True, add_completion=False, **arguments)

    def command(self, name: str | None = None, **arguments: Any) -> Callable[[Any], Any]:
        arguments.setdefault("cls", Command)
        return super().command(name, **arguments)


def usage_error(error: typer.TyperException) -> UsageError:
    """What Typer found wrong, in both languages; its own classes aren't public, so it is asked by what they hold."""
    match type(error).__name__:
        case "MissingParameter":
            return UsageError("cli.usage.missing", name=_name(error))
        case "NoSuchOption":
            return UsageError("cli.usage.option", name=str(getattr(error, "option_name", "?"))[:60])
        case "BadParameter":
            return UsageError(
                "cli.usage.value", name=_name(error), reason=str(getattr(error, "message", "")).rstrip(".")
            )
        case _:
            said = getattr(error, "format_message", lambda: str(error))
            return UsageError("cli.usage.other", reason=said().rstrip("."))


def _in_both(option: Any) -> Any:
    if option is not None:
        option.help = "显示说明 / show this help"
    return option


def _name(error: Any) -> str:
    """The parameter as it is written: its long option, or the argument's name."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        return str(getattr(error, "param_hint", None) or "?")
    long = [option for option in parameter.opts if option.startswith("--")]
    return str(long[0] if long else parameter.name)


def _prepare(formatter: Any) -> None:
    """Puts this room's wrapping into a formatter."""
    formatter.write_text = lambda text: _text(formatter, text)
    formatter.write_dl = lambda rows, *_, **__: _table(formatter, rows)
