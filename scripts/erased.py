"""Which of the records that lie here were erased by order: asked of whatever list is at hand, and said where none was.

Lists only grow, so all that answer are taken together: files that were named, the data folder's, the server's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ledger.errors import ChuzhengError, ConflictError, UnavailableError, UnreadableError
from ledger.types import Origin
from scripts.commands.files import read_file

if TYPE_CHECKING:
    from api.settings import Settings
    from notary.erasures import Erased


@dataclass
class Asked:
    """What the lists say: order by log and index, and for each log who was asked (`file`, `folder`, `server`)."""

    orders: dict[tuple[Origin, int], str] = field(default_factory=dict)
    sources: dict[Origin, list[str]] = field(default_factory=dict)

    def hear(self, source: str, origin: Origin, erased: Iterable[Erased]) -> None:
        """A list of `origin`, from `source`."""
        self.sources.setdefault(origin, []).append(source)
        self.orders |= {(origin, each.index): each.order for each in erased}

    def refuse(self, items: Iterable[tuple[Origin, int, str]]) -> None:
        """ConflictError `erased.copies` if one of these (log, index, name for a person) was erased: it names the first
        and counts them."""
        found = [(origin, index, name) for origin, index, name in items if (origin, index) in self.orders]
        if found:
            origin, index, name = found[0]
            order = self.orders[origin, index]
            raise ConflictError("erased.copies", count=len(found), name=name, origin=origin, index=index, order=order)

    def as_json(self, origins: Iterable[Origin]) -> list[dict[str, Any]]:
        """Who was asked about each log; nobody: an empty list."""
        return [{"origin": origin, "asked": self.sources.get(origin, [])} for origin in sorted(set(origins))]


def ask(
    origins: Iterable[Origin],
    settings: Settings,
    *,
    files: Sequence[Path],
    server: str | None,
    token: str | None,
    insist: bool,
) -> Asked:
    """All lists at hand of these logs; `server`: its address, None: it isn't asked. A log whose list can't be had is
    missing in `sources`; `insist`: UnavailableError where the server doesn't answer."""
    wanted, asked = sorted(set(origins)), Asked()
    for path in files:
        for origin, found in read_lists(read_file(path)).items():
            asked.hear("file", origin, found)
    for origin in wanted:
        if (own := _own(settings, origin)) is not None:
            asked.hear("folder", origin, own)
    if server is not None:
        _ask_server(asked, wanted, server, token, insist=insist)
    return asked


def read_lists(data: bytes) -> dict[Origin, list[Erased]]:
    """What a list of erasures or a snapshot names, by log; whoever runs this vouches for the file."""
    from notary.erasures import Erased, parse_erasures
    from notary.snapshot import parse_snapshot

    try:
        origin, found = parse_erasures(data)
    except UnreadableError as error:
        if error.code not in ("format.unknown", "format.member_missing", "format.member_unknown"):
            raise
        lists: dict[Origin, list[Erased]] = {}
        for (log, at), order in parse_snapshot(data).erasures.items():
            lists.setdefault(Origin(log), []).append(Erased(at, order))
        return lists
    return {origin: list(found)}


def _own(settings: Settings, origin: Origin) -> Iterable[Erased] | None:
    """The list of a log that this data folder keeps; None of another."""
    from notary.stores.erasure_list import read_list
    from notary.stores.tiles import TileLog

    folder = settings.logs_dir / quote(origin, safe="")
    return read_list(TileLog(folder, origin)) if folder.is_dir() else None


def _ask_server(asked: Asked, origins: Iterable[Origin], url: str, token: str | None, *, insist: bool) -> None:
    """Each log's list at `url`; one that it doesn't keep, or that doesn't come, is left out."""
    from notary.erasures import parse_erasures
    from scripts.client import Client

    with Client(url, token, attempts=1) as client:
        for origin in origins:
            try:
                data = client.send("GET", f"logs/{quote(origin, safe='')}/erasures").content
                of, found = parse_erasures(data)
            except ChuzhengError as error:
                if insist and isinstance(error, UnavailableError):
                    raise
                continue
            if of == origin:
                asked.hear("server", origin, found)
