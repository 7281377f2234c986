"""The lists of a comparison: a file for each kind of finding, appended to and cut back to what was noted."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ledger.types import Origin
from notary.bulk.durable import append, cut, write_durably
from notary.reconcile.compare import Found, What
from notary.reconcile.words import NAMES
from notary.stores.records import index_of

FIELDS = ("row", "identifier", "issuer", "origin", "index", "library", "ledger", "reason")
_ISSUER = 18


class Lists:
    """The files in `folder`; `form` ndjson or csv. `sizes` and `counts` by finding, as far as they are noted."""

    def __init__(self, folder: Path, form: str) -> None:
        self._folder, self._form = folder, form

    def open(self, sizes: dict[str, int]) -> None:
        """Every file as long as noted; those that weren't, begun."""
        for what in What:
            path = self._path(what)
            if what.value in sizes:
                cut(path, sizes[what.value])
            else:
                write_durably(path, b"" if self._form == "ndjson" else _csv(FIELDS))
                sizes[what.value] = path.stat().st_size

    def write(
        self, found: Mapping[What, Sequence[Mapping[str, Any]]], sizes: dict[str, int], counts: dict[str, int]
    ) -> None:
        """Lines behind those that are there, durable; then noted in `sizes` and `counts`."""
        for what, lines in found.items():
            if not lines:
                continue
            if self._form == "ndjson":
                data = b"".join(json_line(line) for line in lines)
            else:
                data = b"".join(_csv([str(line.get(name, "")) for name in FIELDS]) for line in lines)
            sizes[what.value] = append(self._path(what), data)
            counts[what.value] = counts.get(what.value, 0) + len(lines)

    def _path(self, what: What) -> Path:
        return self._folder / f"{what.value}.{self._form}"


def line_of(found: Found, origin_of: Callable[[int], Origin | None]) -> dict[str, Any]:
    """A line of a list. What only the ledger has goes by its place in the log: nothing of the record is told."""
    line: dict[str, Any] = {}
    if found.library is not None:
        line |= {"row": found.library.number, "identifier": found.library.identifier}
    if found.ledger is not None:
        line |= {"origin": origin_of(found.ledger.position), "index": index_of(found.ledger.position)}
    if found.what is What.STATUS_DIFFERS and found.library is not None and found.ledger is not None:
        line |= {"library": NAMES[found.library.status], "ledger": NAMES[found.ledger.status]}
    elif found.what is What.NOT_IN_LIBRARY and found.ledger is not None:
        line |= {"issuer": found.ledger.key[:_ISSUER].decode(), "ledger": NAMES[found.ledger.status]}
    return line


def json_line(value: Any) -> bytes:
    """One line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _csv(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()
