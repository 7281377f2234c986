"""Reads the code lists that lie beside these modules. The only I/O of this room, once a process, from the package."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.resources import files


def rows(*path: str) -> Iterator[dict[str, str]]:
    """Rows of a vendored CSV file (`data/README.md`), by column name."""
    text = files("ledger.codes").joinpath(*path).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
