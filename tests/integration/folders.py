"""Folders that running programs write into. A file may be renamed or taken away between being listed and being read:
then all is looked at again, so that what is found is of files that stood there from the beginning to the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def looked_at(look: Callable[[], T]) -> T:
    """What `look` finds when no file goes away beneath it."""
    while True:
        with suppress(FileNotFoundError):
            return look()
